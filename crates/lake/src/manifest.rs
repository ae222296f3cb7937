//! What one commit added: the list that readers follow instead of listing objects.

use casbah_model::Timestamp;
use casbah_model::tally::Tallies;
use serde::{Deserialize, Serialize};

use crate::layout::Place;
use crate::raw::Written;

/// One commit of one stream; written in the transaction that moves its cursor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ManifestEntry {
    pub epoch: u32,
    pub sequence: u64,
    pub fence: u64,
    pub family: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<ObjectEntry>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quarantine: Vec<ObjectEntry>,
    /// What the records say in OCSF, each event on the same line as its record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<ObjectEntry>,
    /// The ids this commit saw, for streams whose complete passes tell what is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roster: Option<String>,
    /// The span of the cursor's axis that this commit covers; consecutive entries touch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
    pub at: Timestamp,
    pub tallies: Tallies,
}

impl ManifestEntry {
    /// What a commit at this place adds with these objects; a roster and a span are for those who have them.
    pub fn new(place: Place, written: Written, tallies: Tallies) -> ManifestEntry {
        ManifestEntry {
            epoch: place.epoch,
            sequence: place.sequence,
            fence: place.fence,
            family: place.family,
            objects: written.records,
            quarantine: written.quarantine,
            events: written.events,
            roster: None,
            from: None,
            to: None,
            at: place.begun,
            tallies,
        }
    }

    pub fn records(&self) -> u64 {
        self.objects.iter().map(|object| object.records).sum()
    }

    /// Every object whose content the entry vouches for.
    pub fn vouched(&self) -> impl Iterator<Item = &ObjectEntry> {
        let aside = self.quarantine.iter().chain(&self.events);
        self.objects.iter().chain(aside)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectEntry {
    pub name: String,
    pub records: u64,
    /// Compressed.
    pub bytes: u64,
    pub sha256: String,
}
