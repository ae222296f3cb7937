//! What of a simulated tenant can be acted on: targets that are ready for an action, and somebody who gets in between.

use casbah_model::action::{ActionKind, Target};
use std::collections::BTreeMap;

use crate::simulated::Simulated;

/// Something that an action can be done to.
#[derive(Clone, Debug)]
pub struct Ready {
    pub target: Target,
    pub parameters: BTreeMap<String, String>,
}

impl Ready {
    pub fn target(text: &str) -> Ready {
        Ready {
            target: text.parse().expect("ids of a simulator are targets"),
            parameters: BTreeMap::new(),
        }
    }

    pub fn with(mut self, name: &str, value: &str) -> Ready {
        self.parameters.insert(name.into(), value.into());
        self
    }
}

/// A simulated tenant in which things can be done.
pub trait Governed: Simulated {
    /// Makes some targets ready for an action, as many as asked for and different ones.
    fn ready(&self, kind: ActionKind, count: usize) -> Vec<Ready>;
    /// Changes a target as somebody else would, so that the action's plan is out of date; false where nothing of this
    /// kind can come in between.
    fn meddle(&self, kind: ActionKind, ready: &Ready) -> bool;
    /// The target once an action on it was undone, which is another one where things come back as copies.
    fn back(&self, _kind: ActionKind, ready: &Ready) -> Option<Ready> {
        Some(ready.clone())
    }
}
