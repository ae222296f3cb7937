//! The invariants of the protocol that can be seen from outside (pipeline design, section 15), checked on every effect.

use std::collections::{BTreeMap, BTreeSet};

use casbah_model::record::hex;
use casbah_model::state::{Item, Key, Value};
use casbah_model::transport::Bytes;
use casbah_model::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use crate::gate_rules::{gate, run, runs};
use crate::leaving_rules::incarnation;
use crate::mark::Mark;
use crate::shadow::{Changed, Shadow};
use crate::watch::Bundles;

/// A write that took effect: one item, or a transaction.
pub struct Batch {
    pub who: u64,
    pub now: Timestamp,
    pub changes: Vec<Changed>,
}

/// What a batch showed.
#[derive(Default)]
pub struct Found {
    pub violations: Vec<String>,
    pub marks: Vec<Mark>,
}

/// What the invariants remember beside the table.
pub struct Ledger {
    pub(crate) bundles: Bundles,
    /// The longest that a function may go on after a pause.
    pub pause_reach: SignedDuration,
    pub(crate) objects: BTreeMap<String, Stored>,
    /// Objects that a manifest names.
    pub(crate) named: BTreeSet<String>,
    /// Who wrote each stream last.
    pub(crate) writers: BTreeMap<Key, u64>,
    /// Who has put an object since the last commit.
    pub(crate) uncommitted: BTreeMap<u64, u64>,
    /// The stream and version that each function was told of.
    pub(crate) hints: BTreeMap<u64, (Key, u64)>,
    /// Ids of committed activities, per feed's lane.
    pub(crate) records: BTreeSet<String>,
    /// Since when the connection is paused, disconnected or being deleted.
    pub(crate) stopped_since: Option<Timestamp>,
    /// The last incarnation that began.
    pub(crate) incarnation: i64,
    /// Incarnations of which nothing is left.
    pub(crate) gone: BTreeSet<String>,
}

pub(crate) struct Stored {
    pub(crate) content: Bytes,
    pub(crate) sha256: String,
}

impl Changed {
    pub fn is_stream(&self) -> bool {
        self.key.sk.starts_with("S#") || self.key.sk.starts_with("U#")
    }

    pub fn is_run(&self) -> bool {
        self.key.sk.starts_with("R#")
    }
}

pub fn number(item: &Item, name: &str) -> i64 {
    item.get(name).and_then(Value::as_i64).unwrap_or(0)
}

pub fn text<'a>(item: &'a Item, name: &str) -> &'a str {
    item.get(name).and_then(Value::as_str).unwrap_or("")
}

impl Ledger {
    pub fn new(bundles: Bundles) -> Ledger {
        Ledger {
            bundles,
            pause_reach: SignedDuration::ZERO,
            objects: BTreeMap::new(),
            named: BTreeSet::new(),
            writers: BTreeMap::new(),
            uncommitted: BTreeMap::new(),
            hints: BTreeMap::new(),
            records: BTreeSet::new(),
            stopped_since: None,
            incarnation: 0,
            gone: BTreeSet::new(),
        }
    }

    pub fn woken(&mut self, who: u64, key: &Key, version: u64) {
        self.hints.insert(who, (key.clone(), version));
    }

    pub fn is_woken(&self, who: u64) -> bool {
        self.hints.contains_key(&who)
    }

    /// Ids of the activities that are committed.
    pub fn records(&self) -> &BTreeSet<String> {
        &self.records
    }

    /// Objects that no manifest names.
    pub fn orphans(&self) -> usize {
        self.objects.len() - self.named.len()
    }

    /// An object was put; whether it was there already.
    pub fn put(
        &mut self,
        who: u64,
        name: &str,
        content: &Bytes,
        is_stored: bool,
    ) -> Result<bool, String> {
        *self.uncommitted.entry(who).or_default() += 1;
        if !is_stored {
            return Err(format!("I2: two contents for one object, {name}"));
        }
        if let Some(known) = self.objects.get(name) {
            if known.content == content {
                return Ok(true);
            }
            let named = if self.named.contains(name) {
                "that a manifest names "
            } else {
                ""
            };
            return Err(format!("I2: object {named}is changed, {name}"));
        }
        if self.is_too_late(name) {
            return Err(format!("{name} comes after its incarnation is gone"));
        }
        let sha256 = hex(&Sha256::digest(content));
        let content = content.clone();
        self.objects.insert(name.into(), Stored { content, sha256 });
        Ok(false)
    }

    /// The vendor was called.
    pub fn called(&self, now: Timestamp, is_orphan: bool) -> Result<(), String> {
        let Some(stopped) = self.stopped_since.filter(|_| !is_orphan) else {
            return Ok(());
        };
        if now.duration_since(stopped) > self.pause_reach {
            return Err("I10: the vendor is called for a connection that is stopped".into());
        }
        Ok(())
    }

    pub fn check(&mut self, shadow: &Shadow, batch: &Batch) -> Found {
        let mut found = Found::default();
        let mut touches_runs = false;
        let mut touches_gate = false;
        for change in &batch.changes {
            let outcome = self.one(shadow, batch, change, &mut found.marks);
            found.violations.extend(outcome.err());
            touches_runs |= change.is_run() || change.key.pk.ends_with("#U#files");
            touches_gate |= change.key.sk.starts_with("G#") || change.key.sk.starts_with("S#");
        }
        if touches_gate {
            found
                .violations
                .extend(gate(shadow, batch, &mut found.marks).err());
        }
        if touches_runs {
            found.violations.extend(runs(shadow).err());
        }
        found
    }

    fn one(
        &mut self,
        shadow: &Shadow,
        batch: &Batch,
        change: &Changed,
        marks: &mut Vec<Mark>,
    ) -> Result<(), String> {
        incarnation(shadow, batch, change)?;
        if change.key.sk == "META" {
            return self.connection(shadow, batch, change, marks);
        }
        if change.after.is_none() {
            self.writers.remove(&change.key);
            return Ok(());
        }
        if change.is_stream() {
            self.stream(batch, change, marks)?;
        } else if change.key.pk.contains("#M#") {
            self.manifest(shadow, batch, change, marks)?;
        } else if change.key.sk.starts_with("SEEN#") {
            self.digests(change)?;
        } else if change.key.pk.starts_with("B#") {
            time_line(change)?;
        } else if change.is_run() && run(change)? && !self.hints.contains_key(&batch.who) {
            marks.push(Mark::RunClosedBySweeper);
        }
        if change.is_stream() && change.key.pk.contains("#U#") && !change.key.pk.ends_with("#files")
        {
            self.bundle(batch, change, marks)?;
        }
        Ok(())
    }

    fn digests(&mut self, change: &Changed) -> Result<(), String> {
        let objects = change.after.as_ref().and_then(|item| item.get("objects"));
        let names = objects.and_then(Value::as_object).into_iter().flatten();
        for name in names.filter_map(|(_, name)| name.as_str()) {
            self.must_be_there(name)?;
        }
        Ok(())
    }
}

/// The epoch of a limit's time line goes forward by one at a time (throttle design, section 5); what slices do inside of
/// an epoch is watched where whole hours of them are run, in the throttle's own harness.
fn time_line(change: &Changed) -> Result<(), String> {
    let (Some(before), Some(after)) = (&change.before, &change.after) else {
        return Ok(());
    };
    let (old, new) = (number(before, "ep"), number(after, "ep"));
    if new < old || new > old + 1 {
        return Err(format!(
            "limit {} goes from epoch {old} to {new}",
            change.key
        ));
    }
    Ok(())
}
