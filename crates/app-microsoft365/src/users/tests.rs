use casbah_connector::{GroupKind, HolderKind};
use casbah_model::record::Noun;

use super::*;

#[track_caller]
fn check(name: &str, collection: &str, raw: &str, class: &str) {
    let entity = entity::read(collection, raw.as_bytes())
        .unwrap_or_else(|reason| panic!("{name}: {reason}"));
    assert_eq!(entity.class(), class, "{name}");
}

#[test]
fn records_of_the_directory_are_read_as_nouns() {
    check(
        "member",
        "users",
        r#"{"id":"u","accountEnabled":true,"userType":"Member"}"#,
        "member",
    );
    check(
        "disabled",
        "users",
        r#"{"id":"u","accountEnabled":false}"#,
        "member-disabled",
    );
    check(
        "guest",
        "users",
        r#"{"id":"u","userType":"Guest"}"#,
        "guest",
    );
    check(
        "odd types",
        "users",
        r#"{"id":7,"accountEnabled":"yes","userType":[]}"#,
        "member",
    );
    check(
        "removed",
        "users",
        r#"{"id":"u","@removed":{"reason":"changed"}}"#,
        "removed",
    );
    check(
        "global administrator",
        "roles",
        r#"{"id":"62E90394-69f5-4237-9190-012177145e10"}"#,
        "role-privileged",
    );
    check(
        "some role",
        "roles",
        r#"{"id":"r","templateId":"r"}"#,
        "role",
    );
    let held =
        r#"{"id":"a","principalId":"p","roleDefinitionId":"62e90394-69f5-4237-9190-012177145e10"}"#;
    check(
        "role held",
        "role-assignments",
        held,
        "role-held-privileged",
    );
    check(
        "application",
        "applications",
        r#"{"id":"s","accountEnabled":true}"#,
        "application",
    );
    let mail = r#"{"id":"g","clientId":"s","scope":" User.Read Mail.Read"}"#;
    check(
        "mail grant",
        "delegated-grants",
        mail,
        "grant-delegated-risky",
    );
    check(
        "plain grant",
        "delegated-grants",
        r#"{"id":"g","scope":" User.Read"}"#,
        "grant-delegated",
    );
    let sites = r#"{"id":"g","appRoleId":"332a536c-c7ef-4017-ab91-336970924f0d","principalType":"ServicePrincipal"}"#;
    check("all sites", "app-grants", sites, "grant-app-only-risky");
    let plain = r#"{"id":"g","appRoleId":"00000000-0000-0000-0000-000000000000"}"#;
    check("default role", "app-grants", plain, "grant-app-only");
    check(
        "a field twice",
        "users",
        r#"{"id":"a","id":"b","userType":"Guest"}"#,
        "guest",
    );
}

#[test]
fn members_that_came_and_went_are_counted_apart() {
    let raw = br#"{"id":"g","members@delta":[{"id":"a"},{"id":"b"},{"id":"c","@removed":{"reason":"deleted"}}]}"#;
    let Ok(Entity::Group(group)) = entity::read("groups", raw) else {
        panic!("a group")
    };
    assert_eq!((group.members_added, group.members_removed), (2, 1));
}

#[test]
fn the_last_success_is_preferred_to_the_last_attempt() {
    let raw = br#"{"id":"u","signInActivity":{"lastSignInDateTime":"2026-05-02T00:00:00Z",
        "lastSuccessfulSignInDateTime":"2026-05-01T00:00:00Z"}}"#;
    let Ok(Entity::User(user)) = entity::read("sign-in-times", raw) else {
        panic!("a user")
    };
    assert_eq!(
        user.last_sign_in.map(|at| at.to_string()).as_deref(),
        Some("2026-05-01T00:00:00Z")
    );
}

#[test]
fn what_is_no_object_is_refused_and_a_record_without_id_is_kept() {
    assert_eq!(entity::read("users", b"7").err(), Some("not-an-object"));
    assert_eq!(entity::read("users", b"{\"id\":}").err(), Some("not-json"));
    let kept = entity::read("users", br#"{"displayName":"x"}"#).expect("an object");
    assert!(kept.id().as_str().starts_with("sha256:"));
}

#[test]
fn a_record_tells_what_people_read_whatever_its_other_fields_are() {
    let read = |collection, raw: &str| super::details::read(collection, raw.as_bytes());
    let user = read(
        "users",
        r#"{"displayName":"A \"B\"","mail":null,"userPrincipalName":"a@x","createdDateTime":7}"#,
    );
    assert_eq!(
        (user.name.as_deref(), user.address.as_deref()),
        (Some("A \"B\""), Some("a@x"))
    );
    assert_eq!(user.created, None);
    let twice = read(
        "groups",
        r#"{"displayName":"old","groupTypes":["Unified"],"displayName":"new"}"#,
    );
    assert_eq!(twice.name.as_deref(), Some("new"));
    assert_eq!(twice.group, Some(GroupKind::Collaboration));
    let plain = read(
        "groups",
        r#"{"groupTypes":[],"securityEnabled":false,"mailEnabled":true}"#,
    );
    assert_eq!(plain.group, Some(GroupKind::Mail));
    let held = read(
        "role-assignments",
        r##"{"roleDefinitionId":"r","directoryScopeId":"/administrativeUnits/7",
            "principal":{"@odata.type":"#microsoft.graph.group","displayName":"Admins"}}"##,
    );
    assert_eq!(
        (held.role.as_deref(), held.holder),
        (Some("r"), Some(HolderKind::Group))
    );
    assert_eq!(held.scope.as_deref(), Some("/administrativeUnits/7"));
    let grant = read(
        "delegated-grants",
        r#"{"scope":" User.Read  Mail.Read","resourceId":"g"}"#,
    );
    assert_eq!(grant.permissions, ["User.Read", "Mail.Read"]);
    let offers = read(
        "applications",
        r#"{"appRoles":[{"id":"1","value":"Mail.Read"},{"id":"2"},{}]}"#,
    );
    assert_eq!(offers.defines, [("1".to_string(), "Mail.Read".to_string())]);
    for broken in ["", "[]", "7", "{\"displayName\":", "\u{0}"] {
        for collection in COLLECTIONS {
            let details = read(collection.name, broken);
            assert_eq!((details.name, details.defines), (None, vec![]), "{broken}");
        }
    }
}
