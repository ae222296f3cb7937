//! Files: a view of each root, one after the other in the order of their ids.

use casbah_model::message::ViewName;
use casbah_model::ports::Query;
use casbah_model::record::RecordId;
use futures::TryStreamExt;
use futures::stream::FuturesOrdered;

use crate::error::StageError;
use crate::file_scan::QUEUE;
use crate::items::{self, StreamItem, stream_name};
use crate::view::Answer;
use crate::view::name;
use crate::view::question::{Filter, Question};
use crate::view::reader::{Reader, Scanned, View};
use crate::view::token::{Place, bad_token};

/// Roots that one page looks at: some seconds when all of them have to be built.
const ROOTS_PER_PAGE: usize = 200;
/// Roots that are opened at the same time, when those before held too little for the page.
const OPENED_AT_ONCE: usize = 8;

/// A page of the files of all roots, or of one.
pub(super) async fn page(
    reader: Reader<'_>,
    question: &Question,
    place: Option<Place>,
) -> Result<Answer, StageError> {
    let mut walk = Walk {
        is_first: place.is_none(),
        only: only(&question.filter),
        reader,
        after: None,
        lacking: vec![],
        seen: 0,
        shown: 0,
        width: 1,
    };
    match place {
        None => {}
        Some(Place::After { root }) => walk.after = Some(root),
        Some(Place::Row { view, row }) => {
            let root = view.root.as_ref().ok_or_else(bad_token)?.id.clone();
            if view.collection != question.collection.name() {
                return Err(bad_token());
            }
            let opened = walk.reader.open(&view).await?;
            let root = Root {
                id: root,
                view: Some((view, opened)),
            };
            if let Some(answer) = walk.read(root, row).await? {
                return Ok(answer);
            }
        }
    }
    loop {
        let units = walk.units().await?;
        if units.is_empty() {
            return Ok(walk.ended());
        }
        for root in walk.open(units).await? {
            if walk.reader.is_over() {
                return Ok(walk.answer());
            }
            if let Some(answer) = walk.read(root, 0).await? {
                return Ok(answer);
            }
        }
        if walk.reader.is_over() || walk.seen >= ROOTS_PER_PAGE {
            return Ok(walk.answer());
        }
    }
}

/// The id of a root, and its item.
type Unit = (RecordId, StreamItem);

/// A root that is being looked at.
struct Root {
    id: RecordId,
    /// None before its first pass is over.
    view: Option<(ViewName, View)>,
}

/// The way through the roots that one page goes.
struct Walk<'a> {
    reader: Reader<'a>,
    is_first: bool,
    only: Option<RecordId>,
    /// The last root that was read to its end.
    after: Option<RecordId>,
    lacking: Vec<String>,
    seen: usize,
    shown: usize,
    width: usize,
}

impl Walk<'_> {
    /// The next roots, so many that building all of them does not take too long; none at the end.
    async fn units(&mut self) -> Result<Vec<Unit>, StageError> {
        let (ctx, scope) = (self.reader.ctx, self.reader.connection.scope());
        if let Some(root) = &self.only {
            if self.after.is_some() {
                return Ok(vec![]);
            }
            let key = scope.unit(QUEUE, root);
            let found = ctx.state.get(std::slice::from_ref(&key)).await?;
            let found = found.into_iter().flatten();
            return found
                .map(|item| Ok((root.clone(), items::read(&key, &item)?)))
                .collect();
        }
        let query = Query {
            after: self.after.as_ref().map(|root| scope.unit(QUEUE, root).sk),
            limit: self.width,
            ..Query::prefix(scope.units(QUEUE), "U#")
        };
        self.width = (self.width * 2).min(OPENED_AT_ONCE);
        let mut units = vec![];
        let mut records = 0;
        for found in ctx.state.query(query).await? {
            let unit: StreamItem = items::read(&found.key, &found.item)?;
            records += unit.records;
            if !units.is_empty() && records > ctx.settings.view_records {
                break;
            }
            units.push((RecordId::new(stream_name(&found.key)), unit));
        }
        Ok(units)
    }

    async fn open(&self, units: Vec<Unit>) -> Result<Vec<Root>, StageError> {
        let opening = units.into_iter().map(|unit| self.open_one(unit));
        opening.collect::<FuturesOrdered<_>>().try_collect().await
    }

    async fn open_one(&self, (id, unit): Unit) -> Result<Root, StageError> {
        let (ctx, scope) = (self.reader.ctx, self.reader.connection.scope());
        let view = match name::of_root(ctx, &scope, &unit).await? {
            Some(view) => {
                let opened = self.reader.open(&view).await?;
                Some((view, opened))
            }
            None => None,
        };
        Ok(Root { id, view })
    }

    /// Gathers the rows of a root; the answer, if the page ends in it.
    async fn read(&mut self, root: Root, from: u64) -> Result<Option<Answer>, StageError> {
        self.seen += 1;
        let Some((view, opened)) = root.view else {
            self.lacking.push(root.id.as_str().into());
            self.after = Some(root.id);
            return Ok(None);
        };
        self.shown += 1;
        let scanned = match opened {
            View::Open(opened) => self.reader.scan(&view, &opened, from).await?,
            View::Building { since } => Scanned::Building { since },
        };
        let (row, since) = match scanned {
            Scanned::All => {
                self.after = Some(root.id);
                return Ok(None);
            }
            Scanned::Until(row) => (row, None),
            Scanned::Building { since } => (from, Some(since)),
        };
        let next = self.reader.token(&Place::Row { view, row });
        Ok(Some(match since {
            Some(since) if self.reader.items.is_empty() => Answer::Building { since, next },
            _ => self.ready(Some(next)),
        }))
    }

    /// The answer when enough was looked at.
    fn answer(mut self) -> Answer {
        let root = self.after.clone();
        let root = root.expect("a page is over when something was looked at");
        let next = self.reader.token(&Place::After { root });
        self.ready(Some(next))
    }

    /// The answer when there are no more roots.
    fn ended(mut self) -> Answer {
        let is_unread = self.only.is_none() || !self.lacking.is_empty();
        if self.is_first && self.shown == 0 && is_unread {
            return Answer::Unknown;
        }
        self.ready(None)
    }

    fn ready(&mut self, next: Option<String>) -> Answer {
        Answer::Ready {
            items: std::mem::take(&mut self.reader.items),
            next,
            lacking: std::mem::take(&mut self.lacking),
        }
    }
}

/// The one root that a filter leaves. The id of a file is that of its root, a slash, and its own.
fn only(filter: &Filter) -> Option<RecordId> {
    let of_id = |id: &String| Some(id.rsplit_once('/')?.0.to_string());
    let root = filter.root.clone().or_else(|| of_id(filter.id.as_ref()?));
    root.map(RecordId::new)
}
