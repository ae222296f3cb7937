//! What a record says beyond our nouns, for people to read in lists: names, addresses, sizes.

use std::collections::BTreeSet;

use casbah_model::Timestamp;

/// The lists of the API that are made of a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Listed {
    Users,
    Groups,
    /// Who holds which role.
    Privileges,
    /// What applications may do.
    AppPermissions,
}

/// Which collections make a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct List {
    pub of: Listed,
    /// Their records are its rows.
    pub rows: &'static [&'static str],
    /// Their records say more about the rows, by id: names of what a row refers to, times of sign-ins.
    pub facts: &'static [&'static str],
}

/// What a record of the directory says; each noun fills the fields it has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntityDetails {
    pub name: Option<String>,
    /// Mail address or login name.
    pub address: Option<String>,
    pub created: Option<Timestamp>,
    pub last_sign_in: Option<Timestamp>,
    pub group: Option<GroupKind>,
    /// Of a role assignment: what its holder is; `name` and `address` are the holder's.
    pub holder: Option<HolderKind>,
    /// Of a role assignment: the id of the role.
    pub role: Option<String>,
    /// Of a role assignment: what it is limited to; absent for all of the tenant.
    pub scope: Option<String>,
    /// Of an application: the id under which it signs in, where that is another than its own.
    pub client: Option<String>,
    /// Of a grant: the id of the service whose data it opens.
    pub resource: Option<String>,
    pub resource_name: Option<String>,
    /// Of a grant: names of what is permitted, or ids that another record defines.
    pub permissions: Vec<String>,
    /// Of a delegated grant: the id of the one user it is for; absent when it is for all.
    pub on_behalf_of: Option<String>,
    /// Ids that this record defines, with their names.
    pub defines: Vec<(String, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupKind {
    /// For giving rights.
    Security,
    /// For mail only.
    Mail,
    /// For working together, with a mailbox and files of its own.
    Collaboration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HolderKind {
    User,
    Group,
    Application,
}

/// What a record of a file or folder says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileDetails {
    pub name: Option<String>,
    /// Where a browser finds it.
    pub address: Option<String>,
    pub bytes: Option<u64>,
    pub created: Option<Timestamp>,
    pub modified: Option<Timestamp>,
    /// Name or address of who changed it last.
    pub modified_by: Option<String>,
    /// Mail address of its owner.
    pub owner: Option<String>,
    /// Its sensitivity label, by name.
    pub label: Option<String>,
}

/// Which of the details that policies may ask for an app's listings tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Telling {
    pub owners: bool,
    pub labels: bool,
}

/// Whom a record of permissions lets see an item; several records of one item add up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Mail addresses of those who are named, inside and outside.
    pub people: BTreeSet<String>,
    pub link: Option<LinkReach>,
}

/// The widest link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LinkReach {
    Organisation,
    Anyone,
}

impl Reach {
    pub fn join(&mut self, other: &Reach) {
        self.people.extend(other.people.iter().cloned());
        self.link = self.link.max(other.link);
    }
}
