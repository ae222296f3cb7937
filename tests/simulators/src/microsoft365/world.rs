//! What deeds, calls and faults have changed since the tenant was made.

use std::collections::{BTreeMap, BTreeSet};

use casbah_model::transport::Bytes;

use super::apps::AppRoleHeld;
use super::copies::Copying;
use super::file_content::Content;
use super::grants::{Given, Role};
use super::labels::Labelling;
use super::library::{Place, Share};
use super::plan::{ContentType, Plan};
use super::records::{Scene, Told};
use super::roles::RoleHeld;
use super::schedule::Blob;
use crate::moment::Millis;

/// What somebody does in the tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Adds a member and says so in the directory's feed.
    AddUser,
    AddGuest,
    DeleteUser {
        user: u64,
    },
    DisableUser {
        user: u64,
    },
    EnableUser {
        user: u64,
    },
    SignIn {
        user: u64,
    },
    FailSignIn {
        user: u64,
    },
    /// Gives a user a directory role; the audit record only, the list of assignments stays.
    AddMemberToRole {
        user: u64,
    },
    Consent {
        user: u64,
    },
    /// Files are numbered over all drives.
    ShareByAnonymousLink {
        file: u64,
    },
    ShareWithPartner {
        file: u64,
    },
    ShareInside {
        file: u64,
    },
    Unshare {
        file: u64,
    },
    EditFile {
        file: u64,
    },
    DeleteFile {
        file: u64,
    },
    /// Uploads a file to a drive.
    AddFile {
        drive: u64,
    },
}

/// What changed about a user.
#[derive(Clone, Copy, Debug, Default)]
pub struct UserChange {
    pub is_deleted: bool,
    pub is_enabled: Option<bool>,
    pub last_sign_in: Option<Millis>,
    /// Sessions that are older were ended.
    pub sessions_from: Option<Millis>,
    /// Has to choose a new password at the next sign-in.
    pub must_change_password: bool,
    pub is_compromised: bool,
}

/// What changed about an item.
#[derive(Clone, Debug, Default)]
pub struct ItemChange {
    pub is_deleted: bool,
    /// Replaces the item's own share when set.
    pub share: Option<Option<Share>>,
    /// How often it was replaced: a link that is made anew has another id.
    pub shares_made: u64,
    /// What was changed about that share.
    pub share_role: Option<Role>,
    pub share_until: Option<Millis>,
    /// Permissions that were given since, by their ids.
    pub given: BTreeMap<String, Given>,
    pub name: Option<String>,
    /// The folder it was moved to, or made in.
    pub parent: Option<u64>,
    /// Whether an item that was added is a folder.
    pub is_folder: bool,
    pub label: Option<Option<usize>>,
    /// What a copied or uploaded file was made with, before any edits.
    pub content: Option<Content>,
    pub edits: u64,
    /// Changes of anything but content.
    pub revisions: u64,
    pub edited: Option<Millis>,
}

/// One step of the world, to which delta tokens point by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    User(u64),
    /// A user joined a group, or left it.
    Member {
        group: u64,
        user: u64,
    },
    App(u64),
    /// A delegated grant was taken back, by its place in the list.
    Grant(u64),
    Item {
        place: Place,
        is_sharing: bool,
    },
}

/// Whether a feed is on, and since when; earlier spans count for what was published in them.
#[derive(Clone, Debug, Default)]
pub struct Subscription {
    /// `[from, to)`; the last span is open while the feed is on.
    pub spans: Vec<(Millis, Option<Millis>)>,
    /// Address of the webhook, if one was given; nothing is ever sent there.
    pub webhook: Option<String>,
}

impl Subscription {
    pub fn is_on(&self) -> bool {
        self.spans.last().is_some_and(|(_, to)| to.is_none())
    }

    pub fn was_on(&self, at: Millis) -> bool {
        self.spans
            .iter()
            .any(|(from, to)| *from <= at && to.is_none_or(|to| at < to))
    }

    /// When the feed was started last.
    pub fn since(&self) -> Option<Millis> {
        self.spans.last().map(|(from, _)| *from)
    }
}

/// The state of a tenant; all of it is small.
#[derive(Default)]
pub struct World {
    pub users: BTreeMap<u64, UserChange>,
    /// Bytes that somebody sent, by the number that stands for them; and files that were filled with such since.
    pub uploaded: BTreeMap<u64, Bytes>,
    pub written: BTreeMap<Place, Content>,
    /// Numbers of the users added, after those of the plan.
    pub users_added: Vec<u64>,
    /// Who joined a group, or left it.
    pub members: BTreeMap<(u64, u64), bool>,
    /// Assignments of roles that were taken back, and those that were made.
    pub roles_ended: BTreeSet<String>,
    pub roles_added: Vec<RoleHeld>,
    /// Whether an application gets tokens, where that was changed.
    pub apps: BTreeMap<u64, bool>,
    pub grants_ended: BTreeSet<String>,
    pub app_roles_ended: BTreeSet<String>,
    pub app_roles_added: Vec<AppRoleHeld>,
    pub items: BTreeMap<Place, ItemChange>,
    /// Items added per drive.
    pub items_added: BTreeMap<u64, u64>,
    /// Permissions that end by themselves: when, where, and their ids.
    pub ending: BTreeSet<(Millis, Place, String)>,
    pub labellings: Vec<Labelling>,
    pub copyings: Vec<Copying>,
    /// Copies that go on: when they are done, and their numbers.
    pub copies_due: BTreeSet<(Millis, usize)>,
    pub steps: Vec<Step>,
    pub subscriptions: BTreeMap<ContentType, Subscription>,
    /// Events that deeds caused, by their number less `DEED`.
    pub scenes: Vec<(ContentType, Scene)>,
    /// How items were called in those events, by the number of the event.
    pub told: BTreeMap<u64, Told>,
    /// Blobs that a fault took away for good, with the code they answer.
    pub lost: BTreeMap<Blob, &'static str>,
    /// Records handed out twice by a fault.
    pub duplicates: u64,
    /// Tokens whose `jti` a fault revoked.
    pub revoked_tokens: BTreeSet<String>,
}

impl World {
    pub fn new(plan: &Plan) -> World {
        let long_ago = plan.started.as_millisecond() - 365 * crate::moment::DAY;
        let on = |feed: &ContentType| {
            (
                *feed,
                Subscription {
                    spans: vec![(long_ago, None)],
                    webhook: None,
                },
            )
        };
        World {
            subscriptions: plan.feeds_on.iter().map(on).collect(),
            ..World::default()
        }
    }

    pub fn user(&self, index: u64) -> UserChange {
        self.users.get(&index).copied().unwrap_or_default()
    }

    pub fn item(&self, place: Place) -> Option<&ItemChange> {
        self.items.get(&place)
    }
}
