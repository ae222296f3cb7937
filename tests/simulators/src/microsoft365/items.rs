//! Items of a drive, as Graph shows them.

use super::desk::Desk;
use super::faults::Fault;
use super::library::{EXTENSIONS, Place};
use super::wire::Call;
use crate::json::{Object, Select, object};
use crate::moment::{HOUR, Millis, seconds};

/// How long ago the oldest change of a file may be, in hours.
const AGE_HOURS: u64 = 400 * 24;

impl Desk<'_> {
    pub fn item_text(&self, place: Place, call: &Call) -> String {
        let mut out = String::new();
        self.push_item(&mut out, place, call, call.select().as_deref(), true);
        out
    }

    pub fn push_change(
        &self,
        out: &mut String,
        place: Place,
        call: &Call,
        select: Option<&[String]>,
        is_sharing: bool,
    ) {
        if self.has_item(place) {
            self.push_item(out, place, call, select, false);
            if is_sharing && call.prefers("deltashowsharingchanges") {
                out.pop();
                out.push_str(r#","@microsoft.graph.sharedChanged":"True"}"#);
            }
            return;
        }
        // A deleted item has no name.
        let id = self.tenant.library.item_id(place);
        let parent = self.parent_reference(place);
        out.push_str(&object(|item| {
            item.text("id", &id)
                .raw("deleted", r#"{"state":"deleted"}"#)
                .raw("parentReference", &parent);
        }));
    }

    /// With `hierarchicalsharing` only items with a share of their own carry the facet (driveItem: delta, "Request headers").
    pub fn push_item(
        &self,
        out: &mut String,
        place: Place,
        call: &Call,
        select: Option<&[String]>,
        has_ctag: bool,
    ) {
        let library = &self.tenant.library;
        let id = library.item_id(place);
        let change = self.state.world.item(place);
        let number = self.item_number(place);
        let modified = change
            .and_then(|change| change.edited)
            .unwrap_or(self.plan.started.as_millisecond() - (number % AGE_HOURS) as Millis * HOUR);
        let name = self.name_of(place);
        let author = self.author(place);
        let [etag, ctag] = self.tags(place);
        let mut item = Object::new(out, Select(select));
        item.text("id", &id)
            .text("name", &name)
            .text("webUrl", &self.web_url(place))
            .text("eTag", &etag)
            .text("createdDateTime", &seconds(modified - HOUR))
            .text("lastModifiedDateTime", &seconds(modified))
            .raw("createdBy", &author)
            .raw("lastModifiedBy", &author)
            .raw("parentReference", &self.parent_reference(place));
        if has_ctag {
            item.text("cTag", &ctag);
        }
        if place.item == 0 {
            item.raw("root", "{}");
        }
        if self.is_folder(place) {
            item.number("size", 0).raw("folder", r#"{"childCount":0}"#);
        } else {
            let content = self.content_of(place);
            let (mime, hash) = (mime(&name), self.quick_xor_hash(content));
            let file = format!(r#"{{"mimeType":"{mime}","hashes":{{"quickXorHash":"{hash}"}}}}"#);
            item.number("size", content.size).raw("file", &file);
        }
        let own_only = call.prefers("hierarchicalsharing");
        if let Some((_, scope)) = self.widest(place, own_only) {
            item.raw("shared", &format!(r#"{{"scope":"{scope}"}}"#));
        }
        item.end();
    }

    /// The eTag, which every change moves on, and the cTag, which is about content (driveItem, "Properties").
    pub fn tags(&self, place: Place) -> [String; 2] {
        let id = self.tenant.library.item_id(place);
        let change = self.state.world.item(place);
        let (edits, revisions) = change.map_or((0, 0), |change| (change.edits, change.revisions));
        let moves_both = self.state.switches.settings(Fault::CtagMoves).is_some();
        let content = edits + if moves_both { revisions } else { 0 };
        [
            format!("\"{{{id}}},{}\"", edits + revisions + 1),
            format!("\"c:{{{id}}},{}\"", content + 1),
        ]
    }

    fn parent_reference(&self, place: Place) -> String {
        let library = &self.tenant.library;
        let drive_type = if library.owner(place.drive).is_some() {
            "business"
        } else {
            "documentLibrary"
        };
        object(|parent| {
            parent
                .text("driveId", &library.drive_id(place.drive))
                .text("driveType", drive_type);
            if let Some(folder) = self.parent_of(place) {
                parent.text("id", &library.item_id(folder));
            }
        })
    }

    fn author(&self, place: Place) -> String {
        let owner = self.tenant.library.owner(place.drive);
        let users = self.tenant.people.count.max(1);
        let person = self
            .tenant
            .people
            .person(owner.unwrap_or(place.item % users));
        let user = object(|user| {
            user.text("id", &person.id)
                .text("displayName", &person.name)
                .text("email", &person.mail);
        });
        format!(r#"{{"user":{user}}}"#)
    }
}

/// The type of a file, which follows its name.
fn mime(name: &str) -> &'static str {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    let mut known = EXTENSIONS.iter();
    let found = known.find(|(known, _)| Some(*known) == extension);
    found.map_or("application/octet-stream", |(_, mime)| mime)
}
