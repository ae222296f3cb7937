//! A tenant of Microsoft 365: how it is drawn, and what must have been found of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use casbah_lake::read;
use casbah_model::SignedDuration;
use casbah_model::action::{ActionKind, Target};
use casbah_model::file::Sharing;
use casbah_model::ports::Clock;
use casbah_model::state::Key;
use casbah_pipeline::StageError;
use casbah_pipeline::inventory::{Reading, Summary, lines};
use casbah_pipeline::items::ConnectionItem;
use casbah_simulators::governed::{Governed, Ready};
use casbah_simulators::microsoft365::{
    ACT_ROLES, ContentType, Deed, Fault, FaultSettings, Holdings, Latency, Plan, Row, Simulator,
};

use super::span_log::is_behind_gap;
use super::{Reader, Tenant, VendorFault, sets};
use crate::conditions::{Conditions, STARTED};
use crate::draw::Draw;
use crate::mark::Mark;
use crate::watch::Watch;

const FAULTS: &[VendorFault] = &[
    ("duplicate-records", None),
    ("duplicate-listing", None),
    ("blob-expired", None),
    ("blob-vanished", None),
    ("next-page-alias", None),
    ("empty-page", None),
    ("already-enabled", None),
    ("feed-disabled", None),
    ("throttle-403", None),
    ("throttle-429", None),
    ("token-expires-midway", None),
    ("roles-shrink", None),
    ("secret-expired", None),
    ("app-disabled", None),
    ("graph-429", Some("7")),
    ("graph-429", Some("none")),
    ("503-with-retry-after", Some("5")),
    ("plain-500", None),
    ("plain-502", None),
    ("directory-410", None),
    ("delta-too-old", None),
    ("sync-state-not-found", None),
    ("expired-page-token", None),
    ("drive-410", None),
    ("repeated-items", None),
    ("next-link-circle", None),
    ("not-json", None),
    ("truncated-body", None),
    ("drive-gone", None),
    ("slow-answers", Some("20")),
    ("timeout", None),
];

/// Left out is quarantine, for which a folder is made that no single action is about, and what is known by other ids than
/// its target's: roles, groups and grants.
const ACTIONS: &[ActionKind] = &[
    ActionKind::SuspendUser,
    ActionKind::RestoreUser,
    ActionKind::EndSessions,
    ActionKind::RequireNewPassword,
    ActionKind::ConfirmCompromised,
    ActionKind::RemoveLink,
    ActionKind::ExpireLink,
    ActionKind::RemovePerson,
    ActionKind::RemoveExternal,
    ActionKind::MakePrivate,
    ActionKind::InheritSharing,
    ActionKind::Trash,
    ActionKind::ApplyLabel,
    ActionKind::RemoveLabel,
];

pub struct Draft(Plan);

impl Draft {
    pub fn new(seed: u64, draw: &Draw) -> Draft {
        let mut plan = Plan::new(seed);
        plan.started = STARTED.parse().expect("a valid time");
        plan.users = draw.between(6, 16) as usize;
        plan.files = draw.between(5, 40) as usize;
        plan.activities = draw.between(20, 120) as usize;
        plan.live_activities_per_hour = draw.between(10, 90);
        plan.seats = plan.users as u64;
        plan.blob_records_mean = draw.between(1, 8);
        plan.listing_page = draw.between(1, 12) as usize;
        plan.drive_page = draw.between(2, 20) as usize;
        plan.directory_page_max = draw.between(2, 20) as usize;
        let slowest = draw.one(&[5_u64, 80, 400]);
        plan.latency = Latency {
            min: Duration::from_millis(slowest / 5),
            max: Duration::from_millis(slowest),
        };
        let feeds = draw.between(1, 3);
        plan.feeds_on = ContentType::ALL
            .into_iter()
            .skip(draw.between(0, 2) as usize)
            .take(feeds as usize)
            .collect();
        Draft(plan)
    }
}

impl super::Draft for Draft {
    fn faults(&self) -> &'static [VendorFault] {
        FAULTS
    }

    fn late_fault(&self) -> &'static str {
        "late-listing"
    }

    fn components(&self) -> &'static [&'static [&'static str]] {
        &[
            &["all"],
            &["all"],
            &["users", "activities", "files"],
            &["users", "management-events", "sign-in-events", "activities"],
        ]
    }

    fn deed(&self, draw: &Draw) -> super::Deed {
        let user = draw.between(0, self.0.users as u64 - 1);
        let file = draw.between(0, self.0.files as u64 - 1);
        let drive = draw.between(0, 3);
        super::Deed::Microsoft365(draw.one(&[
            Deed::AddUser,
            Deed::AddGuest,
            Deed::DisableUser { user },
            Deed::EnableUser { user },
            Deed::DeleteUser { user },
            Deed::SignIn { user },
            Deed::FailSignIn { user },
            Deed::ShareByAnonymousLink { file },
            Deed::ShareWithPartner { file },
            Deed::ShareInside { file },
            Deed::Unshare { file },
            Deed::EditFile { file },
            Deed::DeleteFile { file },
            Deed::AddFile { drive },
        ]))
    }

    fn delay_deeds(&mut self, delay: SignedDuration) {
        self.0.deed_delay = delay;
    }

    fn make_room(&mut self, accounts: usize) -> &'static [ActionKind] {
        self.0.users += accounts;
        self.0.seats += accounts as u64;
        self.0.roles.extend(ACT_ROLES.map(String::from));
        ACTIONS
    }

    fn accounts(&self) -> usize {
        self.0.users
    }

    fn words(&self) -> String {
        let plan = &self.0;
        format!(
            "{} users, {} files, {} events, {} an hour, feeds {:?}",
            plan.users, plan.files, plan.activities, plan.live_activities_per_hour, plan.feeds_on
        )
    }

    fn open(&self, clock: Arc<dyn Clock>) -> Arc<dyn Tenant> {
        Arc::new(Simulator::new(self.0.clone(), clock))
    }
}

#[async_trait(?Send)]
impl Tenant for Simulator {
    fn turn(&self, fault: &str, how: Option<FaultSettings>) {
        let fault: Fault = fault.parse().expect("a fault of the list");
        self.switch(fault, how);
    }

    fn act(&self, deed: &super::Deed) {
        if let super::Deed::Microsoft365(deed) = deed {
            Simulator::act(self, *deed);
        }
    }

    fn account(&self, number: u64) -> String {
        self.user_id(number)
    }

    fn governed(&self) -> Option<&dyn Governed> {
        Some(self)
    }

    fn words(&self, _: ActionKind, ready: &Ready) -> Vec<String> {
        vec![ready.target.id.clone()]
    }

    fn is_done(&self, kind: ActionKind, target: &Target) -> Option<bool> {
        let id = &target.id;
        let sharing = || self.holds().file_ids.get(id).copied();
        match kind {
            ActionKind::SuspendUser => self.is_enabled(id).map(|is_enabled| !is_enabled),
            ActionKind::RestoreUser => self.is_enabled(id),
            ActionKind::RemoveLink => Some(sharing()? < Sharing::PublicByLink),
            ActionKind::RemoveExternal => Some(sharing()? < Sharing::External),
            ActionKind::MakePrivate => Some(sharing()? == Sharing::Private),
            ActionKind::Trash => Some(sharing().is_none()),
            _ => None,
        }
    }

    fn struck(&self) -> BTreeMap<&'static str, u64> {
        let faults = self.traffic().faults.into_iter();
        faults.map(|(fault, count)| (fault.name(), count)).collect()
    }

    fn bundle(&self, id: &str) -> Option<Vec<String>> {
        self.records_of(id)
    }

    fn refused(&self) -> Option<String> {
        let refused = self.traffic().refused;
        // How often a feed may be started is no pace that is shared: it is tried again.
        let over = refused
            .iter()
            .find(|(row, _)| **row != Row::ManagementStart);
        over.map(|(row, count)| format!("{count} calls above the limit {}", row.name()))
    }

    /// The records are those that the vendor ever showed, less those behind a known gap.
    fn activities(&self, seen: &Reader<'_>) -> Option<String> {
        let scope = seen.connection.scope();
        let all = self.holds().activities;
        let watch = seen.watch.state();
        let found = watch.ledger.records();
        let gaps = scope.gaps();
        let known: BTreeSet<String> = all.iter().map(|one| one.id()).collect();
        if let Some(strange) = found.iter().find(|id| !known.contains(*id)) {
            return Some(format!("{strange} was never shown"));
        }
        for one in &all {
            let live = scope.stream(&format!("live-{}", stream_of(one.feed)));
            let Some(live) = watch.shadow.get(&live) else {
                if reads(seen.conditions, one.feed) {
                    return Some(format!("nobody reads {}", one.feed.name()));
                }
                continue;
            };
            let tile = live.get("cur").and_then(|cur| cur.get("tile")?.as_str());
            let tile = tile.and_then(|tile| tile.parse::<casbah_model::Timestamp>().ok());
            let is_read = tile.is_some_and(|tile| one.available < tile.as_millisecond());
            if !is_read || found.contains(&one.id()) {
                continue;
            }
            let bundle = one.content_id();
            let mut gaps = watch.shadow.partition(&gaps, "");
            let has_failed = || {
                let units = format!("C#{scope}#U#{}", stream_of(one.feed));
                let unit = watch.shadow.get(&Key::new(units, format!("U#{bundle}")));
                unit.is_some_and(|unit| unit.get("st").is_some_and(|st| st == "FAILED"))
            };
            if (one.is_lost || has_failed()) && gaps.any(|(key, _)| key.sk.ends_with(&bundle)) {
                continue;
            }
            if is_behind_gap(&watch.shadow, &scope, one.available)
                || is_out_of_reach(seen.connection, one.available)
            {
                continue;
            }
            return Some(format!("{} of {bundle} is missing", one.id()));
        }
        None
    }

    async fn inventory(
        &self,
        seen: &Reader<'_>,
        found: &Summary,
    ) -> Result<Option<String>, StageError> {
        let holds = self.holds();
        if let Some(what) = people(seen.conditions, found, &holds) {
            return Ok(Some(what));
        }
        if !seen.conditions.has("files") {
            return Ok(None);
        }
        let files = files(seen).await?;
        if let Some(what) = sets("files", &files, holds.file_ids.keys()) {
            return Ok(Some(what));
        }
        let sharing: BTreeMap<_, _> = holds
            .files_by_sharing
            .iter()
            .map(|(class, count)| (class.name(), *count))
            .collect();
        let found = &found.files_by_sharing;
        let is_right = *found == sharing;
        Ok((!is_right).then(|| format!("sharing: {found:?} instead of {sharing:?}")))
    }

    fn marks(&self, _: &Watch) -> Vec<Mark> {
        vec![]
    }
}

/// Whether a feed is read: the directory's with events of administrators or sign-ins, the others with activities.
fn reads(conditions: &Conditions, feed: ContentType) -> bool {
    match feed {
        ContentType::AzureActiveDirectory => {
            conditions.has("management-events") || conditions.has("sign-in-events")
        }
        _ => conditions.has("activities"),
    }
}

/// Listings reach back seven days (Management Activity API reference, "List available content"), less a margin and a
/// window.
const REACH: SignedDuration = SignedDuration::from_mins(7 * 24 * 60 - 15);

/// Whether a connection that was made anew came too late for something.
fn is_out_of_reach(connection: &ConnectionItem, available_ms: i64) -> bool {
    let oldest = connection.connected_at - REACH;
    connection.incarnation > 1 && available_ms < oldest.as_millisecond()
}

/// The name of a feed in our streams.
fn stream_of(feed: ContentType) -> &'static str {
    match feed {
        ContentType::AzureActiveDirectory => "aad",
        ContentType::Exchange => "exchange",
        ContentType::SharePoint => "sharepoint",
        ContentType::General => "general",
        ContentType::Dlp => "dlp",
    }
}

fn people(conditions: &Conditions, found: &Summary, holds: &Holdings) -> Option<String> {
    let mut pairs = vec![
        ("users", found.users, holds.users),
        ("guests", found.guests, holds.guests),
        ("disabled", found.disabled, holds.disabled),
        ("groups", found.groups, holds.groups),
        ("roles", found.roles, holds.roles),
        (
            "role assignments",
            found.role_assignments,
            holds.role_assignments,
        ),
    ];
    if conditions.has("app-permissions") {
        let grants = holds.delegated_grants + holds.app_role_assignments;
        pairs.push(("applications", found.applications, holds.applications));
        pairs.push(("grants", found.grants, grants));
    }
    let wrong = pairs.into_iter().find(|(_, found, holds)| found != holds);
    wrong.map(|(what, found, holds)| format!("{found} {what} instead of {holds}"))
}

/// Ids of the files that the published inventory holds.
async fn files(seen: &Reader<'_>) -> Result<BTreeSet<String>, StageError> {
    let mut files = BTreeMap::new();
    let scope = seen.connection.scope();
    lines(seen.ctx, &scope, "files", Reading::Published, |_, line| {
        let Some(marks) = read::marks(line) else {
            return;
        };
        match &*marks.kind {
            "removed" => drop(files.insert(item(&marks.id), false)),
            "file" | "file-shared" => drop(files.insert(item(&marks.id), true)),
            _ => {}
        }
    })
    .await?;
    Ok(files
        .into_iter()
        .filter(|(_, is_there)| *is_there)
        .map(|(id, _)| id)
        .collect())
}

/// The vendor's id of an item, which ours begins with its drive's.
fn item(id: &str) -> String {
    id.rsplit('/').next().unwrap_or(id).into()
}
