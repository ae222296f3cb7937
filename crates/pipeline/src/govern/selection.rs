//! Actions on everything that matches: what an inventory shows is written down as targets before anything is planned.
//!
//! The inventory says what was there when it was read; the plan then reads each object once more, so what was mended
//! meanwhile is "already", and what is new is left for the next time.

use std::collections::BTreeMap;

use casbah_connector::Governance;
use casbah_lake::layout::Place;
use casbah_model::action::{ActionKind, ActionState, Subject};
use casbah_model::connection::Cause;
use casbah_model::file::Sharing;
use casbah_model::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::item::{ActionItem, OrderLine};
use super::record::Journal;
use super::{Turn, lists};
use crate::context::Context;
use crate::error::StageError;
use crate::items::ConnectionItem;
use crate::step::Step;
use crate::view::{self, Answer, Collection, Filter, Kind, LIMIT_MAX, Question, Status};

/// A list that is being made ready is asked for again after this.
const LIST_AGAIN: SignedDuration = SignedDuration::from_secs(5);
/// Lists that were never read whole, as far as they are named.
const UNREAD_MAX: usize = 5;
/// Four digits of days: 27 years.
const DAYS_MAX: u32 = 9_999;

/// What is to be changed, by what it is like and not by its id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    try_from = "BTreeMap<String, String>",
    into = "BTreeMap<String, String>"
)]
pub struct Selection {
    /// As lists are filtered.
    filter: Filter,
    /// Only files that nobody changed for so many days; those that tell no time are not meant.
    unchanged_days: Option<u32>,
}

/// The words that a selection is made of, as people write them.
const WORDS: [&str; 7] = [
    "id",
    "kind",
    "query",
    "root",
    "sharing",
    "status",
    "unchanged-days",
];

impl TryFrom<BTreeMap<String, String>> for Selection {
    type Error = Cause;

    fn try_from(words: BTreeMap<String, String>) -> Result<Selection, Cause> {
        let mut selection = Selection::default();
        let filter = &mut selection.filter;
        for (name, value) in words {
            match name.as_str() {
                "id" => filter.id = Some(value),
                "query" => filter.query = Some(value),
                "root" => filter.root = Some(value),
                "kind" => filter.kind = Some(word(&name, &value, Kind::ALL, Kind::name)?),
                "status" => filter.status = Some(word(&name, &value, Status::ALL, Status::name)?),
                "sharing" => {
                    filter.sharing = Some(word(&name, &value, Sharing::ALL, Sharing::name)?);
                }
                "unchanged-days" => {
                    let days = value.parse().ok().filter(|days| *days <= DAYS_MAX);
                    let days = days.ok_or_else(|| {
                        let what = format!("\"{}\" is no number of days", shown(&value));
                        bad(what, format!("give 0 to {DAYS_MAX}"))
                    })?;
                    selection.unchanged_days = Some(days);
                }
                _ => {
                    let what = format!("nothing is selected by \"{}\"", shown(&name));
                    return Err(bad(what, format!("use some of {}", WORDS.join(", "))));
                }
            }
        }
        Ok(selection)
    }
}

impl From<Selection> for BTreeMap<String, String> {
    fn from(selection: Selection) -> BTreeMap<String, String> {
        let Selection {
            filter,
            unchanged_days,
        } = selection;
        let words = [
            filter.id,
            filter.kind.map(|kind| kind.name().into()),
            filter.query,
            filter.root,
            filter.sharing.map(|sharing| sharing.name().into()),
            filter.status.map(|status| status.name().into()),
            unchanged_days.map(|days| days.to_string()),
        ];
        let named = WORDS.into_iter().zip(words);
        named
            .filter_map(|(name, word)| Some((name.to_string(), word?)))
            .collect()
    }
}

/// One of some words.
fn word<T: Copy, const N: usize>(
    of: &str,
    value: &str,
    all: [T; N],
    name: fn(T) -> &'static str,
) -> Result<T, Cause> {
    let found = all.into_iter().find(|known| name(*known) == value);
    found.ok_or_else(|| {
        let what = format!("{of} is never \"{}\"", shown(value));
        bad(what, format!("use one of {}", all.map(name).join(", ")))
    })
}

fn bad(what: String, fix: impl Into<String>) -> Cause {
    Cause::new("selection", what, fix)
}

fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(60).collect()
}

/// How far the targets are written down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selecting {
    pub selection: Selection,
    /// When it was asked for: ages are told from then.
    pub at: Timestamp,
    /// Where the list goes on.
    #[serde(default)]
    pub after: Option<String>,
    #[serde(default)]
    pub is_done: bool,
    /// Lists that were never read whole: what they hold is not in the plan.
    #[serde(default)]
    pub unread: Vec<String>,
}

/// The inventory that the targets of an action are in.
fn collection(kind: ActionKind) -> Option<Collection> {
    match kind.subject() {
        Subject::Account => Some(Collection::Users),
        Subject::File => Some(Collection::Files),
        Subject::App => None,
    }
}

impl Selection {
    /// Checks that an action can be done to what is selected, and that the inventory can be asked so.
    pub(super) fn check(
        &self,
        governance: &dyn Governance,
        kind: ActionKind,
    ) -> Result<(), StageError> {
        let refuse = |what: String, fix: &str| Err(StageError::Refused(bad(what, fix)));
        let Some(collection) = collection(kind).filter(|_| governance.target(kind, "id").is_some())
        else {
            let what = format!("{kind} is not done to what an inventory lists");
            return refuse(what, "name its targets");
        };
        self.filter.check(collection)?;
        if self.filter == Filter::default() {
            let what = format!("nothing says which {collection} are meant");
            return refuse(what, "give a filter, such as sharing or status");
        }
        match self.unchanged_days {
            Some(_) if collection != Collection::Files => refuse(
                format!("{collection} do not tell when they were changed"),
                "leave the age out; only files have one",
            ),
            _ => Ok(()),
        }
    }

    /// Whether a row of a list is old enough.
    fn is_old(&self, row: &Value, now: Timestamp) -> bool {
        let Some(days) = self.unchanged_days else {
            return true;
        };
        let since = now - SignedDuration::from_hours(24 * i64::from(days));
        let time = |name: &str| row[name].as_str()?.parse::<Timestamp>().ok();
        let last = time("modified").or_else(|| time("created"));
        last.is_some_and(|last| last <= since)
    }
}

impl Selecting {
    pub(super) fn new(selection: Selection, at: Timestamp) -> Selecting {
        Selecting {
            selection,
            at,
            after: None,
            is_done: false,
            unread: vec![],
        }
    }
}

/// Writes the targets of the next page down; after the last one they are planned.
pub(super) async fn turn(
    step: &mut Step<'_>,
    governance: &dyn Governance,
    mut action: ActionItem,
    mut selecting: Selecting,
) -> Result<Turn, StageError> {
    let ctx = step.ctx;
    let mut wait = None;
    let page = page(ctx, &step.connection, action.kind, &selecting).await;
    match page {
        Ok(Answer::Ready {
            items,
            next,
            lacking,
        }) => {
            let place = step.place(super::ask::FAMILY);
            let wanted = items
                .iter()
                .filter(|row| selecting.selection.is_old(row, selecting.at));
            let ids = wanted.filter_map(|row| row["id"].as_str());
            let targets = ids.filter_map(|id| governance.target(action.kind, id));
            let lines = targets.map(|target| OrderLine { target }).collect();
            add(ctx, place, &mut action, lines).await?;
            selecting.is_done = next.is_none();
            selecting.after = next;
            selecting.unread.extend(lacking);
            selecting.unread.sort();
            selecting.unread.dedup();
            selecting.unread.truncate(UNREAD_MAX);
        }
        Ok(Answer::Building { next, .. }) => {
            selecting.after = Some(next);
            wait = Some(ctx.now() + LIST_AGAIN);
        }
        Ok(Answer::Unknown) => fail(
            &mut action,
            Cause::new(
                "unread",
                "what is there was not read whole yet",
                "wait until `casbah status` shows it as caught up, and plan it again",
            ),
        ),
        // The list that it was reading is gone; what is written down of it may be out of date.
        Err(StageError::Refused(cause)) if cause.code == "token" => {
            selecting = Selecting::new(selecting.selection, selecting.at);
            action.orders.clear();
            action.counts.objects = 0;
        }
        Err(error) => return Err(error),
    }
    let most = ctx.policy.objects_max;
    if action.counts.objects > most {
        let what = format!("more than {most} objects match, and no more may be changed at once");
        let fix = "narrow the filter, or raise the limit in the policy";
        fail(&mut action, Cause::new("blast-radius", what, fix));
    }
    action.selecting = Some(selecting);
    let mut journal = Journal::new(step, ctx)?;
    journal.tell(&mut action).await?;
    if !action.state.is_open() {
        journal.end(&action, ctx.now()).await?;
    }
    match super::save(step, action, journal, None).await? {
        Turn::Again if wait.is_some() => Ok(Turn::Idle(wait)),
        turn => Ok(turn),
    }
}

async fn page(
    ctx: &Context,
    connection: &ConnectionItem,
    kind: ActionKind,
    selecting: &Selecting,
) -> Result<Answer, StageError> {
    let Some(collection) = collection(kind) else {
        return Ok(Answer::Unknown);
    };
    let question = Question {
        collection,
        filter: selecting.selection.filter.clone(),
        after: selecting.after.clone(),
        limit: LIMIT_MAX,
    };
    view::page(ctx, connection, &question).await
}

async fn add(
    ctx: &Context,
    place: Place,
    action: &mut ActionItem,
    lines: Vec<OrderLine>,
) -> Result<(), StageError> {
    if !lines.is_empty() {
        action
            .orders
            .extend(lists::store(ctx, place, &lines).await?);
        action.counts.objects += lines.len() as u64;
    }
    Ok(())
}

fn fail(action: &mut ActionItem, cause: Cause) {
    action.state = ActionState::Failed;
    action.cause = Some(cause);
}
