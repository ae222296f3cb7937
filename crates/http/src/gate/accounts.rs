//! Limits that a vendor counts for each account by itself: each is a limit of its own, and begins with the first call
//! on the account.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use casbah_model::SignedDuration;
use casbah_model::message::Ticket;

use super::Gate;
use super::bucket::Bucket;
use super::desk::Desk;
use super::holder::Holder;

/// Gates of accounts that one invocation keeps; beyond that those are forgotten that nobody uses.
const KEPT: usize = 64;
/// The table forgets the limit of an account after this, because nobody counts the accounts there were.
const LIVES: SignedDuration = SignedDuration::from_hours(7 * 24);

pub struct Accounts {
    scope: String,
    ticket: Option<Ticket>,
    gates: Mutex<BTreeMap<String, Arc<Gate>>>,
}

impl Accounts {
    pub fn new(scope: String, ticket: Option<Ticket>) -> Accounts {
        Accounts {
            scope,
            ticket,
            gates: Mutex::default(),
        }
    }

    /// The gate of an account, for a limit that is each account's own.
    pub fn gate(&self, limit: &Gate, account: &str) -> Arc<Gate> {
        let name = format!("{}#{account}", limit.name);
        let mut gates = self.lock();
        if let Some(gate) = gates.get(&name) {
            return Arc::clone(gate);
        }
        if gates.len() >= KEPT {
            gates.retain(|_, gate| {
                let now_ms = gate.desk.now_ms();
                Arc::strong_count(gate) > 1 || !gate.lock().is_idle(now_ms)
            });
        }
        let desk = Desk {
            store: Arc::clone(&limit.desk.store),
            clock: Arc::clone(&limit.desk.clock),
            rng: Arc::clone(&limit.desk.rng),
            limit: limit.desk.limit.clone(),
            key: Bucket::key(&limit.desk.limit, &self.scope, Some(account)),
            lives: Some(LIVES),
        };
        let gate = Arc::new(Gate::new(name.clone(), desk, self.ticket.as_ref()));
        gate.lock().expected = limit.lock().expected;
        gates.insert(name, Arc::clone(&gate));
        gate
    }

    pub fn all(&self) -> Vec<Arc<Gate>> {
        self.lock().values().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Gate>>> {
        self.gates.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Holder {
    /// Whether nothing is lost when it is forgotten: no call on its way, and no slice that is still to be used.
    fn is_idle(&self, now_ms: i64) -> bool {
        let real_ms = now_ms - self.known.as_ref().map_or(0, |bucket| bucket.shift_ms);
        let is_over = |slice: &super::slice::Slice| slice.to_ms <= real_ms;
        self.in_flight == 0
            && !self.is_reporting
            && self.slice.as_ref().is_none_or(is_over)
            && self.next.as_ref().is_none_or(is_over)
    }
}

#[cfg(test)]
mod tests {
    use super::super::slice::Slice;
    use super::super::tests::{NOW, per_minute};
    use super::*;

    #[test]
    fn a_gate_is_idle_when_its_last_slice_is_over_and_no_call_is_on_its_way() {
        let mut holder = Holder::default();
        assert!(holder.is_idle(NOW));
        holder.take(Slice::new(0, NOW, NOW + 1000));
        assert!(!holder.is_idle(NOW) && !holder.is_idle(NOW + 999));
        assert!(holder.is_idle(NOW + 1000));
        // Slices stand in virtual time, which pauses hold up.
        holder.known = Some(Bucket {
            shift_ms: 5000,
            ..Bucket::new(&per_minute(), NOW)
        });
        assert!(!holder.is_idle(NOW + 5999));
        assert!(holder.is_idle(NOW + 6000));
        holder.in_flight = 1;
        assert!(!holder.is_idle(NOW + 6000));
    }
}
