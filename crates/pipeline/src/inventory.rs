//! Reading the lake by its manifest: every record once, and what the inventories hold by now.

use std::collections::{BTreeMap, HashMap, HashSet};

use casbah_connector::Inheritance;
use casbah_lake::read::{self, Marks};
use casbah_model::connection::{ConnectionId, ConnectionState};
use casbah_model::file::Sharing;
use serde::Serialize;

use crate::contents;
use crate::context::Context;
use crate::error::StageError;
use crate::findings;
use crate::govern::record;
use crate::items::{ConnectionItem, Scope, StreamItem};
use crate::ledger::{Committing, each_entry, manifests};

/// What a connection was found to hold, counted over what is published.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    pub users: u64,
    pub guests: u64,
    pub disabled: u64,
    pub groups: u64,
    pub roles: u64,
    pub role_assignments: u64,
    /// People, groups and applications that hold a privileged role.
    pub admins: u64,
    pub applications: u64,
    pub grants: u64,
    pub risky_grants: u64,
    pub activities: u64,
    pub activities_by_kind: BTreeMap<String, u64>,
    pub file_roots: u64,
    pub files: u64,
    pub folders: u64,
    pub files_by_sharing: BTreeMap<&'static str, u64>,
}

/// Which records a reader wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Everything that was committed, in the order of commits.
    All,
    /// What is current: of inventories the published passes only.
    Published,
}

/// Calls `each` with every line of a family, each record once for feeds whose records repeat by design.
pub async fn lines(
    ctx: &Context,
    scope: &Scope,
    family: &str,
    reading: Reading,
    mut each: impl FnMut(&Committing, &[u8]),
) -> Result<(), StageError> {
    let mut seen = HashSet::new();
    for stream in manifests(ctx, scope).await? {
        let mut entries = vec![];
        each_entry(ctx, &stream.manifest, |entry| {
            if entry.family == family && is_wanted(&stream.item, &entry, reading) {
                entries.push(entry);
            }
        })
        .await?;
        for entry in entries {
            for object in &entry.objects {
                let is_activity = entry.family == "activities";
                read::lines(&*ctx.objects, object, |line| {
                    let is_repeat = is_activity
                        && read::marks(line).is_some_and(|marks| !seen.insert(hash(&marks)));
                    if !is_repeat {
                        each(&stream, line);
                    }
                })
                .await?;
            }
        }
    }
    Ok(())
}

/// Calls `each` with what every record of a family says in OCSF, in the order in which the records stand in the lake.
pub async fn events(
    ctx: &Context,
    scope: &Scope,
    family: &str,
    mut each: impl FnMut(&[u8]),
) -> Result<(), StageError> {
    for stream in manifests(ctx, scope).await? {
        let mut objects = vec![];
        each_entry(ctx, &stream.manifest, |entry| {
            if entry.family == family {
                objects.extend(entry.events);
            }
        })
        .await?;
        for object in &objects {
            read::lines(&*ctx.objects, object, &mut each).await?;
        }
    }
    Ok(())
}

fn hash(marks: &Marks<'_>) -> u64 {
    casbah_model::record::RecordId::new(marks.id.clone()).hash()
}

/// Families of what happened, which nothing replaces: what the service tells, what Casbah did there, and what it found.
pub(crate) fn is_trail(family: &str) -> bool {
    ["activities", record::FAMILY, findings::FAMILY].contains(&family)
}

/// The published pass of an inventory is one epoch up to one commit; what is older is history.
fn is_wanted(stream: &StreamItem, entry: &casbah_lake::ManifestEntry, reading: Reading) -> bool {
    if reading == Reading::All || is_trail(&entry.family) {
        return true;
    }
    let published = stream.published;
    published.is_some_and(|at| entry.epoch == at.ep && entry.sequence <= at.seq)
}

/// Counts what a connection holds.
pub async fn summary(ctx: &Context, connection: &ConnectionItem) -> Result<Summary, StageError> {
    let scope = connection.scope();
    let mut summary = Summary::default();
    let collections = crate::apps::connector(connection.settings.app)
        .users()
        .collections();
    for collection in collections {
        let mut latest: HashMap<String, (String, Option<String>)> = HashMap::new();
        lines(
            ctx,
            &scope,
            collection.name,
            Reading::Published,
            |_, line| {
                if let Some(marks) = read::marks(line) {
                    let of = marks.of.map(|of| of.into_owned());
                    latest.insert(marks.id.into_owned(), (marks.kind.into_owned(), of));
                }
            },
        )
        .await?;
        if collection.kind != casbah_connector::CollectionKind::Facts {
            count_entities(&mut summary, latest.into_values());
        }
    }
    lines(ctx, &scope, "activities", Reading::All, |_, line| {
        summary.activities += 1;
        let kind = read::marks(line)
            .map(|marks| marks.kind.into_owned())
            .unwrap_or_default();
        *summary.activities_by_kind.entry(kind).or_default() += 1;
    })
    .await?;
    let source = crate::apps::connector(connection.settings.app).files();
    if let Some(source) = source {
        files(ctx, &scope, source.inheritance(), &mut summary).await?;
    }
    Ok(summary)
}

fn count_entities(summary: &mut Summary, entities: impl Iterator<Item = (String, Option<String>)>) {
    let mut holders = HashSet::new();
    for (kind, of) in entities {
        match kind.as_str() {
            "member" => summary.users += 1,
            "member-disabled" => {
                summary.users += 1;
                summary.disabled += 1;
            }
            "guest" | "guest-disabled" => {
                summary.users += 1;
                summary.guests += 1;
                summary.disabled += u64::from(kind == "guest-disabled");
            }
            "group" => summary.groups += 1,
            "role" | "role-privileged" => summary.roles += 1,
            "role-held" => summary.role_assignments += 1,
            "role-held-privileged" => {
                summary.role_assignments += 1;
                holders.extend(of);
            }
            "application" => summary.applications += 1,
            "grant-delegated" | "grant-app-only" => summary.grants += 1,
            "grant-delegated-risky" | "grant-app-only-risky" => {
                summary.grants += 1;
                summary.risky_grants += 1;
            }
            _ => {}
        }
    }
    summary.admins += holders.len() as u64;
}

/// An item of a root as the latest records tell it.
#[derive(Default)]
struct Item {
    is_folder: bool,
    is_listed: bool,
    /// It is said to have sharing of its own.
    is_shared: bool,
    own: Option<Sharing>,
    parent: Option<String>,
}

/// Folders lie in folders this deep at the most: SharePoint limits addresses to 400 characters, of Box 400 folders are
/// read.
const DEPTH_MAX: usize = 500;

async fn files(
    ctx: &Context,
    scope: &Scope,
    inheritance: Inheritance,
    summary: &mut Summary,
) -> Result<(), StageError> {
    let mut roots: BTreeMap<String, HashMap<String, Item>> = BTreeMap::new();
    let mut unshared = BTreeMap::new();
    lines(ctx, scope, "files", Reading::Published, |stream, line| {
        let Some(marks) = read::marks(line) else {
            return;
        };
        if let Some(root) = &stream.item.root {
            unshared.insert(stream.name.clone(), root.unshared);
        }
        let items = roots.entry(stream.name.clone()).or_default();
        note(items, &marks);
    })
    .await?;
    for stream in manifests(ctx, scope)
        .await?
        .iter()
        .filter(|stream| stream.is_root && !contents::is_name(&stream.name))
    {
        summary.file_roots += u64::from(stream.item.published.is_some());
    }
    for (root, items) in &roots {
        let unshared = unshared.get(root).copied().unwrap_or(Sharing::Internal);
        for item in items.values().filter(|item| item.is_listed) {
            if item.is_folder {
                summary.folders += 1;
                continue;
            }
            summary.files += 1;
            let sharing = effective(items, item, unshared, inheritance);
            *summary.files_by_sharing.entry(sharing.name()).or_default() += 1;
        }
    }
    Ok(())
}

fn note(items: &mut HashMap<String, Item>, marks: &Marks<'_>) {
    let item = items.entry(marks.id.to_string()).or_default();
    match &*marks.kind {
        "removed" => *item = Item::default(),
        "unreadable" => {}
        kind @ ("file" | "file-shared" | "folder" | "folder-shared") => {
            item.is_listed = true;
            item.is_folder = kind.starts_with("folder");
            item.parent = marks.of.as_ref().map(|of| of.to_string());
            item.is_shared = kind.ends_with("-shared");
            if !item.is_shared {
                item.own = None;
            }
        }
        kind => {
            item.own = Sharing::ALL
                .into_iter()
                .find(|sharing| sharing.name() == kind)
        }
    }
}

/// The sharing of an item, as it comes down from the folders above.
fn effective(
    items: &HashMap<String, Item>,
    item: &Item,
    unshared: Sharing,
    inheritance: Inheritance,
) -> Sharing {
    let mut current = item;
    let mut widest = unshared;
    for _ in 0..DEPTH_MAX {
        if let Some(own) = current.own {
            widest = widest.max(own);
            if inheritance == Inheritance::Nearest {
                return widest;
            }
        }
        match current.parent.as_ref().and_then(|parent| items.get(parent)) {
            Some(parent) => current = parent,
            None => return widest,
        }
    }
    widest
}

/// The summary of every connection, by name.
pub async fn summaries(ctx: &Context) -> Result<BTreeMap<ConnectionId, Summary>, StageError> {
    let mut all = BTreeMap::new();
    for connection in crate::status::connections(ctx).await? {
        if connection.state == ConnectionState::Deleting {
            continue;
        }
        let summary = summary(ctx, &connection).await?;
        all.insert(connection.settings.id.clone(), summary);
    }
    Ok(all)
}
