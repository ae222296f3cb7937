//! Standard output: data only. A reader that closes its end early, such as `head`, is no failure.

use std::io::{self, BufWriter, ErrorKind, StdoutLock, Write};

use serde::Serialize;

use crate::exit::{Exit, Failure};

/// Lines are handed on in pieces of this size.
const BUFFER_BYTES: usize = 64 << 10;

pub struct Output(BufWriter<StdoutLock<'static>>);

impl Output {
    pub fn new() -> Output {
        Output(BufWriter::with_capacity(BUFFER_BYTES, io::stdout().lock()))
    }

    pub fn line(&mut self, line: &[u8]) -> Result<(), Failure> {
        let written = self
            .0
            .write_all(line)
            .and_then(|()| self.0.write_all(b"\n"));
        written.or_else(close_quietly)
    }

    pub fn flush(&mut self) -> Result<(), Failure> {
        self.0.flush().or_else(close_quietly)
    }
}

/// Prints a text as a whole.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut output = Output::new();
    output.line(text.trim_end_matches('\n').as_bytes())?;
    output.flush()
}

/// Prints one JSON object.
pub fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value);
    let text = text.map_err(|error| Failure::new(Exit::Other, error.to_string()))?;
    print(&text)
}

fn close_quietly(error: io::Error) -> Result<(), Failure> {
    if error.kind() == ErrorKind::BrokenPipe {
        // Nobody reads on. Commands write their output after their work is saved, so nothing is cut off but output.
        std::process::exit(i32::from(Exit::Fine.code()));
    }
    Err(Failure::new(
        Exit::Other,
        format!("cannot write to standard output: {error}"),
    ))
}

/// Tells a person something, on standard error.
pub fn say(text: impl std::fmt::Display) {
    // Who cannot hear it is not stopped by it.
    let _ = writeln!(io::stderr(), "{text}");
}
