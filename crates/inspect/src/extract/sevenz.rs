//! 7z archives through `sevenz-rust2`, with a limit on what its decoders may take.

use std::io::Cursor;

use sevenz_rust2::{ArchiveReader, Error, Password};

use super::budget::{Blamed, Unpacked};
use super::reading::{Outcome, Reading};
use crate::report::Reason;

/// For the directory and for dictionaries each; `7z -mx=9` has dictionaries of 64 MB (7-Zip help, "-m", "LZMA2").
const MEMORY_KB_MAX: usize = 66 << 10;

pub(crate) fn read(reading: &mut Reading<'_>, bytes: &[u8]) -> Outcome {
    let mut archive =
        ArchiveReader::new_with_memory_limit(Cursor::new(bytes), Password::empty(), MEMORY_KB_MAX)
            .map_err(|error| reason(&error))?;
    archive.set_thread_count(1);
    reading.holding((MEMORY_KB_MAX as u64) << 10, |reading| {
        read_entries(reading, &mut archive)
    })
}

fn read_entries(reading: &mut Reading<'_>, archive: &mut ArchiveReader<Cursor<&[u8]>>) -> Outcome {
    let mut ended = Ok(());
    let outcome = archive.for_each_entries(|entry, input| {
        if entry.is_directory {
            return Ok(true);
        }
        let budget = reading.budget;
        ended = match reading.has_room_for_entries() {
            true => reading.entry_stream(&entry.name, &mut Unpacked::new(input, budget)),
            false => Err(Reason::TooManyEntries),
        };
        match ended {
            Ok(()) => Ok(true),
            Err(reason) => Err(Error::Io(std::io::Error::other(Blamed(reason)), "".into())),
        }
    });
    ended?;
    outcome.map_err(|error| match &error {
        Error::Io(inner, _) => reading.budget.blame(inner),
        error => reason(error),
    })
}

fn reason(error: &Error) -> Reason {
    match error {
        Error::PasswordRequired | Error::MaybeBadPassword(_) => Reason::Encrypted,
        Error::MaxMemLimited { .. } => Reason::TooLarge,
        Error::UnsupportedCompressionMethod(method) if method.contains("AES") => Reason::Encrypted,
        Error::UnsupportedCompressionMethod(_) | Error::Unsupported(_) => Reason::Unsupported,
        Error::UnsupportedVersion { .. } | Error::ExternalUnsupported => Reason::Unsupported,
        _ => Reason::Corrupt,
    }
}
