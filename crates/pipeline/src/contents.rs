//! What files hold: behind the sweep, each file that it committed is looked into, once.
//!
//! Each root has a unit here beside the one that lists it. Its cursor is a place in the manifest of the root's files, so
//! every listed file is come by once, in the order of commits, whatever dies. A unit is made due by whoever finishes the
//! listing of its root; a hint that is lost is made up for by the next sweep.

mod memory;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use casbah_connector::{
    ConnectorError, ContentSource, Download, Holding, Output, PageEnd, Recovery, Session, Withheld,
};
use casbah_lake::ManifestEntry;
use casbah_lake::read;
use casbah_model::app::Component;
use casbah_model::cursor::Cursor;
use casbah_model::file::Root;
use casbah_model::inspection::{Extent, Inspection, Looked, Vanished};
use casbah_model::message::{Stage, Ticket};
use casbah_model::ports::{Inspector, Query};
use casbah_model::record::RecordId;
use casbah_model::state::Key;
use casbah_model::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::error::StageError;
use crate::file_hints::make_due_or_new;
use crate::file_scan;
use crate::findings;
use crate::hint::nudge;
use crate::items::{self, Position, Scope, StreamItem, StreamState};
use crate::lane;
use crate::page_loop::{Group, Pages, group};
use crate::sink::InventorySink;
use crate::status::all_units;
use crate::step::{Next, Step};
use memory::Claim;

pub(crate) use memory::{partitions, unit_id};

/// The name under which units wait for lanes, and of what is known of files.
pub const QUEUE: &str = "contents";
/// What the name of a unit begins with: the root's own is the one of its files.
const INSIDE: &str = "in:";
/// Whether a unit of this name looks into files, and does not list them.
pub fn is_name(unit: &str) -> bool {
    unit.starts_with(INSIDE)
}

/// Lanes that look into files, each into one at a time: a large one takes all the memory there is.
pub const LANES: usize = 2;
/// Records of files that one page comes by, and what it may fetch: then it is time to look at the clock.
const RECORDS_PER_PAGE: usize = 200;
const FETCHES_PER_PAGE: usize = 8;
const BYTES_PER_PAGE: u64 = 32 << 20;

pub fn is_unit(step: &Step<'_>) -> bool {
    step.key.pk == step.scope.units(QUEUE)
}

pub fn is_lane(step: &Step<'_>) -> bool {
    step.name().starts_with("contents-")
}

/// The lanes, as they begin.
pub fn streams(scope: &Scope, now: Timestamp) -> Vec<(Key, StreamItem)> {
    let stream = |lane| {
        let key = scope.stream(&format!("contents-{lane}"));
        let stream = StreamItem::new(&key, Stage::FileScan, &[Component::Files], now);
        (key, stream)
    };
    (0..LANES).map(stream).collect()
}

/// Makes the unit due that looks into the files of a root, because more of them are listed.
pub async fn look_at(ctx: &Context, scope: &Scope, root: &Root) -> Result<(), StageError> {
    if !ctx.settings.looks_inside {
        return Ok(());
    }
    let key = scope.unit(QUEUE, &unit_id(&root.id));
    let is_due = make_due_or_new(ctx, &key, || {
        let mut unit = StreamItem::new(&key, Stage::FileScan, &[Component::Files], ctx.now());
        unit.queue = Some(scope.waiting(QUEUE));
        unit.root = Some(root.clone());
        unit
    })
    .await?;
    if is_due {
        let lane = ctx.rng.next_u64() as usize % LANES;
        nudge(ctx, &scope.stream(&format!("contents-{lane}"))).await?;
    }
    Ok(())
}

/// The step of a lane: works on one unit after the other until none is due or time is over.
pub async fn work(mut step: Step<'_>, ticket: Option<Ticket>) -> Result<(), StageError> {
    let ctx = step.ctx;
    let (session, connector) = ctx
        .session(&step.connection, ticket, step.budget_end)
        .await?;
    let (Some(source), Some(inspector)) = (connector.contents(), ctx.inspector.as_ref()) else {
        return step
            .release(Next::CaughtUp(ctx.now() + lane::IDLE), None)
            .await;
    };
    let waiting = step.scope.waiting(QUEUE);
    let mut taken = BTreeMap::new();
    let next = loop {
        if !step.has_time() {
            break Next::Continue;
        }
        let Some((key, version)) = file_scan::pick(ctx, &waiting, &taken).await? else {
            let soon = ctx.now() + SignedDuration::from_secs(1);
            let (next, trouble) = lane::idle_until(ctx, &waiting, soon).await?;
            step.stream.trouble = trouble;
            break next;
        };
        taken.insert(key.clone(), version);
        if let Some(unit) = Step::begin(ctx, &key, version).await?
            && let Some(until) = look_inside(unit, &session, source, inspector).await?
        {
            break Next::Wait(until);
        }
    };
    lane::end(step, &session, next, &waiting).await
}

/// The step of a unit that the sweeper found: its lane died.
pub async fn work_alone(step: Step<'_>, ticket: Option<Ticket>) -> Result<(), StageError> {
    let ctx = step.ctx;
    let (session, connector) = ctx
        .session(&step.connection, ticket, step.budget_end)
        .await?;
    let (Some(source), Some(inspector)) = (connector.contents(), ctx.inspector.as_ref()) else {
        return step
            .release(Next::CaughtUp(ctx.now() + lane::IDLE), None)
            .await;
    };
    look_inside(step, &session, source, inspector).await?;
    session.gates().finish().await;
    Ok(())
}

/// Where a unit stands: the commit of the root's files, and how many of its records are done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct At {
    ep: u32,
    seq: u64,
    record: usize,
    /// When this pass began, and what it looks for.
    begun: Timestamp,
    edition: String,
    #[serde(flatten)]
    told: Told,
}

/// What a pass over a root's files has brought so far. A file that changed meanwhile counts again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    pub looks: u64,
    pub sensitive: u64,
    pub partly: u64,
    /// Files that were not looked into, by the reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub not_read: BTreeMap<String, u64>,
    /// Of those not read: what keeps them from being read may pass.
    #[serde(default)]
    pub withheld: u64,
}

/// Reasons that are counted apart; there are a dozen, and some are the vendor's words.
const REASONS_MAX: usize = 24;
const OTHER_REASONS: &str = "other";

impl Told {
    fn add(
        &mut self,
        Seen {
            inspection,
            may_pass,
        }: &Seen,
    ) {
        self.looks += 1;
        self.withheld += u64::from(*may_pass);
        self.sensitive += u64::from(!inspection.findings.is_empty());
        match inspection.extent {
            Extent::Whole => {}
            Extent::Partly => self.partly += 1,
            Extent::Not => {
                let first = inspection.skipped.first();
                let reason = first.map_or(OTHER_REASONS, |skipped| &*skipped.reason);
                let has_room =
                    self.not_read.len() < REASONS_MAX || self.not_read.contains_key(reason);
                let reason = if has_room { reason } else { OTHER_REASONS };
                *self.not_read.entry(reason.into()).or_default() += 1;
            }
        }
    }

    fn join(&mut self, other: &Told) {
        self.looks += other.looks;
        self.sensitive += other.sensitive;
        self.partly += other.partly;
        self.withheld += other.withheld;
        for (reason, files) in &other.not_read {
            *self.not_read.entry(reason.clone()).or_default() += files;
        }
    }
}

/// How far the looking into files is, apart from their listing.
#[derive(Debug, Serialize)]
pub struct InsideStatus {
    /// Drives, sites or trees whose files are looked into, and those of them that have caught up with their listing.
    pub roots: u64,
    pub roots_done: u64,
    #[serde(flatten)]
    pub told: Told,
    /// Files that a right is missing for, by the root that they are in.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub denied: BTreeMap<String, u64>,
}

/// What a connector says of a file that it has no right to read.
const DENIED: &str = "access-denied";

/// How far it is; `None` where nobody looks into anything.
pub(crate) async fn status(
    ctx: &Context,
    scope: &Scope,
) -> Result<Option<InsideStatus>, StageError> {
    let units = all_units(ctx, scope, QUEUE).await?;
    if units.is_empty() {
        return Ok(None);
    }
    let mut all = InsideStatus {
        roots: units.len() as u64,
        roots_done: 0,
        told: Told::default(),
        denied: BTreeMap::new(),
    };
    for (key, unit) in &units {
        all.roots_done += u64::from(unit.st == StreamState::Done);
        let Some(at) = at(key, unit)? else { continue };
        if let Some(files) = at.told.not_read.get(DENIED) {
            let root = unit.root.as_ref().map(|root| root.id.to_string());
            all.denied.insert(root.unwrap_or_default(), *files);
        }
        all.told.join(&at.told);
    }
    Ok(Some(all))
}

/// Looks into the files of a root until it has caught up with their listing or time is over; until when the lane has to
/// wait, if it has to.
async fn look_inside(
    mut step: Step<'_>,
    session: &Session,
    source: &dyn ContentSource,
    inspector: &Arc<dyn Inspector>,
) -> Result<Option<Timestamp>, StageError> {
    let ctx = step.ctx;
    let Some(root) = step.stream.root.clone() else {
        step.finish(StreamState::Failed, None, vec![]).await?;
        return Ok(None);
    };
    let files = step.scope.unit(file_scan::QUEUE, &root.id);
    let Some(listed) = listed(ctx, &files).await? else {
        step.finish(StreamState::Done, None, vec![]).await?;
        return Ok(None);
    };
    begin_pass(&mut step, listed, inspector.edition())?;
    let pages = InsideFiles {
        ctx,
        session,
        source,
        inspector,
        scope: step.scope.clone(),
        manifest: step.scope.manifest(&root.id.to_string()),
        root: root.clone(),
        listed,
        failures: step.stream.att + step.stream.fails,
        open: Mutex::default(),
    };
    loop {
        match group(&mut step, &pages, QUEUE, false).await? {
            Group::More => {}
            Group::OutOfTime => {
                step.release(Next::Continue, None).await?;
                return Ok(None);
            }
            Group::Stopped { is_ours: false } => return Ok(None),
            Group::Stopped { is_ours: true } => {
                let now = ctx.now();
                step.release(Next::Wait(now), None).await?;
                return Ok(Some(now));
            }
            Group::CaughtUp { entry, cursor, .. } => {
                let scope = step.scope.clone();
                step.stream.cur = cursor.map(|cursor| cursor.as_str().into());
                step.stream.published = Some(Position {
                    ep: step.stream.ep,
                    seq: step.stream.seq,
                });
                step.finish(StreamState::Done, Some(entry), vec![]).await?;
                findings::look_at(ctx, &scope, &root).await?;
                // What was listed while this was at work could not make it due.
                if self::listed(ctx, &files).await? != Some(listed) {
                    look_at(ctx, &scope, &root).await?;
                }
                return Ok(None);
            }
            Group::Failed(error) => return failed(step, error).await,
        }
    }
}

/// Up to where the files of a root are listed.
async fn listed(ctx: &Context, files: &Key) -> Result<Option<Position>, StageError> {
    let found = ctx.state.get(std::slice::from_ref(files)).await?;
    let Some(Some(item)) = found.first() else {
        return Ok(None);
    };
    let unit: StreamItem = items::read(files, item)?;
    Ok(unit.published)
}

/// A pass in which files were withheld is followed by another after this, which fetches those alone.
const WITHHELD_AGAIN: SignedDuration = SignedDuration::from_hours(23);

/// A listing that began anew is complete in itself, and so is what is known of its files; another edition looks anew.
fn begin_pass(step: &mut Step<'_>, listed: Position, edition: &str) -> Result<(), StageError> {
    let now = step.ctx.now();
    let is_over = |at: At| {
        at.ep != listed.ep
            || at.edition != edition
            || at.told.withheld > 0 && now > at.begun + WITHHELD_AGAIN
    };
    if at(&step.key, &step.stream)?.is_some_and(is_over) {
        step.stream.ep += 1;
        step.stream.cur = None;
    }
    Ok(())
}

fn at(key: &Key, unit: &StreamItem) -> Result<Option<At>, StageError> {
    let cursor: Option<Cursor> = unit.cursor(key)?;
    Ok(cursor.and_then(|cursor| serde_json::from_str(cursor.as_str()).ok()))
}

async fn failed(step: Step<'_>, error: ConnectorError) -> Result<Option<Timestamp>, StageError> {
    match error.recovery() {
        Recovery::Wait(until) => {
            step.release(Next::Wait(until), None).await?;
            Ok(Some(until))
        }
        _ => {
            step.recover(error, None).await?;
            Ok(None)
        }
    }
}

/// The records of one commit, ready to be gone through.
struct Opened {
    sequence: u64,
    lines: Vec<Vec<u8>>,
}

struct InsideFiles<'a> {
    ctx: &'a Context,
    session: &'a Session,
    source: &'a dyn ContentSource,
    inspector: &'a Arc<dyn Inspector>,
    scope: Scope,
    /// Of the root's files.
    manifest: String,
    root: Root,
    listed: Position,
    /// Attempts at the next file, this one counted.
    failures: u32,
    open: Mutex<Option<Arc<Opened>>>,
}

#[async_trait]
impl Pages for InsideFiles<'_> {
    async fn page(
        &self,
        cursor: Option<&Cursor>,
        out: &mut InventorySink,
    ) -> Result<PageEnd, ConnectorError> {
        let begun = At {
            ep: self.listed.ep,
            seq: 0,
            record: 0,
            begun: self.ctx.now(),
            edition: self.inspector.edition().into(),
            told: Told::default(),
        };
        let at = cursor.and_then(|cursor| serde_json::from_str(cursor.as_str()).ok());
        let mut at = at.unwrap_or(begun);
        let Some(opened) = self.opened(&at).await.map_err(table)? else {
            return Ok(PageEnd::CaughtUp(Some(cursor_of(&at))));
        };
        if opened.sequence != at.seq {
            (at.seq, at.record) = (opened.sequence, 0);
        }
        let mut spent = Spent::default();
        for line in opened.lines.iter().skip(at.record).take(RECORDS_PER_PAGE) {
            if spent.is_enough() {
                return Ok(PageEnd::More(cursor_of(&at)));
            }
            match self.line(line, &mut spent, &mut at.told, out).await {
                Ok(()) => at.record += 1,
                // What was looked into before counts, and the next page begins with this one.
                Err(error) if spent.files > 0 && !is_ours(&error) => {
                    return Ok(PageEnd::More(cursor_of(&at)));
                }
                Err(error) => return Err(error),
            }
        }
        if at.record >= opened.lines.len() {
            (at.seq, at.record) = (opened.sequence + 1, 0);
        }
        Ok(PageEnd::More(cursor_of(&at)))
    }
}

/// What looking into one file came to.
struct Seen {
    inspection: Inspection,
    /// It was withheld, and may be had another time.
    may_pass: bool,
}

impl Seen {
    fn lasting(inspection: Inspection) -> Seen {
        Seen {
            inspection,
            may_pass: false,
        }
    }

    fn withheld(why: Withheld) -> Seen {
        Seen {
            inspection: Inspection::not(why.code, why.fix),
            may_pass: true,
        }
    }
}

/// What one page has done so far.
#[derive(Default)]
struct Spent {
    files: usize,
    fetched: usize,
    bytes: u64,
}

impl Spent {
    fn is_enough(&self) -> bool {
        self.fetched >= FETCHES_PER_PAGE || self.bytes >= BYTES_PER_PAGE
    }
}

impl InsideFiles<'_> {
    /// The commit that a cursor stands in, or the next one; `None` behind the last that is listed.
    async fn opened(&self, at: &At) -> Result<Option<Arc<Opened>>, StageError> {
        let open = || self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(opened) = open().as_ref().filter(|opened| opened.sequence == at.seq) {
            return Ok(Some(Arc::clone(opened)));
        }
        let prefix = format!("{:04}#", at.ep);
        let query = Query {
            after: at
                .seq
                .checked_sub(1)
                .map(|before| items::manifest_sk(at.ep, before)),
            limit: 1,
            ..Query::prefix(&self.manifest, prefix)
        };
        let page = self.ctx.state.query(query).await?;
        let Some(found) = page.first() else {
            return Ok(None);
        };
        let entry: ManifestEntry = items::read(&found.key, &found.item)?;
        if entry.sequence > self.listed.seq {
            return Ok(None);
        }
        let mut lines = vec![];
        for object in &entry.objects {
            read::lines(&*self.ctx.objects, object, |line| lines.push(line.to_vec())).await?;
        }
        let opened = Arc::new(Opened {
            sequence: entry.sequence,
            lines,
        });
        *open() = Some(Arc::clone(&opened));
        Ok(Some(opened))
    }

    /// Comes by one record of the listing.
    async fn line(
        &self,
        line: &[u8],
        spent: &mut Spent,
        told: &mut Told,
        out: &mut InventorySink,
    ) -> Result<(), ConnectorError> {
        let Some(marks) = read::marks(line) else {
            return Ok(());
        };
        match &*marks.kind {
            "removed" | "unreadable" => {
                let gone = Vanished(RecordId::new(marks.id));
                let record = serde_json::json!({ "file": gone.0 }).to_string();
                return Ok(out.record(gone, record.as_bytes()).await?);
            }
            "file" | "file-shared" => {}
            _ => return Ok(()),
        }
        let Some(record) = read::vendors(line) else {
            return Ok(());
        };
        // A record that cannot be read was refused when it was listed, or holds nothing.
        let Ok(Some(holding)) = self.source.holding(&record) else {
            return Ok(());
        };
        let file = RecordId::new(marks.id);
        let seen = self.seen(&file, &holding, spent).await?;
        spent.files += 1;
        told.add(&seen);
        let looked = Looked {
            name: holding.name,
            bytes: holding.size,
            version: holding.digest.unwrap_or(holding.version),
            edition: self.inspector.edition().into(),
            inspected_at: self.ctx.now(),
            file,
            inspection: seen.inspection,
        };
        let record = serde_json::to_vec(&looked).expect("what was found is plain");
        Ok(out.record(looked, &record).await?)
    }

    async fn seen(
        &self,
        file: &RecordId,
        holding: &Holding,
        spent: &mut Spent,
    ) -> Result<Seen, ConnectorError> {
        if holding.size > self.inspector.bytes_max() {
            return Ok(Seen::lasting(Inspection::not("too-large", None)));
        }
        if let Some(why) = &holding.kept_back {
            return Ok(Seen::withheld(why.clone()));
        }
        let key = memory::key(&self.scope, file, holding);
        let claim = memory::claim(self.ctx, key, self.inspector.edition());
        let mut ours = match claim.await.map_err(table)? {
            Claim::Known(found) => return Ok(Seen::lasting(found)),
            Claim::Ours(ours) => ours,
            Claim::Elsewhere(until) => return Err(ConnectorError::Throttled { until }),
            Claim::Deadly => {
                let fix = format!(
                    "whoever looked into it died, {} times; look at it by hand",
                    memory::TRIES_MAX
                );
                return Ok(Seen::lasting(Inspection::not("set-aside", Some(fix))));
            }
        };
        let bytes_max = self.inspector.bytes_max();
        let download = self
            .source
            .download(self.session, &self.root, holding, bytes_max)
            .await;
        let document = match download {
            Ok(Download::Bytes(document)) => document,
            // It may be given later, and a copy of it elsewhere may be given now.
            Ok(Download::Withheld(why)) => {
                ours.give_back(self.ctx).await.map_err(table)?;
                return Ok(Seen::withheld(why));
            }
            Err(error) => {
                ours.give_back(self.ctx).await.map_err(table)?;
                return match is_of_file_alone(&error, self.failures) && spent.files == 0 {
                    true => Ok(Seen::withheld(Withheld::new(
                        "not-handed-out",
                        Some(&format!("{}; it is tried again in a day", error.chain())),
                    ))),
                    false => Err(error),
                };
            }
        };
        spent.fetched += 1;
        spent.bytes += document.len() as u64;
        if !ours.begin(self.ctx).await.map_err(table)? {
            let until = self.ctx.now() + memory::SOON;
            return Err(ConnectorError::Throttled { until });
        }
        let found = self.inspector.inspect(&holding.name, document).await;
        ours.keep(self.ctx, &found).await.map_err(table)?;
        Ok(Seen::lasting(found))
    }
}

/// Attempts after which an error is that of this file, so that the others do not wait for it: where the service may be
/// away, and where it answered.
const AWAY_MAX: u32 = 8;
const ANSWERED_MAX: u32 = 3;

fn is_of_file_alone(error: &ConnectorError, failures: u32) -> bool {
    match error.recovery() {
        Recovery::Retry => failures >= AWAY_MAX,
        Recovery::Count | Recovery::Rewind | Recovery::Lose(_) | Recovery::Park(_) => {
            failures >= ANSWERED_MAX
        }
        Recovery::Wait(_) | Recovery::FailConnection(_) | Recovery::Resync(_) | Recovery::Abort => {
            false
        }
    }
}

/// Whether the fault is on our side, so that nothing can be written either.
fn is_ours(error: &ConnectorError) -> bool {
    error.recovery() == Recovery::Abort
}

fn cursor_of(at: &At) -> Cursor {
    Cursor::new(serde_json::to_string(at).expect("a place is plain"))
}

fn table(error: StageError) -> ConnectorError {
    ConnectorError::Table {
        source: error.into(),
    }
}
