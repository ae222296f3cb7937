//! Records of our own, with their events beside them: what Casbah did, and what it found.

use std::sync::Arc;

use casbah_lake::raw::RawSink;
use casbah_lake::{Line, ManifestEntry};
use casbah_model::Timestamp;
use casbah_model::event::Event;
use casbah_model::ports::ObjectStore;
use casbah_model::tally::Tallies;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::context::Context;
use crate::error::StageError;
use crate::normalise::Normaliser;
use crate::step::Step;

/// Something that is kept and told like everything else that happens.
pub(crate) trait Told: Serialize + DeserializeOwned {
    const FAMILY: &'static str;
    /// What a line of it is.
    const KIND: &'static str;

    /// The same whoever writes it.
    fn id(&self) -> String;
    fn at(&self) -> Timestamp;
    /// What it belongs to.
    fn of(&self) -> &str;
    /// In the words that all apps share.
    fn event(&self) -> Event<'_>;
}

/// Reads a record once more and appends its event; `None` when it is no record of ours.
pub(crate) fn write_again<T: Told>(
    normaliser: &Normaliser,
    raw: &[u8],
    out: &mut Vec<u8>,
) -> Option<()> {
    let told: T = serde_json::from_slice(raw).ok()?;
    normaliser.write(&told.event(), (told.at(), told.at()), out);
    Some(())
}

/// The records of one commit.
pub(crate) struct Journal {
    raw: RawSink,
    normaliser: Normaliser,
    tallies: Tallies,
    records: u64,
}

impl Journal {
    pub(crate) fn new<T: Told>(step: &Step<'_>, ctx: &Context) -> Result<Journal, StageError> {
        let objects: Arc<dyn ObjectStore> = ctx.patient_objects();
        Ok(Journal {
            raw: RawSink::new(objects, step.place(T::FAMILY))?,
            normaliser: Normaliser::new(&step.connection, ctx.settings.ocsf),
            tallies: Tallies::default(),
            records: 0,
        })
    }

    pub(crate) async fn note<T: Told>(&mut self, told: &T) -> Result<(), StageError> {
        let raw = serde_json::to_vec(told).expect("a record is plain");
        let id = told.id();
        self.raw
            .line(Line {
                id: &id,
                version: "0",
                kind: T::KIND,
                of: Some(told.of()),
                raw: &raw,
            })
            .await?;
        let (event, times) = (told.event(), (told.at(), told.at()));
        let normaliser = &self.normaliser;
        self.raw
            .event(|out: &mut Vec<u8>| normaliser.write(&event, times, out))
            .await?;
        let tally = self.tallies.at(told.at());
        tally.listed += 1;
        tally.written += 1;
        self.records += 1;
        Ok(())
    }

    pub(crate) fn records(&self) -> u64 {
        self.records
    }

    /// Stores the objects; `None` when there was nothing to tell.
    pub(crate) async fn finish(mut self) -> Result<Option<ManifestEntry>, StageError> {
        if self.records == 0 {
            return Ok(None);
        }
        self.raw.accept().await?;
        let place = self.raw.place().clone();
        let written = self.raw.finish().await?;
        Ok(Some(ManifestEntry::new(place, written, self.tallies)))
    }
}
