//! The loop every inventory stream runs: fetch, write, commit, repeat, until it has caught up or time is over.

use std::sync::Arc;

use casbah_connector::{ConnectorError, PageEnd};
use casbah_lake::ManifestEntry;
use casbah_model::cursor::Cursor;

use crate::error::StageError;
use crate::roster::Roster;
use crate::sink::InventorySink;
use crate::step::{Committed, Step};

/// How one group of pages ended.
pub enum Group {
    /// Committed up to a page border; there is more, and time for it.
    More,
    /// The budget is used; committed up to a page border.
    OutOfTime,
    /// The last page: its records wait for the commit that says so.
    CaughtUp {
        entry: ManifestEntry,
        roster: Roster,
        cursor: Option<Cursor>,
    },
    /// Somebody else has the stream, or the connection is not wanted any more.
    Stopped { is_ours: bool },
    /// What was whole is committed; the error is for the stage to deal with.
    Failed(ConnectorError),
}

/// A source of pages; the stage binds session, connector and what it lists.
#[async_trait::async_trait]
pub trait Pages: Send + Sync {
    async fn page(
        &self,
        cursor: Option<&Cursor>,
        out: &mut InventorySink,
    ) -> Result<PageEnd, ConnectorError>;
}

/// Reads pages until they are worth a commit, and commits them; the last page is handed back uncommitted.
pub async fn group(
    step: &mut Step<'_>,
    pages: &dyn Pages,
    family: &str,
    keeps_roster: bool,
) -> Result<Group, StageError> {
    let ctx = step.ctx;
    let objects = ctx.patient_objects();
    let begun = ctx.now();
    let mut sink = InventorySink::new(Arc::clone(&objects), step.place(family))?;
    let mut cursor: Option<Cursor> = step.stream.cursor(&step.key)?;
    let mut pages_accepted = 0;
    let end = loop {
        let page = pages.page(cursor.as_ref(), &mut sink).await;
        match page {
            Ok(PageEnd::More(next)) if Some(&next) == cursor.as_ref() => {
                sink.discard();
                let what = "the vendor's link to the next page leads to the same page".to_string();
                break Err(ConnectorError::BadLink { what });
            }
            Ok(PageEnd::More(next)) => {
                sink.accept().await?;
                pages_accepted += 1;
                cursor = Some(next);
            }
            Ok(PageEnd::CaughtUp(next)) => {
                sink.accept().await?;
                let roster = sink.roster().clone();
                let entry = sink.finish(&*objects, keeps_roster).await?;
                return Ok(Group::CaughtUp {
                    entry,
                    roster,
                    cursor: next,
                });
            }
            Err(error) => {
                sink.discard();
                break Err(error);
            }
        }
        let is_worth_it = sink.raw_bytes() >= ctx.settings.commit_bytes
            || ctx.now().duration_since(begun) >= ctx.settings.commit_after;
        if is_worth_it || !step.has_time() {
            break Ok(());
        }
    };
    if pages_accepted > 0 {
        step.stream.cur = cursor.map(|cursor| cursor.as_str().into());
        let entry = sink.finish(&*objects, keeps_roster).await?;
        if step.commit(Some(entry), vec![]).await? != Committed::Yes {
            return Ok(Group::Stopped { is_ours: false });
        }
    }
    match end {
        Err(error) => Ok(Group::Failed(error)),
        Ok(()) if !step.has_time() => Ok(Group::OutOfTime),
        Ok(()) if !step.is_still_wanted().await? => Ok(Group::Stopped { is_ours: true }),
        Ok(()) => Ok(Group::More),
    }
}
