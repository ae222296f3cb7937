//! The system log (System Log query): polling by the order of storing, bounded reads by the time of publishing.

use casbah_model::Timestamp;
use serde_json::Value;

use super::desk::Desk;
use super::event_text::{Oddity, text};
use super::faults::Fault;
use super::filter::{Filter, Malformed, Operator};
use super::plan::OldCursor;
use super::schedule::{Place, RETENTION};
use super::wire::{Call, api_error, api_error_as, bad_value};
use crate::answer::Answer;
use crate::moment::{DAY, Millis};

const LIMIT_DEFAULT: usize = 100;
const LIMIT_MAX: usize = 1000;
/// Where a query without `since` begins, before `until`.
const SINCE_DEFAULT: Millis = 7 * DAY;
const SINCE_MAX: Millis = 180 * DAY;
/// `q` has at most ten words of 40 characters.
const WORDS_MAX: usize = 10;
const WORD_MAX: usize = 40;
/// What the fault `log-timeout` lets pass when it has no value.
const SLOW_LIMIT: usize = 100;
const PADDING: usize = 1_000_000;

/// What an event has at its top; a filter may name nothing else.
const FIELDS: [&str; 16] = [
    "uuid",
    "eventType",
    "version",
    "severity",
    "legacyEventType",
    "displayMessage",
    "actor",
    "client",
    "device",
    "outcome",
    "target",
    "transaction",
    "debugContext",
    "authenticationContext",
    "securityContext",
    "request",
];

/// What is asked for.
struct Query {
    limit: usize,
    filter: Option<Filter>,
    words: Vec<String>,
    order: Order,
}

enum Order {
    /// `since` without `until`, ascending: never ends.
    Stored { after: Place },
    Published {
        since: Millis,
        until: Millis,
        after: Option<Place>,
        is_descending: bool,
    },
}

impl Desk<'_> {
    pub fn system_log(&mut self, call: &Call) -> Answer {
        if self.strikes(Fault::LogInternalError).is_some() {
            return api_error_as(500, "E0000053", "Internal error", "");
        }
        let query = match self.log_query(call) {
            Ok(query) => query,
            Err(answer) => return answer,
        };
        let slow = self.state.switches.settings(Fault::LogTimeout);
        let slow = slow.and_then(|settings| settings.value.as_ref()?.parse().ok());
        if query.limit > slow.unwrap_or(SLOW_LIMIT) && self.strikes(Fault::LogTimeout).is_some() {
            return api_error("E0000009", "The query took longer than 30 seconds.");
        }
        let limit = query.limit.min(self.plan.page_max);
        let query = Query { limit, ..query };
        match query.order {
            Order::Stored { after } => self.polled(call, &query, after),
            Order::Published { .. } => self.bounded(call, &query),
        }
    }

    fn log_query(&mut self, call: &Call) -> Result<Query, Answer> {
        let limit = match call.parameter("limit").map(str::parse::<usize>) {
            None => LIMIT_DEFAULT,
            Some(Ok(limit)) if limit <= LIMIT_MAX => limit,
            Some(_) => return Err(bad_value("limit: must be between 0 and 1000.")),
        };
        let is_descending = match call.parameter("sortOrder") {
            None | Some("ASCENDING") => false,
            Some("DESCENDING") => true,
            Some(_) => return Err(bad_value("sortOrder: ASCENDING or DESCENDING.")),
        };
        let filter = call.parameter("filter").map(|text| self.log_filter(text));
        let words = call.parameter("q").unwrap_or_default().split(' ');
        let words: Vec<String> = words
            .filter(|word| !word.is_empty())
            .map(str::to_lowercase)
            .collect();
        if words.len() > WORDS_MAX || words.iter().any(|word| word.chars().count() > WORD_MAX) {
            return Err(bad_value("q: at most 10 words of 40 characters."));
        }
        Ok(Query {
            limit,
            filter: filter.transpose()?,
            words,
            order: self.log_order(call, is_descending)?,
        })
    }

    fn log_order(&mut self, call: &Call, is_descending: bool) -> Result<Order, Answer> {
        let time = |name: &str| match call.parameter(name).map(str::parse::<Timestamp>) {
            None => Ok(None),
            Some(Ok(at)) => Ok(Some(at.as_millisecond())),
            Some(Err(_)) => Err(bad_value(&format!("{name}: The date cannot be read."))),
        };
        let (since, until) = (time("since")?, time("until")?);
        if let Some(after) = call.parameter("after") {
            if since.is_some() {
                return Err(bad_value(
                    "The parameters since and after exclude each other.",
                ));
            }
            return self.log_cursor(after, until, is_descending);
        }
        let ends = until.unwrap_or(self.now);
        let since = since.unwrap_or(ends - SINCE_DEFAULT);
        if since < self.now - SINCE_MAX {
            let sentence =
                "Invalid parameter: The since parameter is over 180 days prior to the current day.";
            return Err(api_error_as(400, "E0000053", sentence, ""));
        }
        // Here `since` is a time of storing (uncertain).
        if until.is_none() && !is_descending {
            let after = (since - 1, u64::MAX);
            return Ok(Order::Stored { after });
        }
        Ok(Order::Published {
            since,
            until: ends,
            after: None,
            is_descending,
        })
    }

    fn log_cursor(
        &mut self,
        after: &str,
        until: Option<Millis>,
        is_descending: bool,
    ) -> Result<Order, Answer> {
        let invalid = || bad_value("after: The cursor is not valid.");
        let cursor = self.open_cursor(after).ok_or_else(invalid)?;
        if self.strikes(Fault::DeadCursor).is_some() {
            return Err(invalid());
        }
        let mut parts = cursor.split('|');
        let mut number = || parts.next().and_then(|part| part.parse::<i64>().ok());
        let (kind, at, event) = (number(), number(), number());
        let (Some(kind), Some(at), Some(event)) = (kind, at, event) else {
            return Err(invalid());
        };
        // Numbers of events are below 2^63, but "after all of this time" is not.
        let place = (at, u64::try_from(event).unwrap_or(u64::MAX));
        let (since, ends) = (number(), number());
        if kind == STORED {
            let is_old = at < self.now - RETENTION;
            if is_old && self.plan.choices.old_cursor == OldCursor::Refused {
                return Err(invalid());
            }
            return Ok(Order::Stored { after: place });
        }
        let (Some(since), Some(ends)) = (since, ends) else {
            return Err(invalid());
        };
        Ok(Order::Published {
            since,
            until: until.unwrap_or(ends),
            after: Some(place),
            is_descending,
        })
    }

    /// Unknown fields and bad syntax are E0000053, operators that a field does not have E0000031.
    fn log_filter(&mut self, text: &str) -> Result<Filter, Answer> {
        let refused = |Malformed| api_error("E0000053", "The filter cannot be read.");
        let filter = Filter::parse(text).map_err(refused)?;
        for (field, operator) in filter.fields() {
            let first = field.split('.').next().unwrap_or(field);
            if field == "published" {
                return Err(api_error("E0000031", "published cannot be filtered."));
            }
            if !FIELDS.contains(&first) {
                return Err(api_error("E0000053", "The filter names an unknown field."));
            }
            if operator == Some(Operator::Ne) && self.strikes(Fault::LogFilterNe).is_none() {
                return Err(api_error("E0000031", "The operator ne is not supported."));
            }
        }
        Ok(filter)
    }

    /// An event that is asked for, as text.
    fn wanted(&mut self, query: &Query, number: u64) -> Option<String> {
        let published = self.published(number);
        if published < self.now - RETENTION {
            return None;
        }
        let text = self.event_text(number);
        if query.words.is_empty() && query.filter.is_none() {
            return Some(text);
        }
        let record: Value = serde_json::from_str(&text).ok()?;
        let has_words = query.words.iter().all(|word| has_word(&record, word));
        let is_wanted = query.filter.as_ref().is_none_or(|one| one.matches(&record));
        (has_words && is_wanted).then_some(text)
    }

    /// When an event was published.
    pub fn published(&self, number: u64) -> Millis {
        match number.checked_sub(super::schedule::DEED) {
            Some(place) => self.state.world.scenes[place as usize].published,
            None => self.state.schedule.time(number),
        }
    }

    /// The text of an event; faults hit the same events every time.
    pub fn event_text(&mut self, number: u64) -> String {
        let published = self.published(number);
        let scene = self.scene_of(number, published);
        let switches = &mut self.state.switches;
        let mut strikes = |fault| switches.strikes_at(fault, number).is_some();
        let oddity = Oddity {
            has_nulls: strikes(Fault::NullObjects),
            is_of_unknown_type: strikes(Fault::UnknownEventTypes),
            is_shuffled: strikes(Fault::ShuffledTargets),
            has_unknown_keys: strikes(Fault::UnknownKeys),
            is_without_uuid: strikes(Fault::EventWithoutUuid),
            padding: if strikes(Fault::EventOf1mb) {
                PADDING
            } else {
                0
            },
        };
        text(self.cast(), &scene, oddity)
    }

    /// Every event comes exactly where it was stored; there is always a next page, which may be this one's place.
    fn polled(&mut self, call: &Call, query: &Query, after: Place) -> Answer {
        let oddity = self.oddity(call);
        let (mut texts, mut last) = (Vec::new(), after);
        let limit = if oddity.is_empty { 0 } else { query.limit };
        let mut places = Vec::new();
        while texts.len() < limit {
            let wanted = limit - texts.len();
            let schedule = &self.state.schedule;
            places.extend(schedule.stored_after(last, self.now).take(wanted));
            if places.is_empty() {
                break;
            }
            for place in places.drain(..) {
                texts.extend(self.wanted(query, place.1));
                last = place;
            }
        }
        let goes_round = oddity.is_circle && !texts.is_empty();
        let next = if goes_round { after } else { last };
        let event = i64::try_from(next.1).map_or(-1, |event| event);
        let cursor = self.cursor(&format!("{STORED}|{}|{event}", next.0));
        let is_last = self.strikes(Fault::NextMissing).is_some();
        let next = (!is_last).then_some(cursor.as_str());
        repeat(&mut texts, oddity.is_repeating);
        self.with_links(events(&texts), call, next, oddity)
    }

    /// What was stored by now, in the order of publishing; what is stored later is missed.
    fn bounded(&mut self, call: &Call, query: &Query) -> Answer {
        let Order::Published {
            since,
            until,
            after,
            is_descending,
        } = query.order
        else {
            return events(&[]);
        };
        let mut oddity = self.oddity(call);
        // A first page has no cursor that an empty one could carry on.
        oddity.is_empty = false;
        let schedule = &self.state.schedule;
        let all = schedule.published_in(since, until, self.now);
        let places: Vec<Place> = if is_descending {
            let rest = all
                .rev()
                .filter(|place| after.is_none_or(|after| *place < after));
            rest.collect()
        } else {
            all.filter(|place| after.is_none_or(|after| *place > after))
                .collect()
        };
        let (mut texts, mut last, mut has_more) = (Vec::new(), after, false);
        for place in places {
            let Some(text) = self.wanted(query, place.1) else {
                continue;
            };
            if texts.len() == query.limit {
                has_more = true;
                let is_tie = last.is_some_and(|last: Place| last.0 == place.0);
                self.state.traffic.ties_split += u64::from(is_tie);
                break;
            }
            texts.push(text);
            last = Some(place);
        }
        let goes_round = oddity.is_circle && after.is_some();
        let next = if goes_round { after } else { last };
        let next = next
            .filter(|_| has_more)
            .map(|(at, event)| self.cursor(&format!("{PUBLISHED}|{at}|{event}|{since}|{until}")));
        repeat(&mut texts, oddity.is_repeating);
        self.with_links(events(&texts), call, next.as_deref(), oddity)
    }
}

/// Kinds of cursors.
const STORED: i64 = 0;
const PUBLISHED: i64 = 1;

/// Whether a word stands anywhere in the texts of a record, keys not counted.
fn has_word(value: &Value, word: &str) -> bool {
    match value {
        Value::String(text) => text.to_lowercase().contains(word),
        Value::Array(entries) => entries.iter().any(|one| has_word(one, word)),
        Value::Object(fields) => fields.values().any(|one| has_word(one, word)),
        _ => false,
    }
}

fn repeat(texts: &mut Vec<String>, is_repeating: bool) {
    if is_repeating {
        let again: Vec<String> = texts.iter().take(3).cloned().collect();
        texts.extend(again);
    }
}

fn events(texts: &[String]) -> Answer {
    Answer::json(200, format!("[{}]", texts.join(",")))
}
