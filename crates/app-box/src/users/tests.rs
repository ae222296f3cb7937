use casbah_conformance::apps::Bench;
use casbah_connector::{HolderKind, OutputError};
use serde_json::json;

use super::*;
use crate::tests::{Reply, Script, TOKEN, bench};

/// Keeps class and id of what is read.
#[derive(Default)]
struct Kept(Vec<String>);

#[async_trait]
impl Output<Entity> for Kept {
    async fn record(&mut self, noun: Entity, _: &[u8]) -> Result<(), OutputError> {
        use casbah_model::record::Noun;
        let of = noun.belongs_to().map(|of| format!(" of {of}"));
        self.0.push(format!(
            "{} {}{}",
            noun.class(),
            noun.id(),
            of.unwrap_or_default()
        ));
        Ok(())
    }

    async fn refuse(&mut self, refused: RefusedRecord<'_>) -> Result<(), OutputError> {
        self.0.push(refused.reason.into());
        Ok(())
    }
}

fn named(name: &str) -> &'static Collection {
    let mut all = COLLECTIONS.iter();
    all.find(|collection| collection.name == name)
        .expect("a collection")
}

/// Everything of a collection, with the cursor behind each page.
async fn walk(bench: &Bench, name: &str) -> Result<(Vec<String>, Vec<String>), ConnectorError> {
    let (mut kept, mut cursors) = (vec![], vec![]);
    let mut cursor: Option<Cursor> = None;
    for _ in 0..20 {
        let (page, end) = bench
            .patiently(async |session| {
                let mut page = Kept::default();
                let collection = named(name);
                let end = Directory
                    .page(session, collection, cursor.as_ref(), &mut page)
                    .await?;
                Ok((page.0, end))
            })
            .await?;
        kept.extend(page);
        match end {
            PageEnd::More(next) => {
                cursors.push(next.as_str().to_string());
                cursor = Some(next);
            }
            PageEnd::CaughtUp(None) => return Ok((kept, cursors)),
            PageEnd::CaughtUp(_) => panic!("there are no changes to go on from"),
        }
    }
    panic!("{name} has no end");
}

#[tokio::test(start_paused = true)]
async fn users_are_read_by_markers_to_the_end_in_whatever_form_it_comes() {
    let ends: [Script; 3] = [
        |asked| page_of_users(&asked.path, r#""next_marker":null,"#),
        |asked| page_of_users(&asked.path, r#""next_marker":"","#),
        |asked| page_of_users(&asked.path, ""),
    ];
    for script in ends {
        let (all, cursors) = walk(&bench(script), "users").await.expect("a walk");
        let expected = [
            "member 1",
            "member-disabled 2",
            "member 3",
            "application 4",
            "application 5",
        ];
        assert_eq!(all, expected);
        assert_eq!(cursors, ["a b&c"]);
    }
}

fn page_of_users(path: &str, end: &str) -> Reply {
    if path == "/oauth2/token" {
        return Reply::ok(TOKEN);
    }
    assert!(
        path.starts_with("/2.0/users?user_type=managed&fields=id,type,name,login,status,role,"),
        "{path}"
    );
    assert!(path.contains("usemarker=true&limit=1000"), "{path}");
    if !path.contains("marker=a") {
        return Reply::ok(
            r#"{"limit":1000,"next_marker":"a b&c","entries":[
            {"id":"1","status":"active","login":"ada@corp.example"},{"id":"2","status":"inactive"}]}"#,
        );
    }
    assert!(path.ends_with("&marker=a+b%26c"), "{path}");
    Reply::ok(format!(
        r#"{{{end}"entries":[{{"id":"3","status":"cannot_delete_edit_upload","is_platform_access_only":false}},
        {{"id":"4","login":"AutomationUser_1_x@BoxDevEdition.com","status":"active"}},
        {{"id":"5","login":"x@corp.example","is_platform_access_only":true}}]}}"#
    ))
}

#[tokio::test(start_paused = true)]
async fn whoever_has_a_role_holds_it() {
    let script: Script = |asked| match asked.path.as_str() {
        "/oauth2/token" => Reply::ok(TOKEN),
        _ => Reply::ok(
            r#"{"entries":[{"id":"1","role":"admin"},{"id":"2","role":"user"},{"id":"3","role":"coadmin"},{"id":"4"}]}"#,
        ),
    };
    let (all, _) = walk(&bench(script), "role-assignments")
        .await
        .expect("a walk");
    assert_eq!(
        all,
        [
            "role-held-privileged admin/1 of 1",
            "role-held-privileged coadmin/3 of 3"
        ]
    );
}

/// 1,002 groups of which a page may show fewer than there are; the second one is gone when its members are asked for.
fn groups(path: &str) -> Reply {
    if path == "/oauth2/token" {
        return Reply::ok(TOKEN);
    }
    let member = |id: &str, user: &str, role: &str| {
        format!(
            r#"{{"type":"group_membership","id":"{id}","user":{{"id":"{user}"}},"group":{{"id":"g"}},"role":"{role}"}}"#
        )
    };
    let page = |total: u32, entries: &str| {
        Reply::ok(format!(
            r#"{{"total_count":{total},"entries":[{entries}]}}"#
        ))
    };
    if path.starts_with("/2.0/groups?fields=") {
        return match path.ends_with("offset=0") {
            true => page(
                1002,
                r#"{"id":"10","group_type":"managed_group"},{"id":"11"},{"id":"12","group_type":"all_users_group"}"#,
            ),
            false => page(1002, r#"{"id":"13"}"#),
        };
    }
    match path {
        "/2.0/groups/10/memberships?limit=1000&offset=0" => page(1001, &member("m1", "1", "admin")),
        "/2.0/groups/10/memberships?limit=1000&offset=1000" => {
            page(1001, &member("m2", "2", "member"))
        }
        "/2.0/groups/11/memberships?limit=1000&offset=0" => Reply::error(404, "not_found"),
        "/2.0/groups/13/memberships?limit=1000&offset=0" => page(0, ""),
        other => panic!("{other} was called"),
    }
}

#[tokio::test(start_paused = true)]
async fn groups_are_read_by_numbers_whatever_a_page_shows() {
    let bench = bench(|asked| groups(&asked.path));
    let (all, cursors) = walk(&bench, "groups").await.expect("a walk");
    assert_eq!(all, ["group 10", "group 11", "group 12", "group 13"]);
    assert_eq!(cursors, ["1000"]);
}

#[tokio::test(start_paused = true)]
async fn members_and_admins_are_read_group_by_group() {
    let bench = bench(|asked| groups(&asked.path));
    let (all, cursors) = walk(&bench, "memberships").await.expect("a walk");
    assert_eq!(all, ["group 10", "group 10"]);
    assert_eq!(cursors.len(), 2);
    let (all, _) = walk(&bench, "group-role-assignments")
        .await
        .expect("a walk");
    assert_eq!(all, ["role-held-privileged m1 of 1"]);
}

#[tokio::test(start_paused = true)]
async fn hostile_answers_are_errors_and_no_end() {
    let scripts: [(&str, Script); 5] = [
        ("markup", |asked| answer(&asked.path, "<html></html>")),
        ("no list", |asked| {
            answer(&asked.path, r#"{"total_count":0}"#)
        }),
        ("another error's body", |asked| {
            answer(&asked.path, r#"{"type":"error","status":500}"#)
        }),
        ("cut", |asked| {
            answer(&asked.path, r#"{"entries":[{"id":"1"},{"i"#)
        }),
        ("a list of lists", |asked| {
            answer(&asked.path, r#"[{"entries":[]}]"#)
        }),
    ];
    for (name, script) in scripts {
        for collection in COLLECTIONS {
            let read = walk(&bench(script), collection.name).await;
            assert!(read.is_err(), "{name}: {}", collection.name);
        }
    }
    let circle: Script = |asked| answer(&asked.path, r#"{"entries":[],"next_marker":"same"}"#);
    let error = walk(&bench(circle), "users")
        .await
        .expect_err("it goes round");
    assert!(matches!(error, ConnectorError::BadLink { .. }));
    let long: Script = |asked| {
        answer(
            &asked.path,
            &format!(r#"{{"entries":[],"next_marker":"{}"}}"#, "x".repeat(5000)),
        )
    };
    let error = walk(&bench(long), "users")
        .await
        .expect_err("no marker is so long");
    assert!(matches!(error, ConnectorError::BadLink { .. }));
    let odd: Script = |asked| {
        answer(
            &asked.path,
            r#"{"entries":[7,"x",null,[],{"id":9}],"total_count":"x"}"#,
        )
    };
    let (all, _) = walk(&bench(odd), "users").await.expect("a walk");
    assert_eq!(all.len(), 5);
    assert!(all[..4].iter().all(|one| one == "not-an-object"), "{all:?}");
    let dead = Cursor::new("{not a place");
    let bench = bench(|asked| panic!("{} was called", asked.path));
    for name in ["groups", "memberships"] {
        let session = bench.interactive();
        let read = Directory
            .page(&session, named(name), Some(&dead), &mut Kept::default())
            .await;
        assert!(
            matches!(read, Err(ConnectorError::CursorExpired { .. })),
            "{name}"
        );
    }
}

fn answer(path: &str, body: &str) -> Reply {
    match path {
        "/oauth2/token" => Reply::ok(TOKEN),
        _ => Reply::ok(body),
    }
}

#[test]
fn details_are_what_a_record_says() {
    let user = json!({
        "id": "1", "name": "Ada", "login": "ada@corp.example", "role": "coadmin", "created_at": "2012-12-12T10:53:43-08:00",
    });
    let user = user.to_string();
    let details = Directory.details("users", user.as_bytes());
    assert_eq!(
        (details.name.as_deref(), details.address.as_deref()),
        (Some("Ada"), Some("ada@corp.example"))
    );
    assert_eq!(
        details.created.map(|at| at.to_string()).as_deref(),
        Some("2012-12-12T18:53:43Z")
    );
    let held = Directory.details("role-assignments", user.as_bytes());
    assert_eq!(
        (held.role.as_deref(), held.holder),
        (Some("coadmin"), Some(HolderKind::User))
    );
    let membership = json!({
        "id": "m1", "user": {"id": "1", "name": "Ada", "login": "ada@corp.example"}, "group": {"id": "10", "name": "Staff"},
        "role": "admin", "created_at": "2020-01-01T00:00:00+00:00",
    });
    let held = Directory.details("group-role-assignments", membership.to_string().as_bytes());
    assert_eq!(
        (held.name.as_deref(), held.scope.as_deref()),
        (Some("Ada"), Some("10"))
    );
    assert!(held.created.is_some());
    assert_eq!(
        Directory.details("users", b"<html>"),
        EntityDetails::default()
    );
}
