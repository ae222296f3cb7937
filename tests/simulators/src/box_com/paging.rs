//! Pages of lists, by marker and by offset, and which fields their entries have.
//!
//! A marker carries the list it is of and the key of the last entry before the page, so that nothing is remembered.

use super::desk::Desk;
use super::faults::Fault;
use super::plan::{EndMarker, FieldsBeside};
use super::wire::{Call, api_error, api_error_about};
use crate::answer::Answer;
use crate::json::{object, text};
use crate::seal::{seal, unseal};

const LIMIT_DEFAULT: usize = 100;
const LIMIT_MAX: usize = 1000;
/// An offset above this is refused (OpenAPI, "List enterprise users").
pub const OFFSET_MAX: usize = 10_000;
/// How many entries a page repeats when it does.
const REPEATED: usize = 3;
/// What the fault `unknown-keys` adds.
pub const UNKNOWN_KEY: &str = "simulated_key";
/// Among the fields of items, so that their owners are not told.
pub const NULL_OWNER: &str = "@null_owner";
const START: &str = "start";

/// A page that is asked for.
pub struct Page {
    /// The key of the last entry before it.
    after: Option<u64>,
    limit: usize,
    oddity: Oddity,
}

/// What faults do to one page.
#[derive(Clone, Copy, Default)]
struct Oddity {
    is_short: bool,
    is_empty: bool,
    is_repeating: bool,
    is_circle: bool,
}

impl Desk<'_> {
    /// Reads the limit; one that is too large or none is refused (uncertain).
    fn limit(&self, call: &Call) -> Result<usize, Answer> {
        match call.parameter("limit") {
            None => Ok(LIMIT_DEFAULT),
            Some(limit) => match limit.parse::<usize>() {
                Ok(limit) if (1..=LIMIT_MAX).contains(&limit) => Ok(limit),
                _ => Err(api_error("invalid_limit")),
            },
        }
    }

    fn is_expired(&mut self, list: &str) -> bool {
        let meant = self.state.switches.settings(Fault::ExpiredMarker);
        let is_meant = meant.is_some_and(|settings| {
            let value = settings.value.as_deref().unwrap_or_default();
            value.is_empty() || list.split('|').next() == Some(value)
        });
        is_meant && self.strikes(Fault::ExpiredMarker).is_some()
    }

    /// Reads which page is asked for by marker; `list` is what the marker must be of.
    fn marked_page(&mut self, call: &Call, list: &str) -> Result<Page, Answer> {
        let marker = call.parameter("marker").filter(|marker| !marker.is_empty());
        let refused = || api_error_about("invalid_parameter", "marker", "Invalid marker");
        let after = match marker {
            None => None,
            Some(_) if self.is_expired(list) => return Err(refused()),
            Some(marker) => {
                let token = unseal(self.plan.seed, marker).ok_or_else(refused)?;
                let key = token
                    .strip_prefix(list)
                    .and_then(|rest| rest.strip_prefix('|'));
                match key.ok_or_else(refused)? {
                    START => None,
                    key => Some(key.parse().map_err(|_| refused())?),
                }
            }
        };
        let limit = self.limit(call)?;
        let oddity = Oddity {
            is_short: self.strikes(Fault::ShortPages).is_some(),
            // An empty page carries the same place on, so it comes only before the first page.
            is_empty: marker.is_none() && self.strikes(Fault::EmptyPage).is_some(),
            is_repeating: self.strikes(Fault::RepeatedItems).is_some(),
            is_circle: self.strikes(Fault::MarkerCircle).is_some(),
        };
        Ok(Page {
            after,
            limit,
            oddity,
        })
    }

    /// A page by marker of entries that come in the order of their keys.
    pub fn marked(
        &mut self,
        call: &Call,
        list: &str,
        keys: impl IntoIterator<Item = u64>,
        write: impl Fn(&Self, u64) -> String,
    ) -> Answer {
        let page = match self.marked_page(call, list) {
            Ok(page) => page,
            Err(answer) => return answer,
        };
        let most = page.limit.min(self.plan.page_max);
        let size = match page.oddity {
            Oddity { is_empty: true, .. } => 0,
            Oddity { is_short: true, .. } => most.div_ceil(2),
            _ => most,
        };
        let is_later = |key: &u64| page.after.is_none_or(|after| *key > after);
        let mut keys = keys.into_iter().filter(is_later).peekable();
        let chosen: Vec<u64> = keys.by_ref().take(size).collect();
        let has_more = keys.peek().is_some();
        let stays = page.oddity.is_empty || page.oddity.is_circle;
        let last = if stays {
            page.after
        } else {
            chosen.last().copied()
        };
        let last = last.map_or(START.into(), |key| key.to_string());
        let next = has_more.then(|| seal(self.plan.seed, &format!("{list}|{last}")));
        let mut texts: Vec<String> = chosen.iter().map(|key| write(self, *key)).collect();
        if page.oddity.is_repeating {
            let again: Vec<String> = texts.iter().take(REPEATED).cloned().collect();
            texts.extend(again);
        }
        let next = self.next_marker(next.as_deref());
        let body = object(|body| {
            body.number("limit", page.limit as u64);
            if let Some(next) = next {
                body.raw("next_marker", &next);
            }
            body.raw("entries", &format!("[{}]", texts.join(",")));
        });
        Answer::json(200, body)
    }

    /// `next_marker` as JSON; `None` if it is left out.
    fn next_marker(&mut self, next: Option<&str>) -> Option<String> {
        if let Some(next) = next {
            return Some(text(next));
        }
        let turn = self.state.world.turns % 3;
        self.state.world.turns += 1;
        match (self.plan.choices.end_marker, turn) {
            (EndMarker::Null, _) | (EndMarker::ByTurns, 0) => Some("null".into()),
            (EndMarker::Empty, _) | (EndMarker::ByTurns, 1) => Some(r#""""#.into()),
            (EndMarker::Absent, _) | (EndMarker::ByTurns, _) => None,
        }
    }

    /// A page by offset. Places that are `None` count but are not told, so that readers must advance by the limit.
    pub fn numbered(
        &mut self,
        call: &Call,
        places: &[Option<u64>],
        order: &str,
        write: impl Fn(&Self, u64) -> String,
    ) -> Answer {
        let limit = match self.limit(call) {
            Ok(limit) => limit,
            Err(answer) => return answer,
        };
        let offset = match call.parameter("offset").map(str::parse::<usize>) {
            None => 0,
            Some(Ok(offset)) => offset,
            Some(Err(_)) => return api_error("invalid_offset"),
        };
        let chosen = places.iter().skip(offset).take(limit).flatten();
        let mut texts: Vec<String> = chosen.map(|key| write(self, *key)).collect();
        if self.strikes(Fault::RepeatedItems).is_some() {
            let again: Vec<String> = texts.iter().take(REPEATED).cloned().collect();
            texts.extend(again);
        }
        let order = format!(r#"[{{"by":{},"direction":"ASC"}}]"#, text(order));
        let body = object(|body| {
            body.number("total_count", places.len() as u64)
                .number("limit", limit as u64)
                .number("offset", offset as u64)
                .raw("order", &order)
                .raw("entries", &format!("[{}]", texts.join(",")));
        });
        Answer::json(200, body)
    }

    /// Which fields an entry has: the standard ones, or those asked for and a few beside them.
    pub fn fields(&mut self, call: &Call, mini: &[&str], standard: &[&str]) -> Vec<String> {
        let mut fields: Vec<String> = match call.fields() {
            None => standard.iter().map(ToString::to_string).collect(),
            Some(mut asked) => {
                let beside = match self.plan.choices.fields_beside {
                    FieldsBeside::Mini => mini,
                    FieldsBeside::Least => &["type", "id"],
                };
                asked.extend(beside.iter().map(ToString::to_string));
                asked
            }
        };
        if self.strikes(Fault::UnknownKeys).is_some() {
            fields.push(UNKNOWN_KEY.into());
        }
        if mini == super::item_text::MINI && self.strikes(Fault::NullOwner).is_some() {
            fields.push(NULL_OWNER.into());
        }
        fields
    }
}

/// Whether an entry has a field.
pub fn has(fields: &[String], name: &str) -> bool {
    fields.iter().any(|field| field == name)
}
