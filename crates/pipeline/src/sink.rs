//! Where connectors put records: counted at the door, deduplicated where records repeat by design, written as lines.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use casbah_connector::{Output, OutputError, RefusedRecord};
use casbah_lake::layout::Place;
use casbah_lake::raw::is_object;
use casbah_lake::{Line, ManifestEntry, RawError, RawSink};
use casbah_model::ports::{ObjectError, ObjectStore};
use casbah_model::record::Noun;
use casbah_model::tally::{Tallies, Tally};

use crate::error::StageError;
use crate::roster::Roster;

/// The records of one commit of an inventory: entities or files.
pub struct InventorySink {
    raw: RawSink,
    version: String,
    page: Tally,
    page_roster: Roster,
    accepted: Tally,
    roster: Roster,
}

impl InventorySink {
    pub fn new(objects: Arc<dyn ObjectStore>, place: Place) -> Result<InventorySink, StageError> {
        // Inventories are versioned by the commit that saw them: the greatest is the latest.
        let version = format!("{:04}-{:012}", place.epoch, place.sequence);
        let raw = RawSink::new(objects, place)?;
        let (page, accepted) = (Tally::default(), Tally::default());
        let (page_roster, roster) = (Roster::default(), Roster::default());
        Ok(InventorySink {
            raw,
            version,
            page,
            page_roster,
            accepted,
            roster,
        })
    }

    /// Makes the page count that was written since the last call.
    pub async fn accept(&mut self) -> Result<(), StageError> {
        self.raw.accept().await?;
        self.accepted += std::mem::take(&mut self.page);
        self.roster.extend(std::mem::take(&mut self.page_roster));
        Ok(())
    }

    /// Forgets the page that was written since the last [`InventorySink::accept`].
    pub fn discard(&mut self) {
        self.raw.discard();
        self.page = Tally::default();
        self.page_roster = Roster::default();
    }

    pub fn raw_bytes(&self) -> usize {
        self.raw.raw_bytes()
    }

    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    /// Stores the objects and says what the commit adds.
    pub async fn finish(
        self,
        objects: &dyn ObjectStore,
        keeps_roster: bool,
    ) -> Result<ManifestEntry, StageError> {
        let place = self.raw.place().clone();
        let written = self.raw.finish().await?;
        let mut roster = None;
        if keeps_roster && !self.roster.is_empty() {
            objects
                .put(&place.roster(), self.roster.encode().into())
                .await?;
            roster = Some(place.roster());
        }
        let mut tallies = Tallies::default();
        *tallies.at(place.begun) = self.accepted;
        Ok(ManifestEntry {
            roster,
            ..ManifestEntry::new(place, written, tallies)
        })
    }
}

#[async_trait]
impl<T: Noun + 'static> Output<T> for InventorySink {
    async fn record(&mut self, noun: T, raw: &[u8]) -> Result<(), OutputError> {
        if !is_object(raw) {
            let refused = RefusedRecord::whole("not an object", raw);
            return Output::<T>::refuse(self, refused).await;
        }
        self.page.listed += 1;
        let class = noun.class();
        let line = Line {
            id: noun.id().as_str(),
            version: &self.version,
            kind: class,
            of: noun.belongs_to().map(|of| of.as_str()),
            raw,
        };
        self.raw.line(line).await.map_err(output_error)?;
        self.page_roster.note(noun.id(), class == "removed");
        self.page.written += 1;
        Ok(())
    }

    async fn refuse(&mut self, refused: RefusedRecord<'_>) -> Result<(), OutputError> {
        self.page.listed += 1;
        self.raw
            .refuse(refused.reason, refused.raw, refused.bytes)
            .await
            .map_err(output_error)?;
        self.page.refused += 1;
        Ok(())
    }
}

pub fn output_error(error: RawError) -> OutputError {
    match error {
        RawError::Object(ObjectError::Unusable { reason }) => OutputError::Unusable { reason },
        other => OutputError::Store(other.into()),
    }
}

/// Addresses of files that events touched, bounded.
#[derive(Default)]
pub struct Touched(BTreeSet<String>);

/// More changed files than this in one commit are found by the next full sweep.
const TOUCHED_MAX: usize = 2_000;

impl Touched {
    pub fn note(&mut self, address: Option<String>) {
        if let Some(address) = address
            && self.0.len() < TOUCHED_MAX
        {
            self.0.insert(address);
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
