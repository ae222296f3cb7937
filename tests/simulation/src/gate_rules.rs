//! What must hold of the gate and of runs: they open and end once, and count what is there.

use std::collections::BTreeSet;

use casbah_model::state::{Item, Key};

use crate::invariants::{Batch, number, text};
use crate::leaving_rules::{is_leaving, scope_of};
use crate::mark::Mark;
use crate::shadow::{Changed, Shadow};

/// I6: the gate opens once, and what waits for it starts in the same write.
pub fn gate(shadow: &Shadow, batch: &Batch, marks: &mut Vec<Mark>) -> Result<(), String> {
    for change in batch
        .changes
        .iter()
        .filter(|change| change.key.sk.starts_with("G#") && change.after.is_some())
    {
        let state = |item: &Option<Item>| {
            item.as_ref().map_or("SHUT", |item| {
                if text(item, "st") == "OPEN" {
                    "OPEN"
                } else {
                    "SHUT"
                }
            })
        };
        let (before, after) = (state(&change.before), state(&change.after));
        if before == "OPEN" && after == "SHUT" {
            return Err("I6: the gate is shut again".into());
        }
        if before == "OPEN" {
            marks.push(Mark::GateOpenAtCreation);
        }
        let opens = before == "SHUT" && after == "OPEN";
        let is_list_done = |other: &Changed| {
            let published = |item: &Option<Item>| {
                item.as_ref()
                    .is_some_and(|item| item.contains_key("published"))
            };
            other.key.sk == "S#users" && !published(&other.before) && published(&other.after)
        };
        let is_test = |other: &Changed| other.key.sk == "S#test";
        let is_right = batch
            .changes
            .iter()
            .any(|other| is_list_done(other) || is_test(other));
        if opens && !is_right {
            return Err("I6: the gate opens and the list of users is not complete".into());
        }
        if before == "OPEN"
            && text(change.before.as_ref().unwrap_or(&Item::new()), "opened_by")
                != text(change.after.as_ref().unwrap_or(&Item::new()), "opened_by")
        {
            return Err("I6: the gate opens twice".into());
        }
    }
    let pks: BTreeSet<&str> = batch
        .changes
        .iter()
        .map(|change| change.key.pk.as_str())
        .collect();
    for pk in pks {
        let Some(gate) = shadow.get(&Key::new(pk, "G#users")) else {
            continue;
        };
        let is_open = text(gate, "st") == "OPEN";
        for (key, stream) in shadow.partition(pk, "S#") {
            let is_waiting = text(stream, "st") == "WAIT";
            if is_open && is_waiting {
                return Err(format!("I6: the gate is open and {key} waits"));
            }
            let gated = ["S#files", "S#back-", "S#live-", "S#late-"];
            let is_gated = gated.iter().any(|prefix| key.sk.starts_with(prefix));
            if !is_open && is_gated && !is_waiting {
                return Err(format!("I6: the gate is shut and {key} runs"));
            }
        }
    }
    Ok(())
}

/// I7: a run counts its units, and those that are done or failed.
pub fn runs(shadow: &Shadow) -> Result<(), String> {
    let runs = shadow
        .items()
        .filter(|(key, item)| key.sk.starts_with("R#") && text(item, "st") == "RUN")
        // A deletion removes units before their run.
        .filter(|(key, _)| !scope_of(key).is_some_and(|scope| is_leaving(shadow, scope)));
    for (key, run) in runs {
        let name = key.sk.trim_start_matches("R#");
        let (mut planned, mut over) = (0, 0);
        for (_, unit) in shadow.partition(&format!("{}#U#files", key.pk), "U#") {
            if text(unit, "last_run") == name {
                planned += 1;
                over += i64::from(text(unit, "run") != name);
            }
        }
        let counted = (number(run, "planned"), number(run, "fin"));
        if counted != (planned, over) {
            return Err(format!(
                "I7: {key} counts {counted:?}, there are {:?}",
                (planned, over)
            ));
        }
    }
    Ok(())
}

/// Whether a run is over with this write, which it may be when every unit is accounted for.
pub fn run(change: &Changed) -> Result<bool, String> {
    let (Some(before), Some(after)) = (&change.before, &change.after) else {
        return Ok(false);
    };
    let is_end = text(before, "st") == "RUN" && text(after, "st") == "DONE";
    if is_end && (number(after, "fin") != number(after, "planned") || number(after, "final") != 1) {
        return Err(format!("I7: {} ends with units that do not", change.key));
    }
    if text(before, "st") == "DONE" && text(after, "st") != "DONE" {
        return Err(format!("I7: {} goes on after its end", change.key));
    }
    Ok(is_end)
}
