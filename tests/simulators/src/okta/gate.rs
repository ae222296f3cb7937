//! Before an endpoint is reached: limits, then scope and role of whoever calls.

use std::collections::BTreeSet;

use casbah_model::transport::Method;

use super::desk::Desk;
use super::faults::Fault;
use super::limits::{Bucket, Verdict};
use super::login::Bearer;
use super::plan::{MissingRole, MissingScope};
use super::rights::{Right, needs};
use super::roles::{Assignee, Assignment};
use super::wire::{Call, api_error, oauth_error};
use crate::answer::Answer;
use crate::moment::SECOND;

/// What the fault `rate-limit-429` waits when it has no value, in seconds.
const RESET_SECONDS: i64 = 20;
/// What the fault `skewed-clock` is ahead when it has no value, in seconds.
const SKEW_SECONDS: i64 = 120;
/// When a call that came beside too many others may come again, in seconds; a suggestion only.
const CONCURRENT_RESET_SECONDS: i64 = 1;

impl Desk<'_> {
    /// Decides how far the clock of this answer is ahead.
    pub fn set_skew(&mut self) {
        let value = self.strikes(Fault::SkewedClock);
        self.skew = value.map_or(0, |seconds| seconds.parse().unwrap_or(SKEW_SECONDS));
    }

    /// A 429 of the other kind: the limit is 0 (Rate limits, "Concurrent rate limits").
    pub fn too_many_at_once(&mut self) -> Option<Answer> {
        let limits = &self.plan.limits;
        let is_over = limits.is_on && self.in_flight > limits.concurrency;
        if !is_over {
            self.strikes(Fault::Concurrency429)?;
        }
        self.state.traffic.refused_concurrent += 1;
        let verdict = Verdict {
            is_granted: false,
            limit: 0,
            remaining: 0,
            reset: self.now.div_euclid(SECOND) + CONCURRENT_RESET_SECONDS,
        };
        Some(self.with_limits(api_error("E0000047", ""), &verdict))
    }

    /// Takes a call out of its bucket before `work` does it; every answer tells what is left.
    pub fn limited(&mut self, bucket: Bucket, work: impl FnOnce(&mut Self) -> Answer) -> Answer {
        let (limits, seed) = (&self.plan.limits, self.plan.seed);
        let limiter = &mut self.state.limiter;
        let mut verdict = limiter.charge(limits, seed, self.now, bucket);
        if let Some(seconds) = self.strikes(Fault::RateLimit429) {
            let seconds: i64 = seconds.parse().unwrap_or(RESET_SECONDS);
            verdict.is_granted = false;
            verdict.remaining = 0;
            verdict.reset = self.now.div_euclid(SECOND) + seconds;
        }
        let traffic = &mut self.state.traffic;
        let answer = if verdict.is_granted {
            *traffic.granted.entry(bucket).or_default() += 1;
            work(self)
        } else {
            *traffic.refused.entry(bucket).or_default() += 1;
            api_error("E0000047", "")
        };
        self.with_limits(answer, &verdict)
    }

    fn with_limits(&mut self, answer: Answer, verdict: &Verdict) -> Answer {
        if self.strikes(Fault::NoRateHeaders).is_some() {
            return answer;
        }
        answer
            .with("X-Rate-Limit-Limit", verdict.limit.to_string())
            .with("X-Rate-Limit-Remaining", verdict.remaining.to_string())
            .with(
                "X-Rate-Limit-Reset",
                (verdict.reset + self.skew).to_string(),
            )
    }

    /// Roles of a user, those of its groups included.
    pub fn roles_of(&self, user: u64) -> Vec<Assignment> {
        let all = self.state.world.assignments.iter();
        all.filter(|one| match one.assignee {
            Assignee::User(holder) => holder == user,
            Assignee::Group(group) => self.is_member(group, user),
            Assignee::Client => false,
        })
        .copied()
        .collect()
    }

    pub fn roles_of_bearer(&self, bearer: &Bearer) -> Vec<Assignment> {
        match bearer {
            Bearer::Admin { user } => self.roles_of(*user),
            Bearer::Client { .. } => {
                let all = self.state.world.assignments.iter();
                let ours = all.filter(|one| one.assignee == Assignee::Client);
                ours.copied().collect()
            }
        }
    }

    /// The only department whose users a bearer sees: that of its custom role, if no other role shows users.
    pub fn view(&self, bearer: &Bearer) -> Option<&'static str> {
        let held = self.roles_of_bearer(bearer);
        let mut shows = held
            .iter()
            .filter(|one| one.role.rights().contains(&Right::Users));
        let first = shows.next()?.role.department()?;
        shows
            .all(|one| one.role.department() == Some(first))
            .then_some(first)
    }

    fn rights(&self, bearer: &Bearer) -> BTreeSet<Right> {
        let held = self.roles_of_bearer(bearer);
        let rights = held.iter().flat_map(|one| one.role.rights());
        rights.copied().collect()
    }

    /// Why a call may not be made; `None` if it may.
    pub fn refusal(&mut self, call: &Call, bearer: &Bearer) -> Option<Answer> {
        let path = call.segments();
        let need = needs(call.method, &path)?;
        let family = path.get(2).copied().unwrap_or_default();
        let is_denied = self
            .state
            .switches
            .settings(Fault::PermissionDenied)
            .is_some_and(|settings| {
                let value = settings.value.as_deref().unwrap_or_default();
                value.is_empty() || value == family
            });
        if is_denied && self.strikes(Fault::PermissionDenied).is_some() {
            return Some(api_error("E0000006", ""));
        }
        if let Bearer::Client { scopes } = bearer
            && !need
                .scopes
                .iter()
                .any(|scope| scopes.iter().any(|held| held == scope))
        {
            return Some(self.missing_scope());
        }
        if self.rights(bearer).contains(&need.right) {
            return None;
        }
        let is_short = self.plan.choices.missing_role == MissingRole::ShortLists;
        if is_short && call.method == Method::Get {
            match path.as_slice() {
                ["api", "v1", "users" | "groups" | "apps" | "api-tokens"] => {
                    return Some(Answer::json(200, "[]"));
                }
                ["api", "v1", "iam", "assignees", "users"] => {
                    return Some(Answer::json(200, r#"{"value":[],"_links":{}}"#));
                }
                _ => {}
            }
        }
        Some(api_error("E0000006", ""))
    }

    fn missing_scope(&self) -> Answer {
        match self.plan.choices.missing_scope {
            MissingScope::E0000006 => api_error("E0000006", ""),
            MissingScope::E0000014 => api_error("E0000014", ""),
            MissingScope::InsufficientScope => {
                let description = "The access token provided does not contain the required scopes.";
                oauth_error(403, "insufficient_scope", description).with(
                    "WWW-Authenticate",
                    format!("Bearer authorization_uri=\"{}\", error=\"insufficient_scope\", error_description=\"{description}\"", self.plan.base),
                )
            }
        }
    }
}
