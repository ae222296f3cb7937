//! Reads and writes of one bucket's item, with what to do when the table refuses, is busy or does
//! not answer (throttle design, sections 5 and 12).

use std::sync::Arc;
use std::time::Duration;

use casbah_model::ports::{Clock, Rng, StateStore, StoreError};
use casbah_model::state::{EXPIRES, Item, Key, Write};
use casbah_model::{SignedDuration, Timestamp};

use super::bucket::Bucket;
use super::day;
use super::episode;
use super::limit::Limit;
use super::operations::{self, AHEAD_MAX_MS, Hit, Want};
use super::slice::Slice;

/// Refusals in a row before an acquire is left for later; each means that somebody else got a
/// slice.
const ATTEMPTS_MAX: u32 = 6;
/// Tries of one write while the table is busy, and the pause between them in milliseconds.
const BUSY_TRIES: u32 = 3;
const BUSY_PAUSE_MS: (i64, i64) = (50, 200);
/// When to come back after too many refusals, when slices are handed out too far ahead already, and
/// after a day's budget was used up.
const CROWDED_MS: (i64, i64) = (1_000, 3_000);
const FAR_MS: (i64, i64) = (200_000, 500_000);
const DAY_JITTER_MS: (i64, i64) = (0, 5_000);

pub struct Desk {
    pub store: Arc<dyn StateStore>,
    pub clock: Arc<dyn Clock>,
    pub rng: Arc<dyn Rng>,
    pub limit: Limit,
    pub key: Key,
    /// The table may forget it so long after it was made; it is made anew then.
    pub lives: Option<SignedDuration>,
}

/// The answer to an acquire.
pub enum Taken {
    Slice(Slice),
    Later(i64),
}

impl Desk {
    /// Reads the item; creates it when absent, renews it when it was made from an older profile.
    pub async fn read(&self) -> Result<Bucket, StoreError> {
        let mut found = None;
        for _ in 0..BUSY_TRIES {
            match self.store.get(std::slice::from_ref(&self.key)).await {
                Ok(items) => {
                    found = Some(items.into_iter().next().flatten());
                    break;
                }
                Err(StoreError::Busy | StoreError::Unknown) => self.pause().await,
                Err(error) => return Err(error),
            }
        }
        match found.ok_or(StoreError::Busy)? {
            Some(item) => self.renewed(Bucket::read(&item, &self.limit)?).await,
            None => self.create().await,
        }
    }

    async fn create(&self) -> Result<Bucket, StoreError> {
        let mut item = Bucket::new(&self.limit, self.now_ms()).item();
        if let Some(lives) = self.lives {
            let expires = (self.clock.now() + lives).as_second();
            item.insert(EXPIRES.into(), expires.into());
        }
        match self
            .write(Write::create(self.key.clone(), item.clone()))
            .await
        {
            Ok(_) => Bucket::read(&item, &self.limit),
            Err(StoreError::Refused {
                current: Some(item),
                ..
            }) => Bucket::read(&item, &self.limit),
            Err(error) => Err(error),
        }
    }

    async fn renewed(&self, bucket: Bucket) -> Result<Bucket, StoreError> {
        if !bucket.is_outdated(&self.limit) {
            return Ok(bucket);
        }
        let after = bucket.clone().with_profile(&self.limit, self.now_ms());
        match self
            .write(operations::renew(&self.key, &bucket, &after))
            .await
        {
            Ok(item) => self.bucket(item).await,
            Err(StoreError::Refused {
                current: Some(item),
                ..
            }) => Bucket::read(&item, &self.limit),
            Err(error) => Err(error),
        }
    }

    /// Takes the next free slice; the bucket comes back as it was when that was decided.
    pub async fn acquire(
        &self,
        mut bucket: Bucket,
        mut want: Want,
    ) -> Result<(Bucket, Taken), StoreError> {
        let mut lost = 0;
        for _ in 0..ATTEMPTS_MAX {
            let now_ms = self.now_ms();
            want.choose(&bucket);
            if let Some(units) = self.limit.day_units {
                want.length_ms = want
                    .length_ms
                    .min(day::slice_ms_max(&bucket, units, now_ms));
            }
            if let Some(until_ms) = self.closed_until(&bucket, &want, now_ms).await {
                return Ok((bucket, Taken::Later(until_ms)));
            }
            let is_idle = bucket.tails[want.track] < bucket.earliest_ms(now_ms);
            let build = if is_idle {
                operations::acquire_idle
            } else {
                operations::acquire_used
            };
            match self
                .write(build(&self.key, &bucket, &self.limit, &want, now_ms))
                .await
            {
                Ok(item) => {
                    bucket = self.bucket(item).await?;
                    let to_ms = bucket.tails[want.track];
                    let slice = Slice::new(want.track, to_ms - want.length_ms, to_ms);
                    return Ok((bucket, Taken::Slice(slice)));
                }
                Err(StoreError::Refused { current, .. }) => bucket = self.bucket(current).await?,
                // If it was written, that slice is gone: nobody can tell whose it is.
                Err(StoreError::Unknown) if lost == 0 => {
                    lost += 1;
                    bucket = self.read().await?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok((bucket, Taken::Later(self.soon(CROWDED_MS))))
    }

    /// When slices are handed out again, if they are not now.
    async fn closed_until(&self, bucket: &Bucket, want: &Want, now_ms: i64) -> Option<i64> {
        if let Some(until_ms) = self.day_closed_until(bucket, want, now_ms).await {
            return Some(until_ms + self.between(DAY_JITTER_MS));
        }
        let ahead_ms = bucket.tails[want.track] - bucket.earliest_ms(now_ms);
        (ahead_ms > AHEAD_MAX_MS).then(|| self.soon(FAR_MS))
    }

    async fn day_closed_until(&self, bucket: &Bucket, want: &Want, now_ms: i64) -> Option<i64> {
        let units = self
            .limit
            .day_units
            .filter(|_| !day::is_over(bucket, now_ms))?;
        let first_tail_ms = bucket.tails[bucket.first_free_track()] + bucket.shift_ms;
        let needed = day::needed_units(bucket, &want.count(), now_ms);
        let left = day::units_max(bucket, units, now_ms) - bucket.day_used - needed;
        let handed_out = day::handed_out(bucket, now_ms);
        if left >= handed_out {
            return None;
        }
        if left >= 0.0 {
            // Slices that are handed out may use up the rest.
            return Some(first_tail_ms.max(now_ms));
        }
        let worth = needed.max(self.slice_units(bucket, units, now_ms));
        let opens_ms = day::opens_ms(bucket, units, worth).max(now_ms);
        // Who finds the tails about there need not move them again.
        if opens_ms - first_tail_ms > self.limit.slice_ms() {
            self.try_write(operations::park(&self.key, bucket, opens_ms))
                .await;
        }
        Some(opens_ms)
    }

    /// What the longest slice may use: worth coming back for.
    fn slice_units(&self, bucket: &Bucket, day_units: f64, now_ms: i64) -> f64 {
        let most_ms = day::slice_ms_max(bucket, day_units, now_ms);
        let count = day::Count {
            used: 0.0,
            length_ms: self.limit.slice_ms().min(most_ms),
        };
        day::needed_units(bucket, &count, now_ms)
    }

    /// Reports a 429. The time of the probe comes with it when this report is the one that stands.
    pub async fn report(
        &self,
        mut bucket: Bucket,
        retry_after: Option<Duration>,
        hit: Hit,
    ) -> Result<(Bucket, Option<i64>), StoreError> {
        let epoch = bucket.epoch;
        for _ in 0..BUSY_TRIES {
            let now_ms = self.now_ms();
            let report = episode::report(&bucket, &self.limit, retry_after, now_ms);
            match self
                .write(operations::report(
                    &self.key,
                    &bucket,
                    &report,
                    hit,
                    &self.limit,
                    now_ms,
                ))
                .await
            {
                Ok(item) => return Ok((self.bucket(item).await?, Some(report.probe_ms))),
                Err(StoreError::Refused { current, .. }) => bucket = self.bucket(current).await?,
                Err(StoreError::Unknown) => bucket = self.read().await?,
                Err(error) => return Err(error),
            }
            if bucket.epoch != epoch {
                // Somebody's report stands, perhaps this one.
                return Ok((bucket, None));
            }
        }
        Err(StoreError::Unknown)
    }

    /// Ends the episode. Whoever was first, the bucket that comes back is the one that counts.
    pub async fn resume(
        &self,
        mut bucket: Bucket,
        rtt_s: f64,
        cost: f64,
    ) -> Result<Bucket, StoreError> {
        for _ in 0..BUSY_TRIES {
            let after = episode::resume(&bucket, &self.limit, rtt_s, cost, self.now_ms());
            match self.write(operations::resume(&self.key, &after)).await {
                Ok(item) => return self.bucket(item).await,
                Err(StoreError::Refused { current, .. }) => return self.bucket(current).await,
                Err(StoreError::Unknown) => bucket = self.read().await?,
                Err(error) => return Err(error),
            }
            if bucket.is_open == 0 {
                return Ok(bucket);
            }
        }
        Err(StoreError::Unknown)
    }

    /// Counts an interactive call; refused when it has to wait, with the item that says so.
    pub async fn count_interactive(
        &self,
        bucket: &Bucket,
        cost: f64,
    ) -> Result<(Bucket, bool), StoreError> {
        match self
            .write(operations::interactive(
                &self.key,
                bucket,
                &self.limit,
                cost,
                self.now_ms(),
            ))
            .await
        {
            Ok(item) => Ok((self.bucket(item).await?, true)),
            Err(StoreError::Refused { current, .. }) => Ok((self.bucket(current).await?, false)),
            Err(error) => Err(error),
        }
    }

    /// A write whose loss costs only time.
    pub async fn try_write(&self, write: Write) {
        // The next holder finds the item as it is; nothing depends on this one.
        let _ = self.write(write).await;
    }

    async fn write(&self, write: Write) -> Result<Option<Item>, StoreError> {
        for _ in 1..BUSY_TRIES {
            match self.store.write(write.clone()).await {
                Err(StoreError::Busy) => self.pause().await,
                answer => return answer,
            }
        }
        self.store.write(write).await
    }

    /// The bucket in an answer; an item that is absent was deleted by somebody and is made anew.
    async fn bucket(&self, item: Option<Item>) -> Result<Bucket, StoreError> {
        match item {
            Some(item) => Bucket::read(&item, &self.limit),
            None => self.create().await,
        }
    }

    async fn pause(&self) {
        self.clock
            .sleep_until(timestamp(self.soon(BUSY_PAUSE_MS) as f64))
            .await;
    }

    pub fn now_ms(&self) -> i64 {
        self.clock.now().as_millisecond()
    }

    /// Some time from now, at random within bounds.
    pub fn soon(&self, bounds_ms: (i64, i64)) -> i64 {
        self.now_ms() + self.between(bounds_ms)
    }

    fn between(&self, (least, most): (i64, i64)) -> i64 {
        least + (self.rng.fraction() * (most - least) as f64) as i64
    }
}

/// A time in milliseconds as the clock takes it; times outside its range are its ends.
pub fn timestamp(time_ms: f64) -> Timestamp {
    let end = if time_ms < 0.0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    };
    Timestamp::from_microsecond((time_ms * 1000.0).ceil() as i64).unwrap_or(end)
}

/// Milliseconds with their fraction: the spacing of calls is not a whole number of them.
pub fn milliseconds(time: Timestamp) -> f64 {
    let since: SignedDuration = time.as_duration();
    since.as_secs_f64() * 1000.0
}
