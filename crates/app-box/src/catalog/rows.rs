//! The rows: event types and families of them (OpenAPI, "Event", "event_type"; developer guides, "Events"), by the kind
//! they belong to.

use casbah_model::activity::ActivityKind;
use casbah_model::event::{
    AccessVerb, AccountVerb, ApiVerb, Deed, EntityVerb, FileVerb, FindingVerb, GroupVerb,
    LogonVerb, Success, WebVerb,
};

use super::{Row, What};

pub(super) const LISTS: [&[Row]; 6] = [SIGN_IN, ADMIN, CHANGES, FILES, PAGES, ALERTS];

const fn row(name: &'static str, kind: ActivityKind, what: What) -> Row {
    Row {
        name,
        kind,
        what,
        thing: "",
        result: Success::Success,
        is_change: false,
    }
}

const fn sign_in(name: &'static str, deed: Deed) -> Row {
    row(name, ActivityKind::SignIn, What::Is(deed))
}

const fn failed(row: Row) -> Row {
    Row {
        result: Success::Failure,
        ..row
    }
}

/// A device that somebody signs in from.
const fn device(name: &'static str, verb: EntityVerb) -> Row {
    Row {
        thing: "Device",
        ..sign_in(name, Deed::Entity(verb))
    }
}

const fn admin(name: &'static str, deed: Deed) -> Row {
    row(name, ActivityKind::Admin, What::Is(deed))
}

const fn thing(name: &'static str, thing: &'static str) -> Row {
    Row {
        thing,
        ..row(name, ActivityKind::Admin, What::Thing)
    }
}

const fn user(name: &'static str, verb: FileVerb) -> Row {
    row(name, ActivityKind::User, What::Is(Deed::File(verb)))
}

/// After it the file is another, somewhere else, or seen by others.
const fn change(name: &'static str, verb: FileVerb) -> Row {
    Row {
        is_change: true,
        ..user(name, verb)
    }
}

const fn page(name: &'static str, otherwise: WebVerb) -> Row {
    row(name, ActivityKind::User, What::Page(otherwise))
}

const fn alert(name: &'static str, deed: Deed) -> Row {
    row(name, ActivityKind::User, What::Is(deed))
}

const LOG_ON: Deed = Deed::Logon(LogonVerb::LogOn);
const LOG_OFF: Deed = Deed::Logon(LogonVerb::LogOff);

const SIGN_IN: &[Row] = &[
    sign_in("LOGIN", LOG_ON),
    failed(sign_in("FAILED_LOGIN", LOG_ON)),
    // An administrator signed in as a managed user.
    sign_in("ADMIN_LOGIN", LOG_ON),
    sign_in("USER_AUTHENTICATE_OAUTH2_ACCESS_TOKEN_CREATE", LOG_ON),
    sign_in("OAUTH2_ACCESS_TOKEN_REVOKE", LOG_OFF),
    sign_in("OAUTH2_REFRESH_TOKEN_REVOKE", LOG_OFF),
    failed(sign_in("DEVICE_TRUST_CHECK_FAILED", LOG_ON)),
    device("ADD_LOGIN_ACTIVITY_DEVICE", EntityVerb::Enroll),
    device("REMOVE_LOGIN_ACTIVITY_DEVICE", EntityVerb::Unenroll),
    device("ADD_DEVICE_ASSOCIATION", EntityVerb::Enroll),
    device("REMOVE_DEVICE_ASSOCIATION", EntityVerb::Unenroll),
    sign_in("TERMS_OF_SERVICE_ACCEPT", Deed::Api(ApiVerb::Update)),
    failed(sign_in(
        "TERMS_OF_SERVICE_REJECT",
        Deed::Api(ApiVerb::Update),
    )),
];

const fn account(verb: AccountVerb) -> Deed {
    Deed::Account(verb)
}

const fn group(verb: GroupVerb) -> Deed {
    Deed::Group(verb)
}

const fn access(verb: AccessVerb) -> Deed {
    Deed::Access(verb)
}

const ADMIN: &[Row] = &[
    admin("NEW_USER", account(AccountVerb::Create)),
    admin("EDIT_USER", account(AccountVerb::Update)),
    admin("DELETE_USER", account(AccountVerb::Delete)),
    admin("ENABLE_MULTI_FACTOR_AUTH", account(AccountVerb::MfaEnable)),
    admin(
        "DISABLE_MULTI_FACTOR_AUTH",
        account(AccountVerb::MfaDisable),
    ),
    admin("ENABLE_TWO_FACTOR_AUTH", account(AccountVerb::MfaEnable)),
    admin("EMAIL_ALIAS_*", account(AccountVerb::Update)),
    admin("CHANGE_ADMIN_ROLE", access(AccessVerb::AssignRole)),
    admin("GROUP_ADMIN_CREATED", access(AccessVerb::AssignRole)),
    admin("GROUP_ADMIN_DELETED", access(AccessVerb::RevokeRole)),
    admin(
        "GROUP_ADMIN_PERMISSIONS_UPDATED",
        access(AccessVerb::AssignPrivileges),
    ),
    // Box's support may look into an account.
    admin("ACCESS_GRANTED", access(AccessVerb::AssignPrivileges)),
    admin("ACCESS_REVOKED", access(AccessVerb::RevokePrivileges)),
    admin("GROUP_CREATION", group(GroupVerb::Create)),
    admin("GROUP_DELETION", group(GroupVerb::Delete)),
    admin("GROUP_EDITED", group(GroupVerb::Update)),
    admin("GROUP_ADD_USER", group(GroupVerb::AddMember)),
    admin("GROUP_REMOVE_USER", group(GroupVerb::RemoveMember)),
    admin("GROUP_ADD_ITEM", group(GroupVerb::AssignPrivileges)),
    admin("GROUP_REMOVE_ITEM", group(GroupVerb::RevokePrivileges)),
    admin("MASTER_INVITE_ACCEPT", account(AccountVerb::Create)),
    admin("MASTER_INVITE_REJECT", account(AccountVerb::Update)),
    thing("APPLICATION_CREATED", "Application"),
    thing("APPLICATION_PUBLIC_KEY_ADDED", "Application Key"),
    thing("APPLICATION_PUBLIC_KEY_DELETED", "Application Key"),
    thing("ENTERPRISE_APP_AUTHORIZATION_UPDATE", "Application"),
    thing("EXTERNAL_COLLAB_SECURITY_SETTINGS", "Policy"),
    admin("CHANGE_FOLDER_PERMISSION", Deed::File(FileVerb::Update)),
    admin(
        "ADVANCED_FOLDER_SETTINGS_UPDATE",
        Deed::File(FileVerb::Update),
    ),
    thing("METADATA_TEMPLATE_*", "Metadata Template"),
    thing("METADATA_CASCADE_POLICY_*", "Metadata Cascade Policy"),
    thing("RETENTION_POLICY_ASSIGNMENT_*", "Retention Policy"),
    thing("DATA_RETENTION_*", "Retention Policy"),
    thing("LEGAL_HOLD_*", "Legal Hold"),
    thing("CONTENT_WORKFLOW_POLICY_*", "Policy"),
    thing("CONTENT_WORKFLOW_AUTOMATION_*", "Workflow"),
    thing("SHIELD_ACCESS_POLICY_*", "Policy"),
    thing("SHIELD_INFORMATION_BARRIER_*", "Information Barrier"),
];

/// What a scan should look at soon. The names that begin with `ITEM` and `COLLAB_` are those of users' own streams.
const CHANGES: &[Row] = &[
    change("UPLOAD", FileVerb::Upload),
    change("EDIT", FileVerb::Update),
    change("COPY", FileVerb::Copy),
    change("MOVE", FileVerb::Move),
    change("RENAME", FileVerb::Rename),
    change("UNDELETE", FileVerb::Restore),
    change("DELETE", FileVerb::Delete),
    change("FILE_VERSION_RESTORE", FileVerb::Restore),
    change("ITEM_MODIFY", FileVerb::Update),
    change("SHARE", FileVerb::Share),
    change("UNSHARE", FileVerb::Unshare),
    change("ITEM_SHARED_UPDATE", FileVerb::Share),
    change("SHARE_EXPIRATION", FileVerb::Unshare),
    change("UPDATE_SHARE_EXPIRATION", FileVerb::Share),
    change("COLLABORATION_INVITE", FileVerb::Share),
    change("COLLABORATION_ACCEPT", FileVerb::Share),
    change("COLLABORATION_REMOVE", FileVerb::Unshare),
    change("COLLABORATION_ROLE_CHANGE", FileVerb::Share),
    change("COLLABORATION_EXPIRATION", FileVerb::Unshare),
    change("METADATA_INSTANCE_*", FileVerb::Update),
    change("STORAGE_EXPIRATION", FileVerb::Delete),
    change("ITEM_CREATE", FileVerb::Upload),
    change("ITEM_UPLOAD", FileVerb::Upload),
    change("ITEM_MAKE_CURRENT_VERSION", FileVerb::Restore),
    change("ITEM_COPY", FileVerb::Copy),
    change("ITEM_MOVE", FileVerb::Move),
    change("ITEM_RENAME", FileVerb::Rename),
    change("ITEM_TRASH", FileVerb::Delete),
    change("ITEM_UNDELETE_VIA_TRASH", FileVerb::Restore),
    change("ITEM_SHARED", FileVerb::Share),
    change("ITEM_SHARED_CREATE", FileVerb::Share),
    change("ITEM_SHARED_UNSHARE", FileVerb::Unshare),
    change("COLLAB_*", FileVerb::Share),
    change("COLLAB_REMOVE_COLLABORATOR", FileVerb::Unshare),
];

const FILES: &[Row] = &[
    user("DOWNLOAD", FileVerb::Download),
    user("PREVIEW", FileVerb::Preview),
    user("ITEM_OPEN", FileVerb::Open),
    user("ITEM_DOWNLOAD", FileVerb::Download),
    user("ITEM_PREVIEW", FileVerb::Preview),
    user("ITEM_SYNC", FileVerb::Sync),
    user("ITEM_UNSYNC", FileVerb::Unsync),
    user("CONTENT_ACCESS", FileVerb::Open),
    user("LOCK", FileVerb::Lock),
    user("UNLOCK", FileVerb::Unlock),
    user("LOCK_CREATE", FileVerb::Lock),
    user("LOCK_DESTROY", FileVerb::Unlock),
    // A link that exists is sent to somebody.
    user("SHARED_LINK_SEND", FileVerb::Share),
    user("ITEM_EMAIL_SEND", FileVerb::Share),
    user("UPDATE_COLLABORATION_EXPIRATION", FileVerb::Share),
    user("WATERMARK_LABEL_*", FileVerb::Update),
    user("FILE_WATERMARKED_DOWNLOAD", FileVerb::Download),
    user("TAG_ITEM_CREATE", FileVerb::Update),
];

/// What is done around files and on pages.
const PAGES: &[Row] = &[
    page("FILE_REQUEST_*", WebVerb::Update),
    page("COMMENT_*", WebVerb::Update),
    page("TASK_*", WebVerb::Update),
    page("SIGN_*", WebVerb::Update),
    page("SIGNER_*", WebVerb::Update),
    page("SIGNER_DOWNLOADED", WebVerb::Export),
    page("FAVORITE", WebVerb::Update),
    page("BOX_AI_*", WebVerb::Read),
];

const THREAT: Deed = Deed::Detection(FindingVerb::Create);
const LEAK: Deed = Deed::DataSecurity(FindingVerb::Create);

const ALERTS: &[Row] = &[
    Row {
        is_change: true,
        ..alert("FILE_MARKED_MALICIOUS", THREAT)
    },
    alert("SHIELD_*", LEAK),
    alert("SHIELD_ALERT", THREAT),
    alert("CONTENT_WORKFLOW_ABNORMAL_DOWNLOAD_ACTIVITY", THREAT),
];

/// Families that are told by their beginning and a part behind it.
pub(super) const ENDINGS: &[(&str, &str, Row)] = &[
    ("SHIELD_", "_BLOCKED", failed(alert("SHIELD_*", LEAK))),
    (
        "CONTENT_WORKFLOW_",
        "_VIOLATION",
        alert("CONTENT_WORKFLOW_*", LEAK),
    ),
];
