//! The one item per limit scope and its form in the table (throttle design, section 3).
//!
//! Times are epoch milliseconds of the workers' clocks, rates are units per second.

use std::collections::BTreeMap;

use casbah_model::ports::StoreError;
use casbah_model::state::{Item, Key, Set, Value, from_item, to_item};
use serde::{Deserialize, Serialize};

use super::limit::{Limit, TRACKS_MAX};

/// Attribute of each track's tail.
pub const TAILS: [&str; TRACKS_MAX as usize] = ["t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7"];

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Bucket {
    /// Epoch of the time line; every pause adds one, every write depends on it.
    #[serde(rename = "ep")]
    pub epoch: i64,
    /// Sum of all pauses: real time = virtual time + shift.
    #[serde(rename = "sh")]
    pub shift_ms: i64,
    /// Per track: end of the last slice handed out, in virtual time.
    #[serde(skip)]
    pub tails: Vec<i64>,
    /// Nobody except the reporter sends before this.
    #[serde(rename = "res")]
    pub reopens_ms: i64,
    /// 1 while an episode (pause and probe) is open.
    #[serde(rename = "pr")]
    pub is_open: u8,
    /// Failed probes in this episode.
    #[serde(rename = "try")]
    pub tries: u32,
    /// When the episode's first 429 came, and at which pace.
    #[serde(rename = "th")]
    pub hit_ms: i64,
    #[serde(rename = "rh")]
    pub hit_pace: f64,
    /// Last resume; the item's creation before the first.
    #[serde(rename = "tr")]
    pub resumed_ms: i64,
    /// First 429 of the episode before; zero without one.
    #[serde(rename = "tl")]
    pub last_hit_ms: i64,
    #[serde(rename = "m")]
    pub mode: Mode,
    /// Ceiling of the pace: documented or told, less the margin.
    pub cap: Option<f64>,
    #[serde(rename = "ct")]
    pub cap_trimmed_ms: i64,
    /// Units per window that `cap` was made from, so that a told limit is only taken over when it
    /// changes.
    #[serde(rename = "lim")]
    pub cap_units: f64,
    /// Units per window as documented for a tenant of this size when the item was made.
    #[serde(rename = "ld")]
    pub documented_units: f64,
    /// Learnt pace, since when, and its growth constant in seconds.
    #[serde(rename = "n")]
    pub pace: f64,
    #[serde(rename = "n0")]
    pub pace_ms: i64,
    #[serde(rename = "k")]
    pub growth_s: f64,
    /// Pace at which the limit was met, and its last confirmation.
    #[serde(rename = "hi")]
    pub met: Option<f64>,
    #[serde(rename = "ht")]
    pub met_ms: i64,
    /// Early hits in a row, and what the last one said the limit was.
    #[serde(rename = "st")]
    pub early_hits: u32,
    #[serde(rename = "le")]
    pub last_estimate: f64,
    /// Hits below `met` in a row.
    #[serde(rename = "bl")]
    pub hits_below: u32,
    /// Until then 429s are taken as independent of our pace.
    #[serde(rename = "id")]
    pub independent_until_ms: i64,
    #[serde(rename = "is")]
    pub chance: Chance,
    /// No decrease before.
    #[serde(rename = "qu")]
    pub quiet_until_ms: i64,
    /// No judgement of the pace before, because a sped-up slice was left.
    #[serde(rename = "sq")]
    pub sped_until_ms: i64,
    /// Best pace held for a minute.
    #[serde(rename = "bp")]
    pub best_pace: f64,
    /// Pace derived from rate-limit headers, and when it ends.
    #[serde(rename = "rw")]
    pub told_pace: f64,
    #[serde(rename = "rx")]
    pub told_until_ms: i64,
    /// Estimated units per call by endpoint class.
    pub cost: BTreeMap<String, f64>,
    /// Units used in the current day, and its start.
    #[serde(rename = "du")]
    pub day_used: f64,
    #[serde(rename = "dd")]
    pub day_ms: i64,
    /// Units used by interactive calls ever, how many of them bulk calls have made room for, and
    /// their own rate limit.
    #[serde(rename = "iu")]
    pub interactive_units: f64,
    #[serde(rename = "ib")]
    pub interactive_repaid: f64,
    #[serde(rename = "it")]
    pub interactive_ms: i64,
    /// End of the last slice that was not a full one, in virtual time.
    #[serde(rename = "ns")]
    pub part_slice_ms: i64,
    #[serde(rename = "pv")]
    pub version: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Mode {
    /// At the documented or told limit.
    #[default]
    Cap,
    /// Slow start, for limits that nobody documents.
    Slow,
    /// At the pace that 429s have taught.
    Learnt,
}

/// Statistics about 429s that are taken as independent of the pace.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Chance {
    pub start_ms: i64,
    pub count: u32,
    pub sum_s: f64,
    pub squares: f64,
    pub shorts: u32,
    /// Not to be taken as independent again before this.
    pub ruled_out_ms: i64,
}

/// What an episode may change, in the order of the struct.
pub const LEARNT: [&str; 20] = [
    "pr", "try", "tr", "tl", "m", "cap", "ct", "n", "n0", "k", "hi", "ht", "st", "le", "bl", "id",
    "is", "qu", "sq", "bp",
];
/// What a new version of the limit, or another size of the tenant, changes.
pub const PROFILE: [&str; 9] = ["m", "cap", "lim", "ld", "n", "n0", "hi", "cost", "pv"];

impl Bucket {
    pub fn key(limit: &Limit, scope: &str, account: Option<&str>) -> Key {
        let sort = account.map_or("BKT".into(), |account| format!("BKT#{account}"));
        Key::new(format!("B#{}#{scope}", limit.bucket), sort)
    }

    pub fn new(limit: &Limit, now_ms: i64) -> Bucket {
        let tails = vec![0; limit.track_count() as usize];
        let bucket = Bucket {
            tails,
            resumed_ms: now_ms,
            day_ms: now_ms,
            ..Bucket::default()
        };
        bucket.with_profile(limit, now_ms)
    }

    /// The same bucket under the current numbers of the vendor.
    pub fn with_profile(mut self, limit: &Limit, now_ms: i64) -> Bucket {
        self.cap = limit.cap_for(limit.units);
        self.mode = if self.cap.is_some() {
            Mode::Cap
        } else {
            Mode::Slow
        };
        self.cap_units = limit.units;
        self.documented_units = limit.units;
        self.pace = limit.documented_pace();
        self.pace_ms = now_ms;
        self.met = None;
        self.cost.clear();
        self.version = limit.version;
        self
    }

    /// Whether it was made from other numbers of the vendor than these: from older ones, or for another size of tenant.
    pub fn is_outdated(&self, limit: &Limit) -> bool {
        let is_of_this_size = (self.documented_units - limit.units).abs() < 1e-6;
        self.version < limit.version || (self.version == limit.version && !is_of_this_size)
    }

    /// # Errors
    /// An item of another shape is a defect that waiting does not heal.
    pub fn read(item: &Item, limit: &Limit) -> Result<Bucket, StoreError> {
        let bad = |reason: String| StoreError::Unavailable {
            reason: format!("bucket {}: {reason}", limit.bucket),
        };
        let mut bucket: Bucket = from_item(item).map_err(|error| bad(error.to_string()))?;
        let tails = TAILS.iter().take(limit.track_count() as usize);
        bucket.tails = tails
            .map(|name| item.get(*name).and_then(Value::as_i64).unwrap_or(0))
            .collect();
        Ok(bucket)
    }

    pub fn item(&self) -> Item {
        let mut item =
            to_item(self).expect("a bucket is an object of numbers, words and maps of them");
        item.extend(
            TAILS
                .iter()
                .zip(&self.tails)
                .map(|(name, tail)| ((*name).to_string(), (*tail).into())),
        );
        item
    }

    /// The changes that bring some attributes to the values they have here.
    pub fn sets(&self, names: &[&'static str]) -> Vec<Set> {
        let item = self.item();
        let set = |name: &&'static str| match item.get(*name) {
            Some(value) => Set::To(name, value.clone()),
            None => Set::Remove(name),
        };
        names.iter().map(set).collect()
    }

    /// Earliest start of a slice that is handed out now, in virtual time.
    pub fn earliest_ms(&self, now_ms: i64) -> i64 {
        now_ms.max(self.reopens_ms) - self.shift_ms
    }

    /// The track that frees first.
    pub fn first_free_track(&self) -> usize {
        let tracks = 0..self.tails.len();
        tracks.min_by_key(|track| self.tails[*track]).unwrap_or(0)
    }
}
