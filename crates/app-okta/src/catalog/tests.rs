use casbah_model::event::{AccessVerb, AccountVerb, FindingVerb, GroupVerb, LogonVerb};

use super::*;

#[track_caller]
fn check(event_type: &str, who: Who, kind: ActivityKind, deed: Deed) {
    let reading = read(event_type, who);
    assert!(reading.is_known, "{event_type} is not known");
    assert_eq!((reading.kind, reading.deed), (kind, deed), "{event_type}");
}

#[test]
fn every_family_of_event_types_has_a_kind_and_a_deed() {
    use ActivityKind::{Admin, SignIn, User};
    use Who::{Others, Service, Themselves};
    let on = Deed::Logon(LogonVerb::LogOn);
    let account = Deed::Account;
    check("user.session.start", Themselves, SignIn, on);
    check("user.authentication.auth_via_AD_agent", Service, SignIn, on);
    let off = Deed::Logon(LogonVerb::LogOff);
    check("user.authentication.universal_logout", Others, SignIn, off);
    check(
        "user.account.lock",
        Service,
        SignIn,
        account(AccountVerb::Lock),
    );
    let disable = account(AccountVerb::Disable);
    check("user.lifecycle.suspend", Others, Admin, disable);
    let delete = account(AccountVerb::Delete);
    check("user.lifecycle.delete.initiated", Others, Admin, delete);
    let role = Deed::Access(AccessVerb::AssignRole);
    check("user.account.privilege.grant", Others, Admin, role);
    let member = Deed::Group(GroupVerb::AddMember);
    check("group.user_membership.add", Others, Admin, member);
    let create = Deed::Entity(EntityVerb::Create);
    check("application.lifecycle.create", Others, Admin, create);
    check("iam.resourceset.bindings.add", Others, Admin, create);
    check("system.api_token.create", Others, Admin, create);
    let remove = Deed::Entity(EntityVerb::Delete);
    check("policy.rule.delete", Others, Admin, remove);
    let update = Deed::Api(ApiVerb::Update);
    check(
        "security.events_provider.settings.update",
        Others,
        Admin,
        update,
    );
    check("pam.secret.update", Others, Admin, update);
    let other = Deed::Api(ApiVerb::Other);
    check(
        "system.email.send_factor_verify_message",
        Service,
        User,
        other,
    );
    let revoke = Deed::Access(AccessVerb::RevokePrivileges);
    check(
        "app.oauth2.as.consent.revoke.implicit.as",
        Others,
        User,
        revoke,
    );
    let alert = Deed::Detection(FindingVerb::Create);
    check("security.threat.detected", Service, User, alert);
    check("user.account.lock.limit", Service, User, alert);
    check("system.org.rate_limit.violation", Service, User, alert);
}

#[test]
fn some_types_are_of_who_did_it_to_whom() {
    let kind = |event_type, who| read(event_type, who).kind;
    for event_type in ["user.mfa.factor.activate", "user.account.update_profile"] {
        assert_eq!(kind(event_type, Who::Themselves), ActivityKind::User);
        assert_eq!(kind(event_type, Who::Others), ActivityKind::Admin);
        assert_eq!(kind(event_type, Who::Service), ActivityKind::Admin);
    }
}

#[test]
fn a_type_that_nobody_knows_is_told_by_its_last_word_and_by_who_did_it() {
    let reading = read("inline_hook.created", Who::Service);
    let expected = Reading {
        kind: ActivityKind::Admin,
        deed: Deed::Api(ApiVerb::Create),
        is_known: false,
    };
    assert_eq!(reading, expected);
    for odd in [
        "",
        ".",
        "....",
        "user",
        "user.*",
        "users.session.start",
        "\u{0}",
    ] {
        let reading = read(odd, Who::Themselves);
        assert!(!reading.is_known, "{odd}");
        assert_eq!(reading.kind, ActivityKind::User, "{odd}");
    }
    let long = "a.".repeat(100_000);
    assert!(!read(&long, Who::Service).is_known);
}

#[test]
fn no_row_stands_twice() {
    let mut names: Vec<_> = names().collect();
    let rows = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), rows);
    assert_eq!(ROWS.len(), rows);
}
