//! What an event is about: a catalogue of types, and who does what in each event.

use casbah_model::activity::ActivityKind;

use super::desk::Tenant;
use super::library::{Kind, Place, ROOT};
use super::people::EXTERNAL;
use super::sharing::Party;
use crate::chance::{Draws, Stream};
use crate::moment::Millis;

/// A row of the catalogue (OpenAPI, "Event"; guides, "Events").
pub struct Row {
    /// How often it happens, beside the others.
    weight: u64,
    pub kind: ActivityKind,
    pub event_type: &'static str,
    pub source: Source,
    /// Whether a file or folder changed or was shared, so that it should be looked at soon.
    pub is_scan_trigger: bool,
}

/// The forms that `source` has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Whoever it happens to.
    User,
    /// `item_type`, `item_id`, `item_name`.
    Item,
    /// A file or folder as the API itself tells it.
    Object,
    /// `folder_id` or `file_id`, with `user_id`.
    Collaboration,
    Group,
    /// A map with keys of its own.
    Map,
    Nothing,
}

const fn row(
    weight: u64,
    kind: ActivityKind,
    event_type: &'static str,
    source: Source,
    is_scan_trigger: bool,
) -> Row {
    Row {
        weight,
        kind,
        event_type,
        source,
        is_scan_trigger,
    }
}

use ActivityKind::{Admin as A, SignIn as S, User as U};
use Source as F;

/// Types of every family. Of some families the beginning of the name is all we know; there the rest is ours, as is the
/// form of the source of most.
#[rustfmt::skip]
pub const CATALOGUE: &[Row] = &[
    row(90, S, "LOGIN", F::User, false),
    row(12, S, "FAILED_LOGIN", F::User, false),
    row(2, S, "ADMIN_LOGIN", F::User, false),
    row(5, S, "ADD_LOGIN_ACTIVITY_DEVICE", F::User, false),
    row(3, S, "REMOVE_LOGIN_ACTIVITY_DEVICE", F::User, false),
    row(2, S, "ADD_DEVICE_ASSOCIATION", F::User, false),
    row(1, S, "REMOVE_DEVICE_ASSOCIATION", F::User, false),
    row(1, S, "DEVICE_TRUST_CHECK_FAILED", F::User, false),
    row(1, S, "TERMS_OF_SERVICE_ACCEPT", F::User, false),
    row(1, S, "TERMS_OF_SERVICE_REJECT", F::User, false),
    row(6, S, "USER_AUTHENTICATE_OAUTH2_ACCESS_TOKEN_CREATE", F::User, false),
    row(1, S, "OAUTH2_ACCESS_TOKEN_REVOKE", F::Nothing, false),
    row(1, S, "OAUTH2_REFRESH_TOKEN_REVOKE", F::Nothing, false),
    row(3, A, "NEW_USER", F::User, false),
    row(4, A, "EDIT_USER", F::User, false),
    row(2, A, "DELETE_USER", F::User, false),
    row(2, A, "CHANGE_ADMIN_ROLE", F::User, false),
    row(2, A, "GROUP_CREATION", F::Group, false),
    row(1, A, "GROUP_DELETION", F::Group, false),
    row(2, A, "GROUP_EDITED", F::Group, false),
    row(3, A, "GROUP_ADD_USER", F::Group, false),
    row(2, A, "GROUP_REMOVE_USER", F::Group, false),
    row(2, A, "GROUP_ADD_ITEM", F::Group, false),
    row(1, A, "GROUP_REMOVE_ITEM", F::Group, false),
    row(1, A, "GROUP_ADMIN_CREATED", F::Group, false),
    row(1, A, "GROUP_ADMIN_DELETED", F::Group, false),
    row(1, A, "GROUP_ADMIN_PERMISSIONS_UPDATED", F::Group, false),
    row(1, A, "ACCESS_GRANTED", F::Map, false),
    row(1, A, "ACCESS_REVOKED", F::Map, false),
    row(1, A, "APPLICATION_CREATED", F::Map, false),
    row(1, A, "APPLICATION_PUBLIC_KEY_ADDED", F::Map, false),
    row(1, A, "APPLICATION_PUBLIC_KEY_DELETED", F::Map, false),
    row(1, A, "ENTERPRISE_APP_AUTHORIZATION_UPDATE", F::Map, false),
    row(1, A, "ENABLE_MULTI_FACTOR_AUTH", F::User, false),
    row(1, A, "DISABLE_MULTI_FACTOR_AUTH", F::User, false),
    row(1, A, "ENABLE_TWO_FACTOR_AUTH", F::User, false),
    row(1, A, "EXTERNAL_COLLAB_SECURITY_SETTINGS", F::Map, false),
    row(2, A, "CHANGE_FOLDER_PERMISSION", F::Item, false),
    row(1, A, "ADVANCED_FOLDER_SETTINGS_UPDATE", F::Item, false),
    row(1, A, "EMAIL_ALIAS_CONFIRM", F::User, false),
    row(1, A, "EMAIL_ALIAS_REMOVE", F::User, false),
    row(1, A, "METADATA_TEMPLATE_CREATE", F::Map, false),
    row(1, A, "METADATA_TEMPLATE_UPDATE", F::Map, false),
    row(1, A, "METADATA_CASCADE_POLICY_CREATE", F::Map, false),
    row(1, A, "RETENTION_POLICY_ASSIGNMENT_ADD", F::Map, false),
    row(1, A, "DATA_RETENTION_CREATE_RETENTION", F::Map, false),
    row(1, A, "LEGAL_HOLD_POLICY_CREATE", F::Map, false),
    row(1, A, "LEGAL_HOLD_ASSIGNMENT_CREATE", F::Map, false),
    row(1, A, "CONTENT_WORKFLOW_POLICY_ADD", F::Map, false),
    row(1, A, "CONTENT_WORKFLOW_AUTOMATION_ADD", F::Map, false),
    row(1, A, "SHIELD_ACCESS_POLICY_CREATED", F::Map, false),
    row(1, A, "SHIELD_INFORMATION_BARRIER_ENABLED", F::Map, false),
    row(1, A, "SHIELD_INFORMATION_BARRIER_DISABLED", F::Map, false),
    row(60, U, "UPLOAD", F::Item, true),
    row(30, U, "EDIT", F::Object, true),
    row(6, U, "COPY", F::Item, true),
    row(8, U, "MOVE", F::Item, true),
    row(8, U, "RENAME", F::Item, true),
    row(3, U, "UNDELETE", F::Item, true),
    row(10, U, "DELETE", F::Item, true),
    row(2, U, "FILE_VERSION_RESTORE", F::Item, true),
    row(100, U, "DOWNLOAD", F::Item, false),
    row(120, U, "PREVIEW", F::Item, false),
    row(20, U, "ITEM_OPEN", F::Item, false),
    row(10, U, "ITEM_MODIFY", F::Item, true),
    row(6, U, "CONTENT_ACCESS", F::Item, false),
    row(3, U, "LOCK", F::Item, false),
    row(2, U, "UNLOCK", F::Item, false),
    row(12, U, "SHARE", F::Item, true),
    row(6, U, "UNSHARE", F::Item, true),
    row(4, U, "ITEM_SHARED_UPDATE", F::Item, true),
    row(1, U, "SHARE_EXPIRATION", F::Item, true),
    row(1, U, "UPDATE_SHARE_EXPIRATION", F::Item, true),
    row(2, U, "SHARED_LINK_SEND", F::Item, false),
    row(1, U, "ITEM_EMAIL_SEND", F::Item, false),
    row(8, U, "COLLABORATION_INVITE", F::Collaboration, true),
    row(6, U, "COLLABORATION_ACCEPT", F::Collaboration, true),
    row(4, U, "COLLABORATION_REMOVE", F::Collaboration, true),
    row(2, U, "COLLABORATION_ROLE_CHANGE", F::Collaboration, true),
    row(1, U, "COLLABORATION_EXPIRATION", F::Collaboration, true),
    row(1, U, "UPDATE_COLLABORATION_EXPIRATION", F::Collaboration, false),
    row(2, U, "METADATA_INSTANCE_CREATE", F::Item, true),
    row(1, U, "METADATA_INSTANCE_UPDATE", F::Item, true),
    row(1, U, "METADATA_INSTANCE_DELETE", F::Item, true),
    row(1, U, "WATERMARK_LABEL_CREATE", F::Item, false),
    row(1, U, "FILE_WATERMARKED_DOWNLOAD", F::Item, false),
    row(1, U, "FILE_MARKED_MALICIOUS", F::Item, true),
    row(1, U, "FILE_REQUEST_CREATE", F::Map, false),
    row(3, U, "COMMENT_CREATE", F::Item, false),
    row(1, U, "COMMENT_DELETE", F::Item, false),
    row(2, U, "TASK_CREATE", F::Item, false),
    row(1, U, "SIGN_DOCUMENT_CREATED", F::Map, false),
    row(1, U, "SIGNER_SIGNED", F::Map, false),
    row(2, U, "FAVORITE", F::Item, false),
    row(1, U, "BOX_AI_ASK", F::Map, false),
    row(2, U, "SHIELD_ALERT", F::User, false),
    row(1, U, "SHIELD_DOWNLOAD_BLOCKED", F::Item, false),
    row(1, U, "CONTENT_WORKFLOW_UPLOAD_POLICY_VIOLATION", F::User, false),
    row(1, U, "CONTENT_WORKFLOW_SHARING_POLICY_VIOLATION", F::User, false),
    row(1, U, "CONTENT_WORKFLOW_ABNORMAL_DOWNLOAD_ACTIVITY", F::User, false),
];

/// Types whose actor may be a visitor without account.
const OPEN_TO_ALL: [&str; 3] = ["DOWNLOAD", "PREVIEW", "ITEM_OPEN"];

/// Where the catalogue has a type.
pub fn of_type(event_type: &str) -> usize {
    let found = CATALOGUE
        .iter()
        .position(|row| row.event_type == event_type);
    found.expect("deeds name types of the catalogue")
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    User(u64),
    /// A visitor who came by an open link, told as user "2".
    Anonymous,
}

/// The file or folder of an event, as it was then.
#[derive(Clone, Debug, PartialEq)]
pub struct Thing {
    pub place: Place,
    pub owner: u64,
    pub kind: Kind,
    pub name: String,
    pub folder: Place,
    pub folder_name: String,
    pub label: Option<usize>,
}

/// One event, as far as its text depends on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    pub number: u64,
    pub created: Millis,
    pub row: usize,
    pub actor: Actor,
    /// The user it happens to.
    pub user: u64,
    pub group: u64,
    pub thing: Option<Thing>,
    /// The other side of a collaboration, its number and its role.
    pub party: Party,
    pub collaboration: u64,
    pub role: &'static str,
}

impl Scene {
    /// The scene of an event that no deed caused.
    pub fn of(tenant: &Tenant, number: u64, created: Millis) -> Scene {
        let mut draws = Draws::new(tenant.people.seed, Stream::EventText, number);
        let row = pick(&mut draws);
        let users = tenant.people.count.max(1);
        let user = draws.below(users);
        let place = |draws: &mut Draws| {
            let items = tenant.library.items(user).count() as u64;
            let item = if items == 0 {
                ROOT
            } else {
                1 + draws.below(items)
            };
            Place { owner: user, item }
        };
        let place = place(&mut draws);
        let is_open = OPEN_TO_ALL.contains(&CATALOGUE[row].event_type);
        let actor = if is_open && draws.is_one_in(12) {
            Actor::Anonymous
        } else if CATALOGUE[row].kind == ActivityKind::Admin {
            Actor::User(draws.below(4.min(users)))
        } else {
            Actor::User(user)
        };
        let outside = EXTERNAL + draws.below(tenant.people.externals);
        Scene {
            number,
            created,
            row,
            actor,
            user,
            group: draws.below(tenant.groups.count.max(1)),
            thing: tenant.thing(place),
            party: Party::User(outside),
            collaboration: number,
            role: draws.pick(&super::sharing::ROLES),
        }
    }

    pub fn row(&self) -> &'static Row {
        &CATALOGUE[self.row]
    }
}

impl Tenant {
    /// An item as the plan has it.
    fn thing(&self, place: Place) -> Option<Thing> {
        let library = &self.library;
        let kind = library.kind(place)?;
        let folder = place.sibling(library.parent(place));
        Some(Thing {
            place,
            owner: place.owner,
            kind,
            name: library.name(place, kind),
            folder,
            folder_name: library.name(folder, Kind::Folder),
            label: self.sharing.label(place, kind),
        })
    }
}

fn pick(draws: &mut Draws) -> usize {
    let total = CATALOGUE.iter().map(|row| row.weight).sum();
    let mut left = draws.below(total);
    let found = CATALOGUE.iter().position(|row| {
        let is_it = left < row.weight;
        left = left.saturating_sub(row.weight);
        is_it
    });
    found.expect("the draw is below the sum")
}
