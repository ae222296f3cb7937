//! user-scan: users, groups, roles, applications and grants, each collection a stream of its own.
//!
//! A collection is published as a whole: readers see the last complete pass, so nobody disappears because a listing
//! broke off. A pass that lost more than a tenth of what was there is held back until somebody has looked at it.

use casbah_connector::{
    Collection, CollectionKind, ConnectorError, PageEnd, Recovery, Session, UserSource,
};
use casbah_lake::ManifestEntry;
use casbah_model::connection::{Cause, ConnectionId};
use casbah_model::cursor::Cursor;
use casbah_model::message::{Stage, Ticket};
use casbah_model::state::{Condition, Key, Set, Write};
use casbah_model::{SignedDuration, Timestamp};

use crate::connect::find;
use crate::context::Context;
use crate::error::StageError;
use crate::gate;
use crate::items::{self, Held, Position, Scope, StreamItem};
use crate::page_loop::{Group, Pages, group};
use crate::roster::{self, Roster};
use crate::sink::InventorySink;
use crate::step::{Committed, Next, Step, leave, ms_duration};

/// A shrink of more than this share stops and asks (anchors: live data was deleted after failed listings).
const SHRINK_PERCENT_MAX: u64 = 10;
/// Below this many entities a share says nothing.
const SHRINK_FLOOR: u64 = 20;
/// Tries of a commit against another writer of the gate.
const COMMIT_TRIES_MAX: u32 = 8;

/// The stream of a collection, as it begins.
pub fn stream(scope: &Scope, collection: &Collection, now: Timestamp) -> (Key, StreamItem) {
    let key = scope.stream(collection.name);
    let stream = StreamItem::new(&key, Stage::UserScan, &[collection.component], now);
    (key, stream)
}

struct CollectionPages<'a> {
    session: &'a Session,
    source: &'a dyn UserSource,
    collection: &'a Collection,
}

#[async_trait::async_trait]
impl Pages for CollectionPages<'_> {
    async fn page(
        &self,
        cursor: Option<&Cursor>,
        out: &mut InventorySink,
    ) -> Result<PageEnd, ConnectorError> {
        self.source
            .page(self.session, self.collection, cursor, out)
            .await
    }
}

/// The step of a collection's stream.
pub async fn scan(mut step: Step<'_>, ticket: Option<Ticket>) -> Result<(), StageError> {
    let ctx = step.ctx;
    let (session, connector) = ctx
        .session(&step.connection, ticket, step.budget_end)
        .await?;
    let source = connector.users();
    let name = step.name().to_string();
    let Some(collection) = source.collections().iter().find(|known| known.name == name) else {
        tracing::warn!(stream = %step.key, "no collection of this app has this name");
        return step
            .release(
                Next::CaughtUp(ctx.now() + SignedDuration::from_hours(12)),
                None,
            )
            .await;
    };
    let pages = CollectionPages {
        session: &session,
        source,
        collection,
    };
    let keeps_roster = collection.kind != CollectionKind::Facts;
    let next = loop {
        match group(&mut step, &pages, collection.name, keeps_roster).await? {
            Group::More => {}
            Group::OutOfTime => break Next::Continue,
            Group::Stopped { is_ours: false } => return Ok(()),
            Group::Stopped { is_ours: true } => break Next::Wait(ctx.now()),
            Group::CaughtUp {
                entry,
                roster,
                cursor,
            } => {
                if !complete(&mut step, collection, entry, roster, cursor).await? {
                    return Ok(());
                }
                break Next::CaughtUp(ctx.now() + ms_duration(collection.every));
            }
            Group::Failed(error) => {
                let ticket = session.gates().ticket();
                session.gates().finish().await;
                return failed(step, error, ticket).await;
            }
        }
    };
    let ticket = leave(&session, &next).await;
    step.release(next, ticket).await
}

/// A page link that died in the middle of a pass starts the pass anew, as an epoch of its own.
async fn failed(
    mut step: Step<'_>,
    error: ConnectorError,
    ticket: Option<Ticket>,
) -> Result<(), StageError> {
    if error.recovery() == Recovery::Rewind && step.stream.cur.is_some() {
        let attempts = step.stream.att;
        step.stream.ep += 1;
        step.stream.cur = None;
        if step.commit(None, vec![]).await? != Committed::Yes {
            return Ok(());
        }
        step.stream.att = attempts;
    }
    step.recover(error, ticket).await
}

/// Commits the last page of a pass or round, publishes it if it is believable, and opens the gate after the first.
async fn complete(
    step: &mut Step<'_>,
    collection: &Collection,
    entry: ManifestEntry,
    last_roster: Roster,
    cursor: Option<Cursor>,
) -> Result<bool, StageError> {
    let here = Position {
        ep: step.stream.ep,
        seq: step.stream.seq,
    };
    let verdict = judge(step, collection, &last_roster, here).await?;
    let is_first = step.stream.published.is_none();
    match verdict.held {
        Some(held) => {
            tracing::warn!(stream = %step.key, missing = held.missing, of = held.of, "snapshot held back");
            step.stream.held = Some(held);
        }
        None => {
            step.stream.held = None;
            step.stream.published = Some(here);
            step.stream.known = verdict.known;
            step.stream.removed = 0;
        }
    }
    step.stream.cur = cursor.map(|cursor| cursor.as_str().into());
    if collection.kind == CollectionKind::Full || step.stream.cur.is_none() {
        // The next pass is complete in itself: what it does not see is gone.
        step.stream.ep += 1;
    }
    let wanted = step.stream.clone();
    for _ in 0..COMMIT_TRIES_MAX {
        let opening = if collection.is_gate && is_first {
            let by = format!("first complete pass of {}", collection.name);
            gate::opening(step.ctx, &step.scope, &by, step.ctx.now()).await?
        } else {
            None
        };
        let (writes, started) = opening.map_or((vec![], vec![]), |opening| {
            (opening.writes, opening.started)
        });
        match step.commit(Some(entry.clone()), writes).await? {
            Committed::Yes => {
                gate::hint_all(step.ctx, &started).await?;
                if let Some(held) = step.stream.held {
                    step.stream.trouble =
                        Some(shrink_cause(&step.scope.connection, collection.name, held));
                }
                return Ok(true);
            }
            Committed::FencedOff => return Ok(false),
            Committed::Refused { .. } => {
                let v = step.stream.v;
                step.stream = wanted.clone();
                step.stream.v = v;
            }
        }
    }
    Err(StageError::Store(casbah_model::ports::StoreError::Busy))
}

struct Believed {
    held: Option<Held>,
    known: u64,
}

/// Whether a complete pass, or a round of changes, can be believed.
async fn judge(
    step: &mut Step<'_>,
    collection: &Collection,
    last_page: &Roster,
    here: Position,
) -> Result<Believed, StageError> {
    if collection.kind == CollectionKind::Facts {
        return Ok(Believed {
            held: None,
            known: 0,
        });
    }
    let ctx = step.ctx;
    let manifest = step.scope.manifest(step.name());
    let epoch = |ep, last| roster::of_epoch(&*ctx.state, &*ctx.objects, &manifest, ep, last);
    let Some(published) = step.stream.published else {
        let mut now = epoch(here.ep, here.seq).await?;
        now.extend(last_page.clone());
        return Ok(Believed {
            held: None,
            known: now.present(),
        });
    };
    let of = step.stream.known;
    let (missing, known) = if here.ep == published.ep {
        // A round of changes: the vendor names who is gone.
        let mut round = roster_since(ctx, &manifest, published, here).await?;
        round.extend(last_page.clone());
        let missing = round.removed();
        if missing == 0 && round.present() == 0 {
            return Ok(Believed {
                held: step.stream.held,
                known: of,
            });
        }
        let mut all = epoch(here.ep, here.seq).await?;
        all.extend(last_page.clone());
        (missing, all.present())
    } else {
        let before = epoch(published.ep, published.seq).await?;
        let mut now = epoch(here.ep, here.seq).await?;
        now.extend(last_page.clone());
        (now.missing_from(&before), now.present())
    };
    let is_shrunk = of >= SHRINK_FLOOR && missing * 100 > of * SHRINK_PERCENT_MAX;
    let held = is_shrunk.then_some(Held {
        at: here,
        missing,
        of,
    });
    Ok(Believed { held, known })
}

async fn roster_since(
    ctx: &Context,
    manifest: &str,
    published: Position,
    here: Position,
) -> Result<Roster, StageError> {
    let after = items::manifest_sk(published.ep, published.seq);
    roster::of_commits(
        &*ctx.state,
        &*ctx.objects,
        manifest,
        Some(after),
        here.ep,
        here.seq,
    )
    .await
}

fn shrink_cause(connection: &ConnectionId, collection: &str, held: Held) -> Cause {
    let Held { missing, of, .. } = held;
    let what =
        format!("{missing} of {of} {collection} are gone in one pass, so it is not published");
    let fix = format!(
        "look at the tenant; if it is right, run `casbah accept {connection} {collection}`"
    );
    Cause::new("shrink", what, fix)
}

/// Publishes a snapshot that was held back, because somebody looked at it.
pub async fn accept(
    ctx: &Context,
    id: &ConnectionId,
    collection: &str,
) -> Result<Held, StageError> {
    let unknown = || StageError::UnknownConnection {
        name: id.to_string(),
    };
    let scope = find(ctx, id).await?.ok_or_else(unknown)?.scope();
    let key = scope.stream(collection);
    let found = ctx.state.get(std::slice::from_ref(&key)).await?;
    let refuse = |what: String| {
        let fix = format!("run `casbah status` to see what waits for {id}");
        StageError::Refused(Cause::new("nothing-held", what, fix))
    };
    let Some(Some(item)) = found.first() else {
        return Err(refuse(format!(
            "connection {id} has no collection {collection}"
        )));
    };
    let stream: StreamItem = items::read(&key, item)?;
    let Some(held) = stream.held else {
        return Err(refuse(format!("no snapshot of {collection} is held back")));
    };
    let published = serde_json::to_value(held.at).expect("positions are plain");
    let sets = vec![
        Set::Add("v", 1.into()),
        Set::To("own", "".into()),
        Set::To("published", published),
        Set::To("known", held.of.saturating_sub(held.missing).into()),
        Set::Remove("held"),
        Set::Remove("trouble"),
    ];
    ctx.state
        .write(Write::update(
            key,
            Condition::Equal("v", stream.v.into()),
            sets,
        ))
        .await?;
    Ok(held)
}
