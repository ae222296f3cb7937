//! What must hold of each commit: cursors go forward under one writer's hand, and what a manifest names is there.

use std::io::Read;

use casbah_lake::{ManifestEntry, read};
use casbah_model::SignedDuration;
use casbah_model::state::{Item, Key, from_item};

use crate::invariants::{Batch, Ledger, number, text};
use crate::mark::Mark;
use crate::shadow::{Changed, Shadow};

impl Ledger {
    /// I3, I4, I5: one writer at a time, and cursors that only go forward.
    pub(crate) fn stream(
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
            let epoch = epoch_of_entry(change).unwrap_or(old_epoch);
            let entry = format!("{epoch:04}#{old_seq:012}");
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
    pub(crate) fn manifest(
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
        let Some((owner, before)) = owner.and_then(|owner| Some((owner, owner.before.as_ref()?)))
        else {
            return Err(format!("I4: {key} is written without its stream"));
        };
        let expected = (
            epoch_of_entry(owner).unwrap_or(number(before, "ep")),
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
        for object in entry.vouched() {
            let Some(stored) = self.objects.get(&object.name) else {
                return Err(format!("I1: {} is named and is not there", object.name));
            };
            if stored.sha256 != object.sha256 || stored.content.len() as u64 != object.bytes {
                return Err(format!("I1: {} is not what its entry says", object.name));
            }
            self.named.insert(object.name.clone());
        }
        if let Some(roster) = &entry.roster {
            self.must_be_there(roster)?;
        }
        if entry.family == "activities" {
            for object in &entry.objects {
                self.note_records(&object.name)?;
            }
        }
        Ok(())
    }

    /// I1: a list of ids or of hashes that is named is there.
    pub(crate) fn must_be_there(&mut self, name: &str) -> Result<(), String> {
        if !self.objects.contains_key(name) {
            return Err(format!("I1: {name} is named and is not there"));
        }
        self.named.insert(name.into());
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
    pub(crate) fn bundle(
        &self,
        batch: &Batch,
        change: &Changed,
        marks: &mut Vec<Mark>,
    ) -> Result<(), String> {
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
        let Some(holds) = id.and_then(|id| (self.bundles)(id)) else {
            return Err(format!("I1: {} is no bundle of the vendor", change.key));
        };
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
}

/// The epoch of an entry that begins a pass over a tree: the first commit of the pass moves it on. Elsewhere it is moved by
/// the last commit of the pass before.
fn epoch_of_entry(change: &Changed) -> Option<i64> {
    let (before, after) = (change.before.as_ref()?, change.after.as_ref()?);
    let begins = change.key.pk.ends_with("#U#files") && before.get("cur").is_none();
    begins.then(|| number(after, "ep"))
}

/// The manifest partition of a stream or unit.
fn manifest_of(key: &Key) -> String {
    let scope = key.pk.split('#').nth(1).unwrap_or_default();
    let name = key.sk.split_once('#').map_or("", |(_, name)| name);
    format!("C#{scope}#M#{name}")
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
    // Looks between windows have no span.
    let mut last = None;
    for (other, before) in shadow.partition(&key.pk, "") {
        let before: ManifestEntry =
            from_item(before).map_err(|error| format!("manifest entry {other}: {error}"))?;
        if other < key {
            last = before.from.zip(before.to).or(last);
        }
    }
    let Some((last_from, last_to)) = last else {
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
