//! `casbah-simulation`: runs seeds and says what came of them.

use std::num::NonZero;
use std::ops::Range;
use std::process::ExitCode;

use casbah_model::app::App;
use casbah_simulation::Options;
use casbah_simulation::fault::Fault;
use casbah_simulation::suite::{
    Totals, command, counts, explain, first_failure, run_and_tell, shrink,
};
use casbah_simulation::tenant;
use casbah_simulation::variant::Variant;
use clap::Parser;
use clap::builder::PossibleValuesParser;

/// Runs the code that is shipped in virtual time, with a fault possible at every call to the table, the queues, the
/// bucket and the vendor, and checks that nothing is lost, doubled or stuck.
///
/// A seed decides everything: the tenant, the times, the faults. The same seed does the same thing every time.
#[derive(Parser)]
#[command(name = "casbah-simulation", version)]
struct Args {
    /// The app whose vendor is simulated
    #[arg(long, value_name = "APP", default_value = App::Microsoft365.name(), value_parser = PossibleValuesParser::new(App::ALL.map(App::name)))]
    app: String,
    /// How many seeds to run
    #[arg(long, value_name = "N", default_value_t = 200)]
    seeds: u64,
    /// The first seed
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    from: u64,
    /// A wrong variant of the protocol, which must be caught
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(Variant::ALL.map(Variant::name)))]
    variant: Option<String>,
    /// Runs every wrong variant until it is caught, for as many seeds at the most
    #[arg(long, conflicts_with = "variant")]
    variants: bool,
    /// Kinds of faults that are switched off, ours or the vendor's
    #[arg(long, value_name = "FAULT", value_delimiter = ',', value_parser = PossibleValuesParser::new(fault_names()))]
    without: Vec<String>,
    /// Switches off whatever the first failing seed does not need to fail
    #[arg(long)]
    shrink: bool,
    /// Prints every event as it happens
    #[arg(long)]
    trace: bool,
    /// Seeds that run side by side [default: one for each core]
    #[arg(long, value_name = "N")]
    threads: Option<NonZero<usize>>,
}

fn fault_names() -> Vec<&'static str> {
    let ours = Fault::ALL.into_iter().map(Fault::name);
    ours.chain(tenant::fault_names()).collect()
}

impl Args {
    fn options(&self) -> Options {
        let is_named = |name: &str| self.without.iter().any(|one| one == name);
        Options {
            app: self.app(),
            is_traced: self.trace,
            variant: self.variant.as_deref().and_then(Variant::named),
            without: Fault::ALL
                .into_iter()
                .filter(|fault| is_named(fault.name()))
                .collect(),
            without_vendor: tenant::fault_names()
                .into_iter()
                .filter(|fault| is_named(fault))
                .collect(),
        }
    }

    fn app(&self) -> App {
        let mut all = App::ALL.into_iter();
        let app = all.find(|app| app.name() == self.app);
        app.expect("the parser lets no other name pass")
    }
}

/// With fewer seeds than this it says nothing that a situation was not met.
const MARKS_FROM: u64 = 200;

/// How often a long run says that it lives.
const TOLD_EVERY: u64 = 500;

#[expect(
    clippy::disallowed_methods,
    reason = "the time that the seeds take is a figure of this machine"
)]
fn main() -> ExitCode {
    let args = Args::parse();
    let options = args.options();
    let cores = std::thread::available_parallelism();
    let threads = args.threads.or(cores.ok()).map_or(1, NonZero::get);
    let seeds = args.from..args.from.saturating_add(args.seeds);
    if args.variants {
        return variants(seeds, threads, &options);
    }
    let begun = std::time::Instant::now();
    let totals = run_and_tell(seeds, threads, &options, &|totals| {
        if totals.seeds.is_multiple_of(TOLD_EVERY) {
            let failures = totals.failures.len();
            eprintln!(
                "{} of {} seeds, {failures} failures",
                totals.seeds, args.seeds
            );
        }
    });
    let seconds = begun.elapsed().as_secs_f64();
    for failure in &totals.failures {
        println!("{}\n", explain(failure, &options));
    }
    if let Some(failure) = totals.failures.first().filter(|_| args.shrink) {
        let smaller = shrink(failure.seed, &options);
        println!("smaller: {}\n", command(failure.seed, &smaller));
    }
    summarise(&totals, seconds);
    let is_whole = args.seeds >= MARKS_FROM && options.variant.is_none() && args.without.is_empty();
    let unmet = totals.unmet(options.app).into_iter();
    let mut unmet: Vec<String> = unmet.map(|mark| mark.to_string()).collect();
    unmet.extend(totals.untried(options.app));
    for what in unmet.iter().filter(|_| is_whole) {
        println!("never happened: {what}");
    }
    let has_failed = !totals.failures.is_empty() || (is_whole && !unmet.is_empty());
    println!(
        "{} failures in {} seeds",
        totals.failures.len(),
        totals.seeds
    );
    if has_failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

/// Each wrong variant with the seed that caught it; a suite that lets one pass proves nothing.
fn variants(seeds: Range<u64>, threads: usize, options: &Options) -> ExitCode {
    let mut missed = 0;
    let all: Vec<Variant> = Variant::of(options.app).collect();
    for variant in all.iter().copied() {
        let options = Options {
            variant: Some(variant),
            ..options.clone()
        };
        let caught = first_failure(seeds.clone(), threads, &options);
        missed += u64::from(caught.is_none());
        let what = caught.map_or("NOT CAUGHT".to_string(), |caught| {
            let failure = caught.failure.unwrap_or_default();
            let first = failure.lines().next().unwrap_or_default();
            format!("seed {}: {}", caught.seed, shortened(first))
        });
        println!("{:30} {what}", variant.name());
    }
    println!(
        "{missed} of {} wrong variants were not caught in {} seeds",
        all.len(),
        seeds.end - seeds.start
    );
    if missed > 0 {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

/// One line of a terminal.
fn shortened(text: &str) -> String {
    const LENGTH: usize = 100;
    match text.char_indices().nth(LENGTH) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into(),
    }
}

fn summarise(totals: &Totals, seconds: f64) {
    let rate = totals.seeds as f64 / seconds;
    println!(
        "{} seeds in {seconds:.0} s, {rate:.1} a second: {} function runs, {} events",
        totals.seeds, totals.invocations, totals.events
    );
    println!("faults injected: {}", counts(&totals.faults));
    println!("faults of the vendor: {}", counts(&totals.vendor_faults));
    println!("done in the tenant: {}", counts(&totals.deeds));
    println!("coverage marks: {}", counts(&totals.marks));
}
