use super::*;

#[track_caller]
fn check(record_type: i64, operation: &str, kind: ActivityKind, is_known: bool) {
    assert_eq!(
        read(Some(record_type), operation),
        Reading { kind, is_known },
        "{record_type} {operation}"
    );
}

#[test]
fn operations_and_record_types_decide_the_kind() {
    use ActivityKind::*;
    check(15, "UserLoggedIn", SignIn, true);
    check(15, "UserLoginFailed", SignIn, true);
    check(2, "MailboxLogin", SignIn, true);
    check(15, "UserDreamed", SignIn, false);
    check(8, "Add member to role.", Admin, true);
    check(
        8,
        "Update application – Certificates and secrets management ",
        Admin,
        true,
    );
    check(8, "Add flying carpet.", Admin, false);
    check(1, "Set-Mailbox", Admin, true);
    check(1, "New-InboxRule", Admin, true);
    check(1, "Frobnicate-Mailbox", Admin, false);
    check(18, "Get-ComplianceTag", Admin, true);
    check(14, "SiteCollectionAdminAdded", Admin, true);
    check(14, "SharingSet", User, true);
    check(6, "FileDownloaded", User, true);
    check(6, "FileTeleported", User, false);
    check(50, "MailItemsAccessed", User, true);
    check(11, "DlpRuleMatch", User, true);
    check(9999, "FileDownloaded", User, false);
    assert_eq!(
        read(None, ""),
        Reading {
            kind: User,
            is_known: false
        }
    );
}

#[test]
fn files_are_touched_by_changes_and_not_by_reads() {
    assert!(touches_file(Some(6), "FileModified"));
    assert!(touches_file(Some(14), "AnonymousLinkCreated"));
    assert!(touches_file(Some(6), "FileTeleported"));
    assert!(!touches_file(Some(6), "FileAccessed"));
    assert!(!touches_file(Some(14), "AnonymousLinkUsed"));
    assert!(!touches_file(Some(4), "PageViewed"));
    assert!(!touches_file(None, "FileModified"));
}

#[test]
fn no_name_stands_twice_in_the_catalogue() {
    let rows = LISTS.iter().map(|list| list.rows.len()).sum::<usize>();
    assert_eq!(OPERATIONS.len(), rows);
    let numbers = record_types::RECORD_TYPES
        .iter()
        .map(|(number, _, _)| number);
    assert!(numbers.is_sorted());
}

#[test]
fn a_common_name_means_mail_only_in_records_of_mailboxes() {
    use casbah_model::event::{ApiVerb, MailVerb, WebVerb};
    assert_eq!(deed(Some(2), "Create"), Deed::Mail(MailVerb::Create));
    assert_eq!(deed(Some(20), "Create"), Deed::Web(WebVerb::Create));
    assert_eq!(deed(Some(9999), "Frobnicate"), Deed::Api(ApiVerb::Other));
    assert_eq!(deed(Some(1), "Set-Mailbox"), Deed::Api(ApiVerb::Update));
}
