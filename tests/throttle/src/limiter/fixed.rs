//! Windows at fixed times.

use super::{Allowance, Headers, Limiter, Ruling};

/// The first window begins this long before the workers do, unless said otherwise.
pub const PHASE_S: f64 = 17.0;

#[derive(Clone)]
pub struct Fixed {
    allowance: Allowance,
    phase_s: f64,
    window: f64,
    used: f64,
    headers_from: Option<f64>,
    charges_refused: bool,
    charged: f64,
}

impl Fixed {
    pub fn new(allowance: Allowance) -> Fixed {
        Fixed {
            allowance,
            phase_s: PHASE_S,
            window: 0.0,
            used: 0.0,
            headers_from: None,
            charges_refused: false,
            charged: 0.0,
        }
    }

    /// The first window begins with the workers.
    pub fn from_start(self) -> Fixed {
        Fixed {
            phase_s: 0.0,
            ..self
        }
    }

    /// Headers once this part of the window is used.
    pub fn with_headers(self, from: f64) -> Fixed {
        Fixed {
            headers_from: Some(from),
            ..self
        }
    }

    /// Rejected calls are charged to the next window.
    pub fn charging_refused(self) -> Fixed {
        Fixed {
            charges_refused: true,
            ..self
        }
    }
}

impl Limiter for Fixed {
    fn rule(&mut self, now_s: f64, cost: f64) -> Ruling {
        let length_s = self.allowance.window_s;
        let window = ((now_s + self.phase_s) / length_s).floor();
        if window > self.window {
            self.window = window;
            self.used = std::mem::take(&mut self.charged);
        }
        let units = self.allowance.at(now_s);
        let reset_s = (window + 1.0) * length_s - self.phase_s - now_s;
        let is_refused = self.used + cost > units;
        if !is_refused {
            self.used += cost;
        } else if self.charges_refused {
            self.charged += cost;
        }
        let is_shown = self
            .headers_from
            .is_some_and(|from| self.used >= from * units);
        let headers = is_shown.then(|| Headers {
            limit: units,
            remaining: (units - self.used).max(0.0).floor(),
            reset_s: reset_s.ceil(),
        });
        let ruling = if is_refused {
            Ruling::refused(reset_s)
        } else {
            Ruling::default()
        };
        Ruling { headers, ..ruling }
    }

    fn possible(&mut self, now_s: f64) -> f64 {
        self.allowance.possible(now_s)
    }
}
