//! The rows: families of event types (event-types), by the kind they belong to.

use casbah_model::activity::ActivityKind;
use casbah_model::event::{
    AccessVerb, AccountVerb, ApiVerb, Deed, FindingVerb, GroupVerb, LogonVerb, SessionVerb,
};

use super::{Kind, Row, What};

pub(super) const LISTS: [&[Row]; 6] = [SIGN_IN, ACCOUNTS, ACCESS, THINGS, USER, ALERTS];

const fn sign_in(name: &'static str, deed: Deed) -> Row {
    Row {
        name,
        kind: Kind::Is(ActivityKind::SignIn),
        what: What::Is(deed),
    }
}

const fn admin(name: &'static str, deed: Deed) -> Row {
    Row {
        name,
        kind: Kind::Is(ActivityKind::Admin),
        what: What::Is(deed),
    }
}

const fn user(name: &'static str, deed: Deed) -> Row {
    Row {
        name,
        kind: Kind::Is(ActivityKind::User),
        what: What::Is(deed),
    }
}

/// Done by users to themselves and by administrators to others.
const fn both(name: &'static str, deed: Deed) -> Row {
    Row {
        name,
        kind: Kind::ByWho,
        what: What::Is(deed),
    }
}

const fn thing(name: &'static str) -> Row {
    Row {
        name,
        kind: Kind::Is(ActivityKind::Admin),
        what: What::Thing,
    }
}

const fn call(name: &'static str) -> Row {
    Row {
        name,
        kind: Kind::Is(ActivityKind::Admin),
        what: What::Call,
    }
}

const LOG_ON: Deed = Deed::Logon(LogonVerb::LogOn);
const LOG_OFF: Deed = Deed::Logon(LogonVerb::LogOff);
const AUTHORIZE: Deed = Deed::Session(SessionVerb::Authorize);

const fn account(verb: AccountVerb) -> Deed {
    Deed::Account(verb)
}

const fn group(verb: GroupVerb) -> Deed {
    Deed::Group(verb)
}

const GRANT: Deed = Deed::Access(AccessVerb::AssignPrivileges);
const REVOKE: Deed = Deed::Access(AccessVerb::RevokePrivileges);
const ALERT: Deed = Deed::Detection(FindingVerb::Create);

const SIGN_IN: &[Row] = &[
    sign_in("user.session.start", LOG_ON),
    sign_in("user.session.end", LOG_OFF),
    sign_in("user.session.expire", LOG_OFF),
    sign_in("user.session.clear", LOG_OFF),
    sign_in("user.session.access_admin_app", AUTHORIZE),
    sign_in("user.authentication.*", LOG_ON),
    sign_in("user.authentication.slo", LOG_OFF),
    sign_in("user.authentication.universal_logout", LOG_OFF),
    sign_in("policy.evaluate_sign_on", AUTHORIZE),
    sign_in("app.oauth2.signon", LOG_ON),
    sign_in("user.account.lock", account(AccountVerb::Lock)),
];

/// Accounts and groups.
const ACCOUNTS: &[Row] = &[
    admin("user.lifecycle.*", account(AccountVerb::Update)),
    admin("user.lifecycle.create", account(AccountVerb::Create)),
    admin("user.lifecycle.activate", account(AccountVerb::Enable)),
    admin("user.lifecycle.reactivate", account(AccountVerb::Enable)),
    admin("user.lifecycle.unsuspend", account(AccountVerb::Enable)),
    admin("user.lifecycle.deactivate", account(AccountVerb::Disable)),
    admin("user.lifecycle.suspend", account(AccountVerb::Disable)),
    admin("user.lifecycle.delete.*", account(AccountVerb::Delete)),
    admin(
        "user.account.reset_password",
        account(AccountVerb::PasswordReset),
    ),
    admin("user.account.expire_password", account(AccountVerb::Update)),
    admin("user.account.unlock_by_admin", account(AccountVerb::Unlock)),
    admin(
        "user.account.update_user_type",
        account(AccountVerb::Update),
    ),
    both("user.mfa.factor.*", account(AccountVerb::Update)),
    both("user.mfa.factor.activate", account(AccountVerb::MfaEnable)),
    both("user.mfa.factor.unsuspend", account(AccountVerb::MfaEnable)),
    both(
        "user.mfa.factor.deactivate",
        account(AccountVerb::MfaDisable),
    ),
    both("user.mfa.factor.suspend", account(AccountVerb::MfaDisable)),
    both(
        "user.mfa.factor.reset_all",
        account(AccountVerb::MfaDisable),
    ),
    admin("group.*", group(GroupVerb::Update)),
    admin("group.lifecycle.create", group(GroupVerb::Create)),
    admin("group.lifecycle.delete", group(GroupVerb::Delete)),
    admin("group.user_membership.add", group(GroupVerb::AddMember)),
    admin(
        "group.user_membership.remove",
        group(GroupVerb::RemoveMember),
    ),
    admin("group.privilege.grant", group(GroupVerb::AssignPrivileges)),
    admin("group.privilege.revoke", group(GroupVerb::RevokePrivileges)),
    admin(
        "group.application_assignment.add",
        group(GroupVerb::AssignPrivileges),
    ),
    admin(
        "group.application_assignment.remove",
        group(GroupVerb::RevokePrivileges),
    ),
];

/// Who may do what: roles, consent, assignments of applications, impersonation.
const ACCESS: &[Row] = &[
    admin(
        "user.account.privilege.grant",
        Deed::Access(AccessVerb::AssignRole),
    ),
    admin(
        "user.account.privilege.revoke",
        Deed::Access(AccessVerb::RevokeRole),
    ),
    admin("application.user_membership.add", GRANT),
    admin("application.user_membership.provision", GRANT),
    admin("application.user_membership.remove", REVOKE),
    admin("application.user_membership.deprovision", REVOKE),
    thing("application.user_membership.update"),
    admin("app.oauth2.admin.consent.*", GRANT),
    admin("app.oauth2.admin.consent.revoke", REVOKE),
    admin("app.oauth2.admin.consent.revoke.*", REVOKE),
    admin("user.session.impersonation.*", AUTHORIZE),
    admin("user.session.impersonation.grant", GRANT),
    admin("user.session.impersonation.extend", GRANT),
    admin("user.session.impersonation.revoke", REVOKE),
    admin("user.session.impersonation.end", LOG_OFF),
];

/// Things that administrators make and change, and administration of the org itself.
const THINGS: &[Row] = &[
    thing("application.lifecycle.*"),
    thing("policy.lifecycle.*"),
    thing("policy.rule.*"),
    thing("iam.*"),
    thing("zone.*"),
    thing("event_hook.*"),
    thing("app.oauth2.client.*"),
    thing("oauth2.*"),
    thing("resource_servers.*"),
    thing("device.assurance.*"),
    thing("system.api_token.*"),
    call("system.*"),
    call("account.*"),
    call("workflows.*"),
    call("pam.*"),
    call("support.org.*"),
];

pub(super) static SECURITY_SETTINGS: Row = call("security.*.settings.*");

const USER: &[Row] = &[
    user(
        "user.account.update_password",
        account(AccountVerb::PasswordChange),
    ),
    both("user.account.update_profile", account(AccountVerb::Update)),
    user("user.account.unlock", account(AccountVerb::Unlock)),
    user("user.account.report_suspicious_activity_by_enduser", ALERT),
    user(
        "application.user_membership.show_password",
        Deed::Api(ApiVerb::Read),
    ),
    user("app.oauth2.as.consent.grant", GRANT),
    user("app.oauth2.as.consent.revoke", REVOKE),
    user("app.oauth2.as.consent.revoke.*", REVOKE),
    user("app.oauth2.consent.grant", GRANT),
    user("app.access_request.*", Deed::Api(ApiVerb::Other)),
    user("app.generic.unauth_app_access_attempt", AUTHORIZE),
    // What Okta sends by itself, about what somebody did.
    user("system.email.*", Deed::Api(ApiVerb::Other)),
    user("system.sms.*", Deed::Api(ApiVerb::Other)),
    user("system.voice.*", Deed::Api(ApiVerb::Other)),
];

const ALERTS: &[Row] = &[
    user("security.threat.detected", ALERT),
    user("security.password_spray.detected", ALERT),
    user("security.breached_credential.detected", ALERT),
    user("security.session.detect_client_roaming", ALERT),
    user("user.account.lock.limit", ALERT),
    user("system.org.rate_limit.violation", ALERT),
    user("core.concurrency.org.limit.violation", ALERT),
];
