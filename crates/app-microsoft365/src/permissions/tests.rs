use casbah_model::permission::{Strictness, Tier, compare};

use super::*;

fn token(payload: &str) -> String {
    format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(payload))
}

fn roles_in(token: &str) -> Option<Vec<String>> {
    let claims = claims(token)?;
    let roles = claims.roles.as_array().cloned().unwrap_or_default();
    Some(
        roles
            .iter()
            .filter_map(Value::as_str)
            .map(String::from)
            .collect(),
    )
}

#[test]
fn tokens_without_roles_and_hostile_ones_grant_nothing() {
    assert_eq!(
        roles_in(&token(r#"{"roles":["User.Read.All"],"tid":"x"}"#)),
        Some(vec!["User.Read.All".into()])
    );
    assert_eq!(roles_in(&token(r#"{"tid":"x"}"#)), Some(vec![]));
    assert_eq!(
        roles_in(&token(r#"{"roles":"User.Read.All"}"#)),
        Some(vec![])
    );
    assert_eq!(roles_in(&token(r#"{"roles":[7,{"a":1}]}"#)), Some(vec![]));
    assert_eq!(roles_in(&token(&"[".repeat(40_000))), None);
    for opaque in [
        "",
        "opaque",
        "a.b.c",
        "a.!.c",
        &"x".repeat(TOKEN_BYTES_MAX + 1),
    ] {
        assert!(claims(opaque).is_none(), "{opaque:.20}");
    }
}

#[test]
fn directory_read_all_stands_for_every_reading_of_the_directory() {
    let granted = [Permission::new("Directory.Read.All")];
    let grants = compare(&granted, NEEDS, Tier::Observe, |component| {
        component == Component::Users
    });
    let missing: Vec<_> = grants
        .missing
        .iter()
        .map(|missing| missing.permission.as_str())
        .collect();
    assert_eq!(missing, ["AuditLog.Read.All"]);
    assert!(!grants.missing[0].is_required && grants.excessive.is_empty());
}

#[test]
fn a_right_to_write_is_excessive_while_nothing_is_changed() {
    let granted = ["Sites.Read.All", "Files.Read.All", "Files.ReadWrite.All"].map(Permission::new);
    let grants = compare(&granted, NEEDS, Tier::Observe, |component| {
        component == Component::Files
    });
    assert_eq!(
        (grants.missing, grants.excessive),
        (vec![], vec![Permission::new("Files.ReadWrite.All")])
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
        let rights = need
            .any_of
            .iter()
            .map(|right| format!("`{right}`"))
            .collect::<Vec<_>>()
            .join(" or ");
        format!(
            "| {} | {} | {rights} | {needed} | {} |",
            need.component,
            need.tier.name(),
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
