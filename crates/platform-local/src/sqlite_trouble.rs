//! What goes wrong inside the SQLite table, and what the port calls it.

use std::fs::OpenOptions;
use std::path::Path;

use casbah_model::ports::StoreError;
use casbah_model::state::Item;
use rusqlite::ErrorCode;
use rusqlite::ffi::SQLITE_IOERR_SHMSIZE;

use crate::disk_words;

/// Without the place, which is added at the border.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    #[error("write {index} was refused by its condition")]
    Refused { index: usize, current: Option<Item> },
    /// A call that DynamoDB would reject as well, so a defect of the caller.
    #[error("{0}")]
    Rejected(String),
    #[error("an item cannot be read or written: {0}")]
    Text(#[from] serde_json::Error),
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
}

impl Trouble {
    pub(crate) fn at(self, place: &str) -> StoreError {
        let reason = match self {
            Trouble::Refused { index, current } => return StoreError::Refused { index, current },
            Trouble::Rejected(reason) => return StoreError::Unavailable { reason },
            Trouble::Sqlite(error) => match error
                .sqlite_error()
                .map(|failure| (failure.code, failure.extended_code))
            {
                Some((ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked, _)) => {
                    return StoreError::Busy;
                }
                // The index of the log is a file of its own and the first that finds no room.
                Some((ErrorCode::DiskFull, _) | (_, SQLITE_IOERR_SHMSIZE)) => "disk is full".into(),
                Some((ErrorCode::ReadOnly, _)) => "folder is read-only".into(),
                Some((ErrorCode::CannotOpen, _)) => why_not_open(Path::new(place)),
                Some((ErrorCode::NotADatabase, _)) => "it is not a file of this program".into(),
                Some((ErrorCode::DatabaseCorrupt, _)) => "it is damaged".into(),
                _ => error.to_string(),
            },
            Trouble::Text(error) => Trouble::Text(error).to_string(),
        };
        StoreError::Unavailable {
            reason: format!("{place}: {reason}"),
        }
    }
}

/// Asks the system, since SQLite keeps the cause to itself.
fn why_not_open(path: &Path) -> String {
    match OpenOptions::new().append(true).create(true).open(path) {
        Ok(_) => "the files beside it cannot be written".into(),
        Err(error) => disk_words::lasting(&error).map_or_else(|| error.to_string(), String::from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::ffi;

    fn reason(code: i32) -> String {
        let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
        Trouble::from(error).at("state.db").to_string()
    }

    #[test]
    fn a_disk_without_room_or_rights_is_named_in_plain_words() {
        assert_eq!(
            reason(ffi::SQLITE_FULL),
            "the table cannot be used: state.db: disk is full"
        );
        assert_eq!(
            reason(ffi::SQLITE_IOERR_SHMSIZE),
            "the table cannot be used: state.db: disk is full"
        );
        assert_eq!(
            reason(ffi::SQLITE_READONLY),
            "the table cannot be used: state.db: folder is read-only"
        );
        assert_eq!(
            reason(ffi::SQLITE_READONLY_DBMOVED),
            "the table cannot be used: state.db: folder is read-only"
        );
    }

    #[test]
    fn a_busy_file_is_not_a_broken_one() {
        assert_eq!(reason(ffi::SQLITE_BUSY), "the table is busy");
        assert_eq!(reason(ffi::SQLITE_BUSY_SNAPSHOT), "the table is busy");
    }
}
