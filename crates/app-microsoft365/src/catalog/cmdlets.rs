//! Cmdlets: administration of Exchange and compliance is recorded as `Verb-Noun`, of which there are a thousand.

use casbah_model::event::{AccessVerb, ApiVerb, Deed};

use super::Row;

/// First halves of their names.
pub(super) const VERBS: &[(&str, ApiVerb)] = &[
    ("Add", ApiVerb::Create),
    ("Approve", ApiVerb::Update),
    ("Clear", ApiVerb::Delete),
    ("Complete", ApiVerb::Update),
    ("Connect", ApiVerb::Update),
    ("Deny", ApiVerb::Update),
    ("Disable", ApiVerb::Update),
    ("Disconnect", ApiVerb::Update),
    ("Dismount", ApiVerb::Delete),
    ("Enable", ApiVerb::Update),
    ("Execute", ApiVerb::Update),
    ("Export", ApiVerb::Read),
    ("Get", ApiVerb::Read),
    ("Grant", ApiVerb::Update),
    ("Import", ApiVerb::Create),
    ("Install", ApiVerb::Create),
    ("Invoke", ApiVerb::Update),
    ("Mount", ApiVerb::Create),
    ("Move", ApiVerb::Update),
    ("New", ApiVerb::Create),
    ("Preview", ApiVerb::Read),
    ("Release", ApiVerb::Update),
    ("Remove", ApiVerb::Delete),
    ("Resolve", ApiVerb::Update),
    ("Restore", ApiVerb::Update),
    ("Resume", ApiVerb::Update),
    ("Revoke", ApiVerb::Update),
    ("Search", ApiVerb::Read),
    ("Send", ApiVerb::Update),
    ("Set", ApiVerb::Update),
    ("Start", ApiVerb::Update),
    ("Stop", ApiVerb::Update),
    ("Suspend", ApiVerb::Update),
    ("Test", ApiVerb::Read),
    ("Undo", ApiVerb::Update),
    ("Uninstall", ApiVerb::Delete),
    ("Update", ApiVerb::Update),
    ("Upgrade", ApiVerb::Update),
    ("Validate", ApiVerb::Read),
];

/// Cmdlets that give and take rights; `Set-Mailbox` and inbox rules that forward stay what they are.
pub(super) const RIGHTS: &[Row] = &[
    (
        "Add-MailboxFolderPermission",
        Deed::Access(AccessVerb::AssignPrivileges),
    ),
    (
        "Add-MailboxPermission",
        Deed::Access(AccessVerb::AssignPrivileges),
    ),
    (
        "Add-RecipientPermission",
        Deed::Access(AccessVerb::AssignPrivileges),
    ),
    ("Add-RoleGroupMember", Deed::Access(AccessVerb::AssignRole)),
    (
        "New-ManagementRoleAssignment",
        Deed::Access(AccessVerb::AssignRole),
    ),
    (
        "Remove-MailboxFolderPermission",
        Deed::Access(AccessVerb::RevokePrivileges),
    ),
    (
        "Remove-MailboxPermission",
        Deed::Access(AccessVerb::RevokePrivileges),
    ),
    (
        "Remove-ManagementRoleAssignment",
        Deed::Access(AccessVerb::RevokeRole),
    ),
    (
        "Remove-RecipientPermission",
        Deed::Access(AccessVerb::RevokePrivileges),
    ),
    (
        "Remove-RoleGroupMember",
        Deed::Access(AccessVerb::RevokeRole),
    ),
    (
        "Set-MailboxFolderPermission",
        Deed::Access(AccessVerb::AssignPrivileges),
    ),
];
