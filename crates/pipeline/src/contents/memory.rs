//! What is known of contents by their hash: a file that was looked into is not fetched again, whoever else has a copy.
//!
//! Whoever is about to fetch one claims it first. A claim that ran out was of somebody who died, perhaps of this very file:
//! after some of them the file is left alone.

use casbah_connector::Holding;
use casbah_model::inspection::Inspection;
use casbah_model::ports::StoreError;
use casbah_model::record::{RecordId, hex};
use casbah_model::state::{Condition, Key, Set, Write};
use casbah_model::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::context::Context;
use crate::error::StageError;
use crate::items::{self, Scope, time};

/// Files that killed who looked into them this often are left alone.
pub(crate) const TRIES_MAX: u32 = 2;

/// What is kept under the hash of a content.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Known {
    v: u64,
    edition: String,
    /// Times that somebody had it and began to look into it.
    tries: u32,
    /// Epoch milliseconds until which somebody is at it.
    #[serde(default)]
    until: i64,
    #[serde(default)]
    found: Option<Inspection>,
}

/// What is to be done about a content.
pub(crate) enum Claim {
    /// It was looked into.
    Known(Inspection),
    /// It is ours to look into, and to tell of.
    Ours(Ours),
    /// Somebody else is at it until then.
    Elsewhere(Timestamp),
    /// It killed too many.
    Deadly,
}

pub(crate) struct Ours {
    key: Key,
    known: Known,
}

/// Partitions that hold what is known, for who has to remove it.
pub(crate) fn partitions(scope: &Scope) -> impl Iterator<Item = String> {
    (0..=u8::MAX).map(|first| partition(scope, first))
}

fn partition(scope: &Scope, first: u8) -> String {
    format!("C#{scope}#K#{first:02x}")
}

/// By the hash that the vendor tells, which copies share; where it tells none, by file and version.
pub(crate) fn key(scope: &Scope, file: &RecordId, holding: &Holding) -> Key {
    let content = match &holding.digest {
        Some(digest) => format!("{digest}/{}", holding.size),
        None => format!("{file}/{}", holding.version),
    };
    let hash = Sha256::digest(content.as_bytes());
    Key::new(partition(scope, hash[0]), format!("K#{}", hex(&hash)))
}

/// What is known of a content, or the claim to it.
pub(crate) async fn claim(ctx: &Context, key: Key, edition: &str) -> Result<Claim, StageError> {
    let now = ctx.now();
    let found = ctx.state.get(std::slice::from_ref(&key)).await?;
    let before = match found.into_iter().next().flatten() {
        Some(item) => Some(items::read::<Known>(&key, &item)?),
        None => None,
    };
    if let Some(known) = &before
        && known.edition == edition
    {
        match &known.found {
            Some(found) => return Ok(Claim::Known(found.clone())),
            None if known.until > now.as_millisecond() => {
                return Ok(Claim::Elsewhere(time(known.until)));
            }
            None if known.tries >= TRIES_MAX => return Ok(Claim::Deadly),
            None => {}
        }
    }
    let until = now + ctx.settings.lease + ctx.settings.lease_slack;
    let tries = before.as_ref().filter(|known| known.edition == edition);
    let known = Known {
        v: before.as_ref().map_or(0, |known| known.v) + 1,
        edition: edition.into(),
        tries: tries.map_or(0, |known| known.tries),
        until: until.as_millisecond(),
        found: None,
    };
    let condition = match &before {
        Some(before) => Condition::Equal("v", before.v.into()),
        None => Condition::NotExists,
    };
    match ctx.state.write(put(&key, &known, condition)).await {
        Ok(_) => Ok(Claim::Ours(Ours { key, known })),
        // Somebody else claimed it in this moment, or nobody knows who did.
        Err(StoreError::Refused { .. } | StoreError::Unknown | StoreError::Busy) => {
            Ok(Claim::Elsewhere(now + SOON))
        }
        Err(error) => Err(error.into()),
    }
}

/// A claim that was refused, or whose answer was lost, is tried again after this.
pub(crate) const SOON: SignedDuration = SignedDuration::from_secs(5);

impl Ours {
    /// Counts one more who looks into it, before it may kill them. Says whether it is still ours.
    pub(crate) async fn begin(&mut self, ctx: &Context) -> Result<bool, StageError> {
        self.known.tries += 1;
        self.write(ctx).await
    }

    /// Keeps what was found, for every other copy.
    pub(crate) async fn keep(
        mut self,
        ctx: &Context,
        found: &Inspection,
    ) -> Result<(), StageError> {
        self.known.found = Some(found.clone());
        self.known.until = 0;
        // Whoever took the claim over looks again; nothing is doubled but a fetch.
        self.write(ctx).await.map(|_| ())
    }

    /// It was not looked into, for a reason that is none of the content's.
    pub(crate) async fn give_back(mut self, ctx: &Context) -> Result<(), StageError> {
        self.known.until = 0;
        self.write(ctx).await.map(|_| ())
    }

    async fn write(&mut self, ctx: &Context) -> Result<bool, StageError> {
        let fence = Condition::Equal("v", self.known.v.into());
        self.known.v += 1;
        match ctx.state.write(put(&self.key, &self.known, fence)).await {
            Ok(_) => Ok(true),
            Err(StoreError::Refused { .. } | StoreError::Unknown | StoreError::Busy) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

fn put(key: &Key, known: &Known, condition: Condition) -> Write {
    let item = items::write(known);
    let sets = ["v", "edition", "tries", "until", "found"].map(|name| match item.get(name) {
        Some(value) => Set::To(name, value.clone()),
        None => Set::Remove(name),
    });
    Write::update(key.clone(), condition, sets.to_vec())
}

/// The id under which a root's contents are worked through, beside its files.
pub(crate) fn unit_id(root: &RecordId) -> RecordId {
    RecordId::new(format!("{}{root}", super::INSIDE))
}
