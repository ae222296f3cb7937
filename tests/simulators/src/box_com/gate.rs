//! Before an endpoint is reached: whose token, through whose eyes, limits, then scope and role.

use casbah_model::transport::Method;

use super::desk::Desk;
use super::faults::Fault;
use super::limits::{Bucket, BucketOwner};
use super::login::Bearer;
use super::people::{Role, SERVICE};
use super::plan::{ActingGone, ActingInactive, MissingScope, UnauthorizedBody};
use super::wire::{Call, api_error, not_found};
use crate::answer::Answer;

/// What the fault `rate-limit-429` waits when it has no value, in seconds.
const RETRY_AFTER: i64 = 20;
/// What the fault `skewed-clock` is ahead when it has no value, in seconds.
const SKEW_SECONDS: i64 = 120;
const DENIED: &str = "access_denied_insufficient_permissions";

/// What a call needs.
struct Need {
    /// One of them is enough; none is always enough.
    scopes: &'static [&'static str],
    /// Only an administrator or the service account may.
    is_administrative: bool,
}

fn need(method: Method, path: &[&str]) -> Need {
    let (scopes, is_administrative): (&'static [&'static str], bool) = match path {
        ["users", "me"] => (&[], false),
        ["users", _, "memberships"] | ["groups", ..] => (&["manage_groups"], true),
        ["users", ..] => (&["manage_managed_users"], true),
        // Which scope lists of allowed domains need is uncertain.
        [
            "events" | "collaboration_whitelist_entries" | "collaboration_whitelist_exempt_targets",
        ] => (&["manage_enterprise_properties"], true),
        _ if method == Method::Get => (&["root_readonly", "root_readwrite"], false),
        _ => (&["root_readwrite"], false),
    };
    Need {
        scopes,
        is_administrative,
    }
}

impl Desk<'_> {
    /// Decides how far the clock of this answer is ahead.
    pub fn set_skew(&mut self) {
        let value = self.strikes(Fault::SkewedClock);
        self.skew = value.map_or(0, |seconds| seconds.parse().unwrap_or(SKEW_SECONDS));
    }

    pub fn limited_login(&mut self, call: &Call) -> Answer {
        *self.state.traffic.granted.entry(Bucket::Token).or_default() += 1;
        self.login(call)
    }

    pub fn route(&mut self, call: &Call) -> Answer {
        if call.path.first().is_none_or(|first| first != "2.0") || call.path.len() < 2 {
            return not_found();
        }
        let bearer = match self.authorize(call) {
            Ok(bearer) => bearer,
            Err(answer) => return answer,
        };
        let named = call.headers.get("as-user");
        let acting = named.map(|id| self.tenant.people.find(id));
        let owner = match (self.plan.limits.owner, acting) {
            (BucketOwner::Acting, Some(Some(user))) => user,
            _ => bearer.user,
        };
        let bucket = match owner {
            SERVICE => Bucket::Service,
            user => Bucket::User(user),
        };
        if let Some(answer) = self.charge(bucket) {
            return answer;
        }
        let viewer = match acting {
            None => Ok(bearer.user),
            Some(user) => self.acting(&bearer, user, named.unwrap_or_default()),
        };
        match viewer.and_then(|viewer| self.admit(call, &bearer, viewer)) {
            Ok(viewer) => self.endpoint(call, viewer),
            Err(answer) => answer,
        }
    }

    /// Reads the `Authorization` header of a call.
    fn authorize(&mut self, call: &Call) -> Result<Bearer, Answer> {
        let header = call.headers.get("Authorization").unwrap_or_default();
        let token = header.strip_prefix("Bearer ").unwrap_or_default();
        if !token.is_empty() && self.strikes(Fault::TokenExpiresMidway).is_some() {
            self.state.world.dead_tokens.insert(token.to_string());
        }
        self.read_token(token).ok_or_else(|| {
            let answer = match self.plan.choices.unauthorized_body {
                UnauthorizedBody::Empty => Answer::empty(401),
                UnauthorizedBody::Error => api_error("unauthorized"),
            };
            answer.with("WWW-Authenticate", "Bearer realm=\"Service\", error=\"invalid_token\", error_description=\"The access token provided is invalid.\"")
        })
    }

    /// Takes a call out of its bucket; a refusal if it is empty.
    fn charge(&mut self, bucket: Bucket) -> Option<Answer> {
        let (limits, seed) = (&self.plan.limits, self.plan.seed);
        let mut verdict = self
            .state
            .limiter
            .charge(limits, seed, self.now, bucket)
            .err();
        if let Some(seconds) = self.strikes(Fault::RateLimit429) {
            verdict = Some(seconds.parse().unwrap_or(RETRY_AFTER));
        }
        let traffic = &mut self.state.traffic;
        let Some(seconds) = verdict else {
            *traffic.granted.entry(bucket).or_default() += 1;
            return None;
        };
        *traffic.refused.entry(bucket).or_default() += 1;
        let answer = api_error("rate_limit_exceeded");
        Some(match self.strikes(Fault::NoRetryAfter) {
            Some(_) => answer,
            None => answer.with("Retry-After", seconds.to_string()),
        })
    }

    /// Through whose eyes a call with `as-user` sees.
    fn acting(&mut self, bearer: &Bearer, user: Option<u64>, id: &str) -> Result<u64, Answer> {
        let refused = || api_error(DENIED);
        let by = self.user(bearer.user).ok_or_else(refused)?;
        let is_able = bearer.user == SERVICE || by.role != Role::User;
        if !self.plan.client.may_act_as_users || !is_able {
            return Err(refused());
        }
        let meant = self.state.switches.settings(Fault::ActingRefused);
        let is_meant = meant.is_some_and(|settings| {
            let value = settings.value.as_deref().unwrap_or_default();
            value.is_empty() || value == id
        });
        if is_meant && self.strikes(Fault::ActingRefused).is_some() {
            return Err(refused());
        }
        let managed = user.filter(|user| *user < self.user_count());
        let Some(person) = managed.and_then(|user| self.user(user)) else {
            return Err(match self.plan.choices.acting_gone {
                ActingGone::Forbidden => refused(),
                ActingGone::NotFound => not_found(),
            });
        };
        // A co-administrator does not see what other administrators own.
        let is_below = by.role != Role::Coadmin || person.role == Role::User;
        if !is_below && person.index != by.index {
            return Err(refused());
        }
        if self.is_suspended(person.index) {
            match self.plan.choices.acting_inactive {
                ActingInactive::Allowed => {}
                ActingInactive::Forbidden => return Err(refused()),
                ActingInactive::BadRequest => return Err(api_error("bad_request")),
            }
        }
        Ok(person.index)
    }

    /// Whether scope and role suffice; the viewer if so.
    fn admit(&mut self, call: &Call, bearer: &Bearer, viewer: u64) -> Result<u64, Answer> {
        let path = &call.segments()[1..];
        let need = need(call.method, path);
        let family = path.first().copied().unwrap_or_default();
        let meant = self.state.switches.settings(Fault::PermissionDenied);
        let is_meant = meant.is_some_and(|settings| {
            let value = settings.value.as_deref().unwrap_or_default();
            value.is_empty() || value == family
        });
        if is_meant && self.strikes(Fault::PermissionDenied).is_some() {
            return Err(api_error(DENIED));
        }
        let holds = |scope: &&str| bearer.scopes.iter().any(|held| held == scope);
        if !need.scopes.is_empty() && !need.scopes.iter().any(holds) {
            return Err(match self.plan.choices.missing_scope {
                MissingScope::InsufficientScope => api_error("insufficient_scope").with(
                    "WWW-Authenticate",
                    "Bearer realm=\"Service\", error=\"insufficient_scope\"",
                ),
                MissingScope::AccessDenied => api_error(DENIED),
            });
        }
        let role = self.user(viewer).map(|person| person.role);
        let is_admin = viewer == SERVICE || role.is_some_and(|role| role != Role::User);
        if need.is_administrative && !is_admin {
            return Err(api_error(DENIED));
        }
        Ok(viewer)
    }
}
