//! What files hold: handed out at another address, to whoever has it, for a quarter of an hour (OpenAPI, "Download
//! file").

use casbah_model::transport::{Bytes, WholeBody};

use sha2::{Digest, Sha256};

use super::desk::Desk;
use super::faults::Fault;
use super::items::Item;
use super::library::Place;
use super::wire::{Call, api_error, not_found};
use crate::answer::{Answer, Content};
use crate::documents::{self, Held};
use crate::moment::{MINUTE, Millis};
use crate::seal::{seal, unseal};

/// Where files of the real service are handed out; a simulator at another address does so itself.
pub const DOWNLOADS: &str = "https://dl.boxcloud.com";
const API: &str = "https://api.box.com";

const GOOD_FOR: Millis = 15 * MINUTE;
/// What the fault `download-not-ready` waits when it has no value, in seconds.
const NOT_READY: &str = "5";

impl Call {
    /// Whether it is for what was handed out, which no token is asked for.
    pub fn is_download(&self) -> bool {
        self.path.first().is_some_and(|first| first == "d")
    }
}

impl Desk<'_> {
    /// Where the content of a file is to be had.
    pub fn download(&mut self, call: &Call, place: Place) -> Answer {
        let Some(item) = self.item(place) else {
            return not_found();
        };
        if self.strikes(Fault::DownloadBlocked).is_some() {
            return api_error("forbidden_by_policy");
        }
        if let Some(seconds) = self.strikes(Fault::DownloadNotReady) {
            let wait = seconds.parse::<u64>().map_or(NOT_READY.into(), |_| seconds);
            return Answer::empty(202).with("Retry-After", wait);
        }
        let Some(version) = self.asked_version(call, &item) else {
            return not_found();
        };
        let until = match self.strikes(Fault::DownloadExpired) {
            Some(_) => self.now - 1,
            None => self.now + GOOD_FOR,
        };
        let token = format!("{}|{}|{version}|{until}", place.owner, place.item);
        let base = self.plan.base.trim_end_matches('/');
        let base = if base == API { DOWNLOADS } else { base };
        let base = match self.strikes(Fault::DownloadForeign) {
            Some(_) => crate::seal::FOREIGN,
            None => base,
        };
        let address = format!("{base}/d/1/{}/download", seal(self.plan.seed, &token));
        Answer::empty(302).with("Location", address)
    }

    /// Every version can be asked for by its id; the newest is without one.
    fn asked_version(&self, call: &Call, item: &Item) -> Option<u64> {
        let library = &self.tenant.library;
        match call.parameter("version") {
            None => Some(item.version),
            Some(id) => (0..=item.version).find(|one| library.version_id(item.place, *one) == id),
        }
    }

    /// The content itself. A token that comes along is told to somebody whom it is none of.
    pub fn handed_out(&mut self, call: &Call) -> Answer {
        if call.headers.get("Authorization").is_some() {
            self.state.traffic.tokens_told += 1;
            return Answer::empty(400);
        }
        let read = || {
            let token = unseal(self.plan.seed, call.path.get(2)?)?;
            let numbers: Vec<u64> = token
                .split('|')
                .map(|part| part.parse().ok())
                .collect::<Option<_>>()?;
            match numbers[..] {
                [owner, item, version, until] => Some((Place { owner, item }, version, until)),
                _ => None,
            }
        };
        let Some((place, version, until)) = read() else {
            return Answer::empty(404);
        };
        if (until as Millis) < self.now {
            return Answer::empty(403);
        }
        let Some(item) = self.item(place) else {
            return Answer::empty(404);
        };
        self.state.traffic.downloaded += 1;
        let whole = Answer::empty(200).with("Content-Type", "application/octet-stream");
        let answer = match self.state.world.contents.get(&place) {
            Some(given) => Answer {
                content: Content::Stream(WholeBody::boxed(given.clone())),
                ..whole
            },
            None => {
                let draw = self.tenant.library.content(place, version);
                Answer {
                    content: Content::Whole(documents::text(draw, item.size)),
                    ..whole
                }
            }
        };
        match self.strikes(Fault::DownloadTruncated) {
            Some(_) => answer.broken_off("dl.boxcloud.com".into()),
            None => answer,
        }
    }

    /// What a file holds that nobody has put there.
    pub fn held(&self, place: Place) -> Option<Held> {
        let item = self.item(place)?;
        let is_given = self.state.world.contents.contains_key(&place);
        let draw = self.tenant.library.content(place, item.version);
        let has_room = documents::words(draw).len() as u64 <= item.size;
        (!is_given && has_room).then(|| documents::held(draw))
    }

    /// The SHA-1 of a file's content, or what stands for it.
    pub fn sha1(&self, item: &Item) -> String {
        let library = &self.tenant.library;
        let given = self.state.world.contents.get(&item.place);
        let content = given.map(|given| {
            let digest = Sha256::digest(given);
            digest
                .iter()
                .take(8)
                .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
        });
        library.sha1(content.unwrap_or_else(|| library.content(item.place, item.version)))
    }

    /// Puts bytes into a file, as an upload of a new version would.
    pub fn put_content(&mut self, place: Place, bytes: Bytes) {
        self.state.world.contents.insert(place, bytes);
        let change = self.state.world.items.entry(place).or_default();
        change.edits += 1;
        change.revisions += 1;
    }
}
