//! Many seeds side by side, what they came to in sum, and how a failing one is made smaller.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use casbah_model::app::App;
use casbah_simulators::simulated;

use crate::fault::Fault;
use crate::mark::Mark;
use crate::run::{Options, Outcome, run};
use crate::tenant;

/// The sums over many seeds.
#[derive(Default)]
pub struct Totals {
    pub seeds: u64,
    pub events: u64,
    pub invocations: u64,
    pub faults: BTreeMap<Fault, u64>,
    pub vendor_faults: BTreeMap<&'static str, u64>,
    pub deeds: BTreeMap<String, u64>,
    pub marks: BTreeMap<Mark, u64>,
    pub failures: Vec<Outcome>,
}

/// Failures that are kept; after as many the rest would say the same.
const FAILURES_MAX: usize = 5;

impl Totals {
    fn add(&mut self, outcome: Outcome) {
        self.seeds += 1;
        self.events += outcome.events;
        self.invocations += outcome.invocations;
        sum(&mut self.faults, &outcome.faults);
        sum(&mut self.vendor_faults, &outcome.vendor_faults);
        sum(&mut self.deeds, &outcome.deeds);
        sum(&mut self.marks, &outcome.marks);
        if outcome.failure.is_some() {
            self.failures.push(outcome);
            self.failures.sort_by_key(|failure| failure.seed);
        }
    }

    /// Situations of an app that never happened.
    pub fn unmet(&self, app: App) -> Vec<Mark> {
        let is_unmet = |mark: &Mark| !self.marks.contains_key(mark);
        Mark::of(app).filter(is_unmet).collect()
    }

    /// Faults of the vendor that never struck, and deeds that nobody did.
    pub fn untried(&self, app: App) -> Vec<String> {
        let (faults, deeds) = tenant::wanted(app);
        let mut faults: Vec<String> = faults.into_iter().map(String::from).collect();
        faults.dedup();
        faults.retain(|fault| !self.vendor_faults.contains_key(fault.as_str()));
        let deeds = deeds.into_iter();
        faults.extend(deeds.filter(|deed| !self.deeds.contains_key(deed)));
        faults
    }
}

fn sum<K: Ord + Clone>(all: &mut BTreeMap<K, u64>, some: &BTreeMap<K, u64>) {
    for (key, count) in some {
        *all.entry(key.clone()).or_default() += count;
    }
}

/// Runs seeds on some threads, each seed on one; stops early after some failures.
pub fn run_all(seeds: Range<u64>, threads: usize, options: &Options) -> Totals {
    run_and_tell(seeds, threads, options, &|_| {})
}

/// The same, and tells of the sums after each seed.
pub fn run_and_tell(
    seeds: Range<u64>,
    threads: usize,
    options: &Options,
    tell: &(dyn Fn(&Totals) + Sync),
) -> Totals {
    let next = AtomicU64::new(seeds.start);
    let is_over = AtomicBool::new(false);
    let totals = Mutex::new(Totals::default());
    let work = || {
        while !is_over.load(Ordering::Relaxed) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return;
            }
            let outcome = run(seed, options);
            let mut totals = totals.lock().unwrap_or_else(PoisonError::into_inner);
            totals.add(outcome);
            tell(&totals);
            if totals.failures.len() >= FAILURES_MAX {
                is_over.store(true, Ordering::Relaxed);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    totals.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// The first seed that fails, if any does.
pub fn first_failure(seeds: Range<u64>, threads: usize, options: &Options) -> Option<Outcome> {
    let mut start = seeds.start;
    while start < seeds.end {
        let end = seeds.end.min(start + threads as u64);
        let mut totals = run_all(start..end, threads, options);
        if !totals.failures.is_empty() {
            return Some(totals.failures.swap_remove(0));
        }
        start = end;
    }
    None
}

/// Switches off every kind of fault without which the seed still fails.
pub fn shrink(seed: u64, options: &Options) -> Options {
    let mut smaller = options.clone();
    let still_fails = |options: &Options| run(seed, options).failure.is_some();
    for fault in Fault::ALL {
        let mut tried = smaller.clone();
        tried.without.push(fault);
        if still_fails(&tried) {
            smaller = tried;
        }
    }
    for fault in simulated::faults(options.app) {
        let mut tried = smaller.clone();
        tried.without_vendor.push(fault);
        if still_fails(&tried) {
            smaller = tried;
        }
    }
    smaller
}

/// The command that runs a seed again.
pub fn command(seed: u64, options: &Options) -> String {
    let mut text =
        format!("cargo run --release --bin casbah-simulation -- --from {seed} --seeds 1");
    if options.app != App::Microsoft365 {
        let _ = write!(text, " --app {}", options.app.name());
    }
    if let Some(variant) = options.variant {
        let _ = write!(text, " --variant {}", variant.name());
    }
    let mut without: Vec<&str> = options.without.iter().map(|fault| fault.name()).collect();
    without.extend(&options.without_vendor);
    if !without.is_empty() {
        let _ = write!(text, " --without {}", without.join(","));
    }
    text
}

/// A failure with everything that is needed to look for its cause.
pub fn explain(failure: &Outcome, options: &Options) -> String {
    let mut text = format!("seed {} failed\n\n  the last events:\n", failure.seed);
    for line in &failure.last {
        let _ = writeln!(text, "    {line}");
    }
    let _ = writeln!(text, "\n  the seed's conditions: {}", failure.conditions);
    let _ = writeln!(text, "\n  faults that struck: {}", counts(&failure.faults));
    let _ = writeln!(
        text,
        "  faults of the vendor: {}",
        counts(&failure.vendor_faults)
    );
    let what = failure.failure.as_deref().unwrap_or("nothing");
    let _ = writeln!(text, "\nseed {}: {what}", failure.seed);
    let _ = write!(text, "again with: {}", command(failure.seed, options));
    text
}

/// `name count` for each, in lines of readable length.
pub fn counts<K: std::fmt::Display>(counts: &BTreeMap<K, u64>) -> String {
    let mut text = String::new();
    let mut length = 0;
    for (number, (name, count)) in counts.iter().enumerate() {
        let one = format!("{name} {count}");
        if number > 0 {
            text += ",";
            let is_full = length + one.len() > 100;
            text += if is_full { "\n    " } else { " " };
            length = if is_full { 0 } else { length };
        }
        length += one.len() + 2;
        text += &one;
    }
    text
}
