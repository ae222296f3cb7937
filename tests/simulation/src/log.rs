//! What happened, in order: a hash over all of it, and the last of it for people.

use std::collections::VecDeque;
use std::fmt;
use std::hash::{DefaultHasher, Hasher};

use casbah_model::Timestamp;

/// Events that a failing seed prints.
const KEPT: usize = 200;

#[derive(Default)]
pub struct Log {
    hash: u64,
    events: u64,
    last: VecDeque<Event>,
    /// Every event is printed as it happens.
    pub is_traced: bool,
}

struct Event {
    at: Timestamp,
    /// The invocation; 0 is the world outside.
    who: u64,
    what: &'static str,
    about: String,
}

impl Log {
    pub fn note(&mut self, at: Timestamp, who: u64, what: &'static str, about: &str) {
        // The standard hasher with its fixed keys: the same in every process.
        let mut hasher = DefaultHasher::new();
        hasher.write_u64(self.hash);
        hasher.write_i64(at.as_millisecond());
        hasher.write_u64(who);
        hasher.write(what.as_bytes());
        hasher.write(about.as_bytes());
        self.hash = hasher.finish();
        self.events += 1;
        if self.last.len() == KEPT {
            self.last.pop_front();
        }
        let about = about.into();
        let event = Event {
            at,
            who,
            what,
            about,
        };
        if self.is_traced {
            println!("{event}");
        }
        self.last.push_back(event);
    }

    pub fn hash(&self) -> u64 {
        self.hash
    }

    pub fn events(&self) -> u64 {
        self.events
    }

    pub fn lines(&self) -> Vec<String> {
        self.last.iter().map(Event::to_string).collect()
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.at.strftime("%d %H:%M:%S%.3f");
        let Event {
            who, what, about, ..
        } = self;
        write!(f, "{time} #{who:<5} {what:18} {about}")
    }
}
