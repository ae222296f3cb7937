//! Users (OpenAPI, "Users").

use super::desk::Desk;
use super::faults::Fault;
use super::ids::{Type, id};
use super::paging::{OFFSET_MAX, UNKNOWN_KEY};
use super::people::{EXTERNAL, Person};
use super::wire::{Call, api_error, api_error_about, home_time, not_found};
use crate::answer::Answer;
use crate::chance::{Stream, draw};
use crate::json::{Object, Select, object, text};

const MINI: [&str; 4] = ["type", "id", "name", "login"];
#[rustfmt::skip]
const STANDARD: [&str; 17] = [
    "type", "id", "name", "login", "created_at", "modified_at", "language", "timezone", "space_amount", "space_used",
    "max_upload_size", "status", "job_title", "phone", "address", "avatar_url", "notification_email",
];
/// With the fault `short-pages` one place in so many is empty.
const HOLE: usize = 8;

impl Desk<'_> {
    pub fn users(&mut self, call: &Call, viewer: u64) -> Answer {
        match call.segments()[1..] {
            ["users"] => self.user_list(call),
            ["users", "me"] => self.one_user(call, viewer),
            ["users", id] => match self.find_user(id) {
                Some(user) => self.one_user(call, user),
                None => not_found(),
            },
            ["users", id, "memberships"] => match self.find_user(id) {
                Some(user) => self.memberships_of_user(call, user),
                None => not_found(),
            },
            _ => not_found(),
        }
    }

    /// The number of a user there is, by id. That people outside are told is uncertain.
    pub fn find_user(&self, id: &str) -> Option<u64> {
        let user = self.tenant.people.find(id)?;
        self.has_user(user).then_some(user)
    }

    pub fn one_user(&mut self, call: &Call, user: u64) -> Answer {
        let fields = self.fields(call, &MINI, &STANDARD);
        Answer::json(200, self.user_text(user, &fields))
    }

    fn user_list(&mut self, call: &Call) -> Answer {
        let found = match self.wanted_users(call) {
            Ok(found) => found,
            Err(answer) => return answer,
        };
        let fields = self.fields(call, &MINI, &STANDARD);
        let write = |desk: &Self, user| desk.user_text(user, &fields);
        if call.is_true("usemarker") {
            return self.marked(call, "users", found, write);
        }
        let offset: usize = call
            .parameter("offset")
            .map_or(0, |text| text.parse().unwrap_or(0));
        if offset > OFFSET_MAX {
            return api_error("bad_request");
        }
        let mut places: Vec<Option<u64>> = Vec::with_capacity(found.len());
        let has_holes = self.strikes(Fault::ShortPages).is_some();
        for user in found {
            if has_holes && places.len() % HOLE == HOLE - 1 {
                places.push(None);
            }
            places.push(Some(user));
        }
        self.numbered(call, &places, "id", write)
    }

    /// Users outside come only for their whole login; users inside also for the beginning of name or login.
    fn wanted_users(&self, call: &Call) -> Result<Vec<u64>, Answer> {
        let term = call
            .parameter("filter_term")
            .unwrap_or_default()
            .to_lowercase();
        let (inside, outside) = match call.parameter("user_type") {
            None | Some("managed") => (true, false),
            Some("all") => (true, true),
            Some("external") => (false, true),
            Some(_) => {
                let message = "user_type is all, managed or external";
                return Err(api_error_about("invalid_parameter", "user_type", message));
            }
        };
        let people = &self.tenant.people;
        let mut found = Vec::new();
        if inside {
            let is_wanted = |user: &u64| {
                let begins = |text: String| text.to_lowercase().starts_with(&term);
                self.has_user(*user)
                    && (term.is_empty()
                        || begins(people.login(*user))
                        || begins(people.name(*user)))
            };
            found.extend(self.listed_users().filter(is_wanted));
        }
        if outside && !term.is_empty() {
            let all = EXTERNAL..EXTERNAL + people.externals;
            found.extend(all.filter(|user| people.login(*user) == term));
        }
        Ok(found)
    }

    /// A user in the mini form, as it stands inside other things.
    pub fn user_mini(&self, user: u64) -> String {
        let people = &self.tenant.people;
        object(|one| {
            one.text("type", "user")
                .text("id", &people.id(user))
                .text("name", &people.name(user))
                .text("login", &people.login(user));
        })
    }

    pub fn user_text(&self, user: u64, fields: &[String]) -> String {
        let Some(person) = self.user(user) else {
            return "null".into();
        };
        let mut out = String::new();
        let mut one = Object::new(&mut out, Select(Some(fields)));
        one.text("type", "user")
            .text("id", &person.id)
            .text("name", &person.name)
            .text("login", &person.login)
            .raw("enterprise", &self.enterprise_of(user));
        if user < EXTERNAL {
            self.write_managed(&mut one, &person);
        }
        if super::paging::has(fields, UNKNOWN_KEY) {
            one.raw(UNKNOWN_KEY, r#"{"since":"2031"}"#);
        }
        one.end();
        out
    }

    /// What is told of managed users only.
    fn write_managed(&self, one: &mut Object<'_>, person: &Person) {
        let chance = draw(self.plan.seed, Stream::User, person.index ^ (1 << 44));
        let tracking = format!(
            r#"[{{"type":"tracking_code","name":"department","value":{}}}]"#,
            text(person.department)
        );
        let address = format!("{}.alerts@acme.example", person.index);
        let notification = match chance % 5 {
            0 => format!(r#"{{"email":{},"is_confirmed":true}}"#, text(&address)),
            _ => "null".into(),
        };
        let avatar = format!("https://app.box.com/api/avatar/large/{}", person.id);
        one.text("created_at", &home_time(person.created))
            .text("modified_at", &home_time(person.modified))
            .text(
                "language",
                if chance.is_multiple_of(3) { "de" } else { "en" },
            )
            .text("timezone", "America/Los_Angeles")
            .number("space_amount", 10_995_116_277_760)
            .number("space_used", chance % 50_000_000_000)
            .number("max_upload_size", 5_368_709_120)
            .text("status", person.status.name())
            .text(
                "job_title",
                if chance.is_multiple_of(2) {
                    ""
                } else {
                    person.department
                },
            )
            .text("phone", "")
            .text("address", "")
            .text("avatar_url", &avatar)
            .raw("notification_email", &notification)
            .text("role", person.role.name())
            .raw(
                "tracking_codes",
                if person.is_app_user { "[]" } else { &tracking },
            )
            .flag("is_external_collab_restricted", chance % 20 == 1)
            .flag("is_platform_access_only", person.is_app_user)
            .flag("is_exempt_from_device_limits", false)
            .flag("is_exempt_from_login_verification", chance % 30 == 2)
            .flag("can_see_managed_users", !person.is_app_user)
            .flag("is_sync_enabled", chance % 4 != 3)
            .maybe("external_app_user_id", None);
    }

    /// The enterprise of a user: ours, another, or none.
    fn enterprise_of(&self, user: u64) -> String {
        match self.tenant.people.enterprise(user) {
            None => "null".into(),
            Some(number) => object(|one| {
                let name = if number == 0 {
                    "Acme".into()
                } else {
                    format!("Partner {number}")
                };
                one.text("id", &id(self.plan.seed, Type::Enterprise, number))
                    .text("type", "enterprise")
                    .text("name", &name);
            }),
        }
    }
}
