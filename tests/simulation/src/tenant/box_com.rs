//! An enterprise of Box: how it is drawn, and what must have been found of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use casbah_model::action::{ActionKind, Subject, Target};
use casbah_model::cursor::floor;
use casbah_model::file::Sharing;
use casbah_model::ports::Clock;
use casbah_model::{SignedDuration, Timestamp};
use casbah_pipeline::StageError;
use casbah_pipeline::inventory::Summary;
use casbah_simulators::box_com::{
    DOMAINS, Fault, FaultSettings, Holdings, Latency, Plan, Role, Simulator, Status,
};
use casbah_simulators::governed::{Governed, Ready};

use super::box_deeds::{Deed, What};
use super::directory::{ids, list, memberships};
use super::span_log::{self, Logged};
use super::{Due, Reader, Tenant, VendorFault, box_files, sets};
use crate::conditions::STARTED;
use crate::draw::Draw;
use crate::mark::Mark;
use crate::watch::Watch;

/// Left out is an event without an id, which is another record each time that it has one again.
pub const FAULTS: &[VendorFault] = &[
    ("token-expires-midway", None),
    ("secret-rotated", None),
    ("app-unauthorized", None),
    ("scopes-shrink", None),
    ("skewed-clock", None),
    ("permission-denied", None),
    ("permission-denied", Some("users")),
    ("permission-denied", Some("events")),
    ("permission-denied", Some("folders")),
    ("acting-refused", None),
    ("rate-limit-429", Some("7")),
    ("plain-500", None),
    ("plain-502", None),
    ("plain-503", Some("5")),
    ("not-json", None),
    ("truncated-body", None),
    ("slow-answers", Some("20")),
    ("timeout", None),
    ("short-pages", None),
    ("empty-page", None),
    ("repeated-items", None),
    ("marker-circle", None),
    ("expired-marker", None),
    ("item-vanishes", None),
    ("item-trashed", None),
    ("null-owner", None),
    ("unknown-keys", None),
    ("empty-events", None),
    ("short-events", None),
    ("repeated-events", None),
    ("position-circle", None),
    ("zero-position", None),
    ("dead-position", None),
    ("late-events", Some("50")),
    ("late-stream", Some("30")),
    ("lost-in-stream", None),
    ("null-source", None),
    ("no-source", None),
    ("null-creator", None),
    ("unknown-event-types", None),
    ("details-as-text", None),
];

/// Left out is quarantine, for which a folder is made that no single action is about.
const ACTIONS: &[ActionKind] = &[
    ActionKind::SuspendUser,
    ActionKind::RestoreUser,
    ActionKind::EndSessions,
    ActionKind::RequireNewPassword,
    ActionKind::RevokeRole,
    ActionKind::RemoveLink,
    ActionKind::NarrowLink,
    ActionKind::ExpireLink,
    ActionKind::RemovePerson,
    ActionKind::RemoveExternal,
    ActionKind::MakePrivate,
    ActionKind::Trash,
    ActionKind::RestoreFile,
    ActionKind::ApplyLabel,
    ActionKind::RemoveLabel,
];

pub struct Draft(Plan);

impl Draft {
    pub fn new(seed: u64, draw: &Draw) -> Draft {
        let slowest = draw.one(&[5_u64, 80, 400]);
        let plan = Plan::new(seed).sized(
            draw.between(6, 16) as usize,
            draw.between(1, 3) as usize,
            draw.between(5, 60) as usize,
            draw.between(20, 120) as usize,
        );
        Draft(Plan {
            started: STARTED.parse().expect("a valid time"),
            external_folders: draw.between(0, 3) as usize,
            history: SignedDuration::from_hours(draw.one(&[3, 30])),
            live_activities_per_hour: draw.between(10, 60),
            late_share: draw.one(&[0.0, 0.05]),
            duplicate_share: draw.one(&[0.0, 0.2]),
            // A connection test learns the enterprise's domains from five pages of users.
            page_max: draw.between(4, 20) as usize,
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
            &["users", "activities", "files"],
            &["users", "management-events", "sign-in-events"],
        ]
    }

    /// The main administrator stays as he is, as Box wants it.
    fn deed(&self, draw: &Draw) -> super::Deed {
        super::Deed::Box(Deed {
            what: draw.one(&What::ALL),
            user: draw.between(1, self.0.users as u64 - 1),
            group: draw.between(1, self.0.groups as u64),
            item: draw.between(0, 1000),
            folder: draw.between(0, 1000),
            users: self.0.users as u64,
            after_calls: draw.is(0.3).then(|| draw.between(1, 40)),
        })
    }

    fn delay_deeds(&mut self, delay: SignedDuration) {
        self.0.log_delay = delay;
    }

    fn make_room(&mut self, accounts: usize) -> &'static [ActionKind] {
        self.0.users += accounts;
        self.0.client.scopes.push("root_readwrite".into());
        ACTIONS
    }

    fn accounts(&self) -> usize {
        self.0.users
    }

    fn words(&self) -> String {
        let plan = &self.0;
        format!(
            "{} users, {} groups, {} files, {} events, {} an hour, pages of {}",
            plan.users,
            plan.groups,
            plan.files,
            plan.activities,
            plan.live_activities_per_hour,
            plan.page_max
        )
    }

    fn open(&self, clock: Arc<dyn Clock>) -> Arc<dyn Tenant> {
        Arc::new(Simulator::new(self.0.clone(), clock))
    }
}

fn log(holds: &Holdings) -> Vec<Logged> {
    let all = holds.activities.iter();
    let hour = SignedDuration::from_hours(1);
    let held: Vec<_> = all.clone().filter(|one| one.was_held_back).collect();
    // What comes behind an empty page in its span is not asked for.
    let is_hidden = |created: Timestamp| {
        let mut held = held.iter().map(|one| one.created);
        held.any(|first| first <= created && floor(first, hour) == floor(created, hour))
    };
    all.map(|one| Logged {
        id: one.id.clone(),
        occurred: one.created,
        stored: one.logged,
        is_hidden: is_hidden(one.created),
    })
    .collect()
}

#[async_trait(?Send)]
impl Tenant for Simulator {
    fn turn(&self, fault: &str, how: Option<FaultSettings>) {
        let fault: Fault = fault.parse().expect("a fault of the list");
        self.switch(fault, how);
    }

    /// Of twenty users one with another domain is taken for somebody else's, unless it is entered.
    fn entered(&self) -> Option<(&'static str, String)> {
        (self.holds().users.len() >= 20).then(|| ("domains", DOMAINS.join(" ")))
    }

    fn act(&self, deed: &super::Deed) {
        let super::Deed::Box(deed) = deed else { return };
        let Some(does) = deed.of(self) else { return };
        match deed.after_calls {
            Some(calls) => self.act_after(calls, does),
            None => drop(Simulator::act(self, does)),
        }
    }

    fn account(&self, number: u64) -> String {
        self.user_id(number)
    }

    fn governed(&self) -> Option<&dyn Governed> {
        Some(self)
    }

    fn words(&self, kind: ActionKind, ready: &Ready) -> Vec<String> {
        let id = &ready.target.id;
        let id = id.rsplit(':').next().unwrap_or(id).to_string();
        let invitations = match kind.subject() {
            Subject::File => self.collaborations(&id),
            Subject::Account | Subject::App => vec![],
        };
        [vec![id], invitations].concat()
    }

    fn is_done(&self, kind: ActionKind, target: &Target) -> Option<bool> {
        let id = target.id.rsplit(':').next()?;
        let item = || self.item(id);
        let user = || self.holds().users.remove(id);
        match kind {
            ActionKind::SuspendUser => Some(user()?.status != Status::Active),
            ActionKind::RestoreUser => Some(user()?.status == Status::Active),
            ActionKind::RevokeRole => Some(user()?.role == Role::User),
            ActionKind::RemoveLink | ActionKind::MakePrivate => {
                Some(item()?.sharing == Sharing::Private)
            }
            ActionKind::NarrowLink | ActionKind::RemoveExternal => {
                Some(item()?.sharing == Sharing::Internal)
            }
            ActionKind::Trash => Some(item()?.is_trashed),
            ActionKind::RestoreFile => Some(!item()?.is_trashed),
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
        let struck = traffic.faults.get(&Fault::RateLimit429).copied();
        let is_over = traffic.refused.values().sum::<u64>() > struck.unwrap_or(0);
        is_over.then(|| format!("calls above a limit: {:?}", traffic.refused))
    }

    fn activities(&self, seen: &Reader<'_>) -> Option<String> {
        span_log::difference(seen, "events", &log(&self.holds()))
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
        if let Some(what) = groups(seen, &holds).await? {
            return Ok(Some(what));
        }
        if !seen.conditions.has("files") {
            return Ok(None);
        }
        box_files::difference(seen, self, &holds).await
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

/// Users with their last status, and who of them administers the enterprise.
async fn people(seen: &Reader<'_>, holds: &Holdings) -> Result<Option<String>, StageError> {
    let users = list(seen, "users").await?;
    let found: BTreeSet<String> = users
        .iter()
        .map(|user| format!("{} {}", user.id, user.text("status")))
        .collect();
    let there = holds.users.iter();
    let there: BTreeSet<String> = there
        .map(|(id, user)| format!("{id} {}", user.status.name()))
        .collect();
    if let Some(what) = sets("users", &found, &there) {
        return Ok(Some(what));
    }
    let found = ids(seen, "role-assignments").await?;
    let there = holds.users.iter();
    let there = there.filter(|(_, user)| user.role.name() != "user");
    let there: BTreeSet<String> = there
        .map(|(id, user)| format!("{}/{id}", user.role.name()))
        .collect();
    Ok(sets("roles", &found, &there))
}

/// Groups, who is in which, and who administers which.
async fn groups(seen: &Reader<'_>, holds: &Holdings) -> Result<Option<String>, StageError> {
    let found = ids(seen, "groups").await?;
    if let Some(what) = sets("groups", &found, holds.groups.keys()) {
        return Ok(Some(what));
    }
    if seen.due == Due::Hourly {
        return Ok(None);
    }
    let pair = |(group, user): &(String, String)| format!("{group} {user}");
    let found = memberships(seen).await?;
    // Everybody is in the group of all users, so nobody asks.
    let is_chosen = |(group, _): &&(String, String)| holds.groups[group] != "All Users";
    let there = holds.memberships.iter().filter(is_chosen).map(pair);
    if let Some(what) = sets("memberships", &found, &there.collect::<BTreeSet<_>>()) {
        return Ok(Some(what));
    }
    let found = list(seen, "group-role-assignments").await?;
    let id = |record: &super::directory::Record, of: &str| {
        let id = record.told[of]["id"].as_str();
        id.unwrap_or_default().to_string()
    };
    let found = found
        .iter()
        .map(|record| pair(&(id(record, "group"), id(record, "user"))));
    let there = holds.group_admins.iter().map(pair);
    let (found, there): (BTreeSet<_>, BTreeSet<_>) = (found.collect(), there.collect());
    Ok(sets("administrators of groups", &found, &there))
}
