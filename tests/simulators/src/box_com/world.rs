//! What deeds and faults have changed since the enterprise was made.

use std::collections::{BTreeMap, BTreeSet};

use casbah_model::Timestamp;
use casbah_model::transport::Bytes;

use super::events::Scene;
use super::library::{Kind, Place};
use super::people::{Role, Status};
use super::sharing::{Access, Answered, Collaboration, Link};
use crate::moment::Millis;

/// What somebody does in the enterprise. Each is told of in both event streams. Items and collaborations are named by
/// their ids, as a reader sees them; a folder `None` is the owner's root. What names nothing that is there does nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    AddUser,
    Suspend {
        user: u64,
    },
    Restore {
        user: u64,
    },
    /// The user's content goes as well.
    DeleteUser {
        user: u64,
    },
    SetRole {
        user: u64,
        role: Role,
    },
    AddMember {
        group: u64,
        user: u64,
    },
    RemoveMember {
        group: u64,
        user: u64,
    },
    MakeGroupAdmin {
        group: u64,
        user: u64,
    },
    SignIn {
        user: u64,
    },
    FailSignIn {
        user: u64,
    },
    Upload {
        user: u64,
        folder: Option<String>,
        name: String,
    },
    CreateFolder {
        user: u64,
        folder: Option<String>,
        name: String,
    },
    /// A new version.
    Edit {
        item: String,
    },
    Rename {
        item: String,
        name: String,
    },
    /// Within the tree of its owner.
    Move {
        item: String,
        folder: Option<String>,
    },
    Share {
        item: String,
        access: Access,
        has_password: bool,
    },
    Unshare {
        item: String,
    },
    /// Sets or takes away a classification, by its place in the template.
    Classify {
        item: String,
        label: Option<usize>,
    },
    Trash {
        item: String,
    },
    /// Out of the trash again.
    Undelete {
        item: String,
    },
    /// For good.
    Purge {
        item: String,
    },
    Download {
        item: String,
    },
    /// A visitor without account looks at an item.
    PreviewAnonymously {
        item: String,
    },
    Invite {
        item: String,
        invitee: Invitee,
    },
    Accept {
        collaboration: String,
    },
    SetCollaborationRole {
        collaboration: String,
        role: &'static str,
    },
    RemoveCollaboration {
        collaboration: String,
    },
    /// Lets it end by itself, at a time to come.
    EndCollaborationLater {
        collaboration: String,
        at: Timestamp,
    },
    /// Takes a granted scope from the app; tokens issued before keep it.
    RevokeScope {
        scope: String,
    },
    AuthorizeApp,
    UnauthorizeApp,
}

/// Who is invited to an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invitee {
    /// A colleague, who is in at once.
    User(u64),
    Group(u64),
    /// Somebody outside, by number; pending until accepted.
    Outside(u64),
}

/// What changed about a user.
#[derive(Clone, Copy, Debug, Default)]
pub struct UserChange {
    pub is_deleted: bool,
    pub status: Option<Status>,
    pub role: Option<Role>,
    pub created: Option<Millis>,
    pub modified: Option<Millis>,
}

/// What changed about an item; `Some(None)` is "none now".
#[derive(Clone, Debug, Default)]
pub struct ItemChange {
    pub is_gone: bool,
    pub name: Option<String>,
    /// Where it lies, if it was moved or added.
    pub folder: Option<Place>,
    pub trashed: Option<Option<Millis>>,
    pub link: Option<Option<Link>>,
    pub label: Option<Option<usize>>,
    pub created: Option<Millis>,
    pub modified: Option<Millis>,
    /// Versions beyond those of the plan.
    pub edits: u64,
    /// Changes that are no new version.
    pub revisions: u64,
    pub links_made: u64,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct CollaborationChange {
    pub is_removed: bool,
    pub answered: Option<Answered>,
    pub role: Option<&'static str>,
    /// When it ends by itself, if that was changed.
    pub expires: Option<Option<Millis>>,
}

/// The state of an enterprise; all of it is small.
#[derive(Default)]
pub struct World {
    pub users: BTreeMap<u64, UserChange>,
    pub users_added: u64,
    /// Memberships that differ from the plan's.
    pub members: BTreeMap<(u64, u64), bool>,
    pub group_admins: BTreeSet<(u64, u64)>,
    pub items: BTreeMap<Place, ItemChange>,
    /// What was put into files.
    pub contents: BTreeMap<Place, Bytes>,
    /// What deeds added, for each owner.
    pub added: BTreeMap<u64, Vec<Kind>>,
    /// What deeds put into a folder, moved or new.
    pub placed: BTreeMap<Place, BTreeSet<Place>>,
    /// In whose trees the items were made that changed hands since: all others are still their makers'.
    pub handed: BTreeSet<u64>,
    pub collaborations: BTreeMap<u64, CollaborationChange>,
    pub collaborations_made: Vec<Collaboration>,
    /// Users whose sessions were ended, once for each time.
    pub sessions_ended: Vec<u64>,
    /// Users who have to choose a new password.
    pub passwords_asked: BTreeSet<u64>,
    /// Events that deeds caused, by their number less `DEED`.
    pub scenes: Vec<Scene>,
    pub scopes_revoked: BTreeSet<String>,
    /// Whether the app is authorised, if a deed said so.
    pub is_app_authorized: Option<bool>,
    /// Access tokens that were revoked or that a fault killed.
    pub dead_tokens: BTreeSet<String>,
    /// `jti` values that were used.
    pub jtis: BTreeSet<String>,
    /// Access tokens issued so far; makes each one different.
    pub tokens: u64,
    /// Pages so far whose end or position has more than one form.
    pub turns: u64,
    /// How often pages of events were empty that begin at a place.
    pub held_back: BTreeMap<u64, u64>,
    /// Deeds that wait for a call, by the calls before it.
    pub planned: BTreeMap<u64, Vec<Deed>>,
}

impl World {
    pub fn user(&self, index: u64) -> UserChange {
        self.users.get(&index).copied().unwrap_or_default()
    }
}
