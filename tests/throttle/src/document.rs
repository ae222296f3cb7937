//! docs/throttle.md: how close to the limits we go, for who operates this.

use crate::outcome::Outcome;
use crate::rows::{self, Row, STRATEGIES, Short};
use crate::scenario::{Scenario, Strategy};
use crate::world::run;

/// Each figure is the mean of runs with these seeds.
const SEEDS: [u64; 2] = [1, 2];

/// What the document promises of the rows above the line.
pub const USED_MIN: f64 = 98.0;
pub const REFUSED_MAX: f64 = 0.1;

const INTRODUCTION: &str = "\
# How close to the limits

Vendors allow so many calls in a time, and answer 429 to the rest.
Casbah's workers are short-lived functions that share each limit by taking slices of its time from one table item (`crates/http/src/gate`).
This page says how close to a limit they go, and what you will see.

`cargo run --release --bin casbah-throttle` wrote this page.
It drives the real gate with workers, queue, table and vendors in virtual time; the same code gives the same figures.
";

const PROMISE: &str = "
## What is promised

Where a limit is documented or visible in headers, by 10 workers as by 100:

- at least 98 % of what the vendor allows is used while there is work;
- at most 1 call in 1000 is answered 429, and mostly none;
- a running function waits at most 1.5 s for its turn or for the end of a pause; what takes longer goes back to the queue and costs nothing. Two such waits may follow each other, and between two calls of its own turn it waits up to 5 s where the limit is that small;
- a 429 stops everybody until the vendor says, then one call asks, then all go on where they stopped.

On every simulated call, wait and write is checked that turns do not overlap, that nobody sends outside of its own turn or during a pause, that a pause lowers the pace at most once, and that no window holds more calls than the pace gives.

## What you will see

| in the vendor's console | that is |
| --- | --- |
| an even line one percent below the limit | the margin, which holds back nothing else |
| the same line in short bursts | speed-up: a worker spends its turn four times as fast and leaves, which costs half the function time |
| a dip to nothing for some seconds | a 429: somebody else spent the limit, or it is lower than documented; the line comes back, a little lower until the limit is learnt |
| a line that becomes thin before the day ends | a budget for the day is used up but for what polling needs until then |

## How to read the tables

*Used* is what was accepted of what the vendor would have given us, *refused* the share of calls that were answered 429.
*Writes* to the table and *billed* seconds of functions are per 1000 calls.
*Wait* is the longest time in which a running function had no call under way.
Answers take 0.3 s unless the row says otherwise, one in fifty four times as long.
A row is half an hour or more of the vendor's time.
";

const INSTEAD: &str = "
## What you would get instead

The same vendors and workers, four calls at a time each, without a table between them.
*Exponential backoff* repeats a refused call after a random time below a bound that doubles from 1 s to 32 s; *`Retry-After` only* waits as told; *fixed split* gives each worker its part of 99 % of the documented limit, and knows each call's cost beforehand, which in truth nobody does.
Workers that wait are billed.
Where rejected calls are charged, repeating them keeps the limit used up.
";

const SHORT: &str = "
## Where the line is not reached, or only just

No client could, or this one does not yet.
The rules that judge a 429 prefer to be refused rarely over the last percent.
";

const HEAD: &str = "\
| limit | workers | used % | refused % | writes | billed s | wait s |
| --- | ---: | ---: | ---: | ---: | ---: | ---: |
";

/// The whole page.
pub fn page() -> String {
    let mut page = INTRODUCTION.to_string() + PROMISE;
    page += "\n## Limits that are documented or visible\n\n";
    page += &table(&rows::known());
    page += "\n## Limits that are not as documented, and workers in trouble\n\n";
    page += &table(&rows::troubled());
    page += INSTEAD;
    for row in rows::compared() {
        page += &comparison(&row);
    }
    page += SHORT;
    page += "\n";
    page += HEAD;
    let short = rows::short();
    page.extend(short.iter().flat_map(|short| &short.rows).map(lines));
    page += "\n";
    page.extend(short.iter().map(reason));
    page
}

fn table(rows: &[Row]) -> String {
    let promised = |row: &Row| {
        let line = |workers: &usize| {
            let outcome = mean(&row.scenario, *workers);
            assert!(
                is_promised(&outcome),
                "{} with {workers} workers belongs below the line: {outcome:?}",
                row.name
            );
            line(row.name, *workers, &outcome)
        };
        row.workers.iter().map(line).collect::<String>()
    };
    HEAD.to_string() + &rows.iter().map(promised).collect::<String>()
}

pub fn is_promised(outcome: &Outcome) -> bool {
    outcome.used >= USED_MIN && outcome.refused <= REFUSED_MAX
}

/// A row's lines of the table.
pub fn lines(row: &Row) -> String {
    let workers = row.workers.iter();
    workers
        .map(|workers| line(row.name, *workers, &mean(&row.scenario, *workers)))
        .collect()
}

fn comparison(row: &Row) -> String {
    let mut text = format!(
        "\n{}:\n\n{}",
        capital(row.name),
        HEAD.replacen("limit", "strategy", 1)
    );
    for workers in row.workers {
        for (strategy, name) in STRATEGIES {
            let scenario = Scenario {
                strategy,
                ..row.scenario.clone()
            };
            text += &line(name, *workers, &mean(&scenario, *workers));
        }
    }
    text
}

fn reason(short: &Short) -> String {
    let names: Vec<&str> = short.rows.iter().map(|row| row.name).collect();
    format!("- *{}*: {}.\n", names.join("*; *"), short.reason)
}

fn line(name: &str, workers: usize, outcome: &Outcome) -> String {
    format!(
        "| {name} | {workers} | {:.1} | {:.3} | {:.1} | {:.0} | {:.1} |\n",
        outcome.used, outcome.refused, outcome.writes, outcome.billed_s, outcome.longest_wait_s
    )
}

/// Means over the seeds; the longest wait is the longest of all.
///
/// # Panics
/// When an invariant does not hold: such figures must not be published.
fn mean(scenario: &Scenario, workers: usize) -> Outcome {
    let outcomes = SEEDS.map(|seed| {
        let outcome = run(&Scenario {
            workers,
            seed,
            ..scenario.clone()
        });
        let is_ours = scenario.strategy == Strategy::Slices;
        assert!(!is_ours || outcome.violations.is_empty(), "{outcome:?}");
        outcome
    });
    let mean = |of: fn(&Outcome) -> f64| outcomes.iter().map(of).sum::<f64>() / SEEDS.len() as f64;
    let longest_wait_s = outcomes.iter().map(|outcome| outcome.longest_wait_s);
    Outcome {
        used: mean(|outcome| outcome.used),
        refused: mean(|outcome| outcome.refused),
        writes: mean(|outcome| outcome.writes),
        billed_s: mean(|outcome| outcome.billed_s),
        longest_wait_s: longest_wait_s.fold(0.0, f64::max),
        ..Outcome::default()
    }
}

fn capital(name: &str) -> String {
    let (first, rest) = name.split_at(1);
    first.to_uppercase() + rest
}
