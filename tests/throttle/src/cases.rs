//! The limits and troubles that the rows are made of.

use casbah_http::gate::Limit;

use crate::limiter::{Allowance, Bursts, Daily, Fixed, Limiter, Shared, Sliding, Tokens};
use crate::scenario::{Scenario, limit, per_minute, secs};

/// An hour of the vendor's time.
pub fn hour(scenario: Scenario) -> Scenario {
    Scenario {
        lasts: secs(3600),
        ..scenario
    }
}

/// 2000 calls a minute, counted from minute to minute.
pub fn fixed() -> Scenario {
    Scenario::new(Fixed::new(per_minute()))
}

/// 2000 calls in any minute.
pub fn sliding() -> Scenario {
    Scenario::new(Sliding::new(per_minute()))
}

/// 2000 calls a minute that come one after the other.
pub fn tokens() -> Scenario {
    Scenario::new(Tokens::new(per_minute()))
}

/// 600 calls a minute, and each answer tells what remains.
pub fn headers() -> Scenario {
    let allowance = Allowance::new(600.0, secs(60));
    hour(Scenario {
        limit: Limit {
            in_flight: 16,
            ..limit(600.0, secs(60))
        },
        ..Scenario::new(Fixed::new(allowance).with_headers(0.0))
    })
}

/// Slices are spent four times as fast as the limit goes.
pub fn sped(scenario: Scenario) -> Scenario {
    Scenario {
        limit: Limit {
            speed_up: 4,
            in_flight: 64,
            ..limit(2000.0, secs(60))
        },
        ..hour(scenario)
    }
}

/// 5000 resource units in 10 s; a call costs 1 to 5, and only its answer says how much.
pub fn resource_units(limiter: fn(Allowance) -> Scenario) -> Scenario {
    Scenario {
        limit: Limit {
            bucket: "graph",
            tracks: 4,
            first_cost: 2.0,
            ..limit(5000.0, secs(10))
        },
        lasts: secs(900),
        costs: (1.0, 5.0),
        tells_costs: true,
        ..limiter(Allowance::new(5000.0, secs(10)))
    }
}

/// 1200 resource units a minute, as file services count them.
pub fn late_headers() -> Scenario {
    let allowance = Allowance::new(1200.0, secs(60));
    hour(Scenario {
        limit: files(),
        costs: (1.0, 3.0),
        tells_costs: true,
        ..Scenario::new(Fixed::new(allowance).with_headers(0.8).charging_refused())
    })
}

fn files() -> Limit {
    Limit {
        bucket: "files",
        in_flight: 16,
        first_cost: 2.0,
        ..limit(1200.0, secs(60))
    }
}

/// The same with a budget for the day, which the vendor keeps as well.
pub fn day() -> Scenario {
    let minute = Fixed::new(Allowance::new(1200.0, secs(60)))
        .from_start()
        .with_headers(0.8)
        .charging_refused();
    Scenario {
        limit: Limit {
            day_units: Some(1_200_000.0),
            ..files()
        },
        lasts: secs(24 * 3600),
        measured_from_s: 0.0,
        costs: (1.0, 3.0),
        tells_costs: true,
        ..Scenario::new(Daily::new(minute, 1_200_000.0))
    }
}

/// Another app takes 30 %, and each answer tells what remains.
pub fn others_with_headers() -> Scenario {
    others(Fixed::new(per_minute()).with_headers(0.0))
}

/// Another app takes 30 % on average.
pub fn others(limiter: impl Limiter + Clone + 'static) -> Scenario {
    hour(Scenario::new(Shared::new(limiter, per_minute(), 0.3)))
}

/// In the middle of the hour, and of a vendor's minute.
const HALVES_S: f64 = 1800.0;

/// 2000 calls a minute, and half of that from the middle of the hour on.
pub fn halves() -> Allowance {
    per_minute().halves_at(HALVES_S)
}

/// Two hours, with the time in which the limit is learnt.
pub fn too_high(scenario: Scenario) -> Scenario {
    Scenario {
        limit: limit(3000.0, secs(60)),
        lasts: secs(7200),
        ..scenario
    }
}

/// The same from the first call on.
pub fn unknown(limiter: impl Limiter + Clone + 'static) -> Scenario {
    Scenario {
        limit: limit(0.0, secs(60)),
        lasts: secs(7200),
        measured_from_s: 0.0,
        ..Scenario::new(limiter)
    }
}

/// Everything is refused for `long_s` seconds each `every_s`, whatever we send.
pub fn bursts(every_s: f64, long_s: f64) -> Scenario {
    let minute = Fixed::new(per_minute());
    hour(Scenario::new(Bursts::new(minute, every_s, long_s)))
}

/// Workers that run for 600 s on average before they die.
pub fn dying() -> Scenario {
    hour(Scenario {
        dies_each_s: Some(600.0),
        ..fixed()
    })
}

/// So few that each call has to find its place.
pub fn few() -> Scenario {
    Scenario {
        limit: Limit {
            in_flight: 4,
            ..limit(5.0, secs(10))
        },
        ..hour(Scenario::new(Sliding::new(Allowance::new(5.0, secs(10)))))
    }
}
