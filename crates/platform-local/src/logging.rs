//! Log lines on standard error, written between the progress bars and never over them.

use std::io::{self, Write};

use indicatif::MultiProgress;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// The variable that overrides the level, in the form of `RUST_LOG`, such as `casbah_pipeline=debug`.
const VARIABLE: &str = "CASBAH_LOG";

pub const DEBUG: &str = "debug";
pub const WARN: &str = "warn";
/// For commands whose answer tells everything.
pub const OFF: &str = "off";

/// Starts logging at a level, which the variable overrides.
pub fn start(level: &str, bars: &MultiProgress) {
    let filter = EnvFilter::try_from_env(VARIABLE).unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(level == DEBUG)
        .with_writer(BesideBars(bars.clone()))
        .init();
}

struct BesideBars(MultiProgress);

impl<'a> MakeWriter<'a> for BesideBars {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line(self.0.clone())
    }
}

/// One event; its text arrives in one piece.
struct Line(MultiProgress);

impl Write for Line {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.suspend(|| io::stderr().lock().write_all(text))?;
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().lock().flush()
    }
}
