use casbah_connector::HolderKind;
use casbah_model::record::Noun;

use super::*;
use crate::tests::{Credential, Reply, bench};

#[track_caller]
fn check(name: &str, collection: &str, raw: &str, class: &str) {
    let entity = entity::read(collection, Some("parent"), raw.as_bytes())
        .unwrap_or_else(|reason| panic!("{name}: {reason}"));
    assert_eq!(entity.class(), class, "{name}");
}

#[test]
fn records_of_the_directory_are_read_as_nouns() {
    let user = |status: &str| format!(r#"{{"id":"00u1","status":"{status}","profile":{{}}}}"#);
    for status in [
        "ACTIVE",
        "PASSWORD_EXPIRED",
        "RECOVERY",
        "LOCKED_OUT",
        "NEW_IN_2027",
    ] {
        check(status, "users", &user(status), "member");
    }
    for status in ["SUSPENDED", "DEPROVISIONED", "STAGED", "PROVISIONED"] {
        check(status, "users", &user(status), "member-disabled");
    }
    check("odd types", "users", r#"{"id":7,"status":[]}"#, "member");
    check(
        "group",
        "groups",
        r#"{"id":"00g1","type":"BUILT_IN"}"#,
        "group",
    );
    check(
        "custom role",
        "roles",
        r#"{"id":"cr01"}"#,
        "role-privileged",
    );
    let held = |kind: &str| format!(r#"{{"id":"ra1","type":"{kind}","label":"x"}}"#);
    let privileged = "role-held-privileged";
    for kind in ["SUPER_ADMIN", "READ_ONLY_ADMIN", "CUSTOM", "NEW_ADMIN"] {
        check(kind, "role-assignments", &held(kind), privileged);
    }
    check(
        "reports",
        "group-role-assignments",
        &held("REPORT_ADMIN"),
        "role-held",
    );
    let scopes = |scopes: &str| format!(r#"{{"id":"oar1","clientId":"0oa1","scopes":{scopes}}}"#);
    let risky = scopes(r#"["openid","okta.users.manage"]"#);
    check("wide token", "app-tokens", &risky, "grant-delegated-risky");
    let narrow = scopes(r#"["openid","okta.users.read.self",7]"#);
    check("narrow token", "app-tokens", &narrow, "grant-delegated");
    let scope = r#"{"id":"oag1","scopeId":"okta.logs.read"}"#;
    check("service app", "app-scopes", scope, "grant-app-only-risky");
    check(
        "consent",
        "user-grants",
        r#"{"id":"oag1","scopeId":"email"}"#,
        "grant-delegated",
    );
    check(
        "API token",
        "api-tokens",
        r#"{"id":"00T1"}"#,
        "grant-delegated-risky",
    );
    check(
        "app",
        "applications",
        r#"{"id":"0oa1","status":"ACTIVE"}"#,
        "application",
    );
}

#[test]
fn a_role_that_comes_with_a_group_has_an_id_for_each_member() {
    let id = |collection, kind, parent| {
        let raw = format!(r#"{{"id":"gra1","type":"APP_ADMIN","assignmentType":"{kind}"}}"#);
        let entity = entity::read(collection, Some(parent), raw.as_bytes()).expect("a record");
        (
            entity.id().to_string(),
            entity.belongs_to().map(ToString::to_string),
        )
    };
    let of = |text: &str| Some(text.to_string());
    assert_eq!(
        id("role-assignments", "GROUP", "u1"),
        ("gra1/u1".into(), of("u1"))
    );
    assert_eq!(
        id("role-assignments", "USER", "u1"),
        ("gra1".into(), of("u1"))
    );
    assert_eq!(
        id("group-role-assignments", "GROUP", "g1"),
        ("gra1".into(), of("g1"))
    );
}

#[test]
fn what_is_no_record_is_refused_and_one_without_an_id_has_the_hash_of_its_content() {
    for raw in ["", "7", "[]", "\"x\"", "null"] {
        let read = entity::read("users", None, raw.as_bytes());
        assert_eq!(read.err(), Some("not-an-object"), "{raw}");
    }
    for raw in ["{", "{\"id\":", "{]}", "{\"id\":\"\u{1}\"}"] {
        let read = entity::read("users", None, raw.as_bytes());
        assert_eq!(read.err(), Some("not-json"), "{raw}");
    }
    let anonymous = entity::read("users", None, b"{}").expect("an object");
    assert!(anonymous.id().as_str().starts_with("sha256:"));
    let long = format!(r#"{{"id":"{}"}}"#, "x".repeat(100_000));
    let entity = entity::read("users", None, long.as_bytes()).expect("an object");
    assert!(entity.id().as_str().len() < 100);
}

#[test]
fn details_are_words_for_people() {
    let user = br#"{"id":"00u1","created":"2026-01-01T00:00:00.000Z","lastLogin":null,
        "profile":{"firstName":"Ada","lastName":"Byron","email":"ada@acme.example","login":"ada"}}"#;
    let user = details::read("users", user);
    assert_eq!(user.name.as_deref(), Some("Ada Byron"));
    assert_eq!(user.address.as_deref(), Some("ada@acme.example"));
    assert!(user.created.is_some() && user.last_sign_in.is_none());
    let held =
        br#"{"id":"irb1","label":"Help","type":"CUSTOM","role":"cr01","resource-set":"iam1"}"#;
    let held = details::read("client-role-assignments", held);
    assert_eq!(held.holder, Some(HolderKind::Application));
    assert_eq!(
        (held.role.as_deref(), held.scope.as_deref()),
        (Some("cr01"), Some("iam1"))
    );
    let grant = br#"{"id":"oag1","scopeId":"email","userId":"00u1","clientId":"0oa1"}"#;
    let grant = details::read("user-grants", grant);
    assert_eq!(grant.permissions, ["email"]);
    assert_eq!(grant.on_behalf_of.as_deref(), Some("00u1"));
    for collection in COLLECTIONS {
        for raw in [&b"{"[..], b"[]", b"{\"profile\":7,\"scopes\":{}}"] {
            details::read(collection.name, raw);
        }
    }
}

fn of_name(name: &str) -> &'static Collection {
    let mut found = COLLECTIONS
        .iter()
        .filter(|collection| collection.name == name);
    found.next().expect("a collection of this name")
}

#[test]
fn every_collection_is_read_somehow_and_listed_at_most_once() {
    for collection in COLLECTIONS {
        assert!(reading(collection).is_ok(), "{}", collection.name);
    }
    let rows = LISTS
        .iter()
        .flat_map(|list| list.rows.iter().chain(list.facts));
    let mut rows: Vec<_> = rows.collect();
    let all = rows.len();
    rows.sort_unstable();
    rows.dedup();
    assert_eq!(rows.len(), all);
    assert!(
        rows.iter()
            .all(|row| COLLECTIONS.iter().any(|known| known.name == **row))
    );
}

#[tokio::test(start_paused = true)]
async fn users_who_were_deactivated_are_asked_for_apart() {
    let bench = bench(Credential::ApiToken, |asked| match asked.path.as_str() {
        "/api/v1/users?limit=200" => Reply::ok(r#"[{"id":"a"}]"#)
            .next("https://acme.okta.com/api/v1/users?after=b%2Fc&limit=200"),
        "/api/v1/users?after=b%2Fc&limit=200" => Reply::ok(r#"[{"id":"b"}]"#),
        "/api/v1/users?limit=200&filter=status%20eq%20%22DEPROVISIONED%22" => {
            Reply::ok(r#"[{"id":"c","status":"DEPROVISIONED"}]"#)
        }
        other => panic!("{other} was called"),
    });
    let (kept, cursor) = bench.walk(of_name("users"), None).await.expect("a pass");
    assert_eq!(kept.ids().collect::<Vec<_>>(), ["a", "b", "c"]);
    assert_eq!(cursor, None);
}

#[tokio::test(start_paused = true)]
async fn links_away_or_back_are_not_followed() {
    let scripts: [crate::tests::Script; 5] = [
        |_| Reply::ok("[]").next("https://evil.example/api/v1/users?after=x"),
        |_| Reply::ok("[]").next("http://acme.okta.com/api/v1/users?after=x"),
        |_| Reply::ok("[]").next("https://acme.okta.com@evil.example/"),
        |_| Reply::ok("[]").next("//evil.example/"),
        |_| Reply::ok("[]").next("https://acme.okta.com/api/v1/users?limit=200"),
    ];
    for (number, script) in scripts.into_iter().enumerate() {
        let page = bench(Credential::ApiToken, script)
            .page(of_name("users"), None)
            .await;
        let error = page.expect_err("it is not followed");
        assert!(
            matches!(error, ConnectorError::BadLink { .. }),
            "{number}: {}",
            error.chain()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn roles_are_asked_for_each_holder_and_only_the_place_is_taken_from_links_in_answers() {
    let bench = bench(Credential::ApiToken, |asked| {
        assert_eq!(asked.host, "acme.okta.com");
        match asked.path.as_str() {
            "/api/v1/iam/assignees/users?limit=20" => Reply::ok(
                r#"{"value":[{"id":"u1","orn":"x"},{"id":"u2"},{"id":"gone"}],
                    "_links":{"next":{"href":"http://evil.example/api/v1/iam?limit=1&after=p2"}}}"#,
            ),
            "/api/v1/iam/assignees/users?limit=20&after=p2" => {
                Reply::ok(r#"{"value":[{"id":"u3"}],"_links":{}}"#)
            }
            "/api/v1/users/u1/roles" => Reply::ok(r#"[{"id":"ra1","type":"SUPER_ADMIN"}]"#),
            "/api/v1/users/u2/roles" => Reply::ok(
                r#"[{"id":"ra2","type":"CUSTOM"},{"id":"gra1","type":"APP_ADMIN","assignmentType":"GROUP"}]"#,
            ),
            "/api/v1/users/gone/roles" => Reply::error(404, "E0000007"),
            "/api/v1/users/u3/roles" => Reply::ok("[]"),
            other => panic!("{other} was called"),
        }
    });
    let (kept, _) = bench
        .walk(of_name("role-assignments"), None)
        .await
        .expect("a pass");
    assert_eq!(kept.ids().collect::<Vec<_>>(), ["ra1", "ra2", "gra1/u2"]);
    let holders = kept.nouns.iter().filter_map(Noun::belongs_to);
    assert_eq!(
        holders.map(|id| id.as_str()).collect::<Vec<_>>(),
        ["u1", "u2", "u2"]
    );
}

#[tokio::test(start_paused = true)]
async fn members_of_large_groups_come_page_by_page_and_everyone_is_not_asked_for() {
    let bench = bench(Credential::ApiToken, |asked| match asked.path.as_str() {
        "/api/v1/groups?limit=20" => Reply::ok(
            r#"[{"id":"all","type":"BUILT_IN"},{"id":"g1","type":"OKTA_GROUP"},{"id":"g2"}]"#,
        ),
        "/api/v1/groups/g1/users?limit=200" => Reply::ok(r#"[{"id":"u1"},{"id":"u2"}]"#)
            .next("https://acme.okta.com/api/v1/groups/g1/users?after=u2&limit=200"),
        "/api/v1/groups/g1/users?after=u2&limit=200" => Reply::ok(r#"[{"id":"u3"}]"#),
        "/api/v1/groups/g2/users?limit=200" => Reply::ok("[]"),
        other => panic!("{other} was called"),
    });
    let (kept, _) = bench
        .walk(of_name("memberships"), None)
        .await
        .expect("a pass");
    let counted = kept.nouns.iter().map(|entity| match entity {
        Entity::Group(group) => (group.id.as_str(), group.members_added),
        other => panic!("{other:?}"),
    });
    assert_eq!(counted.collect::<Vec<_>>(), [("g1", 2), ("g1", 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_missing_right_names_the_scope_and_an_org_without_custom_roles_has_none() {
    let refusing = bench(Credential::ApiToken, |_| Reply::error(403, "E0000006"));
    for collection in COLLECTIONS {
        let error = refusing.page(collection, None).await.expect_err("no right");
        let ConnectorError::Forbidden { cause } = &error else {
            panic!("{}: {}", collection.name, error.chain())
        };
        let scope = collection.any_of[0];
        assert!(cause.fix.contains(scope), "{}: {cause}", collection.name);
    }
    let empty = bench(Credential::ApiToken, |_| Reply::error(404, "E0000007"));
    let (kept, _) = empty
        .walk(of_name("roles"), None)
        .await
        .expect("an empty list");
    assert!(kept.nouns.is_empty());
    for collection in COLLECTIONS
        .iter()
        .filter(|collection| collection.name != "roles")
    {
        let end = empty.page(collection, None).await;
        assert!(
            end.is_err(),
            "{} took a missing list for an empty one",
            collection.name
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_cursor_that_cannot_be_read_starts_the_list_anew() {
    let bench = bench(Credential::ApiToken, |_| Reply::ok("[]"));
    for collection in COLLECTIONS {
        let cursor = Cursor::new("{\"list\":\"x\"");
        let error = bench
            .page(collection, Some(&cursor))
            .await
            .expect_err("no place");
        assert!(matches!(
            error,
            ConnectorError::CursorExpired { resume: None, .. }
        ));
    }
}
