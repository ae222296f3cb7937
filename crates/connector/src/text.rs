//! Texts in forms that several vendors use: ids in addresses, names of files, keys in PEM.

use std::fmt::{Display, Write};

use crate::error::ConnectorError;

/// An id as one segment of a path; letters, digits and `-_.~` stand as they are, and the bytes of `plain`.
///
/// # Errors
/// Ids of dots alone would climb up the path.
pub fn segment(id: &str, plain: &[u8]) -> Result<String, ConnectorError> {
    if id.bytes().all(|byte| byte == b'.') {
        let what = "an id is empty or consists of dots".to_string();
        return Err(ConnectorError::BadLink { what });
    }
    let mut encoded = String::with_capacity(id.len());
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) || plain.contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("writing to a string cannot fail");
        }
    }
    Ok(encoded)
}

/// The first block of a PEM text with this label (RFC 7468), its lines of dashes included.
pub fn pem_block<'a>(pem: &'a str, label: &str) -> Option<&'a str> {
    let (begin, end) = (
        format!("-----BEGIN {label}-----"),
        format!("-----END {label}-----"),
    );
    let from = pem.find(&begin)?;
    let length = pem[from..].find(&end)?;
    Some(&pem[from..from + length + end.len()])
}

/// What is longer after the last dot is no ending.
const ENDING_BYTES_MAX: usize = 16;

/// A file's name where things of one name come from many folders, with its id in it: `plan (22).xlsx`.
pub fn told_apart(name: &str, id: impl Display, chars_max: usize) -> String {
    let (stem, ending) = match name.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() && ending.len() < ENDING_BYTES_MAX => {
            (stem, format!(".{ending}"))
        }
        _ => (name, String::new()),
    };
    let tail = format!(" ({id}){ending}");
    let room = chars_max.saturating_sub(tail.chars().count());
    let stem: String = stem.chars().take(room).collect();
    stem + &tail
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart_and_keep_their_endings() {
        let name = |name: &str| told_apart(name, 22, 255);
        assert_eq!(name("plan.xlsx"), "plan (22).xlsx");
        assert_eq!(name(".profile"), ".profile (22)");
        let words = "Dr. Who and the rest of it";
        assert_eq!(name(words), format!("{words} (22)"));
        let long = name(&format!("{}.pdf", "é".repeat(251)));
        assert_eq!(long.chars().count(), 255);
        assert!(long.ends_with("é (22).pdf"), "{long}");
    }
}
