//! `casbah inspect`: what sensitive data files of this machine hold. Nothing is kept of what they say.

use std::io;
use std::path::{Path, PathBuf};

use casbah_inspect::detect::{self, ExactSet, Normalisation};
use casbah_inspect::{Detectors, Inspected, Limits, Report};
use serde_json::{Value, json};

use crate::cli::Format;
use crate::cli_inspect::InspectArgs;
use crate::detector_files::{VALUES_BYTES_MAX, detectors, key, read, small_file};
use crate::exit::{Exit, Failure};
use crate::inspect_text::{document, text};
use crate::output::{self, Output};
use crate::table::{Align, Table, bytes, count, number};

pub fn inspect(args: &InspectArgs) -> Result<Exit, Failure> {
    if args.list {
        return list(args.output);
    }
    if let Some(values) = &args.hash_values {
        return hash(values, args);
    }
    let detectors = detectors(args.detectors.as_deref(), args.key_file.as_deref())?;
    let limits = Limits {
        bytes_max: args.max_mb << 20,
        ..Limits::default()
    };
    let mut seen = Seen::new(args.output);
    for path in &args.paths {
        walk(path, &mut |file| {
            seen.take(file, &look(file, &detectors, &limits))
        })?;
    }
    seen.end()
}

/// Calls for each file at or below a path, in the order of names; links in folders are not followed.
fn walk(path: &Path, each: &mut impl FnMut(&Path) -> Result<(), Failure>) -> Result<(), Failure> {
    let mut waiting = vec![path.to_path_buf()];
    while let Some(path) = waiting.pop() {
        match folder(&path) {
            Ok(Some(inside)) => waiting.extend(inside.into_iter().rev()),
            Ok(None) | Err(_) => each(&path)?,
        }
    }
    Ok(())
}

/// What is in a folder; `None` of what is none.
fn folder(path: &Path) -> io::Result<Option<Vec<PathBuf>>> {
    if !std::fs::metadata(path)?.is_dir() {
        return Ok(None);
    }
    let mut inside = vec![];
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() || kind.is_file() {
            inside.push(entry.path());
        }
    }
    inside.sort();
    Ok(Some(inside))
}

/// What became of one file.
pub enum Looked {
    Inside(Report, u64),
    Unreadable(io::Error),
}

fn look(path: &Path, detectors: &Detectors, limits: &Limits) -> Looked {
    match read(path, limits.bytes_max) {
        Ok((document, size)) => {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let report = casbah_inspect::inspect(detectors, limits, &name, &document);
            Looked::Inside(report, size)
        }
        Err(error) => Looked::Unreadable(error),
    }
}

/// What has been seen so far, printed as it comes where people read it.
struct Seen {
    format: Format,
    files: Vec<Value>,
    totals: Totals,
}

#[derive(Default)]
struct Totals {
    files: u64,
    bytes: u64,
    with_findings: u64,
    partly: u64,
    not: u64,
    unreadable: u64,
}

impl Seen {
    fn new(format: Format) -> Seen {
        Seen {
            format,
            files: vec![],
            totals: Totals::default(),
        }
    }

    fn take(&mut self, path: &Path, looked: &Looked) -> Result<(), Failure> {
        self.totals.add(looked);
        match self.format {
            Format::Json => self.files.push(document(path, looked)),
            Format::Text => {
                let text = text(path, looked);
                if !text.is_empty() {
                    output::print(&text)?;
                }
            }
        }
        Ok(())
    }

    fn end(self) -> Result<Exit, Failure> {
        let totals = &self.totals;
        match self.format {
            Format::Json => output::print_json(&json!({
                "files": self.files,
                "totals": {
                    "files": totals.files,
                    "bytes": totals.bytes,
                    "with_findings": totals.with_findings,
                    "partly_inspected": totals.partly,
                    "not_inspected": totals.not,
                    "unreadable": totals.unreadable,
                },
            }))?,
            Format::Text => output::print(&totals.text())?,
        }
        Ok(match () {
            () if totals.with_findings > 0 => Exit::Found,
            () if totals.unreadable > 0 => Exit::Environment,
            () => Exit::Fine,
        })
    }
}

impl Totals {
    fn add(&mut self, looked: &Looked) {
        self.files += 1;
        match looked {
            Looked::Unreadable(_) => self.unreadable += 1,
            Looked::Inside(report, size) => {
                self.bytes += size;
                self.with_findings += u64::from(!report.findings.is_empty());
                match &report.inspected {
                    Inspected::Whole => {}
                    Inspected::Partly(_) => self.partly += 1,
                    Inspected::Not(_) => self.not += 1,
                }
            }
        }
    }

    fn text(&self) -> String {
        let mut parts = vec![format!("{} with findings", number(self.with_findings))];
        for (files, what) in [
            (self.partly, "read in part"),
            (self.not, "not read"),
            (self.unreadable, "could not be opened"),
        ] {
            if files > 0 {
                parts.push(format!("{} {what}", number(files)));
            }
        }
        let all = count(self.files, "file");
        format!("{all}, {}: {}", bytes(self.bytes), parts.join(", "))
    }
}

/// Hashes values of the customer's own, one a line, so that they can be looked for without being known.
fn hash(values: &Path, args: &InspectArgs) -> Result<Exit, Failure> {
    let key = key(args.key_file.as_deref())?;
    let text = small_file(values, VALUES_BYTES_MAX)?;
    let how = match args.joined {
        true => Normalisation::Joined,
        false => Normalisation::Words,
    };
    let (set, refused) = ExactSet::of_lines("values", how, &key, &text);
    output::print(&set.to_text())?;
    if let Some(first) = refused.first() {
        output::say(format!(
            "{} left out, the first in line {first}: a value has 1 to {} words and {} bytes at most",
            count(refused.len() as u64, "line"),
            detect::WORDS_MAX,
            detect::VALUE_MAX
        ));
    }
    Ok(Exit::Fine)
}

fn list(format: Format) -> Result<Exit, Failure> {
    let all = detect::detectors();
    if format == Format::Json {
        let all: Vec<Value> = all
            .iter()
            .map(|one| {
                json!({ "name": one.name, "kind": one.kind.name(), "finds": one.what, "counts_when": one.check, "after": one.source })
            })
            .collect();
        output::print_json(&json!({ "detectors": all }))?;
        return Ok(Exit::Fine);
    }
    let mut table = Table::new("", &[Align::Left; 3]);
    for one in all {
        table.row([one.name, one.kind.name(), one.what]);
    }
    let mut output = Output::new();
    output.line(table.text().trim_end().as_bytes())?;
    output.flush()?;
    Ok(Exit::Fine)
}
