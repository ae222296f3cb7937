//! The conditional writes on a bucket (throttle design, section 5). Pure: they are built here and
//! done elsewhere.

use casbah_model::state::{Condition, Key, Set, Value, Write};

use super::bucket::{Bucket, LEARNT, PROFILE, TAILS};
use super::day;
use super::episode::Report;
use super::limit::Limit;

/// How far ahead slices are handed out (throttle design, section 5, `:hi`).
pub const AHEAD_MAX_MS: i64 = 600_000;
/// Above every number in an item; stands for "no upper end" in a condition that has two.
const NO_END: i64 = 1 << 52;

/// A slice to be taken, and what travels with it for free.
#[derive(Clone, Debug)]
pub struct Want {
    pub track: usize,
    /// Track and end of the slice that the holder has now.
    pub own: Option<(usize, i64)>,
    pub length_ms: i64,
    /// Units used since the last write, those planned until the current slice ends included.
    pub used: f64,
    pub extras: Vec<Set>,
}

impl Want {
    pub fn count(&self) -> day::Count {
        day::Count {
            used: self.used,
            length_ms: self.length_ms,
        }
    }

    /// The own track when nobody has queued behind the own slice, else the one that frees first.
    pub fn choose(&mut self, bucket: &Bucket) {
        let own = self
            .own
            .filter(|(track, end)| bucket.tails.get(*track) == Some(end));
        self.track = own.map_or_else(|| bucket.first_free_track(), |(track, _)| track);
    }
}

/// Takes the next slice of a track in use: `[tail, tail + length)`.
pub fn acquire_used(key: &Key, bucket: &Bucket, limit: &Limit, want: &Want, now_ms: i64) -> Write {
    let tail = TAILS[want.track];
    let from = bucket.earliest_ms(now_ms);
    let in_reach = Condition::Between(tail, from.into(), (from + AHEAD_MAX_MS).into());
    acquire(
        key,
        bucket,
        limit,
        want,
        now_ms,
        in_reach,
        Set::Add(tail, want.length_ms.into()),
    )
}

/// Takes a slice of an idle track, from now on: `[earliest, earliest + length)`.
pub fn acquire_idle(key: &Key, bucket: &Bucket, limit: &Limit, want: &Want, now_ms: i64) -> Write {
    let tail = TAILS[want.track];
    let from = bucket.earliest_ms(now_ms);
    let is_idle = Condition::Any(vec![
        Condition::Less(tail, from.into()),
        Condition::Absent(tail),
    ]);
    acquire(
        key,
        bucket,
        limit,
        want,
        now_ms,
        is_idle,
        Set::To(tail, (from + want.length_ms).into()),
    )
}

fn acquire(
    key: &Key,
    bucket: &Bucket,
    limit: &Limit,
    want: &Want,
    now_ms: i64,
    free: Condition,
    take: Set,
) -> Write {
    let mut conditions = vec![Condition::Equal("ep", bucket.epoch.into()), free];
    let mut sets = vec![take];
    if let Some(units) = limit.day_units {
        let (condition, counted) = day::count(bucket, units, &want.count(), now_ms);
        conditions.push(condition);
        sets.extend(counted);
    }
    if want.length_ms < limit.slice_ms() {
        let end = bucket.tails[want.track].max(bucket.earliest_ms(now_ms)) + want.length_ms;
        sets.push(Set::To("ns", end.max(bucket.part_slice_ms).into()));
    }
    sets.extend(want.extras.iter().cloned());
    Write::update(key.clone(), Condition::All(conditions), sets)
}

/// Shifts the time line by a pause.
pub fn report(
    key: &Key,
    bucket: &Bucket,
    report: &Report,
    hit: Hit,
    limit: &Limit,
    now_ms: i64,
) -> Write {
    let mut sets = vec![
        Set::Add("ep", 1.into()),
        Set::To("pr", 1.into()),
        Set::To("try", report.tries.into()),
        Set::To("res", report.reopens_ms.into()),
        Set::To("sh", (bucket.shift_ms + report.shift_ms).into()),
    ];
    if limit.day_units.is_some() {
        sets.push(Set::Add("du", hit.used.into()));
    }
    if report.is_first {
        sets.push(Set::To("th", now_ms.into()));
        sets.push(Set::To("rh", hit.pace.into()));
    }
    if hit.is_sped {
        sets.push(Set::To(
            "sq",
            (report.reopens_ms + limit.window_ms()).into(),
        ));
    }
    Write::update(
        key.clone(),
        Condition::Equal("ep", bucket.epoch.into()),
        sets,
    )
}

/// The circumstances of a 429.
#[derive(Clone, Copy, Debug)]
pub struct Hit {
    pub pace: f64,
    pub used: f64,
    pub is_sped: bool,
}

/// Ends the episode with what was learnt; of several who find it open one does.
pub fn resume(key: &Key, after: &Bucket) -> Write {
    let is_open = Condition::All(vec![
        Condition::Equal("ep", after.epoch.into()),
        Condition::Equal("pr", 1.into()),
    ]);
    Write::update(key.clone(), is_open, after.sets(&LEARNT))
}

/// Takes over the numbers of a newer profile.
pub fn renew(key: &Key, before: &Bucket, after: &Bucket) -> Write {
    let is_old = Condition::All(vec![
        Condition::Equal("ep", before.epoch.into()),
        Condition::Equal("pv", before.version.into()),
        Condition::Any(vec![
            Condition::Equal("ld", before.documented_units.into()),
            Condition::Absent("ld"),
        ]),
    ]);
    Write::update(key.clone(), is_old, after.sets(&PROFILE))
}

/// Counts an interactive call against its own small limit, which is a theoretical arrival time
/// (GCRA).
///
/// It depends on no epoch: a pause does not change what interactive calls have used.
pub fn interactive(key: &Key, bucket: &Bucket, limit: &Limit, cost: f64, now_ms: i64) -> Write {
    let step = (cost / limit.interactive_pace() * 1000.0).ceil() as i64;
    let (condition, arrive) = if bucket.interactive_ms < now_ms {
        let is_idle = Condition::Any(vec![
            Condition::Less("it", now_ms.into()),
            Condition::Absent("it"),
        ]);
        (is_idle, Set::To("it", (now_ms + step).into()))
    } else {
        let latest = now_ms + limit.interactive_burst_ms();
        (
            Condition::Between("it", now_ms.into(), latest.into()),
            Set::Add("it", step.into()),
        )
    };
    let mut sets = vec![Set::Add("iu", number(cost)), arrive];
    if limit.day_units.is_some() {
        sets.push(Set::Add("du", number(cost)));
    }
    Write::update(
        key.clone(),
        Condition::All(vec![Condition::Exists, condition]),
        sets,
    )
}

/// Gives back the end of a slice that nobody has queued behind.
pub fn give_back(
    key: &Key,
    bucket: &Bucket,
    track: usize,
    end_ms: i64,
    new_end_ms: i64,
    used: Option<f64>,
) -> Write {
    let tail = TAILS[track];
    let is_last = Condition::All(vec![
        Condition::Equal("ep", bucket.epoch.into()),
        Condition::Equal(tail, end_ms.into()),
    ]);
    let mut sets = vec![Set::To(tail, new_end_ms.into())];
    sets.extend(used.map(|used| Set::Add("du", number(used))));
    Write::update(key.clone(), is_last, sets)
}

/// Reports what the last slice has used, where there is a budget for the day.
pub fn count(key: &Key, bucket: &Bucket, used: f64) -> Write {
    Write::update(
        key.clone(),
        Condition::Equal("dd", bucket.day_ms.into()),
        vec![Set::Add("du", number(used))],
    )
}

/// Moves all tails to the time when the day's budget allows slices again, so that lanes wait in
/// order.
pub fn park(key: &Key, bucket: &Bucket, until_ms: i64) -> Write {
    let until: Value = (until_ms - bucket.shift_ms).into();
    let tails = TAILS.iter().take(bucket.tails.len());
    let mut conditions = vec![
        Condition::Equal("ep", bucket.epoch.into()),
        Condition::Equal("dd", bucket.day_ms.into()),
        Condition::Between("du", number(bucket.day_used), NO_END.into()),
    ];
    conditions.extend(
        tails
            .clone()
            .map(|tail| Condition::LessOrEqual(tail, until.clone())),
    );
    let sets = tails.map(|tail| Set::To(tail, until.clone())).collect();
    Write::update(key.clone(), Condition::All(conditions), sets)
}

/// Units as the table takes them: finite.
fn number(units: f64) -> Value {
    if units.is_finite() {
        units.into()
    } else {
        0.into()
    }
}
