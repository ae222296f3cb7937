//! Which ids a pass saw: what a complete pass did not see is gone, and how much that is decides whether to believe it.

use std::collections::BTreeMap;

use casbah_lake::ManifestEntry;
use casbah_model::ports::{ObjectStore, Query, StateStore};
use casbah_model::record::RecordId;
use casbah_model::state::Key;

use crate::error::StageError;
use crate::items;

/// Ids by hash; the flag says whether the vendor told that it is gone.
#[derive(Clone, Default)]
pub struct Roster(BTreeMap<u64, bool>);

impl Roster {
    pub fn note(&mut self, id: &RecordId, is_removed: bool) {
        self.0.insert(id.hash(), is_removed);
    }

    /// Adds what was seen later: the last word on an id counts.
    pub fn extend(&mut self, later: Roster) {
        self.0.extend(later.0);
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Ids that are there.
    pub fn present(&self) -> u64 {
        self.0.values().filter(|is_removed| !**is_removed).count() as u64
    }

    /// Ids that the vendor told to be gone.
    pub fn removed(&self) -> u64 {
        self.0.len() as u64 - self.present()
    }

    /// How many of the ids that were there before are not there now.
    pub fn missing_from(&self, before: &Roster) -> u64 {
        let is_there = |hash: &u64| self.0.get(hash) == Some(&false);
        before
            .0
            .iter()
            .filter(|(hash, is_removed)| !**is_removed && !is_there(hash))
            .count() as u64
    }

    /// Nine bytes an id.
    pub fn encode(&self) -> Vec<u8> {
        let entry = |(hash, is_removed): (&u64, &bool)| {
            hash.to_be_bytes()
                .into_iter()
                .chain([u8::from(*is_removed)])
        };
        self.0.iter().flat_map(entry).collect()
    }

    pub fn decode(content: &[u8]) -> Roster {
        let entries = content.chunks_exact(9).map(|chunk| {
            let hash = u64::from_be_bytes(chunk[..8].try_into().expect("eight of nine bytes"));
            (hash, chunk[8] != 0)
        });
        Roster(entries.collect())
    }
}

/// Puts the rosters of one epoch of a stream together, up to and including commit `last`.
pub async fn of_epoch(
    state: &dyn StateStore,
    objects: &dyn ObjectStore,
    manifest: &str,
    epoch: u32,
    last: u64,
) -> Result<Roster, StageError> {
    of_commits(state, objects, manifest, None, epoch, last).await
}

/// The same, for the commits after one of them.
pub async fn of_commits(
    state: &dyn StateStore,
    objects: &dyn ObjectStore,
    manifest: &str,
    after: Option<String>,
    epoch: u32,
    last: u64,
) -> Result<Roster, StageError> {
    let mut roster = Roster::default();
    let mut query = Query {
        after,
        ..Query::prefix(manifest, format!("{epoch:04}#"))
    };
    loop {
        let page = state.query(query.clone()).await?;
        let Some(end) = page.last().map(|entry| entry.key.sk.clone()) else {
            return Ok(roster);
        };
        for found in &page {
            let entry: ManifestEntry =
                items::read(&Key::new(manifest, found.key.sk.clone()), &found.item)?;
            if entry.sequence > last {
                return Ok(roster);
            }
            if let Some(name) = &entry.roster {
                roster.extend(Roster::decode(&objects.get(name).await?));
            }
        }
        query.after = Some(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_later_pass_did_not_see_or_was_told_to_be_gone_is_missing() {
        let roster = |ids: &[(&str, bool)]| {
            let mut roster = Roster::default();
            ids.iter()
                .for_each(|(id, is_removed)| roster.note(&RecordId::new(*id), *is_removed));
            roster
        };
        let before = roster(&[("a", false), ("b", false), ("c", false), ("d", true)]);
        let now = Roster::decode(&roster(&[("a", false), ("b", true), ("e", false)]).encode());
        assert_eq!(now.missing_from(&before), 2);
        assert_eq!((now.present(), now.removed()), (2, 1));
    }
}
