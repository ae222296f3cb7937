//! Trees that answer by a script, read to their end.

mod refusals;
mod script;
mod sharing;

use casbah_connector::{ConnectorError, Recovery};
use casbah_model::file::Sharing;
use serde_json::{Value, json};

use script::{Asked, Enterprise};

/// An item as a listing has it.
fn item(kind: &str, id: &str) -> Value {
    json!({"type": kind, "id": id, "etag": "1", "name": format!("{kind} {id}"), "shared_link": null,
           "owned_by": {"type": "user", "id": "11", "login": "a@corp.example"}, "is_externally_owned": false,
           "has_collaborations": false, "modified_at": "2026-03-23T09:18:35-07:00"})
}

fn with(mut item: Value, name: &str, value: Value) -> Value {
    item[name] = value;
    item
}

fn page(entries: &[Value], next: Value) -> (u16, String) {
    (
        200,
        json!({"limit": 1000, "next_marker": next, "entries": entries}).to_string(),
    )
}

fn error(status: u16, code: &str) -> (u16, String) {
    let body = json!({"type": "error", "status": status, "code": code, "message": "No.", "request_id": "1"});
    (status, body.to_string())
}

fn nothing() -> (u16, String) {
    page(&[], Value::Null)
}

fn user(status: &str) -> (u16, String) {
    (
        200,
        json!({"type": "user", "id": "11", "status": status}).to_string(),
    )
}

/// Two levels, a colleague's folder and one of somebody outside, and links and collaborations of each kind.
fn corp(asked: &Asked<'_>) -> (u16, String) {
    let theirs = json!({"type": "user", "id": "12", "login": "b@corp.example"});
    let outside = with(item("folder", "300"), "is_externally_owned", json!(true));
    let open =
        json!({"url": "https://app.box.com/s/1", "access": "open", "effective_access": "open"});
    let both = with(item("file", "1"), "shared_link", open);
    match (asked.path, asked.marker) {
        ("/folders/0/items", None) => page(
            &[
                with(both, "has_collaborations", json!(true)),
                with(item("folder", "100"), "has_collaborations", json!(true)),
                with(item("folder", "200"), "owned_by", theirs),
            ],
            json!("m 1/+"),
        ),
        ("/folders/0/items", Some("m%201%2F%2B")) => {
            page(&[outside, item("web_link", "1")], json!(""))
        }
        ("/folders/100/items", None) => {
            let theirs = json!({"type": "user", "id": "12", "login": "b@corp.example"});
            page(
                &[
                    item("folder", "110"),
                    with(item("file", "2"), "owned_by", theirs),
                ],
                Value::Null,
            )
        }
        ("/folders/110/items" | "/folders/300/items", None) => {
            page(&[item("file", "3")], Value::Null)
        }
        ("/folders/trash/items", None) => page(&[item("file", "4")], Value::Null),
        ("/files/1/collaborations", None) => page(
            &[
                json!({"status": "accepted", "role": "editor", "accessible_by": {"type": "user", "login": "b@corp.example"}}),
            ],
            json!("next"),
        ),
        ("/files/1/collaborations", Some("next")) => nothing(),
        ("/folders/100/collaborations", None) => page(
            &[
                json!({"status": "pending", "role": "viewer", "accessible_by": null, "invite_email": "x@other.example"}),
            ],
            Value::Null,
        ),
        _ => error(404, "not_found"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_tree_is_read_with_who_can_see_what_is_shared() {
    let enterprise = Enterprise::new(corp);
    let read = enterprise.whole("11").await;
    assert_eq!(read.refused, [""; 0]);
    // The link opens it to everybody; two pages of collaborations are two records.
    assert_eq!(
        read.of("11/1"),
        [
            "file-shared",
            "public-by-link",
            "public-by-link",
            "public-by-link"
        ]
    );
    assert_eq!(read.of("11/folder:100"), ["folder-shared", "external"]);
    assert_eq!(read.of("11/folder:110"), ["folder"]);
    assert_eq!(read.of("11/folder:300"), ["folder-shared", "external"]);
    assert_eq!(read.of("11/web_link:1"), ["file"]);
    assert_eq!(read.of("11/2"), ["file"], "it lies in a folder of ours");
    assert_eq!(read.of("11/4"), ["removed"]);
    assert_eq!(read.of("11/folder:200"), [""; 0], "its owner's tree has it");
    assert_eq!(read.parents["11/1"], "11/folder:0");
    assert_eq!(read.parents["11/folder:110"], "11/folder:100");
    // One call for each page of each folder, and for each page of collaborations.
    let mut calls = enterprise.calls();
    calls.sort();
    let expected = [
        "/files/1/collaborations",
        "/files/1/collaborations",
        "/folders/0/items",
        "/folders/0/items",
        "/folders/100/collaborations",
        "/folders/100/items",
        "/folders/110/items",
        "/folders/300/items",
        "/folders/trash/items",
    ];
    assert_eq!(calls, expected);
    assert!(
        enterprise
            .acting()
            .iter()
            .all(|user| user.as_deref() == Some("11"))
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_no_item_is_set_aside_and_the_walk_goes_on() {
    let enterprise = Enterprise::new(|asked| match asked.path {
        "/folders/0/items" => page(
            &[
                json!("a text"),
                json!({"type": "file"}),
                json!({"type": "file", "id": 7}),
                json!({"type": "file", "id": "../7"}),
                json!({"type": "file", "id": "007"}),
                json!({"type": "file", "id": "99999999999999999999999"}),
                json!({"type": "hub", "id": "7"}),
                json!({"type": "folder", "id": "0"}),
                with(
                    with(item("folder", "5"), "owned_by", json!(7)),
                    "shared_link",
                    json!([]),
                ),
            ],
            Value::Null,
        ),
        "/folders/5/items" => page(&[item("folder", "5"), item("folder", "0")], Value::Null),
        _ => nothing(),
    });
    let read = enterprise.whole("11").await;
    let ids = ["no-id"; 5];
    let mut expected = vec!["not-an-object"];
    expected.extend(ids);
    expected.extend([
        "unknown-type",
        "folder-in-itself",
        "folder-in-itself",
        "folder-in-itself",
    ]);
    assert_eq!(read.refused, expected);
    assert_eq!(read.lines, [("11/folder:5".to_string(), "folder")]);
}

#[tokio::test(start_paused = true)]
async fn an_item_that_stands_twice_in_a_page_is_asked_for_once() {
    let enterprise = Enterprise::new(|asked| match asked.path {
        "/folders/0/items" => {
            let shared = with(item("file", "1"), "has_collaborations", json!(true));
            page(&[shared.clone(), shared], Value::Null)
        }
        _ => nothing(),
    });
    let read = enterprise.whole("11").await;
    assert_eq!(read.of("11/1"), ["file-shared", "file-shared", "private"]);
    assert_eq!(enterprise.calls().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_was_read_beside_a_page_that_failed_counts() {
    let enterprise = Enterprise::new(|asked| match (asked.path, asked.times) {
        ("/folders/0/items", _) => {
            let folders = ["1", "2", "3"].map(|id| item("folder", id));
            page(&folders, Value::Null)
        }
        ("/folders/2/items", 0) => (200, r#"{"entries":["#.into()),
        ("/folders/1/items" | "/folders/2/items" | "/folders/3/items", _) => {
            let id = asked
                .path
                .trim_matches(|letter: char| !letter.is_ascii_digit());
            page(&[item("file", &format!("{id}0"))], Value::Null)
        }
        _ => nothing(),
    });
    let read = enterprise.whole("11").await;
    for file in ["11/10", "11/20", "11/30"] {
        assert_eq!(read.of(file), ["file"], "{file}");
    }
    let times = |path: &str| {
        enterprise
            .calls()
            .iter()
            .filter(|known| *known == path)
            .count()
    };
    assert_eq!(
        (times("/folders/1/items"), times("/folders/2/items")),
        (1, 2)
    );
}

#[tokio::test(start_paused = true)]
async fn items_are_read_again_by_themselves() {
    let enterprise = Enterprise::new(|asked| match asked.path {
        "/files/1" => {
            let moved = with(
                item("file", "1"),
                "parent",
                json!({"type": "folder", "id": "100"}),
            );
            (200, moved.to_string())
        }
        "/folders/100" => (
            200,
            with(item("folder", "100"), "has_collaborations", json!(true)).to_string(),
        ),
        "/folders/100/collaborations" => page(
            &[json!({"status": "accepted", "accessible_by": {"type": "group", "id": "1"}})],
            Value::Null,
        ),
        "/files/2" => error(404, "trashed"),
        "/files/3" => error(403, "forbidden"),
        "/files/4" => {
            let theirs = json!({"id": "12", "login": "b@corp.example"});
            (200, with(item("file", "4"), "owned_by", theirs).to_string())
        }
        "/users/11" => user("active"),
        _ => error(500, "internal_server_error"),
    });
    let named = [
        "files/1",
        "folders/100",
        "files/2",
        "files/3",
        "files/4",
        "files/1",
        "files/../5",
        "x",
    ];
    let read = enterprise.items("11", &named).await.expect("items");
    assert_eq!(
        (read.of("11/1"), read.parents["11/1"].as_str()),
        (vec!["file"], "11/folder:100")
    );
    assert_eq!(read.of("11/folder:100"), ["folder-shared", "internal"]);
    assert_eq!(read.of("11/2"), ["removed"]);
    assert_eq!(read.of("11/3"), ["unreadable"]);
    assert_eq!(read.of("11/4"), [""; 0], "the tree of its owner has it");
    assert_eq!(enterprise.calls().len(), 7);
}

#[tokio::test(start_paused = true)]
async fn without_items_it_is_seen_whether_the_user_is_there() {
    let there = Enterprise::new(|_| user("active"));
    assert_eq!(there.items("11", &[]).await.expect("there").lines, []);
    let gone = Enterprise::new(|_| error(404, "not_found"));
    for items in [&[][..], &["files/1"]] {
        let failed = gone.items("11", items).await.expect_err("nobody is there");
        assert_eq!(failed.recovery(), Recovery::Lose("not_found".into()));
    }
}

#[tokio::test(start_paused = true)]
async fn every_managed_user_with_content_is_a_root() {
    let enterprise = Enterprise::new(|asked| {
        let app = |id: &str, used: u64| json!({"type": "user", "id": id, "status": "active", "is_platform_access_only": true, "space_used": used});
        let person = |id: &str, status: &str| json!({"type": "user", "id": id, "status": status, "is_platform_access_only": false, "space_used": 0});
        match (asked.path, asked.marker) {
            ("/users/me", _) => (200, json!({"type": "user", "id": "30"}).to_string()),
            ("/users", None) => page(
                &[person("11", "active"), person("12", "inactive")],
                json!("m"),
            ),
            ("/users", Some("m")) => page(&[app("20", 0), app("21", 9), app("30", 9)], json!("")),
            _ => nothing(),
        }
    });
    let roots = enterprise.roots().await.expect("roots");
    let named: Vec<_> = roots
        .iter()
        .map(|root| (root.id.as_str(), root.address.as_str()))
        .collect();
    let expected = [
        ("11", "box://users/11"),
        ("12", "box://users/12"),
        ("21", "box://users/21"),
        ("30", "box://self/30"),
    ];
    assert_eq!(named, expected);
    assert!(roots.iter().all(|root| root.unshared == Sharing::Private));
    assert!(super::roots::is_ours(&roots[3]) && !super::roots::is_ours(&roots[0]));
    let broken = Enterprise::new(|asked| match asked.path {
        "/users/me" => (200, "{}".into()),
        _ => page(&[json!({"type": "user", "id": "x"})], Value::Null),
    });
    assert!(matches!(
        broken.roots().await,
        Err(ConnectorError::Unreadable { .. })
    ));
}
