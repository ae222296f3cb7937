//! The files that say what is looked for inside documents: detectors, a customer's own values, and the key of their hashes.

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use casbah_inspect::detect::{Config, ExactSet, Key, Written};
use casbah_inspect::{Detectors, Limits};
use casbah_platform_local::{LocalSystem, ThreadInspector};

use crate::cli_inspect::InsideArgs;
use crate::exit::{Exit, Failure};
use crate::policy_files::policies;
use crate::table::bytes;

/// A file of detectors, and one of values or of their hashes.
pub const CONFIG_BYTES_MAX: u64 = 1 << 20;
pub const VALUES_BYTES_MAX: u64 = 64 << 20;
const KEY_BYTES: usize = 32;

/// The key of a folder, where none is named.
const KEY_FILE: &str = "inspection.key";

/// Makes a system hold files against policies, and look into the files that it lists if that is asked for.
pub fn look_inside(
    system: &mut LocalSystem,
    folder: &Path,
    args: &InsideArgs,
) -> Result<(), Failure> {
    system.judge_by(policies(
        args.policies.as_deref(),
        args.detectors.as_deref(),
    )?);
    if !args.look_inside {
        return Ok(());
    }
    let own = folder.join(KEY_FILE);
    let key_file = args.key_file.as_deref().unwrap_or(&own);
    let detectors = detectors(args.detectors.as_deref(), Some(key_file))?;
    let limits = Limits {
        bytes_max: args.max_mb << 20,
        ..Limits::default()
    };
    system.look_inside(Arc::new(ThreadInspector::new(detectors, limits)));
    Ok(())
}

/// What is looked for, ready to look.
pub fn detectors(file: Option<&Path>, key_file: Option<&Path>) -> Result<Detectors, Failure> {
    let made = key(key_file)?;
    let Some(file) = file else {
        return Detectors::new(&Config::new(made)).map_err(|error| wrong(&error));
    };
    let text = small_file(file, CONFIG_BYTES_MAX)?;
    let at = |error: &dyn std::fmt::Display| wrong(error).at(file.display());
    let written = Written::read(&text).map_err(|error| at(&error))?;
    if key_file.is_none() && !written.exact.is_empty() {
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
    Detectors::new(&written.with(sets, made)).map_err(|error| at(&error))
}

fn wrong(error: &dyn std::fmt::Display) -> Failure {
    Failure::new(Exit::Parameter, error.to_string()).with_fix(
        "`casbah inspect --help` shows a file of detectors, `casbah inspect --list` their names",
    )
}

pub fn small_file(path: &Path, bytes_max: u64) -> Result<String, Failure> {
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
pub fn key(file: Option<&Path>) -> Result<Key, Failure> {
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

/// A file, up to one byte more than is looked at, and its size.
pub fn read(path: &Path, bytes_max: u64) -> io::Result<(Vec<u8>, u64)> {
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
