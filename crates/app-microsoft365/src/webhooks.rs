//! What Microsoft calls us with: notifications of the Management Activity API and of Microsoft Graph, and the handshakes
//! by which either makes sure that we are there.
//!
//! Both say where something changed and never what. The secret is `authId` of the one and `clientState` of the other.

use std::collections::{BTreeMap, BTreeSet};

use casbah_connector::WebhookSource;
use casbah_connector::webhook::{Call, Hinted, HookKey, HookRefusal, Received};
use casbah_model::record::RecordId;
use serde::Deserialize;
use url::form_urlencoded;

use crate::TENANT_ID;
use crate::activities::feed_name;

pub(crate) struct Notifications;

/// Management Activity API reference, "Receiving notifications" and "Webhook validation".
const AUTH_ID: &str = "webhook-authid";
const VALIDATION_CODE: &str = "webhook-validationcode";
/// Microsoft Graph documentation, "Receive change notifications through webhooks", "notificationUrl validation".
const VALIDATION_TOKEN: &str = "validationToken";
/// Tokens seen are of some two hundred characters; no document gives a bound.
const TOKEN_CHARS_MAX: usize = 2_048;

impl WebhookSource for Notifications {
    fn receive(&self, call: &Call<'_>, key: &HookKey) -> Received {
        let mut query = form_urlencoded::parse(call.query.as_bytes());
        if let Some((_, token)) = query.find(|(name, _)| name == VALIDATION_TOKEN) {
            return validate_graph(call, &token);
        }
        if call.content_type != "application/json" {
            return Received::Refused(HookRefusal::Malformed);
        }
        let heard = match call.body.trim_ascii_start().first() {
            _ if call.headers.contains_key(VALIDATION_CODE) => validate_management(call, key),
            Some(b'[') => management(call, key),
            _ => graph(call, key),
        };
        heard.unwrap_or_else(Received::Refused)
    }
}

/// Graph wants the token back, decoded, as plain text. It knows no secret at this point, only the address.
///
/// Markup in a token stays harmless because of the type it is answered with; control characters have no business in it.
fn validate_graph(call: &Call<'_>, token: &str) -> Received {
    let is_plain = matches!(call.content_type, "text/plain" | "");
    let is_token = (1..=TOKEN_CHARS_MAX).contains(&token.len())
        && token.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if is_plain && is_token {
        Received::Challenge { body: token.into() }
    } else {
        Received::Refused(HookRefusal::Malformed)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Validation {
    validation_code: String,
}

/// Unlike Graph this one shows its secret and wants no more than 200; the code is in a header and in the body.
fn validate_management(call: &Call<'_>, key: &HookKey) -> Result<Received, HookRefusal> {
    require_auth_id(call, key)?;
    let validation: Validation = parse(call.body)?;
    if call.headers.get(VALIDATION_CODE) == Some(&validation.validation_code) {
        Ok(Received::Challenge {
            body: String::new(),
        })
    } else {
        Err(HookRefusal::Malformed)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    tenant_id: Option<String>,
    content_type: Option<String>,
}

fn management(call: &Call<'_>, key: &HookKey) -> Result<Received, HookRefusal> {
    require_auth_id(call, key)?;
    let contents: Vec<Content> = parse(call.body)?;
    let ours = contents.iter().filter(|one| is_ours(call, &one.tenant_id));
    let feeds = ours.filter_map(|one| feed_name(one.content_type.as_deref()?));
    Ok(Received::Hints {
        hinted: feeds.map(Hinted::Feed).collect(),
        strangers: 0,
    })
}

#[derive(Deserialize)]
struct Changes {
    value: Vec<Change>,
}

/// A change, or an event in the life of a subscription, which is told in the same form and is as good a reason to look
/// (Microsoft Graph documentation, "Reduce missing change notifications").
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Change {
    client_state: Option<String>,
    tenant_id: Option<String>,
    resource: Option<String>,
}

/// One call may be about several subscriptions: each shows the secret for itself.
fn graph(call: &Call<'_>, key: &HookKey) -> Result<Received, HookRefusal> {
    let changes: Changes = parse(call.body)?;
    let is_known = |change: &Change| {
        let shown = change.client_state.as_deref();
        shown.is_some_and(|shown| key.opens(shown))
    };
    let (known, strange): (Vec<_>, Vec<_>) = changes.value.into_iter().partition(is_known);
    if known.is_empty() {
        return Err(HookRefusal::Stranger);
    }
    let ours = known.iter().filter(|one| is_ours(call, &one.tenant_id));
    let hinted: BTreeSet<Hinted> = ours
        .filter_map(|one| drive(one.resource.as_deref()?))
        .map(|id| Hinted::Root(RecordId::new(id)))
        .collect();
    Ok(Received::Hints {
        hinted,
        strangers: strange.len(),
    })
}

/// The drive of a resource such as `drives/b!x/root` or `drives('b!x')/root`. Of `users/…/drive/root` and of lists it
/// takes a call to know the drive; those are found by the sweep.
fn drive(resource: &str) -> Option<&str> {
    let resource = resource.trim_start_matches('/');
    let id = match resource.strip_prefix("drives('") {
        Some(rest) => rest.split('\'').next(),
        None => resource.strip_prefix("drives/")?.split('/').next(),
    };
    id.filter(|id| !id.is_empty())
}

/// One address may serve many tenants, but ours is of one connection. Graph leaves the tenant out at times.
fn is_ours(call: &Call<'_>, tenant: &Option<String>) -> bool {
    let expected = setting(call.settings, TENANT_ID);
    tenant
        .as_deref()
        .is_none_or(|tenant| tenant.eq_ignore_ascii_case(expected))
}

fn setting<'a>(settings: &'a BTreeMap<String, String>, name: &str) -> &'a str {
    settings.get(name).map_or("", String::as_str)
}

fn require_auth_id(call: &Call<'_>, key: &HookKey) -> Result<(), HookRefusal> {
    let shown = call.headers.get(AUTH_ID);
    if shown.is_some_and(|shown| key.opens(shown)) {
        Ok(())
    } else {
        Err(HookRefusal::Stranger)
    }
}

/// The parser gives up at 128 levels.
fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, HookRefusal> {
    serde_json::from_slice(body).map_err(|_| HookRefusal::Malformed)
}

#[cfg(test)]
mod tests;
