//! What this process has done, counted: for who shows progress, and as figures that are recorded once per invocation.

use std::sync::atomic::{AtomicU64, Ordering};

use casbah_lake::ManifestEntry;
use casbah_model::action::ActionState;
use casbah_model::ports::{Metrics, Unit};

use crate::books;
use crate::contents;
use crate::findings;
use crate::govern::record;

/// Counts since the process began.
#[derive(Default)]
pub struct Meter {
    pub entities: AtomicU64,
    pub activities: AtomicU64,
    pub files: AtomicU64,
    /// Answers of vendors, whatever they said.
    pub vendor_calls: AtomicU64,
    /// Of those: "too many calls", whatever the status was.
    pub vendor_refusals: AtomicU64,
    unrecorded: Unrecorded,
}

/// The same since figures were recorded last.
#[derive(Default)]
struct Unrecorded {
    entities: AtomicU64,
    activities: AtomicU64,
    files: AtomicU64,
    vendor_calls: AtomicU64,
    vendor_refusals: AtomicU64,
    ledger_open: AtomicU64,
    actions_verified: AtomicU64,
    actions_failed: AtomicU64,
}

impl Meter {
    /// Counts what a commit added, and looks whether its books close.
    pub(crate) fn committed(&self, stream: &str, entry: &ManifestEntry) {
        let counters = match entry.family.as_str() {
            "activities" => Some((&self.activities, &self.unrecorded.activities)),
            "files" => Some((&self.files, &self.unrecorded.files)),
            // What Casbah itself did and found is none of the tenant's.
            contents::QUEUE | findings::FAMILY | record::FAMILY => None,
            _ => Some((&self.entities, &self.unrecorded.entities)),
        };
        if let Some((total, unrecorded)) = counters {
            total.fetch_add(entry.records(), Ordering::Relaxed);
            unrecorded.fetch_add(entry.records(), Ordering::Relaxed);
        }
        let open = books::open(entry);
        if open > 0 {
            tracing::error!(stream, epoch = entry.epoch, sequence = entry.sequence, open, tally = ?entry.tallies.total(), "a commit does not close");
            self.unrecorded
                .ledger_open
                .fetch_add(open, Ordering::Relaxed);
        }
    }

    /// Counts an action that came to its end, or whose undoing did.
    pub(crate) fn action_ended(&self, state: Option<ActionState>) {
        let counter = match state {
            Some(ActionState::Verified | ActionState::Undone) => &self.unrecorded.actions_verified,
            Some(ActionState::Failed) => &self.unrecorded.actions_failed,
            // None of these is an end that something was to be done for.
            Some(
                ActionState::Planning
                | ActionState::Planned
                | ActionState::Pending
                | ActionState::Approved
                | ActionState::Applying
                | ActionState::Rejected
                | ActionState::Expired
                | ActionState::Undoing,
            )
            | None => return,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn called(&self, is_refused: bool) {
        let counters = [(&self.vendor_calls, &self.unrecorded.vendor_calls)];
        let refused = [(&self.vendor_refusals, &self.unrecorded.vendor_refusals)];
        let refused = refused.iter().filter(|_| is_refused);
        for (total, unrecorded) in counters.iter().chain(refused) {
            total.fetch_add(1, Ordering::Relaxed);
            unrecorded.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Records what was counted since the last time. What a process that dies had counted is not recorded.
    pub(crate) fn record(&self, metrics: &dyn Metrics) {
        let unrecorded = &self.unrecorded;
        let take = |counter: &AtomicU64| counter.swap(0, Ordering::Relaxed) as f64;
        let calls = take(&unrecorded.vendor_calls);
        if calls > 0.0 {
            metrics.record("VendorCalls", Unit::Count, calls, &[]);
            // Zero too: a share needs both.
            let refusals = take(&unrecorded.vendor_refusals);
            metrics.record("VendorRefusals", Unit::Count, refusals, &[]);
        }
        for (family, counter) in [
            ("entities", &unrecorded.entities),
            ("activities", &unrecorded.activities),
            ("files", &unrecorded.files),
        ] {
            let records = take(counter);
            if records > 0.0 {
                metrics.record("Records", Unit::Count, records, &[("family", family)]);
            }
        }
        for (name, counter) in [
            ("ActionsVerified", &unrecorded.actions_verified),
            ("ActionsFailed", &unrecorded.actions_failed),
        ] {
            let actions = take(counter);
            if actions > 0.0 {
                metrics.record(name, Unit::Count, actions, &[]);
            }
        }
        let open = take(&unrecorded.ledger_open);
        if open > 0.0 {
            metrics.record("LedgerOpen", Unit::Count, open, &[]);
        }
    }
}
