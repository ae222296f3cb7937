//! Switches for awkward behaviour: which faults are on, and whether one strikes now.

use std::collections::BTreeMap;

use crate::chance::{Stream, draw, fraction};

/// How often a fault strikes, and its detail.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultSettings {
    /// Of the occasions, between 0 and 1.
    pub probability: f64,
    /// How many times at most; `None` is for ever.
    pub count: Option<u64>,
    /// What the fault's description calls `value`.
    pub value: Option<String>,
}

impl FaultSettings {
    pub fn always() -> FaultSettings {
        FaultSettings {
            probability: 1.0,
            count: None,
            value: None,
        }
    }

    pub fn times(count: u64) -> FaultSettings {
        FaultSettings {
            count: Some(count),
            ..FaultSettings::always()
        }
    }

    pub fn probability(probability: f64) -> FaultSettings {
        FaultSettings {
            probability,
            ..FaultSettings::always()
        }
    }

    pub fn with_value(mut self, value: &str) -> FaultSettings {
        self.value = Some(value.into());
        self
    }
}

/// The switches and how often each was tried.
pub struct Switches<F> {
    seed: u64,
    on: BTreeMap<F, FaultSettings>,
    tried: BTreeMap<F, u64>,
    struck: BTreeMap<F, u64>,
}

impl<F: Copy + Ord + Into<u64>> Switches<F> {
    pub fn new(seed: u64) -> Switches<F> {
        let (on, tried, struck) = Default::default();
        Switches {
            seed,
            on,
            tried,
            struck,
        }
    }

    pub fn set(&mut self, fault: F, settings: Option<FaultSettings>) {
        match settings {
            Some(settings) => drop(self.on.insert(fault, settings)),
            None => drop(self.on.remove(&fault)),
        }
    }

    pub fn struck(&self) -> BTreeMap<F, u64> {
        self.struck.clone()
    }

    /// Whether the fault strikes at this occasion; its value if so (empty when it has none).
    pub fn strikes(&mut self, fault: F) -> Option<String> {
        let tried = self.tried.entry(fault).or_default();
        *tried += 1;
        let occasion = fault.into() << 32 | *tried;
        self.strikes_at(fault, occasion)
    }

    /// The same, with the occasion named: the same record is always hit or always spared.
    pub fn strikes_at(&mut self, fault: F, occasion: u64) -> Option<String> {
        let is_picked = self.picks(fault, occasion);
        let settings = self.on.get_mut(&fault)?;
        if settings.count == Some(0) || !is_picked {
            return None;
        }
        if let Some(count) = &mut settings.count {
            *count -= 1;
        }
        let value = settings.value.clone().unwrap_or_default();
        self.note(fault);
        Some(value)
    }

    /// Whether the fault's probability picks this occasion, without counting.
    pub fn picks(&self, fault: F, occasion: u64) -> bool {
        self.settings(fault).is_some_and(|settings| {
            let chance = fraction(draw(self.seed ^ fault.into(), Stream::Fault, occasion));
            chance < settings.probability
        })
    }

    /// Counts a strike that `picks` decided.
    pub fn note(&mut self, fault: F) {
        *self.struck.entry(fault).or_default() += 1;
    }

    /// Whether the switch is on at all, without counting.
    pub fn settings(&self, fault: F) -> Option<&FaultSettings> {
        self.on.get(&fault)
    }
}
