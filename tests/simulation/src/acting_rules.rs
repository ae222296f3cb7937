//! I19: what must hold of every change at the vendor: somebody allowed it, and it is sent once.

use std::collections::BTreeMap;

use casbah_model::state::Item;

use crate::acting::Ask;
use crate::invariants::text;
use crate::shadow::Shadow;

/// What actions are about, and what of them has arrived.
#[derive(Default)]
pub struct Changes {
    asks: Vec<Ask>,
    /// How often each change was done, by its action.
    done: BTreeMap<(usize, String), u64>,
}

impl Changes {
    pub fn of(asks: Vec<Ask>) -> Changes {
        let done = BTreeMap::new();
        Changes { asks, done }
    }

    /// Actions that a change is about, by their numbers.
    fn about(&self, what: &str) -> Vec<usize> {
        let is_part = |c: char| c.is_ascii_alphanumeric() || "!-_.".contains(c);
        let is_about = |ask: &Ask| {
            what.split(|c| !is_part(c))
                .any(|part| ask.words.iter().any(|word| word == part))
        };
        let all = self.asks.iter().enumerate();
        all.filter(|(_, ask)| is_about(ask))
            .map(|(number, _)| number)
            .collect()
    }

    /// A change is sent.
    pub fn sent(&self, shadow: &Shadow, what: &str) -> Result<(), String> {
        let is_allowed = |number: &usize| {
            let name = format!("A#{}", self.asks[*number].id);
            let mut items = shadow.items();
            items.any(|(key, item)| key.sk == name && is_going_on(item))
        };
        match self.about(what).iter().any(is_allowed) {
            true => Ok(()),
            false => Err(format!("I19: nobody allowed {what}")),
        }
    }

    /// A change was done.
    pub fn done(&mut self, what: &str) -> Result<(), String> {
        for number in self.about(what) {
            let ask = &self.asks[number];
            let times = self.done.entry((number, what.into())).or_default();
            *times += 1;
            if *times > 1 && !ask.may_repeat(what) {
                return Err(format!("I19: {what} is done {times} times for {}", ask.id));
            }
        }
        Ok(())
    }
}

/// Whether an action is being carried out, and nobody else had to agree or somebody did.
fn is_going_on(action: &Item) -> bool {
    let is_at_work = ["applying", "undoing"].contains(&text(action, "state"));
    let is_agreed =
        text(action, "needs_approval").is_empty() || !text(action, "approved_by").is_empty();
    is_at_work && is_agreed
}
