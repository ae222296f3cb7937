//! The text of an event, in the forms that real logs show (box_events test logs of elastic/integrations).

use super::desk::Desk;
use super::events::{Actor, Scene, Source, Thing};
use super::ids::{Type, id};
use super::library::Kind;
use super::people::SERVICE;
use super::sharing::{LABELS, Party};
use super::wire::time;
use crate::chance::{Stream, draw, guid};
use crate::json::{object, text};

/// Where times of events are told from, in minutes east of Greenwich.
const OFFSETS: [i64; 4] = [-480, -420, 60, 330];
/// The id of visitors without account (guides, "Events").
const ANONYMOUS: &str = r#"{"type":"user","id":"2","name":"Unknown User","login":""}"#;

/// What faults do to one event.
#[derive(Clone, Copy, Default)]
pub struct Oddity {
    pub has_no_id: bool,
    pub has_null_source: bool,
    pub has_no_source: bool,
    pub has_null_creator: bool,
    pub is_of_unknown_type: bool,
    pub has_details_as_text: bool,
    pub has_unknown_keys: bool,
    pub padding: usize,
}

/// The id of an event, the same in both streams: a UUID, or 40 hexadecimal digits.
pub fn event_id(seed: u64, number: u64) -> String {
    if number % 5 != 4 {
        return guid(seed, Stream::EventId, number);
    }
    let half = |part: u64| draw(seed ^ part, Stream::EventId, number);
    format!("{:016x}{:016x}{:08x}", half(0), half(1), half(2) as u32)
}

impl Desk<'_> {
    pub fn event_text(&self, scene: &Scene, oddity: Oddity) -> String {
        let (seed, number) = (self.plan.seed, scene.number);
        let row = scene.row();
        let event_type = match oddity.is_of_unknown_type {
            true => format!("{}_OF_TOMORROW", row.event_type),
            false => row.event_type.to_string(),
        };
        let created_by = match scene.actor {
            _ if oddity.has_null_creator => "null".into(),
            Actor::Anonymous => ANONYMOUS.into(),
            Actor::User(user) => self.user_mini(user),
        };
        let accessible_by = match (row.source, scene.party) {
            (Source::Collaboration, Party::User(user)) => self.user_mini(user),
            _ => "null".into(),
        };
        let net = draw(seed, Stream::EventText, number) % 250 + 1;
        let offset = OFFSETS[(number % 4) as usize];
        let session = draw(seed, Stream::SignIn, number);
        let session = session.is_multiple_of(3).then(|| format!("{session:016x}"));
        let mut details = self.details(scene, oddity.padding);
        if oddity.has_details_as_text {
            details = text(&details);
        }
        object(|event| {
            event
                .raw("source", "null")
                .text("type", "event")
                .text("event_type", &event_type)
                .text("created_at", &time(scene.created, offset))
                .raw("created_by", &created_by)
                .raw("action_by", "null")
                .raw("accessible_by", &accessible_by)
                .maybe("session_id", session.as_deref())
                .text("ip_address", &format!("203.0.113.{net}"))
                .raw("additional_details", &details);
            if !oddity.has_no_id {
                event.text("event_id", &event_id(seed, number));
            }
            if oddity.has_unknown_keys {
                event.raw("simulated_key", r#"{"nested":[true,{"deep":0.5}]}"#);
            }
        })
        .replacen(r#""source":null,"#, &self.source(scene, oddity), 1)
    }

    /// The member `source` with a comma behind it, or nothing.
    fn source(&self, scene: &Scene, oddity: Oddity) -> String {
        if oddity.has_no_source {
            return String::new();
        }
        let source = match (scene.row().source, &scene.thing) {
            _ if oddity.has_null_source => None,
            (Source::User, _) => Some(self.user_mini(scene.user)),
            (Source::Item, Some(thing)) => Some(self.item_source(thing)),
            (Source::Object, Some(thing)) => Some(self.object_source(thing)),
            (Source::Collaboration, Some(thing)) => Some(self.collaboration_source(scene, thing)),
            (Source::Group, _) => Some(self.group_source(scene.group, scene.user)),
            (Source::Map, _) => Some(object(|map| {
                map.text("service_id", "1001").text("name", "Access review");
            })),
            _ => None,
        };
        format!(r#""source":{},"#, source.as_deref().unwrap_or("null"))
    }

    fn folder_of(&self, thing: &Thing) -> String {
        object(|folder| {
            folder
                .text("type", "folder")
                .text("name", &thing.folder_name)
                .text("id", &self.tenant.library.id(thing.folder));
        })
    }

    fn item_source(&self, thing: &Thing) -> String {
        let label = thing.label.and_then(|label| LABELS.get(label));
        let item_id = self.tenant.library.id(thing.place);
        object(|source| {
            source
                .text("item_type", thing.kind.name())
                .text("item_id", &item_id)
                .text("item_name", &thing.name);
            if let Some(label) = label {
                let name = format!(r#"{{"name":{}}}"#, text(label));
                source.raw("classification", &name);
            }
            source
                .raw("parent", &self.folder_of(thing))
                .raw("owned_by", &self.user_mini(thing.owner));
        })
    }

    fn object_source(&self, thing: &Thing) -> String {
        let item_id = self.tenant.library.id(thing.place);
        object(|source| {
            source
                .text("type", thing.kind.name())
                .text("id", &item_id)
                .text("name", &thing.name)
                .raw("parent", &self.folder_of(thing))
                .raw("owned_by", &self.user_mini(thing.owner));
        })
    }

    /// The form with `folder_id` or `file_id`.
    fn collaboration_source(&self, scene: &Scene, thing: &Thing) -> String {
        let kind = if thing.kind == Kind::Folder {
            "folder"
        } else {
            "file"
        };
        let item_id = self.tenant.library.id(thing.place);
        object(|source| {
            source
                .text(&format!("{kind}_id"), &item_id)
                .text(&format!("{kind}_name"), &thing.name);
            match scene.party {
                Party::User(user) => source
                    .text("user_id", &self.tenant.people.id(user))
                    .text("user_name", &self.tenant.people.name(user)),
                Party::Group(group) => source
                    .text("group_id", &self.tenant.groups.id(group))
                    .text("group_name", &self.tenant.groups.name(group)),
            };
            source
                .raw("parent", &self.folder_of(thing))
                .raw("owned_by", &self.user_mini(thing.owner));
        })
    }

    /// Only the keys of collaborations are seen in logs; the others are from memory, so uncertain.
    fn details(&self, scene: &Scene, padding: usize) -> String {
        let row = scene.row();
        let Some(thing) = scene.thing.as_ref().filter(|_| row.source != Source::User) else {
            return match (row.event_type, padding) {
                ("SHIELD_ALERT", _) => {
                    r#"{"shield_alert":{"rule_category":"Suspicious Locations","risk_score":60}}"#
                        .into()
                }
                (_, 0) => "null".into(),
                _ => format!(r#"{{"note":"{}"}}"#, "x".repeat(padding)),
            };
        };
        object(|details| {
            match row.source {
                Source::Collaboration => {
                    let number = scene.collaboration;
                    details
                        .text(
                            "collab_id",
                            &id(self.plan.seed, Type::Collaboration, number),
                        )
                        .text("role", scene.role)
                        .flag("is_performed_by_admin", scene.actor == Actor::User(SERVICE))
                        .text("type", "box://event/additional_details/collaboration");
                }
                _ => {
                    details
                        .number(
                            "size",
                            self.tenant.library.leaf(thing.place, thing.kind).size,
                        )
                        .text("service_id", "1001")
                        .text("service_name", "Access review");
                }
            }
            if padding > 0 {
                details.text("note", &"x".repeat(padding));
            }
        })
    }
}
