//! Changes of files, folders and links to the web (OpenAPI, "Update file", "Add shared link to file", "Restore file").
//!
//! Owners change what is theirs; editors move and rename, and what else they may do is left out.

use casbah_model::Timestamp;
use casbah_model::transport::Method;
use serde_json::Value;

use super::desk::Desk;
use super::faults::Fault;
use super::folders::kind_of;
use super::item_text::{MINI, STANDARD};
use super::items::{Fate, Item};
use super::library::{Kind, Place, ROOT};
use super::sharing::{Access, Link};
use super::wire::{Call, api_error, not_found};
use super::world::Deed;
use super::writes::{DENIED, invalid};
use crate::answer::Answer;
use crate::moment::Millis;

impl Desk<'_> {
    pub fn write_item(&mut self, call: &Call, viewer: u64, body: &Value) -> Answer {
        let path = call.segments();
        let answer = match (call.method, &path[1..]) {
            (Method::Post, &["folders"]) => self.make_folder(call, viewer, body),
            (Method::Put, &[kind, id]) => self.edit_item(call, viewer, (kind_of(kind), id), body),
            (Method::Delete, &[kind, id]) => self.trash_item(call, viewer, (kind_of(kind), id)),
            (Method::Post, &[kind, id]) => {
                self.restore_item(call, viewer, (kind_of(kind), id), body)
            }
            _ => Err(api_error("method_not_allowed")),
        };
        answer.unwrap_or_else(|refusal| refusal)
    }

    /// An item of the viewer's that may be changed now.
    pub fn own_item(
        &mut self,
        call: &Call,
        viewer: u64,
        named: (Kind, &str),
    ) -> Result<Item, Answer> {
        let item = self.free_item(call, viewer, named)?;
        match item.owner == viewer {
            true => Ok(item),
            false => Err(api_error(DENIED)),
        }
    }

    /// An item that the viewer may move and that may be changed now.
    fn free_item(
        &mut self,
        call: &Call,
        viewer: u64,
        (kind, id): (Kind, &str),
    ) -> Result<Item, Answer> {
        let place = self.resolve(viewer, kind, id)?;
        let item = self.item(place).ok_or_else(not_found)?;
        if place.item == ROOT || !self.may_edit(viewer, place) {
            return Err(api_error(DENIED));
        }
        if kind == Kind::File && self.strikes(Fault::ItemLocked).is_some() {
            return Err(api_error("access_denied_item_locked"));
        }
        let known = call.headers.get("If-Match");
        match known.is_some_and(|etag| etag.trim_matches('"') != item.etag.to_string()) {
            true => Err(api_error("precondition_failed")),
            false => Ok(item),
        }
    }

    fn told_item(&mut self, call: &Call, viewer: u64, place: Place, status: u16) -> Answer {
        let fields = self.fields(call, &MINI, &STANDARD);
        match self.item(place) {
            Some(item) => Answer::json(status, self.item_text(viewer, &item, &fields)),
            None => not_found(),
        }
    }

    fn edit_item(
        &mut self,
        call: &Call,
        viewer: u64,
        named: (Kind, &str),
        body: &Value,
    ) -> Result<Answer, Answer> {
        let item = self.free_item(call, viewer, named)?;
        let link = match body.get("shared_link") {
            None => None,
            Some(_) if item.owner != viewer => return Err(api_error(DENIED)),
            Some(asked) => Some(self.asked_link(&item, asked)?),
        };
        let name = body["name"].as_str().unwrap_or(&item.name);
        let folder = match body["parent"]["id"].as_str() {
            None => None,
            Some(folder) => Some(self.asked_folder(viewer, &item, folder)?),
        };
        let lies_in = folder.unwrap_or(item.folder);
        if self.is_taken(lies_in, name, Some(item.place)) {
            return Err(api_error("item_name_in_use"));
        }
        if let Some(link) = link.filter(|link| *link != item.link) {
            self.set_link(named.1, link);
        }
        if lies_in != item.folder {
            self.move_to(viewer, item.place, lies_in);
        }
        if name != item.name {
            self.rename(viewer, item.place, name.to_string());
        }
        Ok(self.told_item(call, viewer, item.place, 200))
    }

    /// What a link is to be: none, or one whose access is the company's where it is not told (OpenAPI, "shared_link":
    /// the enterprise's default), and which keeps the rest. Only open links have passwords.
    fn asked_link(&mut self, item: &Item, asked: &Value) -> Result<Option<Link>, Answer> {
        if self.strikes(Fault::PolicyForbids).is_some() {
            return Err(api_error("forbidden_by_policy"));
        }
        if asked.is_null() {
            return Ok(None);
        }
        let access = match asked["access"].as_str() {
            Some("open") => Access::Open,
            None | Some("company") => Access::Company,
            Some("collaborators") => Access::Collaborators,
            Some(_) => return Err(invalid("shared_link.access")),
        };
        let mut link = item.link.unwrap_or(Link::new(access));
        // Whatever a policy leaves of the old access, it leaves no more of a narrower one.
        link.effective = match link.access == access {
            true => link.effective,
            false => access,
        };
        link.access = access;
        link.has_password &= access == Access::Open;
        if let Some(until) = asked.get("unshared_at") {
            link.until = self.asked_end(until)?;
        }
        let may = |what: &str| asked["permissions"][what].as_bool();
        if let Some(can_download) = may("can_download") {
            link.permission = match (can_download, may("can_edit")) {
                (_, Some(true)) => "can_edit",
                (true, _) => "can_download",
                (false, _) => "can_preview",
            };
        }
        Ok(Some(link))
    }

    /// A time to come, or none.
    pub fn asked_end(&self, until: &Value) -> Result<Option<Millis>, Answer> {
        if until.is_null() {
            return Ok(None);
        }
        let until = until.as_str().and_then(|text| text.parse().ok());
        let until = until.map(|until: Timestamp| until.as_millisecond());
        match until.filter(|until| *until > self.now) {
            Some(until) => Ok(Some(until)),
            None => Err(invalid("unshared_at")),
        }
    }

    fn is_taken(&self, folder: Place, name: &str, but: Option<Place>) -> bool {
        let mut inside = self.children(folder).into_iter();
        inside.any(|one| Some(one) != but && self.item(one).is_some_and(|one| one.name == name))
    }

    fn make_folder(&mut self, call: &Call, viewer: u64, body: &Value) -> Result<Answer, Answer> {
        let (Some(name), Some(parent)) = (body["name"].as_str(), body["parent"]["id"].as_str())
        else {
            return Err(api_error("bad_request"));
        };
        let folder = self.resolve(viewer, Kind::Folder, parent)?;
        if !self.may_edit(viewer, folder) {
            return Err(api_error(DENIED));
        }
        if name.is_empty() || name.contains('/') {
            return Err(api_error("item_name_invalid"));
        }
        if self.is_taken(folder, name, None) {
            return Err(api_error("item_name_in_use"));
        }
        let folder = (folder.item != ROOT).then(|| parent.to_string());
        let made = self.add(viewer, folder, name.into(), Kind::Folder);
        let made = made.and_then(|id| self.tenant.library.find(&id));
        let made = made.ok_or_else(not_found)?;
        Ok(self.told_item(call, viewer, made, 201))
    }

    fn trash_item(
        &mut self,
        call: &Call,
        viewer: u64,
        named: (Kind, &str),
    ) -> Result<Answer, Answer> {
        let item = self.own_item(call, viewer, named)?;
        let is_full = item.kind == Kind::Folder && !self.children(item.place).is_empty();
        if is_full && !call.is_true("recursive") {
            return Err(api_error("folder_not_empty"));
        }
        self.act(Deed::Trash {
            item: named.1.into(),
        });
        Ok(Answer::empty(204))
    }

    /// Into the folder it came from: another one, and another name, are left out.
    fn restore_item(
        &mut self,
        call: &Call,
        viewer: u64,
        (kind, id): (Kind, &str),
        body: &Value,
    ) -> Result<Answer, Answer> {
        if !(body["parent"].is_null() && body["name"].is_null()) {
            return Err(api_error("bad_request"));
        }
        let found = self.tenant.library.find(id);
        let item = found.and_then(|place| self.item(place));
        let is_own = |item: &Item| item.kind == kind && item.owner == viewer;
        let item = item.filter(is_own).ok_or_else(not_found)?;
        if item.trashed.is_none() {
            return Err(api_error("not_trashed"));
        }
        let folder = item.folder;
        if self.fate(folder) != Fate::There {
            return Err(api_error(DENIED));
        }
        if self.is_taken(folder, &item.name, Some(item.place)) {
            return Err(api_error("item_name_in_use"));
        }
        self.undelete(id);
        Ok(self.told_item(call, viewer, item.place, 201))
    }
}
