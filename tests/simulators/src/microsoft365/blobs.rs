//! Blobs of audit records: made when they are read, the huge one while it is read.

use std::sync::Arc;

use async_trait::async_trait;
use casbah_model::transport::{Body, Bytes, Headers, TransportError};

use super::desk::Desk;
use super::faults::Fault;
use super::plan::ContentType;
use super::records::{Oddity, Scene, push_record};
use super::schedule::{Blob, CONTENT_LIFE, DEED};
use super::tenant::Tenant;
use super::wire::management_error;
use crate::answer::{Answer, CHUNK_BYTES, Content};
use crate::moment::{DAY, HOUR, Millis};

/// Bytes that make a record one of a megabyte.
const LARGE_RECORD: usize = 1_000_000;

impl Desk<'_> {
    pub fn blob(&mut self, id: &str) -> Answer {
        let Some(blob) = Blob::parse(id) else {
            return management_error(
                400,
                "AF20052",
                &format!("Content ID {id} in the URL is invalid."),
            );
        };
        let missing = |code: &str, what: &str| {
            management_error(400, code, &format!("The specified content ({id}) {what}."))
        };
        for (fault, code) in [
            (Fault::BlobExpired, "AF20051"),
            (Fault::BlobVanished, "AF20050"),
        ] {
            let occasion = (blob.created as u64) << 20 | blob.part;
            let is_lost = self.state.world.lost.contains_key(&blob);
            if !is_lost && self.state.switches.strikes_at(fault, occasion).is_some() {
                self.state.world.lost.insert(blob, code);
            }
        }
        match self.state.world.lost.get(&blob) {
            Some(&"AF20051") => {
                return missing("AF20051", "has expired and can no longer be retrieved");
            }
            Some(_) => return missing("AF20050", "does not exist"),
            None => {}
        }
        if blob.created + CONTENT_LIFE <= self.now {
            return missing("AF20051", "has expired and can no longer be retrieved");
        }
        if blob.is_huge() && self.state.switches.settings(Fault::HugeBlob).is_some() {
            return self.huge();
        }
        let records = self
            .state
            .schedule
            .records(blob)
            .filter(|_| blob.created <= self.now);
        match records {
            Some(records) => Answer::json(200, self.blob_text(blob, records)),
            None => missing("AF20050", "does not exist"),
        }
    }

    fn blob_text(&mut self, blob: Blob, mut records: Vec<u64>) -> String {
        if self
            .state
            .switches
            .settings(Fault::DuplicateRecords)
            .is_some()
        {
            let before = self
                .state
                .schedule
                .blobs(blob.feed, blob.created - DAY, blob.created);
            // What was published while the feed was off is nobody's to see.
            let subscription = self.state.world.subscriptions.get(&blob.feed);
            let before = before
                .last()
                .filter(|blob| subscription.is_some_and(|known| known.was_on(blob.created)))
                .and_then(|blob| self.state.schedule.records(*blob));
            for number in before.unwrap_or_default() {
                let fault = Fault::DuplicateRecords;
                if self.state.switches.strikes_at(fault, number).is_some() {
                    records.push(number);
                    self.state.world.duplicates += 1;
                }
            }
        }
        self.state.schedule.shuffle(blob, &mut records);
        // About 1,300 bytes per record.
        let mut out = String::with_capacity(records.len() * 1600);
        for (place, number) in records.into_iter().enumerate() {
            out.push(if place == 0 { '[' } else { ',' });
            let oddity = self.oddity(number);
            let told = self.state.world.told.get(&number);
            push_record(&mut out, self.tenant, &self.scene(number), told, oddity);
        }
        out.push(']');
        out
    }

    fn oddity(&mut self, number: u64) -> Oddity {
        let switches = &mut self.state.switches;
        let mut strikes = |fault| switches.strikes_at(fault, number).is_some();
        Oddity {
            is_without_id: strikes(Fault::RecordWithoutId),
            is_of_unknown_type: strikes(Fault::UnknownRecordTypes),
            padding: if strikes(Fault::RecordOf1mb) {
                LARGE_RECORD
            } else {
                0
            },
        }
    }

    /// What happened in an event.
    pub fn scene(&self, number: u64) -> Scene {
        if number >= DEED {
            return self.state.world.scenes[(number - DEED) as usize].1;
        }
        let event = self.state.schedule.event(self.plan, number);
        Scene::of(self.tenant, number, event.feed, event.at)
    }

    /// The extra blob holds new records of its own, made while it is read.
    fn huge(&self) -> Answer {
        let body = HugeBody {
            tenant: Arc::clone(self.tenant),
            at: self.huge_blob().created,
            bytes_left: self.plan.huge_blob_bytes,
            number: HUGE_FIRST,
        };
        let headers = Headers::default().with("Content-Type", "application/json; charset=utf-8");
        Answer {
            status: 200,
            headers,
            content: Content::Stream(Box::new(body)),
        }
    }
}

/// The first event of the huge blob; no other events have numbers that high.
const HUGE_FIRST: u64 = 1 << 42;

struct HugeBody {
    tenant: Arc<Tenant>,
    at: Millis,
    bytes_left: u64,
    number: u64,
}

#[async_trait]
impl Body for HugeBody {
    async fn chunk(&mut self) -> Result<Option<Bytes>, TransportError> {
        if self.bytes_left == 0 {
            return Ok(None);
        }
        let mut out = String::with_capacity(CHUNK_BYTES + 4096);
        while out.len() < CHUNK_BYTES && (out.len() as u64) < self.bytes_left {
            out.push(if self.number == HUGE_FIRST { '[' } else { ',' });
            let scene = Scene::of(
                &self.tenant,
                self.number,
                ContentType::SharePoint,
                self.at - HOUR,
            );
            push_record(&mut out, &self.tenant, &scene, None, Oddity::default());
            self.number += 1;
        }
        self.bytes_left = self.bytes_left.saturating_sub(out.len() as u64);
        if self.bytes_left == 0 {
            out.push(']');
        }
        Ok(Some(Bytes::from(out)))
    }
}
