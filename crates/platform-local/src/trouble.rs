//! What does not work, collected from the status: what happened to which connection, and what to do now.

use casbah_model::connection::{Cause, ConnectionState, INACTIVE_OWNER};
use casbah_pipeline::status::{ConnectionStatus, StreamStatus};
use serde::Serialize;

use crate::exit::Exit;
use crate::output::say;
use crate::table::number;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Trouble {
    pub connection: String,
    /// The components, streams or units with this trouble; none when it is the whole connection.
    pub parts: Vec<String>,
    #[serde(flatten)]
    pub cause: Cause,
}

impl Trouble {
    /// Two lines for a person.
    pub fn text(&self) -> String {
        let Cause { what, fix, .. } = &self.cause;
        let mut names = [&[self.connection.clone()][..], &self.parts].concat();
        let more = names.len().saturating_sub(NAMES_MAX);
        names.truncate(NAMES_MAX);
        let more = match more {
            0 => String::new(),
            more => format!(" and {} more", number(more as u64)),
        };
        format!("{}{more}: {what}\n  fix: {fix}", names.join(", "))
    }

    /// Whether the tenant is just so, and nothing went wrong.
    fn is_notice(&self) -> bool {
        NOTICES.contains(&&*self.cause.code)
    }
}

/// So many names are shown; `casbah status --output json` has all.
const NAMES_MAX: usize = 6;
/// Codes of what is told because something is not read, and is no failure.
const NOTICES: [&str; 1] = [INACTIVE_OWNER];

/// Tells a person, on standard error.
pub fn say_all(troubles: &[Trouble]) {
    for trouble in troubles {
        let kind = match trouble.is_notice() {
            true => "note",
            false => "error",
        };
        say(format_args!("{kind}: {}", trouble.text()));
    }
}

/// Everything that does not work. A connection that somebody stopped is as they wanted it, so it is no trouble.
pub fn troubles(all: &[ConnectionStatus]) -> Vec<Trouble> {
    all.iter().flat_map(of_connection).collect()
}

fn of_connection(status: &ConnectionStatus) -> Vec<Trouble> {
    let mut found = vec![];
    match &status.state {
        ConnectionState::Paused | ConnectionState::Disconnected | ConnectionState::Deleting => {
            return found;
        }
        // Nothing else is called then, so whatever else is wrong follows from it.
        ConnectionState::Failed { cause } => {
            note(&mut found, status, None, cause);
            return found;
        }
        ConnectionState::Degraded { causes } => {
            for (component, cause) in causes {
                note(&mut found, status, Some(component.name()), cause);
            }
        }
        ConnectionState::Pending | ConnectionState::Connected => {}
    }
    for stream in &status.streams {
        if let Some(cause) = of_stream(stream) {
            note(&mut found, status, Some(&stream.name), &cause);
        }
    }
    for unit in &status.failed_units {
        let cause = unit.why.clone().unwrap_or_else(given_up);
        note(&mut found, status, Some(&unit.unit), &cause);
    }
    found
}

/// Adds a trouble, or a part to one that has the same cause.
fn note(found: &mut Vec<Trouble>, status: &ConnectionStatus, part: Option<&str>, cause: &Cause) {
    let parts = part.map(String::from);
    match found.iter_mut().find(|known| known.cause == *cause) {
        Some(known) => known.parts.extend(parts),
        None => found.push(Trouble {
            connection: status.name.to_string(),
            parts: parts.into_iter().collect(),
            cause: cause.clone(),
        }),
    }
}

fn of_stream(stream: &StreamStatus) -> Option<Cause> {
    match stream.state {
        "held" | "trouble" => stream.trouble.clone(),
        "failed" => Some(stream.trouble.clone().unwrap_or_else(given_up)),
        _ => None,
    }
}

fn given_up() -> Cause {
    let what = "it was given up after its last attempt";
    Cause::new(
        "failed",
        what,
        "look at the tenant, then run `casbah run` again",
    )
}

/// The exit code of a run that ended in trouble: a credential comes first, because nothing works without it.
pub fn exit(troubles: &[Trouble]) -> Exit {
    let exits: Vec<Exit> = troubles
        .iter()
        .filter(|trouble| !trouble.is_notice())
        .map(|trouble| Exit::of(&trouble.cause))
        .collect();
    match exits.iter().find(|exit| **exit == Exit::Environment) {
        Some(exit) => *exit,
        None if exits.is_empty() => Exit::Fine,
        None => Exit::Refused,
    }
}
