//! What can be asked of an inventory: a collection, a filter, and where to go on.

use std::str::FromStr;

use casbah_connector::Listed;
use casbah_model::collection::Collection;
use casbah_model::connection::Cause;
use casbah_model::file::Sharing;
use serde::{Deserialize, Serialize};

use crate::error::StageError;

/// A page of a list.
#[derive(Clone, Debug)]
pub struct Question {
    pub collection: Collection,
    pub filter: Filter,
    /// `next` of the page before; it belongs to one connection, collection and filter.
    pub after: Option<String>,
    /// Items on a page: 1 to [`LIMIT_MAX`]; more is cut to it.
    pub limit: usize,
}

/// The most items on one page: 300 to 600 KB of JSON, well below what a function may answer (AWS Lambda developer
/// guide, "Lambda quotas": 6 MB).
pub const LIMIT_MAX: usize = 1000;

/// What the connector calls a collection; files come from roots instead.
pub(super) fn listed(collection: Collection) -> Option<Listed> {
    match collection {
        Collection::Users => Some(Listed::Users),
        Collection::Groups => Some(Listed::Groups),
        Collection::Privileges => Some(Listed::Privileges),
        Collection::AppPermissions => Some(Listed::AppPermissions),
        Collection::Files => None,
    }
}

/// The names of the filters that a collection has.
pub fn filters(collection: Collection) -> &'static [&'static str] {
    match collection {
        Collection::Users => &["id", "kind", "query", "status"],
        Collection::Groups => &["id", "kind", "query"],
        Collection::Privileges => &["holder", "id", "kind", "privileged", "query"],
        Collection::AppPermissions => &["holder", "id", "kind", "query", "risk"],
        Collection::Files => &["id", "kind", "query", "root", "sharing"],
    }
}

/// The kinds of things in a collection.
pub fn kinds(collection: Collection) -> &'static [Kind] {
    match collection {
        Collection::Users => &[Kind::Member, Kind::Guest],
        Collection::Groups => &[Kind::Security, Kind::Mail, Kind::Collaboration],
        Collection::Privileges => &[Kind::User, Kind::Group, Kind::Application, Kind::Other],
        Collection::AppPermissions => &[Kind::Delegated, Kind::AppOnly],
        Collection::Files => &[Kind::File, Kind::Folder],
    }
}

/// Only what has all of these.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Filter {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// The beginning of the name or the address; upper and lower case are the same. Of a privilege: of its holder or
    /// role; of an app permission: of the application.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub privileged: Option<bool>,
    /// The id of who holds a privilege, or of the application that holds a permission.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    /// Whether the permission reaches data of more than its own user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sharing: Option<Sharing>,
    /// The id of the place that files lie in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root: Option<String>,
}

/// Whether an account can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Nothing says that it is disabled.
    Enabled,
    Disabled,
}

impl Status {
    pub const ALL: [Status; 2] = [Status::Enabled, Status::Disabled];

    pub fn name(self) -> &'static str {
        match self {
            Status::Enabled => "enabled",
            Status::Disabled => "disabled",
        }
    }
}

/// What sort of thing a row is; each collection has its own, see [`kinds`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Member,
    Guest,
    /// A group that is for giving rights.
    Security,
    /// A group that is for mail only.
    Mail,
    /// A group that people work in together, with a mailbox and files of its own.
    Collaboration,
    User,
    Group,
    Application,
    /// A holder of which the record does not tell what it is.
    Other,
    Delegated,
    AppOnly,
    File,
    Folder,
}

impl Kind {
    pub const ALL: [Kind; 13] = [
        Kind::Member,
        Kind::Guest,
        Kind::Security,
        Kind::Mail,
        Kind::Collaboration,
        Kind::User,
        Kind::Group,
        Kind::Application,
        Kind::Other,
        Kind::Delegated,
        Kind::AppOnly,
        Kind::File,
        Kind::Folder,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Kind::Member => "member",
            Kind::Guest => "guest",
            Kind::Security => "security",
            Kind::Mail => "mail",
            Kind::Collaboration => "collaboration",
            Kind::User => "user",
            Kind::Group => "group",
            Kind::Application => "application",
            Kind::Other => "other",
            Kind::Delegated => "delegated",
            Kind::AppOnly => "app-only",
            Kind::File => "file",
            Kind::Folder => "folder",
        }
    }
}

/// A word that is none of those that are known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this word is not known")]
pub struct UnknownWord;

impl FromStr for Status {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Status, UnknownWord> {
        let mut all = Status::ALL.into_iter();
        all.find(|known| known.name() == word).ok_or(UnknownWord)
    }
}

impl FromStr for Kind {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Kind, UnknownWord> {
        let mut all = Kind::ALL.into_iter();
        all.find(|known| known.name() == word).ok_or(UnknownWord)
    }
}

impl Filter {
    /// Checks that a collection has these filters, and the kind that is asked for.
    pub fn check(&self, collection: Collection) -> Result<(), StageError> {
        let refuse =
            |what: String, fix: String| Err(StageError::Refused(Cause::new("filter", what, fix)));
        let known = filters(collection);
        for (name, is_set) in self.names() {
            if is_set && !known.contains(&name) {
                let what = format!("{collection} cannot be filtered by {name}");
                return refuse(what, format!("use one of {}", known.join(", ")));
            }
        }
        if let Some(kind) = self.kind
            && !kinds(collection).contains(&kind)
        {
            let kinds: Vec<_> = kinds(collection).iter().map(|kind| kind.name()).collect();
            let what = format!("{collection} have no kind {}", kind.name());
            return refuse(what, format!("use one of {}", kinds.join(", ")));
        }
        Ok(())
    }

    fn names(&self) -> [(&'static str, bool); 9] {
        [
            ("status", self.status.is_some()),
            ("kind", self.kind.is_some()),
            ("query", self.query.is_some()),
            ("id", self.id.is_some()),
            ("privileged", self.privileged.is_some()),
            ("holder", self.holder.is_some()),
            ("risk", self.risk.is_some()),
            ("sharing", self.sharing.is_some()),
            ("root", self.root.is_some()),
        ]
    }
}
