//! Interactive calls: governance actions and connection tests (throttle design, section 5).
//!
//! They do not queue behind slices. They have a small limit of their own, and bulk calls make room
//! for them afterwards; until then the margin carries them.

use super::desk::{milliseconds, timestamp};
use super::holder::{LEAD_MS, Trip, WAIT_MAX_MS};
use super::{Gate, GateError, Gates};

/// Waits and refusals of one admit before it is left for later.
const ATTEMPTS_MAX: u32 = 16;

impl Gates {
    pub(super) async fn admit_interactive(
        &self,
        gate: &Gate,
        class: &'static str,
    ) -> Result<Trip, GateError> {
        let limit = &gate.desk.limit;
        for _ in 0..ATTEMPTS_MAX {
            let known = gate.lock().known.clone();
            let bucket = match known {
                Some(bucket) => bucket,
                None => gate
                    .desk
                    .read()
                    .await
                    .map_err(|error| self.unreachable(gate, error))?,
            };
            let now_ms = gate.desk.now_ms();
            if now_ms >= self.deadline_ms {
                return Err(self.later(gate, now_ms));
            }
            let own_ms = bucket.interactive_ms - limit.interactive_burst_ms();
            let open_ms = bucket.reopens_ms.max(own_ms);
            if open_ms > now_ms {
                self.wait_short(gate, open_ms).await?;
            }
            let cost = gate.lock().cost(limit, class);
            let counted = gate.desk.count_interactive(&bucket, cost).await;
            let (bucket, is_counted) = counted.map_err(|error| self.unreachable(gate, error))?;
            let reopens_ms = bucket.reopens_ms;
            gate.lock().learn(limit, bucket, gate.desk.now_ms());
            if is_counted {
                if reopens_ms > gate.desk.now_ms() {
                    self.wait_short(gate, reopens_ms).await?;
                }
                let now = milliseconds(gate.desk.clock.now());
                return Ok(gate.lock().send_interactive(limit, class, now));
            }
        }
        Err(self.later(gate, gate.desk.now_ms() + WAIT_MAX_MS))
    }

    /// Whether an interactive call could be sent at once, and no slice is held that would be wasted.
    pub(super) async fn is_open_to_prompt(&self, gate: &Gate) -> bool {
        let known = {
            let holder = gate.lock();
            if holder.can_send_in_slice(&gate.desk.limit, gate.desk.now_ms()) {
                return false;
            }
            holder.known.clone()
        };
        let bucket = match known {
            Some(bucket) => bucket,
            None => match gate.desk.read().await {
                Ok(bucket) => bucket,
                // The bulk way says what is wrong.
                Err(_) => return false,
            },
        };
        let own_ms = bucket.interactive_ms - gate.desk.limit.interactive_burst_ms();
        let now_ms = gate.desk.now_ms();
        let is_open = bucket.reopens_ms.max(own_ms) <= now_ms;
        gate.lock().learn(&gate.desk.limit, bucket, now_ms);
        is_open
    }

    async fn wait_short(&self, gate: &Gate, until_ms: i64) -> Result<(), GateError> {
        if until_ms - gate.desk.now_ms() > WAIT_MAX_MS {
            return Err(self.later(gate, until_ms - LEAD_MS));
        }
        gate.desk
            .clock
            .sleep_until(timestamp(until_ms as f64))
            .await;
        Ok(())
    }
}
