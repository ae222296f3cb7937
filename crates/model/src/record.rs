//! What every record has in common, whatever it tells of: its id, and where it was seen.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::Timestamp;

/// The vendor's own id of a record or, where it has none, a hash of its content.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecordId(String);

impl RecordId {
    /// Longer ids than this are replaced by their hash, so that no key grows with what a vendor sends.
    pub const BYTES_MAX: usize = 512;

    /// The vendor's id.
    pub fn new(id: impl Into<String>) -> RecordId {
        let id = id.into();
        if id.len() <= RecordId::BYTES_MAX {
            RecordId(id)
        } else {
            RecordId::of_content(id.as_bytes())
        }
    }

    /// The id of a record that has none: the SHA-256 of its bytes.
    pub fn of_content(record: &[u8]) -> RecordId {
        RecordId(format!("sha256:{}", hex(&Sha256::digest(record))))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first eight bytes of the SHA-256, as the digests of seen records keep them.
    pub fn hash(&self) -> u64 {
        let digest = Sha256::digest(self.0.as_bytes());
        u64::from_be_bytes(digest[..8].try_into().expect("a SHA-256 has 32 bytes"))
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A noun that a vendor's record was read as.
pub trait Noun: Send {
    fn id(&self) -> &RecordId;
    /// When it happened, for things that happen; `None` for things that are.
    fn occurred(&self) -> Option<Timestamp>;
    /// Our own one-word reading of the record, kept beside it: kind of activity, class of sharing, kind of entity.
    fn class(&self) -> &'static str;
    /// What it belongs to: the folder of a file, the holder of a role, the application of a grant.
    fn belongs_to(&self) -> Option<&RecordId> {
        None
    }
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overlong_id_becomes_a_hash() {
        assert!(
            RecordId::new("x".repeat(4000))
                .as_str()
                .starts_with("sha256:")
        );
        assert_eq!(RecordId::new("x").as_str(), "x");
    }
}
