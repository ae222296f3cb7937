//! The continuity ledger: what every feed listed in every hour, and what became of it, summed over the manifest.
//!
//! [`verify`] goes further and reads every object that the manifest names.

use std::collections::{BTreeMap, HashSet};

use casbah_lake::{ManifestEntry, read};
use casbah_model::Timestamp;
use casbah_model::connection::{ConnectionId, ConnectionState};
use casbah_model::ports::Query;
use casbah_model::record::RecordId;
use casbah_model::state::Key;
use casbah_model::tables::Tables;
use casbah_model::tally::{Tallies, Tally};
use casbah_model::transport::Bytes;
use futures::{StreamExt, TryStreamExt};
use serde::Serialize;

use crate::activity_poll::Level;
use crate::compact;
use crate::contents;
use crate::context::Context;
use crate::editions_check;
use crate::error::StageError;
use crate::file_scan::QUEUE;
use crate::inventory;
use crate::items::{self, ConnectionItem, Scope, stream_name};
use crate::status::{all_units, connections, streams};

#[derive(Debug, Serialize)]
pub struct LedgerRow {
    pub connection: ConnectionId,
    pub feed: String,
    pub hour: Timestamp,
    #[serde(flatten)]
    pub tally: Tally,
    pub closes: bool,
}

#[derive(Debug, Serialize)]
pub struct FeedTotal {
    pub connection: ConnectionId,
    pub feed: String,
    #[serde(flatten)]
    pub tally: Tally,
    pub bundles_open: u64,
    pub closes: bool,
}

#[derive(Debug, Serialize)]
pub struct Ledger {
    pub closes: bool,
    pub totals: Vec<FeedTotal>,
    pub hours: Vec<LedgerRow>,
}

/// Manifests that are read side by side: every root has its own, and a large tenant has a hundred thousand.
const READ_AT_ONCE: usize = 32;

/// Sums the manifest of one connection, or of all.
pub async fn ledger(ctx: &Context, only: Option<&ConnectionId>) -> Result<Ledger, StageError> {
    let mut ledger = Ledger {
        closes: true,
        totals: vec![],
        hours: vec![],
    };
    for connection in chosen(ctx, only).await? {
        let feeds = tallies(ctx, &connection, None).await?;
        let name = &connection.settings.id;
        for (feed, tallies) in feeds {
            add(&mut ledger, name, &feed, &tallies);
        }
    }
    ledger.closes = ledger.totals.iter().all(|total| total.closes);
    Ok(ledger)
}

/// Sums the manifest of one connection by feed; of one feed, when only that is asked for, which reads no other.
pub async fn tallies(
    ctx: &Context,
    connection: &ConnectionItem,
    only: Option<&str>,
) -> Result<BTreeMap<String, Tallies>, StageError> {
    let scope = connection.scope();
    let mut committing = committing_streams(ctx, &scope).await?;
    if only.is_none_or(|feed| feed == FILES) {
        committing.extend(committing_roots(ctx, &scope).await?);
    }
    let named = committing
        .into_iter()
        .map(|stream| (feed_of(&stream), stream.manifest));
    let wanted = named.filter(|(feed, _)| only.is_none_or(|only| feed == only));
    let summed = futures::stream::iter(wanted).map(|(feed, manifest)| async move {
        let mut tallies = Tallies::default();
        each_entry(ctx, &manifest, |entry| tallies.add(&entry.tallies)).await?;
        Ok::<_, StageError>((feed, tallies))
    });
    let mut summed = std::pin::pin!(summed.buffer_unordered(READ_AT_ONCE));
    let mut feeds: BTreeMap<String, Tallies> = BTreeMap::new();
    while let Some((feed, tallies)) = summed.try_next().await? {
        feeds.entry(feed).or_default().add(&tallies);
    }
    Ok(feeds)
}

fn add(ledger: &mut Ledger, connection: &ConnectionId, feed: &str, tallies: &Tallies) {
    let row = |(hour, tally): (Timestamp, &Tally)| LedgerRow {
        connection: connection.clone(),
        feed: feed.into(),
        hour,
        tally: *tally,
        closes: tally.closes(),
    };
    ledger.hours.extend(tallies.iter().map(row));
    let tally = tallies.total();
    ledger.totals.push(FeedTotal {
        connection: connection.clone(),
        feed: feed.into(),
        bundles_open: tally.bundles_open(),
        // Sums can hide what hours do not.
        closes: tallies.iter().all(|(_, tally)| tally.closes()),
        tally,
    });
}

async fn chosen(
    ctx: &Context,
    only: Option<&ConnectionId>,
) -> Result<Vec<ConnectionItem>, StageError> {
    let mut all = connections(ctx).await?;
    // Half of what was there proves nothing.
    all.retain(|connection| connection.state != ConnectionState::Deleting);
    let Some(only) = only else { return Ok(all) };
    let found: Vec<_> = all
        .into_iter()
        .filter(|connection| connection.settings.id == *only)
        .collect();
    if found.is_empty() {
        Err(StageError::UnknownConnection {
            name: only.to_string(),
        })
    } else {
        Ok(found)
    }
}

/// A stream or unit that commits, and where its manifest is.
pub struct Committing {
    pub name: String,
    pub is_root: bool,
    pub manifest: String,
    pub item: items::StreamItem,
}

/// Every stream and unit of a connection that has a manifest.
pub async fn manifests(ctx: &Context, scope: &Scope) -> Result<Vec<Committing>, StageError> {
    let mut found = committing_streams(ctx, scope).await?;
    found.extend(committing_roots(ctx, scope).await?);
    Ok(found)
}

async fn committing_streams(ctx: &Context, scope: &Scope) -> Result<Vec<Committing>, StageError> {
    let streams = streams(ctx, scope).await?.into_iter();
    Ok(streams
        .map(|(key, item)| Committing::new(scope, &key, item, false))
        .collect())
}

async fn committing_roots(ctx: &Context, scope: &Scope) -> Result<Vec<Committing>, StageError> {
    let mut roots = all_units(ctx, scope, QUEUE).await?;
    roots.extend(all_units(ctx, scope, contents::QUEUE).await?);
    Ok(roots
        .into_iter()
        .map(|(key, item)| Committing::new(scope, &key, item, true))
        .collect())
}

impl Committing {
    fn new(scope: &Scope, key: &Key, item: items::StreamItem, is_root: bool) -> Committing {
        let name = stream_name(key).to_string();
        Committing {
            manifest: scope.manifest(&name),
            name,
            is_root,
            item,
        }
    }
}

/// The feed of everything that file roots commit.
const FILES: &str = "files";

/// The feed that a stream's counts belong to: listings and lanes of one feed are one row.
fn feed_of(stream: &Committing) -> String {
    if stream.is_root {
        return match contents::is_name(&stream.name) {
            true => contents::QUEUE.into(),
            false => FILES.into(),
        };
    }
    let levels = Level::ALL
        .iter()
        .map(|level| level.name())
        .chain(["bundles"]);
    let mut rests = levels.filter_map(|level| stream.name.strip_prefix(level)?.strip_prefix('-'));
    match rests.next() {
        Some(feed) => format!("activities/{feed}"),
        None => stream.name.clone(),
    }
}

/// Calls `each` with every manifest entry of a stream, in the order of its commits.
pub async fn each_entry(
    ctx: &Context,
    manifest: &str,
    mut each: impl FnMut(ManifestEntry),
) -> Result<(), StageError> {
    items::each(ctx, Query::prefix(manifest, ""), |_, entry| each(entry)).await
}

/// What reading every object showed.
#[derive(Debug, Default, Serialize)]
pub struct Verified {
    pub objects: u64,
    pub records: u64,
    pub bytes: u64,
    /// Activity records that stand in the lake twice.
    pub repeated: u64,
    /// Rows of tables, and how many records wait to become some.
    pub rows: u64,
    pub rows_waiting: u64,
    /// States in the tables of users, groups, privileges, app permissions and files, those that have ended included.
    pub states: u64,
    /// Objects that are missing, changed, or hold another number of records than the manifest says.
    pub faults: Vec<String>,
}

/// Reads every object that the manifest names: checksums, counts, and that no activity stands there twice.
pub async fn verify(ctx: &Context, only: Option<&ConnectionId>) -> Result<Verified, StageError> {
    let mut verified = Verified::default();
    for connection in chosen(ctx, only).await? {
        let scope = connection.scope();
        // Read first: what it says is in the tables stays there.
        let cursor = compact::cursor(&streams(ctx, &scope).await?)?.unwrap_or_default();
        let mut ids = Ids::default();
        for stream in manifests(ctx, &scope).await? {
            let mut entries = vec![];
            each_entry(ctx, &stream.manifest, |entry| entries.push(entry)).await?;
            for entry in entries {
                ids.are_due = cursor.has(&stream.name, &entry);
                verified.read(ctx, &stream.name, &entry, &mut ids).await;
            }
        }
        if let Some(tables) = &ctx.curated.tables {
            verified.read_tables(ctx, &**tables, &scope, &ids).await?;
            editions_check::check(ctx, &**tables, &connection, &mut verified).await?;
        }
    }
    Ok(verified)
}

/// Ids of activities, by their hashes.
#[derive(Default)]
struct Ids {
    all: HashSet<u64>,
    /// Those whose commits the tables are past.
    due: HashSet<u64>,
    /// Whether this is so for the commit that is being read.
    are_due: bool,
}

impl Ids {
    fn insert(&mut self, id: u64) -> bool {
        if self.are_due {
            self.due.insert(id);
        }
        self.all.insert(id)
    }
}

impl Verified {
    /// Reads the tables of a connection: each row is one of its activities, and no activity is two rows.
    async fn read_tables(
        &mut self,
        ctx: &Context,
        tables: &dyn Tables,
        scope: &Scope,
        ids: &Ids,
    ) -> Result<(), StageError> {
        let mut rows = HashSet::new();
        for prefix in compact::prefixes(&ctx.curated.region, scope) {
            for name in compact::listed(ctx, &prefix).await? {
                let Some(content) = self.content(ctx, &name).await else {
                    continue;
                };
                let Ok(found) = tables.ids(&content) else {
                    self.no_table(&name);
                    continue;
                };
                for id in found {
                    self.rows += 1;
                    let hash = RecordId::new(id.as_str()).hash();
                    if !ids.all.contains(&hash) {
                        self.faults
                            .push(format!("{name}: a row of no record, {id}"));
                    } else if !rows.insert(hash) {
                        self.faults.push(format!("{name}: a second row of {id}"));
                    }
                }
            }
        }
        let missing = ids.due.difference(&rows).count();
        if missing > 0 {
            self.faults.push(format!(
                "{missing} records that should be in the tables are in none"
            ));
        }
        self.rows_waiting += ids.all.difference(&rows).count() as u64;
        Ok(())
    }

    /// The content of an object of a table; what cannot be read is a fault.
    pub(crate) async fn content(&mut self, ctx: &Context, name: &str) -> Option<Bytes> {
        self.objects += 1;
        match ctx.objects.get(name).await {
            Ok(content) => {
                self.bytes += content.len() as u64;
                Some(content)
            }
            Err(error) => {
                self.faults.push(error.to_string());
                None
            }
        }
    }

    pub(crate) fn no_table(&mut self, name: &str) {
        self.faults.push(format!("{name}: it is no table of ours"));
    }

    /// Reads the objects of one commit; `ids` are those of the records before it of what happened.
    async fn read(&mut self, ctx: &Context, stream: &str, entry: &ManifestEntry, ids: &mut Ids) {
        let is_trail = inventory::is_trail(&entry.family);
        let said: u64 = entry.events.iter().map(|object| object.records).sum();
        if is_trail && said != entry.records() {
            let at = format!("{stream} {}-{}", entry.epoch, entry.sequence);
            let fault = format!("{at}: {said} events of {} records", entry.records());
            self.faults.push(fault);
        }
        // Events say the same as the records beside them, and are no records of their own.
        let lists = [
            (&entry.objects, true, is_trail),
            (&entry.quarantine, true, false),
            (&entry.events, false, false),
        ];
        for (objects, are_records, have_ids) in lists {
            for object in objects {
                self.objects += 1;
                self.bytes += object.bytes;
                let read = read::lines(&*ctx.objects, object, |line| {
                    self.records += u64::from(are_records);
                    let marks = if have_ids { read::marks(line) } else { None };
                    let id = marks.map(|marks| RecordId::new(marks.id).hash());
                    self.repeated += u64::from(id.is_some_and(|id| !ids.insert(id)));
                });
                if let Err(error) = read.await {
                    self.faults.push(error.to_string());
                }
            }
        }
    }
}
