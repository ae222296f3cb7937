//! Users and groups as text.

use super::desk::Desk;
use super::ids::{Type, id};
use super::people::{Person, Status};
use super::wire::Call;
use crate::json::{object, text};
use crate::moment::{Millis, millis};

/// How much of a user is told.
pub struct Detail {
    has_credentials: bool,
    has_transition: bool,
    /// Lists have the link to the user itself only.
    has_links: bool,
}

impl Detail {
    pub fn list(call: &Call) -> Detail {
        Detail {
            has_credentials: !call.omits("omitCredentials"),
            has_transition: !call.omits("omitTransitioningToStatus"),
            has_links: false,
        }
    }

    pub fn single(call: &Call) -> Detail {
        Detail {
            has_links: !call.omits("omitCredentialsLinks"),
            ..Detail::list(call)
        }
    }
}

fn time(at: Option<Millis>) -> Option<String> {
    at.map(millis)
}

pub fn user_text(desk: &Desk<'_>, person: &Person, detail: &Detail) -> String {
    let base = desk.plan.base.trim_end_matches('/');
    let own = format!("{base}/api/v1/users/{}", person.id);
    let profile = object(|profile| {
        profile
            .text("login", &person.login)
            .text("email", &person.login)
            .maybe("secondEmail", None)
            .text("firstName", person.given)
            .text("lastName", person.family)
            .maybe("mobilePhone", None)
            .text("department", person.department);
    });
    let kind = format!(
        r#"{{"id":{}}}"#,
        text(&id(desk.plan.seed, Type::Profile, 0))
    );
    object(|user| {
        user.text("id", &person.id)
            .text("status", person.status.name())
            .text("created", &millis(person.created))
            .maybe("activated", activated(person).as_deref())
            .maybe("statusChanged", time(person.status_changed).as_deref())
            .maybe("lastLogin", time(person.last_login).as_deref())
            .text("lastUpdated", &millis(person.last_updated))
            .maybe("passwordChanged", time(person.last_login).as_deref())
            .raw("type", &kind)
            .raw("profile", &profile);
        if detail.has_transition {
            let transition = person.transition.map(Status::name);
            user.maybe("transitioningToStatus", transition);
        }
        if detail.has_credentials {
            let address = text(&person.login);
            let provider = text(person.provider);
            user.raw(
                "credentials",
                &format!(
                    r#"{{"password":{{}},"emails":[{{"value":{address},"status":"VERIFIED","type":"PRIMARY"}}],"provider":{{"type":{provider},"name":{provider}}}}}"#
                ),
            );
        }
        user.raw("_links", &links(person, &own, detail.has_links));
    })
}

fn activated(person: &Person) -> Option<String> {
    let is_new = matches!(person.status, Status::Staged | Status::Provisioned);
    (!is_new).then(|| millis(person.created))
}

/// A user by itself tells which changes of its state are possible.
fn links(person: &Person, own: &str, is_all: bool) -> String {
    object(|links| {
        links.raw("self", &format!(r#"{{"href":{}}}"#, text(own)));
        if !is_all {
            return;
        }
        let possible: &[&str] = match person.status {
            Status::Active => &["suspend", "deactivate", "resetPassword", "expirePassword"],
            Status::PasswordExpired | Status::Recovery => &["deactivate", "resetPassword"],
            Status::LockedOut => &["unlock", "deactivate"],
            Status::Suspended => &["unsuspend", "deactivate"],
            Status::Deprovisioned => &["activate", "delete"],
            Status::Staged | Status::Provisioned => &["activate", "deactivate"],
        };
        for name in possible {
            let path = match *name {
                "resetPassword" => "reset_password",
                "expirePassword" => "expire_password",
                other => other,
            };
            let href = text(&format!("{own}/lifecycle/{path}"));
            links.raw(name, &format!(r#"{{"href":{href},"method":"POST"}}"#));
        }
    })
}

pub fn group_text(desk: &Desk<'_>, index: u64, call: &Call) -> String {
    let group = desk.tenant.groups.group(index);
    let base = desk.plan.base.trim_end_matches('/');
    let changed = desk.state.world.membership_changed.get(&index);
    let profile = object(|profile| {
        profile
            .text("name", &group.name)
            .maybe("description", group.description);
    });
    let users = format!(r#"{{"href":"{base}/api/v1/groups/{}/users"}}"#, group.id);
    object(|one| {
        one.text("id", &group.id)
            .text("created", &millis(group.created))
            .text("lastUpdated", &millis(group.last_updated))
            .text(
                "lastMembershipUpdated",
                &millis(*changed.unwrap_or(&group.last_membership_updated)),
            )
            .raw("objectClass", r#"["okta:user_group"]"#)
            .text("type", group.kind.name())
            .raw("profile", &profile)
            .raw("_links", &format!(r#"{{"users":{users}}}"#));
        // The fields of the statistics are cut to the one of which we are sure.
        if call.parameter("expand") == Some("stats") {
            let count = desk.members(index).len();
            one.raw(
                "_embedded",
                &format!(r#"{{"stats":{{"usersCount":{count}}}}}"#),
            );
        }
    })
}
