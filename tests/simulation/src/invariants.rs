//! The invariants of the protocol that can be seen from outside (pipeline design, section 15), checked on every effect.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use casbah_lake::{ManifestEntry, read};
use casbah_model::record::hex;
use casbah_model::state::{Item, Key, Value, from_item};
use casbah_model::transport::Bytes;
use casbah_model::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

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
    bundles: Bundles,
    /// The longest that a function may go on after a pause.
    pub pause_reach: SignedDuration,
    objects: BTreeMap<String, Stored>,
    /// Objects that a manifest names.
    named: BTreeSet<String>,
    /// Who wrote each stream last.
    writers: BTreeMap<Key, u64>,
    /// Who has put an object since the last commit.
    uncommitted: BTreeMap<u64, u64>,
    /// The stream and version that each function was told of.
    hints: BTreeMap<u64, (Key, u64)>,
    /// Ids of committed activities, per feed's lane.
    records: BTreeSet<String>,
    paused_since: Option<Timestamp>,
}

struct Stored {
    content: Bytes,
    sha256: String,
}

impl Changed {
    fn is_stream(&self) -> bool {
        self.key.sk.starts_with("S#") || self.key.sk.starts_with("U#")
    }

    fn is_run(&self) -> bool {
        self.key.sk.starts_with("R#")
    }
}

fn number(item: &Item, name: &str) -> i64 {
    item.get(name).and_then(Value::as_i64).unwrap_or(0)
}

fn text<'a>(item: &'a Item, name: &str) -> &'a str {
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
            paused_since: None,
        }
    }

    pub fn woken(&mut self, who: u64, key: &Key, version: u64) {
        self.hints.insert(who, (key.clone(), version));
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
        let sha256 = hex(&Sha256::digest(content));
        let content = content.clone();
        self.objects.insert(name.into(), Stored { content, sha256 });
        Ok(false)
    }

    /// The vendor was called.
    pub fn called(&self, now: Timestamp, is_orphan: bool) -> Result<(), String> {
        let Some(paused) = self.paused_since.filter(|_| !is_orphan) else {
            return Ok(());
        };
        if now.duration_since(paused) > self.pause_reach {
            return Err("I10: the vendor is called for a paused connection".into());
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
        if change.is_stream() {
            self.stream(batch, change, marks)?;
            incarnation(shadow, &change.key)?;
        } else if change.key.pk.contains("#M#") {
            self.manifest(shadow, batch, change, marks)?;
            incarnation(shadow, &change.key)?;
        } else if change.key.sk == "META" {
            self.connection(shadow, batch, change, marks);
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

    /// I3, I4, I5: one writer at a time, and cursors that only go forward.
    fn stream(
        &mut self,
        batch: &Batch,
        change: &Changed,
        marks: &mut Vec<Mark>,
    ) -> Result<(), String> {
        let key = &change.key;
        let last_writer = self.writers.insert(key.clone(), batch.who);
        let Some(after) = &change.after else {
            return Err(format!("{key} is deleted"));
        };
        let Some(before) = &change.before else {
            return match number(after, "v") {
                1 => Ok(()),
                v => Err(format!("{key} begins with version {v}")),
            };
        };
        let (old, new) = (number(before, "v"), number(after, "v"));
        let hint = self
            .hints
            .get(&batch.who)
            .filter(|(hinted, _)| hinted == key);
        let is_lease = number(after, "lease") > 0 && text(before, "own") != text(after, "own");
        if let Some((_, version)) = hint.filter(|(_, version)| is_lease && *version != old as u64) {
            return Err(format!(
                "I8: a message of v{version} starts work on {key} v{old}"
            ));
        }
        if new != old + 1 {
            return Err(format!("I5: {key} goes from version {old} to {new}"));
        }
        let of = |name: &str| (number(before, name), number(after, name));
        let ((old_epoch, epoch), (old_seq, seq)) = (of("ep"), of("seq"));
        if epoch < old_epoch || seq < old_seq || epoch > old_epoch + 1 || seq > old_seq + 1 {
            return Err(format!(
                "I3: {key} goes from {old_epoch}-{old_seq} to {epoch}-{seq}"
            ));
        }
        let moved = seq != old_seq || epoch != old_epoch || before.get("cur") != after.get("cur");
        if moved && last_writer.is_some_and(|writer| writer != batch.who) {
            return Err(format!(
                "I4: {key} is moved by one who did not write it last"
            ));
        }
        if seq != old_seq {
            let entry = format!("{old_epoch:04}#{old_seq:012}");
            let manifest = manifest_of(key);
            let is_entry = |other: &&Changed| other.key.pk == manifest && other.key.sk == entry;
            if !batch.changes.iter().any(|other| is_entry(&other)) {
                return Err(format!("I3: {key} counts a commit that no manifest has"));
            }
        }
        let tile = |item: &Item| Some(item.get("cur")?.get("tile")?.as_str()?.to_string());
        if let (Some(old), Some(new)) = (tile(before), tile(after))
            && new < old
        {
            return Err(format!("I3: {key} goes back from {old} to {new}"));
        }
        if epoch != old_epoch && seq == old_seq {
            marks.push(Mark::CursorGone);
        }
        self.finished(batch, change, marks)
    }

    /// I7: a unit that ends and the count of its run are one write.
    fn finished(
        &self,
        batch: &Batch,
        change: &Changed,
        marks: &mut Vec<Mark>,
    ) -> Result<(), String> {
        let (Some(before), Some(after)) = (&change.before, &change.after) else {
            return Ok(());
        };
        if text(before, "st") != "RUN" || !["DONE", "FAILED"].contains(&text(after, "st")) {
            return Ok(());
        }
        if text(after, "st") == "FAILED" {
            marks.push(Mark::UnitSetAside);
        }
        let run = text(before, "run");
        if run.is_empty() {
            return Ok(());
        }
        let counts = |other: &Changed| {
            let counted = |item: &Option<Item>| item.as_ref().map_or(0, |item| number(item, "fin"));
            other.key.sk == format!("R#{run}")
                && counted(&other.after) == counted(&other.before) + 1
        };
        if batch.changes.iter().any(counts) {
            return Ok(());
        }
        Err(format!(
            "I7: {} ends and its run does not count it",
            change.key
        ))
    }

    /// I1, I2, I3: entries follow each other and name objects that are there.
    fn manifest(
        &mut self,
        shadow: &Shadow,
        batch: &Batch,
        change: &Changed,
        marks: &mut Vec<Mark>,
    ) -> Result<(), String> {
        let key = &change.key;
        let (None, Some(item)) = (&change.before, &change.after) else {
            return Err(format!("I3: manifest entry {key} is changed"));
        };
        let entry: ManifestEntry =
            from_item(item).map_err(|error| format!("manifest entry {key}: {error}"))?;
        let owner = batch
            .changes
            .iter()
            .find(|other| other.is_stream() && manifest_of(&other.key) == key.pk);
        let Some(before) = owner.and_then(|owner| owner.before.as_ref()) else {
            return Err(format!("I4: {key} is written without its stream"));
        };
        let expected = (
            number(before, "ep"),
            number(before, "seq"),
            number(before, "v"),
        );
        let found = (
            i64::from(entry.epoch),
            entry.sequence as i64,
            entry.fence as i64,
        );
        if expected != found {
            return Err(format!(
                "I4: {key} was made at {found:?} and is committed at {expected:?}"
            ));
        }
        follows(shadow, batch, key, &entry, marks)?;
        self.uncommitted.remove(&batch.who);
        for object in entry.objects.iter().chain(&entry.quarantine) {
            let Some(stored) = self.objects.get(&object.name) else {
                return Err(format!("I1: {} is named and is not there", object.name));
            };
            if stored.sha256 != object.sha256 || stored.content.len() as u64 != object.bytes {
                return Err(format!("I1: {} is not what its entry says", object.name));
            }
            self.named.insert(object.name.clone());
        }
        if entry.family == "activities" {
            for object in &entry.objects {
                self.note_records(&object.name)?;
            }
        }
        Ok(())
    }

    /// I12: no activity is committed twice.
    fn note_records(&mut self, name: &str) -> Result<(), String> {
        let content = &self.objects[name].content;
        let mut lines = vec![];
        zstd::stream::read::Decoder::with_buffer(&content[..])
            .and_then(|mut decoder| decoder.read_to_end(&mut lines))
            .map_err(|error| format!("I1: {name} cannot be read: {error}"))?;
        for line in lines
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
        {
            let Some(marks) = read::marks(line) else {
                return Err(format!("I1: a line of {name} has no id"));
            };
            if !self.records.insert(marks.id.to_string()) {
                return Err(format!("I12: {} is committed twice, in {name}", marks.id));
            }
        }
        Ok(())
    }

    /// I1: a bundle that is done has all its records committed, or a known gap.
    fn bundle(&self, batch: &Batch, change: &Changed, marks: &mut Vec<Mark>) -> Result<(), String> {
        let (Some(before), Some(after)) = (&change.before, &change.after) else {
            return self.listed(batch, marks);
        };
        let is_over = |item: &Item| ["DONE", "FAILED"].contains(&text(item, "st"));
        let is_lane = |other: &Changed| other.key.sk.starts_with("S#bundles-");
        if !batch.changes.iter().any(is_lane) {
            return Err(format!("I4: {} is moved without its lane", change.key));
        }
        if is_over(before) || !is_over(after) {
            return Ok(());
        }
        let is_gap = |other: &Changed| {
            let unit = change.key.sk.trim_start_matches("U#");
            other.key.pk.ends_with("#GAP") && other.key.sk.ends_with(unit)
        };
        if batch.changes.iter().any(is_gap) {
            marks.push(Mark::BundleLost);
            return Ok(());
        }
        let id = after
            .get("content")
            .and_then(|content| content.get("id")?.as_str());
        let holds = id.and_then(|id| (self.bundles)(id)).unwrap_or_default();
        let missing = holds.iter().find(|id| !self.records.contains(*id));
        match missing {
            None => Ok(()),
            Some(missing) => Err(format!(
                "I1: {} is done and {missing} is nowhere",
                change.key
            )),
        }
    }

    fn listed(&self, batch: &Batch, marks: &mut Vec<Mark>) -> Result<(), String> {
        let is_late = |other: &Changed| other.key.sk.starts_with("S#late-");
        if batch.changes.iter().any(is_late) {
            marks.push(Mark::LateLevelFound);
        }
        Ok(())
    }

    fn connection(
        &mut self,
        shadow: &Shadow,
        batch: &Batch,
        change: &Changed,
        marks: &mut Vec<Mark>,
    ) {
        let state = change
            .after
            .as_ref()
            .and_then(|item| item.get("state")?.get("state")?.as_str());
        let now_ms = batch.now.as_millisecond();
        match state {
            Some("paused") if self.paused_since.is_none() => {
                self.paused_since = Some(batch.now);
                let is_leased = |item: &Item| number(item, "lease") > now_ms;
                let is_any_leased = shadow.items().any(|(_, item)| is_leased(item));
                if is_any_leased && !self.uncommitted.is_empty() {
                    marks.push(Mark::PauseDuringCommit);
                }
            }
            Some("paused") => {}
            Some("failed") => marks.push(Mark::ConnectionFailed),
            _ => self.paused_since = None,
        }
    }
}

/// The manifest partition of a stream or unit.
fn manifest_of(key: &Key) -> String {
    let scope = key.pk.split('#').nth(1).unwrap_or_default();
    let name = key.sk.split_once('#').map_or("", |(_, name)| name);
    format!("C#{scope}#M#{name}")
}

/// I15: nothing is written under the keys of another incarnation.
fn incarnation(shadow: &Shadow, key: &Key) -> Result<(), String> {
    let scope = key.pk.split('#').nth(1).unwrap_or_default();
    let (connection, incarnation) = scope.rsplit_once('.').unwrap_or_default();
    let meta = shadow.get(&Key::new(format!("C#{connection}"), "META"));
    let current = meta.map_or(0, |meta| number(meta, "incarnation"));
    if incarnation == current.to_string() {
        Ok(())
    } else {
        Err(format!("I15: {key} is written in incarnation {current}"))
    }
}

/// I3, I11: what an entry covers begins where the one before ended.
fn follows(
    shadow: &Shadow,
    batch: &Batch,
    key: &Key,
    entry: &ManifestEntry,
    marks: &mut Vec<Mark>,
) -> Result<(), String> {
    let (Some(from), Some(to)) = (entry.from, entry.to) else {
        return Ok(());
    };
    let name = key.pk.split("#M#").nth(1).unwrap_or_default();
    let usual = if name.starts_with("late-") { 60 } else { 5 };
    if to.duration_since(from) > SignedDuration::from_mins(usual) {
        marks.push(Mark::WindowWidened);
    }
    let before = shadow
        .partition(&key.pk, "")
        .filter(|(other, _)| *other < key)
        .last();
    let Some((_, before)) = before else {
        return Ok(());
    };
    let before: ManifestEntry =
        from_item(before).map_err(|error| format!("manifest entry before {key}: {error}"))?;
    let (Some(last_from), Some(last_to)) = (before.from, before.to) else {
        return Ok(());
    };
    let is_gap = |other: &Changed| other.key.pk.ends_with("#GAP");
    let is_known = batch.changes.iter().any(is_gap) || name.starts_with("late-");
    if from == last_to || from == last_from || (is_known && from > last_from) {
        return Ok(());
    }
    Err(format!(
        "I3: {key} covers {from} to {to} after {last_from} to {last_to}"
    ))
}

/// I6: the gate opens once, and what waits for it starts in the same write.
fn gate(shadow: &Shadow, batch: &Batch, marks: &mut Vec<Mark>) -> Result<(), String> {
    for change in batch
        .changes
        .iter()
        .filter(|change| change.key.sk.starts_with("G#"))
    {
        let state = |item: &Option<Item>| {
            item.as_ref().map_or("SHUT", |item| {
                if text(item, "st") == "OPEN" {
                    "OPEN"
                } else {
                    "SHUT"
                }
            })
        };
        let (before, after) = (state(&change.before), state(&change.after));
        if before == "OPEN" && after == "SHUT" {
            return Err("I6: the gate is shut again".into());
        }
        if before == "OPEN" {
            marks.push(Mark::GateOpenAtCreation);
        }
        let opens = before == "SHUT" && after == "OPEN";
        let is_list_done = |other: &Changed| {
            let published = |item: &Option<Item>| {
                item.as_ref()
                    .is_some_and(|item| item.contains_key("published"))
            };
            other.key.sk == "S#users" && published(&other.after)
        };
        let is_test = |other: &Changed| other.key.sk == "S#test";
        let is_right = batch
            .changes
            .iter()
            .any(|other| is_list_done(other) || is_test(other));
        if opens && !is_right {
            return Err("I6: the gate opens and the list of users is not complete".into());
        }
        if before == "OPEN"
            && text(change.before.as_ref().unwrap_or(&Item::new()), "opened_by")
                != text(change.after.as_ref().unwrap_or(&Item::new()), "opened_by")
        {
            return Err("I6: the gate opens twice".into());
        }
    }
    let pks: BTreeSet<&str> = batch
        .changes
        .iter()
        .map(|change| change.key.pk.as_str())
        .collect();
    for pk in pks {
        let Some(gate) = shadow.get(&Key::new(pk, "G#users")) else {
            continue;
        };
        let is_open = text(gate, "st") == "OPEN";
        for (key, stream) in shadow.partition(pk, "S#") {
            let is_waiting = text(stream, "st") == "WAIT";
            if is_open && is_waiting {
                return Err(format!("I6: the gate is open and {key} waits"));
            }
            let gated = ["S#files", "S#back-", "S#live-", "S#late-"];
            let is_gated = gated.iter().any(|prefix| key.sk.starts_with(prefix));
            if !is_open && is_gated && !is_waiting {
                return Err(format!("I6: the gate is shut and {key} runs"));
            }
        }
    }
    Ok(())
}

/// I7: a run counts its units, and those that are done or failed.
fn runs(shadow: &Shadow) -> Result<(), String> {
    let runs = shadow
        .items()
        .filter(|(key, item)| key.sk.starts_with("R#") && text(item, "st") == "RUN");
    for (key, run) in runs {
        let name = key.sk.trim_start_matches("R#");
        let (mut planned, mut over) = (0, 0);
        for (_, unit) in shadow.partition(&format!("{}#U#files", key.pk), "U#") {
            if text(unit, "last_run") == name {
                planned += 1;
                over += i64::from(text(unit, "run") != name);
            }
        }
        let counted = (number(run, "planned"), number(run, "fin"));
        if counted != (planned, over) {
            return Err(format!(
                "I7: {key} counts {counted:?}, there are {:?}",
                (planned, over)
            ));
        }
    }
    Ok(())
}

/// Whether a run is over with this write, which it may be when every unit is accounted for.
fn run(change: &Changed) -> Result<bool, String> {
    let (Some(before), Some(after)) = (&change.before, &change.after) else {
        return Ok(false);
    };
    let is_end = text(before, "st") == "RUN" && text(after, "st") == "DONE";
    if is_end && (number(after, "fin") != number(after, "planned") || number(after, "final") != 1) {
        return Err(format!("I7: {} ends with units that do not", change.key));
    }
    if text(before, "st") == "DONE" && text(after, "st") != "DONE" {
        return Err(format!("I7: {} goes on after its end", change.key));
    }
    Ok(is_end)
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
