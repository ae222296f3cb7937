//! What files hold: Graph answers with an address that is good for some minutes, to whoever has it (driveItem: Download
//! content).

use std::borrow::Cow;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use casbah_model::transport::{Bytes, WholeBody};

use super::desk::Desk;
use super::drives::item_not_found;
use super::faults::Fault;
use super::file_content::Content as FileContent;
use super::library::Place;
use super::wire::{Call, graph_error};
use crate::answer::{Answer, Content};
use crate::documents::{self, Held};
use crate::moment::{MINUTE, Millis};
use crate::seal::{FOREIGN, seal, unseal};

/// No document says how many minutes; this is ours.
const GOOD_FOR: Millis = 5 * MINUTE;

/// What a hash of 160 bits turns each byte by (OneDrive developer documentation, "QuickXorHash").
const SHIFT: usize = 11;
const BITS: u64 = 160;

impl Desk<'_> {
    /// Where the content of a file is to be had.
    pub fn download(&mut self, place: Place) -> Answer {
        if self.is_folder(place) {
            return item_not_found();
        }
        if self.strikes(Fault::DownloadMalware).is_some() {
            return graph_error(403, "malwareDetected", "Malware was detected in this file.");
        }
        if self.strikes(Fault::DownloadDenied).is_some() {
            return graph_error(403, "accessDenied", "Access denied");
        }
        let until = match self.strikes(Fault::DownloadExpired) {
            Some(_) => self.now - 1,
            None => self.now + GOOD_FOR,
        };
        let token = seal(
            self.plan.seed,
            &format!("{}|{}|{until}", place.drive, place.item),
        );
        let host = match self.strikes(Fault::DownloadForeign) {
            Some(_) => FOREIGN,
            None => self.plan.base.sharepoint.trim_end_matches('/'),
        };
        let address = format!("{host}/_layouts/15/download.aspx?tempauth={token}");
        Answer::empty(302).with("Location", address)
    }

    /// The content itself; who sends a token as well is refused.
    pub fn handed_out(&mut self, call: &Call) -> Answer {
        if call.headers.get("Authorization").is_some() {
            return graph_error(401, "unauthenticated", "This address takes no token.");
        }
        let read = || {
            let token = unseal(self.plan.seed, call.parameter("tempauth")?)?;
            let mut numbers = token.split('|').map(str::parse::<u64>);
            let mut next = || numbers.next()?.ok();
            let (drive, item, until) = (next()?, next()?, next()?);
            Some((Place { drive, item }, until as Millis))
        };
        let Some((place, until)) = read() else {
            return item_not_found();
        };
        if until < self.now {
            return graph_error(401, "unauthenticated", "The address has expired.");
        }
        self.state.traffic.downloaded += 1;
        let content = self.content_of(place);
        let answer = Answer::empty(200).with("Content-Type", "application/octet-stream");
        let answer = match self.state.world.uploaded.get(&content.hash) {
            Some(given) => Answer {
                content: Content::Stream(WholeBody::boxed(given.clone())),
                ..answer
            },
            None => Answer {
                content: Content::Whole(documents::text(content.hash, content.size)),
                ..answer
            },
        };
        match self.strikes(Fault::DownloadTruncated) {
            Some(_) => answer.broken_off("contoso.sharepoint.com".into()),
            None => answer,
        }
    }

    /// The QuickXorHash of a content.
    pub fn quick_xor_hash(&self, content: FileContent) -> String {
        let words = match self.state.world.uploaded.get(&content.hash) {
            Some(given) => Cow::Borrowed(&given[..]),
            None => Cow::Owned(documents::words(content.hash).into_bytes()),
        };
        quick_xor(&words, content.size)
    }

    /// What a file holds that nobody uploaded.
    pub fn held(&self, place: Place) -> Held {
        let content = self.content_of(place);
        let has_room = documents::words(content.hash).len() as u64 <= content.size;
        let is_ours = !self.state.world.uploaded.contains_key(&content.hash);
        match has_room && is_ours {
            true => documents::held(content.hash),
            false => Held::Nothing,
        }
    }

    /// Puts bytes into a file, as somebody who edits it would.
    pub fn put_content(&mut self, place: Place, bytes: Bytes) {
        let content = FileContent::of(&bytes);
        self.rewrite(place);
        self.state.world.uploaded.insert(content.hash, bytes);
        self.state.world.written.insert(place, content);
    }
}

/// The hash of words and of the blanks behind them, up to a size. Blanks that are a whole turn of the bits apart cancel
/// each other out, so there are few to count.
fn quick_xor(words: &[u8], size: u64) -> String {
    let mut hash = [0_u8; BITS as usize / 8];
    let mut add = |place: u64, byte: u8| {
        let bit = (place % BITS) as usize * SHIFT % BITS as usize;
        let [low, high] = (u16::from(byte) << (bit % 8)).to_le_bytes();
        hash[bit / 8] ^= low;
        hash[(bit / 8 + 1) % hash.len()] ^= high;
    };
    let length = (words.len() as u64).min(size);
    for (place, byte) in (0..length).zip(words) {
        add(place, *byte);
    }
    let turns = (size - length) / (2 * BITS) * 2 * BITS;
    for place in length + turns..size {
        add(place, b' ');
    }
    let end = hash.len() - 8;
    for (byte, its) in hash[end..].iter_mut().zip(size.to_le_bytes()) {
        *byte ^= its;
    }
    BASE64_STANDARD.encode(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_are_counted_by_turns() {
        for size in [0, 3, 400, 10_000] {
            let words = documents::words(5);
            let text = documents::text(5, size);
            assert_eq!(
                quick_xor(words.as_bytes(), size),
                quick_xor(text.as_bytes(), size),
                "{size}"
            );
        }
        assert_eq!(quick_xor(b"\xb5\xb4", 2), "taAFAAAAAAAAAAAAAgAAAAAAAAA=");
    }
}
