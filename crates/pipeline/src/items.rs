//! The items of the table and their keys (pipeline design, section 3).

use std::collections::BTreeMap;

use casbah_connector::FeedState;
use casbah_model::activity::ContentRef;
use casbah_model::app::Component;
use casbah_model::connection::{
    Cause, ConnectionId, ConnectionSettings, ConnectionState, TestReport,
};
use casbah_model::file::Root;
use casbah_model::message::Stage;
use casbah_model::permission::Permission;
use casbah_model::ports::Query;
use casbah_model::record::RecordId;
use casbah_model::state::{Item, Key, Value, from_item, to_item};
use casbah_model::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::error::StageError;

/// Partitions of the sweeper's index.
pub const SWEEP_PARTITIONS: u64 = 16;
/// Order numbers of the index are rounded up to this, so that a renewed lease seldom changes them.
const INDEX_STEP_MS: i64 = 10_000;

/// A connection and its incarnation: a reconnect gets new keys, so nothing left over from before can touch it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scope {
    pub connection: ConnectionId,
    pub incarnation: u32,
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.connection, self.incarnation)
    }
}

impl Scope {
    /// Reads the scope of a stream or unit from its key.
    pub fn of(key: &Key) -> Option<Scope> {
        let scope = key.pk.strip_prefix("C#")?.split('#').next()?;
        let (connection, incarnation) = scope.rsplit_once('.')?;
        Some(Scope {
            connection: connection.parse().ok()?,
            incarnation: incarnation.parse().ok()?,
        })
    }

    pub fn pk(&self) -> String {
        format!("C#{self}")
    }

    pub fn stream(&self, name: &str) -> Key {
        Key::new(self.pk(), format!("S#{name}"))
    }

    pub fn gate(&self) -> Key {
        Key::new(self.pk(), "G#users")
    }

    pub fn run(&self, run: &str) -> Key {
        Key::new(self.pk(), format!("R#{run}"))
    }

    /// Partition of the units that one list of streams works through.
    pub fn units(&self, queue: &str) -> String {
        format!("C#{self}#U#{queue}")
    }

    pub fn unit(&self, queue: &str, id: &RecordId) -> Key {
        Key::new(self.units(queue), format!("U#{id}"))
    }

    /// Partition of the manifest entries of a stream or unit.
    pub fn manifest(&self, stream: &str) -> String {
        format!("C#{self}#M#{stream}")
    }

    pub fn gaps(&self) -> String {
        format!("C#{self}#GAP")
    }

    /// Items of walked roots that are to be read again by themselves.
    pub fn asked(&self) -> String {
        format!("C#{self}#ASKED")
    }

    /// The index of the digests of a feed.
    pub fn seen(&self, feed: &str) -> Key {
        Key::new(self.pk(), format!("SEEN#{feed}"))
    }

    /// Index partition in which the units of a queue wait for a lane.
    pub fn waiting(&self, queue: &str) -> String {
        format!("Q#{self}#{queue}")
    }
}

pub fn connection_key(id: &ConnectionId) -> Key {
    Key::new(format!("C#{id}"), "META")
}

/// What people were told of a connection.
pub fn told_key(id: &ConnectionId) -> Key {
    Key::new(format!("C#{id}"), "TOLD")
}

/// How a caller of a connection's webhook is known, and when its hints were followed last.
pub fn hook_key(id: &ConnectionId) -> Key {
    Key::new(format!("C#{id}"), "HOOK")
}

/// What is left of a connection that was deleted.
pub fn past_key(id: &ConnectionId) -> Key {
    Key::new(format!("C#{id}"), "PAST")
}

/// Partition that names every connection.
pub const CONNECTIONS: &str = "CONNECTIONS";

/// The name of a stream or unit without the mark of its sort key.
pub fn stream_name(key: &Key) -> &str {
    key.sk
        .split_once('#')
        .map_or(key.sk.as_str(), |(_, name)| name)
}

pub fn manifest_sk(epoch: u32, sequence: u64) -> String {
    format!("{epoch:04}#{sequence:012}")
}

/// One customer's instance of an app.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConnectionItem {
    pub v: u64,
    pub incarnation: u32,
    pub settings: ConnectionSettings,
    pub state: ConnectionState,
    pub connected_at: Timestamp,
    #[serde(default)]
    pub report: Option<TestReport>,
    /// What the test before that one found granted, to tell what changed in between.
    #[serde(default)]
    pub previous: Option<GrantedBefore>,
    /// What became of each feed, by its name.
    #[serde(default)]
    pub feeds: BTreeMap<String, FeedItem>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantedBefore {
    pub tested: Timestamp,
    /// Whether the vendor told what was granted.
    pub is_known: bool,
    pub granted: Vec<Permission>,
}

impl From<&TestReport> for GrantedBefore {
    fn from(report: &TestReport) -> GrantedBefore {
        GrantedBefore {
            tested: report.tested,
            is_known: report.grants.is_known,
            granted: report.grants.granted.clone(),
        }
    }
}

/// The last incarnation of a name whose connection was deleted, so that the next one gets keys of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastItem {
    pub incarnation: u32,
    pub deleted: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FeedItem {
    /// `on`, `started` or `refused`.
    pub state: String,
    #[serde(default)]
    pub cause: Option<Cause>,
}

impl From<&FeedState> for FeedItem {
    fn from(state: &FeedState) -> FeedItem {
        match state {
            FeedState::On => FeedItem {
                state: "on".into(),
                cause: None,
            },
            FeedState::Started => FeedItem {
                state: "started".into(),
                cause: None,
            },
            FeedState::Refused(cause) => FeedItem {
                state: "refused".into(),
                cause: Some(cause.clone()),
            },
        }
    }
}

impl ConnectionItem {
    pub fn scope(&self) -> Scope {
        Scope {
            connection: self.settings.id.clone(),
            incarnation: self.incarnation,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum StreamState {
    /// Its gate is shut.
    Wait,
    Run,
    Done,
    /// Set aside after too many attempts; shown, and tried again by the next run.
    Failed,
}

/// A stream, or a unit of a run: something with a cursor that one invocation at a time moves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StreamItem {
    /// The fence: every write is conditional on the value the writer last saw, and raises it.
    pub v: u64,
    pub st: StreamState,
    /// Whose queue its hints go to.
    pub stage: Stage,
    /// It is worked on while any of these is chosen; empty: always.
    #[serde(default)]
    pub components: Vec<Component>,
    /// Epoch of the cursor; a resync starts a new one.
    pub ep: u32,
    /// Number of the next commit; counts on over epochs.
    pub seq: u64,
    /// The cursor, in the form its stage gives it.
    #[serde(default)]
    pub cur: Option<Value>,
    /// Epoch milliseconds until which the last writer may be at work; 0 when it is free.
    #[serde(default)]
    pub lease: i64,
    /// The invocation that wrote last.
    #[serde(default)]
    pub own: String,
    /// Epoch milliseconds by which it must have been looked at.
    pub wake: i64,
    /// Attempts since the last commit.
    #[serde(default)]
    pub att: u32,
    /// Failures in a row that count as no attempt; they only make the waits grow.
    #[serde(default)]
    pub fails: u32,
    #[serde(default)]
    pub gw: Option<String>,
    #[serde(default)]
    pub gk: Option<i64>,
    /// Index partition it waits in between its steps, for units that lanes pick up.
    #[serde(default)]
    pub queue: Option<String>,
    /// The run that counts it, for units.
    #[serde(default)]
    pub run: Option<String>,
    /// The run that counted it last: a unit is counted once per run.
    #[serde(default)]
    pub last_run: Option<String>,
    /// Whether the last step ended because there was nothing more to do at that time.
    #[serde(default)]
    pub caught_up: bool,
    /// Why it does not get on; gone with the next success.
    #[serde(default)]
    pub trouble: Option<Cause>,
    /// Up to where readers of an inventory may read: the last complete pass.
    #[serde(default)]
    pub published: Option<Position>,
    /// A complete pass that lost so much that somebody has to look at it first.
    #[serde(default)]
    pub held: Option<Held>,
    /// Entities of the last published pass.
    #[serde(default)]
    pub known: u64,
    /// Entities removed since the last complete round.
    #[serde(default)]
    pub removed: u64,
    /// Records committed over all time, for progress.
    #[serde(default)]
    pub records: u64,
    /// Epoch seconds at which a finished unit may be forgotten.
    #[serde(default)]
    pub expires: Option<i64>,
    #[serde(default)]
    pub root: Option<Root>,
    #[serde(default)]
    pub content: Option<ContentRef>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    pub ep: u32,
    pub seq: u64,
}

/// A complete pass that is not published: it found fewer entities than are believable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    pub at: Position,
    pub missing: u64,
    pub of: u64,
}

impl StreamItem {
    /// A stream that is due at `wake`.
    pub fn new(key: &Key, stage: Stage, components: &[Component], wake: Timestamp) -> StreamItem {
        let mut item = StreamItem {
            v: 1,
            st: StreamState::Run,
            stage,
            components: components.to_vec(),
            ep: 1,
            seq: 0,
            cur: None,
            lease: 0,
            own: String::new(),
            wake: wake.as_millisecond(),
            att: 0,
            fails: 0,
            gw: None,
            gk: None,
            queue: None,
            run: None,
            last_run: None,
            caught_up: false,
            trouble: None,
            published: None,
            held: None,
            known: 0,
            removed: 0,
            records: 0,
            expires: None,
            root: None,
            content: None,
        };
        item.index(key);
        item
    }

    /// The same stream, waiting for its gate.
    pub fn waiting(mut self) -> StreamItem {
        self.st = StreamState::Wait;
        (self.gw, self.gk) = (None, None);
        self
    }

    /// Puts it where the sweeper, or a lane, finds it: present only while it runs.
    pub fn index(&mut self, key: &Key) {
        (self.gw, self.gk) = match (self.st, &self.queue, self.lease) {
            (StreamState::Run, Some(queue), 0) => (Some(queue.clone()), Some(self.wake)),
            (StreamState::Run, _, _) => (Some(sweep_partition(key)), Some(index_order(self.wake))),
            (StreamState::Wait | StreamState::Done | StreamState::Failed, _, _) => (None, None),
        };
    }

    pub fn cursor<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<T>, StageError> {
        let cursor = self.cur.clone().map(serde_json::from_value).transpose();
        cursor.map_err(|source| StageError::Malformed {
            key: key.clone(),
            source,
        })
    }
}

/// The index partition in which the sweeper finds an item.
pub fn sweep_partition(key: &Key) -> String {
    let hash = RecordId::new(key.to_string()).hash();
    format!("W#{:02}", hash % SWEEP_PARTITIONS)
}

pub fn index_order(wake_ms: i64) -> i64 {
    wake_ms.div_euclid(INDEX_STEP_MS) * INDEX_STEP_MS + INDEX_STEP_MS
}

/// A sweep over many units, and how far it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunItem {
    pub v: u64,
    pub st: StreamState,
    pub planned: u64,
    /// Units that are done or failed.
    pub fin: u64,
    pub failed: u64,
    /// 1 when the planner has named every unit.
    pub r#final: u8,
    pub begun: Timestamp,
    #[serde(default)]
    pub ended: Option<Timestamp>,
    #[serde(default)]
    pub gw: Option<String>,
    #[serde(default)]
    pub gk: Option<i64>,
}

/// What the streams behind the first user scan wait for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GateItem {
    /// Raised by whoever adds a stream that waits, and by whoever opens it: so neither misses the other.
    pub v: u64,
    pub st: GateState,
    #[serde(default)]
    pub opened_by: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum GateState {
    Shut,
    Open,
}

/// A span that cannot be read any more, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GapItem {
    pub stream: String,
    pub from: Timestamp,
    pub to: Timestamp,
    pub why: String,
    pub at: Timestamp,
}

/// Reads a typed item; one that does not fit is a defect or a table of another version.
pub fn read<T: DeserializeOwned>(key: &Key, item: &Item) -> Result<T, StageError> {
    from_item(item).map_err(|source| StageError::Malformed {
        key: key.clone(),
        source,
    })
}

/// Calls `each` with every item that a query finds, page after page.
pub(crate) async fn each<T: DeserializeOwned>(
    ctx: &Context,
    mut query: Query,
    mut each: impl FnMut(&Key, T),
) -> Result<(), StageError> {
    loop {
        let page = ctx.state.query(query.clone()).await?;
        for found in &page {
            each(&found.key, read(&found.key, &found.item)?);
        }
        let Some(last) = page.last() else {
            return Ok(());
        };
        query.after = Some(last.key.sk.clone());
    }
}

pub fn write<T: Serialize>(value: &T) -> Item {
    to_item(value).expect("items are structs of plain fields")
}

pub fn ms(duration: SignedDuration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

pub fn time(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX)
}
