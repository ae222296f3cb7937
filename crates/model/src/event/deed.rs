//! What was done, as families of verbs that every app shares.

use crate::action::{Countermeasure, Subject};

/// A family and its verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Deed {
    Logon(LogonVerb),
    /// An account of a person.
    Account(AccountVerb),
    /// Roles and rights of a user or an application.
    Access(AccessVerb),
    Group(GroupVerb),
    /// Applications, devices, policies and everything else of a directory.
    Entity(EntityVerb),
    Session(SessionVerb),
    File(FileVerb),
    Web(WebVerb),
    Mail(MailVerb),
    /// Administration, and everything that no other family has.
    Api(ApiVerb),
    /// A threat, a risk, an alert.
    Detection(FindingVerb),
    /// Data where it should not be.
    DataSecurity(FindingVerb),
    /// What Casbah itself did about something.
    Remediation(Countermeasure, Subject),
}

impl Default for Deed {
    fn default() -> Deed {
        Deed::Api(ApiVerb::Other)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LogonVerb {
    LogOn,
    LogOff,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AccountVerb {
    Create,
    Update,
    Enable,
    Disable,
    Delete,
    PasswordChange,
    PasswordReset,
    Lock,
    Unlock,
    MfaEnable,
    MfaDisable,
    AttachPolicy,
    DetachPolicy,
    /// All sessions were ended and all tokens became invalid.
    RevokeSessions,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AccessVerb {
    AssignRole,
    RevokeRole,
    AssignPrivileges,
    RevokePrivileges,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GroupVerb {
    Create,
    Update,
    Delete,
    AddMember,
    RemoveMember,
    AssignPrivileges,
    RevokePrivileges,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EntityVerb {
    Create,
    Read,
    Update,
    Delete,
    Move,
    Enroll,
    Unenroll,
    Enable,
    Disable,
    Activate,
    Deactivate,
    Suspend,
    Resume,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SessionVerb {
    /// A session got its rights.
    Authorize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileVerb {
    Upload,
    Download,
    Update,
    Delete,
    Rename,
    Copy,
    Move,
    Restore,
    Preview,
    Lock,
    Unlock,
    Share,
    Unshare,
    Open,
    Sync,
    Unsync,
    AccessCheck,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WebVerb {
    Create,
    Read,
    Update,
    Delete,
    Search,
    Import,
    Export,
    Share,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MailVerb {
    Send,
    Receive,
    Scan,
    Create,
    Read,
    Update,
    Move,
    Delete,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ApiVerb {
    Create,
    Read,
    Update,
    Delete,
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FindingVerb {
    Create,
    Update,
    /// Somebody said that it may be so.
    Suppress,
    Close,
}

impl Deed {
    /// Every deed there is, for tables that must be complete.
    pub fn all() -> Vec<Deed> {
        let mut all = Vec::new();
        all.extend(LOGON.map(Deed::Logon));
        all.extend(ACCOUNT.map(Deed::Account));
        all.extend(ACCESS.map(Deed::Access));
        all.extend(GROUP.map(Deed::Group));
        all.extend(ENTITY.map(Deed::Entity));
        all.push(Deed::Session(SessionVerb::Authorize));
        all.extend(FILE.map(Deed::File));
        all.extend(WEB.map(Deed::Web));
        all.extend(MAIL.map(Deed::Mail));
        all.extend(API.map(Deed::Api));
        all.extend(FINDING.map(Deed::Detection));
        all.extend(FINDING.map(Deed::DataSecurity));
        for subject in [Subject::Account, Subject::File, Subject::App] {
            all.extend(COUNTERMEASURES.map(|against| Deed::Remediation(against, subject)));
        }
        all
    }
}

const COUNTERMEASURES: [Countermeasure; 4] = [
    Countermeasure::Isolate,
    Countermeasure::Evict,
    Countermeasure::Restore,
    Countermeasure::Harden,
];
const LOGON: [LogonVerb; 2] = [LogonVerb::LogOn, LogonVerb::LogOff];
const ACCOUNT: [AccountVerb; 14] = [
    AccountVerb::Create,
    AccountVerb::Update,
    AccountVerb::Enable,
    AccountVerb::Disable,
    AccountVerb::Delete,
    AccountVerb::PasswordChange,
    AccountVerb::PasswordReset,
    AccountVerb::Lock,
    AccountVerb::Unlock,
    AccountVerb::MfaEnable,
    AccountVerb::MfaDisable,
    AccountVerb::AttachPolicy,
    AccountVerb::DetachPolicy,
    AccountVerb::RevokeSessions,
];
const ACCESS: [AccessVerb; 4] = [
    AccessVerb::AssignRole,
    AccessVerb::RevokeRole,
    AccessVerb::AssignPrivileges,
    AccessVerb::RevokePrivileges,
];
const GROUP: [GroupVerb; 7] = [
    GroupVerb::Create,
    GroupVerb::Update,
    GroupVerb::Delete,
    GroupVerb::AddMember,
    GroupVerb::RemoveMember,
    GroupVerb::AssignPrivileges,
    GroupVerb::RevokePrivileges,
];
const ENTITY: [EntityVerb; 13] = [
    EntityVerb::Create,
    EntityVerb::Read,
    EntityVerb::Update,
    EntityVerb::Delete,
    EntityVerb::Move,
    EntityVerb::Enroll,
    EntityVerb::Unenroll,
    EntityVerb::Enable,
    EntityVerb::Disable,
    EntityVerb::Activate,
    EntityVerb::Deactivate,
    EntityVerb::Suspend,
    EntityVerb::Resume,
];
const FILE: [FileVerb; 17] = [
    FileVerb::Upload,
    FileVerb::Download,
    FileVerb::Update,
    FileVerb::Delete,
    FileVerb::Rename,
    FileVerb::Copy,
    FileVerb::Move,
    FileVerb::Restore,
    FileVerb::Preview,
    FileVerb::Lock,
    FileVerb::Unlock,
    FileVerb::Share,
    FileVerb::Unshare,
    FileVerb::Open,
    FileVerb::Sync,
    FileVerb::Unsync,
    FileVerb::AccessCheck,
];
const WEB: [WebVerb; 8] = [
    WebVerb::Create,
    WebVerb::Read,
    WebVerb::Update,
    WebVerb::Delete,
    WebVerb::Search,
    WebVerb::Import,
    WebVerb::Export,
    WebVerb::Share,
];
const MAIL: [MailVerb; 8] = [
    MailVerb::Send,
    MailVerb::Receive,
    MailVerb::Scan,
    MailVerb::Create,
    MailVerb::Read,
    MailVerb::Update,
    MailVerb::Move,
    MailVerb::Delete,
];
const API: [ApiVerb; 5] = [
    ApiVerb::Create,
    ApiVerb::Read,
    ApiVerb::Update,
    ApiVerb::Delete,
    ApiVerb::Other,
];
const FINDING: [FindingVerb; 4] = [
    FindingVerb::Create,
    FindingVerb::Update,
    FindingVerb::Suppress,
    FindingVerb::Close,
];
