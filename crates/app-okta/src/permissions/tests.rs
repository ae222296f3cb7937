use casbah_model::permission::{Strictness, Tier, compare};

use super::*;
use crate::tests::{Credential, Reply, bench};

fn users(logins: &[(&str, usize)]) -> Vec<Listed> {
    let of = |(login, times): &(&str, usize)| {
        let profile = format!(r#"{{"profile":{{"login":"{login}"}}}}"#);
        let user = move || serde_json::from_str(&profile).expect("a user");
        std::iter::repeat_with(user)
            .take(*times)
            .collect::<Vec<_>>()
    };
    logins.iter().flat_map(of).collect()
}

#[test]
fn domains_are_those_that_many_sign_in_with() {
    let found = domains(&users(&[
        ("a@Acme.example", 150),
        ("b@sub.acme.example", 40),
        ("c@guest.example", 3),
        ("robot", 7),
    ]));
    assert_eq!(found, ["acme.example", "sub.acme.example"]);
    assert_eq!(domains(&users(&[("a@acme.example", 1)])), ["acme.example"]);
    assert!(domains(&[]).is_empty());
}

#[test]
fn a_scope_to_manage_is_excessive_while_nothing_is_changed() {
    let granted = ["okta.users.read", "okta.groups.read", "okta.users.manage"].map(Permission::new);
    let grants = compare(&granted, NEEDS, Tier::Observe, |component| {
        component == Component::Users
    });
    assert_eq!(grants.excessive, [Permission::new("okta.users.manage")]);
    assert!(grants.missing.iter().all(|missing| !missing.is_required));
}

#[test]
fn every_scope_that_is_needed_is_asked_for_and_no_other() {
    for tier in [Tier::Observe, Tier::Act] {
        let needed = NEEDS.iter().filter(|need| need.tier <= tier);
        let needed: Vec<_> = needed.flat_map(|need| need.any_of).copied().collect();
        for scope in NEEDS.iter().flat_map(|need| need.any_of) {
            let is_needed = needed.contains(scope);
            assert_eq!(auth::are_scopes(scope, tier), is_needed, "{scope}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_missing_right_refuses_its_component_and_the_others_go_on() {
    let bench = bench(Credential::ApiToken, |asked| match asked.path.as_str() {
        "/.well-known/okta-organization" => Reply::ok(r#"{"id":"00o1","pipeline":"idx"}"#),
        "/api/v1/org" => Reply::error(403, "E0000006"),
        path if path.starts_with("/api/v1/users") => {
            Reply::ok(r#"[{"id":"a","profile":{"login":"a@acme.example"}},{"profile":{}},{}]"#)
        }
        path if path.starts_with("/api/v1/groups") => Reply::ok("[]"),
        _ => Reply::error(403, "E0000006"),
    });
    let granted = Scopes
        .granted(&bench.interactive(), &Component::ALL)
        .await
        .expect("a test says what is wrong");
    assert_eq!(granted.permissions, None, "an API token tells no scopes");
    assert_eq!(granted.tenant.id, "00o1");
    assert_eq!(granted.tenant.domains, ["acme.example"]);
    let refused: Vec<_> = granted.refused.keys().copied().collect();
    let logs = [
        Component::ManagementEvents,
        Component::SignInEvents,
        Component::Activities,
    ];
    assert!(logs.iter().all(|component| refused.contains(component)));
    assert!(!refused.contains(&Component::Users) && !refused.contains(&Component::Files));
    let cause = &granted.refused[&Component::AppPermissions];
    assert!(cause.fix.contains("okta.apps.read"), "{cause}");
}

#[tokio::test(start_paused = true)]
async fn a_dead_token_stops_the_connection() {
    let bench = bench(Credential::ApiToken, |_| Reply::error(401, "E0000011"));
    let tested = Scopes.granted(&bench.interactive(), &Component::ALL).await;
    let error = tested.expect_err("the token is dead");
    assert!(
        matches!(error, ConnectorError::Unauthorized { .. }),
        "{}",
        error.chain()
    );
    let calls = bench.transport.calls().len();
    assert_eq!(
        calls, 2,
        "once again with the same token, which is all there is"
    );
}

#[test]
fn the_table_in_the_readme_is_this_table() {
    let readme = include_str!("../../README.md");
    let rows = NEEDS.iter().map(|need| {
        let needed = match (need.tier, need.strictness) {
            (Tier::Observe, Strictness::Required) => "yes",
            (Tier::Observe, Strictness::Optional) => "for this only",
            (Tier::Inspect, _) => "not yet used",
            (Tier::Act, _) => "to act",
        };
        let scopes: Vec<_> = need
            .any_of
            .iter()
            .map(|scope| format!("`{scope}`"))
            .collect();
        format!(
            "| {} | {} | {} | {needed} | {} |",
            need.component,
            need.tier.name(),
            scopes.join(" or "),
            need.purpose
        )
    });
    let expected: Vec<_> = rows.collect();
    let is_row = |line: &&str| {
        Component::ALL
            .iter()
            .any(|component| line.starts_with(&format!("| {component} |")))
    };
    let found: Vec<_> = readme.lines().filter(is_row).collect();
    assert_eq!(found, expected, "expected:\n{}", expected.join("\n"));
}
