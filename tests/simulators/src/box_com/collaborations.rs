//! Collaborations of files and folders: only those of the item itself (OpenAPI, "Collaborations").

use super::desk::Desk;
use super::library::Place;
use super::people::EXTERNAL;
use super::sharing::{Answered, Collaboration, MADE, Party, Sharing};
use super::wire::{Call, home_time, not_found};
use crate::answer::Answer;
use crate::json::{Object, Select};

#[rustfmt::skip]
pub const FIELDS: [&str; 13] = [
    "type", "id", "role", "status", "accessible_by", "invite_email", "item", "created_by", "created_at", "modified_at",
    "expires_at", "is_access_only", "acceptance_requirements_status",
];

impl Desk<'_> {
    /// The collaborations of an item as they are now.
    pub fn collaborations(&self, place: Place) -> Vec<Collaboration> {
        let (library, sharing) = (&self.tenant.library, &self.tenant.sharing);
        let world = &self.state.world;
        let mut all = match library.kind(place) {
            Some(_) => sharing.collaborations(library, place),
            None => Vec::new(),
        };
        let made = world.collaborations_made.iter();
        all.extend(made.filter(|one| one.place == place));
        all.retain_mut(|one| {
            let change = world.collaborations.get(&one.number).copied();
            let change = change.unwrap_or_default();
            one.answered = change.answered.unwrap_or(one.answered);
            one.role = change.role.unwrap_or(one.role);
            one.expires = change.expires.unwrap_or(one.expires);
            let is_there = match one.party {
                Party::User(user) => self.has_user(user),
                Party::Group(group) => group < self.tenant.groups.count,
            };
            is_there && !change.is_removed && one.expires.is_none_or(|until| until > self.now)
        });
        all
    }

    /// A collaboration there is, by id.
    pub fn find_collaboration(&self, id: &str) -> Option<Collaboration> {
        let number = self.tenant.sharing.find(id)?;
        let place = match number.checked_sub(MADE) {
            Some(made) => {
                let made = usize::try_from(made).ok()?;
                self.state.world.collaborations_made.get(made)?.place
            }
            None => Sharing::place_of(number),
        };
        let all = self.collaborations(place).into_iter();
        all.into_iter().find(|one| one.number == number)
    }

    pub fn collaboration_list(&mut self, call: &Call, place: Place) -> Answer {
        let all = self.collaborations(place);
        let fields = self.fields(call, &FIELDS[..2], &FIELDS);
        let list = format!("collaborations|{}", place.number());
        let numbers: Vec<u64> = all.iter().map(|one| one.number).collect();
        self.marked(call, &list, numbers, |desk, number| {
            let found = all.iter().find(|one| one.number == number);
            found.map_or("null".into(), |one| desk.collaboration_text(one, &fields))
        })
    }

    pub fn one_collaboration(&mut self, call: &Call, viewer: u64, id: &str) -> Answer {
        let found = self.find_collaboration(id);
        match found.filter(|one| self.is_visible(viewer, one.place)) {
            Some(one) => {
                let fields = self.fields(call, &FIELDS[..2], &FIELDS);
                Answer::json(200, self.collaboration_text(&one, &fields))
            }
            None => not_found(),
        }
    }

    /// Of somebody outside who has not accepted yet only the address is told, and not of which item.
    pub fn collaboration_text(&self, one: &Collaboration, fields: &[String]) -> String {
        let people = &self.tenant.people;
        let invited = match one.party {
            Party::User(user) if user >= EXTERNAL && one.answered == Answered::Pending => {
                Some(user)
            }
            _ => None,
        };
        let accessible_by = match one.party {
            _ if invited.is_some() => "null".into(),
            Party::Group(group) => self.group_mini(group),
            Party::User(user) => {
                let mini = self.user_mini(user);
                let is_active = !self.is_suspended(user);
                format!("{},\"is_active\":{is_active}}}", mini.trim_end_matches('}'))
            }
        };
        let item = match invited {
            Some(_) => None,
            None => self.item(one.place).map(|item| {
                let fields = super::item_text::MINI.map(String::from);
                self.item_text(item.owner, &item, &fields)
            }),
        };
        let login = invited.map(|user| people.login(user));
        let created = home_time(one.created);
        let expires = one.expires.map(home_time);
        let mut out = String::new();
        let mut object = Object::new(&mut out, Select(Some(fields)));
        object
            .text("type", "collaboration")
            .text("id", &self.tenant.sharing.id(one.number))
            .text("role", one.role)
            .text("status", one.answered.name())
            .raw("accessible_by", &accessible_by)
            .maybe("invite_email", login.as_deref())
            .raw("item", item.as_deref().unwrap_or("null"))
            .raw("created_by", &self.user_mini(one.by))
            .text("created_at", &created)
            .text("modified_at", &created)
            .maybe("expires_at", expires.as_deref())
            .flag("is_access_only", false)
            .raw("acceptance_requirements_status", "null");
        object.end();
        out
    }
}
