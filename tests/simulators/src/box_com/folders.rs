//! Items of folders, single items, and the trash (OpenAPI, "Folders", "Files", "Trashed items").

use super::desk::Desk;
use super::faults::Fault;
use super::item_text::{MINI, STANDARD};
use super::items::{Fate, Item};
use super::library::{Kind, Place, ROOT};
use super::wire::{Call, api_error, not_found};
use crate::answer::Answer;

/// What `total_count` of the trash says beyond what comes.
const TRASH_MISCOUNT: u64 = 2;

impl Desk<'_> {
    pub fn content(&mut self, call: &Call, viewer: u64) -> Answer {
        let path = call.segments();
        let answer = match path[1..] {
            ["folders", "trash", "items"] => return self.trash(call, viewer),
            ["collaborations", id] => return self.one_collaboration(call, viewer, id),
            ["folders", id, "items"] => {
                let folder = self.resolve(viewer, Kind::Folder, id);
                folder.map(|folder| self.folder_items(call, viewer, folder))
            }
            ["folders", "0", "collaborations"] => {
                Err(api_error("collaborations_not_available_on_root_folder"))
            }
            [kind @ ("folders" | "files"), id, "collaborations"] => {
                let place = self.resolve(viewer, kind_of(kind), id);
                place.map(|place| self.collaboration_list(call, place))
            }
            [
                kind @ ("folders" | "files"),
                id,
                "metadata",
                scope,
                template,
            ] => {
                let place = self.resolve(viewer, kind_of(kind), id);
                place.map(|place| self.label_of(place, scope, template))
            }
            ["files", id, "content"] => {
                let place = self.resolve(viewer, Kind::File, id);
                place.map(|place| self.download(call, place))
            }
            [kind, id, "trash"] => return self.one_trashed(call, viewer, kind_of(kind), id),
            [kind, id] => {
                let place = self.resolve(viewer, kind_of(kind), id);
                place.map(|place| self.one_item(call, viewer, place))
            }
            _ => return not_found(),
        };
        answer.unwrap_or_else(|refusal| refusal)
    }

    /// The item with an id, if the viewer can see it.
    pub fn resolve(&mut self, viewer: u64, kind: Kind, id: &str) -> Result<Place, Answer> {
        if id == "0" && kind == Kind::Folder {
            return Ok(Place {
                owner: viewer,
                item: ROOT,
            });
        }
        let is_kind = |place: &Place| self.item(*place).is_some_and(|item| item.kind == kind);
        let place = self.tenant.library.find(id).filter(is_kind);
        let place = place.filter(|place| self.is_visible(viewer, *place));
        let Some(place) = place else {
            return Err(not_found());
        };
        if self.strikes(Fault::ItemVanishes).is_some() {
            return Err(not_found());
        }
        let is_struck = self.strikes(Fault::ItemTrashed).is_some();
        match self.fate(place) {
            Fate::There if is_struck => Err(api_error("trashed")),
            Fate::There => Ok(place),
            Fate::Trashed => Err(api_error("trashed")),
            Fate::Gone => Err(not_found()),
        }
    }

    fn one_item(&mut self, call: &Call, viewer: u64, place: Place) -> Answer {
        let fields = self.fields(call, &MINI, &STANDARD);
        let Some(item) = self.item(place) else {
            return not_found();
        };
        let known = call.headers.get("If-None-Match");
        if known.is_some_and(|etag| etag.trim_matches('"') == item.etag.to_string()) {
            return Answer::empty(304);
        }
        Answer::json(200, self.item_text(viewer, &item, &fields))
    }

    fn folder_items(&mut self, call: &Call, viewer: u64, folder: Place) -> Answer {
        let mut places = self.children(folder);
        if folder.item == ROOT {
            // The root with an id of 0 that can have a sort order is that of offsets only (OpenAPI, "List items in folder").
            if call.is_true("usemarker") && call.parameter("sort").is_some() {
                return api_error("bad_request");
            }
            places.extend(self.shared_with(viewer));
        }
        places.sort_unstable_by_key(|place| place.number());
        let list = format!("items|{viewer}|{}", folder.number());
        self.item_list(call, viewer, &list, &places, 0)
    }

    fn trash(&mut self, call: &Call, viewer: u64) -> Answer {
        let is_trashed = |place: &Place| {
            let item = self.item(*place);
            item.is_some_and(|item| item.trashed.is_some())
        };
        let mut places = self.owned(viewer);
        places.retain(is_trashed);
        let list = format!("trash|{viewer}");
        self.item_list(call, viewer, &list, &places, TRASH_MISCOUNT)
    }

    fn item_list(
        &mut self,
        call: &Call,
        viewer: u64,
        list: &str,
        places: &[Place],
        miscount: u64,
    ) -> Answer {
        let fields = self.fields(call, &MINI, &MINI);
        let write = |desk: &Self, number| match desk.item(Place::of_number(number)) {
            Some(item) => desk.item_text(viewer, &item, &fields),
            None => "null".into(),
        };
        let numbers = places.iter().map(|place| place.number());
        if call.is_true("usemarker") {
            return self.marked(call, list, numbers, write);
        }
        let mut numbers: Vec<Option<u64>> = numbers.map(Some).collect();
        numbers.extend((0..miscount).map(|_| None));
        self.numbered(call, &numbers, "type", write)
    }

    /// `GET /files/{id}/trash`: the owner's alone.
    fn one_trashed(&mut self, call: &Call, viewer: u64, kind: Kind, id: &str) -> Answer {
        let found = self.tenant.library.find(id);
        let item = found.and_then(|place| self.item(place));
        let is_own = |item: &Item| item.kind == kind && item.owner == viewer;
        match item.filter(is_own) {
            None => not_found(),
            Some(item) if item.trashed.is_none() => api_error("not_trashed"),
            Some(item) => {
                let fields = self.fields(call, &MINI, &STANDARD);
                Answer::json(200, self.item_text(viewer, &item, &fields))
            }
        }
    }
}

pub fn kind_of(name: &str) -> Kind {
    match name {
        "folders" => Kind::Folder,
        "files" => Kind::File,
        _ => Kind::WebLink,
    }
}
