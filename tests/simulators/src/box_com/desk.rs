//! Where a call is dealt with: the enterprise, its state and the time, together for the length of one answer.

use casbah_model::transport::Method;

use super::faults::Fault;
use super::library::Library;
use super::limits::Limiter;
use super::people::{EXTERNAL, Groups, People, Person, SERVICE, Status};
use super::plan::{Plan, ServiceAccount};
use super::schedule::Schedule;
use super::sharing::Sharing;
use super::traffic::Traffic;
use super::wire::{Call, not_found};
use super::world::{Deed, World};
use crate::answer::Answer;
use crate::moment::{Millis, http_date};
use crate::switches::Switches;

/// Everything about an enterprise that never changes.
pub struct Tenant {
    pub people: People,
    pub groups: Groups,
    pub library: Library,
    pub sharing: Sharing,
}

impl Tenant {
    pub fn new(plan: &Plan) -> Tenant {
        let people = People::new(plan);
        let library = Library::new(plan);
        let sharing = Sharing::new(plan, &library, &people);
        Tenant {
            people,
            groups: Groups::new(plan),
            library,
            sharing,
        }
    }
}

/// Everything that changes.
pub struct State {
    pub world: World,
    pub schedule: Schedule,
    pub switches: Switches<Fault>,
    pub limiter: Limiter,
    pub traffic: Traffic,
}

impl State {
    pub fn new(plan: &Plan) -> State {
        State {
            world: World::default(),
            schedule: Schedule::new(plan),
            switches: Switches::new(plan.seed),
            limiter: Limiter::default(),
            traffic: Traffic::default(),
        }
    }
}

pub struct Desk<'a> {
    pub plan: &'a Plan,
    pub tenant: &'a Tenant,
    pub state: &'a mut State,
    pub now: Millis,
    /// How far the clock of this answer is ahead, in seconds.
    pub skew: i64,
}

impl Desk<'_> {
    pub fn answer(&mut self, call: &Call) -> Answer {
        self.act_as_planned();
        self.state.traffic.count_call(call);
        self.set_skew();
        let answer = match self.trouble_before(call) {
            Some(answer) => answer,
            None if call.is_download() => self.handed_out(call),
            None if call.is_token_call() => self.limited_login(call),
            None => self.route(call),
        };
        let mut answer = self.trouble_after(call, answer);
        answer.headers.add("Date", http_date(self.now, self.skew));
        let statuses = &mut self.state.traffic.statuses;
        *statuses.entry(answer.status).or_default() += 1;
        answer
    }

    /// Does what was to be done before this call.
    fn act_as_planned(&mut self) {
        let calls = self.state.traffic.total();
        let due: Vec<Deed> = self.state.world.planned.remove(&calls).unwrap_or_default();
        for deed in due {
            self.act(deed);
        }
    }

    pub fn strikes(&mut self, fault: Fault) -> Option<String> {
        self.state.switches.strikes(fault)
    }

    /// What a caller who may call gets; `viewer` is the user whose eyes it has.
    pub fn endpoint(&mut self, call: &Call, viewer: u64) -> Answer {
        if call.method != Method::Get {
            return self.write(call, viewer);
        }
        match call.segments()[1..] {
            ["users", ..] => self.users(call, viewer),
            ["groups", ..] => self.groups(call),
            ["events"] => self.events(call),
            ["folders" | "files" | "web_links" | "collaborations", ..] => {
                self.content(call, viewer)
            }
            ["collaboration_whitelist_entries"] => self.allowed_domains(call),
            ["collaboration_whitelist_exempt_targets"] => self.exempt_users(call),
            ["metadata_templates", scope, template, "schema"] => self.template(scope, template),
            _ => not_found(),
        }
    }

    /// Managed users there are, added ones included, the service account left out; some may be deleted.
    pub fn user_count(&self) -> u64 {
        self.tenant.people.count + self.state.world.users_added
    }

    /// Numbers of the managed users that a list may name.
    pub fn listed_users(&self) -> impl Iterator<Item = u64> + use<> {
        let is_listed = self.plan.choices.service_account == ServiceAccount::Listed;
        (0..self.user_count()).chain(is_listed.then_some(SERVICE))
    }

    /// A user as it is now, inside or outside; `None` if there is none, or no more.
    pub fn user(&self, index: u64) -> Option<Person> {
        let outside = EXTERNAL..EXTERNAL + self.tenant.people.externals;
        let exists = index < self.user_count() || index == SERVICE || outside.contains(&index);
        let change = self.state.world.user(index);
        if !exists || change.is_deleted {
            return None;
        }
        let mut person = self.tenant.people.person(index);
        person.status = change.status.unwrap_or(person.status);
        person.role = change.role.unwrap_or(person.role);
        person.created = change.created.unwrap_or(person.created);
        person.modified = change.modified.unwrap_or(person.modified);
        Some(person)
    }

    pub fn has_user(&self, index: u64) -> bool {
        self.user(index).is_some()
    }

    pub fn is_suspended(&self, user: u64) -> bool {
        self.user(user)
            .is_some_and(|person| person.status == Status::Inactive)
    }

    pub fn is_member(&self, group: u64, user: u64) -> bool {
        let changed = self.state.world.members.get(&(group, user));
        let planned =
            || group == 0 && user < self.user_count() || self.tenant.groups.has(group, user);
        changed.copied().unwrap_or_else(planned)
    }

    pub fn is_group_admin(&self, group: u64, user: u64) -> bool {
        let made = self.state.world.group_admins.contains(&(group, user));
        made || self.tenant.groups.is_admin(group, user)
    }

    /// The members of a group there are, in order.
    pub fn members(&self, group: u64) -> Vec<u64> {
        let mut members: Vec<u64> = match group {
            0 => (0..self.user_count()).collect(),
            _ => self.tenant.groups.members(group).collect(),
        };
        let all = (group, 0)..=(group, u64::MAX);
        let changed = self.state.world.members.range(all);
        members.extend(changed.map(|((_, user), _)| *user));
        members.retain(|user| self.is_member(group, *user) && self.has_user(*user));
        members.sort_unstable();
        members.dedup();
        members
    }

    /// The groups that a user is in, in order.
    pub fn groups_of(&self, user: u64) -> Vec<u64> {
        let groups = 0..self.tenant.groups.count;
        groups
            .filter(|group| self.is_member(*group, user))
            .collect()
    }
}
