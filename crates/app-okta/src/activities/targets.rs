//! What an event was done to: a list in no order, of which each item says what it is (system-log-query, "Target object").

use casbah_model::event::{Deed, Entity, Event, Named, Resource, Text};

use super::event::person;
use casbah_connector::json_tree::Object;

/// Targets of one event; a longer list stays in the record.
const TARGETS_MAX: usize = 100;

pub(super) struct Targets<'t, 'a>(Vec<Target<'t, 'a>>);

struct Target<'t, 'a> {
    kind: Text<'a>,
    members: Object<'t, 'a>,
}

impl<'t, 'a> Targets<'t, 'a> {
    pub(super) fn read(record: Object<'t, 'a>) -> Targets<'t, 'a> {
        let targets = record.list("target").take(TARGETS_MAX);
        let target = |members: Object<'t, 'a>| Target {
            kind: members.text("type").unwrap_or_default(),
            members,
        };
        Targets(targets.map(target).collect())
    }

    /// Whether this person is among them.
    pub(super) fn has_person(&self, id: &str) -> bool {
        let is_them = |target: &Target<'t, 'a>| {
            target.kind == "User" && target.members.text("id").is_some_and(|text| text == id)
        };
        self.0.iter().any(is_them)
    }

    /// Puts each where it belongs: a person, a group, an application, rights, or something else of the org.
    pub(super) fn place(&self, event: &mut Event<'a>) {
        // The account within an application says less than the person it belongs to.
        for wanted in ["User", "AppUser"] {
            if let Some(target) = self.of(wanted).filter(|_| !event.target.user.is_named()) {
                event.target.user = person(target.members);
            }
        }
        if let Some(group) = self.of("UserGroup") {
            event.target.group = named(group.members);
        }
        self.place_application(event);
        for target in &self.0 {
            let name = target.members.text("displayName");
            match kind_of_entity(&target.kind) {
                Thing::Right => event.target.privileges.extend(name),
                Thing::Entity(kind) if !event.target.entity.named.is_named() => {
                    let named = named(target.members);
                    event.target.entity = Entity { named, kind };
                }
                Thing::Entity(_) | Thing::Placed => {}
            }
        }
    }

    /// What is signed in to, or what is changed, or what rights are for.
    fn place_application(&self, event: &mut Event<'a>) {
        let Some(application) = self.of("AppInstance") else {
            return;
        };
        let named = named(application.members);
        match event.deed {
            Deed::Entity(_) => {
                event.target.entity = Entity {
                    named,
                    kind: "Application",
                };
            }
            _ => {
                event.target.resource = Resource {
                    named,
                    kind: Some("Application".into()),
                    address: None,
                };
            }
        }
    }

    fn of(&self, kind: &str) -> Option<&Target<'t, 'a>> {
        self.0.iter().find(|target| target.kind == kind)
    }
}

fn named<'a>(members: Object<'_, 'a>) -> Named<'a> {
    Named {
        id: members.text("id"),
        name: members
            .text("displayName")
            .or_else(|| members.text("alternateId")),
    }
}

enum Thing {
    /// It has its place already.
    Placed,
    /// A role or a scope.
    Right,
    Entity(&'static str),
}

/// Words for what a target is, compared without case: the log writes some in two ways.
fn kind_of_entity(kind: &str) -> Thing {
    let kinds = [
        ("token", "Token"),
        ("rule", "Policy Rule"),
        ("policy", "Policy"),
        ("zone", "Network Zone"),
        ("device", "Device"),
        ("hook", "Hook"),
        ("client", "Application"),
        ("resource", "Resource Set"),
        ("authenticator", "Authenticator"),
        ("factor", "Authenticator"),
        ("org", "Organization"),
    ];
    let kind = kind.to_ascii_lowercase();
    if matches!(
        kind.as_str(),
        "" | "user" | "appuser" | "usergroup" | "appinstance"
    ) {
        return Thing::Placed;
    }
    if kind.contains("role") || kind.contains("scope") {
        return Thing::Right;
    }
    let found = kinds.into_iter().find(|(word, _)| kind.contains(word));
    Thing::Entity(found.map_or("", |(_, kind)| kind))
}
