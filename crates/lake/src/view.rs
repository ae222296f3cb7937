//! Objects of views: rows derived from records, packed so that the same rows are the same bytes.
//!
//! A view can be thrown away and made again; what is in it and how it is named is the pipeline's business.

use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::io::{self, Read};

use sha2::{Digest, Sha256};

use crate::read::ReadError;

/// The library's own default: a row of a user takes 80 bytes, one of a file 165.
const LEVEL: i32 = 3;
/// A part of a view holds well below this; more is not one of ours.
const UNPACKED_BYTES_MAX: u64 = 256 << 20;

/// Compresses rows, with a checksum of their content.
pub fn pack(rows: &[u8]) -> io::Result<Vec<u8>> {
    let mut compressor = zstd::bulk::Compressor::new(LEVEL)?;
    compressor.include_checksum(true)?;
    compressor.compress(rows)
}

/// Reads packed rows back.
///
/// # Errors
/// `Unreadable` with the object's name when a byte of it changed.
pub fn unpack(name: &str, content: &[u8]) -> Result<Vec<u8>, ReadError> {
    let read = || {
        let mut rows = Vec::new();
        let decoder = zstd::stream::read::Decoder::with_buffer(content)?;
        let bytes = decoder.take(UNPACKED_BYTES_MAX).read_to_end(&mut rows)?;
        if bytes as u64 == UNPACKED_BYTES_MAX {
            return Err(io::Error::other("it holds more than any view"));
        }
        Ok(rows)
    };
    read().map_err(|source| ReadError::Unreadable {
        name: name.into(),
        source,
    })
}

/// An id in 16 bytes, whatever its length: of ten million ids two share a key once in 10^24 times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct IdKey(pub u64, pub u64);

impl IdKey {
    pub fn of(id: &str) -> IdKey {
        let digest = Sha256::digest(id.as_bytes());
        let word = |at: usize| {
            u64::from_be_bytes(
                digest[at..at + 8]
                    .try_into()
                    .expect("a SHA-256 has 32 bytes"),
            )
        };
        IdKey(word(0), word(8))
    }
}

impl Hash for IdKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0);
    }
}

/// Keys are hashes already.
#[derive(Default)]
pub struct Taken(u64);

impl Hasher for Taken {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        // Only keys are hashed, and they write one number.
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

pub type IdMap<T> = std::collections::HashMap<IdKey, T, BuildHasherDefault<Taken>>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_rows_come_back_and_a_changed_byte_is_named() {
        let rows = b"{\"id\":\"a\"}\n".repeat(500);
        let packed = pack(&rows).unwrap();
        assert_eq!(packed, pack(&rows).unwrap());
        assert_eq!(unpack("view/x", &packed).unwrap(), rows);
        for at in 0..packed.len() {
            let mut broken = packed.clone();
            broken[at] ^= 0x40;
            let read = unpack("view/x", &broken);
            let is_same = read.as_ref().is_ok_and(|read| *read == rows);
            assert!(
                is_same || read.is_err_and(|error| error.to_string().contains("view/x")),
                "byte {at}"
            );
        }
        assert!(unpack("view/x", &packed[..packed.len() - 1]).is_err());
    }
}
