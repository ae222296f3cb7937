//! Files, and who can see them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::record::{Noun, RecordId};

/// How far a file is visible, from nobody else to everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sharing {
    Private,
    Internal,
    External,
    PublicByLink,
    Public,
}

impl Sharing {
    pub const ALL: [Sharing; 5] = [
        Sharing::Private,
        Sharing::Internal,
        Sharing::External,
        Sharing::PublicByLink,
        Sharing::Public,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Sharing::Private => "private",
            Sharing::Internal => "internal",
            Sharing::External => "external",
            Sharing::PublicByLink => "public-by-link",
            Sharing::Public => "public",
        }
    }
}

impl fmt::Display for Sharing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A place where files live and are listed from: a library, a drive, a folder tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Root {
    pub id: RecordId,
    /// Its address, which is the beginning of the address of every file in it.
    pub address: String,
    /// What a file in it is when nobody shared it.
    pub unshared: Sharing,
}

/// What one listing says about an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Root and item id together: item ids are unique within their root only.
    pub id: RecordId,
    pub parent: Option<RecordId>,
    pub change: FileChange,
    pub modified: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileChange {
    /// A file with no sharing of its own: it is as visible as the folder it lies in.
    File,
    /// A file with sharing of its own; a record of its permissions follows.
    SharedFile,
    Folder,
    SharedFolder,
    /// Who can see a file or folder, read because its listing said that it is shared.
    Permissions(Sharing),
    /// It was listed as shared, and is gone or unreadable now.
    Unreadable,
    Removed,
}

impl Noun for File {
    fn id(&self) -> &RecordId {
        &self.id
    }

    fn occurred(&self) -> Option<Timestamp> {
        None
    }

    fn belongs_to(&self) -> Option<&RecordId> {
        self.parent.as_ref()
    }

    fn class(&self) -> &'static str {
        match self.change {
            FileChange::File => "file",
            FileChange::SharedFile => "file-shared",
            FileChange::Folder => "folder",
            FileChange::SharedFolder => "folder-shared",
            FileChange::Permissions(sharing) => sharing.name(),
            FileChange::Unreadable => "unreadable",
            FileChange::Removed => "removed",
        }
    }
}
