//! The continuity ledger: what was listed, and what became of each of it.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use crate::{SignedDuration, Timestamp};

/// Counts of one feed and one hour.
///
/// `listed` and `bundles_listed` are counted where the vendor's answer is read; the others where a record ends up.
/// So the sums compare two ends of the pipeline and not a number with itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Records in the answers that were read, and lost bundles as one each.
    pub listed: u64,
    /// Records in committed objects.
    pub written: u64,
    /// Records that were in a committed object already.
    pub duplicate: u64,
    /// Records that could not be kept as records; each is in a quarantine object with its reason.
    pub refused: u64,
    /// Bundles that the provider listed and no longer had when they were fetched.
    pub lost: u64,
    /// Of those written: operations that the catalogue does not know.
    #[serde(default)]
    pub unknown: u64,
    #[serde(default)]
    pub bundles_listed: u64,
    #[serde(default)]
    pub bundles_read: u64,
    /// Bundles that were set aside after their last attempt.
    #[serde(default)]
    pub bundles_failed: u64,
}

impl Tally {
    /// Whether every record and every bundle is accounted for.
    pub fn closes(&self) -> bool {
        self.listed == self.written + self.duplicate + self.refused + self.lost
            && self.bundles_listed == self.bundles_read + self.lost + self.bundles_failed
            && self.bundles_failed == 0
    }

    /// Bundles that are listed and not dealt with yet.
    pub fn bundles_open(&self) -> u64 {
        self.bundles_listed
            .saturating_sub(self.bundles_read + self.lost + self.bundles_failed)
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        self.listed += other.listed;
        self.written += other.written;
        self.duplicate += other.duplicate;
        self.refused += other.refused;
        self.lost += other.lost;
        self.unknown += other.unknown;
        self.bundles_listed += other.bundles_listed;
        self.bundles_read += other.bundles_read;
        self.bundles_failed += other.bundles_failed;
    }
}

/// Tallies by the hour in which the provider made the records available.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tallies(BTreeMap<Timestamp, Tally>);

impl Tallies {
    pub fn at(&mut self, at: Timestamp) -> &mut Tally {
        self.0
            .entry(crate::cursor::floor(at, SignedDuration::from_hours(1)))
            .or_default()
    }

    pub fn add(&mut self, others: &Tallies) {
        for (hour, tally) in &others.0 {
            *self.0.entry(*hour).or_default() += *tally;
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = (Timestamp, &Tally)> {
        self.0.iter().map(|(hour, tally)| (*hour, tally))
    }

    pub fn total(&self) -> Tally {
        self.0.values().fold(Tally::default(), |mut total, tally| {
            total += *tally;
            total
        })
    }

    pub fn hours(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listed_bundle_that_was_not_read_keeps_the_ledger_open() {
        let mut tally = Tally {
            listed: 3,
            written: 2,
            duplicate: 1,
            bundles_listed: 2,
            bundles_read: 1,
            ..Tally::default()
        };
        assert!(!tally.closes());
        assert_eq!(tally.bundles_open(), 1);
        tally += Tally {
            listed: 1,
            lost: 1,
            ..Tally::default()
        };
        assert!(tally.closes());
    }
}
