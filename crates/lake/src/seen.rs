//! Which records of a feed were written already: sorted eight-byte hashes in partitions by time of the event.
//!
//! The same event in two bundles has the same time, so a repeat is always looked for in the right partition.
//! A partition that is lost costs duplicates among the raw records and nothing else.

use std::collections::{BTreeMap, HashSet};

use casbah_model::ports::{ObjectError, ObjectStore};
use casbah_model::{SignedDuration, Timestamp};

/// Events per partition: at two million a day and feed about half a million, which is 4 MB of hashes.
const PARTITION: SignedDuration = SignedDuration::from_hours(6);
/// Vendors list seven days back and events may be days late; older ones share one partition.
const MEMORY: SignedDuration = SignedDuration::from_hours(15 * 24);

/// Names the partitions of events that come one after another, most of them at times near each other.
#[derive(Default)]
pub struct Partitions {
    last: Option<(Option<Timestamp>, String)>,
}

impl Partitions {
    /// The partition of an event, by its own time.
    pub fn of(&mut self, occurred: Option<Timestamp>, now: Timestamp) -> &str {
        let begin = begin(occurred, now);
        let known = self.last.take().filter(|(last, _)| *last == begin);
        let known = known.unwrap_or_else(|| (begin, name(begin)));
        &self.last.insert(known).1
    }
}

/// The oldest partition that is still of use; names of partitions sort by their time.
pub fn oldest_partition(now: Timestamp) -> String {
    (now - MEMORY - PARTITION)
        .strftime("%Y-%m-%dT%H")
        .to_string()
}

/// When the partition of an event begins; `None` for the one of all others.
fn begin(occurred: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
    let at = occurred.filter(|at| *at > now - MEMORY && *at < now + SignedDuration::from_hours(24));
    at.map(|at| casbah_model::cursor::floor(at, PARTITION))
}

fn name(begin: Option<Timestamp>) -> String {
    match begin {
        Some(begin) => begin.strftime("%Y-%m-%dT%H").to_string(),
        None => "other".into(),
    }
}

/// The partitions that one worker has looked at.
#[derive(Default)]
pub struct Seen {
    partitions: BTreeMap<String, Partition>,
}

#[derive(Default)]
struct Partition {
    /// Committed, sorted.
    known: Vec<u64>,
    /// Of accepted pages of this commit.
    fresh: HashSet<u64>,
    /// Of the open page.
    page: HashSet<u64>,
}

impl Seen {
    pub fn has(&self, partition: &str) -> bool {
        self.partitions.contains_key(partition)
    }

    pub fn load(&mut self, partition: &str, known: Vec<u64>) {
        self.partitions.insert(
            partition.into(),
            Partition {
                known,
                ..Partition::default()
            },
        );
    }

    /// Whether the record is new; it counts as seen from now on. The partition must be loaded.
    pub fn insert(&mut self, partition: &str, hash: u64) -> bool {
        if !self.has(partition) {
            self.load(partition, vec![]);
        }
        let found = self.partitions.get_mut(partition).expect("loaded above");
        let is_new = found.known.binary_search(&hash).is_err() && !found.fresh.contains(&hash);
        is_new && found.page.insert(hash)
    }

    /// Keeps what the open page added.
    pub fn accept(&mut self) {
        for partition in self.partitions.values_mut() {
            partition.fresh.extend(partition.page.drain());
        }
    }

    /// Forgets what the open page added, because the page itself is forgotten.
    pub fn discard(&mut self) {
        for partition in self.partitions.values_mut() {
            partition.page.clear();
        }
    }

    /// The partitions that changed since the last commit, with all their hashes, sorted.
    pub fn changed(&self) -> impl Iterator<Item = (&str, Vec<u64>)> {
        let changed = self
            .partitions
            .iter()
            .filter(|(_, partition)| !partition.fresh.is_empty());
        changed.map(|(name, partition)| (name.as_str(), merged(&partition.known, &partition.fresh)))
    }

    pub fn changed_count(&self) -> usize {
        self.partitions
            .values()
            .filter(|partition| !partition.fresh.is_empty())
            .count()
    }

    /// After a commit: what was new is known.
    pub fn committed(&mut self) {
        for partition in self.partitions.values_mut() {
            if !partition.fresh.is_empty() {
                partition.known = merged(&partition.known, &partition.fresh);
                partition.fresh.clear();
            }
        }
    }

    /// Hashes held in memory.
    pub fn len(&self) -> usize {
        self.partitions
            .values()
            .map(|partition| partition.known.len() + partition.fresh.len())
            .sum()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Makes room: everything is read again when it is needed again.
    pub fn clear(&mut self) {
        self.partitions.clear();
    }
}

/// All hashes, sorted; those that are known are many and sorted already.
fn merged(known: &[u64], fresh: &HashSet<u64>) -> Vec<u64> {
    let mut fresh: Vec<u64> = fresh.iter().copied().collect();
    fresh.sort_unstable();
    let mut all = Vec::with_capacity(known.len() + fresh.len());
    all.extend_from_slice(known);
    all.append(&mut fresh);
    // The stable sort merges what is sorted already.
    all.sort();
    all
}

/// The bytes of a list of hashes: eight each, big end first.
pub fn encode(hashes: &[u64]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.to_be_bytes()).collect()
}

/// Reads a list of hashes; one that is gone or damaged reads as empty.
pub async fn read(objects: &dyn ObjectStore, name: &str) -> Result<Vec<u64>, ObjectError> {
    let content = match objects.get(name).await {
        Err(ObjectError::NotFound { .. }) => return Ok(Vec::new()),
        other => other?,
    };
    let hashes = content
        .chunks_exact(8)
        .map(|chunk| u64::from_be_bytes(chunk.try_into().expect("eight bytes")));
    let mut hashes: Vec<u64> = hashes.collect();
    hashes.sort_unstable();
    Ok(hashes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_discarded_page_saw_is_new_again() {
        let mut seen = Seen::default();
        seen.load("p", vec![1, 5]);
        assert!(!seen.insert("p", 5) && seen.insert("p", 7) && !seen.insert("p", 7));
        seen.discard();
        assert!(seen.insert("p", 7));
        seen.accept();
        assert!(!seen.insert("p", 7));
        assert_eq!(
            seen.changed().map(|(_, all)| all).collect::<Vec<_>>(),
            [vec![1, 5, 7]]
        );
        seen.committed();
        assert_eq!(seen.changed_count(), 0);
        assert!(!seen.insert("p", 7));
    }

    #[test]
    fn an_event_is_looked_for_by_its_own_time() {
        let now: Timestamp = "2026-05-04T10:00:00Z".parse().expect("a valid time");
        let mut partitions = Partitions::default();
        let mut at = |text: &str| partitions.of(text.parse().ok(), now).to_string();
        assert_eq!(at("2026-05-03T17:59:59Z"), "2026-05-03T12");
        assert_eq!(at("2026-05-03T12:00:00Z"), "2026-05-03T12");
        assert_eq!(at("2026-05-03T18:00:00Z"), "2026-05-03T18");
        assert_eq!(at("1999-01-01T00:00:00Z"), "other");
        assert_eq!(at("then"), "other");
    }
}
