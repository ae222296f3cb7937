//! The ledger and the known gaps of a connection.
//!
//! The ledger is added up anew for every request, over the manifest: it is a proof, and a cached proof proves less. One
//! request has half a minute for that, which a large connection exceeds; then one feed at a time is asked for.

use std::collections::BTreeMap;

use casbah_model::connection::ConnectionState;
use casbah_model::ports::Query;
use casbah_model::tally::{Tallies, Tally};
use casbah_model::{SignedDuration, Timestamp};
use casbah_pipeline::file_scan::QUEUE;
use casbah_pipeline::items::{self, GapItem, Scope, StreamItem, StreamState, stream_name};
use casbah_pipeline::ledger::tallies;
use futures::future::{Either, select};
use serde_json::{Value, json};

use crate::connections::wrong_state;
use crate::paging::{Page, bad_token};
use crate::problem::{Code, Problem, shown};
use crate::reply::Reply;
use crate::request::Call;

pub const QUERY: &[&str] = &["feed", "limit", "next_token"];

/// API Gateway waits 30 s for an answer (Amazon API Gateway developer guide, "Quotas for configuring and running an
/// HTTP API", "Maximum integration timeout").
const TIME: SignedDuration = SignedDuration::from_secs(25);
const FEED_CHARS_MAX: usize = 80;
/// Units that one request looks through for failed ones; a page may be short because of it.
const UNITS_MAX: usize = 5000;
/// Units that are read at once.
const UNITS_PAGE: usize = 1000;

pub async fn read(call: &Call<'_>) -> Result<Reply, Problem> {
    let connection = call.connection().await?;
    if connection.state == ConnectionState::Deleting {
        return Err(wrong_state(
            &connection,
            "is being deleted; half of what was there proves nothing",
        ));
    }
    let page = Page::of(call, &connection.scope().to_string())?;
    let only = call.query.text("feed", FEED_CHARS_MAX)?;
    let sum = std::pin::pin!(tallies(call.ctx, &connection, only));
    let end = call.ctx.clock.sleep_until(call.ctx.now() + TIME);
    let feeds = match select(sum, end).await {
        Either::Left((feeds, _)) => feeds?,
        Either::Right(_) => {
            let what = "there is more than one request can add up; ask for one feed at a time with \
                        ?feed=…, or run `casbah ledger`";
            return Err(
                Problem::new(Code::Unavailable, what).with_connector(connection.settings.app)
            );
        }
    };
    if let Some(feed) = only
        && !feeds.contains_key(feed)
    {
        let what = format!("\"{}\" is not a feed of this connection", shown(feed));
        return Err(Problem::field(Code::BadParameter, "feed", what));
    }
    answer(&feeds, &page)
}

fn answer(feeds: &BTreeMap<String, Tallies>, page: &Page) -> Result<Reply, Problem> {
    let after = page.after.as_deref().map(place).transpose()?;
    let rows = feeds.iter().flat_map(|(feed, tallies)| {
        let rows = tallies.iter();
        rows.map(move |(hour, tally)| (feed.as_str(), hour, tally))
    });
    let is_later = |row: &(&str, Timestamp, &Tally)| {
        let after = after.as_ref().map(|(feed, hour)| (feed.as_str(), *hour));
        after.is_none_or(|after| (row.0, row.1) > after)
    };
    let mut rows: Vec<_> = rows.filter(is_later).take(page.limit + 1).collect();
    let has_more = rows.len() > page.limit;
    rows.truncate(page.limit);
    let next = rows.last().filter(|_| has_more);
    let next = next.map(|(feed, hour, _)| page.token(format!("{hour}|{feed}")));
    let hours = rows.iter().map(|(feed, hour, tally)| {
        let mut document = counts(tally);
        document["feed"] = (*feed).into();
        document["hour"] = hour.to_string().into();
        document["closes"] = tally.closes().into();
        document
    });
    let totals = feeds.iter().map(|(feed, tallies)| {
        let total = tallies.total();
        let mut document = counts(&total);
        document["feed"] = feed.as_str().into();
        document["bundles_open"] = total.bundles_open().into();
        document["closes"] = closes(tallies).into();
        document
    });
    let mut document = json!({
        "closes": feeds.values().all(closes),
        "totals": totals.collect::<Vec<_>>(),
        "hours": hours.collect::<Vec<_>>(),
    });
    if let Some(next) = next {
        document["next_token"] = next.into();
    }
    Ok(Reply::ok(&document))
}

fn place(after: &str) -> Result<(String, Timestamp), Problem> {
    let (hour, feed) = after.split_once('|').ok_or_else(bad_token)?;
    let hour = hour.parse().map_err(|_| bad_token())?;
    Ok((feed.into(), hour))
}

/// Every hour by itself: sums can hide what hours do not.
fn closes(tallies: &Tallies) -> bool {
    tallies.iter().all(|(_, tally)| tally.closes())
}

fn counts(tally: &Tally) -> Value {
    serde_json::to_value(tally).expect("counts are plain")
}

/// Spans that cannot be read any more, then places of files that were set aside.
pub async fn gaps(call: &Call<'_>) -> Result<Reply, Problem> {
    let connection = call.connection().await?;
    let scope = connection.scope();
    let page = Page::of(call, &scope.to_string())?;
    let (mut items, mut next) = (vec![], page.after.clone());
    let is_at_units =
        |next: &Option<String>| next.as_deref().is_some_and(|next| next.starts_with(UNITS));
    if !is_at_units(&next) {
        next = spans(call, &scope, &page, next, &mut items).await?;
    }
    if is_at_units(&next) {
        next = failed_units(call, &scope, &page, next, &mut items).await?;
    }
    Ok(page.reply(items, next))
}

/// How tokens tell the two halves of the list apart; what follows is a sort key.
const SPANS: &str = "g ";
const UNITS: &str = "u ";

async fn spans(
    call: &Call<'_>,
    scope: &Scope,
    page: &Page,
    after: Option<String>,
    out: &mut Vec<Value>,
) -> Result<Option<String>, Problem> {
    let after = match &after {
        Some(after) => Some(after.strip_prefix(SPANS).ok_or_else(bad_token)?.to_string()),
        None => None,
    };
    let query = Query {
        after,
        limit: page.limit,
        ..Query::prefix(scope.gaps(), "")
    };
    let found = call.ctx.state.query(query).await?;
    for found in &found {
        let gap: GapItem = items::read(&found.key, &found.item)?;
        out.push(json!({
            "kind": "span", "stream": gap.stream, "from": gap.from, "to": gap.to,
            "why": gap.why, "at": gap.at,
        }));
    }
    let last = found.last().map(|found| found.key.sk.clone());
    let is_full = found.len() >= page.limit;
    Ok(Some(match last {
        Some(last) if is_full => format!("{SPANS}{last}"),
        _ => UNITS.to_string(),
    }))
}

async fn failed_units(
    call: &Call<'_>,
    scope: &Scope,
    page: &Page,
    after: Option<String>,
    out: &mut Vec<Value>,
) -> Result<Option<String>, Problem> {
    let after = after.as_deref().and_then(|after| after.strip_prefix(UNITS));
    let after = after.filter(|after| !after.is_empty());
    if after.is_some_and(|after| !after.starts_with("U#")) {
        return Err(bad_token());
    }
    let mut query = Query {
        after: after.map(String::from),
        limit: UNITS_PAGE,
        ..Query::prefix(scope.units(QUEUE), "U#")
    };
    for _ in 0..UNITS_MAX / UNITS_PAGE {
        let found = call.ctx.state.query(query.clone()).await?;
        for found in &found {
            if out.len() >= page.limit {
                return Ok(query
                    .after
                    .map(|after| format!("{UNITS}{after}"))
                    .or(Some(UNITS.into())));
            }
            let unit: StreamItem = items::read(&found.key, &found.item)?;
            if unit.st == StreamState::Failed {
                out.push(json!({
                    "kind": "unit", "unit": stream_name(&found.key), "cause": unit.trouble,
                }));
            }
            query.after = Some(found.key.sk.clone());
        }
        if found.is_empty() {
            return Ok(None);
        }
    }
    Ok(query.after.map(|after| format!("{UNITS}{after}")))
}
