//! Slices as the table handed them out, read from the writes alone (throttle design, section 5).

use casbah_model::state::{Change, Condition, Item, Set, Value};

use crate::invariants::Seen;

const TAILS: [&str; 8] = ["t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7"];
/// Slices that ended this long before the tail are not looked at again.
const KEEP_MS: i64 = 2_000_000;

/// Per track, in the order they were handed out.
#[derive(Default)]
pub struct Tracks([Vec<Slice>; 8]);

struct Slice {
    worker: usize,
    from_ms: i64,
    to_ms: i64,
    is_begun: bool,
}

/// What a write has done to one tail.
struct Move<'a> {
    tail: &'static str,
    from_ms: i64,
    to_ms: i64,
    condition: &'a Condition,
    sets: &'a [Set],
}

impl Tracks {
    /// Takes in a write; invariant 1 says what it must not do.
    pub fn wrote(&mut self, worker: usize, seen: &Seen) -> Result<(), String> {
        let (Some(before), Some(after)) = (seen.before, seen.after) else {
            return Ok(());
        };
        let Change::Update(sets) = &seen.write.change else {
            return Err("1: the item was replaced".into());
        };
        for (slices, tail) in self.0.iter_mut().zip(TAILS) {
            let change = Move {
                tail,
                from_ms: whole(before, tail),
                to_ms: whole(after, tail),
                condition: &seen.write.condition,
                sets,
            };
            match change.to_ms - change.from_ms {
                0 => {}
                1.. => forward(slices, worker, &change)?,
                _ => back(slices, worker, &change)?,
            }
        }
        Ok(())
    }

    /// Whether the worker may send at this virtual time, and whether it is the slice's first call.
    pub fn enter(&mut self, worker: usize, at_ms: i64) -> Option<bool> {
        let own = self.find(worker, at_ms)?;
        Some(!std::mem::replace(&mut own.is_begun, true))
    }

    pub fn is_inside(&mut self, worker: usize, at_ms: i64) -> bool {
        self.find(worker, at_ms).is_some()
    }

    fn find(&mut self, worker: usize, at_ms: i64) -> Option<&mut Slice> {
        let all = self.0.iter_mut().flat_map(|slices| slices.iter_mut().rev());
        let mut own = all.filter(|slice| slice.worker == worker);
        own.find(|slice| (slice.from_ms..slice.to_ms).contains(&at_ms))
    }
}

/// A slice was taken, or the track was parked until later, which hands out none.
fn forward(slices: &mut Vec<Slice>, worker: usize, change: &Move) -> Result<(), String> {
    let is_added = |set: &Set| matches!(set, Set::Add(name, _) if *name == change.tail);
    let from_ms = if change.sets.iter().any(is_added) {
        change.from_ms
    } else {
        match begin_of_idle(change.condition, change.tail) {
            Some(from_ms) => from_ms,
            None => return Ok(()),
        }
    };
    let last_ms = slices.last().map_or(0, |last| last.to_ms);
    if from_ms < last_ms || from_ms < change.from_ms {
        return Err(format!(
            "1: a slice from {from_ms} overlaps one until {last_ms}"
        ));
    }
    slices.retain(|slice| slice.to_ms > from_ms - KEEP_MS);
    slices.push(Slice {
        worker,
        from_ms,
        to_ms: change.to_ms,
        is_begun: false,
    });
    Ok(())
}

/// The end of a slice came back: it must be the worker's own, with nobody behind it.
fn back(slices: &mut Vec<Slice>, worker: usize, change: &Move) -> Result<(), String> {
    while let Some(last) = slices.last_mut().filter(|last| last.to_ms > change.to_ms) {
        if last.worker != worker {
            return Err(format!(
                "1: {} moved back over another's slice",
                change.tail
            ));
        }
        if last.from_ms < change.to_ms {
            last.to_ms = change.to_ms;
            return Ok(());
        }
        slices.pop();
    }
    Ok(())
}

/// Where the slice of an idle track begins: the write's condition is that the tail is before it.
fn begin_of_idle(condition: &Condition, tail: &str) -> Option<i64> {
    match condition {
        Condition::Less(name, from) if *name == tail => from.as_i64(),
        Condition::All(parts) | Condition::Any(parts) => {
            parts.iter().find_map(|part| begin_of_idle(part, tail))
        }
        _ => None,
    }
}

fn whole(item: &Item, name: &str) -> i64 {
    item.get(name).and_then(Value::as_i64).unwrap_or(0)
}
