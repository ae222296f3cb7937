//! How folders, files and links to the web are told, with the fields that are asked for.

use super::desk::Desk;
use super::items::Item;
use super::library::{Kind, Place, ROOT};
use super::paging::{NULL_OWNER, UNKNOWN_KEY, has};
use super::people::EXTERNAL;
use super::sharing::{LABELS, Link};
use super::wire::home_time;
use crate::chance::{Stream, draw};
use crate::json::{Object, Select, object, text};
use crate::moment::DAY;

/// The mini form (OpenAPI, "File (Mini)", "Folder (Mini)"); folders have fewer of these.
pub const MINI: [&str; 7] = [
    "type",
    "id",
    "sequence_id",
    "etag",
    "name",
    "sha1",
    "file_version",
];
#[rustfmt::skip]
pub const STANDARD: [&str; 21] = [
    "type", "id", "sequence_id", "etag", "name", "sha1", "file_version", "description", "size", "path_collection",
    "created_at", "modified_at", "trashed_at", "content_created_at", "content_modified_at", "created_by", "modified_by",
    "owned_by", "shared_link", "parent", "item_status",
];

impl Desk<'_> {
    /// A folder in the mini form.
    pub fn folder_mini(&self, place: Place) -> String {
        let library = &self.tenant.library;
        let version = self.item(place).map(|item| (item.name, item.etag));
        let (name, version) = version.unwrap_or_default();
        let version = version.to_string();
        let version = (place.item != ROOT).then_some(version.as_str());
        object(|one| {
            one.text("type", "folder")
                .text("id", &library.id(place))
                .maybe("sequence_id", version)
                .maybe("etag", version)
                .text("name", &name);
        })
    }

    /// An item with the fields that are asked for.
    pub fn item_text(&self, viewer: u64, item: &Item, fields: &[String]) -> String {
        let mut out = String::new();
        let mut one = Object::new(&mut out, Select(Some(fields)));
        let (library, place) = (&self.tenant.library, item.place);
        let version = item.etag.to_string();
        let is_root = place.item == ROOT;
        let version = (!is_root).then_some(version.as_str());
        one.text("type", item.kind.name())
            .text("id", &library.id(place))
            .maybe("sequence_id", version)
            .maybe("etag", version)
            .text("name", &item.name)
            .text("description", "");
        match item.kind {
            Kind::File => self.write_file(&mut one, item),
            Kind::Folder => write_folder(&mut one, item),
            Kind::WebLink => drop(one.text("url", "https://intranet.acme.example/page")),
        }
        if has(fields, "path_collection") || has(fields, "parent") {
            self.write_path(&mut one, viewer, item);
        }
        let owner = match is_root || has(fields, NULL_OWNER) {
            true => "null".into(),
            false => self.user_mini(item.owner),
        };
        let by = if is_root {
            "null".into()
        } else {
            self.user_mini(place.owner)
        };
        let created = home_time(item.created);
        let modified = home_time(item.modified);
        let trashed = item.trashed.map(home_time);
        one.maybe("created_at", (!is_root).then_some(&created))
            .maybe("modified_at", (!is_root).then_some(&modified))
            .maybe("trashed_at", trashed.as_deref())
            .raw("created_by", &by)
            .raw("modified_by", &by)
            .raw("owned_by", &owner)
            .text(
                "item_status",
                if trashed.is_some() {
                    "trashed"
                } else {
                    "active"
                },
            )
            .flag("is_externally_owned", item.owner >= EXTERNAL)
            .raw("tags", "[]");
        if has(fields, "shared_link") {
            let link = item.link.map(|link| self.link_text(item, link));
            one.raw("shared_link", link.as_deref().unwrap_or("null"));
        }
        if has(fields, "has_collaborations") {
            one.flag("has_collaborations", !self.collaborations(place).is_empty());
        }
        one.raw("permissions", &permissions(item.kind, item.owner == viewer));
        let label = item.label.map(classification);
        one.raw("classification", label.as_deref().unwrap_or("null"));
        one.raw(
            "allowed_invitee_roles",
            r#"["editor","viewer","previewer","uploader"]"#,
        );
        if has(fields, UNKNOWN_KEY) {
            one.raw(UNKNOWN_KEY, r#"{"score":[1,2.5,null]}"#);
        }
        one.end();
        out
    }

    fn write_file(&self, one: &mut Object<'_>, item: &Item) {
        let library = &self.tenant.library;
        let sha1 = self.sha1(item);
        let version = object(|version| {
            version
                .text("type", "file_version")
                .text("id", &library.version_id(item.place, item.version))
                .text("sha1", &sha1);
        });
        let chance = draw(self.plan.seed, Stream::Blob, item.place.number());
        let is_locked = chance.is_multiple_of(80);
        let lock = object(|lock| {
            lock.text("type", "lock")
                .text("id", &library.version_id(item.place, 255))
                .raw("created_by", &self.user_mini(item.place.owner))
                .text("created_at", &home_time(item.modified))
                .maybe("expired_at", None)
                .flag("is_download_prevented", false);
        });
        let extension = item
            .name
            .rsplit_once('.')
            .map_or("", |(_, extension)| extension);
        one.text("sha1", &sha1)
            .raw("file_version", &version)
            .number("size", item.size)
            .text("extension", extension)
            .text("content_created_at", &home_time(item.created))
            .text("content_modified_at", &home_time(item.modified))
            .raw("lock", if is_locked { &lock } else { "null" });
    }

    fn write_path(&self, one: &mut Object<'_>, viewer: u64, item: &Item) {
        let is_root = item.place.item == ROOT;
        let path = if is_root {
            Vec::new()
        } else {
            self.path(viewer, item)
        };
        let folders: Vec<String> = path.iter().map(|place| self.folder_mini(*place)).collect();
        let collection = format!(
            r#"{{"total_count":{},"entries":[{}]}}"#,
            folders.len(),
            folders.join(",")
        );
        one.raw("path_collection", &collection)
            .raw("parent", folders.last().map_or("null", String::as_str));
    }

    fn link_text(&self, item: &Item, link: Link) -> String {
        // A link that is made again has another address (uncertain).
        let made = item.links_made << 52;
        let number = item.place.number() ^ (1 << 60) ^ made;
        let token = draw(self.plan.seed, Stream::Link, number);
        let until = link.until.map(home_time);
        let is_file = item.kind == Kind::File;
        let download = format!("https://acme.app.box.com/shared/static/{token:016x}");
        let may = |what: bool| if what { "true" } else { "false" };
        let permissions = format!(
            r#"{{"can_download":{},"can_preview":true,"can_edit":{}}}"#,
            may(link.permission != "can_preview"),
            may(link.permission == "can_edit")
        );
        object(|one| {
            one.text("url", &format!("https://acme.app.box.com/s/{token:016x}"))
                .maybe("download_url", is_file.then_some(&download))
                .maybe("vanity_url", None)
                .maybe("vanity_name", None)
                .text("access", link.access.name())
                .text("effective_access", link.effective.name())
                .text("effective_permission", link.permission)
                .maybe("unshared_at", until.as_deref())
                .flag("is_password_enabled", link.has_password)
                .raw("permissions", &permissions)
                .number("download_count", token % 7)
                .number("preview_count", token % 11);
        })
    }
}

fn write_folder(one: &mut Object<'_>, item: &Item) {
    one.number("size", item.size)
        .flag(
            "is_collaboration_restricted_to_enterprise",
            item.place.item % 11 == 3,
        )
        .raw(
            "allowed_shared_link_access_levels",
            r#"["open","company","collaborators"]"#,
        )
        .flag("can_non_owners_view_collaborators", true)
        .raw("folder_upload_email", "null")
        .maybe("content_created_at", Some(&home_time(item.created)))
        .maybe("content_modified_at", Some(&home_time(item.created + DAY)));
}

/// What the caller may do. Files tell more than folders (resources, "File (Full)" and "Folder (Full)", "permissions").
fn permissions(kind: Kind, is_owner: bool) -> String {
    object(|may| {
        may.flag("can_download", true);
        for name in [
            "can_upload",
            "can_rename",
            "can_delete",
            "can_share",
            "can_set_share_access",
            "can_invite_collaborator",
        ] {
            may.flag(name, is_owner);
        }
        if kind == Kind::File {
            may.flag("can_preview", true)
                .flag("can_comment", is_owner)
                .flag("can_annotate", is_owner)
                .flag("can_view_annotations_all", true)
                .flag("can_view_annotations_self", true);
        }
    })
}

fn classification(label: usize) -> String {
    let name = LABELS.get(label).copied().unwrap_or_default();
    format!(
        r##"{{"name":{},"definition":"As the policy says.","color":"#FF0000"}}"##,
        text(name)
    )
}
