//! What records say; how the streams are read is in `streams`.

mod streams;

use casbah_model::activity::ActivityKind;
use casbah_model::event::{Deed, FileShape, FileVerb, PersonKind, Severity, Success, Value};
use serde_json::json;

use super::*;

fn read_text(text: &str) -> (Activity, Event<'_>) {
    event::read(text.as_bytes()).unwrap_or_else(|reason| panic!("{reason}: {text}"))
}

/// An invitation to a folder, in the form that collaborations have (OpenAPI, "Event"; samples of enterprise events).
fn invitation() -> serde_json::Value {
    json!({
        "type": "event", "event_id": "45f43783-da1c-4b9f-a609-0dee9e4bdb93", "event_type": "COLLABORATION_INVITE",
        "created_at": "2026-02-24T08:10:18-08:00", "session_id": null, "ip_address": "203.0.113.9", "action_by": null,
        "created_by": {"type": "user", "id": "123", "name": "Ada Acting", "login": "ada@corp.example"},
        "accessible_by": {"type": "user", "id": "265", "name": "Tim Target", "login": "tim@other.example"},
        "source": {
            "folder_id": "3088", "folder_name": "Plans", "user_id": "265", "user_name": "Tim Target",
            "owned_by": {"type": "user", "id": "124", "name": "Olga", "login": "olga@corp.example"},
            "parent": {"type": "folder", "name": "All Files", "id": "0"},
        },
        "additional_details": {
            "collab_id": "1123", "role": "Editor", "is_performed_by_admin": false,
            "service_id": "77", "service_name": "Invented Sync",
        },
    })
}

#[test]
fn an_invitation_names_the_folder_its_owner_and_who_may_see_it() {
    let text = invitation().to_string();
    let (activity, event) = read_text(&text);
    assert_eq!(activity.id.as_str(), "45f43783-da1c-4b9f-a609-0dee9e4bdb93");
    assert_eq!(
        (activity.kind, activity.is_known),
        (ActivityKind::User, true)
    );
    let occurred = activity.occurred.expect("a time").to_string();
    assert_eq!(occurred, "2026-02-24T16:10:18Z");
    assert_eq!(
        activity.touched_file.as_deref(),
        Some("box://users/124/folders/3088")
    );
    assert_eq!(event.deed, Deed::File(FileVerb::Share));
    assert_eq!(event.outcome.result, Success::Success);
    let file = &event.target.file;
    assert_eq!(
        (file.id.as_deref(), file.name.as_deref()),
        (Some("3088"), Some("Plans"))
    );
    assert_eq!(
        (file.shape, file.path.as_deref()),
        (FileShape::Folder, Some("All Files/Plans"))
    );
    assert_eq!(event.target.user.name.as_deref(), Some("tim@other.example"));
    assert_eq!(event.target.privileges, ["Editor"]);
    assert_eq!(event.actor.name.as_deref(), Some("ada@corp.example"));
    assert_eq!(event.app.name.as_deref(), Some("Invented Sync"));
    assert_eq!(event.client.address.as_deref(), Some("203.0.113.9"));
    let names: Vec<_> = event
        .unmapped
        .iter()
        .map(|(name, _)| name.as_ref())
        .collect();
    assert!(
        names.contains(&"source") && names.contains(&"additional_details"),
        "{names:?}"
    );
    assert!(!names.contains(&"session_id"), "{names:?}");
}

/// An event of this type about this source.
fn event_of(event_type: &str, source: serde_json::Value) -> String {
    let mut event = invitation();
    event["event_type"] = event_type.into();
    event["source"] = source;
    event["accessible_by"] = serde_json::Value::Null;
    event.to_string()
}

#[test]
fn every_form_of_a_source_is_placed() {
    let owner = json!({"type": "user", "id": "124", "login": "olga@corp.example"});
    let item = json!({
        "item_type": "file", "item_id": "901", "item_name": "Plan.v2.PDF", "classification": {"name": "Secret"},
        "parent": {"type": "folder", "id": "3088", "name": "Plans"}, "owned_by": owner,
    });
    let text = event_of("DOWNLOAD", item.clone());
    let (activity, event) = read_text(&text);
    assert_eq!(activity.touched_file, None, "a download changes nothing");
    let file = &event.target.file;
    assert_eq!(
        (file.extension.as_deref(), file.label.as_deref()),
        (Some("PDF"), Some("Secret"))
    );
    let text = event_of("UPLOAD", item.clone());
    let (activity, _) = read_text(&text);
    assert_eq!(
        activity.touched_file.as_deref(),
        Some("box://users/124/files/901")
    );

    let whole = json!({"type": "file", "id": 902, "name": "a.txt", "size": 17, "owned_by": owner});
    let text = event_of("ITEM_UPLOAD", whole);
    let (activity, event) = read_text(&text);
    assert_eq!(
        activity.touched_file.as_deref(),
        Some("box://users/124/files/902")
    );
    assert_eq!(event.target.file.bytes, Some(17));

    let text = event_of(
        "COLLABORATION_REMOVE",
        json!({"file_id": "903", "file_name": "b", "user_id": "9", "user_name": "X"}),
    );
    let (activity, event) = read_text(&text);
    assert_eq!(
        activity.touched_file.as_deref(),
        Some("box://users/123/files/903"),
        "the owner is not told"
    );
    assert_eq!(event.target.user.id.as_deref(), Some("9"));

    let text = event_of(
        "NEW_USER",
        json!({"type": "user", "id": "5", "name": "New", "login": "new@corp.example"}),
    );
    let (_, event) = read_text(&text);
    assert_eq!(event.target.user.name.as_deref(), Some("new@corp.example"));
    assert!(!event.target.file.is_named());

    let text = event_of(
        "GROUP_ADD_USER",
        json!({"group_id": "6", "group_name": "Staff", "user_id": "5", "user_name": "New"}),
    );
    let (_, event) = read_text(&text);
    assert_eq!(event.target.group.name.as_deref(), Some("Staff"));
    assert_eq!(event.target.user.id.as_deref(), Some("5"));

    let text = event_of(
        "METADATA_TEMPLATE_CREATE",
        json!({"type": "template", "id": "7", "name": "Invoice"}),
    );
    let (_, event) = read_text(&text);
    let entity = &event.target.entity;
    assert_eq!(
        (entity.kind, entity.named.name.as_deref()),
        ("Metadata Template", Some("Invoice"))
    );

    let text = event_of("COMMENT_CREATE", item);
    let (_, event) = read_text(&text);
    assert_eq!(
        event.target.resource.named.name.as_deref(),
        Some("Plan.v2.PDF")
    );

    let text = event_of(
        "BOX_AI_ASK",
        json!({"type": "app_item", "id": "8", "app_item_type": "hubs"}),
    );
    let (_, event) = read_text(&text);
    assert_eq!(event.target.resource.named.id.as_deref(), Some("8"));
    for nothing in [json!(null), json!("x"), json!([]), json!({})] {
        let text = event_of("DELETE", nothing);
        let (activity, event) = read_text(&text);
        assert_eq!(
            (activity.touched_file, event.target.file.is_named()),
            (None, false)
        );
    }
}

#[test]
fn people_are_told_apart() {
    let with = |created_by: serde_json::Value, is_admin: bool| {
        let mut event = invitation();
        event["created_by"] = created_by;
        event["additional_details"]["is_performed_by_admin"] = is_admin.into();
        let text = event.to_string();
        let (_, event) = read_text(&text);
        (
            event.actor.kind,
            event.actor.id.map(std::borrow::Cow::into_owned),
        )
    };
    let ada = || json!({"type": "user", "id": "123", "login": "ada@corp.example"});
    let id = || Some("123".to_string());
    assert_eq!(with(ada(), false), (PersonKind::User, id()));
    assert_eq!(with(ada(), true), (PersonKind::Admin, id()));
    let app = json!({"id": "123", "login": "AutomationUser_1_x@boxdevedition.com"});
    assert_eq!(with(app, false), (PersonKind::Application, id()));
    assert_eq!(
        with(json!({"id": "2", "name": "Anonymous"}), false),
        (PersonKind::Unknown, None)
    );
    assert_eq!(with(json!(null), false), (PersonKind::Unknown, None));
}

#[test]
fn an_alert_tells_its_risk_also_when_its_details_are_a_text() {
    let alert = json!({"shield_alert": {
        "rule_category": "Anomalous Download", "risk_score": 77, "alert_id": "500",
        "alert_summary": {"description": "Much more than last week."},
    }});
    for details in [alert.clone(), alert.to_string().into()] {
        let mut event = invitation();
        event["event_type"] = "SHIELD_ALERT".into();
        event["additional_details"] = details;
        let text = event.to_string();
        let (_, event) = read_text(&text);
        let finding = &event.target.finding;
        assert_eq!(finding.severity, Severity::High);
        assert_eq!(finding.title.as_deref(), Some("Much more than last week."));
        assert_eq!(finding.category.as_deref(), Some("Anomalous Download"));
        assert_eq!(finding.id.as_deref(), Some("500"));
    }
}

#[test]
fn odd_members_lose_nothing() {
    let text = r#"{"type":"event","event_id":7,"event_type":["x"],"created_at":"yesterday","created_by":"ada","source":5,
        "additional_details":"{not json","ip_address":{"a":1},"extra":"\ud800"}"#;
    let (activity, event) = read_text(text);
    assert!(activity.id.as_str().starts_with("sha256:"));
    assert_eq!((activity.is_known, activity.occurred), (false, None));
    assert_eq!(event.deed, Deed::default());
    let names: Vec<_> = event
        .unmapped
        .iter()
        .map(|(name, _)| name.as_ref())
        .collect();
    for kept in [
        "event_id",
        "event_type",
        "created_at",
        "created_by",
        "source",
        "extra",
    ] {
        assert!(names.contains(&kept), "{kept}: {names:?}");
    }
    let extra = event.unmapped.iter().find(|(name, _)| name == "extra");
    assert!(matches!(extra, Some((_, Value::Text(_)))), "{extra:?}");
    assert_eq!(event::read(b"[]").err(), Some("not-an-object"));
    assert_eq!(event::read(b"{\"a\":").err(), Some("not-json"));
    assert_eq!(event::read(b"").err(), Some("not-an-object"));
}

#[test]
fn ids_that_are_none_make_no_address() {
    let odd = json!({"item_type": "file", "item_id": "../1", "owned_by": {"id": "124"}});
    let text = event_of("UPLOAD", odd);
    assert_eq!(read_text(&text).0.touched_file, None);
}
