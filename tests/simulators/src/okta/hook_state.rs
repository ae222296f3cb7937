//! Event hooks as an org remembers them, and the calls it is about to make (Event hooks).

use crate::moment::{Millis, SECOND};

/// A call of the org to a hook's address: verification by GET, delivery by POST.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookCall {
    pub number: u64,
    pub hook_id: String,
    pub method: &'static str,
    pub uri: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
    /// `uuid` of the events inside.
    pub events: Vec<String>,
}

/// What became of a call to a hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HookAnswer {
    Status {
        status: u16,
        body: String,
    },
    /// Nothing within three seconds.
    Silence,
}

/// A call that waits for its time.
#[derive(Clone, Debug)]
pub struct Waiting {
    pub call: HookCall,
    pub due: Millis,
    pub is_retry: bool,
}

#[derive(Clone, Debug)]
pub struct Hook {
    pub id: String,
    pub name: String,
    pub uri: String,
    pub items: Vec<String>,
    pub auth: Option<(String, String)>,
    pub is_active: bool,
    pub is_verified: bool,
    pub created: Millis,
    /// Events stored until here were told of, or came before the hook was verified.
    pub told: (Millis, u64),
    pub challenge: Option<String>,
    pub waiting: Vec<Waiting>,
    pub under_way: Vec<Waiting>,
}

/// How long after its events were stored a delivery is made.
pub const DELIVERY_DELAY: Millis = 2 * SECOND;

impl Hook {
    /// The calls that are due, handed out once.
    pub fn take_due(&mut self, now: Millis) -> Vec<HookCall> {
        let (due, later) = self.waiting.drain(..).partition(|one| one.due <= now);
        self.waiting = later;
        let mut due: Vec<Waiting> = due;
        due.sort_by_key(|one| (one.due, one.call.number));
        let calls = due.iter().map(|one| one.call.clone()).collect();
        self.under_way.extend(due);
        calls
    }

    /// A delivery that fails is tried once more, unless the answer was 4xx; after that it is lost.
    pub fn answered(&mut self, number: u64, answer: &HookAnswer, now: Millis) {
        let Some(place) = self
            .under_way
            .iter()
            .position(|one| one.call.number == number)
        else {
            return;
        };
        let done = self.under_way.remove(place);
        if let Some(challenge) = &self.challenge
            && done.call.method == "GET"
        {
            self.is_verified |= is_echo(answer, challenge);
            self.challenge = None;
            self.told = self.told.max((now, u64::MAX));
            return;
        }
        let is_failed = match answer {
            HookAnswer::Silence => true,
            HookAnswer::Status { status, .. } => *status >= 500,
        };
        if is_failed && !done.is_retry && done.call.method == "POST" {
            self.waiting.push(Waiting {
                due: now,
                is_retry: true,
                ..done
            });
        }
    }
}

fn is_echo(answer: &HookAnswer, challenge: &str) -> bool {
    let HookAnswer::Status { status: 200, body } = answer else {
        return false;
    };
    let body: Option<serde_json::Value> = serde_json::from_str(body).ok();
    body.is_some_and(|body| body["verification"] == challenge)
}
