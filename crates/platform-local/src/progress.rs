//! Progress on standard error: bars with count, rate and estimate on a terminal, a plain line now and then elsewhere.

use std::fmt;
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use casbah_pipeline::Meter;
use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};

use crate::stopwatch::Stopwatch;
use crate::table::number;

/// How often bars are drawn.
const DRAW_EVERY: Duration = Duration::from_millis(100);
/// How often a plain line is printed at most.
const LINE_EVERY: Duration = Duration::from_secs(5);

const KNOWN: &str = "{prefix:<18} {bar:32} {human_pos:>11} of {human_len}  {rate}{left}";
const UNKNOWN: &str = "{prefix:<18} {spinner} {human_pos:>11}  {rate}";

/// How many records there will be, where somebody knows, and how many there are from runs before.
#[derive(Clone, Copy, Debug, Default)]
pub struct Expected {
    pub before: u64,
    pub total: Option<u64>,
}

/// What each bar expects, in the order of [`NAMES`].
pub type AllExpected = [Expected; 3];

const NAMES: [&str; 3] = ["users and rights", "activities", "files"];

/// Where progress is shown.
#[derive(Clone)]
pub struct Progress {
    pub bars: MultiProgress,
    pub is_quiet: bool,
}

/// Ends the drawing when the work ends, also by a panic.
struct EndOnDrop<'a>(&'a AtomicBool, thread::Thread);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
        self.1.unpark();
    }
}

impl Progress {
    /// Shows progress for as long as `work` takes. The meter counts records as they are committed.
    pub fn during<T>(&self, meter: &Meter, expected: AllExpected, work: impl FnOnce() -> T) -> T {
        if self.is_quiet {
            return work();
        }
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            let drawing = scope.spawn(|| {
                if std::io::stderr().is_terminal() {
                    self.draw(meter, expected, &is_over);
                } else {
                    print_lines(meter, expected, &is_over);
                }
            });
            let _end = EndOnDrop(&is_over, drawing.thread().clone());
            work()
        })
    }

    fn draw(&self, meter: &Meter, expected: AllExpected, is_over: &AtomicBool) {
        let bars: Vec<ProgressBar> = expected
            .iter()
            .zip(NAMES)
            .map(|(expected, name)| self.bar(expected, name))
            .collect();
        while !is_over.load(Ordering::Relaxed) {
            for ((bar, counter), expected) in bars.iter().zip(counters(meter)).zip(expected) {
                let position = expected.before + counter.load(Ordering::Relaxed);
                // Records of relations and changes come on top of what can be known before.
                if bar.length().is_some_and(|length| length < position) {
                    bar.set_length(position);
                }
                bar.set_position(position);
                bar.tick();
            }
            thread::park_timeout(DRAW_EVERY);
        }
        for bar in bars {
            bar.finish_and_clear();
            self.bars.remove(&bar);
        }
    }

    fn bar(&self, expected: &Expected, name: &'static str) -> ProgressBar {
        let (bar, template) = match expected.total {
            Some(total) => (ProgressBar::new(total), KNOWN),
            None => (ProgressBar::no_length(), UNKNOWN),
        };
        let bar = self.bars.add(bar);
        let style = ProgressStyle::with_template(template).expect("the templates above are valid");
        let style = style.with_key("rate", rate).with_key("left", left);
        bar.set_style(style.progress_chars("=> "));
        bar.set_prefix(name);
        bar.set_position(expected.before);
        bar.reset_eta();
        bar
    }
}

fn rate(state: &ProgressState, out: &mut dyn fmt::Write) {
    // A text in memory takes everything.
    let _ = write!(out, "{}/s", number(state.per_sec() as u64));
}

fn left(state: &ProgressState, out: &mut dyn fmt::Write) {
    let is_over = state.len().is_none_or(|length| length <= state.pos());
    if !is_over && state.per_sec() >= 1.0 {
        // A text in memory takes everything.
        let _ = write!(out, "  {} s left", number(state.eta().as_secs().max(1)));
    }
}

fn counters(meter: &Meter) -> [&AtomicU64; 3] {
    [&meter.entities, &meter.activities, &meter.files]
}

fn print_lines(meter: &Meter, expected: AllExpected, is_over: &AtomicBool) {
    let mut last = [0; 3];
    let mut printed = Stopwatch::start();
    loop {
        while printed.elapsed() < LINE_EVERY {
            thread::park_timeout(LINE_EVERY.saturating_sub(printed.elapsed()));
            if is_over.load(Ordering::Relaxed) {
                return;
            }
        }
        let counts = counters(meter).map(|counter| counter.load(Ordering::Relaxed));
        let seconds = printed.elapsed().as_secs_f64();
        printed = Stopwatch::start();
        // Nothing new is no news.
        if counts == last {
            continue;
        }
        let parts = (0..3).map(|place| {
            let rate = (counts[place] - last[place]) as f64 / seconds;
            let total = expected[place]
                .total
                .map(|total| format!(" of {}", number(total)));
            let count = number(expected[place].before + counts[place]);
            format!(
                "{} {count}{} ({}/s)",
                NAMES[place],
                total.unwrap_or_default(),
                number(rate as u64)
            )
        });
        let line = parts.collect::<Vec<_>>().join(", ");
        // Progress that cannot be shown is no reason to stop the work.
        let _ = writeln!(std::io::stderr(), "casbah: {line}");
        last = counts;
    }
}
