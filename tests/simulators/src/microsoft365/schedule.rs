//! Which audit events there are, when they happened and in which blob they became available.
//!
//! Memory: four bytes per event of the history, eight per live one. The texts are made when a blob is read.

use std::collections::BTreeMap;

use super::plan::{ContentType, Plan};
use crate::chance::{Draws, Stream, draw};
use crate::moment::{DAY, HOUR, MINUTE, Millis, from_stamp, stamp};

/// Content stays 7 days (Management Activity API reference, "List available content").
pub const CONTENT_LIFE: Millis = 7 * DAY;
/// Most records of one blob; no source gives the vendor's number.
const BLOB_RECORDS_MAX: u64 = 500;
/// A blob is closed after this long even when it is small.
const BLOB_SPAN_MAX: Millis = HOUR;
/// Live events become available at the end of slots of this length.
const SLOT: Millis = 5 * MINUTE;
/// Everything of the history is available this long before the tenant is connected.
const SETTLED: Millis = 10 * MINUTE;
/// Delays are log-normal; with the median of 60 min this spread puts 1 % over 6 h.
const DELAY_SPREAD: f64 = 0.77;

/// Number of the first live event, and of the first event that a deed caused.
pub const LIVE: u64 = 1 << 40;
pub const DEED: u64 = 1 << 41;
/// Numbers inside content ids: blobs of the history count from zero.
const LIVE_PART: u64 = 800_000;
const HUGE_PART: u64 = 999_999;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    pub number: u64,
    pub feed: ContentType,
    pub at: Millis,
    /// When it could be published at the earliest.
    pub ready: Millis,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Blob {
    pub feed: ContentType,
    pub created: Millis,
    /// The number inside the content id.
    pub part: u64,
}

impl Blob {
    /// The extra blob of the fault `huge-blob`.
    pub fn huge(created: Millis) -> Blob {
        Blob {
            feed: ContentType::SharePoint,
            created,
            part: HUGE_PART,
        }
    }

    pub fn is_huge(&self) -> bool {
        self.part == HUGE_PART
    }

    pub fn content_id(&self) -> String {
        let front = format!("{}{:06}", stamp(self.created), self.part);
        format!("{front}${front}${}", self.feed.id_parts())
    }

    /// One number for the whole identity: 3 bits of feed, 41 of milliseconds (until 2039), 20 of part.
    pub fn number(&self) -> u64 {
        (self.feed as u64) << 61 | (self.created as u64) << 20 | self.part
    }

    /// Reads a content id; `None` if it is malformed.
    pub fn parse(id: &str) -> Option<Blob> {
        let mut parts = id.splitn(3, '$');
        let (front, again, feed) = (parts.next()?, parts.next()?, parts.next()?);
        let feed = ContentType::ALL
            .into_iter()
            .find(|known| known.id_parts() == feed)?;
        if front != again || front.len() != 23 {
            return None;
        }
        let created = from_stamp(front.get(..17)?)?;
        Some(Blob {
            feed,
            created,
            part: front.get(17..)?.parse().ok()?,
        })
    }
}

/// The history of one feed: events in the order they became available, cut into blobs.
#[derive(Default)]
struct FeedHistory {
    order: Vec<u32>,
    /// First place in `order`, and creation, of each blob.
    blobs: Vec<(u32, Millis)>,
}

/// All events, historic and live.
pub struct Schedule {
    seed: u64,
    started: Millis,
    rate: u64,
    history: BTreeMap<ContentType, FeedHistory>,
    slots: BTreeMap<(ContentType, Millis), Vec<u64>>,
    /// Hours after `started` whose live events are in `slots`.
    live_hours: u64,
}

impl Schedule {
    pub fn new(plan: &Plan) -> Schedule {
        let started = plan.started.as_millisecond();
        let mut ready: BTreeMap<ContentType, Vec<(Millis, u32)>> = BTreeMap::new();
        for number in 0..plan.activities as u64 {
            let event = history_event(plan, number);
            ready
                .entry(event.feed)
                .or_default()
                .push((event.ready, number as u32));
        }
        let cut = |(feed, mut events): (ContentType, Vec<(Millis, u32)>)| {
            events.sort_unstable();
            (feed, cut(plan, feed, &events))
        };
        Schedule {
            seed: plan.seed,
            started,
            rate: plan.live_activities_per_hour,
            history: ready.into_iter().map(cut).collect(),
            slots: BTreeMap::new(),
            live_hours: 0,
        }
    }

    /// Adds the live events that happened up to now, so that every slot that has ended is complete.
    pub fn advance(&mut self, now: Millis) {
        if self.rate == 0 {
            return;
        }
        let hours = ((now - self.started).max(0) / HOUR + 1) as u64;
        while self.live_hours < hours {
            let first = self.live_hours * self.rate;
            for number in first..first + self.rate {
                let event = self.live_event(number);
                self.publish(&event);
            }
            self.live_hours += 1;
        }
    }

    /// Puts an event into the slot after it is ready.
    pub fn publish(&mut self, event: &Event) {
        let ends = (event.ready.div_euclid(SLOT) + 1) * SLOT;
        self.slots
            .entry((event.feed, ends))
            .or_default()
            .push(event.number);
    }

    fn live_event(&self, number: u64) -> Event {
        let mut draws = Draws::new(self.seed, Stream::Event, LIVE + number);
        let feed = feed(&mut draws, &ContentType::ALL);
        let hour = (number / self.rate) as Millis;
        let at = self.started + hour * HOUR + draws.below(HOUR as u64) as Millis;
        let ready = at + delay(self.seed, LIVE + number).min(DAY);
        Event {
            number: LIVE + number,
            feed,
            at,
            ready,
        }
    }

    /// The time and feed of an event that no deed caused.
    pub fn event(&self, plan: &Plan, number: u64) -> Event {
        if number >= LIVE {
            self.live_event(number - LIVE)
        } else {
            history_event(plan, number)
        }
    }

    /// Blobs of a feed created in `[from, to)`, in the order of their creation.
    pub fn blobs(&self, feed: ContentType, from: Millis, to: Millis) -> Vec<Blob> {
        let mut found = Vec::new();
        if let Some(history) = self.history.get(&feed) {
            let first = history
                .blobs
                .partition_point(|(_, created)| *created < from);
            let last = history.blobs.partition_point(|(_, created)| *created < to);
            found.extend((first..last.max(first)).map(|part| Blob {
                feed,
                created: history.blobs[part].1,
                part: part as u64,
            }));
        }
        for (&(_, created), events) in self.slots.range((feed, from)..(feed, to.max(from))) {
            let parts = (events.len() as u64).div_ceil(BLOB_RECORDS_MAX);
            found.extend((0..parts).map(|part| Blob {
                feed,
                created,
                part: LIVE_PART + part,
            }));
        }
        found
    }

    /// Event numbers of a blob, in the order they were put in; `None` if there is no such blob.
    pub fn records(&self, blob: Blob) -> Option<Vec<u64>> {
        if blob.part >= LIVE_PART {
            // Sorted, so that it does not matter when each event was added.
            let mut events = self.slots.get(&(blob.feed, blob.created))?.clone();
            events.sort_unstable();
            let first = ((blob.part - LIVE_PART) * BLOB_RECORDS_MAX) as usize;
            let last = (first + BLOB_RECORDS_MAX as usize).min(events.len());
            return events.get(first..last).map(<[u64]>::to_vec);
        }
        let history = self.history.get(&blob.feed)?;
        let &(first, created) = history.blobs.get(blob.part as usize)?;
        let next = history.blobs.get(blob.part as usize + 1);
        let last = next.map_or(history.order.len(), |(first, _)| *first as usize);
        let events = &history.order[first as usize..last];
        (created == blob.created).then(|| events.iter().map(|number| u64::from(*number)).collect())
    }

    /// The order of a blob's records on the wire, which is none.
    pub fn shuffle(&self, blob: Blob, records: &mut [u64]) {
        let index = (blob.created as u64) << 20 | blob.part;
        let mut draws = Draws::new(self.seed ^ blob.feed as u64, Stream::Shuffle, index);
        for last in (1..records.len()).rev() {
            records.swap(last, draws.below(last as u64 + 1) as usize);
        }
    }
}

/// The feed of an event; the share of a feed that is off goes to the SharePoint feed.
fn feed(draws: &mut Draws, on: &[ContentType]) -> ContentType {
    let feed = match draws.below(100) {
        0..25 => ContentType::AzureActiveDirectory,
        25..55 => ContentType::Exchange,
        55..88 => ContentType::SharePoint,
        88..98 => ContentType::General,
        _ => ContentType::Dlp,
    };
    if on.is_empty() || on.contains(&feed) {
        return feed;
    }
    if on.contains(&ContentType::SharePoint) {
        ContentType::SharePoint
    } else {
        on[0]
    }
}

fn history_event(plan: &Plan, number: u64) -> Event {
    let mut draws = Draws::new(plan.seed, Stream::Event, number);
    let feed = feed(&mut draws, &plan.feeds_on);
    let started = plan.started.as_millisecond();
    let settled = started - SETTLED;
    let span = (CONTENT_LIFE - SETTLED - MINUTE) as u64;
    let at = started - CONTENT_LIFE + draws.below(span) as Millis;
    let mut ready = at + delay(plan.seed, number);
    if ready > settled {
        ready = at + (draws.fraction() * (settled - at) as f64) as Millis;
    }
    // Nothing may expire while a reader that starts at once is still at it.
    let oldest = started - CONTENT_LIFE + plan.headroom.as_millis() as Millis;
    if ready < oldest {
        ready = (oldest + draws.below(HOUR as u64) as Millis).min(settled);
    }
    Event {
        number,
        feed,
        at,
        ready,
    }
}

/// How long after it happened an event is ready: median 60 min, 1 % over 6 h, one in 2,000 a day, the first one 5 days.
fn delay(seed: u64, number: u64) -> Millis {
    if number == 0 {
        return 5 * DAY;
    }
    let mut draws = Draws::new(seed, Stream::Delay, number);
    if draws.is_one_in(2000) {
        return DAY;
    }
    (HOUR as f64 * (DELAY_SPREAD * draws.normal()).exp()) as Millis
}

/// Cuts a feed's events, which are in the order of their readiness, into blobs.
fn cut(plan: &Plan, feed: ContentType, events: &[(Millis, u32)]) -> FeedHistory {
    let mut history = FeedHistory::default();
    let mean = plan.blob_records_mean.clamp(1, BLOB_RECORDS_MAX);
    let mut first = 0;
    while first < events.len() {
        let number = (feed as u64) << 32 | history.blobs.len() as u64;
        let size = draw(plan.seed, Stream::Blob, number) % (2 * mean - 1).max(1) + 1;
        let full = first + size.min(BLOB_RECORDS_MAX) as usize;
        let late = events[first].0 + BLOB_SPAN_MAX;
        let in_time = first + events[first..].partition_point(|(ready, _)| *ready <= late);
        let last = full.min(in_time).min(events.len());
        history.blobs.push((first as u32, events[last - 1].0));
        first = last;
    }
    history.order = events.iter().map(|(_, number)| *number).collect();
    history
}
