//! The commit of a group of bundles: objects first, then units, digests, gaps and manifest in one transaction.

use std::collections::BTreeMap;

use casbah_connector::Feed;
use casbah_lake::ManifestEntry;
use casbah_lake::seen::{self, Seen};
use casbah_model::SignedDuration;
use casbah_model::activity::ContentRef;
use casbah_model::connection::Cause;
use casbah_model::message::Stage;
use casbah_model::state::{Condition, Key, Set, Write};
use casbah_model::tally::{Tallies, Tally};
use serde::{Deserialize, Serialize};

use crate::bundles::{Outcome, Shared};
use crate::context::Context;
use crate::error::StageError;
use crate::items::{self, GapItem, Scope, StreamItem, stream_name};
use crate::sink::Touched;
use crate::step::{ATTEMPTS_MAX, Committed, Step};

/// How long a finished unit is remembered: longer than listings reach back.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(10 * 24);

/// Where the hashes of each partition of a feed are: one item, which only the feed's lane writes.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct SeenIndex {
    objects: BTreeMap<String, String>,
}

impl SeenIndex {
    pub(crate) async fn read(
        ctx: &Context,
        scope: &Scope,
        feed: &str,
    ) -> Result<SeenIndex, StageError> {
        let key = scope.seen(feed);
        let found = ctx.state.get(std::slice::from_ref(&key)).await?;
        match found.first() {
            Some(Some(item)) => items::read(&key, item),
            _ => Ok(SeenIndex::default()),
        }
    }

    pub(crate) fn object(&self, partition: &str) -> Option<&str> {
        self.objects.get(partition).map(String::as_str)
    }
}

/// Stores the group's objects, then moves everything at once; `None` when the lane moved on without us.
pub(crate) async fn commit(
    step: &mut Step<'_>,
    feed: &Feed,
    shared: Shared,
    index: &mut SeenIndex,
) -> Result<Option<(Seen, Touched)>, StageError> {
    let ctx = step.ctx;
    let Shared {
        raw,
        mut seen,
        mut tallies,
        touched,
        outcomes,
        ..
    } = shared;
    let place = raw.place().clone();
    let written = raw.finish().await?;
    let mut next_index = index.clone();
    let oldest = seen::oldest_partition(place.begun);
    next_index
        .objects
        .retain(|partition, _| *partition >= oldest);
    for (partition, hashes) in seen.changed() {
        let object = place.seen(&format!("{}-{partition}", feed.name));
        ctx.patient_objects()
            .put(&object, seen::encode(&hashes).into())
            .await?;
        next_index.objects.insert(partition.into(), object);
    }
    let mut writes = vec![Write::put(
        step.scope.seen(feed.name),
        items::write(&next_index),
    )];
    let mut gaps = BTreeMap::new();
    for (key, unit, outcome) in outcomes {
        settle(step, &key, &unit, &outcome, &mut tallies, &mut gaps);
        if let Outcome::Read(Some(next)) = &outcome {
            writes.extend(go_on(step, feed, next, &mut tallies).await?);
        }
        writes.push(unit_write(ctx, key, &unit, outcome));
    }
    writes.extend(gaps.into_values());
    let entry = ManifestEntry::new(place, written, tallies);
    match step.commit(Some(entry), writes).await? {
        Committed::Yes => {
            seen.committed();
            *index = next_index;
            Ok(Some((seen, touched)))
        }
        // Units move only under this lane's fence, so a refusal of one is a refusal of the lane.
        Committed::FencedOff | Committed::Refused { .. } => Ok(None),
    }
}

/// Counts what was not read; what is lost for good becomes a known gap.
fn settle(
    step: &Step<'_>,
    key: &Key,
    unit: &StreamItem,
    outcome: &Outcome,
    tallies: &mut Tallies,
    gaps: &mut BTreeMap<String, Write>,
) {
    let Some(content) = &unit.content else { return };
    if content.not_before.is_some() && !matches!(outcome, Outcome::Later { .. }) {
        tallies.at(content.available).bundles_listed += 1;
    }
    let why = match outcome {
        Outcome::Lost(code) => {
            *tallies.at(content.available) += Tally {
                listed: 1,
                lost: 1,
                ..Tally::default()
            };
            format!("the provider listed a bundle and did not have it any more ({code})")
        }
        Outcome::Failed(why) => {
            tallies.at(content.available).bundles_failed += 1;
            format!("a bundle was set aside after {ATTEMPTS_MAX} attempts: {why}")
        }
        Outcome::Read(_) | Outcome::Later { .. } => return,
    };
    let stream = step.name().to_string();
    let gap = GapItem {
        stream,
        from: content.available,
        to: content.available,
        why,
        at: step.ctx.now(),
    };
    let sk = format!("{}#{}#{}", gap.stream, gap.from, stream_name(key));
    gaps.insert(
        sk.clone(),
        Write::put(Key::new(step.scope.gaps(), sk), items::write(&gap)),
    );
}

/// The unit of a bundle that follows one that was read: made in the transaction that finishes the first, so that a chain
/// neither ends early nor is read twice. Only the feed's lane makes such units, under its fence.
async fn go_on(
    step: &Step<'_>,
    feed: &Feed,
    next: &ContentRef,
    tallies: &mut Tallies,
) -> Result<Option<Write>, StageError> {
    let key = step.scope.unit(feed.name, &next.id);
    let found = step.ctx.state.get(std::slice::from_ref(&key)).await?;
    if found.iter().any(Option::is_some) {
        return Ok(None);
    }
    tallies.at(next.available).bundles_listed += u64::from(next.not_before.is_none());
    let unit = new_unit(&step.scope, feed, next);
    Ok(Some(Write::create(key, items::write(&unit))))
}

/// The unit of a bundle that nobody has fetched yet.
pub(crate) fn new_unit(scope: &Scope, feed: &Feed, content: &ContentRef) -> StreamItem {
    let key = scope.unit(feed.name, &content.id);
    let wake = content.not_before.unwrap_or(content.available);
    let mut unit = StreamItem::new(&key, Stage::ActivityPoll, feed.components, wake);
    unit.queue = Some(scope.waiting(feed.name));
    unit.content = Some(content.clone());
    unit.index(&key);
    unit
}

fn unit_write(ctx: &Context, key: Key, unit: &StreamItem, outcome: Outcome) -> Write {
    let condition = Condition::All(vec![
        Condition::Equal("v", unit.v.into()),
        Condition::Equal("st", "RUN".into()),
    ]);
    let mut sets = vec![Set::To("v", (unit.v + 1).into())];
    let mut end = |state: &str| {
        sets.push(Set::To("st", state.into()));
        sets.push(Set::Remove("gw"));
        sets.push(Set::Remove("gk"));
        sets.push(Set::To(
            "expires",
            (ctx.now() + REMEMBERED).as_second().into(),
        ));
    };
    match outcome {
        Outcome::Read(_) | Outcome::Lost(_) => end("DONE"),
        Outcome::Failed(why) => {
            end("FAILED");
            sets.push(Set::To("trouble", trouble(why)));
        }
        Outcome::Later { at, attempts, why } => {
            sets.push(Set::To("wake", at.as_millisecond().into()));
            sets.push(Set::To("gk", at.as_millisecond().into()));
            sets.push(Set::To("att", attempts.into()));
            sets.push(Set::To("fails", (unit.fails + 1).into()));
            sets.extend(why.map(|why| Set::To("trouble", trouble(why))));
        }
    }
    Write::update(key, condition, sets)
}

fn trouble(why: String) -> serde_json::Value {
    let cause = Cause::new(
        "bundle",
        why,
        "it is tried again by itself with growing waits",
    );
    serde_json::to_value(cause).expect("causes are plain")
}
