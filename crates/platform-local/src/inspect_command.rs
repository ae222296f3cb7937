//! `casbah inspect`: what sensitive data files of this machine hold. Nothing is kept of what they say.

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use casbah_inspect::detect::{self, Config, ExactSet, Key, Kind, Normalisation, Written};
use casbah_inspect::{Detectors, Inspected, Limits, Report};
use serde_json::{Value, json};

use crate::cli::Format;
use crate::cli_inspect::InspectArgs;
use crate::exit::{Exit, Failure};
use crate::inspect_text::{document, text};
use crate::output::{self, Output};
use crate::table::{Align, Table, bytes, count, number};

/// A configuration, and a file of values or of their hashes.
const CONFIG_BYTES_MAX: u64 = 1 << 20;
const VALUES_BYTES_MAX: u64 = 64 << 20;
const KEY_BYTES: usize = 32;

pub fn inspect(args: &InspectArgs) -> Result<Exit, Failure> {
    if args.list {
        return list(args.output);
    }
    if let Some(values) = &args.hash_values {
        return hash(values, args);
    }
    let detectors = detectors(args)?;
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

/// A file, up to one byte more than is looked at, and its size.
fn read(path: &Path, bytes_max: u64) -> io::Result<(Vec<u8>, u64)> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is no file and no folder",
        ));
    }
    let mut document = vec![];
    file.take(bytes_max + 1).read_to_end(&mut document)?;
    let size = metadata.len().max(document.len() as u64);
    Ok((document, size))
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

/// What is looked for, ready to look.
fn detectors(args: &InspectArgs) -> Result<Detectors, Failure> {
    let key = key(args.key_file.as_deref())?;
    let Some(file) = &args.detectors else {
        return Detectors::new(&Config::new(key)).map_err(|error| wrong(&error));
    };
    let text = small_file(file, CONFIG_BYTES_MAX)?;
    let at = |error: &dyn std::fmt::Display| wrong(error).at(file.display());
    let written = Written::read(&text).map_err(|error| at(&error))?;
    if args.key_file.is_none() && !written.exact.is_empty() {
        let what = "exact values are hashed under a key, and none is named";
        let fix = "name the one that they were hashed with: --key-file FILE";
        return Err(Failure::new(Exit::Parameter, what).with_fix(fix));
    }
    let beside = file.parent().unwrap_or(Path::new("."));
    let mut sets = vec![];
    for set in &written.exact {
        let text = small_file(&beside.join(&set.file), VALUES_BYTES_MAX)?;
        sets.push(ExactSet::of_text(&set.name, &text).map_err(|error| at(&error))?);
    }
    Detectors::new(&written.with(sets, key)).map_err(|error| at(&error))
}

fn wrong(error: &dyn std::fmt::Display) -> Failure {
    Failure::new(Exit::Parameter, error.to_string()).with_fix(
        "`casbah inspect --help` shows a file of detectors, `casbah inspect --list` their names",
    )
}

fn small_file(path: &Path, bytes_max: u64) -> Result<String, Failure> {
    let unreadable = |reason: String| {
        let what = format!("cannot read {}: {reason}", path.display());
        Failure::new(Exit::Parameter, what)
    };
    let (text, _) = read(path, bytes_max).map_err(|error| unreadable(error.to_string()))?;
    if text.len() as u64 > bytes_max {
        return Err(unreadable(format!(
            "it is larger than {}",
            bytes(bytes_max)
        )));
    }
    String::from_utf8(text).map_err(|_| unreadable("it is not UTF-8".into()))
}

/// The customer's key: from a file, which is made if it is not there, or one for this run alone.
fn key(file: Option<&Path>) -> Result<Key, Failure> {
    let mut fresh = [0; KEY_BYTES];
    getrandom::fill(&mut fresh)
        .map_err(|error| Failure::new(Exit::Environment, format!("no randomness: {error}")))?;
    let Some(file) = file else {
        return Ok(Key::new(fresh));
    };
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    match options.open(file) {
        Ok(mut made) => {
            let digits: String = fresh.iter().map(|byte| format!("{byte:02x}")).collect();
            made.write_all(format!("{digits}\n").as_bytes())
                .map_err(|error| {
                    Failure::new(Exit::Environment, error.to_string()).at(file.display())
                })?;
            Ok(Key::new(fresh))
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let text = small_file(file, CONFIG_BYTES_MAX)?;
            let no_key = || {
                let what = format!("{} holds no key", file.display());
                Failure::new(Exit::Parameter, what).with_fix(
                    "a key is 64 hexadecimal digits; name a file that is not there and one is made",
                )
            };
            key_of(text.trim()).map(Key::new).ok_or_else(no_key)
        }
        Err(error) => {
            let what = format!("cannot make the key file {}: {error}", file.display());
            Err(Failure::new(Exit::Environment, what))
        }
    }
}

fn key_of(digits: &str) -> Option<[u8; KEY_BYTES]> {
    let mut key = [0; KEY_BYTES];
    if digits.len() != 2 * KEY_BYTES || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (place, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&digits[2 * place..2 * place + 2], 16).ok()?;
    }
    Some(key)
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
                json!({ "name": one.name, "kind": kind(one.kind), "finds": one.what, "counts_when": one.check, "after": one.source })
            })
            .collect();
        output::print_json(&json!({ "detectors": all }))?;
        return Ok(Exit::Fine);
    }
    let mut table = Table::new("", &[Align::Left; 3]);
    for one in all {
        table.row([one.name, kind(one.kind), one.what]);
    }
    let mut output = Output::new();
    output.line(table.text().trim_end().as_bytes())?;
    output.flush()?;
    Ok(Exit::Fine)
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Financial => "financial",
        Kind::NationalId => "national id",
        Kind::Health => "health",
        Kind::Personal => "personal",
        Kind::Secret => "secret",
        Kind::Credential => "credential",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_hexadecimal() {
        assert_eq!(key_of(&"0f".repeat(32)), Some([15; 32]));
        for wrong in [
            "",
            "0f",
            &"0g".repeat(32),
            &"é".repeat(32),
            &"0f".repeat(33),
        ] {
            assert_eq!(key_of(wrong), None, "{wrong}");
        }
    }
}
