//! A connection from its creation to its end, as a customer's program sees it.

use std::time::Duration;

use casbah_model::state::{Condition, Set, Write};
use casbah_pipeline::connect::find;
use casbah_simulators::microsoft365::{Fault, FaultSettings};
use http::Method;
use serde_json::{Value, json};

use crate::door::{Door, in_virtual_time};

const CONTOSO: &str = "/v1/connections/contoso";

#[test]
fn a_tenant_is_connected_tested_and_read_and_shows_no_secret() {
    in_virtual_time(async {
        let door = Door::new();
        let created = door.post("/v1/connections", door.contoso()).await;
        assert_eq!(created.header("location"), CONTOSO);
        let created = created.is(202);
        assert_eq!(
            (&created["state"], &created["tested_at"]),
            (&json!("pending"), &Value::Null)
        );
        assert_eq!(
            door.get(&format!("{CONTOSO}/test")).await.is(200)["status"],
            "pending"
        );
        let not_yet = door.get(&format!("{CONTOSO}/users")).await;
        not_yet.is_problem("not-yet-scanned", None);
        door.run().await;

        let test = door.get(&format!("{CONTOSO}/test")).await.is(200);
        assert_eq!(test["status"], "completed");
        assert_eq!(
            test["report"]["components"].as_array().map(Vec::len),
            Some(6)
        );
        let connection = door.get(CONTOSO).await.is(200);
        assert_eq!(connection["state"], "connected");
        assert_eq!(connection["app_settings"]["credential"], "secret");
        let secret = &door.simulator.plan().client_secret;
        for path in [
            "",
            "/test",
            "/permissions",
            "/streams",
            "/progress",
            "/lag",
            "/gaps",
        ] {
            let answer = door.get(&format!("{CONTOSO}{path}")).await.is(200);
            assert!(!answer.to_string().contains(secret.as_str()), "{path}");
        }
        let progress = door.get(&format!("{CONTOSO}/progress")).await.is(200);
        for stage in progress["stages"].as_array().expect("stages") {
            assert_eq!(stage["state"], "caught-up", "{stage:#}");
        }
        let ledger = door.get(&format!("{CONTOSO}/ledger")).await.is(200);
        assert_eq!(ledger["closes"], true);
        let lag = door.get(&format!("{CONTOSO}/lag")).await.is(200);
        for feed in lag["feeds"].as_array().expect("feeds") {
            assert!(
                feed["lag_seconds"].as_u64().is_some_and(|lag| lag < 900),
                "{feed:#}"
            );
        }
    });
}

#[test]
fn what_is_done_twice_is_done_once_and_a_name_is_not_taken_over() {
    in_virtual_time(async {
        let door = Door::caught_up().await;
        // The same again, under another key, as whoever lost both answer and key would.
        let again = door.post("/v1/connections", door.contoso()).await.is(202);
        assert_eq!(again["state"], "connected");
        let mut other = door.contoso();
        other["components"] = json!(["users"]);
        let refused = door.post("/v1/connections", other.clone()).await;
        refused.is_problem("name-taken", Some("/name"));
        other["app_settings"]["tenant_id"] = json!("11111111-2222-3333-4444-555555555555");
        let refused = door.post("/v1/connections", other).await;
        refused.is_problem("name-taken", Some("/name"));
        assert_eq!(refused.body["connector"], "microsoft365");
    });
}

#[test]
fn an_org_of_okta_is_connected_with_a_key_alone_and_its_name_is_not_taken_over() {
    in_virtual_time(async {
        let door = Door::new();
        let acme = json!({
            "name": "acme",
            "app": "okta",
            "components": ["users"],
            "app_settings": { "domain": "acme.okta.com", "client_id": "0oa1", "share_percent": "25" },
            "credential": { "private_key": "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n" },
        });
        let connected = door.post("/v1/connections", acme.clone()).await.is(202);
        assert_eq!(connected["app_settings"]["credential"], "private-key");
        assert!(!connected.to_string().contains("hunter2"));
        let mut other = acme.clone();
        other["app_settings"]["domain"] = json!("other.okta.com");
        let refused = door.post("/v1/connections", other).await;
        refused.is_problem("name-taken", Some("/name"));
        let moved = json!({ "app_settings": { "domain": "other.okta.com" } });
        let refused = door.patch("/v1/connections/acme", moved).await;
        refused.is_problem("bad-field", Some("/app_settings/domain"));
        let mut both = acme.clone();
        both["credential"]["client_secret"] = json!("00token");
        let refused = door.post("/v1/connections", both).await;
        refused.is_problem("bad-field", Some("/credential"));
        let mut away = acme;
        away["name"] = json!("away");
        away["app_settings"]["domain"] = json!("169.254.169.254");
        let refused = door.post("/v1/connections", away).await;
        refused.is_problem("bad-field", Some("/app_settings/domain"));
    });
}

#[test]
fn a_change_is_made_to_what_was_read_and_tested_at_once() {
    in_virtual_time(async {
        let door = Door::caught_up().await;
        let read = door.get(CONTOSO).await;
        let tag = read.header("etag").to_string();
        let change = json!({ "components": ["users"] }).to_string();
        let patch = async |tag: &str| {
            let headers = [("if-match", tag)];
            door.send(Method::PATCH, CONTOSO, &headers, Some(change.clone()))
                .await
        };
        let changed = patch(&tag).await;
        assert_ne!(changed.header("etag"), tag);
        assert_eq!(changed.is(200)["components"], json!(["users"]));
        let late = patch(&tag).await;
        assert_eq!(late.status.as_u16(), 412);
        late.is_problem("changed-meanwhile", Some("If-Match"));
        assert_eq!(patch("\"0.0\", *").await.status.as_u16(), 412);
        assert_eq!(patch("*").await.status.as_u16(), 200);
        assert_eq!(
            door.get(&format!("{CONTOSO}/test")).await.is(200)["status"],
            "pending"
        );
        door.run().await;
        let permissions = door.get(&format!("{CONTOSO}/permissions")).await.is(200);
        let excessive = permissions["excessive"].as_array().expect("a list");
        assert!(!excessive.is_empty(), "rights for files are of no use now");
        assert_eq!(permissions["changes"]["added"], json!([]));
    });
}

#[test]
fn a_new_credential_is_tested_at_once_and_a_wrong_one_stops_the_connection() {
    in_virtual_time(async {
        let door = Door::caught_up().await;
        let wrong = json!({ "credential": { "client_secret": "expired" } });
        door.patch(CONTOSO, wrong).await.is(200);
        door.run().await;
        let failed = door.get(CONTOSO).await.is(200);
        assert_eq!(failed["state"], "failed");
        assert!(failed["cause"]["fix"].is_string(), "{failed:#}");
        let test = door.get(&format!("{CONTOSO}/test")).await.is(200);
        assert_eq!(test["status"], "completed");
        assert_eq!(test["cause"], failed["cause"]);
        let right = json!({ "credential": door.contoso()["credential"] });
        assert_eq!(door.patch(CONTOSO, right).await.is(200)["state"], "pending");
        door.run().await;
        assert_eq!(door.get(CONTOSO).await.is(200)["state"], "connected");
    });
}

#[test]
fn a_right_that_was_taken_away_is_missing_and_told_as_a_change() {
    in_virtual_time(async {
        let door = Door::caught_up().await;
        let before = door.get(&format!("{CONTOSO}/permissions")).await.is(200);
        assert_eq!(
            (&before["missing"], &before["changes"]),
            (&json!([]), &Value::Null)
        );
        let taken = "Sites.Read.All";
        let without = FaultSettings::always().with_value(taken);
        door.simulator.switch(Fault::RolesShrink, Some(without));
        door.post(&format!("{CONTOSO}/test"), Value::Null)
            .await
            .is(202);
        door.run().await;
        let after = door.get(&format!("{CONTOSO}/permissions")).await.is(200);
        assert_eq!(after["changes"]["removed"], json!([taken]));
        assert_eq!(after["missing"][0]["permission"], taken);
        assert!(after["consent_link"].is_string());
        let connection = door.get(CONTOSO).await.is(200);
        assert_eq!(connection["state"], "degraded");
        assert!(
            connection["causes"]["files"]["fix"].is_string(),
            "{connection:#}"
        );
    });
}

#[test]
fn a_scan_that_is_asked_for_begins_now() {
    in_virtual_time(async {
        let door = Door::caught_up().await;
        let sweep = async || {
            let progress = door.get(&format!("{CONTOSO}/progress")).await.is(200);
            let stages = progress["stages"].as_array().expect("stages").clone();
            let files = stages.iter().find(|stage| stage["stage"] == "files");
            files.expect("a stage")["sweep"]["run"].clone()
        };
        let first = sweep().await;
        let what = json!({ "what": ["users", "activities", "files"] });
        let asked = door.post(&format!("{CONTOSO}/scan"), what).await;
        assert_eq!(asked.header("location"), format!("{CONTOSO}/progress"));
        let stages = asked.is(202)["stages"].clone();
        for stage in stages.as_array().expect("stages").iter().skip(1) {
            assert_eq!(stage["state"], "working", "{stage:#}");
        }
        door.run().await;
        assert_ne!(sweep().await, first, "another sweep over all files");
    });
}

#[test]
fn files_are_not_caught_up_while_a_root_of_the_sweep_is_left() {
    in_virtual_time(async {
        let door = Door::caught_up().await;
        let files = async || {
            let progress = door.get(&format!("{CONTOSO}/progress")).await.is(200);
            let stages = progress["stages"].as_array().expect("stages").clone();
            let files = stages.into_iter().find(|stage| stage["stage"] == "files");
            files.expect("a stage")
        };
        let before = files().await;
        assert_eq!(before["state"], "caught-up");
        // As if whoever read the last root had died: every stream is caught up, and the sweep has not ended.
        let run = before["sweep"]["run"].as_str().expect("a run").to_string();
        let contoso = find(&door.system.ctx, &"contoso".parse().expect("a name")).await;
        let contoso = contoso.expect("found").expect("there");
        let run = contoso.scope().run(&run);
        let write = Write::update(run, Condition::Exists, vec![Set::Remove("ended")]);
        door.system.ctx.state.write(write).await.expect("written");
        assert_eq!(files().await["state"], "working");
    });
}

#[test]
fn a_paused_connection_does_nothing_until_it_is_resumed() {
    in_virtual_time(async {
        let door = Door::caught_up().await;
        let paused = door
            .post(&format!("{CONTOSO}/pause"), Value::Null)
            .await
            .is(200);
        assert_eq!(paused["state"], "paused");
        for (path, body) in [
            ("test", Value::Null),
            ("scan", json!({ "what": ["users"] })),
        ] {
            let refused = door.post(&format!("{CONTOSO}/{path}"), body).await;
            refused.is_problem("wrong-state", None);
        }
        door.post(&format!("{CONTOSO}/pause"), json!({}))
            .await
            .is(200);
        door.post(&format!("{CONTOSO}/resume"), Value::Null)
            .await
            .is(200);
        door.run().await;
        let resumed = door
            .post(&format!("{CONTOSO}/resume"), Value::Null)
            .await
            .is(200);
        assert_eq!(resumed["state"], "connected", "nothing is forgotten");
    });
}

#[test]
fn a_disconnected_connection_keeps_what_was_read_and_goes_on_with_a_credential() {
    in_virtual_time(async {
        let door = Door::caught_up().await;
        let gone = door
            .post(&format!("{CONTOSO}/disconnect"), Value::Null)
            .await
            .is(200);
        assert_eq!(gone["state"], "disconnected");
        door.post(&format!("{CONTOSO}/resume"), Value::Null)
            .await
            .is_problem("wrong-state", None);
        let change = door
            .patch(CONTOSO, json!({ "components": ["users"] }))
            .await;
        change.is_problem("wrong-state", None);
        assert_eq!(
            door.get(&format!("{CONTOSO}/ledger")).await.is(200)["closes"],
            true
        );
        door.post("/v1/connections", door.contoso()).await.is(202);
        door.run().await;
        assert_eq!(door.get(CONTOSO).await.is(200)["state"], "connected");
    });
}

#[test]
fn a_deleted_connection_is_gone_and_its_name_is_free() {
    in_virtual_time(async {
        let door = Door::caught_up().await;
        let deleted = door.send(Method::DELETE, CONTOSO, &[], None).await;
        assert_eq!(deleted.header("location"), CONTOSO);
        assert_eq!(deleted.is(202)["state"], "deleting");
        let taken = door.post("/v1/connections", door.contoso()).await;
        taken.is_problem("wrong-state", None);
        door.get(&format!("{CONTOSO}/users"))
            .await
            .is_problem("wrong-state", None);
        door.run().await;
        // Its last listing is a while after the first.
        door.system
            .ctx
            .sleep(casbah_model::SignedDuration::try_from(Duration::from_secs(900)).expect("short"))
            .await;
        door.run().await;
        door.get(CONTOSO)
            .await
            .is_problem("no-such-connection", None);
        assert_eq!(
            door.get("/v1/connections").await.is(200)["items"],
            json!([])
        );
        door.post("/v1/connections", door.contoso()).await.is(202);
    });
}

#[test]
fn the_service_tells_how_it_is_and_what_problems_mean() {
    in_virtual_time(async {
        let door = Door::new();
        assert_eq!(door.get("/v1/health").await.is(200)["status"], "ok");
        for entry in &casbah_api::CATALOGUE {
            let told = door
                .get(&format!("/v1/problems/{}", entry.name))
                .await
                .is(200);
            assert_eq!(told["title"], entry.title);
        }
        door.get("/v1/problems/x")
            .await
            .is_problem("no-such-problem", Some("code"));
        let document = door.get("/v1/openapi.yaml").await;
        assert_eq!(document.header("content-type"), "application/yaml");
        assert_eq!(document.header("cache-control"), "no-store");
    });
}

#[test]
fn a_notification_that_is_addressed_to_nobody_is_answered_without_a_word() {
    in_virtual_time(async {
        let door = Door::caught_up().await;
        let hook = async |path: &str, body: Vec<u8>| {
            let request = http::Request::builder().method(Method::POST).uri(path);
            let request = request.body(bytes::Bytes::from(body)).expect("a request");
            casbah_api::hook(&door.system.ctx, request).await
        };
        for (path, status) in [
            ("/hooks/", 404),
            ("/hooks/Contoso", 404),
            ("/hooks/contoso/more", 404),
            ("/v1/connections/contoso", 404),
        ] {
            let answer = hook(path, b"{}".to_vec()).await;
            assert_eq!(answer.status().as_u16(), status, "{path}");
            assert!(answer.body().is_empty(), "{path}");
        }
        let large = hook("/hooks/contoso", vec![b' '; casbah_api::HOOK_BYTES_MAX + 1]).await;
        assert_eq!(large.status().as_u16(), 413);
        // What is not proven to come from the vendor is never taken.
        let forged = hook("/hooks/contoso", b"{\"value\": []}".to_vec()).await;
        assert!(!forged.status().is_server_error());
        let unknown = hook("/hooks/fabrikam", b"{\"value\": []}".to_vec()).await;
        assert!(!unknown.status().is_server_error());
    });
}
