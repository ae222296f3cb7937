//! Copies of files, into other drives as well, which take a while (driveItem: copy). That of a folder is left out.

use serde_json::Value;

use super::desk::Desk;
use super::drives::item_not_found;
use super::faults::Fault;
use super::file_content::Content;
use super::item_writes::{Conflict, NAME_TAKEN, asked_name, invalid};
use super::library::Place;
use super::records::{APPLICATION, Deal, Destination, Told};
use super::wire::{Call, graph_error};
use super::world::ItemChange;
use crate::answer::Answer;
use crate::chance::{Draws, Stream, draw, guid, guid_index};
use crate::json::object;
use crate::moment::{Millis, SECOND};

/// The name of this work in monitors.
pub const OPERATION: &str = "ItemCopy";
/// How long a copy takes at least, and how much longer at most, in seconds; no document gives a number.
const COPYING_SECONDS: u64 = 2;
const COPYING_MORE_SECONDS: u64 = 18;
/// What the fault `copy-slow` takes when it has no value, in seconds.
const SLOW_SECONDS: u64 = 600;
/// How far copies get that fail, in hundredths.
const FAILED_AT: f64 = 60.0;
/// What the fault `copy-differs` adds to a file, in bytes: about as much as a few properties take.
const ADDED_BYTES: u64 = 1_234;

/// A copy that was accepted, whatever becomes of it.
#[derive(Clone, Debug)]
pub struct Copying {
    from: Place,
    folder: Place,
    name: String,
    conflict: Conflict,
    /// What is in the copy and which label it has: those of the file when the copy began.
    content: Content,
    label: Option<usize>,
    begun: Millis,
    done: Millis,
    /// The error that it will end with, where that is known from the beginning.
    failure: Option<&'static str>,
    /// What it made, or its error; `None` while it goes on.
    outcome: Option<Result<Place, &'static str>>,
}

impl Desk<'_> {
    /// Whether the name is taken is told by the monitor, too, not here (driveItem: copy, "Response").
    pub fn copy_item(
        &mut self,
        call: &Call,
        named: (u64, &str),
        body: &Value,
    ) -> Result<Answer, Answer> {
        let from = self.changeable(call, named)?;
        if self.is_folder(from) {
            let message = "Folders are not copied here.";
            return Err(graph_error(400, "notSupported", message));
        }
        let conflict = Conflict::of_query(call, Conflict::Fail)?;
        if conflict == Conflict::Replace {
            return Err(invalid("This conflict behavior is not supported."));
        }
        let folder = self.asked_destination(from, &body["parentReference"])?;
        let name = match body.get("name") {
            None => self.name_of(from),
            Some(name) => asked_name(name)?,
        };
        let number = self.state.world.copyings.len();
        let failure = match self.free_name(folder, &name, conflict) {
            Err(_) => Some(NAME_TAKEN),
            Ok(_) => self.strikes(Fault::CopyFails).map(|_| "generalException"),
        };
        let done = self.now + self.copying_time(number as u64);
        self.state.world.copies_due.insert((done, number));
        let copying = Copying {
            from,
            folder,
            name,
            conflict,
            content: self.copied_content(from),
            label: self.label_of(from),
            begun: self.now,
            done,
            failure,
            outcome: None,
        };
        self.state.world.copyings.push(copying);
        let id = guid(self.plan.seed, Stream::Copy, number as u64);
        Ok(self.accepted(OPERATION, &id))
    }

    /// The folder of the file where no other is named.
    fn asked_destination(&self, from: Place, asked: &Value) -> Result<Place, Answer> {
        let parent = self.parent_of(from);
        if let (Some(parent), true) = (parent, asked.is_null()) {
            return Ok(parent);
        }
        let drive = match asked["driveId"].as_str() {
            None => from.drive,
            Some(id) => self
                .tenant
                .library
                .find_drive(id)
                .ok_or_else(item_not_found)?,
        };
        self.folder_referred_to(drive, asked)
    }

    fn copying_time(&mut self, number: u64) -> Millis {
        let seconds = match self.strikes(Fault::CopySlow) {
            Some(seconds) => seconds.parse().unwrap_or(SLOW_SECONDS),
            None => {
                let mut draws = Draws::new(self.plan.seed, Stream::Copy, number | 1 << 62);
                COPYING_SECONDS + draws.below(COPYING_MORE_SECONDS + 1)
            }
        };
        seconds as Millis * SECOND
    }

    fn copied_content(&mut self, from: Place) -> Content {
        let content = self.content_of(from);
        match self.strikes(Fault::CopyDiffers) {
            None => content,
            Some(_) => Content {
                hash: draw(content.hash, Stream::Copy, 0),
                size: content.size + ADDED_BYTES,
            },
        }
    }

    /// Makes the copies whose time has come, one after the other as they were done.
    pub fn finish_copies(&mut self) {
        let due = &mut self.state.world.copies_due;
        let rest = due.split_off(&(self.now + 1, 0));
        for (_, number) in std::mem::replace(due, rest) {
            let copying = self.state.world.copyings[number].clone();
            let outcome = self.finish_copy(copying);
            self.state.world.copyings[number].outcome = Some(outcome);
        }
    }

    /// A copy has nothing of the sharing of the file. What happens when either end is deleted meanwhile no document
    /// says.
    fn finish_copy(&mut self, copying: Copying) -> Result<Place, &'static str> {
        if let Some(failure) = copying.failure {
            return Err(failure);
        }
        let Copying { from, folder, .. } = copying;
        if !self.has_item(from) || !self.has_item(folder) {
            return Err("itemNotFound");
        }
        let name = self.free_name(folder, &copying.name, copying.conflict);
        let name = name.map_err(|_| NAME_TAKEN)?;
        let change = ItemChange {
            name: Some(name),
            content: Some(copying.content),
            label: Some(copying.label),
            ..ItemChange::default()
        };
        let made = self.put(folder, change);
        let told = Told {
            moved_to: Some(Destination::of(made, self.told_of(made))),
            ..self.told_of(from)
        };
        self.tell_of_item(APPLICATION, Deal::File("FileCopied"), 0, from, told);
        Ok(made)
    }

    /// How a copy stands (driveItem: copy, "Examples"; asyncJobStatus resource type).
    pub fn copying_told(&mut self, id: &str) -> Option<Answer> {
        if self.strikes(Fault::MonitorGone).is_some() {
            return None;
        }
        let number = guid_index(self.plan.seed, Stream::Copy, id)?;
        let copying = self.state.world.copyings.get(number as usize)?;
        let (status, share, state) = match copying.outcome {
            None => (202, copying.share_done(self.now), "inProgress"),
            Some(Err(_)) => (200, FAILED_AT, "failed"),
            Some(Ok(_)) => (200, 100.0, "completed"),
        };
        let body = object(|body| {
            body.text("operation", OPERATION)
                .raw("percentageComplete", &format!("{share:.1}"))
                .text("status", state);
            match copying.outcome {
                None => {}
                Some(Ok(made)) => {
                    body.text("resourceId", &self.tenant.library.item_id(made));
                }
                Some(Err(code)) => {
                    let error = object(|error| {
                        error
                            .text("code", code)
                            .text("message", "The copy was not made.");
                    });
                    body.raw("error", &error);
                }
            }
        });
        Some(Answer::json(status, body))
    }
}

impl Copying {
    /// In hundredths; all is done only when the copy is there.
    fn share_done(&self, now: Millis) -> f64 {
        let whole = (self.done - self.begun).max(1);
        (100.0 * (now - self.begun) as f64 / whole as f64).min(99.0)
    }
}
