//! Hostile documents, a minute for each family of formats: `cargo run --release -p casbah-inspect --example fuzz`.
//!
//! Takes the documents of the corpus, damages them ([`damage`]), and reads them within small limits; families run side by
//! side, each in a process of its own ([`families`]). `--seconds N` and `--seed S` are what they say, `--format F` asks for
//! one family or format, and `--case N` with it runs one case again. A panic, a case that takes too long or too much memory
//! and one that ends the process are findings: the case is printed, its document is kept in `target`, and the exit is 1.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "it runs for a time that is asked for"
)]

#[path = "../../tests/corpus/mod.rs"]
mod corpus;
mod damage;
mod families;
mod seeds;

use std::collections::BTreeMap;
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use casbah_inspect::{Flow, Limits, TextSink, extract};
use damage::Case;
use seeds::Seeds;

/// More of them are the same one.
const FINDINGS_MAX: usize = 10;

/// A document of some kilobytes that unpacks to no more than [`UNPACKED_MAX`] takes some milliseconds.
const TIME_MAX: Duration = Duration::from_secs(2);

/// Who takes as long will take forever.
const PATIENCE: Duration = Duration::from_secs(20);

/// The small limits below, and as much again for the corpus, tables and what an allocator keeps.
const MEGABYTES_MAX: u64 = 128;

const UNPACKED_MAX: u64 = 2 << 20;

/// What one byte may become: an entity, a character of another encoding, the same form drawn by several pages.
const OUTPUT_PER_BYTE: u64 = 16;

/// Less than any thread has that reads documents.
const STACK_BYTES: usize = 1 << 20;

fn limits() -> Limits {
    Limits {
        bytes_max: 4 << 20,
        unpacked_max: UNPACKED_MAX,
        // An xz of the corpus asks for a dictionary of 66 MB.
        held_max: 80 << 20,
        entries_max: 500,
        ..Limits::default()
    }
}

/// What is asked for on the command line.
struct Asked {
    format: Option<String>,
    seed: u64,
    seconds: u64,
    case: Option<u64>,
}

/// Says that the process is one of those that [`families`] starts.
const IS_INNER: &str = "--inner";

fn main() -> ExitCode {
    let number = |name| {
        argument(name).map(|value: String| {
            value
                .parse()
                .unwrap_or_else(|_| panic!("{name} takes a number, not {value}"))
        })
    };
    let asked = Asked {
        format: argument("--format"),
        seed: number("--seed").unwrap_or(1),
        seconds: number("--seconds").unwrap_or(60),
        case: number("--case"),
    };
    let is_inner = std::env::args().any(|argument| argument == IS_INNER);
    match &asked.format {
        Some(format) if is_inner || asked.case.is_some() => run(&asked, Seeds::of(format)),
        _ => families::run(&asked),
    }
}

fn argument(name: &str) -> Option<String> {
    std::env::args().skip_while(|word| word != name).nth(1)
}

/// Where it panicked, caught or not, and how often.
static PANICS: Mutex<BTreeMap<String, u64>> = Mutex::new(BTreeMap::new());

/// Panics of our own, the assertions of [`Count`] among them: findings even though they are caught.
fn own_panics() -> u64 {
    let is_ours = |place: &str| place.contains("inspect/src") || place.contains("inspect/examples");
    let panics = PANICS.lock().unwrap();
    let own = panics.iter().filter(|(place, _)| is_ours(place));
    own.map(|(_, count)| count).sum()
}

/// Runs the cases of one family in this process, or the one that is asked for.
fn run(asked: &Asked, seeds: Seeds) -> ExitCode {
    // The corpus has been read by now: whoever reads a document installs a hook, and this one must be the last.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        if let Ok(mut panics) = PANICS.lock() {
            *panics.entry(place.unwrap_or_default()).or_default() += 1;
        }
    }));
    let round = Round {
        seeds,
        case: AtomicU64::new(0),
        begun: Instant::now(),
        case_begun_ms: AtomicU64::new(u64::MAX),
    };
    let end = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
        let work = thread.spawn_scoped(scope, || round.run(asked)).unwrap();
        while !work.is_finished() {
            std::thread::park_timeout(Duration::from_millis(100));
            round.lose_patience();
        }
        work.join().unwrap()
    });
    for (place, count) in PANICS.lock().unwrap().iter() {
        println!("  caught {count} panics at {place}");
    }
    println!(
        "{:12} {:8} documents, {:.0} s, the longest {:.0?}, {} MB at most, {} findings, seed {}",
        round.seeds.family,
        end.documents,
        round.begun.elapsed().as_secs_f64(),
        end.longest,
        peak_megabytes(),
        end.findings,
        asked.seed,
    );
    match end.findings {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// The cases of a family, one after the other, and which of them runs.
struct Round {
    seeds: Seeds,
    begun: Instant,
    case: AtomicU64,
    /// Since `begun`; the largest number while none runs.
    case_begun_ms: AtomicU64,
}

#[derive(Default)]
struct End {
    documents: u64,
    longest: Duration,
    findings: usize,
}

impl Round {
    fn run(&self, asked: &Asked) -> End {
        let mut end = End::default();
        if let Some(number) = asked.case {
            self.try_case(number, &mut end);
            return end;
        }
        std::fs::create_dir_all("target").unwrap();
        let now = std::fs::File::create(families::running(self.seeds.family)).unwrap();
        // Seeds lie far apart, so that two runs have no case in common.
        let first = asked.seed.wrapping_mul(1 << 40);
        while self.begun.elapsed().as_secs() < asked.seconds && end.findings < FINDINGS_MAX {
            let number = first.wrapping_add(end.documents);
            // Whoever started us reads it if this case is our end.
            now.write_all_at(&number.to_le_bytes(), 0).unwrap();
            if self.try_case(number, &mut end) {
                break;
            }
        }
        end
    }

    /// Runs a case and tells of it if something does not hold; true when no other can be run after it.
    fn try_case(&self, number: u64, end: &mut End) -> bool {
        let case = Case::of(number, &self.seeds);
        self.case.store(number, Ordering::Relaxed);
        let case_begun = Instant::now();
        let since = (case_begun - self.begun).as_millis() as u64;
        self.case_begun_ms.store(since, Ordering::Release);
        let broken = read(&case);
        self.case_begun_ms.store(u64::MAX, Ordering::Release);
        let elapsed = case_begun.elapsed();
        let megabytes = peak_megabytes();
        end.documents += 1;
        end.longest = elapsed.max(end.longest);
        // What a process has once held is never less again.
        let is_full = megabytes > MEGABYTES_MAX;
        let broken = match broken {
            Some(broken) => broken,
            None if elapsed > TIME_MAX => format!("it takes {elapsed:.1?}"),
            None if is_full => format!("it takes {megabytes} MB"),
            None => return false,
        };
        case.tell(number, self.seeds.family, &broken);
        end.findings += 1;
        is_full
    }

    /// Ends the process when a case does not end.
    fn lose_patience(&self) {
        let case_begun = self.case_begun_ms.load(Ordering::Acquire);
        let elapsed = (self.begun.elapsed().as_millis() as u64).saturating_sub(case_begun);
        if elapsed > PATIENCE.as_millis() as u64 {
            let number = self.case.load(Ordering::Relaxed);
            let broken = format!("it has not ended after {PATIENCE:?}");
            Case::of(number, &self.seeds).tell(number, self.seeds.family, &broken);
            std::process::exit(1);
        }
    }
}

struct Count {
    bytes: u64,
    parts: u64,
}

impl TextSink for Count {
    fn part(&mut self, name: &str) {
        assert!(name.len() < 20_000, "a name of {} bytes", name.len());
        assert!(
            !name.contains(|c: char| c.is_control()),
            "a name with control characters"
        );
        self.parts += 1;
    }

    fn text(&mut self, piece: &str) -> Flow {
        self.bytes += piece.len() as u64;
        Flow::Go
    }
}

/// Reads a document; returns what is wrong with that.
fn read(case: &Case) -> Option<String> {
    let mut count = Count { bytes: 0, parts: 0 };
    let before = own_panics();
    let read = catch_unwind(AssertUnwindSafe(|| {
        extract::read(&case.name, &case.bytes, &limits(), &mut count)
    }));
    if read.is_err() {
        return Some("it panics".to_owned());
    }
    if own_panics() > before {
        return Some("it panics within".to_owned());
    }
    let most = (case.bytes.len() as u64 + UNPACKED_MAX) * OUTPUT_PER_BYTE;
    if count.bytes > most {
        return Some(format!("{} bytes come out", count.bytes));
    }
    None
}

/// The most memory that it ever held (Linux: VmHWM).
fn peak_megabytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.unwrap_or(0) / 1024
}
