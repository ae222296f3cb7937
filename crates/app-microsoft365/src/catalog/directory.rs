//! Sign-ins and the directory.

use casbah_model::event::{AccessVerb, AccountVerb, Deed, EntityVerb, GroupVerb, LogonVerb};

use super::Row;

/// Success is told by the operation, never by `ResultStatus`.
pub(super) const SIGN_IN: &[Row] = &[
    ("MailboxLogin", Deed::Logon(LogonVerb::LogOn)),
    ("TeamsSessionStarted", Deed::Logon(LogonVerb::LogOn)),
    ("UserLoggedIn", Deed::Logon(LogonVerb::LogOn)),
    ("UserLoginFailed", Deed::Logon(LogonVerb::LogOn)),
];

/// Directory: identities, roles, applications, consent, domains, devices and policies.
pub(super) const DIRECTORY: &[Row] = &[
    (
        "Add app role assignment grant to user.",
        Deed::Access(AccessVerb::AssignPrivileges),
    ),
    (
        "Add app role assignment to service principal.",
        Deed::Access(AccessVerb::AssignPrivileges),
    ),
    ("Add application.", Deed::Entity(EntityVerb::Create)),
    (
        "Add delegated permission grant.",
        Deed::Access(AccessVerb::AssignPrivileges),
    ),
    ("Add device.", Deed::Entity(EntityVerb::Enroll)),
    ("Add domain to company.", Deed::Entity(EntityVerb::Create)),
    (
        "Add eligible member to role.",
        Deed::Access(AccessVerb::AssignRole),
    ),
    ("Add group.", Deed::Group(GroupVerb::Create)),
    ("Add member to group.", Deed::Group(GroupVerb::AddMember)),
    ("Add member to role.", Deed::Access(AccessVerb::AssignRole)),
    (
        "Add owner to application.",
        Deed::Entity(EntityVerb::Update),
    ),
    ("Add owner to group.", Deed::Group(GroupVerb::AddMember)),
    ("Add owner to policy.", Deed::Entity(EntityVerb::Update)),
    (
        "Add owner to service principal.",
        Deed::Entity(EntityVerb::Update),
    ),
    ("Add partner to company.", Deed::Entity(EntityVerb::Update)),
    ("Add policy.", Deed::Entity(EntityVerb::Create)),
    (
        "Add registered owner to device.",
        Deed::Entity(EntityVerb::Update),
    ),
    (
        "Add registered users to device.",
        Deed::Entity(EntityVerb::Update),
    ),
    (
        "Add service principal credentials.",
        Deed::Entity(EntityVerb::Update),
    ),
    ("Add service principal.", Deed::Entity(EntityVerb::Create)),
    ("Add unverified domain.", Deed::Entity(EntityVerb::Create)),
    ("Add user.", Deed::Account(AccountVerb::Create)),
    ("Add verified domain.", Deed::Entity(EntityVerb::Create)),
    ("Change user license.", Deed::Account(AccountVerb::Update)),
    (
        "Change user password.",
        Deed::Account(AccountVerb::PasswordChange),
    ),
    ("Consent to application.", Deed::Entity(EntityVerb::Update)),
    ("Delete application.", Deed::Entity(EntityVerb::Delete)),
    ("Delete device.", Deed::Entity(EntityVerb::Unenroll)),
    ("Delete group.", Deed::Group(GroupVerb::Delete)),
    ("Delete policy.", Deed::Entity(EntityVerb::Delete)),
    ("Delete user.", Deed::Account(AccountVerb::Delete)),
    (
        "Disable Strong Authentication.",
        Deed::Account(AccountVerb::MfaDisable),
    ),
    ("Disable account.", Deed::Account(AccountVerb::Disable)),
    (
        "Enable Strong Authentication.",
        Deed::Account(AccountVerb::MfaEnable),
    ),
    ("Enable account.", Deed::Account(AccountVerb::Enable)),
    ("Hard Delete application.", Deed::Entity(EntityVerb::Delete)),
    ("Hard Delete group.", Deed::Group(GroupVerb::Delete)),
    (
        "Hard Delete service principal.",
        Deed::Entity(EntityVerb::Delete),
    ),
    ("Hard Delete user.", Deed::Account(AccountVerb::Delete)),
    ("Invite external user.", Deed::Account(AccountVerb::Create)),
    (
        "Redeem external user invite.",
        Deed::Account(AccountVerb::Enable),
    ),
    (
        "Remove app role assignment from service principal.",
        Deed::Access(AccessVerb::RevokePrivileges),
    ),
    (
        "Remove app role assignment from user.",
        Deed::Access(AccessVerb::RevokePrivileges),
    ),
    (
        "Remove delegated permission grant.",
        Deed::Access(AccessVerb::RevokePrivileges),
    ),
    (
        "Remove domain from company.",
        Deed::Entity(EntityVerb::Delete),
    ),
    (
        "Remove eligible member from role.",
        Deed::Access(AccessVerb::RevokeRole),
    ),
    (
        "Remove member from group.",
        Deed::Group(GroupVerb::RemoveMember),
    ),
    (
        "Remove member from role.",
        Deed::Access(AccessVerb::RevokeRole),
    ),
    (
        "Remove owner from application.",
        Deed::Entity(EntityVerb::Update),
    ),
    (
        "Remove owner from group.",
        Deed::Group(GroupVerb::RemoveMember),
    ),
    (
        "Remove owner from service principal.",
        Deed::Entity(EntityVerb::Update),
    ),
    (
        "Remove partner from company.",
        Deed::Entity(EntityVerb::Update),
    ),
    (
        "Remove service principal credentials.",
        Deed::Entity(EntityVerb::Update),
    ),
    (
        "Remove service principal.",
        Deed::Entity(EntityVerb::Delete),
    ),
    (
        "Reset user password.",
        Deed::Account(AccountVerb::PasswordReset),
    ),
    ("Restore application.", Deed::Entity(EntityVerb::Create)),
    ("Restore group.", Deed::Group(GroupVerb::Create)),
    ("Restore user.", Deed::Account(AccountVerb::Enable)),
    ("Set Company Information.", Deed::Entity(EntityVerb::Update)),
    ("Set DirSyncEnabled flag.", Deed::Entity(EntityVerb::Update)),
    (
        "Set company contact information.",
        Deed::Entity(EntityVerb::Update),
    ),
    (
        "Set domain authentication.",
        Deed::Entity(EntityVerb::Update),
    ),
    (
        "Set federation settings on domain.",
        Deed::Entity(EntityVerb::Update),
    ),
    (
        "Set force change user password.",
        Deed::Account(AccountVerb::PasswordReset),
    ),
    (
        "Set license properties.",
        Deed::Account(AccountVerb::Update),
    ),
    ("Set password policy.", Deed::Entity(EntityVerb::Update)),
    (
        "Update StsRefreshTokenValidFrom Timestamp.",
        Deed::Account(AccountVerb::RevokeSessions),
    ),
    (
        "Update application – Certificates and secrets management",
        Deed::Entity(EntityVerb::Update),
    ),
    ("Update application.", Deed::Entity(EntityVerb::Update)),
    ("Update device.", Deed::Entity(EntityVerb::Update)),
    ("Update domain.", Deed::Entity(EntityVerb::Update)),
    ("Update group.", Deed::Group(GroupVerb::Update)),
    ("Update policy.", Deed::Entity(EntityVerb::Update)),
    ("Update role.", Deed::Entity(EntityVerb::Update)),
    (
        "Update service principal.",
        Deed::Entity(EntityVerb::Update),
    ),
    ("Update user.", Deed::Account(AccountVerb::Update)),
    ("Verify domain.", Deed::Entity(EntityVerb::Activate)),
];
