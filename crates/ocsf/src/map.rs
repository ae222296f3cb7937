//! One event to one object of the schema, in one pass: the frame that all classes share.
//!
//! What a class must have and the event does not tell is called "Unknown"; what the event tells and the class has no
//! field for goes to `unmapped`. About 1.5 kB each, hundreds of thousands a day.

use casbah_model::Timestamp;
use casbah_model::event::{Deed, Event, MailVerb, Success};

use crate::class::{self, Activity, Class};
use crate::endpoint;
use crate::json::Json;
use crate::objects::{self, Address};
use crate::profile::Profile;

/// Where events come from: what is the same for all of them.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    pub product: &'a str,
    pub vendor: &'a str,
    /// The vendor's id of the tenant.
    pub tenant: &'a str,
    /// The name of the connection.
    pub instance: &'a str,
    /// When the vendor made the record available.
    pub logged: Timestamp,
    /// When it was read.
    pub processed: Timestamp,
}

/// Bytes to make room for at once.
const EVENT_BYTES: usize = 2048;

/// Appends an event as one JSON object.
pub fn write(event: &Event<'_>, origin: &Origin<'_>, profile: Profile, out: &mut Vec<u8>) {
    out.reserve(EVENT_BYTES);
    let activity = class::activity(deed(event), profile);
    let address = Address::of(event);
    let mut json = Json::begin(out);
    classification(&mut json, event, &activity);
    metadata(&mut json, event, origin, profile, &activity);
    objects::actor(&mut json, event, activity.class);
    objects::source(&mut json, event, &address, activity.class);
    if activity.class.has_http_request() {
        json.object("http_request", |json| {
            json.maybe("user_agent", &event.client.user_agent)
        });
    }
    objects::subject(&mut json, event, origin, &activity);
    json.object("cloud", |json| json.text("provider", origin.vendor));
    objects::observables(&mut json, event, &address, activity.class);
    unmapped(&mut json, event, &activity);
    json.end();
}

/// Mail must say who sent it: a message whose sender is no address is written as one that was made.
fn deed(event: &Event<'_>) -> Deed {
    let from = event.target.mail.from.as_deref();
    match event.deed {
        Deed::Mail(MailVerb::Send | MailVerb::Receive | MailVerb::Scan)
            if !from.is_some_and(endpoint::is_email) =>
        {
            Deed::Mail(MailVerb::Create)
        }
        deed => deed,
    }
}

fn classification(json: &mut Json<'_>, event: &Event<'_>, activity: &Activity) {
    let class = activity.class;
    json.number("class_uid", class.uid().into());
    json.text("class_name", class.name());
    json.number("category_uid", class.category_uid().into());
    json.text("category_name", class.category_name());
    json.number("activity_id", activity.id.into());
    // Activities without a number have the vendor's name, unless they have one of their own.
    let name = match activity.name {
        "Other" if !event.operation.is_empty() => event.operation.as_ref(),
        name => name,
    };
    json.text("activity_name", name);
    json.number("type_uid", activity.type_uid().into());
    json.joined("type_name", &[class.name(), ": ", activity.name]);
    let (severity, caption) = class::severity(event.target.finding.severity);
    json.number("severity_id", severity.into());
    json.text("severity", caption);
    status(json, event, activity);
}

fn status(json: &mut Json<'_>, event: &Event<'_>, activity: &Activity) {
    let outcome = &event.outcome;
    let (id, caption) = if activity.class.is_finding() {
        class::finding_status(event.deed, activity)
    } else {
        class::status(outcome.result)
    };
    json.number("status_id", id.into());
    match (&outcome.status, outcome.result) {
        (Some(words), Success::Partial) => json.text("status", words),
        _ => json.text("status", caption),
    }
    json.maybe("status_code", &outcome.code);
    json.maybe("status_detail", &outcome.reason);
}

fn metadata(
    json: &mut Json<'_>,
    event: &Event<'_>,
    origin: &Origin<'_>,
    profile: Profile,
    activity: &Activity,
) {
    let time = event.occurred.unwrap_or(origin.logged);
    json.signed("time", time.as_millisecond());
    json.object("metadata", |json| {
        json.text("version", profile.version());
        json.object("product", |json| {
            json.text("name", origin.product);
            json.text("vendor_name", origin.vendor);
        });
        json.maybe("uid", &event.id);
        if !event.operation.is_empty() {
            json.text("event_code", &event.operation);
        }
        json.maybe("correlation_uid", &event.correlation);
        json.text("tenant_uid", origin.tenant);
        json.maybe("log_name", &event.source.log);
        json.maybe("log_provider", &event.source.service);
        json.maybe("log_version", &event.source.version);
        json.list("loggers", |json| {
            json.object_item(|json| json.text("name", origin.instance));
        });
        json.signed("logged_time", origin.logged.as_millisecond());
        json.signed("processed_time", origin.processed.as_millisecond());
        json.list("profiles", |json| {
            json.item("cloud");
            if activity.class.needs_host_profile() {
                json.item("host");
            }
        });
    });
}

/// Where our own facts go that a class has no field for; a vendor's field of this name would make it ambiguous.
const OURS: &str = "casbah";

fn unmapped(json: &mut Json<'_>, event: &Event<'_>, activity: &Activity) {
    json.object("unmapped", |json| {
        for (name, value) in &event.unmapped {
            if name != OURS {
                json.value(name, value);
            }
        }
        json.object(OURS, |json| leftovers(json, event, activity.class));
    });
}

fn leftovers(json: &mut Json<'_>, event: &Event<'_>, class: Class) {
    let target = &event.target;
    if !class.has_http_request() {
        json.maybe("user_agent", &event.client.user_agent);
    }
    if !class.has_user() && class != Class::EntityManagement {
        json.object("user", |json| objects::person(json, &target.user));
    }
    if class.is_remediation() {
        json.object("entity", |json| objects::named(json, &target.entity.named));
    }
    if class != Class::GroupManagement && class != Class::WebResources {
        json.object("group", |json| objects::named(json, &target.group));
    }
    if !matches!(
        class,
        Class::UserAccess | Class::AuthorizeSession | Class::GroupManagement
    ) {
        json.list_if_any("privileges", |json| {
            target.privileges.iter().for_each(|name| json.item(name));
        });
    }
    if class != Class::EmailActivity {
        json.list_if_any("mail_to", |json| {
            target.mail.to.iter().for_each(|address| json.item(address));
        });
    }
}

#[cfg(test)]
mod tests;
