//! Numbers and names of the schema: classes, categories, activities and everything else that is enumerated.
//!
//! From the schema's own definitions, versions 1.3.0 and 1.8.0 (ocsf-schema, `events/` and `dictionary.json`). What
//! another version calls differently is another row here and nothing elsewhere: 1.9 replaces 3001 by 3007, and 3005 by
//! 3007 and 3008.

use casbah_model::action::{Countermeasure, Subject};
use casbah_model::event::{
    AccessVerb, AccountVerb, ApiVerb, Deed, EntityVerb, FileShape, FileVerb, FindingVerb,
    GroupVerb, LogonVerb, MailVerb, PersonKind, SessionVerb, Severity, Success, WebVerb,
};

use crate::profile::Profile;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    DetectionFinding,
    DataSecurityFinding,
    AccountChange,
    Authentication,
    AuthorizeSession,
    EntityManagement,
    UserAccess,
    GroupManagement,
    EmailActivity,
    WebResources,
    ApiActivity,
    FileHosting,
    Remediation,
    FileRemediation,
}

impl Class {
    pub const ALL: [Class; 14] = [
        Class::DetectionFinding,
        Class::DataSecurityFinding,
        Class::AccountChange,
        Class::Authentication,
        Class::AuthorizeSession,
        Class::EntityManagement,
        Class::UserAccess,
        Class::GroupManagement,
        Class::EmailActivity,
        Class::WebResources,
        Class::ApiActivity,
        Class::FileHosting,
        Class::Remediation,
        Class::FileRemediation,
    ];

    /// The class with this number.
    pub fn of(uid: u32) -> Option<Class> {
        Class::ALL.into_iter().find(|class| class.uid() == uid)
    }

    pub fn uid(self) -> u32 {
        match self {
            Class::DetectionFinding => 2004,
            Class::DataSecurityFinding => 2006,
            Class::AccountChange => 3001,
            Class::Authentication => 3002,
            Class::AuthorizeSession => 3003,
            Class::EntityManagement => 3004,
            Class::UserAccess => 3005,
            Class::GroupManagement => 3006,
            Class::EmailActivity => 4009,
            Class::WebResources => 6001,
            Class::ApiActivity => 6003,
            Class::FileHosting => 6006,
            Class::Remediation => 7001,
            Class::FileRemediation => 7002,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Class::DetectionFinding => "Detection Finding",
            Class::DataSecurityFinding => "Data Security Finding",
            Class::AccountChange => "Account Change",
            Class::Authentication => "Authentication",
            Class::AuthorizeSession => "Authorize Session",
            Class::EntityManagement => "Entity Management",
            Class::UserAccess => "User Access Management",
            Class::GroupManagement => "Group Management",
            Class::EmailActivity => "Email Activity",
            Class::WebResources => "Web Resources Activity",
            Class::ApiActivity => "API Activity",
            Class::FileHosting => "File Hosting Activity",
            Class::Remediation => "Remediation Activity",
            Class::FileRemediation => "File Remediation Activity",
        }
    }

    pub fn category_uid(self) -> u32 {
        self.uid() / 1000
    }

    pub fn category_name(self) -> &'static str {
        match self.category_uid() {
            2 => "Findings",
            3 => "Identity & Access Management",
            4 => "Network Activity",
            7 => "Remediation",
            _ => "Application Activity",
        }
    }

    pub(crate) fn is_finding(self) -> bool {
        self.category_uid() == 2
    }

    /// Classes that know who acted only under the profile "host".
    pub(crate) fn needs_host_profile(self) -> bool {
        !matches!(
            self,
            Class::AccountChange | Class::Authentication | Class::ApiActivity | Class::FileHosting
        )
    }

    /// Classes that must say who acted and from where.
    pub(crate) fn needs_actor(self) -> bool {
        matches!(self, Class::ApiActivity | Class::FileHosting)
    }

    pub(crate) fn has_source(self) -> bool {
        self != Class::DetectionFinding && !self.is_remediation()
    }

    /// Classes of what Casbah itself did.
    pub(crate) fn is_remediation(self) -> bool {
        matches!(self, Class::Remediation | Class::FileRemediation)
    }

    pub(crate) fn has_http_request(self) -> bool {
        !matches!(
            self,
            Class::DetectionFinding
                | Class::DataSecurityFinding
                | Class::EmailActivity
                | Class::FileHosting
                | Class::Remediation
                | Class::FileRemediation
        )
    }

    pub(crate) fn has_user(self) -> bool {
        matches!(
            self,
            Class::AccountChange
                | Class::Authentication
                | Class::AuthorizeSession
                | Class::UserAccess
                | Class::GroupManagement
        )
    }
}

/// What a deed is in a version of the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Activity {
    pub class: Class,
    pub id: u32,
    pub name: &'static str,
}

impl Activity {
    pub fn type_uid(&self) -> u32 {
        self.class.uid() * 100 + self.id
    }
}

/// "Other", in every enumeration of the schema.
pub const OTHER: u32 = 99;

/// The activity of a deed; one that came with a later version is "Other" and keeps its name.
pub fn activity(deed: Deed, profile: Profile) -> Activity {
    let (class, id, name) = newest(deed);
    let id = if profile < since(deed) { OTHER } else { id };
    Activity { class, id, name }
}

/// The version in which an activity first appears.
fn since(deed: Deed) -> Profile {
    match deed {
        Deed::Account(AccountVerb::Unlock) | Deed::File(FileVerb::AccessCheck) => Profile::V1_8_0,
        _ => Profile::V1_3_0,
    }
}

fn newest(deed: Deed) -> (Class, u32, &'static str) {
    match deed {
        Deed::Logon(LogonVerb::LogOn) => (Class::Authentication, 1, "Logon"),
        Deed::Logon(LogonVerb::LogOff) => (Class::Authentication, 2, "Logoff"),
        Deed::Account(verb) => account(verb),
        Deed::Access(verb) => access(verb),
        Deed::Group(verb) => group(verb),
        Deed::Entity(verb) => entity(verb),
        Deed::Session(SessionVerb::Authorize) => (Class::AuthorizeSession, 1, "Assign Privileges"),
        Deed::File(verb) => file(verb),
        Deed::Web(verb) => web(verb),
        Deed::Mail(verb) => mail(verb),
        Deed::Api(verb) => api(verb),
        Deed::Detection(verb) => finding(Class::DetectionFinding, verb),
        Deed::DataSecurity(verb) => finding(Class::DataSecurityFinding, verb),
        Deed::Remediation(countermeasure, subject) => remediation(countermeasure, subject),
    }
}

/// An account's other changes have no activity of their own before 1.9: they are updates of a managed entity.
fn account(verb: AccountVerb) -> (Class, u32, &'static str) {
    let (id, name) = match verb {
        AccountVerb::Create => (1, "Create"),
        AccountVerb::Enable => (2, "Enable"),
        AccountVerb::PasswordChange => (3, "Password Change"),
        AccountVerb::PasswordReset => (4, "Password Reset"),
        AccountVerb::Disable => (5, "Disable"),
        AccountVerb::Delete => (6, "Delete"),
        AccountVerb::AttachPolicy => (7, "Attach Policy"),
        AccountVerb::DetachPolicy => (8, "Detach Policy"),
        AccountVerb::Lock => (9, "Lock"),
        AccountVerb::MfaEnable => (10, "MFA Factor Enable"),
        AccountVerb::MfaDisable => (11, "MFA Factor Disable"),
        AccountVerb::Unlock => (12, "Unlock"),
        AccountVerb::Update | AccountVerb::RevokeSessions => return entity(EntityVerb::Update),
    };
    (Class::AccountChange, id, name)
}

/// A role is a bundle of privileges; assigning roles becomes an activity of its own with 1.9.
fn access(verb: AccessVerb) -> (Class, u32, &'static str) {
    let (id, name) = match verb {
        AccessVerb::AssignRole | AccessVerb::AssignPrivileges => (1, "Assign Privileges"),
        AccessVerb::RevokeRole | AccessVerb::RevokePrivileges => (2, "Revoke Privileges"),
    };
    (Class::UserAccess, id, name)
}

fn group(verb: GroupVerb) -> (Class, u32, &'static str) {
    let (id, name) = match verb {
        GroupVerb::AssignPrivileges => (1, "Assign Privileges"),
        GroupVerb::RevokePrivileges => (2, "Revoke Privileges"),
        GroupVerb::AddMember => (3, "Add User"),
        GroupVerb::RemoveMember => (4, "Remove User"),
        GroupVerb::Delete => (5, "Delete"),
        GroupVerb::Create => (6, "Create"),
        // 9 of 1.9.
        GroupVerb::Update => (OTHER, "Update"),
    };
    (Class::GroupManagement, id, name)
}

fn entity(verb: EntityVerb) -> (Class, u32, &'static str) {
    let (id, name) = match verb {
        EntityVerb::Create => (1, "Create"),
        EntityVerb::Read => (2, "Read"),
        EntityVerb::Update => (3, "Update"),
        EntityVerb::Delete => (4, "Delete"),
        EntityVerb::Move => (5, "Move"),
        EntityVerb::Enroll => (6, "Enroll"),
        EntityVerb::Unenroll => (7, "Unenroll"),
        EntityVerb::Enable => (8, "Enable"),
        EntityVerb::Disable => (9, "Disable"),
        EntityVerb::Activate => (10, "Activate"),
        EntityVerb::Deactivate => (11, "Deactivate"),
        EntityVerb::Suspend => (12, "Suspend"),
        EntityVerb::Resume => (13, "Resume"),
    };
    (Class::EntityManagement, id, name)
}

fn file(verb: FileVerb) -> (Class, u32, &'static str) {
    let (id, name) = match verb {
        FileVerb::Upload => (1, "Upload"),
        FileVerb::Download => (2, "Download"),
        FileVerb::Update => (3, "Update"),
        FileVerb::Delete => (4, "Delete"),
        FileVerb::Rename => (5, "Rename"),
        FileVerb::Copy => (6, "Copy"),
        FileVerb::Move => (7, "Move"),
        FileVerb::Restore => (8, "Restore"),
        FileVerb::Preview => (9, "Preview"),
        FileVerb::Lock => (10, "Lock"),
        FileVerb::Unlock => (11, "Unlock"),
        FileVerb::Share => (12, "Share"),
        FileVerb::Unshare => (13, "Unshare"),
        FileVerb::Open => (14, "Open"),
        FileVerb::Sync => (15, "Sync"),
        FileVerb::Unsync => (16, "Unsync"),
        FileVerb::AccessCheck => (17, "Access Check"),
    };
    (Class::FileHosting, id, name)
}

fn web(verb: WebVerb) -> (Class, u32, &'static str) {
    let (id, name) = match verb {
        WebVerb::Create => (1, "Create"),
        WebVerb::Read => (2, "Read"),
        WebVerb::Update => (3, "Update"),
        WebVerb::Delete => (4, "Delete"),
        WebVerb::Search => (5, "Search"),
        WebVerb::Import => (6, "Import"),
        WebVerb::Export => (7, "Export"),
        WebVerb::Share => (8, "Share"),
    };
    (Class::WebResources, id, name)
}

/// Mail that travels is e-mail activity; what is done to it in a mailbox is done to a resource.
fn mail(verb: MailVerb) -> (Class, u32, &'static str) {
    match verb {
        MailVerb::Send => (Class::EmailActivity, 1, "Send"),
        MailVerb::Receive => (Class::EmailActivity, 2, "Receive"),
        MailVerb::Scan => (Class::EmailActivity, 3, "Scan"),
        MailVerb::Create => web(WebVerb::Create),
        MailVerb::Read => web(WebVerb::Read),
        MailVerb::Update | MailVerb::Move => web(WebVerb::Update),
        MailVerb::Delete => web(WebVerb::Delete),
    }
}

fn api(verb: ApiVerb) -> (Class, u32, &'static str) {
    let (id, name) = match verb {
        ApiVerb::Create => (1, "Create"),
        ApiVerb::Read => (2, "Read"),
        ApiVerb::Update => (3, "Update"),
        ApiVerb::Delete => (4, "Delete"),
        ApiVerb::Other => (OTHER, "Other"),
    };
    (Class::ApiActivity, id, name)
}

fn finding(class: Class, verb: FindingVerb) -> (Class, u32, &'static str) {
    let (id, name) = match verb {
        FindingVerb::Create => (1, "Create"),
        FindingVerb::Update | FindingVerb::Suppress => (2, "Update"),
        FindingVerb::Close => (3, "Close"),
    };
    (class, id, name)
}

fn remediation(countermeasure: Countermeasure, subject: Subject) -> (Class, u32, &'static str) {
    let (id, name) = match countermeasure {
        Countermeasure::Isolate => (1, "Isolate"),
        Countermeasure::Evict => (2, "Evict"),
        Countermeasure::Restore => (3, "Restore"),
        Countermeasure::Harden => (4, "Harden"),
    };
    let class = match subject {
        Subject::File => Class::FileRemediation,
        Subject::Account | Subject::App => Class::Remediation,
    };
    (class, id, name)
}

pub(crate) fn severity(severity: Severity) -> (u32, &'static str) {
    match severity {
        Severity::Informational => (1, "Informational"),
        Severity::Low => (2, "Low"),
        Severity::Medium => (3, "Medium"),
        Severity::High => (4, "High"),
        Severity::Critical => (5, "Critical"),
    }
}

pub(crate) fn status(result: Success) -> (u32, &'static str) {
    match result {
        Success::Unknown => (0, "Unknown"),
        Success::Success => (1, "Success"),
        Success::Failure => (2, "Failure"),
        Success::Partial => (OTHER, "Partial"),
    }
}

/// Findings have states instead of results.
pub(crate) fn finding_status(deed: Deed, activity: &Activity) -> (u32, &'static str) {
    match activity.id {
        _ if is_suppressed(deed) => (3, "Suppressed"),
        1 => (1, "New"),
        2 => (2, "In Progress"),
        _ => (4, "Resolved"),
    }
}

fn is_suppressed(deed: Deed) -> bool {
    matches!(
        deed,
        Deed::Detection(FindingVerb::Suppress) | Deed::DataSecurity(FindingVerb::Suppress)
    )
}

pub(crate) fn user_type(kind: PersonKind) -> u32 {
    match kind {
        PersonKind::Unknown => 0,
        PersonKind::User => 1,
        PersonKind::Admin => 2,
        PersonKind::System => 3,
        PersonKind::Guest | PersonKind::Partner | PersonKind::Application => OTHER,
    }
}

pub(crate) fn file_type(shape: FileShape) -> u32 {
    match shape {
        FileShape::Unknown => 0,
        FileShape::File => 1,
        FileShape::Folder => 2,
        FileShape::Place => OTHER,
    }
}

pub(crate) fn entity_type(kind: &str) -> u32 {
    match kind {
        "Device" => 1,
        "User" => 2,
        "Group" => 3,
        "Organization" => 4,
        "Policy" => 5,
        _ => OTHER,
    }
}

/// The operating system of a client, told by how its name begins.
pub(crate) fn system_type(name: &str) -> u32 {
    let starts = |with: &str| {
        name.get(..with.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(with))
    };
    let known = [
        ("windows", 100),
        ("linux", 200),
        ("android", 201),
        ("mac", 300),
        ("ios", 301),
        ("ipados", 302),
    ];
    let found = known.into_iter().find(|(with, _)| starts(with));
    found.map_or(OTHER, |(_, id)| id)
}

/// Kinds of observables.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Observable {
    Address,
    UserName,
    EmailAddress,
    FileName,
    ResourceUid,
}

impl Observable {
    pub(crate) fn numbered(self) -> (u32, &'static str) {
        match self {
            Observable::Address => (2, "IP Address"),
            Observable::UserName => (4, "User Name"),
            Observable::EmailAddress => (5, "Email Address"),
            Observable::FileName => (7, "File Name"),
            Observable::ResourceUid => (10, "Resource UID"),
        }
    }
}

/// How somebody signed in: 2 is interactive, 3 over the network; renewed tokens have no number.
pub(crate) const LOGON_INTERACTIVE: (u32, &str) = (2, "Interactive");
pub(crate) const LOGON_NETWORK: (u32, &str) = (3, "Network");
pub(crate) const LOGON_SILENT: (u32, &str) = (OTHER, "Non-interactive");

/// "Rule": what data loss prevention policies and alert policies are.
pub(crate) const ANALYTIC_RULE: u32 = 1;
/// "Unknown": records of mailboxes do not say whether a message leaves.
pub(crate) const DIRECTION_UNKNOWN: u32 = 0;

#[cfg(test)]
mod tests;
