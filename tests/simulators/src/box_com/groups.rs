//! Groups and memberships, by offset only (OpenAPI, "Groups", "Group memberships").

use super::desk::Desk;
use super::paging::UNKNOWN_KEY;
use super::people::EXTERNAL;
use super::wire::{Call, home_time, not_found};
use crate::answer::Answer;
use crate::json::{Object, Select, object};
use crate::moment::DAY;

const MINI: [&str; 4] = ["type", "id", "name", "group_type"];
const STANDARD: [&str; 6] = [
    "type",
    "id",
    "name",
    "group_type",
    "created_at",
    "modified_at",
];
#[rustfmt::skip]
const MEMBERSHIP: [&str; 7] = ["type", "id", "user", "group", "role", "created_at", "modified_at"];

impl Desk<'_> {
    pub fn groups(&mut self, call: &Call) -> Answer {
        match call.segments()[1..] {
            ["groups"] => {
                let fields = self.fields(call, &MINI, &STANDARD);
                let places: Vec<Option<u64>> = (0..self.tenant.groups.count).map(Some).collect();
                let write = |desk: &Self, group| desk.group_text(group, &fields);
                self.numbered(call, &places, "name", write)
            }
            ["groups", id] => match self.tenant.groups.find(id) {
                Some(group) => {
                    let fields = self.fields(call, &MINI, &STANDARD);
                    Answer::json(200, self.group_text(group, &fields))
                }
                None => not_found(),
            },
            ["groups", id, "memberships"] => match self.tenant.groups.find(id) {
                Some(group) => {
                    let members = self.members(group).into_iter();
                    let places: Vec<Option<u64>> = members.map(Some).collect();
                    let fields = self.fields(call, &MEMBERSHIP, &MEMBERSHIP);
                    let write = |desk: &Self, user| desk.membership(group, user, &fields);
                    self.numbered(call, &places, "id", write)
                }
                None => not_found(),
            },
            _ => not_found(),
        }
    }

    /// The groups of a user; nobody outside is in one.
    pub fn memberships_of_user(&mut self, call: &Call, user: u64) -> Answer {
        let groups = match user {
            EXTERNAL.. => Vec::new(),
            _ => self.groups_of(user),
        };
        let places: Vec<Option<u64>> = groups.into_iter().map(Some).collect();
        let fields = self.fields(call, &MEMBERSHIP, &MEMBERSHIP);
        let write = |desk: &Self, group| desk.membership(group, user, &fields);
        self.numbered(call, &places, "id", write)
    }

    /// A group in the mini form, as it stands inside other things.
    pub fn group_mini(&self, group: u64) -> String {
        self.group_text(group, &MINI.map(String::from))
    }

    fn group_text(&self, group: u64, fields: &[String]) -> String {
        let known = self.tenant.groups.group(group);
        let mut out = String::new();
        let mut one = Object::new(&mut out, Select(Some(fields)));
        one.text("type", "group")
            .text("id", &known.id)
            .text("name", &known.name)
            .text("group_type", known.group_type)
            .maybe("provenance", known.provenance)
            .maybe(
                "external_sync_identifier",
                known.provenance.map(|_| "CN=synced"),
            )
            .text("description", "")
            .text("invitability_level", "admins_and_members")
            .text("member_viewability_level", "admins_only")
            .text("created_at", &home_time(known.created))
            .text("modified_at", &home_time(known.created + DAY));
        if super::paging::has(fields, UNKNOWN_KEY) {
            one.raw(UNKNOWN_KEY, "[]");
        }
        one.end();
        out
    }

    fn membership(&self, group: u64, user: u64, fields: &[String]) -> String {
        let groups = &self.tenant.groups;
        let role = if self.is_group_admin(group, user) {
            "admin"
        } else {
            "member"
        };
        let created = home_time(groups.group(group).created);
        let mut out = String::new();
        let mut one = Object::new(&mut out, Select(Some(fields)));
        one.text("type", "group_membership")
            .text("id", &groups.membership_id(group, user))
            .raw("user", &self.user_mini(user))
            .raw("group", &self.group_mini(group))
            .text("role", role)
            .text("created_at", &created)
            .text("modified_at", &created);
        one.end();
        out
    }

    /// What an event says of a group.
    pub fn group_source(&self, group: u64, user: u64) -> String {
        let (groups, people) = (&self.tenant.groups, &self.tenant.people);
        object(|one| {
            one.text("group_id", &groups.id(group))
                .text("group_name", &groups.name(group))
                .text("user_id", &people.id(user))
                .text("user_name", &people.name(user));
        })
    }
}
