//! Where a call is dealt with: the tenant, its state and the time, together for the length of one answer.

use std::sync::Arc;

use casbah_model::transport::Method;

use super::faults::Fault;
use super::limits::{Charge, Limiter, Row, Verdict};
use super::people::Person;
use super::plan::Plan;
use super::schedule::Schedule;
use super::tenant::Tenant;
use super::traffic::Traffic;
use super::wire::{Call, Service};
use super::world::World;
use crate::answer::Answer;
use crate::chance::Stream;
use crate::moment::Millis;
use crate::seal::seal;
use crate::switches::Switches;

/// Everything that changes.
pub struct State {
    pub world: World,
    pub schedule: Schedule,
    pub switches: Switches<Fault>,
    pub limiter: Limiter,
    pub traffic: Traffic,
    /// Tokens issued so far; makes each one different.
    pub tokens: u64,
}

impl State {
    pub fn new(plan: &Plan) -> State {
        State {
            world: World::new(plan),
            schedule: Schedule::new(plan),
            switches: Switches::new(plan.seed),
            limiter: Limiter::default(),
            traffic: Traffic::default(),
            tokens: 0,
        }
    }
}

pub struct Desk<'a> {
    pub plan: &'a Plan,
    pub tenant: &'a Arc<Tenant>,
    pub state: &'a mut State,
    pub now: Millis,
}

impl Desk<'_> {
    pub fn answer(&mut self, call: &Call) -> Answer {
        self.state.traffic.count_call(call);
        let answer = match self.trouble_before(call) {
            Some(answer) => answer,
            None => match call.service {
                Service::Login => self.login(call),
                Service::Management => self.management(call),
                Service::Graph => self.graph(call),
                Service::SharePoint
                    if call.path.first().is_some_and(|first| first == "_layouts") =>
                {
                    self.handed_out(call)
                }
                Service::SharePoint => self.monitor(call),
            },
        };
        let answer = self.trouble_after(call, answer);
        *self
            .state
            .traffic
            .statuses
            .entry(answer.status)
            .or_default() += 1;
        answer
    }

    pub fn strikes(&mut self, fault: Fault) -> Option<String> {
        self.state.switches.strikes(fault)
    }

    /// Charges a limit and counts the outcome.
    pub fn charge(&mut self, row: Row, part: &'static str, units: u64) -> Verdict {
        let size = (self.plan.users as u64, self.plan.seats);
        let charge = Charge { row, part, units };
        let verdict = self
            .state
            .limiter
            .charge(&self.plan.limits, size, self.now, charge);
        let traffic = &mut self.state.traffic;
        if verdict.is_granted {
            *traffic.granted.entry(row).or_default() += units;
        } else {
            *traffic.refused.entry(row).or_default() += 1;
        }
        verdict
    }

    /// Microsoft Graph: limits, then the token, then the endpoint.
    pub fn graph(&mut self, call: &Call) -> Answer {
        let path: Vec<&str> = call.path.iter().skip(1).map(String::as_str).collect();
        if path.as_slice() == ["$batch"] {
            return self.batch(call);
        }
        let claims = match self.authorize(call, Service::Graph) {
            Ok(claims) => claims,
            Err(answer) => return answer,
        };
        let limits = match self.graph_limits(call, &path) {
            Ok(headers) => headers,
            Err(answer) => return *answer,
        };
        let mut answer = match self.missing_role(call, &path, &claims) {
            Some(answer) => answer,
            None if call.method != Method::Get => self.change(call, &path),
            None => self.graph_endpoint(call, &path),
        };
        for (name, value) in limits {
            answer.headers.add(name, value);
        }
        let number = self.state.traffic.calls.values().sum::<u64>();
        let id = crate::chance::guid(self.plan.seed, Stream::Request, number);
        answer.with("request-id", id)
    }

    fn graph_endpoint(&mut self, call: &Call, path: &[&str]) -> Answer {
        match path {
            ["users", _, "drive"] | ["sites" | "drives", ..] => self.files(call, path),
            ["servicePrincipals", ..] | ["oauth2PermissionGrants", ..] => {
                self.applications(call, path)
            }
            [first, ..] if first.starts_with("servicePrincipals(") => self.applications(call, path),
            ["security", "dataSecurityAndGovernance", "sensitivityLabels"] => self.all_labels(),
            ["roleManagement" | "directoryRoles" | "auditLogs", ..] => {
                self.roles_and_logs(call, path)
            }
            _ => self.directory(call, path),
        }
    }

    /// Users there are, added ones included; some may be deleted.
    pub fn user_count(&self) -> u64 {
        self.tenant.people.count + self.state.world.users_added.len() as u64
    }

    /// The user at a place of the list; `None` if deleted.
    pub fn user_at(&self, place: u64) -> Option<Person> {
        let index = match place.checked_sub(self.tenant.people.count) {
            None => place,
            Some(added) => *self.state.world.users_added.get(added as usize)?,
        };
        self.user(index)
    }

    /// A user as it is now; `None` if there is none, or no more.
    pub fn user(&self, index: u64) -> Option<Person> {
        let is_known =
            index < self.tenant.people.count || self.state.world.users_added.contains(&index);
        let change = self.state.world.user(index);
        if !is_known || change.is_deleted {
            return None;
        }
        let mut person = self.tenant.people.person(index);
        person.is_enabled = change.is_enabled.unwrap_or(person.is_enabled);
        person.last_sign_in = change.last_sign_in.or(person.last_sign_in);
        person.sessions_from = change.sessions_from.unwrap_or(person.sessions_from);
        Some(person)
    }

    /// Where a reader goes on: the address of `path`, which may have a query, with a token that says the rest.
    pub fn link(&self, path: &str, name: &str, token: &str) -> String {
        let sealed = seal(self.plan.seed, token);
        let mark = if path.contains('?') { '&' } else { '?' };
        format!(
            "{}/v1.0/{path}{mark}{name}={sealed}",
            self.plan.base.graph.trim_end_matches('/')
        )
    }
}
