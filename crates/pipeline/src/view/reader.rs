//! One page of a list: opens views, or has them built, and gathers rows as far as a page goes.

use casbah_lake::view::IdKey;
use casbah_model::message::{Message, ViewName};
use casbah_model::ports::{ObjectError, StoreError};
use casbah_model::state::{Change, Condition, EXPIRES, Item, Key, Write};
use casbah_model::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::context::Context;
use crate::error::StageError;
use crate::items::ConnectionItem;
use crate::view::build::{Built, build};
use crate::view::index::{Opened, PART_ROWS};
use crate::view::name;
use crate::view::question::{LIMIT_MAX, Question};
use crate::view::row::Wanted;
use crate::view::source::{self, Sources};
use crate::view::token::{Place, bad_token};

/// Objects up to which it is: some seconds of fetching.
const PIECES_AT_ONCE: usize = 600;
/// Parts that one page looks through: 64 000 rows for a filter that finds little.
const PARTS_PER_PAGE: u32 = 32;
/// A page is answered after this, with what it has (API Gateway waits for at most 30 s: "Amazon API Gateway quotas",
/// "Maximum integration timeout").
const PAGE_TIME: SignedDuration = SignedDuration::from_secs(5);

/// A page that is being gathered.
pub(super) struct Reader<'a> {
    pub(super) ctx: &'a Context,
    pub(super) connection: &'a ConnectionItem,
    question: &'a Question,
    wanted: Wanted<'a>,
    limit: usize,
    parts_left: u32,
    until: Timestamp,
    /// Something was looked at, so the next page begins further on.
    has_looked: bool,
    pub(super) items: Vec<Value>,
}

/// What became of a view that somebody wants to read.
pub(super) enum View {
    Open(Opened),
    Building { since: Timestamp },
}

/// Where a view's rows end for this page.
pub(super) enum Scanned {
    All,
    /// The page is full, or has looked at enough; the next one begins with this row.
    Until(u64),
    Building {
        since: Timestamp,
    },
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        ctx: &'a Context,
        connection: &'a ConnectionItem,
        question: &'a Question,
    ) -> Reader<'a> {
        Reader {
            ctx,
            connection,
            question,
            wanted: Wanted::new(&question.filter),
            limit: question.limit.clamp(1, LIMIT_MAX),
            parts_left: PARTS_PER_PAGE,
            until: ctx.now() + PAGE_TIME,
            has_looked: false,
            items: vec![],
        }
    }

    pub(super) fn token(&self, place: &Place) -> String {
        place.write(&self.connection.scope(), self.question)
    }

    pub(super) fn is_over(&self) -> bool {
        self.items.len() >= self.limit
            || self.parts_left == 0
            || (self.has_looked && self.ctx.now() >= self.until)
    }

    /// Opens a view; one that is not there is built, at once if it is small.
    pub(super) async fn open(&self, view: &ViewName) -> Result<View, StageError> {
        // A token names the view, so it may name anything.
        if source::roles(self.connection, view).is_none() {
            return Err(bad_token());
        }
        let prefix = name::prefix(self.connection.settings.app, &self.connection.scope(), view);
        match Opened::open(self.ctx, &prefix).await? {
            Some(opened) => Ok(View::Open(opened)),
            None => self.make(view, &prefix).await,
        }
    }

    async fn make(&self, view: &ViewName, prefix: &str) -> Result<View, StageError> {
        let (ctx, connection) = (self.ctx, self.connection);
        let Some(sources) = source::of_view(ctx, connection, view).await? else {
            return Err(bad_token());
        };
        if is_small(ctx, connection, view, &sources).await? {
            let built = build(ctx, connection, view, &sources.sources, Timestamp::MAX).await?;
            let opened = Opened::open(ctx, prefix).await?;
            if let (Built::Whole, Some(opened)) = (built, opened) {
                return Ok(View::Open(opened));
            }
        }
        ask(ctx, connection, view, prefix).await?;
        Ok(View::Building {
            since: sources.since,
        })
    }

    /// Gathers rows of a view, from a row on.
    pub(super) async fn scan(
        &mut self,
        view: &ViewName,
        opened: &Opened,
        from: u64,
    ) -> Result<Scanned, StageError> {
        let gathered = self.items.len();
        let scanned = self.gather(opened, from).await;
        let Err(StageError::Object(ObjectError::NotFound { .. })) = scanned else {
            return scanned;
        };
        // Parts are older than their index and expire before it; they are made again.
        self.items.truncate(gathered);
        let prefix = name::prefix(self.connection.settings.app, &self.connection.scope(), view);
        match self.make(view, &prefix).await? {
            View::Open(opened) => self.gather(&opened, from).await,
            View::Building { since } => Ok(Scanned::Building { since }),
        }
    }

    async fn gather(&mut self, opened: &Opened, from: u64) -> Result<Scanned, StageError> {
        if let Some(id) = &self.question.filter.id
            && let Some(rows) = opened.find(self.ctx, IdKey::of(id).0).await?
        {
            for row in rows {
                let part = opened.rows(self.ctx, row / PART_ROWS).await?;
                let row = part.get((row % PART_ROWS) as usize);
                self.items
                    .extend(row.filter(|row| self.wanted.has(row)).map(item));
            }
            self.has_looked = true;
            return Ok(Scanned::All);
        }
        let first = u32::try_from(from / u64::from(PART_ROWS)).map_err(|_| bad_token())?;
        let mut skipped = (from % u64::from(PART_ROWS)) as usize;
        for number in first..opened.index.parts.len() as u32 {
            let begin = u64::from(number) * u64::from(PART_ROWS);
            let offset = std::mem::take(&mut skipped);
            if !self
                .wanted
                .may_be_in(&opened.index.parts[number as usize].classes)
            {
                continue;
            }
            if self.is_over() {
                return Ok(Scanned::Until(begin + offset as u64));
            }
            self.parts_left -= 1;
            let rows = opened.rows(self.ctx, number).await?;
            self.has_looked = true;
            for (place, row) in rows.iter().enumerate().skip(offset) {
                if !self.wanted.has(row) {
                    continue;
                }
                if self.items.len() >= self.limit {
                    return Ok(Scanned::Until(begin + place as u64));
                }
                self.items.push(item(row));
            }
        }
        self.has_looked = true;
        Ok(Scanned::All)
    }
}

fn item(row: &super::row::Row) -> Value {
    serde_json::to_value(row).expect("a row is plain")
}

async fn is_small(
    ctx: &Context,
    connection: &ConnectionItem,
    view: &ViewName,
    made_of: &Sources,
) -> Result<bool, StageError> {
    let is_little =
        made_of.records() <= ctx.settings.view_records && made_of.pieces() <= PIECES_AT_ONCE;
    if !is_little {
        return Ok(false);
    }
    let missing = source::missing_segments(ctx, connection, view, &made_of.sources).await?;
    Ok(missing.is_empty())
}

/// Sends the message that has a view built. Whoever waits asks again every few seconds; a claim that runs out keeps
/// that from being as many builds. Losing it, or the message, costs time only.
async fn ask(
    ctx: &Context,
    connection: &ConnectionItem,
    view: &ViewName,
    prefix: &str,
) -> Result<(), StageError> {
    let now = ctx.now();
    let until = now + ctx.settings.function_limit;
    let IdKey(digest, _) = IdKey::of(prefix);
    let key = Key::new(connection.scope().pk(), format!("V#{digest:016x}"));
    let claim = Item::from([
        ("until".to_string(), until.as_millisecond().into()),
        (EXPIRES.to_string(), until.as_second().into()),
    ]);
    let is_free = Condition::Any(vec![
        Condition::NotExists,
        Condition::Less("until", now.as_millisecond().into()),
    ]);
    let write = Write {
        key,
        condition: is_free,
        change: Change::Put(claim),
    };
    match ctx.state.write(write).await {
        Err(StoreError::Refused { .. }) => return Ok(()),
        Ok(_) | Err(StoreError::Busy | StoreError::Unknown) => {}
        Err(error) => return Err(error.into()),
    }
    send(ctx, connection, view).await
}

pub(super) async fn send(
    ctx: &Context,
    connection: &ConnectionItem,
    view: &ViewName,
) -> Result<(), StageError> {
    let message = Message::View {
        connection: connection.settings.id.clone(),
        view: view.clone(),
    };
    Ok(ctx.queue.send(&message, std::time::Duration::ZERO).await?)
}
