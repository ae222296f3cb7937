//! Whether the ledger closes, without adding it up: each commit by itself, and what was listed and still waits.
//!
//! The whole ledger reads every manifest entry and is for people who ask. These two come to the same cheaply. A commit
//! counts a record at the door and where it ended up, so its entry must close alone. A bundle is listed in the
//! transaction that creates its unit, and read, lost or set aside in the one that ends it, so the units that wait are
//! the bundles that are open. Not seen here: objects that were damaged later (`casbah ledger --verify` reads them), and
//! what the vendor never listed.

use casbah_connector::Feed;
use casbah_lake::ManifestEntry;
use casbah_model::{SignedDuration, Timestamp};

use crate::context::Context;
use crate::error::StageError;
use crate::items::{self, ConnectionItem, StreamItem};

/// A bundle that is listed should be dealt with after this: bundles are tried again at least hourly.
const OPEN_AFTER: SignedDuration = SignedDuration::from_hours(6);
/// In its first day a connection reads a week of the past, oldest first; until then only what is newer counts.
const SETTLED_AFTER: SignedDuration = SignedDuration::from_hours(24);
/// Units that are looked at per feed; more than this are counted as this many.
const WAITING_MAX: usize = 200;
/// Lanes put a unit off by no more than this.
const WAIT_MAX: SignedDuration = SignedDuration::from_hours(1);

/// Records and bundles of a commit that are unaccounted for, those set aside included.
pub fn open(entry: &ManifestEntry) -> u64 {
    let tally = entry.tallies.total();
    let ended = tally.written + tally.duplicate + tally.refused + tally.lost;
    let quarantined: u64 = entry.quarantine.iter().map(|object| object.records).sum();
    tally.listed.abs_diff(ended)
        + tally.written.abs_diff(entry.records())
        + tally.refused.abs_diff(quarantined)
        + tally.bundles_failed
}

/// Bundles that were listed long ago and are neither read, lost nor set aside; one query of the index per feed.
pub async fn waiting_too_long(
    ctx: &Context,
    connection: &ConnectionItem,
    feeds: &[Feed],
) -> Result<u64, StageError> {
    let now = ctx.now();
    let is_settled = now.duration_since(connection.connected_at) > SETTLED_AFTER;
    let since = if is_settled {
        Timestamp::MIN
    } else {
        connection.connected_at
    };
    let mut open = 0;
    for feed in feeds {
        let waiting = connection.scope().waiting(feed.name);
        let up_to = (now + WAIT_MAX).as_millisecond();
        for found in ctx.state.due(&waiting, up_to, WAITING_MAX).await? {
            let unit: StreamItem = items::read(&found.key, &found.item)?;
            let available = unit.content.map_or(now, |content| content.available);
            open += u64::from(available >= since && available < now - OPEN_AFTER);
        }
    }
    Ok(open)
}

#[cfg(test)]
mod tests {
    use casbah_lake::manifest::ObjectEntry;
    use casbah_model::tally::{Tallies, Tally};

    use super::*;

    fn entry(tally: Tally, written: u64, quarantined: u64) -> ManifestEntry {
        let object = |records| ObjectEntry {
            name: "o".into(),
            records,
            bytes: 1,
            sha256: String::new(),
        };
        let at = Timestamp::UNIX_EPOCH;
        let mut tallies = Tallies::default();
        *tallies.at(at) = tally;
        ManifestEntry {
            epoch: 1,
            sequence: 0,
            fence: 1,
            family: "files".into(),
            objects: vec![object(written)],
            quarantine: vec![object(quarantined)],
            events: vec![],
            roster: None,
            from: None,
            to: None,
            at,
            tallies,
        }
    }

    #[test]
    fn a_commit_closes_when_every_record_ended_somewhere_and_the_objects_hold_them() {
        let tally = Tally {
            listed: 10,
            written: 6,
            duplicate: 2,
            refused: 1,
            lost: 1,
            ..Tally::default()
        };
        assert_eq!(open(&entry(tally, 6, 1)), 0);
        assert_eq!(open(&entry(tally, 5, 1)), 1, "an object holds less");
        assert_eq!(open(&entry(tally, 6, 0)), 1, "nothing is in quarantine");
        let forgotten = Tally {
            listed: 13,
            ..tally
        };
        assert_eq!(open(&entry(forgotten, 6, 1)), 3);
        let failed = Tally {
            bundles_failed: 2,
            ..tally
        };
        assert_eq!(open(&entry(failed, 6, 1)), 2);
    }
}
