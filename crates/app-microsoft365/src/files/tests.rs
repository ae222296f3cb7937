use casbah_model::file::Sharing;
use serde_json::{Value, json};

use super::*;

#[track_caller]
fn check(name: &str, permission: Value, in_library: Sharing, in_personal_drive: Sharing) {
    let domains = [
        "contoso.com".to_string(),
        "contoso.onmicrosoft.com".to_string(),
    ];
    let of = |unshared| exposure::of(std::slice::from_ref(&permission), &domains, unshared);
    assert_eq!(
        (of(Sharing::Internal), of(Sharing::Private)),
        (in_library, in_personal_drive),
        "{name}"
    );
}

#[test]
fn permissions_say_how_far_a_file_is_visible() {
    use Sharing::*;
    let link = |scope: &str, extra: Value| {
        let mut link =
            json!({"id": "1", "roles": ["read"], "link": {"scope": scope, "type": "view"}});
        link.as_object_mut()
            .expect("an object")
            .extend(extra.as_object().cloned().unwrap_or_default());
        link
    };
    let user = |email: &str| json!({"roles": ["read"], "grantedToV2": {"user": {"id": "u", "email": email}}});
    let login =
        |name: &str| json!({"roles": ["write"], "grantedToV2": {"siteUser": {"loginName": name}}});
    check(
        "anonymous link",
        link("anonymous", json!({})),
        PublicByLink,
        PublicByLink,
    );
    check(
        "company link",
        link("organization", json!({})),
        Internal,
        Internal,
    );
    check(
        "link that grants nothing",
        link("existingAccess", json!({})),
        Internal,
        Private,
    );
    let named = json!({"grantedToIdentitiesV2": [{"user": {"email": "a@contoso.com"}}, {"user": {"email": "x@y.com"}}]});
    check(
        "link for people, one external",
        link("users", named),
        External,
        External,
    );
    let named = json!({"grantedToIdentitiesV2": [{"user": {"email": "A@Contoso.com"}}]});
    check(
        "link for people, internal",
        link("users", named),
        Internal,
        Internal,
    );
    check(
        "link for nobody yet",
        link("users", json!({})),
        Internal,
        Private,
    );
    check("colleague", user("b@contoso.com"), Internal, Internal);
    check("outsider", user("x@fabrikam.com"), External, External);
    check(
        "a domain that only ends like ours",
        user("x@notcontoso.com"),
        External,
        External,
    );
    check(
        "guest by claim",
        login("i:0#.f|membership|x_y.com#ext#@contoso.onmicrosoft.com"),
        External,
        External,
    );
    check(
        "member by claim",
        login("i:0#.f|membership|b@contoso.com"),
        Internal,
        Internal,
    );
    check(
        "everybody inside",
        login("c:0-.f|rolemanager|spo-grid-all-users/7"),
        Internal,
        Internal,
    );
    check(
        "invited outsider",
        json!({"roles": ["read"], "invitation": {"email": "x@y.com"}}),
        External,
        External,
    );
    check(
        "invited colleague",
        json!({"roles": ["read"], "invitation": {"email": "b@contoso.com"}}),
        Internal,
        Internal,
    );
    let owner = json!({"roles": ["owner"], "grantedToV2": {"user": {"email": "a@contoso.com"}}});
    check("owner", owner, Internal, Private);
    let group = json!({"roles": ["owner"], "grantedToV2": {"siteGroup": {"displayName": "Owners", "loginName": "Owners"}}});
    check("owners of a site", group, Internal, Private);
    check(
        "a group",
        json!({"roles": ["write"], "grantedToV2": {"group": {"id": "g"}}}),
        Internal,
        Internal,
    );
    check(
        "an application",
        json!({"roles": ["write"], "grantedToV2": {"application": {"id": "a"}}}),
        Internal,
        Private,
    );
    check(
        "deprecated field",
        json!({"roles": ["read"], "grantedTo": {"user": {"email": "x@y.com"}}}),
        External,
        External,
    );
    check(
        "odd types",
        json!({"roles": 7, "link": "x", "grantedToV2": [], "invitation": 1}),
        Internal,
        Private,
    );
}

fn root() -> Root {
    Root {
        id: RecordId::new("b!x"),
        address: "https://contoso.sharepoint.com".into(),
        unshared: Sharing::Internal,
    }
}

#[test]
fn facets_say_what_an_item_is() {
    let rows = [
        (r#"{"id":"1","file":{}}"#, FileChange::File),
        (
            r#"{"id":"1","file":{},"shared":{"scope":"users"}}"#,
            FileChange::SharedFile,
        ),
        (
            r#"{"id":"1","folder":{"childCount":1},"shared":{}}"#,
            FileChange::SharedFolder,
        ),
        (r#"{"id":"1","folder":{}}"#, FileChange::Folder),
        (
            r#"{"id":"1","deleted":{"state":"deleted"},"shared":{}}"#,
            FileChange::Removed,
        ),
        (
            r#"{"id":"1","folder":null,"shared":null}"#,
            FileChange::File,
        ),
    ];
    for (raw, change) in rows {
        assert_eq!(
            item::read(&root(), raw.as_bytes())
                .expect("an item")
                .file
                .change,
            change,
            "{raw}"
        );
    }
}

#[test]
fn items_are_named_by_drive_and_id_and_kept_without_one() {
    let raw =
        br#"{"id":"1","parentReference":{"id":"p"},"lastModifiedDateTime":"2026-05-01T00:00:00Z"}"#;
    let file = item::read(&root(), raw).expect("an item").file;
    assert_eq!(file.id.as_str(), "b!x/1");
    assert_eq!(file.parent.as_ref().map(RecordId::as_str), Some("b!x/p"));
    assert!(file.modified.is_some());
    let nameless = item::read(&root(), br#"{"file":{}}"#).expect("an item");
    assert!(nameless.id.is_none() && nameless.file.id.as_str().starts_with("sha256:"));
    assert_eq!(item::read(&root(), b"[]").err(), Some("not-an-object"));
}

#[test]
fn a_cursor_without_pending_items_at_the_end_is_the_delta() {
    let end = Place {
        link: Some("l".into()),
        is_end: true,
        ..Place::default()
    }
    .end()
    .expect("a cursor");
    assert_eq!(end, PageEnd::CaughtUp(Some(Cursor::new(r#"{"link":"l"}"#))));
    let more = Place {
        link: Some("l".into()),
        pending: vec!["1".into()],
        is_end: true,
        ..Place::default()
    }
    .end()
    .expect("a cursor");
    assert_eq!(
        more,
        PageEnd::More(Cursor::new(r#"{"link":"l","pending":["1"],"is_end":true}"#))
    );
}

#[test]
fn what_could_not_be_read_in_one_round_is_asked_for_in_the_next() {
    let first = Place {
        link: Some("l".into()),
        is_end: true,
        unread: vec!["1".into()],
        ..Place::default()
    };
    let PageEnd::CaughtUp(Some(cursor)) = first.end().expect("a cursor") else {
        panic!("the first round is over: nothing is pending");
    };
    let mut second: Place = serde_json::from_str(cursor.as_str()).expect("our own cursor");
    assert!(
        second.pending.is_empty(),
        "the listing of changes comes first"
    );
    second.is_end = true;
    let PageEnd::More(cursor) = second.end().expect("a cursor") else {
        panic!("the second round is not over before the item was asked for");
    };
    let second: Place = serde_json::from_str(cursor.as_str()).expect("our own cursor");
    assert_eq!(
        (second.pending, second.again),
        (vec!["1".to_string()], vec![])
    );
}

#[test]
fn an_item_tells_what_people_read_whatever_its_other_fields_are() {
    let read = |raw: &str| details::read(raw.as_bytes());
    let item = read(
        r#"{"name":"a.txt","webUrl":"https://x/a.txt","size":"12","lastModifiedDateTime":"2026-05-04T10:00:00Z",
            "lastModifiedBy":{"application":{"displayName":"x"},"user":{"email":"","displayName":"Ann"}}}"#,
    );
    assert_eq!(
        (item.name.as_deref(), item.bytes),
        (Some("a.txt"), Some(12))
    );
    assert_eq!(
        (item.modified_by.as_deref(), item.created),
        (Some("Ann"), None)
    );
    let odd = read(r#"{"name":7,"size":-1,"lastModifiedBy":"nobody","name":"b"}"#);
    assert_eq!(
        (odd.name.as_deref(), odd.bytes, odd.modified_by),
        (Some("b"), None, None)
    );
    assert_eq!(read("not a record"), Default::default());
}
