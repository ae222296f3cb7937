//! What is in files: a number and a size, from which the bytes are made when somebody asks for them.

use sha2::{Digest, Sha256};

use super::desk::Desk;
use super::library::Place;
use crate::chance::{Stream, draw};

/// The content of one version of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Content {
    pub hash: u64,
    pub size: u64,
}

impl Content {
    pub fn of(body: &[u8]) -> Content {
        let digest = Sha256::digest(body);
        let hash = digest.iter().take(8);
        Content {
            hash: hash.fold(0, |hash, byte| hash << 8 | u64::from(*byte)),
            size: body.len() as u64,
        }
    }
}

impl Desk<'_> {
    /// What is in a file now, or was when it was deleted.
    pub fn content_of(&self, place: Place) -> Content {
        if let Some(written) = self.state.world.written.get(&place) {
            return *written;
        }
        let change = self.state.world.item(place);
        let first = change.and_then(|change| change.content);
        let first = first.unwrap_or_else(|| self.seeded_content(place));
        match change.map_or(0, |change| change.edits) {
            0 => first,
            // The place comes in, so that a file and its copy differ once somebody edited both.
            edits => Content {
                hash: draw(first.hash ^ edits, Stream::Item, key(place)),
                size: first.size + edits,
            },
        }
    }

    fn seeded_content(&self, place: Place) -> Content {
        let number = self.item_number(place);
        Content {
            hash: draw(self.plan.seed, Stream::Item, number),
            size: 1000 + (number >> 20) % 5_000_000,
        }
    }

    /// The draw that an item's age and first content come from.
    pub fn item_number(&self, place: Place) -> u64 {
        draw(self.plan.seed, Stream::Item, key(place) | 1 << 63)
    }
}

fn key(place: Place) -> u64 {
    place.drive << 32 | place.item
}
