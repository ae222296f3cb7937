//! Answers that are no page, and what a refusal means for a folder, a user and the walk.

use casbah_connector::{ConnectorError, Recovery};
use serde_json::{Value, json};

use super::script::Enterprise;
use super::{error, item, nothing, page, user, with};

#[tokio::test(start_paused = true)]
async fn answers_that_are_no_page_are_errors_and_no_end() {
    let first = |body: &'static str| {
        Enterprise::new(move |asked| match asked.path {
            "/folders/0/items" => (200, body.to_string()),
            _ => nothing(),
        })
    };
    for (body, is_retried) in [
        (r#"{"entries":[{"type":"file","id":"1"}"#, true),
        ("", false),
        ("<html></html>", false),
        ("{}", false),
        (r#"{"entries":null}"#, false),
        (r#"{"entries":{}}"#, false),
        (r#"{"entries":[],"next_marker":7}"#, false),
    ] {
        let (_, error) = first(body).walk("11").await;
        let error = error.expect(body);
        let expected = if is_retried {
            Recovery::Retry
        } else {
            Recovery::Count
        };
        assert_eq!(error.recovery(), expected, "{body}: {}", error.chain());
    }
    let long = Enterprise::new(|_| page(&[], json!("m".repeat(5_000))));
    let (_, error) = long.walk("11").await;
    assert!(
        matches!(error, Some(ConnectorError::BadLink { .. })),
        "{error:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn markers_that_lead_back_are_errors() {
    for path in [
        "/folders/0/items",
        "/folders/trash/items",
        "/files/1/collaborations",
    ] {
        let enterprise = Enterprise::new(move |asked| match asked.path {
            known if known == path => page(&[], json!("round")),
            "/folders/0/items" => page(
                &[with(item("file", "1"), "has_collaborations", json!(true))],
                Value::Null,
            ),
            _ => nothing(),
        });
        let (_, error) = enterprise.walk("11").await;
        assert!(
            matches!(error, Some(ConnectorError::BadLink { .. })),
            "{path}: {error:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_marker_that_died_begins_its_folder_anew_and_then_the_walk() {
    let dies = |until: usize| {
        Enterprise::new(move |asked| match (asked.path, asked.marker) {
            ("/folders/0/items", None) => page(&[item("file", "1")], json!("m")),
            ("/folders/0/items", Some(_)) if asked.times < until => error(400, "bad_request"),
            ("/folders/0/items", Some(_)) => page(&[item("file", "2")], Value::Null),
            _ => nothing(),
        })
    };
    let read = dies(3).whole("11").await;
    assert_eq!((read.of("11/1").len(), read.of("11/2").len()), (2, 1));
    let (_, failed) = dies(9).walk("11").await;
    let recovery = failed.map(|error| error.recovery());
    assert_eq!(recovery, Some(Recovery::Rewind));
}

/// Folder 5 is refused; what is with the user is another question.
fn refusing(
    status: u16,
    code: &'static str,
    standing: (u16, String),
) -> std::sync::Arc<Enterprise> {
    Enterprise::new(move |asked| match asked.path {
        "/folders/0/items" => page(&[item("folder", "5"), item("file", "1")], Value::Null),
        "/folders/5/items" => error(status, code),
        "/users/11" if asked.as_user.is_none() => standing.clone(),
        _ => nothing(),
    })
}

#[tokio::test(start_paused = true)]
async fn a_folder_that_is_gone_or_hidden_ends_nothing() {
    let read = refusing(404, "not_found", user("active")).whole("11").await;
    assert_eq!(read.of("11/folder:5"), ["folder"]);
    let read = refusing(404, "trashed", user("active")).whole("11").await;
    assert_eq!(read.of("11/1"), ["file"]);
    let hidden = refusing(
        403,
        "access_denied_insufficient_permissions",
        user("active"),
    );
    let read = hidden.whole("11").await;
    assert_eq!(read.of("11/folder:5"), ["folder", "unreadable"]);
}

#[tokio::test(start_paused = true)]
async fn a_user_who_was_deleted_meanwhile_is_gone_with_the_tree() {
    for (status, code) in [
        (404, "not_found"),
        (403, "forbidden"),
        (401, "unauthorized"),
    ] {
        let (_, failed) = refusing(status, code, error(404, "not_found"))
            .walk("11")
            .await;
        let failed = failed.expect("nothing to be read");
        assert_eq!(
            failed.recovery(),
            Recovery::Lose("not_found".into()),
            "{status}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_user_who_cannot_be_read_stops_one_tree_and_not_the_connection() {
    for (standing, code) in [("inactive", "inactive-owner"), ("active", "permission")] {
        for (status, refusal) in [
            (403, "forbidden"),
            (400, "bad_request"),
            (401, "unauthorized"),
        ] {
            let enterprise = Enterprise::new(move |asked| match asked.path {
                "/users/11" => user(standing),
                _ => error(status, refusal),
            });
            let (_, failed) = enterprise.walk("11").await;
            let failed = failed.expect("nothing to be read");
            match failed.recovery() {
                Recovery::Park(cause) => assert_eq!(cause.code, code, "{status} {standing}"),
                // A request that is refused as such is our fault, unless it is known whose.
                other => assert_eq!((other, status, standing), (Recovery::Count, 400, "active")),
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn hidden_collaborations_are_told_and_the_link_still_counts() {
    let enterprise = Enterprise::new(|asked| match asked.path {
        "/folders/0/items" => {
            let open = json!({"effective_access": "company"});
            let shared = with(item("file", "1"), "shared_link", open);
            page(
                &[with(shared, "has_collaborations", json!(true))],
                Value::Null,
            )
        }
        "/files/1/collaborations" => error(403, "forbidden"),
        _ => nothing(),
    });
    let read = enterprise.whole("11").await;
    assert_eq!(read.of("11/1"), ["file-shared", "internal", "unreadable"]);
}

#[tokio::test(start_paused = true)]
async fn a_trash_that_may_not_be_seen_ends_the_walk_well() {
    let enterprise = Enterprise::new(|asked| match asked.path {
        "/folders/0/items" => page(&[item("file", "1")], Value::Null),
        "/folders/trash/items" => error(403, "forbidden"),
        "/users/11" => user("active"),
        _ => nothing(),
    });
    assert_eq!(enterprise.whole("11").await.of("11/1"), ["file"]);
}
