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

    /// The folder that an item is to lie in. Only an id names one: `root` is none here (driveItem: move, "Example"),
    /// paths are left out, and other drives are out of reach (driveItem: move, introduction).
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
        let id = asked["id"].as_str().filter(|id| *id != "root");
        let id = id.ok_or_else(|| invalid("The parent reference names no item."))?;
        let folder = self.item_named(place.drive, id);
        let folder = folder.ok_or_else(item_not_found)?;
        let is_inside = self.chain(folder).any(|above| above == place);
        if is_inside || !self.is_folder(folder) {
            return Err(invalid("The item cannot be moved there."));
        }
        Ok(Some(folder))
    }

    fn delete_item(&mut self, call: &Call, named: (u64, &str)) -> Result<Answer, Answer> {
        let place = self.changeable(call, named)?;
        if place.item == 0 {
            return Err(invalid("The root of a drive cannot be deleted."));
        }
        self.recycle(APPLICATION, place);
        Ok(Answer::empty(204))
    }

    /// Where the name is taken, callers may let it fail, which is usual, or have another one (driveItem, "Instance
    /// attributes"); to replace a folder is left out.
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
        let behaviour = body["@microsoft.graph.conflictBehavior"].as_str();
        let is_taken = |name: &String| self.child_named(folder, name).is_some();
        let name = match behaviour.unwrap_or("fail") {
            _ if !is_taken(&name) => name,
            "fail" => return Err(name_taken()),
            "rename" => {
                let mut others = (1..).map(|number| format!("{name} {number}"));
                let free = others.find(|name| !is_taken(name));
                free.expect("a drive has fewer items than there are numbers")
            }
            _ => return Err(invalid("This conflict behavior is not supported.")),
        };
        let made = self.add(APPLICATION, folder, Some(name), true);
        Ok(Answer::json(201, self.item_text(made, call)))
    }
}

fn asked_name(name: &Value) -> Result<String, Answer> {
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
    graph_error(409, "nameAlreadyExists", message)
}
