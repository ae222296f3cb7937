use casbah_model::event::{AccessVerb, AccountVerb, FileVerb, FindingVerb, GroupVerb, LogonVerb};

use super::*;

#[track_caller]
fn check(event_type: &str, kind: ActivityKind, deed: Deed) {
    let reading = read(event_type);
    assert!(reading.is_known, "{event_type} is not known");
    assert_eq!((reading.kind, reading.deed), (kind, deed), "{event_type}");
}

/// Types as they are named one by one (OpenAPI, "Event", "event_type"), families with one that is known of them.
const NAMED: &str = "LOGIN FAILED_LOGIN ADMIN_LOGIN ADD_LOGIN_ACTIVITY_DEVICE REMOVE_LOGIN_ACTIVITY_DEVICE \
    ADD_DEVICE_ASSOCIATION REMOVE_DEVICE_ASSOCIATION DEVICE_TRUST_CHECK_FAILED TERMS_OF_SERVICE_ACCEPT \
    TERMS_OF_SERVICE_REJECT USER_AUTHENTICATE_OAUTH2_ACCESS_TOKEN_CREATE OAUTH2_ACCESS_TOKEN_REVOKE \
    OAUTH2_REFRESH_TOKEN_REVOKE NEW_USER EDIT_USER DELETE_USER CHANGE_ADMIN_ROLE GROUP_CREATION GROUP_DELETION \
    GROUP_EDITED GROUP_ADD_USER GROUP_REMOVE_USER GROUP_ADD_ITEM GROUP_REMOVE_ITEM GROUP_ADMIN_CREATED \
    GROUP_ADMIN_DELETED GROUP_ADMIN_PERMISSIONS_UPDATED ACCESS_GRANTED ACCESS_REVOKED APPLICATION_CREATED \
    APPLICATION_PUBLIC_KEY_ADDED APPLICATION_PUBLIC_KEY_DELETED ENTERPRISE_APP_AUTHORIZATION_UPDATE \
    ENABLE_MULTI_FACTOR_AUTH DISABLE_MULTI_FACTOR_AUTH ENABLE_TWO_FACTOR_AUTH EXTERNAL_COLLAB_SECURITY_SETTINGS \
    CHANGE_FOLDER_PERMISSION ADVANCED_FOLDER_SETTINGS_UPDATE EMAIL_ALIAS_CONFIRM EMAIL_ALIAS_REMOVE \
    METADATA_TEMPLATE_CREATE METADATA_TEMPLATE_UPDATE METADATA_TEMPLATE_DELETE METADATA_CASCADE_POLICY_CREATE \
    METADATA_CASCADE_POLICY_DELETE RETENTION_POLICY_ASSIGNMENT_ADD DATA_RETENTION_CREATE_RETENTION \
    DATA_RETENTION_REMOVE_RETENTION LEGAL_HOLD_ASSIGNMENT_CREATE LEGAL_HOLD_ASSIGNMENT_DELETE \
    LEGAL_HOLD_POLICY_CREATE LEGAL_HOLD_POLICY_UPDATE LEGAL_HOLD_POLICY_DELETE CONTENT_WORKFLOW_POLICY_ADD \
    CONTENT_WORKFLOW_AUTOMATION_ADD CONTENT_WORKFLOW_AUTOMATION_DELETE SHIELD_ACCESS_POLICY_CREATE \
    SHIELD_ACCESS_POLICY_UPDATE SHIELD_ACCESS_POLICY_DELETE SHIELD_INFORMATION_BARRIER_ENABLED \
    SHIELD_INFORMATION_BARRIER_DISABLED UPLOAD EDIT COPY MOVE RENAME UNDELETE DELETE FILE_VERSION_RESTORE DOWNLOAD \
    PREVIEW ITEM_OPEN ITEM_MODIFY CONTENT_ACCESS LOCK UNLOCK SHARE UNSHARE ITEM_SHARED_UPDATE SHARE_EXPIRATION \
    UPDATE_SHARE_EXPIRATION SHARED_LINK_SEND ITEM_EMAIL_SEND COLLABORATION_INVITE COLLABORATION_ACCEPT \
    COLLABORATION_REMOVE COLLABORATION_ROLE_CHANGE COLLABORATION_EXPIRATION UPDATE_COLLABORATION_EXPIRATION \
    METADATA_INSTANCE_CREATE METADATA_INSTANCE_UPDATE METADATA_INSTANCE_DELETE WATERMARK_LABEL_CREATE \
    WATERMARK_LABEL_DELETE FILE_WATERMARKED_DOWNLOAD FILE_MARKED_MALICIOUS FILE_REQUEST_CREATE FILE_REQUEST_DELETE \
    COMMENT_CREATE COMMENT_DELETE TASK_CREATE TASK_ASSIGNMENT_CREATE TASK_ASSIGNMENT_UPDATE SIGN_DOCUMENT_CREATED \
    SIGN_DOCUMENT_COMPLETED SIGNER_DOWNLOADED SIGNER_FORWARDED FAVORITE BOX_AI_ASK SHIELD_ALERT \
    SHIELD_EXTERNAL_COLLAB_INVITE_BLOCKED SHIELD_EXTERNAL_COLLAB_ACCESS_BLOCKED SHIELD_DOWNLOAD_BLOCKED \
    SHIELD_SHARED_LINK_ACCESS_BLOCKED CONTENT_WORKFLOW_UPLOAD_POLICY_VIOLATION \
    CONTENT_WORKFLOW_SHARING_POLICY_VIOLATION CONTENT_WORKFLOW_ABNORMAL_DOWNLOAD_ACTIVITY ITEM_UPLOAD ITEM_DOWNLOAD \
    ITEM_PREVIEW ITEM_TRASH ITEM_SHARED_CREATE COLLAB_ADD_COLLABORATOR";

/// Those of the list after which a file is looked at soon.
const CHANGED: &str = "UPLOAD EDIT COPY MOVE RENAME UNDELETE DELETE FILE_VERSION_RESTORE ITEM_MODIFY SHARE UNSHARE \
    ITEM_SHARED_UPDATE SHARE_EXPIRATION UPDATE_SHARE_EXPIRATION COLLABORATION_INVITE COLLABORATION_ACCEPT \
    COLLABORATION_REMOVE COLLABORATION_ROLE_CHANGE COLLABORATION_EXPIRATION METADATA_INSTANCE_CREATE \
    METADATA_INSTANCE_UPDATE METADATA_INSTANCE_DELETE FILE_MARKED_MALICIOUS ITEM_UPLOAD ITEM_TRASH \
    ITEM_SHARED_CREATE COLLAB_ADD_COLLABORATOR";

#[test]
fn every_type_that_is_documented_is_known_and_those_that_change_a_file_say_so() {
    let changed: Vec<&str> = CHANGED.split_whitespace().collect();
    for event_type in NAMED.split_whitespace() {
        let reading = read(event_type);
        assert!(reading.is_known, "{event_type}");
        assert_eq!(
            reading.is_change,
            changed.contains(&event_type),
            "{event_type}"
        );
    }
}

#[test]
fn every_family_of_event_types_has_a_kind_and_a_deed() {
    use ActivityKind::{Admin, SignIn, User};
    let file = Deed::File;
    check("LOGIN", SignIn, Deed::Logon(LogonVerb::LogOn));
    check(
        "OAUTH2_ACCESS_TOKEN_REVOKE",
        SignIn,
        Deed::Logon(LogonVerb::LogOff),
    );
    check(
        "ADD_LOGIN_ACTIVITY_DEVICE",
        SignIn,
        Deed::Entity(EntityVerb::Enroll),
    );
    check("DELETE_USER", Admin, Deed::Account(AccountVerb::Delete));
    check(
        "CHANGE_ADMIN_ROLE",
        Admin,
        Deed::Access(AccessVerb::AssignRole),
    );
    check(
        "GROUP_REMOVE_USER",
        Admin,
        Deed::Group(GroupVerb::RemoveMember),
    );
    check(
        "METADATA_TEMPLATE_UPDATE",
        Admin,
        Deed::Entity(EntityVerb::Update),
    );
    check(
        "DATA_RETENTION_CREATE_RETENTION",
        Admin,
        Deed::Entity(EntityVerb::Create),
    );
    check(
        "APPLICATION_PUBLIC_KEY_DELETED",
        Admin,
        Deed::Entity(EntityVerb::Delete),
    );
    check(
        "SHIELD_INFORMATION_BARRIER_DISABLED",
        Admin,
        Deed::Entity(EntityVerb::Disable),
    );
    check(
        "SHIELD_ACCESS_POLICY_DELETE",
        Admin,
        Deed::Entity(EntityVerb::Delete),
    );
    check("UPLOAD", User, file(FileVerb::Upload));
    check("COLLABORATION_EXPIRATION", User, file(FileVerb::Unshare));
    check("METADATA_INSTANCE_DELETE", User, file(FileVerb::Update));
    check("COMMENT_DELETE", User, Deed::Web(WebVerb::Delete));
    check("TASK_ASSIGNMENT_CREATE", User, Deed::Web(WebVerb::Create));
    check("BOX_AI_ASK", User, Deed::Web(WebVerb::Read));
    check("SHIELD_ALERT", User, Deed::Detection(FindingVerb::Create));
    let leak = Deed::DataSecurity(FindingVerb::Create);
    check("CONTENT_WORKFLOW_SHARING_POLICY_VIOLATION", User, leak);
    check(
        "SHIELD_EXTERNAL_COLLAB_INVITE_BLOCKED_MISSING_JUSTIFICATION",
        User,
        leak,
    );
    check("COLLAB_ADD_COLLABORATOR", User, file(FileVerb::Share));
}

#[test]
fn what_was_refused_is_a_failure() {
    for failed in [
        "FAILED_LOGIN",
        "DEVICE_TRUST_CHECK_FAILED",
        "SHIELD_DOWNLOAD_BLOCKED",
    ] {
        assert_eq!(read(failed).result, Success::Failure, "{failed}");
    }
    assert_eq!(read("LOGIN").result, Success::Success);
    assert_eq!(read("SHIELD_ALERT").result, Success::Success);
}

#[test]
fn a_type_that_nobody_knows_is_what_a_user_did_and_is_told_apart() {
    for odd in [
        "",
        "_",
        "*",
        "SHIELD_*",
        "NEW_THING",
        "login",
        "LOGIN ",
        "\u{0}",
        "UPLOAD_X",
    ] {
        let reading = read(odd);
        assert_eq!(
            (reading.is_known, reading.is_change),
            (false, false),
            "{odd}"
        );
        assert_eq!(
            (reading.kind, reading.deed),
            (ActivityKind::User, Deed::default()),
            "{odd}"
        );
    }
    assert!(!read(&"A_".repeat(100_000)).is_known);
}

#[test]
fn no_row_stands_twice() {
    let mut names: Vec<_> = names().collect();
    let rows = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), rows);
}
