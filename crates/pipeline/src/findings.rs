//! Findings: files that break a policy, how each stands, and what is told of it.
//!
//! Each root has a unit here, which is due when its files were listed or looked into. One lane judges one root after the
//! other: what it finds is compared with what was found before, and only what stands, or says, something else is told. The
//! unit names the object with what stands by now; it moves in the transaction that commits what is told, so a finding is
//! told once, whoever dies (decision 0014).

mod accept;
mod finding;
mod judge;

use std::collections::BTreeMap;

use casbah_lake::read::{self, ReadError};
use casbah_lake::view::{IdKey, pack};
use casbah_lake::{ManifestEntry, ObjectEntry, RawError};
use casbah_model::app::Component;
use casbah_model::connection::Cause;
use casbah_model::file::Root;
use casbah_model::message::{Stage, ViewName};
use casbah_model::ports::ObjectError;
use casbah_model::record::hex;
use casbah_model::state::{Condition, Key, Keyed, Set, Write};
use casbah_model::{SignedDuration, Timestamp};
use casbah_policy::{Policies, Severity, Standing};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::contents;
use crate::context::Context;
use crate::error::StageError;
use crate::file_hints::{make_due, make_due_or_new};
use crate::file_scan;
use crate::hint::{index_sets, nudge};
use crate::items::{self, ConnectionItem, Position, Scope, StreamItem, StreamState, stream_name};
use crate::journal::Journal;
use crate::lane;
use crate::status::all_units;
use crate::step::{Committed, Next, Step};
use crate::view;
use judge::{Found, Judge};

pub use accept::{accept, reopen};
pub use finding::{Acceptance, FAMILY, Finding};

/// The lane's name, and that of the units that wait for it.
pub const STREAM: &str = "findings";
pub const QUEUE: &str = "findings";
/// Whose work it is: that of who makes tables, since both read roots as views do, and neither calls a vendor.
const STAGE: Stage = Stage::Compact;
/// Units of one commit: a transaction has a hundred writes at most (DynamoDB API reference, "TransactWriteItems").
const UNITS_PER_COMMIT: usize = 40;
/// Records of one commit, roughly: a unit is judged as a whole.
const RECORDS_PER_COMMIT: u64 = 2_000;
/// A root is judged again not before this, and not before so much per item in it, so that the work of a root that changes
/// all the time does not grow with its size.
const AGAIN_MIN: SignedDuration = SignedDuration::from_secs(5);
const AGAIN_MAX: SignedDuration = SignedDuration::from_mins(5);
const ITEMS_PER_SECOND: u64 = 2_000;
/// What [`make_due`] adds to it.
const SOON_AGAIN: SignedDuration = SignedDuration::from_secs(30);
/// What cannot be read is tried again after this.
const TROUBLE_AGAIN: SignedDuration = SignedDuration::from_mins(15);

/// The lane, as it begins.
pub(crate) fn stream(scope: &Scope, now: Timestamp) -> (Key, StreamItem) {
    let key = scope.stream(STREAM);
    let stream = StreamItem::new(&key, STAGE, &[Component::Files], now);
    (key, stream)
}

pub(crate) fn is_ours(step: &Step<'_>) -> bool {
    step.name() == STREAM && step.key.pk == step.scope.pk()
}

/// Makes a root due, because its files were listed or looked into.
pub(crate) async fn look_at(ctx: &Context, scope: &Scope, root: &Root) -> Result<(), StageError> {
    if !ctx.settings.judges_files {
        return Ok(());
    }
    let key = scope.unit(QUEUE, &finding::unit_id(&root.id));
    let is_due = make_due_or_new(ctx, &key, || {
        let mut unit = StreamItem::new(&key, STAGE, &[Component::Files], ctx.now());
        unit.queue = Some(scope.waiting(QUEUE));
        unit.root = Some(root.clone());
        unit
    })
    .await?;
    if is_due {
        nudge(ctx, &scope.stream(STREAM)).await?;
    }
    Ok(())
}

/// What the lane has judged by.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Cursor {
    policies: String,
}

/// How a root was judged last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Judged {
    /// A digest of what was looked at, and by what.
    of: String,
    /// What stands, where there is something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kept: Option<ObjectEntry>,
    /// When it has to be looked at although nothing has changed: something is new no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    again: Option<Timestamp>,
    #[serde(default)]
    counts: Counts,
}

/// Findings, by how they stand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// New ones included.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub open: BTreeMap<Severity, u64>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub standing: BTreeMap<Standing, u64>,
}

impl Counts {
    fn of(all: &[Finding]) -> Counts {
        let mut counts = Counts::default();
        for finding in all {
            *counts.standing.entry(finding.standing).or_default() += 1;
            if finding.standing.is_open() {
                *counts.open.entry(finding.severity).or_default() += 1;
            }
        }
        counts
    }

    fn join(&mut self, other: &Counts) {
        for (severity, count) in &other.open {
            *self.open.entry(*severity).or_default() += count;
        }
        for (standing, count) in &other.standing {
            *self.standing.entry(*standing).or_default() += count;
        }
    }
}

/// How far the judging is, and what stands.
#[derive(Debug, Serialize)]
pub struct FindingsStatus {
    /// Drives, sites or trees whose files are judged, and those of them that are judged as they are known now.
    pub roots: u64,
    pub roots_done: u64,
    #[serde(flatten)]
    pub counts: Counts,
}

/// How findings stand; `None` where nothing is judged.
pub(crate) async fn status(
    ctx: &Context,
    scope: &Scope,
) -> Result<Option<FindingsStatus>, StageError> {
    let units = all_units(ctx, scope, QUEUE).await?;
    if units.is_empty() {
        return Ok(None);
    }
    let mut all = FindingsStatus {
        roots: units.len() as u64,
        roots_done: 0,
        counts: Counts::default(),
    };
    for (key, unit) in &units {
        all.roots_done += u64::from(unit.st == StreamState::Done);
        let judged: Option<Judged> = unit.cursor(key)?;
        all.counts.join(&judged.unwrap_or_default().counts);
    }
    Ok(Some(all))
}

/// Calls `each` with every finding that stands, root by root. What was accepted meanwhile is told as accepted.
pub async fn each(
    ctx: &Context,
    connection: &ConnectionItem,
    mut each: impl FnMut(Finding),
) -> Result<(), StageError> {
    let scope = connection.scope();
    let accepted = accept::all(ctx, &scope).await?;
    for (key, _) in all_units(ctx, &scope, QUEUE).await? {
        for finding in of_unit(ctx, &key).await? {
            each(accept::shown(finding, &accepted));
        }
    }
    Ok(())
}

/// Calls `each` with every file that would break a policy of these by what is known now. Nothing is kept of it.
pub async fn would_be(
    ctx: &Context,
    connection: &ConnectionItem,
    policies: &Policies,
    mut each: impl FnMut(Finding),
) -> Result<(), StageError> {
    let mut judge = Judge::new(ctx, connection, policies).await?;
    for (_, files) in all_units(ctx, &connection.scope(), file_scan::QUEUE).await? {
        let Some(root) = &files.root else { continue };
        let unit = finding::unit_id(&root.id);
        let known = Known::of(ctx, connection, root).await?;
        let found = judge.root(unit.as_str(), &known, vec![]).await?;
        found.all.into_iter().for_each(&mut each);
    }
    Ok(())
}

/// What is known of a root by now.
#[derive(Default)]
struct Known {
    /// Its files; none before it was read whole.
    view: Option<ViewName>,
    /// The unit that looks into them, if one does.
    inside: Option<StreamItem>,
    /// Records of its files.
    items: u64,
}

impl Known {
    async fn of(
        ctx: &Context,
        connection: &ConnectionItem,
        root: &Root,
    ) -> Result<Known, StageError> {
        let scope = connection.scope();
        let keys = [
            scope.unit(file_scan::QUEUE, &root.id),
            scope.unit(contents::QUEUE, &contents::unit_id(&root.id)),
        ];
        let found = ctx.state.get(&keys).await?;
        let mut units = vec![];
        for (key, item) in keys.iter().zip(found) {
            units.push(item.map(|item| items::read(key, &item)).transpose()?);
        }
        let inside: Option<StreamItem> = units.pop().flatten();
        let Some(files) = units.pop().flatten() else {
            return Ok(Known::default());
        };
        Ok(Known {
            view: view::of_root(ctx, &scope, &files).await?,
            inside,
            items: files.records,
        })
    }

    /// Up to where its files are listed and looked into.
    fn at(&self) -> (Option<String>, Option<Position>) {
        let inside = self.inside.as_ref().and_then(|inside| inside.published);
        (self.view.as_ref().map(view::version), inside)
    }

    fn digest(&self, judge: &Judge<'_>, unit: &str, now: Timestamp) -> String {
        let accepted: Vec<_> = judge.accepted_in(unit).collect();
        let ages = judge.policies.ask_for_age();
        let day = ages.then(|| now.strftime("%Y-%m-%d").to_string());
        let policies = edition(judge.policies);
        digest(&format!("{:?} {accepted:?} {day:?} {policies}", self.at()))
    }
}

/// Differs when policies differ.
fn edition(policies: &Policies) -> String {
    digest(&format!("{policies:?}"))
}

fn digest(text: &str) -> String {
    let IdKey(first, second) = IdKey::of(text);
    format!("{first:016x}{second:016x}")
}

/// The step of the lane: judges one root after the other until none is due or time is over.
pub(crate) async fn work(mut step: Step<'_>) -> Result<(), StageError> {
    let ctx = step.ctx;
    let Some(policies) = ctx.policies.clone() else {
        return step
            .release(Next::CaughtUp(ctx.now() + lane::IDLE), None)
            .await;
    };
    if !judge_by(&mut step, &policies).await? {
        return Ok(());
    }
    let waiting = step.scope.waiting(QUEUE);
    let next = loop {
        if !step.has_time() {
            break Next::Continue;
        }
        let now_ms = ctx.now().as_millisecond();
        let due = ctx.state.due(&waiting, now_ms, UNITS_PER_COMMIT).await?;
        if due.is_empty() {
            let soon = ctx.now() + SignedDuration::from_secs(1);
            let (next, trouble) = lane::idle_until(ctx, &waiting, soon).await?;
            step.stream.trouble = trouble;
            break next;
        }
        match turn(&mut step, &policies, due).await? {
            Committed::Yes => {}
            // Somebody removed a root in this moment.
            Committed::Refused { .. } => break Next::Continue,
            Committed::FencedOff => return Ok(()),
        }
        if !step.is_still_wanted().await? {
            break Next::Wait(ctx.now() + lane::IDLE);
        }
    };
    let key = step.key.clone();
    let is_idle = matches!(next, Next::CaughtUp(_));
    step.release(next, None).await?;
    // A unit that came between the last look and the release found the lane at work and did not wake it.
    let now_ms = ctx.now().as_millisecond();
    if is_idle && !ctx.state.due(&waiting, now_ms, 1).await?.is_empty() {
        nudge(ctx, &key).await?;
    }
    Ok(())
}

/// Makes every root due when the policies are others than the last time; false when somebody else has the lane.
async fn judge_by(step: &mut Step<'_>, policies: &Policies) -> Result<bool, StageError> {
    let now = Cursor {
        policies: edition(policies),
    };
    let before: Option<Cursor> = step.stream.cursor(&step.key)?;
    if before.as_ref() == Some(&now) {
        return Ok(true);
    }
    for (key, unit) in all_units(step.ctx, &step.scope, QUEUE).await? {
        make_due(step.ctx, &key, unit).await?;
    }
    step.stream.cur = Some(serde_json::to_value(&now).expect("a cursor is plain"));
    Ok(step.commit(None, vec![]).await? == Committed::Yes)
}

/// What judging one root came to.
struct Verdict {
    next: Judged,
    told: Vec<Finding>,
    known: Known,
}

/// Judges as many of the roots as one commit takes.
async fn turn(
    step: &mut Step<'_>,
    policies: &Policies,
    due: Vec<Keyed>,
) -> Result<Committed, StageError> {
    let ctx = step.ctx;
    let connection = step.connection.clone();
    let mut judge = Judge::new(ctx, &connection, policies).await?;
    let mut journal = Journal::new::<Finding>(step, ctx)?;
    let (mut writes, mut judged, mut over) = (vec![], vec![], vec![]);
    for Keyed { key, item } in due {
        let unit: StreamItem = items::read(&key, &item)?;
        let name = step.place(FAMILY).findings(writes.len() as u32);
        let write = match judge_unit(&mut judge, &key, &unit, &name).await {
            Ok(verdict) => {
                for finding in &verdict.told {
                    journal.note(finding).await?;
                }
                let before = unit.cursor::<Judged>(&key)?.and_then(|before| before.kept);
                over.extend(before.filter(|before| verdict.next.kept.as_ref() != Some(before)));
                let write = done(&key, unit.clone(), &verdict, ctx.now());
                judged.extend(unit.root.map(|root| (root, verdict.known)));
                write
            }
            // The others do not wait for it.
            Err(error @ (StageError::Read(_) | StageError::Unpublished { .. })) => {
                let why = error.chain();
                tracing::error!(connection = %step.scope, unit = stream_name(&key), why, "not judged");
                put_off(&key, unit, why, ctx.now())
            }
            Err(error) => return Err(error),
        };
        writes.push(write);
        if journal.records() >= RECORDS_PER_COMMIT || !step.has_time() {
            break;
        }
    }
    let entry: Option<ManifestEntry> = journal.finish().await?;
    let committed = step.commit(entry, writes).await?;
    if committed != Committed::Yes {
        return Ok(committed);
    }
    for object in over {
        // Nobody names it any more; one that stays costs its bytes.
        if let Err(error) = ctx.objects.delete(&object.name).await {
            tracing::debug!(object = object.name, %error, "what stood before is still there");
        }
    }
    // What became known while this was at work could not make the root due.
    for (root, known) in judged {
        if Known::of(ctx, &connection, &root).await?.at() != known.at() {
            look_at(ctx, &step.scope, &root).await?;
        }
    }
    Ok(committed)
}

/// Judges a root, unless all is as it was the last time; `name` is that of the object with what stands then.
async fn judge_unit(
    judge: &mut Judge<'_>,
    key: &Key,
    unit: &StreamItem,
    name: &str,
) -> Result<Verdict, StageError> {
    let ctx = judge.ctx;
    let id = stream_name(key);
    let before: Judged = unit.cursor(key)?.unwrap_or_default();
    let known = match &unit.root {
        Some(root) => Known::of(ctx, judge.connection, root).await?,
        None => Known::default(),
    };
    let of = known.digest(judge, id, ctx.now());
    let is_same = before.of == of && before.again.is_none_or(|again| again > ctx.now());
    if is_same || known.view.is_none() {
        return Ok(Verdict {
            next: before,
            told: vec![],
            known,
        });
    }
    let kept = kept(ctx, &before).await?;
    let Found { all, told } = judge.root(id, &known, kept).await?;
    let kept = match told.is_empty() && before.kept.is_some() {
        true => before.kept,
        false => keep(ctx, name, &all).await?,
    };
    let new = all.iter().filter(|one| one.standing == Standing::New);
    let next = Judged {
        of,
        kept,
        again: new.map(|one| one.since + judge::NEW_FOR).min(),
        counts: Counts::of(&all),
    };
    Ok(Verdict { next, told, known })
}

/// What stands by a judgement.
async fn kept(ctx: &Context, judged: &Judged) -> Result<Vec<Finding>, StageError> {
    let mut kept = vec![];
    let Some(object) = &judged.kept else {
        return Ok(kept);
    };
    let mut unreadable = None;
    read::lines(&*ctx.objects, object, |line| {
        match serde_json::from_slice(line) {
            Ok(finding) => kept.push(finding),
            Err(error) => unreadable = Some(error),
        }
    })
    .await?;
    match unreadable {
        None => Ok(kept),
        Some(error) => Err(StageError::Read(ReadError::Unreadable {
            name: object.name.clone(),
            source: error.into(),
        })),
    }
}

/// Stores what stands; `None` when nothing does.
async fn keep(
    ctx: &Context,
    name: &str,
    all: &[Finding],
) -> Result<Option<ObjectEntry>, StageError> {
    if all.is_empty() {
        return Ok(None);
    }
    let mut lines = vec![];
    for finding in all {
        serde_json::to_writer(&mut lines, finding).expect("a finding is plain");
        lines.push(b'\n');
    }
    let packed = pack(&lines).map_err(|error| StageError::Raw(RawError::Compress(error)))?;
    let object = ObjectEntry {
        name: name.into(),
        records: all.len() as u64,
        bytes: packed.len() as u64,
        sha256: hex(&Sha256::digest(&packed)),
    };
    ctx.patient_objects().put(name, packed.into()).await?;
    Ok(Some(object))
}

/// What the unit with this key keeps, by now.
async fn of_unit(ctx: &Context, key: &Key) -> Result<Vec<Finding>, StageError> {
    let mut tries = READS_MAX;
    loop {
        let found = ctx.state.get(std::slice::from_ref(key)).await?;
        let Some(item) = found.into_iter().next().flatten() else {
            return Ok(vec![]);
        };
        let unit: StreamItem = items::read(key, &item)?;
        let judged: Judged = unit.cursor(key)?.unwrap_or_default();
        tries -= 1;
        match kept(ctx, &judged).await {
            // It was judged again in this moment.
            Err(StageError::Read(ReadError::Object(ObjectError::NotFound { .. }))) if tries > 0 => {
            }
            done => return done,
        }
    }
}

/// Readings of what stands, of which each but the last may meet another judgement.
const READS_MAX: u32 = 3;

fn done(key: &Key, mut unit: StreamItem, verdict: &Verdict, now: Timestamp) -> Write {
    let pace = SignedDuration::from_secs((verdict.known.items / ITEMS_PER_SECOND) as i64);
    let again = now + pace.clamp(AGAIN_MIN, AGAIN_MAX) - SOON_AGAIN;
    unit.cur = Some(serde_json::to_value(&verdict.next).expect("a judgement is plain"));
    unit.trouble = None;
    moved(key, unit, StreamState::Done, again)
}

fn put_off(key: &Key, mut unit: StreamItem, why: String, now: Timestamp) -> Write {
    let fix =
        "it is tried again in a quarter of an hour; `casbah ledger --verify` names what is missing";
    unit.trouble = Some(Cause::new("unreadable", why, fix));
    moved(key, unit, StreamState::Run, now + TROUBLE_AGAIN)
}

fn moved(key: &Key, mut unit: StreamItem, state: StreamState, wake: Timestamp) -> Write {
    let before = Condition::Equal("v", unit.v.into());
    unit.v += 1;
    unit.st = state;
    unit.wake = wake.as_millisecond();
    unit.caught_up = state == StreamState::Done;
    unit.index(key);
    let item = items::write(&unit);
    let named = ["v", "st", "wake", "caught_up", "cur", "trouble"];
    let set = |name: &'static str| match item.get(name) {
        Some(value) => Set::To(name, value.clone()),
        None => Set::Remove(name),
    };
    let sets = named.map(set).into_iter().chain(index_sets(&unit));
    Write::update(key.clone(), before, sets.collect())
}
