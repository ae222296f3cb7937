//! An org of Okta: how it is drawn, and what must have been found of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use casbah_model::SignedDuration;
use casbah_model::action::{ActionKind, Target};
use casbah_model::ports::Clock;
use casbah_pipeline::StageError;
use casbah_pipeline::inventory::Summary;
use casbah_simulators::governed::Governed;
use casbah_simulators::okta::{
    Deed, Fault, FaultSettings, Holder, Holdings, Latency, Plan, Simulator, Status,
};

use super::directory::{ids, list, memberships};
use super::span_log::{self, Logged};
use super::{Due, Reader, Tenant, VendorFault, sets};
use crate::conditions::STARTED;
use crate::draw::Draw;
use crate::mark::Mark;
use crate::watch::Watch;

/// Left out is what readers never ask for (polling without end, hooks, changes), and what does not end by itself, such as a
/// token that was revoked. An event without an id is another record each time that it has one again.
pub const FAULTS: &[VendorFault] = &[
    ("permission-denied", None),
    ("permission-denied", Some("users")),
    ("permission-denied", Some("logs")),
    ("permission-denied", Some("apps")),
    ("permission-denied", Some("iam")),
    ("rate-limit-429", Some("7")),
    ("concurrency-429", None),
    ("skewed-clock", None),
    ("no-rate-headers", None),
    ("plain-500", None),
    ("plain-502", None),
    ("plain-503", None),
    ("not-json", None),
    ("truncated-body", None),
    ("slow-answers", Some("20")),
    ("timeout", None),
    ("repeated-items", None),
    ("empty-page", None),
    ("next-link-circle", None),
    ("foreign-next-link", None),
    ("joined-links", None),
    ("expired-page", None),
    ("search-lag", None),
    ("log-timeout", Some("100")),
    ("log-internal-error", None),
    ("dead-cursor", None),
    ("null-objects", None),
    ("unknown-event-types", None),
    ("shuffled-targets", None),
    ("unknown-keys", None),
    ("late-events", Some("50")),
];

/// The first users administer; one of them made the token that is read with.
const ADMINS: u64 = 8;

/// Something of each kind that somebody does, to a user without a role unless it is about roles.
fn deeds(user: u64, admin: u64, group: u64) -> Vec<Deed> {
    let role = String::from("HELP_DESK_ADMIN");
    vec![
        Deed::AddUser,
        Deed::Activate { user },
        Deed::Deactivate { user },
        Deed::Delete { user },
        Deed::Suspend { user },
        Deed::Unsuspend { user },
        Deed::Lock { user },
        Deed::Unlock { user },
        Deed::SignIn { user },
        Deed::FailSignIn { user },
        Deed::FailUnknownSignIn,
        Deed::AddMember { group, user },
        Deed::RemoveMember { group, user },
        Deed::GrantRole { user, role },
        Deed::RevokeRoles { user: admin },
        Deed::Consent { user },
        Deed::CreateApiToken { owner: admin },
        Deed::ShowPassword { user },
        Deed::DetectThreat { user },
    ]
}

pub fn deed_names() -> Vec<String> {
    let all = deeds(ADMINS, 1, 1).into_iter();
    all.map(|deed| super::Deed::Okta(deed).name()).collect()
}

/// Whether a deed changes memberships, roles, consents or tokens, which are asked for user by user and group by group; a
/// new user may come with some.
pub fn is_slow(deed: &Deed) -> bool {
    matches!(
        deed,
        Deed::AddUser
            | Deed::Delete { .. }
            | Deed::AddMember { .. }
            | Deed::RemoveMember { .. }
            | Deed::GrantRole { .. }
            | Deed::RevokeRoles { .. }
            | Deed::Consent { .. }
    )
}

const ACTIONS: &[ActionKind] = &[
    ActionKind::SuspendUser,
    ActionKind::RestoreUser,
    ActionKind::DeactivateUser,
    ActionKind::EndSessions,
    ActionKind::RequireNewPassword,
    ActionKind::RevokeRole,
];

pub struct Draft(Plan);

impl Draft {
    pub fn new(seed: u64, draw: &Draw) -> Draft {
        let slowest = draw.one(&[5_u64, 80, 400]);
        let plan = Plan::new(seed).sized(
            draw.between(ADMINS + 2, 20) as usize,
            draw.between(1, 4) as usize,
            draw.between(20, 120) as usize,
        );
        Draft(Plan {
            started: STARTED.parse().expect("a valid time"),
            history: SignedDuration::from_hours(draw.one(&[3, 30])),
            live_activities_per_hour: draw.between(10, 60),
            late_share: draw.one(&[0.0, 0.05]),
            page_max: draw.between(2, 20) as usize,
            latency: Latency {
                min: Duration::from_millis(slowest / 5),
                max: Duration::from_millis(slowest),
            },
            ..plan
        })
    }
}

impl super::Draft for Draft {
    fn faults(&self) -> &'static [VendorFault] {
        FAULTS
    }

    fn late_fault(&self) -> &'static str {
        "late-events"
    }

    fn components(&self) -> &'static [&'static [&'static str]] {
        &[
            &["all"],
            &["all"],
            &["users", "activities"],
            &["users", "app-permissions", "sign-in-events"],
        ]
    }

    fn deed(&self, draw: &Draw) -> super::Deed {
        let user = draw.between(ADMINS, self.0.users as u64 - 1);
        let admin = draw.between(1, ADMINS - 1);
        let group = draw.between(1, self.0.groups as u64);
        super::Deed::Okta(draw.one(&deeds(user, admin, group)))
    }

    fn delay_deeds(&mut self, delay: SignedDuration) {
        self.0.deed_delay = delay;
    }

    fn make_room(&mut self, accounts: usize) -> &'static [ActionKind] {
        self.0.users += accounts;
        ACTIONS
    }

    fn accounts(&self) -> usize {
        self.0.users
    }

    fn words(&self) -> String {
        let plan = &self.0;
        format!(
            "{} users, {} groups, {} events, {} an hour, pages of {}",
            plan.users, plan.groups, plan.activities, plan.live_activities_per_hour, plan.page_max
        )
    }

    fn open(&self, clock: Arc<dyn Clock>) -> Arc<dyn Tenant> {
        Arc::new(Simulator::new(self.0.clone(), clock))
    }
}

fn log(holds: &Holdings) -> Vec<Logged> {
    let all = holds.activities.iter();
    all.map(|one| Logged {
        id: one.uuid.clone(),
        occurred: one.published,
        stored: one.visible,
        is_hidden: false,
    })
    .collect()
}

#[async_trait(?Send)]
impl Tenant for Simulator {
    fn turn(&self, fault: &str, how: Option<FaultSettings>) {
        let fault: Fault = fault.parse().expect("a fault of the list");
        self.switch(fault, how);
    }

    fn act(&self, deed: &super::Deed) {
        if let super::Deed::Okta(deed) = deed {
            Simulator::act(self, deed.clone());
        }
    }

    fn account(&self, number: u64) -> String {
        self.user_id(number)
    }

    fn governed(&self) -> Option<&dyn Governed> {
        Some(self)
    }

    fn is_done(&self, kind: ActionKind, target: &Target) -> Option<bool> {
        let holds = self.holds();
        let account = target.within.as_ref().unwrap_or(&target.id);
        let is = |status| holds.users.get(account) == Some(&status);
        match kind {
            ActionKind::SuspendUser => Some(is(Status::Suspended)),
            ActionKind::RestoreUser => Some(is(Status::Active)),
            ActionKind::DeactivateUser => Some(is(Status::Deprovisioned)),
            ActionKind::RequireNewPassword => Some(is(Status::PasswordExpired)),
            ActionKind::RevokeRole => {
                let holder = Holder::User(account.clone());
                Some(!holds.roles.iter().any(|role| role.holder == holder))
            }
            _ => None,
        }
    }

    fn struck(&self) -> BTreeMap<&'static str, u64> {
        let faults = self.traffic().faults.into_iter();
        faults.map(|(fault, count)| (fault.name(), count)).collect()
    }

    /// The log has no bundles: what a page of it showed is seen in the end.
    fn bundle(&self, _: &str) -> Option<Vec<String>> {
        Some(vec![])
    }

    fn refused(&self) -> Option<String> {
        let traffic = self.traffic();
        let struck = |fault| traffic.faults.get(&fault).copied().unwrap_or(0);
        let over = traffic.refused.values().sum::<u64>() > struck(Fault::RateLimit429);
        let beside = traffic.refused_concurrent > struck(Fault::Concurrency429);
        (over || beside).then(|| format!("calls above a limit: {:?}", traffic.refused))
    }

    fn activities(&self, seen: &Reader<'_>) -> Option<String> {
        span_log::difference(seen, "system-log", &log(&self.holds()))
    }

    async fn inventory(
        &self,
        seen: &Reader<'_>,
        _: &Summary,
    ) -> Result<Option<String>, StageError> {
        let holds = self.holds();
        if let Some(what) = people(seen, &holds).await? {
            return Ok(Some(what));
        }
        if let Some(what) = roles(seen, &holds).await? {
            return Ok(Some(what));
        }
        if !seen.conditions.has("app-permissions") {
            return Ok(None);
        }
        applications(seen, &holds).await
    }

    fn marks(&self, watch: &Watch) -> Vec<Mark> {
        let has_split = self.traffic().ties_split > 0;
        let split = has_split.then_some(Mark::TieAtBorder);
        let is_late = span_log::is_any_found_a_day_late(watch, &log(&self.holds()));
        split
            .into_iter()
            .chain(is_late.then_some(Mark::FoundADayLate))
            .collect()
    }
}

/// Users with their last status, groups, and who is in which.
async fn people(seen: &Reader<'_>, holds: &Holdings) -> Result<Option<String>, StageError> {
    let users = list(seen, "users").await?;
    let found: BTreeSet<String> = users
        .iter()
        .map(|user| format!("{} {}", user.id, user.text("status")))
        .collect();
    let there = holds.users.iter();
    let there: BTreeSet<String> = there
        .map(|(id, status)| format!("{id} {}", status.name()))
        .collect();
    if let Some(what) = sets("users", &found, &there) {
        return Ok(Some(what));
    }
    let found = ids(seen, "groups").await?;
    if let Some(what) = sets("groups", &found, holds.groups.keys()) {
        return Ok(Some(what));
    }
    if seen.due == Due::Hourly {
        return Ok(None);
    }
    let found = memberships(seen).await?;
    let there = holds.memberships.iter();
    // Everyone is in the group Everyone, so nobody asks.
    let there = there.filter(|(group, _)| holds.groups[group].name() != "BUILT_IN");
    let there: BTreeSet<String> = there
        .map(|(group, user)| format!("{group} {user}"))
        .collect();
    Ok(sets("memberships", &found, &there))
}

/// Who holds which role; one of a group comes with each of its members as well.
async fn roles(seen: &Reader<'_>, holds: &Holdings) -> Result<Option<String>, StageError> {
    if seen.due == Due::Hourly {
        return Ok(None);
    }
    let mut there = BTreeSet::new();
    for role in &holds.roles {
        match &role.holder {
            Holder::User(user) if !holds.users.contains_key(user) => continue,
            Holder::User(_) | Holder::Client => {}
            Holder::Group(group) => {
                let members = holds.memberships.iter().filter(|(of, _)| of == group);
                there.extend(members.map(|(_, user)| format!("{}/{user}", role.id)));
            }
        }
        there.insert(role.id.clone());
    }
    let mut found = BTreeSet::new();
    for name in [
        "role-assignments",
        "group-role-assignments",
        "client-role-assignments",
    ] {
        found.extend(ids(seen, name).await?);
    }
    Ok(sets("roles", &found, &there))
}

/// Applications, and what they were granted.
async fn applications(seen: &Reader<'_>, holds: &Holdings) -> Result<Option<String>, StageError> {
    let found = ids(seen, "applications").await?;
    if let Some(what) = sets("applications", &found, &holds.applications) {
        return Ok(Some(what));
    }
    let found = ids(seen, "api-tokens").await?;
    if let Some(what) = sets("API tokens", &found, &holds.api_tokens) {
        return Ok(Some(what));
    }
    if seen.due == Due::Hourly {
        return Ok(None);
    }
    let lists = [
        ("app-scopes", &holds.app_grants),
        ("app-tokens", &holds.refresh_tokens),
        ("user-grants", &holds.user_grants),
    ];
    for (name, there) in lists {
        let found = ids(seen, name).await?;
        if let Some(what) = sets(name, &found, there.keys()) {
            return Ok(Some(what));
        }
    }
    Ok(None)
}
