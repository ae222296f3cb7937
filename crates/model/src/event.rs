//! What an app reads out of one record of its audit trail, for whoever writes it in a common language.
//!
//! Everything is borrowed from the record, because a day has millions of them; numbers of any schema stay outside.

use std::borrow::Cow;

use crate::Timestamp;

pub use deed::{
    AccessVerb, AccountVerb, ApiVerb, Deed, EntityVerb, FileVerb, FindingVerb, GroupVerb,
    LogonVerb, MailVerb, SessionVerb, WebVerb,
};

mod deed;

/// Text of a record: borrowed where it needs no unescaping.
pub type Text<'a> = Cow<'a, str>;

/// One event with all the facts that mean the same in every app.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Event<'a> {
    pub id: Option<Text<'a>>,
    pub occurred: Option<Timestamp>,
    pub deed: Deed,
    /// The vendor's own name of what was done.
    pub operation: Text<'a>,
    pub source: Source<'a>,
    pub outcome: Outcome<'a>,
    pub actor: Person<'a>,
    /// The session in which it was done.
    pub session: Option<Text<'a>>,
    /// What ties it to the vendor's other records.
    pub correlation: Option<Text<'a>>,
    /// The client application through which it was done.
    pub app: Named<'a>,
    pub client: Client<'a>,
    pub logon: Logon<'a>,
    pub target: Target<'a>,
    /// What has no field of its own, as name and value.
    pub unmapped: Vec<(Text<'a>, Value<'a>)>,
}

/// A value that is kept as it came.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// A slice of the record that is valid JSON.
    Json(&'a str),
    /// What readers of JSON would refuse, such as half a surrogate pair: kept as text.
    Text(Text<'a>),
}

/// Which of the vendor's logs told it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Source<'a> {
    /// The vendor's type of record, by name or, if unknown, by number.
    pub log: Option<Text<'a>>,
    /// The service in which it happened.
    pub service: Option<Text<'a>>,
    /// The version of the record's form.
    pub version: Option<Text<'a>>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome<'a> {
    pub result: Success,
    pub code: Option<Text<'a>>,
    /// The vendor's words for the result.
    pub status: Option<Text<'a>>,
    /// Why it was so.
    pub reason: Option<Text<'a>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Success {
    /// The record does not say.
    #[default]
    Unknown,
    Success,
    /// Some of it was done.
    Partial,
    Failure,
}

/// Who did something, or to whom it was done.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Person<'a> {
    pub id: Option<Text<'a>>,
    /// A second id that the vendor knows them by.
    pub other_id: Option<Text<'a>>,
    /// The name they sign in with.
    pub name: Option<Text<'a>>,
    pub full_name: Option<Text<'a>>,
    pub kind: PersonKind,
}

impl Person<'_> {
    pub fn is_named(&self) -> bool {
        self.id.is_some() || self.name.is_some()
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PersonKind {
    #[default]
    Unknown,
    User,
    Admin,
    Guest,
    /// Somebody of another organisation who administers this one.
    Partner,
    /// The vendor's own service.
    System,
    Application,
}

impl PersonKind {
    pub fn name(self) -> &'static str {
        match self {
            PersonKind::Unknown => "Unknown",
            PersonKind::User => "User",
            PersonKind::Admin => "Admin",
            PersonKind::Guest => "Guest",
            PersonKind::Partner => "Partner",
            PersonKind::System => "System",
            PersonKind::Application => "Application",
        }
    }
}

/// Anything that has an id, a name or both.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Named<'a> {
    pub id: Option<Text<'a>>,
    pub name: Option<Text<'a>>,
}

impl Named<'_> {
    pub fn is_named(&self) -> bool {
        self.id.is_some() || self.name.is_some()
    }
}

/// Where it came from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Client<'a> {
    /// The address as it was sent: with or without a port, or no address at all.
    pub address: Option<Text<'a>>,
    pub user_agent: Option<Text<'a>>,
    /// The operating system's name.
    pub system: Option<Text<'a>>,
}

/// What only sign-ins tell.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Logon<'a> {
    pub kind: LogonKind,
    /// How it was signed in.
    pub protocol: Option<Text<'a>>,
    pub is_multi_factor: Option<bool>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogonKind {
    #[default]
    Unknown,
    /// Somebody signed in.
    Interactive,
    /// An application had its token renewed without anybody being asked.
    Silent,
    /// A protocol that sends the password each time.
    Legacy,
}

/// What it was done to; an event may have several of these.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Target<'a> {
    pub user: Person<'a>,
    pub group: Named<'a>,
    /// Roles and rights, by name.
    pub privileges: Vec<Text<'a>>,
    pub entity: Entity<'a>,
    pub file: File<'a>,
    /// Where a file went, or what it is called now.
    pub moved_to: File<'a>,
    pub resource: Resource<'a>,
    pub mail: Mail<'a>,
    pub finding: Finding<'a>,
}

/// A thing of the directory: an application, a device, a policy.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Entity<'a> {
    pub named: Named<'a>,
    /// What it is, in one word.
    pub kind: &'static str,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct File<'a> {
    pub id: Option<Text<'a>>,
    pub name: Option<Text<'a>>,
    /// Its whole address.
    pub path: Option<Text<'a>>,
    /// The vendor's word for what it is.
    pub kind: Option<Text<'a>>,
    pub shape: FileShape,
    pub extension: Option<Text<'a>>,
    pub bytes: Option<u64>,
    /// The sensitivity label.
    pub label: Option<Text<'a>>,
}

impl File<'_> {
    pub fn is_named(&self) -> bool {
        self.name.is_some() || self.path.is_some() || self.id.is_some()
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FileShape {
    #[default]
    Unknown,
    File,
    Folder,
    /// A site, a library or a page.
    Place,
}

/// A page, a list, a report, a team: what is looked at and changed in a browser.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resource<'a> {
    pub named: Named<'a>,
    pub kind: Option<Text<'a>>,
    pub address: Option<Text<'a>>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mail<'a> {
    /// The id within the mailbox.
    pub id: Option<Text<'a>>,
    /// The id of the message on its way (RFC 5322, 3.6.4).
    pub message_id: Option<Text<'a>>,
    pub subject: Option<Text<'a>>,
    pub from: Option<Text<'a>>,
    pub to: Vec<Text<'a>>,
    pub bytes: Option<u64>,
    /// Whose mailbox it lies in.
    pub mailbox: Named<'a>,
}

/// What a detection or a policy found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Finding<'a> {
    pub id: Option<Text<'a>>,
    pub title: Option<Text<'a>>,
    pub category: Option<Text<'a>>,
    pub policy: Named<'a>,
    pub severity: Severity,
    pub address: Option<Text<'a>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Severity {
    #[default]
    Informational,
    Low,
    Medium,
    High,
    Critical,
}
