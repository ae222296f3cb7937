//! The watch: sees every effect on table, bucket, queue and vendor in the order in which they take place, checks the
//! invariants after each, and remembers what happened.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use casbah_model::message::Message;
use casbah_model::ports::Clock;
use casbah_model::state::{Key, Keyed, Write};
use casbah_model::tables::State;
use casbah_model::transport::Bytes;

use crate::acting_rules::Changes;
use crate::invariants::{Batch, Ledger};
use crate::leaving_rules::{is_leaving, scope_of};
use crate::log::Log;
use crate::mark::Mark;
use crate::plain_editions;
use crate::shadow::{Expected, Shadow};

/// What came of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    Yes,
    Refused(usize),
    No,
}

/// The ids of the records that a bundle holds.
pub type Bundles = Arc<dyn Fn(&str) -> Option<Vec<String>> + Send + Sync>;

pub struct Watch {
    clock: Arc<dyn Clock>,
    state: Mutex<Seen>,
}

pub struct Seen {
    pub shadow: Shadow,
    pub ledger: Ledger,
    pub log: Log,
    pub marks: BTreeMap<Mark, u64>,
    /// What stood in an edition as current, by collection and connection.
    pub states: BTreeSet<(String, State)>,
    changes: Changes,
    violation: Option<String>,
    calls: u64,
}

impl Watch {
    pub fn new(clock: Arc<dyn Clock>, ledger: Ledger, changes: Changes) -> Watch {
        let state = Seen {
            changes,
            shadow: Shadow::default(),
            ledger,
            log: Log::default(),
            marks: BTreeMap::new(),
            states: BTreeSet::new(),
            violation: None,
            calls: 0,
        };
        Watch {
            clock,
            state: Mutex::new(state),
        }
    }

    pub fn state(&self) -> MutexGuard<'_, Seen> {
        // A panic inside ends the seed anyway.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn note(&self, who: u64, what: &'static str, about: &str) {
        let now = self.clock.now();
        self.state().log.note(now, who, what, about);
    }

    pub fn mark(&self, mark: Mark) {
        self.state().mark(mark);
    }

    /// The first invariant that did not hold.
    pub fn violation(&self) -> Option<String> {
        self.state().violation.clone()
    }

    pub fn violated(&self, what: String) {
        let now = self.clock.now();
        let mut state = self.state();
        state.log.note(now, 0, "VIOLATION", &what);
        state.violation.get_or_insert(what);
    }

    /// A function begins, woken by a message or not.
    pub fn begins(&self, who: u64, what: &str, hint: Option<&Message>) {
        self.note(who, "begins", what);
        if let Some(Message::Look { key, version, .. }) = hint {
            self.state().ledger.woken(who, key, *version);
        }
    }

    /// What the reference says a write will come to.
    pub fn expect(&self, token: Option<&str>, writes: &[Write]) -> Expected {
        self.state().shadow.expect(self.clock.now(), token, writes)
    }

    /// A write took effect, or was refused.
    pub fn wrote(
        &self,
        who: u64,
        token: Option<&str>,
        writes: &[Write],
        applied: Applied,
        expected: Expected,
    ) {
        let now = self.clock.now();
        let mut state = self.state();
        let state = &mut *state;
        let agrees = matches!(
            (applied, expected),
            (Applied::Yes, Expected::Applied | Expected::Repeated)
        ) || matches!((applied, expected), (Applied::Refused(one), Expected::Refused(other)) if one == other);
        let keys = keys(writes);
        if !agrees {
            let what = format!("the table says {applied:?} where {expected:?} is right: {keys}");
            state.violation.get_or_insert(what);
        }
        match (applied, expected) {
            (Applied::Yes, Expected::Applied) => {
                state.log.note(now, who, "wrote", &keys);
                let changes = state.shadow.apply(now, token, writes);
                let batch = Batch { who, now, changes };
                let found = state.ledger.check(&state.shadow, &batch);
                for mark in found.marks {
                    *state.marks.entry(mark).or_default() += 1;
                }
                if let Some(violation) = found.violations.into_iter().next() {
                    state.log.note(now, who, "VIOLATION", &violation);
                    state.violation.get_or_insert(violation);
                }
            }
            (Applied::Refused(index), _) => {
                state.log.note(now, who, "refused", &keys);
                state.refused(writes, index);
            }
            _ => state.log.note(now, who, "repeated", &keys),
        }
    }

    /// The answer to a write was lost; whether the write took effect is known here only.
    pub fn answer_lost(&self, writes: &[Write], is_applied: bool) {
        let mut state = self.state();
        state.mark(if is_applied {
            Mark::LostAnswerApplied
        } else {
            Mark::LostAnswerNotApplied
        });
        let opens = writes.iter().any(|write| write.key.sk.starts_with("G#"));
        let commits = writes.iter().any(|write| write.key.pk.contains("#M#"));
        if opens && commits {
            state.mark(Mark::GateCommitAnswerLost);
        }
    }

    /// A request that its maker does not wait for any more.
    pub fn came_late(&self, applied: Applied, expected: Expected) {
        match (applied, expected) {
            (Applied::Yes, Expected::Applied) => self.mark(Mark::LateRequestApplied),
            (Applied::Refused(_), _) => self.mark(Mark::LateRequestRefused),
            _ => {}
        }
    }

    pub fn due_before(&self, partition: &str, up_to: i64, max: usize) -> Vec<Keyed> {
        let now = self.clock.now();
        self.state().shadow.due_before(now, partition, up_to, max)
    }

    pub fn put(&self, who: u64, name: &str, content: &Bytes, is_stored: bool) {
        let now = self.clock.now();
        let mut state = self.state();
        let state = &mut *state;
        state.log.note(now, who, "put", name);
        match state.ledger.put(who, name, content, is_stored) {
            Ok(true) => state.mark(Mark::ObjectPutAgain),
            Ok(false) => {}
            Err(violation) => {
                state.log.note(now, who, "VIOLATION", &violation);
                state.violation.get_or_insert(violation);
            }
        }
    }

    /// An object of a table was stored.
    pub fn replaced(&self, who: u64, name: &str, content: &Bytes) {
        let now = self.clock.now();
        let mut state = self.state();
        if name.contains("/current/") {
            let states = plain_editions::states(content).unwrap_or_default();
            let current = states.into_iter().filter(|one| one.to.is_none());
            let list = list_of(name);
            let current = current.map(|one| (list.clone(), one));
            state.states.extend(current);
        }
        state.log.note(now, who, "replaced", name);
        if state.ledger.is_too_late(name) {
            let violation = format!("{name} comes after its incarnation is gone");
            state.log.note(now, who, "VIOLATION", &violation);
            state.violation.get_or_insert(violation);
        }
    }

    pub fn removed(&self, who: u64, name: &str) {
        let now = self.clock.now();
        let mut state = self.state();
        let state = &mut *state;
        state.log.note(now, who, "removed", name);
        if let Err(violation) = state.ledger.removed(&state.shadow, name) {
            state.log.note(now, who, "VIOLATION", &violation);
            state.violation.get_or_insert(violation);
        }
    }

    pub fn sent(&self, who: u64, message: &Message, delay: Duration) {
        let now = self.clock.now();
        let Message::Look { key, version, .. } = message else {
            return;
        };
        let mut state = self.state();
        let about = format!("{key} v{version} in {:.1} s", delay.as_secs_f64());
        state.log.note(now, who, "sent", &about);
        let known = state
            .shadow
            .get(key)
            .and_then(|item| item.get("v")?.as_u64());
        let lease = state
            .shadow
            .get(key)
            .and_then(|item| item.get("lease")?.as_i64());
        let is_sweep = !state.ledger.is_woken(who);
        if is_sweep && lease.is_some_and(|lease| lease > 0) {
            // Hints follow a release; of a stream that is still leased only the sweeper speaks.
            state.mark(Mark::DeadLeaseSwept);
        }
        // What a hint is about may have been removed between the write and the hint that tells of it.
        let is_leaving = scope_of(key).is_some_and(|scope| is_leaving(&state.shadow, scope));
        if known.is_none_or(|known| known < *version) && !is_leaving {
            let what = format!("a hint tells of {key} v{version} before the table has it");
            state.violation.get_or_insert(what);
        }
    }

    pub fn called(&self, who: u64, what: &str, is_orphan: bool) {
        let now = self.clock.now();
        let mut state = self.state();
        state.calls += 1;
        state.log.note(now, who, "called", what);
        if let Err(violation) = state.ledger.called(now, is_orphan) {
            state
                .violation
                .get_or_insert(format!("{violation}: {what}"));
        }
    }

    /// Something is about to be changed at the vendor.
    pub fn changes(&self, what: &str, is_orphan: bool) {
        let mut state = self.state();
        if is_orphan {
            return;
        }
        if let Err(violation) = state.changes.sent(&state.shadow, what) {
            state.violation.get_or_insert(violation);
        }
    }

    /// Something was changed at the vendor.
    pub fn changed(&self, what: &str) {
        let mut state = self.state();
        if let Err(violation) = state.changes.done(what) {
            state.violation.get_or_insert(violation);
        }
    }

    pub fn version(&self, key: &Key) -> Option<u64> {
        self.state().shadow.get(key)?.get("v")?.as_u64()
    }
}

impl Seen {
    pub fn mark(&mut self, mark: Mark) {
        *self.marks.entry(mark).or_default() += 1;
    }

    pub fn calls(&self) -> u64 {
        self.calls
    }

    fn refused(&mut self, writes: &[Write], index: usize) {
        let key = &writes[index].key;
        let is_commit = writes.iter().any(|write| write.key.pk.contains("#M#"));
        if is_commit && index == 0 {
            self.mark(Mark::CommitRefused);
        }
        let bucket = self.shadow.get(key).filter(|_| key.pk.starts_with("B#"));
        let is_in_episode = bucket
            .and_then(|bucket| bucket.get("pr")?.as_u64())
            .is_some_and(|open| open == 1);
        if is_in_episode {
            self.mark(Mark::RefusedDuringAcquire);
        }
    }
}

fn keys(writes: &[Write]) -> String {
    let mut text = String::new();
    for (number, write) in writes.iter().enumerate() {
        if number == 4 {
            text += &format!(" and {} more", writes.len() - number);
            break;
        }
        text += if number > 0 { ", " } else { "" };
        text += &write.key.to_string();
    }
    text
}

/// Collection and connection in the name of an object of an inventory.
pub fn list_of(name: &str) -> String {
    let mut parts = name.split('/').skip(1);
    let (collection, _, scope) = (parts.next(), parts.next(), parts.next());
    format!("{} of {}", collection.unwrap_or(""), scope.unwrap_or(""))
}
