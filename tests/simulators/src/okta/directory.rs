//! Users and groups (Users API, Groups API).

use casbah_model::transport::Method;
use serde_json::Value;

use super::desk::{Desk, not_allowed};
use super::filter::{Filter, Operator};
use super::login::Bearer;
use super::paging::PageSize;
use super::people::{Person, Status};
use super::plan::Me;
use super::profiles::{Detail, group_text, user_text};
use super::wire::{Call, api_error, bad_value, not_found};
use crate::answer::Answer;

/// List users: 200 is the default and the most.
const USERS: PageSize = PageSize {
    default: 200,
    max: 200,
};
/// Members of a group: the default is 1,000; that it is the most as well is uncertain.
const MEMBERS: PageSize = PageSize {
    default: 1000,
    max: 1000,
};
/// List groups: up to 10,000; that this is the default as well is uncertain.
const GROUPS: PageSize = PageSize {
    default: 10_000,
    max: 10_000,
};
/// `q` finds this many users if no limit is named, and groups at most.
const FOUND_USERS: usize = 10;
const FOUND_GROUPS_MAX: usize = 300;

/// Fields that `filter` knows of users (List users, "filter").
const USER_FILTER: [&str; 7] = [
    "status",
    "lastUpdated",
    "id",
    "profile.login",
    "profile.email",
    "profile.firstName",
    "profile.lastName",
];
const GROUP_FILTER: [&str; 4] = ["id", "type", "lastUpdated", "lastMembershipUpdated"];

impl Desk<'_> {
    pub fn users(&mut self, call: &Call, path: &[&str], bearer: &Bearer) -> Answer {
        match (call.method, &path[3..]) {
            (Method::Get, []) => self.user_list(call),
            (Method::Get, [who]) => match self.user_named(who, bearer) {
                Some(person) => Answer::json(200, user_text(self, &person, &Detail::single(call))),
                None => not_found(who, "User"),
            },
            (Method::Get, [who, "groups"]) => match self.user_named(who, bearer) {
                Some(person) => self.groups_of(call, person.index),
                None => not_found(who, "User"),
            },
            (_, [] | [_] | [_, "groups"]) => not_allowed(),
            (_, rest) => not_found(rest.last().unwrap_or(&""), "Endpoint"),
        }
    }

    /// A user by id or login; `me` is the owner of the API token.
    pub fn user_named(&self, who: &str, bearer: &Bearer) -> Option<Person> {
        match (who, bearer) {
            ("me", Bearer::Admin { user }) if self.plan.choices.me == Me::Owner => self.user(*user),
            ("me", _) => None,
            _ => self.find_user(who).and_then(|user| self.seen(user)),
        }
    }

    fn user_list(&mut self, call: &Call) -> Answer {
        let (search, filter) = (call.parameter("search"), call.parameter("filter"));
        let sort = call.parameter("sortBy");
        match (call.parameter("q"), search, filter) {
            (None, None, None) if sort.is_none() => self.plain_users(call),
            (Some(words), None, None) => self.find_users(call, words),
            (None, Some(text), None) => match parse_search(text, "E0000031", None) {
                Ok(filter) => self.search_users(call, &filter, sort),
                Err(answer) => answer,
            },
            (None, None, Some(text)) if sort.is_none() => {
                match parse_search(text, "E0000053", Some(&USER_FILTER)) {
                    Ok(filter) => self.search_users(call, &filter, None),
                    Err(answer) => answer,
                }
            }
            _ => bad_value("q, search, filter and sortBy: use one, and sortBy with search only."),
        }
    }

    /// Without search or filter deprovisioned users are left out (List users).
    fn plain_users(&mut self, call: &Call) -> Answer {
        let page = match self.page(call, USERS) {
            Ok(page) => page,
            Err(answer) => return answer,
        };
        let first = page.after.map_or(0, |after| after + 1);
        let shown = (first..self.user_count()).filter(|user| {
            self.status(*user)
                .is_some_and(|status| status != Status::Deprovisioned)
        });
        let users = shown.filter_map(|user| Some((user, self.seen(user)?)));
        let detail = Detail::list(call);
        self.list(call, &page, users, |person| {
            user_text(self, person, &detail)
        })
    }

    /// By the beginning of names and address; never paged.
    fn find_users(&mut self, call: &Call, words: &str) -> Answer {
        let limit = match self.page(call, USERS) {
            Ok(_) if call.parameter("limit").is_none() => FOUND_USERS,
            Ok(page) => page.limit,
            Err(answer) => return answer,
        };
        let words = words.to_lowercase();
        let begins = |text: &str| text.to_lowercase().starts_with(&words);
        let all = (0..self.user_count()).filter_map(|user| self.seen(user));
        let found = all.filter(|person| {
            let is_shown = person.status != Status::Deprovisioned;
            is_shown && (begins(person.given) || begins(person.family) || begins(&person.login))
        });
        let detail = Detail::list(call);
        let texts: Vec<String> = found
            .take(limit)
            .map(|person| user_text(self, &person, &detail))
            .collect();
        Answer::json(200, format!("[{}]", texts.join(",")))
    }

    /// Through the index, which may lag behind.
    fn search_users(&mut self, call: &Call, filter: &Filter, sort: Option<&str>) -> Answer {
        self.state.world.searches += 1;
        let page = match self.page(call, USERS) {
            Ok(page) => page,
            Err(answer) => return answer,
        };
        let detail = Detail::list(call);
        let found = |user: u64| {
            let person = self.indexed(user)?;
            let record: Value = serde_json::from_str(&user_text(self, &person, &detail)).ok()?;
            filter.matches(&record).then_some((user, person, record))
        };
        let Some(sort) = sort else {
            let first = page.after.map_or(0, |after| after + 1);
            let users = (first..self.user_count()).filter_map(found);
            let users = users.map(|(user, person, _)| (user, person));
            return self.list(call, &page, users, |person| {
                user_text(self, person, &detail)
            });
        };
        let pointer = format!("/{}", sort.replace('.', "/"));
        let mut all: Vec<_> = (0..self.user_count()).filter_map(found).collect();
        all.sort_by_key(|(user, _, record)| {
            let value = record.pointer(&pointer).and_then(Value::as_str);
            (value.unwrap_or_default().to_string(), *user)
        });
        if call
            .parameter("sortOrder")
            .is_some_and(|order| order.eq_ignore_ascii_case("desc"))
        {
            all.reverse();
        }
        let sorted = (1_u64..).zip(all.into_iter().map(|(_, person, _)| person));
        self.list(call, &page, sorted, |person| {
            user_text(self, person, &detail)
        })
    }

    /// A user as the search index knows it.
    fn indexed(&self, user: u64) -> Option<Person> {
        let mut person = self.seen(user)?;
        match self.state.world.user(user).indexed {
            Some((old, until)) if self.state.world.searches <= until => {
                person.status = old?;
                Some(person)
            }
            _ => Some(person),
        }
    }

    /// Groups of a user, whole. That an org with small pages cuts this list, too, is uncertain: it is not said that it cannot.
    fn groups_of(&mut self, call: &Call, user: u64) -> Answer {
        let page = match self.page(call, GROUPS) {
            Ok(page) => page,
            Err(answer) => return answer,
        };
        let groups = (0..self.tenant.groups.count).filter(|group| self.is_member(*group, user));
        let groups: Vec<(u64, u64)> = groups.map(|group| (group, group)).collect();
        self.list(call, &page, groups, |group| group_text(self, *group, call))
    }

    pub fn groups(&mut self, call: &Call, path: &[&str], bearer: &Bearer) -> Answer {
        let found = |id: &str| self.tenant.groups.find(id);
        match (call.method, &path[3..]) {
            (Method::Get, []) => self.group_list(call),
            (Method::Get, [id]) => match found(id) {
                Some(group) => Answer::json(200, group_text(self, group, call)),
                None => not_found(id, "UserGroup"),
            },
            (Method::Get, [id, "users"]) => match found(id) {
                Some(group) => self.member_list(call, group),
                None => not_found(id, "UserGroup"),
            },
            (Method::Put | Method::Delete, [id, "users", user]) => {
                match (found(id), self.find_user(user)) {
                    (Some(0), _) => api_error("E0000006", "Everyone cannot be changed."),
                    (Some(group), Some(user)) => {
                        let is_added = call.method == Method::Put;
                        self.set_member(bearer.actor(), group, user, is_added);
                        Answer::empty(204)
                    }
                    (None, _) => not_found(id, "UserGroup"),
                    (_, None) => not_found(user, "User"),
                }
            }
            (_, [] | [_] | [_, "users", ..]) => not_allowed(),
            (_, rest) => not_found(rest.last().unwrap_or(&""), "Endpoint"),
        }
    }

    fn group_list(&mut self, call: &Call) -> Answer {
        let (search, filter) = (call.parameter("search"), call.parameter("filter"));
        let wanted = match (call.parameter("q"), search, filter) {
            (None, None, None) => None,
            (Some(words), None, None) => return self.find_groups(call, words),
            (None, Some(text), None) => Some(parse_search(text, "E0000031", None)),
            (None, None, Some(text)) => Some(parse_search(text, "E0000053", Some(&GROUP_FILTER))),
            _ => return bad_value("q, search and filter: use one."),
        };
        let wanted = match wanted.transpose() {
            Ok(wanted) => wanted,
            Err(answer) => return answer,
        };
        let page = match self.page(call, GROUPS) {
            Ok(page) => page,
            Err(answer) => return answer,
        };
        let is_wanted = |group: &u64| {
            let record = || serde_json::from_str(&group_text(self, *group, call));
            let Some(wanted) = &wanted else { return true };
            record().is_ok_and(|record: Value| wanted.matches(&record))
        };
        let groups = (0..self.tenant.groups.count).filter(is_wanted);
        let groups = groups.map(|group| (group, group));
        self.list(call, &page, groups, |group| group_text(self, *group, call))
    }

    fn find_groups(&self, call: &Call, words: &str) -> Answer {
        let words = words.to_lowercase();
        let groups = (0..self.tenant.groups.count).filter(|group| {
            let name = self.tenant.groups.group(*group).name;
            name.to_lowercase().starts_with(&words)
        });
        let limit = call.parameter("limit").and_then(|limit| limit.parse().ok());
        let texts: Vec<String> = groups
            .take(limit.unwrap_or(FOUND_GROUPS_MAX).min(FOUND_GROUPS_MAX))
            .map(|group| group_text(self, group, call))
            .collect();
        Answer::json(200, format!("[{}]", texts.join(",")))
    }

    fn member_list(&mut self, call: &Call, group: u64) -> Answer {
        let page = match self.page(call, MEMBERS) {
            Ok(page) => page,
            Err(answer) => return answer,
        };
        let members = self.members(group);
        let users = members
            .into_iter()
            .filter_map(|user| Some((user, self.seen(user)?)));
        let detail = Detail::list(call);
        self.list(call, &page, users, |person| {
            user_text(self, person, &detail)
        })
    }
}

/// Reads `search` or `filter`; `code` is the error of its kind, but `ne` is always E0000031 (Core Okta API, "Filter").
fn parse_search(text: &str, code: &str, known: Option<&[&str]>) -> Result<Filter, Answer> {
    let filter = Filter::parse(text).map_err(|_| api_error(code, "The filter cannot be read."))?;
    for (field, operator) in filter.fields() {
        if operator == Some(Operator::Ne) {
            return Err(api_error("E0000031", "The operator ne is not supported."));
        }
        if known.is_some_and(|known| !known.contains(&field)) {
            return Err(api_error(code, "The filter names an unknown field."));
        }
    }
    Ok(filter)
}
