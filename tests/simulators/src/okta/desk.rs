//! Where a call is dealt with: the org, its state and the time, together for the length of one answer.

use casbah_model::transport::Method;

use super::apps::{ApiToken, Apps, api_token};
use super::event_text::Cast;
use super::events::{Actor, Scene};
use super::faults::Fault;
use super::limits::{Bucket, Limiter};
use super::login::Bearer;
use super::people::{Groups, People, Person, Status};
use super::plan::Plan;
use super::schedule::{DEED, Schedule};
use super::traffic::Traffic;
use super::wire::{Call, api_error, not_found};
use super::world::World;
use crate::answer::Answer;
use crate::moment::{Millis, http_date};
use crate::switches::Switches;

/// Everything about an org that never changes.
pub struct Tenant {
    pub people: People,
    pub groups: Groups,
    pub apps: Apps,
}

impl Tenant {
    pub fn new(plan: &Plan) -> Tenant {
        Tenant {
            people: People::new(plan),
            groups: Groups::new(plan),
            apps: Apps::new(plan),
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
            world: World::new(plan),
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
    /// Calls under way, this one included.
    pub in_flight: u64,
    /// How far the clock of this answer is ahead, in seconds.
    pub skew: i64,
    /// The only department whose users whoever calls may see; the others are as if they were not there (uncertain).
    pub view: Option<&'static str>,
}

impl Desk<'_> {
    pub fn answer(&mut self, call: &Call) -> Answer {
        self.state.traffic.count_call(call);
        self.set_skew();
        let answer = match self.trouble_before(call) {
            Some(answer) => answer,
            None => self.route(call),
        };
        let mut answer = self.trouble_after(call, answer);
        let number = self.state.traffic.total();
        let id = format!("X{number:026}");
        answer.headers.add("X-Okta-Request-Id", id);
        answer.headers.add("Date", http_date(self.now, self.skew));
        let statuses = &mut self.state.traffic.statuses;
        *statuses.entry(answer.status).or_default() += 1;
        answer
    }

    pub fn strikes(&mut self, fault: Fault) -> Option<String> {
        self.state.switches.strikes(fault)
    }

    /// Limits that need nobody's name first, then whoever calls, then the endpoint.
    fn route(&mut self, call: &Call) -> Answer {
        let bucket = Bucket::of(call);
        if bucket.is_some()
            && let Some(answer) = self.too_many_at_once()
        {
            return answer;
        }
        match (call.method, call.segments().as_slice()) {
            (Method::Get, [".well-known", "okta-organization"]) => return self.well_known(),
            (Method::Get, ["oauth2", "v1", "keys"]) => {
                return Answer::json(200, r#"{"keys":[]}"#);
            }
            _ => {}
        }
        if bucket == Some(Bucket::Token) {
            return self.limited(Bucket::Token, |desk| desk.login(call));
        }
        let bearer = match self.authorize(call) {
            Ok(bearer) => bearer,
            Err(answer) => return answer,
        };
        self.view = self.view(&bearer);
        self.limited(bucket.unwrap_or(Bucket::Other), |desk| {
            match desk.refusal(call, &bearer) {
                Some(answer) => answer,
                None => desk.endpoint(call, &bearer),
            }
        })
    }

    fn endpoint(&mut self, call: &Call, bearer: &Bearer) -> Answer {
        let path = call.segments();
        match (call.method, path.as_slice()) {
            (_, ["api", "v1", "users", _, "roles", ..])
            | (_, ["api", "v1", "groups", _, "roles"])
            | (_, ["api", "v1", "iam", ..])
            | (_, ["oauth2", "v1", "clients", ..]) => self.roles(call, &path, bearer),
            (_, ["api", "v1", "users", _, "clients" | "grants", ..])
            | (_, ["api", "v1", "apps" | "api-tokens", ..])
            | (_, ["integrations", ..]) => self.applications(call, &path, bearer),
            (_, ["api", "v1", "users", _, "lifecycle" | "sessions", ..])
            | (_, ["oauth2", "v1", "global-token-revocation"]) => {
                self.lifecycle(call, &path, bearer)
            }
            (_, ["api", "v1", "users", ..]) => self.users(call, &path, bearer),
            (_, ["api", "v1", "groups", ..]) => self.groups(call, &path, bearer),
            (Method::Get, ["api", "v1", "logs"]) => self.system_log(call),
            (Method::Get, ["api", "v1", "org"]) => self.org(),
            (_, ["api", "v1", "eventHooks", ..]) => self.event_hooks(call, &path, bearer),
            (_, ["api", "v1", "logs" | "org"]) => not_allowed(),
            _ => not_found(path.last().unwrap_or(&""), "Endpoint"),
        }
    }

    /// Users there are, added ones included; some may be deleted.
    pub fn user_count(&self) -> u64 {
        self.tenant.people.count + self.state.world.users_added
    }

    /// The status of a user now; `None` if there is none, or no more.
    pub fn status(&self, user: u64) -> Option<Status> {
        let change = self.state.world.user(user);
        let exists = user < self.user_count() && !change.is_deleted;
        exists.then(|| {
            let first = || self.tenant.people.status(user);
            let next = change.next.filter(|(_, at)| *at <= self.now);
            let status = next.map(|(status, _)| status).or(change.status);
            status.unwrap_or_else(first)
        })
    }

    /// A user as it is now.
    pub fn user(&self, index: u64) -> Option<Person> {
        let status = self.status(index)?;
        let change = self.state.world.user(index);
        let mut person = self.tenant.people.person(index);
        person.status = status;
        let next = change.next.filter(|(_, at)| *at > self.now);
        person.transition = next.map(|(status, _)| status);
        if let Some(created) = change.created {
            (person.created, person.last_login) = (created, None);
        }
        person.last_login = change.last_login.or(person.last_login);
        person.last_updated = change.last_updated.unwrap_or(person.last_updated);
        person.status_changed = change.status_changed.or(person.status_changed);
        Some(person)
    }

    /// A user that whoever calls may see.
    pub fn seen(&self, index: u64) -> Option<Person> {
        let person = self.user(index)?;
        let is_seen = self
            .view
            .is_none_or(|department| person.department == department);
        is_seen.then_some(person)
    }

    /// The number of a user there is, by id or login.
    pub fn find_user(&self, text: &str) -> Option<u64> {
        let found = self.tenant.people.find(text)?;
        self.status(found).map(|_| found)
    }

    pub fn is_member(&self, group: u64, user: u64) -> bool {
        let changed = self.state.world.members.get(&(group, user));
        let planned = || group == 0 || self.tenant.groups.has(group, user);
        changed.copied().unwrap_or_else(planned)
    }

    /// The members of a group there are, in order.
    pub fn members(&self, group: u64) -> Vec<u64> {
        let mut members = match group {
            0 => (0..self.user_count()).collect(),
            _ => self.tenant.groups.members(group),
        };
        let changed = self
            .state
            .world
            .members
            .range((group, 0)..=(group, u64::MAX));
        members.extend(changed.map(|((_, user), _)| *user));
        members.retain(|user| self.is_member(group, *user) && self.status(*user).is_some());
        members.sort_unstable();
        members.dedup();
        members
    }

    pub fn api_token(&self, number: u64) -> ApiToken {
        let started = self.plan.started.as_millisecond();
        let mut token = api_token(&self.tenant.people, number, started);
        let added = number.checked_sub(super::apps::API_TOKENS);
        if let Some(owner) = added.and_then(|added| {
            let added = usize::try_from(added).ok()?;
            self.state.world.api_tokens_added.get(added)
        }) {
            token.owner = *owner;
        }
        token
    }

    pub fn cast(&self) -> Cast<'_> {
        Cast {
            people: &self.tenant.people,
            groups: &self.tenant.groups,
            apps: &self.tenant.apps,
        }
    }

    /// What an event is about.
    pub fn scene_of(&self, number: u64, published: Millis) -> Scene {
        match number.checked_sub(DEED) {
            Some(place) => self.state.world.scenes[place as usize].clone(),
            None => {
                let tenant = self.tenant;
                let (groups, apps) = (tenant.groups.count, tenant.apps.count);
                Scene::of(&tenant.people, groups, apps, number, published)
            }
        }
    }
}

impl Bearer {
    /// Who events name for what this bearer does.
    pub fn actor(&self) -> Actor {
        match self {
            Bearer::Admin { user } => Actor::User(*user),
            Bearer::Client { .. } => Actor::Client,
        }
    }
}

pub fn not_allowed() -> Answer {
    api_error("E0000022", "")
}
