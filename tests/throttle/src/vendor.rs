//! The vendor: calls arrive in their order, also those of workers that have died meanwhile.

use std::collections::BTreeMap;

use crate::limiter::{Limiter, Ruling};

pub struct Vendor {
    limiter: Box<dyn Limiter>,
    from_s: f64,
    end_s: f64,
    /// Costs of calls on their way, by arrival and number.
    in_transit: BTreeMap<Ticket, f64>,
    rulings: BTreeMap<Ticket, Ruling>,
    sent: u64,
    pub calls: u64,
    pub refused: u64,
    accepted_units: f64,
    possible_before: Option<f64>,
}

/// Nanoseconds of the arrival, and the number of the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(u64, u64);

impl Vendor {
    pub fn new(limiter: Box<dyn Limiter>, from_s: f64, end_s: f64) -> Vendor {
        Vendor {
            limiter,
            from_s,
            end_s,
            in_transit: BTreeMap::new(),
            rulings: BTreeMap::new(),
            sent: 0,
            calls: 0,
            refused: 0,
            accepted_units: 0.0,
            possible_before: None,
        }
    }

    /// All calls, also those before and after the time that is measured.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    pub fn send(&mut self, arrives_s: f64, cost: f64) -> Ticket {
        self.sent += 1;
        let ticket = Ticket((arrives_s * 1e9) as u64, self.sent);
        self.in_transit.insert(ticket, cost);
        ticket
    }

    /// What a call that has arrived is answered.
    pub fn answer(&mut self, ticket: Ticket) -> Ruling {
        while let Some(entry) = self
            .in_transit
            .first_entry()
            .filter(|entry| *entry.key() <= ticket)
        {
            let (arrived, cost) = entry.remove_entry();
            let ruling = self.rule(arrived, cost);
            self.rulings.insert(arrived, ruling);
        }
        self.rulings.remove(&ticket).unwrap_or_default()
    }

    fn rule(&mut self, arrived: Ticket, cost: f64) -> Ruling {
        let now_s = arrived.0 as f64 / 1e9;
        if self.possible_before.is_none() && now_s >= self.from_s {
            self.possible_before = Some(self.limiter.possible(self.from_s));
        }
        let ruling = self.limiter.rule(now_s, cost);
        if (self.from_s..self.end_s).contains(&now_s) {
            self.calls += 1;
            self.refused += u64::from(ruling.is_refused);
            self.accepted_units += if ruling.is_refused { 0.0 } else { cost };
        }
        ruling
    }

    /// Accepted units, in percent of what was possible.
    pub fn used(&mut self) -> f64 {
        let before = self.possible_before.unwrap_or(0.0);
        100.0 * self.accepted_units / (self.limiter.possible(self.end_s) - before)
    }
}
