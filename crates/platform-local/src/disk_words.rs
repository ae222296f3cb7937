//! What a disk says when it will not take data until somebody acts, in words for a person.

use std::io::{self, ErrorKind};

/// The reason without the place, or `None` for errors that may pass by themselves.
pub(crate) fn lasting(error: &io::Error) -> Option<&'static str> {
    match error.kind() {
        ErrorKind::StorageFull => Some("disk is full"),
        ErrorKind::QuotaExceeded => Some("disk quota is used up"),
        ErrorKind::ReadOnlyFilesystem => Some("folder is read-only"),
        ErrorKind::PermissionDenied => Some("no permission"),
        ErrorKind::NotADirectory => Some("a file is where a folder should be"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_system_are_told_apart() {
        // Numbers of Linux and macOS; EDQUOT differs between them.
        for (number, words) in [
            (28, Some("disk is full")),
            (30, Some("folder is read-only")),
            (13, Some("no permission")),
            (20, Some("a file is where a folder should be")),
            (5, None),
            (2, None),
        ] {
            assert_eq!(
                lasting(&io::Error::from_raw_os_error(number)),
                words,
                "error {number}"
            );
        }
    }
}
