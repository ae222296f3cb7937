//! The objects of an event: who acted and from where, what it was done to, and what is worth searching for.

use std::net::IpAddr;

use casbah_model::event::{Deed, Event, File, LogonKind, Named, Person, PersonKind, Text};

use crate::class::{self, Activity, Class, Observable};
use crate::endpoint;
use crate::json::Json;
use crate::map::Origin;

/// What must have a name and has none (OCSF, "Understanding OCSF": required fields without a value).
const UNKNOWN: &str = "Unknown";

/// The client's address, taken apart once.
pub(crate) struct Address<'a> {
    ip: Option<Text<'a>>,
    port: Option<u16>,
}

impl<'a> Address<'a> {
    pub(crate) fn of(event: &'a Event<'_>) -> Address<'a> {
        let Some(text) = event.client.address.as_deref() else {
            return Address {
                ip: None,
                port: None,
            };
        };
        let endpoint = endpoint::parse(text);
        // What has nothing but digits and dots in it is written as it will be.
        let is_bare = |byte: u8| byte.is_ascii_digit() || byte == b'.';
        let spelled = |ip: IpAddr| match text.trim() {
            text if text.bytes().all(is_bare) => Text::Borrowed(text),
            _ => Text::Owned(ip.to_string()),
        };
        Address {
            ip: endpoint.ip.map(spelled),
            port: endpoint.port,
        }
    }
}

pub(crate) fn person(json: &mut Json<'_>, person: &Person<'_>) {
    let name = person.name.as_deref();
    if !person.is_named() {
        return;
    }
    json.maybe("uid", &person.id);
    json.maybe("name", &person.name);
    if let Some(email) = name.filter(|name| endpoint::is_email(name)) {
        json.text("email_addr", email);
    }
    json.maybe("full_name", &person.full_name);
    json.maybe("uid_alt", &person.other_id);
    if person.kind != PersonKind::Unknown {
        json.number("type_id", class::user_type(person.kind).into());
        json.text("type", person.kind.name());
    }
}

fn person_or_unknown(json: &mut Json<'_>, key: &str, subject: &Person<'_>) {
    json.object(key, |json| match subject.is_named() {
        true => person(json, subject),
        false => json.text("name", UNKNOWN),
    });
}

pub(crate) fn named(json: &mut Json<'_>, named: &Named<'_>) {
    json.maybe("uid", &named.id);
    json.maybe("name", &named.name);
}

fn named_or_unknown(json: &mut Json<'_>, thing: &Named<'_>) {
    named(json, thing);
    if !thing.is_named() {
        json.text("name", UNKNOWN);
    }
}

/// Who acted. A sign-in has its user in the event itself, so only the application is told here.
pub(crate) fn actor(json: &mut Json<'_>, event: &Event<'_>, class: Class) {
    let is_own = class == Class::Authentication && !event.target.user.is_named();
    json.object("actor", |json| {
        if !is_own && (event.actor.is_named() || class.needs_actor()) {
            person_or_unknown(json, "user", &event.actor);
        }
        json.object("session", |json| json.maybe("uid", &event.session));
        json.maybe("app_uid", &event.app.id);
        json.maybe("app_name", &event.app.name);
    });
}

/// Where it came from; what is no address is kept as a name.
pub(crate) fn source(json: &mut Json<'_>, event: &Event<'_>, address: &Address<'_>, class: Class) {
    if !class.has_source() {
        return;
    }
    json.object("src_endpoint", |json| {
        let Some(ip) = &address.ip else {
            match event.client.address.as_deref().map(str::trim) {
                Some(text) if !text.is_empty() => json.text("name", text),
                _ if class.needs_actor() => json.text("name", UNKNOWN),
                _ => {}
            }
            return;
        };
        json.text("ip", ip);
        if let Some(port) = address.port {
            json.number("port", port.into());
        }
        if let Some(system) = &event.client.system {
            json.object("os", |json| {
                json.text("name", system);
                json.number("type_id", class::system_type(system).into());
            });
        }
    });
}

/// What the class is about.
pub(crate) fn subject(
    json: &mut Json<'_>,
    event: &Event<'_>,
    origin: &Origin<'_>,
    activity: &Activity,
) {
    match activity.class {
        Class::Authentication => authentication(json, event, origin),
        Class::AccountChange => person_or_unknown(json, "user", &event.target.user),
        Class::AuthorizeSession => {
            person_or_unknown(json, "user", acted_on(event));
            privileges(json, event);
        }
        Class::EntityManagement => entity(json, event),
        Class::UserAccess => user_access(json, event),
        Class::GroupManagement => group(json, event),
        Class::EmailActivity => email(json, event),
        Class::WebResources => web_resources(json, event),
        Class::ApiActivity => api(json, event),
        Class::FileHosting => {
            json.object("file", |json| file(json, &event.target.file));
            if event.target.moved_to.is_named() {
                json.object("file_result", |json| file(json, &event.target.moved_to));
            }
        }
        Class::DetectionFinding | Class::DataSecurityFinding => finding(json, event, activity),
        Class::Remediation => remediation(json, event),
        Class::FileRemediation => {
            remediation(json, event);
            json.object("file", |json| file(json, &event.target.file));
        }
    }
}

/// What was done against a threat: the command is the action that it was part of.
fn remediation(json: &mut Json<'_>, event: &Event<'_>) {
    let command = event.correlation.as_deref().unwrap_or(UNKNOWN);
    json.text("command_uid", command);
    json.object("remediation", |json| json.text("desc", &event.operation));
}

/// The user a session or a sign-in belongs to: the one who acted, unless another is named.
fn acted_on<'e, 'a>(event: &'e Event<'a>) -> &'e Person<'a> {
    match event.target.user.is_named() {
        true => &event.target.user,
        false => &event.actor,
    }
}

fn authentication(json: &mut Json<'_>, event: &Event<'_>, origin: &Origin<'_>) {
    person_or_unknown(json, "user", acted_on(event));
    json.object("service", |json| {
        let service = &event.target.resource.named;
        named(json, service);
        if !service.is_named() {
            json.text(
                "name",
                event.source.service.as_deref().unwrap_or(origin.product),
            );
        }
    });
    let kind = match event.logon.kind {
        LogonKind::Unknown => None,
        LogonKind::Interactive => Some(class::LOGON_INTERACTIVE),
        LogonKind::Legacy => Some(class::LOGON_NETWORK),
        LogonKind::Silent => Some(class::LOGON_SILENT),
    };
    if let Some((id, name)) = kind {
        json.number("logon_type_id", id.into());
        json.text("logon_type", name);
    }
    if let Some(protocol) = &event.logon.protocol {
        json.number("auth_protocol_id", class::OTHER.into());
        json.text("auth_protocol", protocol);
    }
    if let Some(is_mfa) = event.logon.is_multi_factor {
        json.flag("is_mfa", is_mfa);
    }
}

fn privileges(json: &mut Json<'_>, event: &Event<'_>) {
    json.list("privileges", |json| {
        event
            .target
            .privileges
            .iter()
            .for_each(|name| json.item(name));
    });
}

/// A change of an account that is no account change is one of an entity.
fn entity(json: &mut Json<'_>, event: &Event<'_>) {
    let target = &event.target;
    json.object("entity", |json| {
        if matches!(event.deed, Deed::Account(_)) {
            json.number("type_id", class::entity_type("User").into());
            json.text("type", "User");
            person_or_unknown(json, "user", &target.user);
            return;
        }
        named_or_unknown(json, &target.entity.named);
        let kind = target.entity.kind;
        if !kind.is_empty() {
            json.number("type_id", class::entity_type(kind).into());
            json.text("type", kind);
        }
        if target.user.is_named() {
            json.object("user", |json| person(json, &target.user));
        }
    });
}

/// Rights are given to users; an application that gets some stands in a user's place.
fn user_access(json: &mut Json<'_>, event: &Event<'_>) {
    let target = &event.target;
    let holder = &target.entity.named;
    if target.user.is_named() || !holder.is_named() {
        person_or_unknown(json, "user", &target.user);
    } else {
        json.object("user", |json| {
            named(json, holder);
            json.number("type_id", class::user_type(PersonKind::Application).into());
            json.text("type", PersonKind::Application.name());
        });
    }
    privileges(json, event);
    json.object("resource", |json| resource(json, event));
}

fn group(json: &mut Json<'_>, event: &Event<'_>) {
    let target = &event.target;
    json.object("group", |json| named_or_unknown(json, &target.group));
    json.object("user", |json| person(json, &target.user));
    // Either a user or privileges must be there, so a group that was made has an empty list of them.
    if !target.user.is_named() || !target.privileges.is_empty() {
        privileges(json, event);
    }
}

fn email(json: &mut Json<'_>, event: &Event<'_>) {
    let mail = &event.target.mail;
    json.number("direction_id", class::DIRECTION_UNKNOWN.into());
    json.object("email", |json| {
        json.maybe("from", &mail.from);
        json.list("to", |json| {
            let addresses = mail.to.iter().filter(|to| endpoint::is_email(to));
            addresses.for_each(|to| json.item(to));
        });
        json.maybe("uid", &mail.id);
        json.maybe("message_uid", &mail.message_id);
        json.maybe("subject", &mail.subject);
        if let Some(bytes) = mail.bytes {
            json.number("size", bytes);
        }
    });
}

fn resource(json: &mut Json<'_>, event: &Event<'_>) {
    let resource = &event.target.resource;
    named(json, &resource.named);
    if resource.named.is_named() {
        json.maybe("type", &resource.kind);
    }
}

/// What was looked at or changed: a page, a message, a group; by its address where it has no name.
fn web_resources(json: &mut Json<'_>, event: &Event<'_>) {
    let target = &event.target;
    let (resource, mail, file) = (&target.resource, &target.mail, &target.file);
    json.list("web_resources", |json| {
        json.object_item(|json| {
            if resource.named.is_named() {
                named(json, &resource.named);
                json.maybe("type", &resource.kind);
            } else if mail.id.is_some() || mail.message_id.is_some() || mail.subject.is_some() {
                let uid = mail.message_id.as_ref().or(mail.id.as_ref());
                json.maybe("uid", &uid.cloned());
                json.maybe("name", &mail.subject);
                json.text("type", "Email");
            } else if file.is_named() {
                json.maybe("uid", &file.id);
                json.text("name", file_name(file));
                json.maybe("type", &file.kind);
            } else if target.group.is_named() {
                named(json, &target.group);
                json.text("type", "Group");
            } else {
                json.text("name", resource.address.as_deref().unwrap_or(UNKNOWN));
            }
            json.maybe(
                "url_string",
                match resource.address {
                    Some(_) => &resource.address,
                    None => &file.path,
                },
            );
        });
        if mail.mailbox.is_named() {
            json.object_item(|json| {
                named(json, &mail.mailbox);
                json.text("type", "Mailbox");
            });
        }
    });
}

fn api(json: &mut Json<'_>, event: &Event<'_>) {
    let operation = match event.operation.is_empty() {
        true => UNKNOWN,
        false => event.operation.as_ref(),
    };
    json.object("api", |json| {
        json.text("operation", operation);
        json.object("service", |json| json.maybe("name", &event.source.service));
    });
    json.list_if_any("resources", |json| {
        json.object_item(|json| resource(json, event));
    });
}

/// A file's name, or what comes closest to it.
fn file_name<'a>(file: &'a File<'_>) -> &'a str {
    let of_path = |path: &'a str| {
        let path = path.trim_end_matches('/');
        path.rsplit('/').next().filter(|name| !name.is_empty())
    };
    let name = file.name.as_deref().filter(|name| !name.is_empty());
    name.or_else(|| file.path.as_deref().and_then(of_path))
        .or(file.id.as_deref())
        .unwrap_or(UNKNOWN)
}

fn file(json: &mut Json<'_>, file: &File<'_>) {
    json.text("name", file_name(file));
    json.number("type_id", class::file_type(file.shape).into());
    json.maybe("type", &file.kind);
    json.maybe("uid", &file.id);
    json.maybe("path", &file.path);
    json.maybe("ext", &file.extension);
    // The schema's numbers are signed and have 64 bits.
    if let Some(bytes) = file.bytes.filter(|bytes| i64::try_from(*bytes).is_ok()) {
        json.number("size", bytes);
    }
    if let Some(label) = &file.label {
        json.number("confidentiality_id", class::OTHER.into());
        json.text("confidentiality", label);
    }
}

fn finding(json: &mut Json<'_>, event: &Event<'_>, activity: &Activity) {
    let found = &event.target.finding;
    let title = match &found.title {
        Some(title) => title.as_ref(),
        None if event.operation.is_empty() => UNKNOWN,
        None => event.operation.as_ref(),
    };
    json.object("finding_info", |json| {
        let uid = found.id.as_deref().or(event.id.as_deref());
        json.text("uid", uid.unwrap_or(UNKNOWN));
        json.text("title", title);
        json.maybe("src_url", &found.address);
        json.list_if_any("types", |json| {
            if let Some(category) = &found.category {
                json.item(category);
            }
        });
        if found.policy.is_named() {
            json.object("analytic", |json| {
                named(json, &found.policy);
                json.number("type_id", class::ANALYTIC_RULE.into());
            });
        }
    });
    if activity.class == Class::DetectionFinding {
        json.list_if_any("resources", |json| {
            json.object_item(|json| resource(json, event));
        });
        return;
    }
    if event.target.file.is_named() {
        json.object("file", |json| file(json, &event.target.file));
    }
    if found.policy.is_named() {
        json.object("data_security", |json| {
            json.object("policy", |json| named(json, &found.policy));
        });
    }
}

/// People, addresses, files and applications, where an analyst looks for them.
pub(crate) fn observables(
    json: &mut Json<'_>,
    event: &Event<'_>,
    address: &Address<'_>,
    class: Class,
) {
    let target = &event.target;
    let (actor, user) = match class {
        Class::Authentication if !target.user.is_named() => (None, event.actor.name.as_deref()),
        _ => (event.actor.name.as_deref(), target.user.name.as_deref()),
    };
    let in_user = match class {
        Class::EntityManagement => "entity.user",
        class if class.has_user() => "user",
        _ => "unmapped.casbah.user",
    };
    let in_file = match class {
        Class::WebResources => "web_resources[0].name",
        Class::FileHosting | Class::DataSecurityFinding => "file.name",
        _ => "",
    };
    json.list_if_any("observables", |json| {
        who(json, "actor.user", actor);
        who(json, in_user, user);
        if class.has_source() {
            let ip = address.ip.as_deref();
            observable(json, Observable::Address, &["src_endpoint.ip"], ip);
        }
        if target.file.is_named() && !in_file.is_empty() && !target.resource.named.is_named() {
            let name = Some(file_name(&target.file));
            observable(json, Observable::FileName, &[in_file], name);
        }
        let app = event.app.id.as_deref();
        observable(json, Observable::ResourceUid, &["actor.app_uid"], app);
        for to in &target.mail.to {
            let path = match class {
                Class::EmailActivity => "email.to",
                _ => "unmapped.casbah.mail_to",
            };
            observable(json, Observable::EmailAddress, &[path], Some(to));
        }
    });
}

fn who(json: &mut Json<'_>, path: &str, name: Option<&str>) {
    let kind = match name {
        Some(name) if endpoint::is_email(name) => Observable::EmailAddress,
        _ => Observable::UserName,
    };
    let field = match kind {
        Observable::EmailAddress => ".email_addr",
        _ => ".name",
    };
    observable(json, kind, &[path, field], name);
}

fn observable(json: &mut Json<'_>, kind: Observable, path: &[&str], value: Option<&str>) {
    let Some(value) = value.filter(|value| !value.is_empty()) else {
        return;
    };
    let (id, name) = kind.numbered();
    json.object_item(|json| {
        json.joined("name", path);
        json.number("type_id", id.into());
        json.text("type", name);
        json.text("value", value);
    });
}
