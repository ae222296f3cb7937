//! What is worth telling of a connection: the difference between what holds and what was told last. Pure.

use std::collections::{BTreeMap, BTreeSet};

use casbah_model::connection::{ConnectionId, ConnectionState};
use casbah_model::ports::Notice;
use casbah_model::state::Key;
use casbah_model::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::items::{ConnectionItem, GapItem, Held, StreamItem, stream_name};

/// A credential that ends is told of when less than so many days are left; zero: it has ended.
const DAYS_LEFT: [i64; 4] = [0, 3, 14, 30];
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// Names of streams, or ends of gaps, that one text lists.
const LISTED_MAX: usize = 5;

/// What was told, in codes: words may change without anything having happened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct What {
    /// Such as `failed: credential`; none when it works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// Collections whose snapshots wait for somebody. Each further pass is held as well, which is no news.
    #[serde(default)]
    pub held: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<Ending>,
    /// How many gaps were known.
    #[serde(default)]
    pub gaps: u64,
}

/// The end of a credential, and the number of days that was told of last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    pub expires: Timestamp,
    pub days: i64,
}

/// What holds.
#[derive(Clone, Debug)]
pub struct Facts {
    pub state: ConnectionState,
    pub held: BTreeMap<String, Held>,
    pub credential_expires: Option<Timestamp>,
    /// `None` when nobody looked.
    pub gaps: Option<Gaps>,
}

#[derive(Clone, Debug, Default)]
pub struct Gaps {
    pub count: u64,
    /// Those that were written last, the latest first.
    pub latest: Vec<GapItem>,
}

impl Gaps {
    pub fn note(&mut self, gap: GapItem) {
        self.count += 1;
        let at = self.latest.partition_point(|known| known.at > gap.at);
        self.latest.insert(at, gap);
        self.latest.truncate(LISTED_MAX);
    }
}

impl Facts {
    pub fn of(
        connection: &ConnectionItem,
        streams: &[(Key, StreamItem)],
        gaps: Option<Gaps>,
    ) -> Facts {
        let report = connection.report.as_ref();
        let held = streams.iter().filter_map(|(key, stream)| {
            let held = stream.held?;
            Some((stream_name(key).to_string(), held))
        });
        Facts {
            state: connection.state.clone(),
            held: held.collect(),
            credential_expires: report.and_then(|report| report.credential_expires),
            gaps,
        }
    }
}

/// What to tell, and what was told after that. Nothing to tell can still be a change to remember.
pub fn news(id: &ConnectionId, told: &What, facts: &Facts, now: Timestamp) -> (Vec<Notice>, What) {
    let mut next = told.clone();
    let mut notices = vec![];
    notices.extend(standing(id, facts, &mut next));
    notices.extend(held(id, facts, &mut next));
    // Of a connection that somebody stopped, nobody needs to know when its credential ends.
    if !facts.state.is_halted() {
        notices.extend(credential(id, facts, now, &mut next));
    }
    notices.extend(gaps(id, facts, &mut next));
    (notices, next)
}

fn notice(id: &ConnectionId, code: &str, subject: String, text: String) -> Notice {
    Notice {
        code: code.into(),
        subject: format!("Casbah: {subject}"),
        text,
        connection: Some(id.clone()),
    }
}

/// While somebody's change is not tested yet, or after they stopped it, what was told stays.
fn standing(id: &ConnectionId, facts: &Facts, next: &mut What) -> Option<Notice> {
    let (trouble, code, text) = match &facts.state {
        ConnectionState::Pending
        | ConnectionState::Paused
        | ConnectionState::Disconnected
        | ConnectionState::Deleting => return None,
        ConnectionState::Connected => (None, "connection-recovered", String::new()),
        ConnectionState::Failed { cause } => {
            let text = format!(
                "Connection {id} has stopped: {}.\nWhat to do: {}.\nNothing is read until it works again; it is tried \
                 every hour, and at once by a test.",
                cause.what, cause.fix
            );
            let trouble = format!("failed: {}", cause.code);
            (Some(trouble), "connection-failed", text)
        }
        ConnectionState::Degraded { causes } => {
            let mut trouble = String::from("degraded:");
            let mut text = format!("Connection {id} works in part.\n");
            for (component, cause) in causes {
                trouble += &format!(" {component}={}", cause.code);
                text += &format!("{component}: {}. What to do: {}.\n", cause.what, cause.fix);
            }
            (Some(trouble), "connection-degraded", text)
        }
    };
    let before = std::mem::replace(&mut next.trouble, trouble);
    if before == next.trouble {
        return None;
    }
    let (subject, text) = match (before, &facts.state) {
        (Some(before), ConnectionState::Connected) => (
            format!("connection {id} works again"),
            format!("Connection {id} works again; it was {before}. Nothing has to be done."),
        ),
        (_, state) => (format!("connection {id} is {}", state.name()), text),
    };
    Some(notice(id, code, subject, text))
}

fn held(id: &ConnectionId, facts: &Facts, next: &mut What) -> Option<Notice> {
    let before = std::mem::replace(&mut next.held, facts.held.keys().cloned().collect());
    let new = facts
        .held
        .iter()
        .filter(|(collection, _)| !before.contains(*collection));
    let mut text = String::new();
    for (collection, held) in new.take(LISTED_MAX) {
        let Held { missing, of, .. } = held;
        text += &format!(
            "{missing} of {of} {collection} are gone in one pass. What was published before stays visible.\n\
             What to do: look whether they are really gone; if so, accept it (casbah accept {id} {collection}).\n"
        );
    }
    if text.is_empty() {
        return None;
    }
    let subject = format!("connection {id} holds a snapshot back");
    Some(notice(id, "snapshot-held", subject, text))
}

fn credential(id: &ConnectionId, facts: &Facts, now: Timestamp, next: &mut What) -> Option<Notice> {
    let before = next.credential.take();
    let expires = facts.credential_expires?;
    let left = expires.duration_since(now);
    let days = DAYS_LEFT
        .into_iter()
        .find(|days| left < DAY * i32::try_from(*days).unwrap_or(0))?;
    // Clocks differ: what was told does not become untold.
    let told = before.filter(|told| told.expires == expires && told.days <= days);
    next.credential = told.or(Some(Ending { expires, days }));
    if told.is_some() {
        return None;
    }
    let (code, subject) = match days {
        0 => (
            "credential-expired",
            format!("the credential of {id} has ended"),
        ),
        _ => (
            "credential-expiring",
            format!("the credential of {id} ends in less than {days} days"),
        ),
    };
    let text = format!(
        "The credential of connection {id} is valid until {expires}. After that nothing can be read.\n\
         What to do: make a new one at the provider and connect {id} again with it; nothing that was read is lost."
    );
    Some(notice(id, code, subject, text))
}

fn gaps(id: &ConnectionId, facts: &Facts, next: &mut What) -> Option<Notice> {
    let gaps = facts.gaps.as_ref()?;
    let before = std::mem::replace(&mut next.gaps, gaps.count);
    let new = gaps.count.checked_sub(before).filter(|new| *new > 0)?;
    let mut text = format!("{new} spans of connection {id} cannot be read any more:\n");
    let listed = usize::try_from(new).unwrap_or(usize::MAX).min(LISTED_MAX);
    for gap in gaps.latest.iter().take(listed) {
        text += &format!(
            "{} from {} to {}: {}\n",
            gap.stream, gap.from, gap.to, gap.why
        );
    }
    text += "Nothing can be done about them; they are listed as known gaps.";
    let subject = format!("connection {id} has {new} new known gaps");
    Some(notice(id, "known-gap", subject, text))
}

#[cfg(test)]
mod tests;
