//! What an event of the system log is about: a catalogue of types, and who does what in each event.

use casbah_model::activity::ActivityKind;

use super::people::{ADMINS, People};
use crate::chance::{Draws, Stream};
use crate::moment::Millis;

/// A row of the catalogue (Event types).
pub struct Kind {
    pub event_type: &'static str,
    pub message: &'static str,
    pub family: Family,
    pub actor: By,
    pub targets: &'static [Target],
    /// How often it happens, beside the others.
    weight: u64,
}

/// What a type is read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    SignIn,
    Admin,
    User,
    /// Something to be told of.
    Alert,
    /// Messages sent; nobody did anything.
    Noise,
    /// Administration if somebody else did it, use if the user did.
    Factor,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The user it happens to.
    Oneself,
    Admin,
    /// Either of the two.
    Anyone,
    System,
    /// A service app.
    Client,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    User,
    Group,
    AppInstance,
    AppUser,
    Token,
    Policy,
    Role,
    Zone,
    Hook,
    Scope,
}

const fn kind(
    weight: u64,
    family: Family,
    event_type: &'static str,
    message: &'static str,
    actor: By,
    targets: &'static [Target],
) -> Kind {
    Kind {
        event_type,
        message,
        family,
        actor,
        targets,
        weight,
    }
}

use By::{Admin as ByAdmin, Anyone, Client, Oneself, System};
use Family::{Admin, Alert, Factor, Noise, SignIn, User};
use Target as T;

/// Types of every family. Of some families the beginning of the name is all we know; there the rest is ours, as are
/// most messages.
#[rustfmt::skip]
pub const CATALOGUE: &[Kind] = &[
    kind(90, SignIn, "user.session.start", "User login to Okta", Oneself, &[]),
    kind(20, SignIn, "user.session.end", "User logout from Okta", Oneself, &[]),
    kind(4, SignIn, "user.session.clear", "Clear user session", ByAdmin, &[T::User]),
    kind(5, SignIn, "user.session.access_admin_app", "User accessing Okta admin app", Oneself, &[T::AppInstance]),
    kind(120, SignIn, "user.authentication.sso", "User single sign on to app", Oneself, &[T::AppInstance, T::AppUser]),
    kind(60, SignIn, "user.authentication.auth_via_mfa", "Authentication of user via MFA", Oneself, &[T::User]),
    kind(20, SignIn, "user.authentication.verify", "Verify user identity", Oneself, &[T::User]),
    kind(4, SignIn, "user.authentication.auth_via_IDP", "Authenticate user with IDP", Oneself, &[T::User]),
    kind(6, SignIn, "user.authentication.auth_via_AD_agent", "Authenticate user with AD agent", Oneself, &[T::User]),
    kind(60, SignIn, "policy.evaluate_sign_on", "Evaluation of sign-on policy", Oneself, &[T::Policy]),
    kind(10, SignIn, "app.oauth2.signon", "User performed OIDC sign on", Oneself, &[T::AppInstance]),
    kind(3, SignIn, "user.session.expire", "Expire user session", Oneself, &[]),
    kind(2, SignIn, "user.authentication.auth_via_social", "Authenticate user with social login", Oneself, &[T::User]),
    kind(2, SignIn, "user.authentication.auth_via_LDAP_agent", "Authenticate user with LDAP agent", Oneself, &[T::User]),
    kind(2, SignIn, "user.authentication.auth_via_inbound_SAML", "Authenticate user via inbound SAML", Oneself, &[T::User]),
    kind(2, SignIn, "user.authentication.auth_via_radius", "Authenticate user via RADIUS", Oneself, &[T::User]),
    kind(2, SignIn, "user.authentication.slo", "User single sign out from app", Oneself, &[T::AppInstance]),
    kind(1, SignIn, "user.authentication.universal_logout", "Universal logout", ByAdmin, &[T::User]),
    kind(3, SignIn, "user.account.lock", "Max sign in attempts exceeded", Oneself, &[T::User]),
    kind(4, Admin, "user.lifecycle.create", "Create Okta user", ByAdmin, &[T::User]),
    kind(4, Admin, "user.lifecycle.activate", "Activate Okta user", ByAdmin, &[T::User]),
    kind(3, Admin, "user.lifecycle.deactivate", "Deactivate Okta user", ByAdmin, &[T::User]),
    kind(2, Admin, "user.lifecycle.suspend", "Suspend Okta user", ByAdmin, &[T::User]),
    kind(2, Admin, "user.lifecycle.unsuspend", "Unsuspend Okta user", ByAdmin, &[T::User]),
    kind(1, Admin, "user.lifecycle.delete.initiated", "Delete Okta user initiated", ByAdmin, &[T::User]),
    kind(3, Admin, "user.account.privilege.grant", "Grant user privilege", ByAdmin, &[T::User]),
    kind(2, Admin, "user.account.privilege.revoke", "Revoke user privilege", ByAdmin, &[T::User]),
    kind(4, Admin, "user.account.reset_password", "User reset password for Okta (by admin)", ByAdmin, &[T::User]),
    kind(2, Admin, "user.account.unlock_by_admin", "Unlock user account for Okta (by admin)", ByAdmin, &[T::User]),
    kind(1, Admin, "user.account.expire_password", "User password expired (by admin)", ByAdmin, &[T::User]),
    kind(1, Admin, "user.account.update_user_type", "Update user type", ByAdmin, &[T::User]),
    kind(6, Factor, "user.mfa.factor.activate", "User MFA factor activated", Anyone, &[T::User]),
    kind(3, Factor, "user.mfa.factor.deactivate", "User MFA factor deactivated", Anyone, &[T::User]),
    kind(2, Factor, "user.mfa.factor.reset_all", "Reset all factors for user", Anyone, &[T::User]),
    kind(10, Admin, "group.user_membership.add", "Add user to group membership", ByAdmin, &[T::User, T::Group]),
    kind(8, Admin, "group.user_membership.remove", "Remove user from group membership", ByAdmin, &[T::User, T::Group]),
    kind(1, Admin, "group.lifecycle.create", "Create Okta group", ByAdmin, &[T::Group]),
    kind(1, Admin, "group.privilege.grant", "Grant group privilege", ByAdmin, &[T::Group]),
    kind(2, Admin, "application.lifecycle.create", "Create application", ByAdmin, &[T::AppInstance]),
    kind(3, Admin, "application.lifecycle.update", "Update application", ByAdmin, &[T::AppInstance]),
    kind(10, Admin, "application.user_membership.add", "Add user to application membership", ByAdmin, &[T::AppUser, T::AppInstance, T::User]),
    kind(8, Admin, "application.user_membership.remove", "Remove user's application membership", ByAdmin, &[T::AppUser, T::AppInstance, T::User]),
    kind(2, Admin, "application.user_membership.update", "Update user's application membership", ByAdmin, &[T::AppUser, T::AppInstance, T::User]),
    kind(2, Admin, "application.user_membership.provision", "Provision user to application", System, &[T::AppUser, T::AppInstance, T::User]),
    kind(2, Admin, "application.user_membership.deprovision", "Deprovision user from application", System, &[T::AppUser, T::AppInstance, T::User]),
    kind(2, Admin, "policy.lifecycle.update", "Update policy", ByAdmin, &[T::Policy]),
    kind(2, Admin, "policy.rule.update", "Update policy rule", ByAdmin, &[T::Policy]),
    kind(1, Admin, "iam.resourceset.create", "Create resource set", ByAdmin, &[T::Role]),
    kind(1, Admin, "iam.role.create", "Create custom role", ByAdmin, &[T::Role]),
    kind(1, Admin, "zone.update", "Update network zone", ByAdmin, &[T::Zone]),
    kind(2, Admin, "system.api_token.create", "Create API token", ByAdmin, &[T::Token]),
    kind(1, Admin, "system.api_token.revoke", "Revoke API token", ByAdmin, &[T::Token]),
    kind(3, Admin, "system.agent.ad.realtimesync", "Perform real-time sync by AD agent", System, &[]),
    kind(1, Admin, "event_hook.created", "Create event hook", ByAdmin, &[T::Hook]),
    kind(1, Admin, "app.oauth2.client.lifecycle.create", "Create OAuth client", ByAdmin, &[T::AppInstance]),
    kind(1, Admin, "app.oauth2.admin.consent.grant", "Grant OAuth admin consent", ByAdmin, &[T::Scope, T::AppInstance]),
    kind(1, Admin, "user.session.impersonation.grant", "Enable impersonation grant", ByAdmin, &[]),
    kind(8, Admin, "oauth2.claim.updated", "Update OAuth claim", Client, &[T::AppInstance]),
    kind(1, Admin, "resource_servers.scope.update", "Update resource server", ByAdmin, &[]),
    kind(1, Admin, "account.settings.update", "Update account settings", ByAdmin, &[]),
    kind(1, Admin, "device.assurance.policy.update", "Update device assurance policy", ByAdmin, &[T::Policy]),
    kind(1, Admin, "workflows.flow.update", "Update workflow", ByAdmin, &[]),
    kind(1, Admin, "pam.resource.update", "Update privileged resource", ByAdmin, &[]),
    kind(1, Admin, "support.org.update", "Update support access", ByAdmin, &[]),
    kind(1, Admin, "security.behavior.settings.update", "Update security settings", ByAdmin, &[]),
    kind(8, User, "user.account.update_password", "User update password for Okta", Oneself, &[T::User]),
    kind(6, User, "user.account.update_profile", "Update user profile for Okta", Oneself, &[T::User]),
    kind(2, User, "user.account.unlock", "Unlock user account for Okta", Oneself, &[T::User]),
    kind(1, User, "user.account.report_suspicious_activity_by_enduser", "User report suspicious activity", Oneself, &[T::User]),
    kind(2, User, "application.user_membership.show_password", "Show application password to user", Oneself, &[T::AppUser, T::AppInstance, T::User]),
    kind(6, User, "app.oauth2.as.consent.grant", "User grants consent to app", Oneself, &[T::Scope, T::AppInstance]),
    kind(2, User, "app.oauth2.as.consent.revoke", "User revokes consent to app", Oneself, &[T::Scope, T::AppInstance]),
    kind(2, User, "app.oauth2.consent.grant", "User grants consent to app", Oneself, &[T::Scope, T::AppInstance]),
    kind(2, User, "app.access_request.request", "User requests access to app", Oneself, &[T::AppInstance]),
    kind(2, User, "app.generic.unauth_app_access_attempt", "User attempted unauthorized access to app", Oneself, &[T::AppInstance]),
    kind(2, Alert, "security.threat.detected", "Request from suspicious actor", System, &[T::User]),
    kind(1, Alert, "security.breached_credential.detected", "Breached credential detected", System, &[T::User]),
    kind(1, Alert, "security.password_spray.detected", "Password spray detected", System, &[]),
    kind(1, Alert, "security.session.detect_client_roaming", "Session roaming detected", Oneself, &[T::User]),
    kind(1, Alert, "core.concurrency.org.limit.violation", "Concurrency limit violation", System, &[]),
    kind(1, Alert, "user.account.lock.limit", "User account lock limit reached", Oneself, &[T::User]),
    kind(1, Alert, "system.org.rate_limit.violation", "Rate limit violation", System, &[]),
    kind(6, Noise, "system.email.send_factor_verify_message", "Send email with factor verification", System, &[T::User]),
    kind(1, Noise, "system.voice.send_factor_verify_message", "Call with factor verification", System, &[T::User]),
    kind(2, Noise, "system.sms.send_factor_verify_message", "Send SMS with factor verification", System, &[T::User]),
];

/// Where the catalogue has a type.
pub fn of_type(event_type: &str) -> usize {
    let found = CATALOGUE
        .iter()
        .position(|kind| kind.event_type == event_type);
    found.expect("deeds name types of the catalogue")
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    User(u64),
    System,
    Client,
    /// Somebody who tried a login that no user has.
    Nobody,
}

/// One event, as far as its text depends on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    pub number: u64,
    pub published: Millis,
    pub kind: usize,
    pub actor: Actor,
    /// The user it happens to.
    pub user: u64,
    pub group: u64,
    pub app: u64,
    pub is_failure: bool,
    /// What the event says beside its type, such as the name of a role.
    pub detail: String,
}

impl Scene {
    /// The scene of an event that no deed caused.
    pub fn of(people: &People, groups: u64, apps: u64, number: u64, published: Millis) -> Scene {
        let mut draws = Draws::new(people.seed, Stream::EventText, number);
        let users = people.count.max(1);
        let kind = pick(&mut draws);
        let (user, admin) = (draws.below(users), draws.below(ADMINS.min(users)));
        let is_failure = CATALOGUE[kind].family == Family::SignIn && draws.below(8) == 0;
        let is_unknown =
            is_failure && CATALOGUE[kind].event_type == "user.session.start" && draws.below(6) == 0;
        let actor = match CATALOGUE[kind].actor {
            _ if is_unknown => Actor::Nobody,
            By::Oneself => Actor::User(user),
            By::Anyone if draws.below(2) == 0 => Actor::User(user),
            By::Admin | By::Anyone => Actor::User(admin),
            By::System => Actor::System,
            By::Client => Actor::Client,
        };
        Scene {
            number,
            published,
            kind,
            actor,
            user,
            group: draws.below(groups.max(1)),
            app: draws.below(apps.max(1)),
            is_failure,
            detail: String::new(),
        }
    }

    pub fn kind_row(&self) -> &'static Kind {
        &CATALOGUE[self.kind]
    }

    /// What a reader should take the event for.
    pub fn activity_kind(&self) -> ActivityKind {
        match self.kind_row().family {
            Family::SignIn => ActivityKind::SignIn,
            Family::Admin => ActivityKind::Admin,
            Family::User | Family::Alert | Family::Noise => ActivityKind::User,
            Family::Factor if self.actor == Actor::User(self.user) => ActivityKind::User,
            Family::Factor => ActivityKind::Admin,
        }
    }
}

fn pick(draws: &mut Draws) -> usize {
    let total = CATALOGUE.iter().map(|kind| kind.weight).sum();
    let mut left = draws.below(total);
    let found = CATALOGUE.iter().position(|kind| {
        let is_it = left < kind.weight;
        left = left.saturating_sub(kind.weight);
        is_it
    });
    found.expect("the draw is below the sum")
}
