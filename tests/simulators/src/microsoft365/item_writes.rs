//! Changes of files and folders from outside (driveItem: Update, Delete and Create a folder).

use casbah_model::transport::Method;
use serde_json::Value;

use super::changes::not_allowed;
use super::desk::Desk;
use super::drives::{item_not_found, site_locked};
use super::faults::Fault;
use super::library::Place;
use super::records::APPLICATION;
use super::wire::{Call, graph_error};
use crate::answer::Answer;

/// What names must not have (Restrictions and limitations in OneDrive and SharePoint, "Invalid characters").
const FORBIDDEN: &str = "\"*:<>?/\\|";
const CONFLICT_BEHAVIOR: &str = "@microsoft.graph.conflictBehavior";
/// The code of who wants a name that something has.
pub const NAME_TAKEN: &str = "nameAlreadyExists";

impl Desk<'_> {
    pub fn change_files(
        &mut self,
        call: &Call,
        drive: &str,
        rest: &[&str],
        body: &Value,
    ) -> Answer {
        if self.strikes(Fault::SiteLocked).is_some() {
            return site_locked();
        }
        let is_gone = self.strikes(Fault::DriveGone).is_some();
        let Some(drive) = self.tenant.library.find_drive(drive).filter(|_| !is_gone) else {
            return item_not_found();
        };
        let answer = match (call.method, rest) {
            (Method::Post, ["root", "children"]) => self.make_folder(call, (drive, "root"), body),
            (Method::Post, ["items", folder, "children"]) => {
                self.make_folder(call, (drive, folder), body)
            }
            (Method::Put, ["root:", names @ .., "content"]) => {
                self.upload(call, (drive, "root"), names)
            }
            (Method::Put, ["items", folder, names @ .., "content"]) if folder.ends_with(':') => {
                self.upload(call, (drive, folder.trim_end_matches(':')), names)
            }
            (Method::Post, ["items", item, "copy"]) => self.copy_item(call, (drive, item), body),
            (Method::Patch, ["items", item]) => self.patch_item(call, (drive, item), body),
            (Method::Delete, ["items", item]) => self.delete_item(call, (drive, item)),
            (Method::Post, ["items", item, "extractSensitivityLabels"]) => {
                let place = self.item_named(drive, item).ok_or_else(item_not_found);
                place.map(|place| self.extract_labels(place))
            }
            (Method::Post, ["items", item, "assignSensitivityLabel"]) => self
                .changeable(call, (drive, item))
                .and_then(|place| self.assign_label(place, body)),
            (_, ["items", item, rest @ ("permissions" | "invite"), ids @ ..]) => {
                self.change_sharing(call, (drive, item), (rest, ids), body)
            }
            _ => Err(not_allowed()),
        };
        answer.unwrap_or_else(|refusal| refusal)
    }

    /// An item that is there.
    pub fn item_named(&self, drive: u64, item: &str) -> Option<Place> {
        let place = self.tenant.library.find_item(drive, item)?;
        self.has_item(place).then_some(place)
    }

    /// An item that may be changed now, in the state that the caller knows.
    pub fn changeable(&mut self, call: &Call, (drive, item): (u64, &str)) -> Result<Place, Answer> {
        let place = self.item_named(drive, item).ok_or_else(item_not_found)?;
        if self.strikes(Fault::ItemLocked).is_some() {
            let message = "The resource you are attempting to access is locked.";
            return Err(graph_error(423, "resourceLocked", message));
        }
        let known = call.headers.get("If-Match").unwrap_or("*");
        let tags = self.tags(place);
        if known == "*" || tags.iter().any(|tag| tag == known) {
            return Ok(place);
        }
        let code = match self.strikes(Fault::PreconditionFailed) {
            Some(_) => "preconditionFailed",
            None => "resourceModified",
        };
        let message = "ETag does not match current item's value.";
        Err(graph_error(412, code, message))
    }

    fn patch_item(
        &mut self,
        call: &Call,
        named: (u64, &str),
        body: &Value,
    ) -> Result<Answer, Answer> {
        let place = self.changeable(call, named)?;
        let parent = self.parent_of(place);
        let parent = parent.ok_or_else(|| invalid("The root of a drive cannot be changed."))?;
        let folder = self.asked_folder(place, &body["parentReference"])?;
        let name = match body.get("name") {
            None => None,
            Some(name) => Some(asked_name(name)?),
        };
        if folder.is_none() && name.is_none() {
            return Err(invalid("Nothing that can be changed was named."));
        }
        let folder = folder.unwrap_or(parent);
        let old = self.name_of(place);
        let name = name.unwrap_or_else(|| old.clone());
        let namesake = self.child_named(folder, &name);
        if namesake.is_some_and(|namesake| namesake != place) {
            return Err(name_taken());
        }
        if folder != parent || name != old {
            self.relocate(APPLICATION, place, folder, name);
        }
        Ok(Answer::json(200, self.item_text(place, call)))
    }

    /// The folder that an item is to lie in. Other drives are out of reach (driveItem: move, introduction).
    fn asked_folder(&self, place: Place, asked: &Value) -> Result<Option<Place>, Answer> {
        if asked.is_null() {
            return Ok(None);
        }
        let drive = self.tenant.library.drive_id(place.drive);
        if asked["driveId"]
            .as_str()
            .is_some_and(|asked| asked != drive)
        {
            return Err(invalid("Items cannot be moved between drives."));
        }
        let folder = self.folder_referred_to(place.drive, asked)?;
        if self.chain(folder).any(|above| above == place) {
            return Err(invalid("The item cannot be moved there."));
        }
        Ok(Some(folder))
    }

    /// The folder of a drive that a reference means. Only an id names one: `root` is none here (driveItem: move,
    /// "Example"), and paths are left out.
    pub fn folder_referred_to(&self, drive: u64, reference: &Value) -> Result<Place, Answer> {
        let id = reference["id"].as_str().filter(|id| *id != "root");
        let id = id.ok_or_else(|| invalid("The parent reference names no item."))?;
        let folder = self.item_named(drive, id).ok_or_else(item_not_found)?;
        match self.is_folder(folder) {
            true => Ok(folder),
            false => Err(invalid("The parent reference names no folder.")),
        }
    }

    fn delete_item(&mut self, call: &Call, named: (u64, &str)) -> Result<Answer, Answer> {
        let place = self.changeable(call, named)?;
        if place.item == 0 {
            return Err(invalid("The root of a drive cannot be deleted."));
        }
        self.recycle(APPLICATION, place);
        Ok(Answer::empty(204))
    }

    fn make_folder(
        &mut self,
        call: &Call,
        named: (u64, &str),
        body: &Value,
    ) -> Result<Answer, Answer> {
        let folder = self.changeable(call, named)?;
        let name = asked_name(&body["name"])?;
        if !body["folder"].is_object() || !self.is_folder(folder) {
            return Err(invalid("Only folders can be made here."));
        }
        let behaviour = body[CONFLICT_BEHAVIOR].as_str();
        let conflict = Conflict::asked(behaviour, Conflict::Fail)?;
        let name = self.free_name(folder, &name, conflict)?;
        let made = self.add(APPLICATION, folder, Some(name), true);
        Ok(Answer::json(201, self.item_text(made, call)))
    }

    /// The name that something new gets in a folder; a number goes before its extension. To replace what has the name is left out.
    pub fn free_name(
        &self,
        folder: Place,
        name: &str,
        conflict: Conflict,
    ) -> Result<String, Answer> {
        let is_taken = |name: &str| self.child_named(folder, name).is_some();
        match conflict {
            _ if !is_taken(name) => Ok(name.into()),
            Conflict::Fail => Err(name_taken()),
            Conflict::Rename => {
                let (stem, end) = match name.rfind('.') {
                    Some(at) => name.split_at(at),
                    None => (name, ""),
                };
                let mut others = (1..).map(|number| format!("{stem} {number}{end}"));
                let free = others.find(|name| !is_taken(name));
                Ok(free.expect("a drive has fewer items than there are numbers"))
            }
            Conflict::Replace => Err(invalid("This conflict behavior is not supported.")),
        }
    }
}

/// What is to happen where a name is taken (driveItem, "Instance attributes").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conflict {
    Fail,
    Rename,
    Replace,
}

impl Conflict {
    fn asked(behaviour: Option<&str>, usual: Conflict) -> Result<Conflict, Answer> {
        match behaviour {
            None => Ok(usual),
            Some("fail") => Ok(Conflict::Fail),
            Some("rename") => Ok(Conflict::Rename),
            Some("replace") => Ok(Conflict::Replace),
            Some(_) => Err(invalid("This conflict behavior is not known.")),
        }
    }

    pub fn of_query(call: &Call, usual: Conflict) -> Result<Conflict, Answer> {
        Conflict::asked(call.parameter(CONFLICT_BEHAVIOR), usual)
    }
}

pub fn asked_name(name: &Value) -> Result<String, Answer> {
    let name = name.as_str().unwrap_or_default();
    let is_forbidden = |letter: char| FORBIDDEN.contains(letter) || letter.is_control();
    if name.trim().is_empty() || name.contains(is_forbidden) {
        return Err(invalid("The provided name cannot contain this."));
    }
    Ok(name.into())
}

pub fn invalid(message: &str) -> Answer {
    graph_error(400, "invalidRequest", message)
}

fn name_taken() -> Answer {
    let message = "An item with the same name already exists under the parent.";
    graph_error(409, NAME_TAKEN, message)
}
