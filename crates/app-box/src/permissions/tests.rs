use super::*;
use crate::tests::{Asked, CLIENT_SECRET, Reply, Script, TOKEN, bench, bench_with};

const ME: &str = r#"{"type":"user","id":"9","login":"AutomationUser_1_x@boxdevedition.com","role":"user","status":"active",
    "enterprise":{"type":"enterprise","id":"490685","name":"Corp"}}"#;
const PEOPLE: &str = r#"{"entries":[
    {"id":"8","login":"AutomationUser_1_x@boxdevedition.com","status":"active","is_platform_access_only":true},
    {"id":"10","login":"gone@corp.example","status":"inactive"},
    {"id":"11","login":"Ada@Corp.example","status":"active"}],"next_marker":"x"}"#;
const MORE_PEOPLE: &str =
    r#"{"entries":[{"id":"12","login":"bob@labs.example","status":"active"}],"next_marker":""}"#;

/// An enterprise that grants everything.
fn open(asked: &Asked) -> Reply {
    let user = asked.headers.get("as-user");
    let path = asked.path.split('?').next().unwrap_or_default();
    match (path, user) {
        ("/oauth2/token", None) => Reply::ok(TOKEN),
        ("/2.0/users/me", None) => Reply::ok(ME),
        ("/2.0/users", None) if asked.path.contains("&marker=") => Reply::ok(MORE_PEOPLE),
        ("/2.0/users", None) => Reply::ok(PEOPLE),
        ("/2.0/groups", None) => Reply::ok(r#"{"entries":[]}"#),
        ("/2.0/events", None) => {
            Reply::ok(r#"{"chunk_size":0,"next_stream_position":1,"entries":[]}"#)
        }
        ("/2.0/folders/0/items", None | Some("11")) => Reply::ok(r#"{"entries":[]}"#),
        (path, None) if path.starts_with("/2.0/metadata_templates/") => {
            Reply::error(404, "instance_tuple_not_found")
        }
        (path, user) => panic!("{path} was called as {user:?}"),
    }
}

async fn granted(script: Script) -> Result<Granted, ConnectorError> {
    let bench = bench(script);
    Scopes.granted(&bench.interactive(), &Component::ALL).await
}

fn names(granted: &Granted) -> Vec<&str> {
    let permissions = granted.permissions.as_ref().expect("they are known");
    permissions.iter().map(Permission::as_str).collect()
}

#[tokio::test(start_paused = true)]
async fn each_scope_is_found_out_by_a_call() {
    let found = granted(open).await.expect("a report");
    let all = [
        "as-user",
        "main-admin-or-service-account",
        "manage_enterprise_properties",
        "manage_groups",
        "manage_managed_users",
        "root_readonly",
    ];
    assert_eq!(names(&found), all);
    assert_eq!(found.refused, BTreeMap::new());
    assert_eq!(
        (found.tenant.id.as_str(), found.tenant.name.as_str()),
        ("490685", "Corp")
    );
}

/// Who signs in with a domain of the second page would be a stranger, and each file shared with him external.
#[tokio::test(start_paused = true)]
async fn domains_are_known_although_a_page_has_few_of_the_users() {
    let found = granted(open).await.expect("a report");
    assert_eq!(found.tenant.domains, ["corp.example", "labs.example"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_is_named_with_the_scope_that_is_missing() {
    let rows: [(Component, &str, Script); 5] = [
        (
            Component::Users,
            "manage_managed_users",
            |asked| match asked.path.starts_with("/2.0/users?") {
                true => Reply::error(403, "insufficient_scope"),
                false => open(asked),
            },
        ),
        (Component::Users, "manage_groups", |asked| {
            match asked.path.starts_with("/2.0/groups") {
                true => Reply::error(403, "access_denied_insufficient_permissions"),
                false => open(asked),
            }
        }),
        (
            Component::SignInEvents,
            "manage_enterprise_properties",
            |asked| match asked.path.starts_with("/2.0/events") {
                true => Reply::error(403, "insufficient_scope"),
                false => open(asked),
            },
        ),
        (Component::Files, "root_readonly", |asked| {
            match asked.path.starts_with("/2.0/folders") {
                true => Reply::error(403, "insufficient_scope"),
                false => open(asked),
            }
        }),
        (Component::Files, "as-user", |asked| {
            match asked.headers.get("as-user").is_some() {
                true => Reply::error(403, "access_denied_insufficient_permissions"),
                false => open(asked),
            }
        }),
    ];
    for (component, scope, script) in rows {
        let found = granted(script).await.expect("a report");
        assert!(!names(&found).contains(&scope), "{scope}");
        let cause = found.refused.get(&component).map(ToString::to_string);
        let cause = cause.unwrap_or_else(|| panic!("{scope}: {:?}", found.refused));
        assert!(cause.contains(scope), "{cause}");
    }
}

async fn refused_with(script: Script) -> String {
    match granted(script).await {
        Err(ConnectorError::Unauthorized { cause }) => cause.to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_credential_of_another_enterprise_or_of_no_admin_is_refused() {
    fn with_me(asked: &Asked, me: &str) -> Reply {
        match asked.path.starts_with("/2.0/users/me") {
            true => Reply::ok(me),
            false => open(asked),
        }
    }
    let shown =
        refused_with(|asked| with_me(asked, r#"{"enterprise":{"id":"5","name":"Other"}}"#)).await;
    assert!(
        shown.contains("the enterprise 5 instead of 490685"),
        "{shown}"
    );
    let shown = refused_with(|asked| with_me(asked, r#"{"enterprise":null}"#)).await;
    assert!(shown.contains("without an enterprise"), "{shown}");
    let shown = refused_with(|asked| {
        with_me(
            asked,
            r#"{"login":"bob@corp.example","role":"user","enterprise":{"id":"490685","name":"Corp"}}"#,
        )
    })
    .await;
    assert!(shown.contains("main admin"), "{shown}");
    let shown = refused_with(|asked| {
        with_me(
            asked,
            r#"{"status":"inactive","enterprise":{"id":"490685","name":"Corp"}}"#,
        )
    })
    .await;
    assert!(shown.contains("inactive"), "{shown}");
    let shown = refused_with(|asked| match asked.path.starts_with("/2.0/users/me") {
        true => Reply::new(
            403,
            r#"{"message":"User cannot access this feature without having an enterprise"}"#,
        ),
        false => open(asked),
    })
    .await;
    assert!(shown.contains("no enterprise"), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn a_co_admin_is_told_that_something_is_missing() {
    let script: Script = |asked| match asked.path.starts_with("/2.0/users/me") {
        true => Reply::ok(
            r#"{"login":"co@corp.example","role":"coadmin","enterprise":{"id":"490685","name":"Corp"}}"#,
        ),
        false => open(asked),
    };
    let found = granted(script).await.expect("it works");
    assert_eq!(found.refused, BTreeMap::new());
    let grants = casbah_model::permission::compare(
        found.permissions.as_deref().unwrap_or_default(),
        NEEDS,
        Default::default(),
        |component| component == Component::Users,
    );
    let missing: Vec<_> = grants
        .missing
        .iter()
        .map(|one| (one.permission.as_str(), one.is_required))
        .collect();
    assert_eq!(missing, [(ALL_CONTENT, false)]);
}

#[tokio::test(start_paused = true)]
async fn app_permissions_are_refused_to_those_who_ask_for_them_by_name() {
    let bench = bench(open);
    let asked = [Component::Users, Component::AppPermissions];
    let found = Scopes
        .granted(&bench.interactive(), &asked)
        .await
        .expect("a report");
    let cause = &found.refused[&Component::AppPermissions];
    assert_eq!(cause.code, "not-supported-by-provider");
}

#[tokio::test(start_paused = true)]
async fn domains_that_were_entered_are_the_enterprises_own() {
    let bench = bench_with(
        &[(DOMAINS, "Sister.example corp.example")],
        CLIENT_SECRET,
        open,
    );
    let found = Scopes
        .granted(&bench.interactive(), &[Component::Users])
        .await;
    assert_eq!(
        found.expect("a report").tenant.domains,
        ["corp.example", "labs.example", "sister.example"]
    );
}
