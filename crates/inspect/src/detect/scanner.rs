//! Reads a text in windows of a fixed size, whatever the pieces are in which it comes.
//!
//! Every decision looks only at what is at most `BEHIND` before and `AHEAD` after a place, so that neither cuts between pieces
//! nor borders of windows change what is found.

use super::exact::Word;
use super::findings::{Findings, Tally, finish};
use super::literals::{Hit, Job, Mark, Topics, ends_word};
use super::plan::Plan;
use super::tokens::{Token, tokens};
use super::window::{AHEAD, BEHIND, CORE, Header, Window};
use super::{credentials, normal, personal, secrets};
use crate::report::{Finding, Flow, TextSink};
use std::ops::Range;

/// Looks through one document.
pub struct Scanner<'a> {
    plan: &'a Plan,
    tallies: Vec<Tally>,
    part: String,
    reading: Reading,
    room: Room,
    core: usize,
}

/// Where in a part the scanner is.
#[derive(Default)]
struct Reading {
    text: Vec<u8>,
    /// Where the core begins: text before it was examined already.
    core: usize,
    is_first: bool,
    header: Header,
    /// Where the last match of each own pattern ended, and that of a telephone number.
    resume: Vec<usize>,
    phone_end: usize,
}

/// Lists that are used again for every window.
#[derive(Default)]
struct Room {
    hits: Vec<Hit>,
    topics: Vec<Topics>,
    tokens: Vec<Token>,
    words: Vec<Word>,
    claims: Vec<Range<usize>>,
    seen: Vec<secrets::Seen>,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(plan: &'a Plan) -> Scanner<'a> {
        Scanner::with_core(plan, CORE)
    }

    /// With windows of another size: what is found must not depend on it.
    pub(crate) fn with_core(plan: &'a Plan, core: usize) -> Scanner<'a> {
        let mut scanner = Scanner {
            plan,
            tallies: plan.entries.iter().map(|_| Tally::default()).collect(),
            part: String::new(),
            reading: Reading::default(),
            room: Room::default(),
            core,
        };
        scanner.begin();
        scanner
    }

    /// Everything that was found, in the order of the detectors' names.
    pub fn finish(mut self) -> Vec<Finding> {
        self.end();
        finish(&self.plan.entries, self.tallies)
    }

    fn begin(&mut self) {
        let mut text = std::mem::take(&mut self.reading.text);
        text.clear();
        self.reading = Reading {
            text,
            is_first: true,
            resume: vec![0; self.plan.own.len()],
            ..Reading::default()
        };
    }

    fn end(&mut self) {
        if self.reading.core < self.reading.text.len() {
            self.examine(self.reading.text.len());
        }
    }

    /// Examines a full window and lets go of what is behind it.
    fn advance(&mut self) {
        let end = self.reading.core + self.core;
        self.examine(end);
        let reading = &mut self.reading;
        let dropped = end.saturating_sub(BEHIND);
        reading.text.drain(..dropped);
        reading.core = end - dropped;
        reading.is_first &= dropped == 0;
        reading.phone_end = reading.phone_end.saturating_sub(dropped);
        for at in &mut reading.resume {
            *at = at.saturating_sub(dropped);
        }
    }

    fn examine(&mut self, end: usize) {
        let (plan, reading, room) = (self.plan, &mut self.reading, &mut self.room);
        let text = &reading.text[..];
        room.hits.clear();
        plan.automat.find(text, &mut room.hits);
        room.topics.clear();
        room.topics
            .extend(room.hits.iter().map(|hit| plan.automat.topics(*hit, text)));
        if reading.is_first && reading.core == 0 {
            reading.header = Header::read(text, &room.hits, &room.topics);
        }
        let window = Window {
            text,
            core: reading.core..end,
            hits: &room.hits,
            hit_topics: &room.topics,
            topics: room
                .topics
                .iter()
                .fold(reading.header.topics(), |all, its| all | its),
            header: &reading.header,
            is_first: reading.is_first,
        };
        room.claims.clear();
        let mut findings = Findings {
            entries: &plan.entries,
            exclude: &plan.exclude,
            hashes: &plan.hashes,
            tallies: &mut self.tallies,
            claims: &mut room.claims,
            part: &self.part,
        };
        room.seen.clear();
        room.seen
            .resize(plan.entries.len(), secrets::Seen::default());
        marked(plan, &window, &mut room.seen, &mut findings);
        findings.claims.sort_by_key(|claim| claim.start);
        assigned(plan, &window, &mut findings);
        room.tokens.clear();
        tokens(
            text,
            window.core.start.saturating_sub(64)..text.len().min(end + 128),
            &mut room.tokens,
        );
        plan.numbers.find(&window, &room.tokens, &mut findings);
        if let Some(phone) = plan.credentials.phone {
            findings.claims.sort_by_key(|claim| claim.start);
            for token in &room.tokens {
                personal::phone(
                    &window,
                    *token,
                    &mut reading.phone_end,
                    phone,
                    &mut findings,
                );
            }
        }
        if plan.own.len() > 0 {
            plan.own.find(&window, &mut reading.resume, &mut findings);
        }
        if !plan.exact.is_empty() {
            plan.exact.find(&window, &mut room.words, &mut findings);
        }
    }
}

/// What stands at literals that say themselves what it is.
fn marked(
    plan: &Plan,
    window: &Window<'_>,
    seen: &mut [secrets::Seen],
    findings: &mut Findings<'_>,
) {
    for hit in window.hits {
        for job in &plan.automat.literal(*hit).jobs {
            match job {
                Job::Secret(detector, secret) => {
                    secrets::token(window, *hit, *detector, secret, findings)
                }
                Job::After(detector, after) => secrets::after(
                    window,
                    *hit,
                    *detector,
                    after,
                    &mut seen[*detector],
                    findings,
                ),
                Job::Word(detector) => {
                    let place = hit.start as usize..hit.end as usize;
                    if super::literals::begins_word(window.text, place.start)
                        && ends_word(window.text, place.end)
                    {
                        findings.add(
                            *detector,
                            window,
                            &place,
                            &window.text[place.clone()].to_ascii_lowercase(),
                            true,
                        );
                    }
                }
                Job::Mark(Mark::At) => {
                    if let Some(detector) = plan.credentials.email {
                        personal::email(window, *hit, detector, findings);
                    }
                }
                Job::Mark(Mark::Address) => plan.credentials.address(window, *hit, findings),
                Job::Mark(Mark::Jwt) => {
                    if let Some(detector) = plan.credentials.jwt {
                        credentials::jwt(window, *hit, detector, findings);
                    }
                }
                Job::Mark(Mark::Pem) => {
                    if let Some(detector) = plan.credentials.pem {
                        credentials::pem(window, *hit, detector, findings);
                    }
                }
                Job::Mark(Mark::Secret | Mark::Password) => {}
            }
        }
    }
}

/// What is assigned to names, where no other detector knows what it is.
fn assigned(plan: &Plan, window: &Window<'_>, findings: &mut Findings<'_>) {
    let mut last = 0..0;
    for hit in window.hits {
        for job in &plan.automat.literal(*hit).jobs {
            if let Job::Mark(mark @ (Mark::Secret | Mark::Password)) = job {
                let is_password = *mark == Mark::Password;
                plan.credentials
                    .assigned(window, *hit, is_password, &mut last, findings);
            }
        }
    }
}

impl TextSink for Scanner<'_> {
    fn part(&mut self, name: &str) {
        self.end();
        self.begin();
        name.clone_into(&mut self.part);
    }

    fn text(&mut self, piece: &str) -> Flow {
        let mut taken = 0;
        while taken < piece.len() {
            let room = self.reading.core + self.core + AHEAD;
            taken += normal::append(&mut self.reading.text, &piece[taken..], room);
            if self.reading.text.len() >= room {
                self.advance();
            }
        }
        Flow::Go
    }
}

#[cfg(test)]
mod tests;
