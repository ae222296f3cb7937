//! What an invocation does about a 429: report it, probe, resume (throttle design, sections 5 and
//! 6).

use std::time::Duration;

use super::bucket::Bucket;
use super::desk::milliseconds;
use super::holder::{Holder, LEAD_MS, Move, Probe, WAIT_MAX_MS};
use super::limit::{Limit, ms};
use super::operations::Hit;
use super::{Gate, GateError, Gates, Throttled, Verdict};

impl Gates {
    /// Reports a 429 that nobody has reported yet, and says when to go on.
    pub(super) async fn throttled(
        &self,
        gate: &Gate,
        throttled: Throttled,
        is_news: bool,
    ) -> Result<Verdict, GateError> {
        if is_news {
            let (known, hit) = gate.lock().hit(gate.desk.now_ms());
            let _reporting = Reporting(gate);
            let Some(known) = known else {
                return Ok(Verdict::Again);
            };
            let answer = gate.desk.report(known, throttled.retry_after, hit).await;
            let now_ms = gate.desk.now_ms();
            let mut holder = gate.lock();
            match answer {
                Ok((bucket, probe_ms)) => {
                    holder.learn(&gate.desk.limit, bucket, now_ms);
                    holder.probe_ms = probe_ms;
                    if probe_ms.is_some() {
                        holder.uncounted -= hit.used;
                    }
                }
                Err(error) => {
                    holder.hold_back(throttled.retry_after, now_ms);
                    drop(holder);
                    return Err(self.unreachable(gate, error));
                }
            }
        }
        let now_ms = gate.desk.now_ms();
        let until_ms = gate.lock().goes_on_ms();
        if until_ms - now_ms > WAIT_MAX_MS {
            return Err(self.later(gate, until_ms - LEAD_MS));
        }
        Ok(Verdict::Again)
    }

    /// Ends the episode after a probe that passed.
    pub(super) async fn resume(&self, gate: &Gate, class: &str) -> Result<(), GateError> {
        let (known, rtt_s, cost) = {
            let holder = gate.lock();
            (
                holder.known.clone(),
                holder.rtt_s(),
                holder.cost(&gate.desk.limit, class),
            )
        };
        let Some(known) = known else { return Ok(()) };
        let bucket = gate
            .desk
            .resume(known, rtt_s, cost)
            .await
            .map_err(|error| self.unreachable(gate, error))?;
        let now = milliseconds(self.now());
        let mut holder = gate.lock();
        holder.learn(&gate.desk.limit, bucket, now as i64);
        holder.resumed(now);
        Ok(())
    }
}

/// Keeps others from sending while a 429 is being reported, also when the reporting call is
/// dropped.
struct Reporting<'a>(&'a Gate);

impl Drop for Reporting<'_> {
    fn drop(&mut self) {
        let mut holder = self.0.lock();
        holder.is_reporting = false;
        holder.ring();
    }
}

impl Holder {
    /// While an episode is open: the reporter probes early, and who probed resumes.
    pub fn probe_move(&mut self, limit: &Limit, class: &'static str, now: f64) -> Option<Move> {
        let reopens = self.known.as_ref()?.reopens_ms as f64;
        match self.probe {
            Probe::InFlight => Some(Move::Listen),
            Probe::Passed if now < reopens => Some(Move::Wait(reopens)),
            Probe::Passed => Some(Move::Resume),
            Probe::Idle => {
                let probe = self.probe_ms? as f64;
                if now >= probe {
                    return Some(self.send(limit, class, now, true));
                }
                (probe - now <= WAIT_MAX_MS as f64).then_some(Move::Wait(probe))
            }
        }
    }

    /// The circumstances of a 429 that is about to be reported.
    pub fn hit(&self, now_ms: i64) -> (Option<Bucket>, Hit) {
        // Not the pace of headers: a window that others have used up says nothing about the limit.
        let pace = self
            .known
            .as_ref()
            .map_or(0.0, |bucket| bucket.base_pace(now_ms));
        let is_sped = self.slice.as_ref().is_some_and(|slice| slice.speed > 1.0);
        (
            self.known.clone(),
            Hit {
                pace,
                used: self.uncounted,
                is_sped,
            },
        )
    }

    /// The table does not know of the 429; at least this invocation keeps to it.
    pub fn hold_back(&mut self, retry_after: Option<Duration>, now_ms: i64) {
        if let Some(bucket) = &mut self.known {
            let until_ms = now_ms.saturating_add(retry_after.map_or(WAIT_MAX_MS, ms));
            bucket.reopens_ms = bucket.reopens_ms.max(until_ms);
        }
    }

    /// When this invocation may send again after a 429.
    pub fn goes_on_ms(&self) -> i64 {
        let reopens_ms = self.known.as_ref().map_or(0, |bucket| bucket.reopens_ms);
        if self.is_reporting && self.probe_ms.is_none() {
            // Another call is just reporting it; the next admit waits for that.
            return 0;
        }
        self.probe_ms.unwrap_or(reopens_ms)
    }
}
