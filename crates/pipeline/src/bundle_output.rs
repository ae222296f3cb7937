//! Where the records of one bundle go: counted at the door, looked for among those that were seen, written as lines.

use async_trait::async_trait;
use casbah_connector::{ActivityOutput, ConnectorError, OutputError, RefusedRecord};
use casbah_lake::Line;
use casbah_lake::raw::is_object;
use casbah_lake::seen;
use casbah_model::activity::{Activity, ContentRef};
use casbah_model::event::Event;
use casbah_model::record::Noun;
use casbah_model::state::Key;
use casbah_model::tally::Tally;

use crate::bundles::{Group, Outcome, Shared};
use crate::error::StageError;
use crate::items::StreamItem;

/// Takes the records of one bundle; from its first record to its end nobody else writes.
pub(crate) struct BundleOutput<'a> {
    pub(crate) group: &'a Group<'a>,
    pub(crate) content: &'a ContentRef,
    pub(crate) guard: Option<futures::lock::MutexGuard<'a, Shared>>,
    pub(crate) tally: Tally,
}

impl<'a> BundleOutput<'a> {
    async fn shared(&mut self) -> &mut Shared {
        if self.guard.is_none() {
            self.guard = Some(self.group.shared.lock().await);
        }
        self.guard.as_mut().expect("the lock was taken above")
    }

    pub(crate) async fn accept(
        mut self,
        key: &Key,
        unit: &StreamItem,
        next: Option<ContentRef>,
    ) -> Result<(), ConnectorError> {
        let hour = self.content.available;
        let tally = Tally {
            bundles_read: 1,
            ..self.tally
        };
        let shared = self.shared().await;
        if let Err(error) = shared.raw.accept().await {
            // What other bundles had written went with it: nothing of this group may be committed.
            return Err(shared.fail(error).into());
        }
        shared.seen.accept();
        *shared.tallies.at(hour) += tally;
        shared.settle(key.clone(), unit.clone(), Outcome::Read(next));
        Ok(())
    }

    pub(crate) async fn discard(mut self) {
        if self.guard.is_some() {
            let shared = self.shared().await;
            shared.raw.discard();
            shared.seen.discard();
        }
    }
}

#[async_trait]
impl ActivityOutput for BundleOutput<'_> {
    async fn record(
        &mut self,
        activity: Activity,
        event: &Event<'_>,
        raw: &[u8],
    ) -> Result<(), OutputError> {
        if !is_object(raw) {
            let refused = RefusedRecord::whole("not an object", raw);
            return self.refuse(refused).await;
        }
        self.tally.listed += 1;
        let (group, available) = (self.group, self.content.available);
        let shared = self.shared().await;
        let begun = shared.raw.place().begun;
        let partition = shared.partitions.of(activity.occurred, begun);
        if !shared.seen.has(partition) {
            match load(group, partition).await {
                Ok(known) => shared.seen.load(partition, known),
                Err(error) => {
                    let text = error.to_string();
                    shared.fault = Some(error);
                    return Err(OutputError::Store(text.into()));
                }
            }
        }
        if !shared.seen.insert(partition, activity.id.hash()) {
            self.tally.duplicate += 1;
            return Ok(());
        }
        let line = Line {
            id: activity.id.as_str(),
            version: "0",
            kind: activity.class(),
            of: None,
            raw,
        };
        if let Err(error) = shared.raw.line(line).await {
            return Err(shared.fail(error));
        }
        let times = (available, begun);
        let write = |out: &mut Vec<u8>| group.normaliser.write(event, times, out);
        if let Err(error) = shared.raw.event(write).await {
            return Err(shared.fail(error));
        }
        shared.touched.note(activity.touched_file);
        self.tally.written += 1;
        self.tally.unknown += u64::from(!activity.is_known);
        Ok(())
    }

    async fn refuse(&mut self, refused: RefusedRecord<'_>) -> Result<(), OutputError> {
        self.tally.listed += 1;
        let shared = self.shared().await;
        let kept = shared
            .raw
            .refuse(refused.reason, refused.raw, refused.bytes)
            .await;
        if let Err(error) = kept {
            return Err(shared.fail(error));
        }
        self.tally.refused += 1;
        Ok(())
    }
}

async fn load(group: &Group<'_>, partition: &str) -> Result<Vec<u64>, StageError> {
    match group.index.lock().await.object(partition) {
        Some(object) => Ok(seen::read(&*group.ctx.objects, object).await?),
        None => Ok(vec![]),
    }
}
