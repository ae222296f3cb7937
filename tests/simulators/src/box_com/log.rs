//! The two streams of enterprise events (OpenAPI, "List user and enterprise events"; guides, "Enterprise events").
//!
//! The streams of single users (`all`, `changes`, `sync`) have no events here.

use casbah_model::Timestamp;

use super::desk::Desk;
use super::event_text::Oddity;
use super::events::Scene;
use super::faults::Fault;
use super::plan::{NowInLogs, OldPosition, PositionForm, StreamTimes};
use super::schedule::{DEED, LOG_HISTORY, STREAM_HISTORY, place_of, time_of};
use super::wire::{Call, api_error_about};
use crate::answer::Answer;
use crate::json::{object, text};
use crate::moment::Millis;

const LIMIT_DEFAULT: usize = 100;
/// A higher limit counts as this (uncertain).
const LIMIT_MAX: usize = 500;
/// How often the same events are held back.
const HELD_BACK_MAX: u64 = 2;
/// How many events a page repeats when it does.
const REPEATED: usize = 3;
const PADDING: usize = 1_000_000;

/// What is asked for.
struct Query {
    position: Position,
    limit: usize,
    types: Vec<String>,
    after: Option<Millis>,
    before: Option<Millis>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Position {
    Now,
    /// Events at this place and later; 0 is the oldest.
    From(u64),
}

/// Events of a page, and where the next one begins.
struct Chunk {
    numbers: Vec<u64>,
    next: u64,
}

impl Desk<'_> {
    pub fn events(&mut self, call: &Call) -> Answer {
        let query = match self.event_query(call) {
            Ok(query) => query,
            Err(answer) => return answer,
        };
        let chunk = match call.parameter("stream_type").unwrap_or("all") {
            "admin_logs_streaming" => self.streamed(query),
            "admin_logs" => self.logged(query),
            "all" | "changes" | "sync" => Ok(Chunk {
                numbers: Vec::new(),
                next: place_of(self.now),
            }),
            _ => Err(refused("stream_type")),
        };
        match chunk {
            Ok(chunk) => self.chunk_answer(chunk),
            Err(answer) => answer,
        }
    }

    fn event_query(&mut self, call: &Call) -> Result<Query, Answer> {
        let position = match call.parameter("stream_position") {
            None | Some("0") => Position::From(0),
            Some("now") => Position::Now,
            Some(_) if self.strikes(Fault::DeadPosition).is_some() => {
                return Err(refused("stream_position"));
            }
            Some(text) => {
                let place = text.parse().map_err(|_| refused("stream_position"))?;
                Position::From(place)
            }
        };
        let limit = match call.parameter("limit").map(str::parse::<usize>) {
            None => LIMIT_DEFAULT,
            Some(Ok(limit)) if limit > 0 => limit.min(LIMIT_MAX),
            Some(_) => return Err(refused("limit")),
        };
        let limit = limit.min(self.plan.page_max);
        let time = |name: &str| match call.parameter(name).map(str::parse::<Timestamp>) {
            None => Ok(None),
            Some(Ok(at)) => Ok(Some(at.as_millisecond())),
            Some(Err(_)) => Err(refused(name)),
        };
        let types = call.parameter("event_type").unwrap_or_default().split(',');
        Ok(Query {
            position,
            limit,
            types: types
                .filter(|one| !one.is_empty())
                .map(String::from)
                .collect(),
            after: time("created_after")?,
            before: time("created_before")?,
        })
    }

    /// In the order of streaming, some events twice.
    fn streamed(&mut self, query: Query) -> Result<Chunk, Answer> {
        let has_times = query.after.is_some() || query.before.is_some();
        if has_times && self.plan.choices.stream_times == StreamTimes::Refused {
            return Err(refused("created_after"));
        }
        let oldest = place_of(self.now - STREAM_HISTORY);
        let tail = place_of(self.now + 1);
        let from = match query.position {
            Position::Now => tail,
            Position::From(0) => oldest,
            Position::From(place) => {
                let is_old = time_of(place) < time_of(oldest);
                if is_old && self.plan.choices.old_position == OldPosition::Refused {
                    return Err(refused("stream_position"));
                }
                place.max(oldest)
            }
        };
        let all = &self.state.schedule.streamed;
        let range = all.range(from..tail.max(from));
        let found: Vec<(u64, u64)> = range
            .take(query.limit)
            .map(|(place, number)| (*place, *number))
            .collect();
        Ok(self.chunk(&query, from, found))
    }

    /// In the order of happening; whatever comes into view behind a position is missed by it.
    fn logged(&mut self, query: Query) -> Result<Chunk, Answer> {
        let oldest = place_of(self.now - LOG_HISTORY);
        let tail = place_of(self.now + 1);
        let given = match (query.position, self.plan.choices.now_in_logs) {
            (Position::From(place), _) => place,
            (Position::Now, NowInLogs::Tail) => tail,
            (Position::Now, NowInLogs::Zero) => {
                return Ok(Chunk {
                    numbers: Vec::new(),
                    next: 0,
                });
            }
            (Position::Now, NowInLogs::Refused) => return Err(refused("stream_position")),
        };
        let after = query.after.map_or(oldest, place_of);
        let from = given.max(oldest).max(after);
        let to = query.before.map_or(tail, place_of).min(tail).max(from);
        let now = self.now;
        let range = self.state.schedule.logged.range(from..to);
        let mut visible = range
            .filter(|(_, logged)| logged.visible <= now)
            .map(|(place, logged)| (*place, logged.number));
        let found: Vec<(u64, u64)> = visible.by_ref().take(query.limit).collect();
        let border = found.last().zip(visible.next());
        let is_tie = border.is_some_and(|(last, next)| time_of(last.0) == time_of(next.0));
        self.state.traffic.ties_split += u64::from(is_tie);
        let is_empty = found.is_empty();
        let mut chunk = self.chunk(&query, given, found);
        // Without events there may be no position either (box-java-sdk, issue 134).
        if is_empty && self.strikes(Fault::ZeroPosition).is_some() {
            chunk.next = 0;
        }
        Ok(chunk)
    }

    /// Of the events found from `from` on, those of the wanted types: fewer than the limit, perhaps none, although more
    /// exist.
    fn chunk(&mut self, query: &Query, from: u64, mut found: Vec<(u64, u64)>) -> Chunk {
        let first = found.first().map(|(place, _)| *place);
        if first.is_some_and(|first| self.is_held_back(first)) {
            found.clear();
        }
        if found.len() > 1 && self.strikes(Fault::ShortEvents).is_some() {
            found.truncate(found.len() / 2);
        }
        let mut next = found.last().map_or(from, |(place, _)| place + 1);
        if next != from && self.strikes(Fault::PositionCircle).is_some() {
            next = from;
        }
        let numbers = found.into_iter().map(|(_, number)| number);
        let is_wanted = |number: &u64| {
            let event_type = self.scene_of(*number).row().event_type;
            query.types.is_empty() || query.types.iter().any(|wanted| wanted == event_type)
        };
        Chunk {
            numbers: numbers.filter(is_wanted).collect(),
            next,
        }
    }

    /// Whether the page that begins with an event is empty this time. That it is only twice is ours: no document says how
    /// often.
    fn is_held_back(&mut self, first: u64) -> bool {
        let times = self.state.world.held_back.get(&first).copied();
        let is_held =
            times.unwrap_or(0) < HELD_BACK_MAX && self.strikes(Fault::EmptyEvents).is_some();
        if is_held {
            *self.state.world.held_back.entry(first).or_default() += 1;
        }
        is_held
    }

    fn chunk_answer(&mut self, chunk: Chunk) -> Answer {
        let mut numbers = chunk.numbers;
        if self.strikes(Fault::RepeatedEvents).is_some() {
            numbers.extend_from_within(..REPEATED.min(numbers.len()));
        }
        let texts: Vec<String> = numbers.iter().map(|number| self.told(*number)).collect();
        let turn = self.state.world.turns;
        self.state.world.turns += 1;
        let is_text = match self.plan.choices.position_form {
            PositionForm::ByTurns => turn.is_multiple_of(2),
            PositionForm::Text => true,
            PositionForm::Number => false,
        };
        let next = chunk.next.to_string();
        let next = if is_text { text(&next) } else { next };
        let body = object(|body| {
            body.number("chunk_size", texts.len() as u64)
                .raw("next_stream_position", &next)
                .raw("entries", &format!("[{}]", texts.join(",")));
        });
        Answer::json(200, body)
    }

    /// The text of an event; faults hit the same events every time.
    fn told(&mut self, number: u64) -> String {
        let scene = self.scene_of(number);
        let switches = &mut self.state.switches;
        let mut strikes = |fault| switches.strikes_at(fault, number).is_some();
        let oddity = Oddity {
            has_no_id: strikes(Fault::NoEventId),
            has_null_source: strikes(Fault::NullSource),
            has_no_source: strikes(Fault::NoSource),
            has_null_creator: strikes(Fault::NullCreator),
            is_of_unknown_type: strikes(Fault::UnknownEventTypes),
            has_details_as_text: strikes(Fault::DetailsAsText),
            has_unknown_keys: strikes(Fault::UnknownKeys),
            padding: if strikes(Fault::EventOf1mb) {
                PADDING
            } else {
                0
            },
        };
        self.event_text(&scene, oddity)
    }

    /// What an event is about.
    pub fn scene_of(&self, number: u64) -> Scene {
        match number.checked_sub(DEED) {
            Some(place) => self.state.world.scenes[place as usize].clone(),
            None => Scene::of(self.tenant, number, self.state.schedule.time(number)),
        }
    }
}

fn refused(parameter: &str) -> Answer {
    api_error_about("invalid_parameter", parameter, "Invalid value")
}
