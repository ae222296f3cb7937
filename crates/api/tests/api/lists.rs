//! Pages, tokens and filters.

use serde_json::Value;

use crate::door::{Door, in_virtual_time};

const LISTS: [&str; 9] = [
    "streams",
    "gaps",
    "ledger",
    "users",
    "groups",
    "privileges",
    "app-permissions",
    "files",
    "files?kind=file",
];

fn rows(answer: &Value) -> Vec<Value> {
    let rows = answer.get("items").or_else(|| answer.get("hours"));
    rows.and_then(Value::as_array).expect("rows").clone()
}

/// Reads a list to its end; a list that is being built is waited for.
async fn all(door: &Door, path: &str, limit: usize) -> Vec<Value> {
    let mut found = vec![];
    let mut token: Option<String> = None;
    let joint = if path.contains('?') { '&' } else { '?' };
    for _ in 0..2000 {
        let mut at = format!("/v1/connections/contoso/{path}{joint}limit={limit}");
        if let Some(token) = &token {
            at += &format!("&next_token={token}");
        }
        let answer = door.get(&at).await;
        if answer.status.as_u16() == 202 {
            assert!(answer.header("location").contains("next_token="));
            assert_ne!(answer.header("retry-after"), "");
            door.run().await;
        }
        let is_built = answer.status.as_u16() == 200;
        let body = answer.body;
        if is_built {
            assert!(rows(&body).len() <= limit);
            found.extend(rows(&body));
        }
        token = body["next_token"].as_str().map(String::from);
        if token.is_none() {
            return found;
        }
    }
    panic!("{path} has no end");
}

#[test]
fn every_list_is_the_same_in_pages_of_any_size() {
    in_virtual_time(async {
        let door = Door::caught_up().await;
        for path in LISTS {
            let whole = all(&door, path, 1000).await;
            if !["gaps"].contains(&path) {
                assert!(!whole.is_empty(), "{path}");
            }
            for limit in [1, 7] {
                assert_eq!(all(&door, path, limit).await, whole, "{path} by {limit}");
            }
        }
        let connections = door.get("/v1/connections?limit=1").await.is(200);
        assert_eq!(rows(&connections).len(), 1);
    });
}

#[test]
fn a_token_belongs_to_one_list_and_one_filter() {
    in_virtual_time(async {
        let door = Door::caught_up().await;
        let first = door
            .get("/v1/connections/contoso/streams?limit=1")
            .await
            .is(200);
        let token = first["next_token"].as_str().expect("there is more");
        let rows = [
            format!("/v1/connections?next_token={token}"),
            format!("/v1/connections/contoso/gaps?next_token={token}"),
            format!("/v1/connections/contoso/ledger?next_token={token}"),
            format!("/v1/connections/contoso/users?next_token={token}"),
            format!("/v1/connections/contoso/streams?next_token={token}x"),
            "/v1/connections/contoso/streams?next_token=%00".to_string(),
            "/v1/connections/contoso/streams?next_token=e30".to_string(),
        ];
        for path in rows {
            let refused = door.get(&path).await;
            assert_eq!(refused.status.as_u16(), 400, "{path}");
            assert_eq!(refused.body["field"], "next_token", "{path}");
        }
    });
}

#[test]
fn the_ledger_of_one_feed_is_a_part_of_the_whole() {
    in_virtual_time(async {
        let door = Door::caught_up().await;
        let whole = door.get("/v1/connections/contoso/ledger").await.is(200);
        for total in whole["totals"].as_array().expect("totals") {
            let feed = total["feed"].as_str().expect("a name");
            let one = door
                .get(&format!("/v1/connections/contoso/ledger?feed={feed}"))
                .await
                .is(200);
            assert_eq!(one["totals"], serde_json::json!([total]));
        }
        let unknown = door.get("/v1/connections/contoso/ledger?feed=mail").await;
        unknown.is_problem("bad-parameter", Some("feed"));
    });
}
