//! What must have been found of a log that is read by spans of time, each span three times (decision 0008).

use std::collections::BTreeSet;

use casbah_model::cursor::floor;
use casbah_model::state::Item;
use casbah_model::{SignedDuration, Timestamp};
use casbah_pipeline::items::Scope;

use super::Reader;
use crate::shadow::Shadow;
use crate::watch::Watch;

/// An event as the vendor tells of it.
pub struct Logged {
    pub id: String,
    /// Its place on the axis by which the log is asked for.
    pub occurred: Timestamp,
    /// From when on the log shows it.
    pub stored: Timestamp,
    /// A page in its hour was empty although more came, so that only the last reading asks again and is sure to find it.
    pub is_hidden: bool,
}

const MINUTE: SignedDuration = SignedDuration::from_mins(1);
const HOUR: SignedDuration = SignedDuration::from_hours(1);
/// Windows of what is new, and how long after their end they are read (pipeline design, section 11).
const NEW: SignedDuration = SignedDuration::from_mins(5);
const NEW_AFTER: SignedDuration = SignedDuration::from_mins(2);
/// A span of an hour is read again when it has been over for this long, and for the last time after a day.
const LATE_AFTER: SignedDuration = HOUR;
const LAST_AFTER: SignedDuration = SignedDuration::from_hours(24);
/// Clocks of functions may be ahead by half of this: a window is over for them so much earlier.
const SKEW: SignedDuration = MINUTE;
/// How far back a connection reads, less a margin and a window.
const REACH: SignedDuration = SignedDuration::from_mins(7 * 24 * 60 - 15);

/// An event that some reading of its span must have shown is missing, or one is there that never was.
pub fn difference(seen: &Reader<'_>, feed: &str, all: &[Logged]) -> Option<String> {
    let watch = seen.watch.state();
    let found = watch.ledger.records();
    let known: BTreeSet<&str> = all.iter().map(|one| one.id.as_str()).collect();
    if let Some(strange) = found.iter().find(|id| !known.contains(id.as_str())) {
        return Some(format!("{strange} was never shown"));
    }
    let scope = seen.connection.scope();
    let Some(read) = Read::of(&watch.shadow, &scope, feed, seen.connection.connected_at) else {
        return Some(format!("nobody reads {feed}"));
    };
    let lost = all.iter().find(|one| {
        read.shows(one)
            && !found.contains(&one.id)
            && !is_behind_gap(&watch.shadow, &scope, one.occurred.as_millisecond())
            && !is_set_aside(&watch.shadow, &scope, one.occurred)
    });
    lost.map(|one| {
        let Logged {
            id,
            occurred,
            stored,
            ..
        } = one;
        format!("{id} of {occurred}, stored at {stored}, is missing")
    })
}

/// How far the readings of a log have come.
struct Read {
    connected: Timestamp,
    live: Timestamp,
    late: Timestamp,
}

impl Read {
    fn of(shadow: &Shadow, scope: &Scope, feed: &str, connected: Timestamp) -> Option<Read> {
        let tile = |level: &str| {
            let stream = shadow.get(&scope.stream(&format!("{level}-{feed}")))?;
            stream.get("cur")?.get("tile")?.as_str()?.parse().ok()
        };
        Some(Read {
            connected,
            live: tile("live")?,
            late: tile("late")?,
        })
    }

    /// Whether one of the readings that are over came by an event when it was there.
    fn shows(&self, one: &Logged) -> bool {
        let &Logged {
            occurred,
            stored,
            is_hidden,
            ..
        } = one;
        if occurred < self.connected - REACH {
            return false;
        }
        let stored = stored + SKEW;
        let hour = floor(occurred, HOUR) + HOUR;
        let is_read_last = hour + LAST_AFTER <= self.late && stored <= hour + LAST_AFTER;
        if is_hidden || is_read_last {
            return is_read_last;
        }
        // What was before the connection is read when all has caught up, and each time again.
        let is_old = occurred < floor(self.connected, NEW);
        if is_old && stored <= self.connected {
            return true;
        }
        let window = floor(occurred, NEW) + NEW;
        let is_new = !is_old && window <= self.live && stored <= window + NEW_AFTER;
        is_new || (hour <= self.late && stored <= hour + LATE_AFTER)
    }
}

/// Whether something was shown for the first time by the last reading of its span, and is there.
pub fn is_any_found_a_day_late(watch: &Watch, all: &[Logged]) -> bool {
    const LATE: SignedDuration = SignedDuration::from_hours(12);
    let watch = watch.state();
    let is_late = |one: &&Logged| one.stored.duration_since(one.occurred) >= LATE;
    let mut late = all.iter().filter(is_late);
    late.any(|one| watch.ledger.records().contains(&one.id))
}

/// Whether something became available in a span that could not be listed any more, and that is written down.
pub fn is_behind_gap(shadow: &Shadow, scope: &Scope, available_ms: i64) -> bool {
    let at = |gap: &Item, name: &str| {
        let at: Option<Timestamp> = gap.get(name)?.as_str()?.parse().ok();
        Some(at?.as_millisecond())
    };
    shadow.partition(&scope.gaps(), "").any(|(_, gap)| {
        let span = at(gap, "from").zip(at(gap, "to"));
        span.is_some_and(|(from, to)| from <= available_ms && available_ms < to)
    })
}

/// Whether a reading of the span of an event was set aside after its last attempt, and that is written down.
fn is_set_aside(shadow: &Shadow, scope: &Scope, occurred: Timestamp) -> bool {
    let occurred = occurred.as_millisecond();
    shadow.partition(&scope.gaps(), "").any(|(key, _)| {
        let bundle = key.sk.rsplit('#').next().unwrap_or_default();
        let mut parts = bundle.split('-').map(str::parse::<i64>);
        match (parts.next(), parts.next()) {
            (Some(Ok(from)), Some(Ok(length))) => (from..from + length).contains(&occurred),
            _ => false,
        }
    })
}
