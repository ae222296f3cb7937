//! What Microsoft posts to a webhook: handshakes and notifications, with their awkward habits, as values to send.
//!
//! Written from the Management Activity API reference, "Webhook validation" and "Receiving notifications", and from the
//! Microsoft Graph documentation, "Receive change notifications through webhooks" and "Reduce missing change
//! notifications".

use serde_json::{Value, json};

use super::plan::{ContentType, Plan};

/// One call, always a POST.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookPost {
    /// Without the question mark.
    pub query: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

/// Sends for one tenant.
#[derive(Clone, Debug)]
pub struct HookSender {
    pub tenant_id: String,
    pub client_id: String,
    /// `authId` and `clientState`, as they were registered.
    pub secret: String,
}

impl HookSender {
    pub fn new(plan: &Plan, secret: impl Into<String>) -> HookSender {
        HookSender {
            tenant_id: plan.tenant_id.clone(),
            client_id: plan.client_id.clone(),
            secret: secret.into(),
        }
    }

    /// The same sender, who does not know the secret.
    pub fn guessing(&self) -> HookSender {
        let secret = "a guess".into();
        HookSender {
            secret,
            ..self.clone()
        }
    }

    /// The Management Activity API makes sure that we are there; its code comes twice and is not wanted back.
    pub fn audit_validation(&self, code: &str) -> HookPost {
        let mut post = self.audit(json!({ "validationCode": code }));
        post.headers.push(("Webhook-ValidationCode", code.into()));
        post
    }

    /// Content that became available, one item of it for each type that is named.
    pub fn audit_notification(&self, feeds: &[ContentType]) -> HookPost {
        let item = |(number, feed): (usize, &ContentType)| {
            json!({
                "tenantId": self.tenant_id,
                "clientId": self.client_id,
                "contentType": feed.name(),
                "contentId": format!("{number}$audit"),
                "contentUri": format!("https://manage.office.com/api/v1.0/{}/activity/feed/audit/{number}", self.tenant_id),
                "contentCreated": "2026-05-04T10:00:00.000Z",
                "contentExpiration": "2026-05-11T10:00:00.000Z",
            })
        };
        self.audit(feeds.iter().enumerate().map(item).collect())
    }

    /// The type's parameter is written without its name.
    fn audit(&self, body: Value) -> HookPost {
        HookPost {
            query: String::new(),
            headers: vec![
                ("Content-Type", "application/json; utf-8".into()),
                ("Webhook-AuthID", self.secret.clone()),
            ],
            body: body.to_string(),
        }
    }

    /// Graph makes sure that we are there: the token comes encoded, spaces as `+`, and is wanted back decoded.
    pub fn graph_validation(&self, token: &str) -> HookPost {
        let mut encoded = String::new();
        for byte in token.bytes() {
            match byte {
                b' ' => encoded.push('+'),
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => {
                    encoded.push(char::from(byte));
                }
                // The documentation's own example has lower-case digits.
                _ => encoded += &format!("%{byte:02x}"),
            }
        }
        HookPost {
            query: format!("validationToken={encoded}"),
            headers: vec![("Content-Type", "text/plain; charset=utf-8".into())],
            body: String::new(),
        }
    }

    /// Changes of drives, several subscriptions in one call; a drive that is named twice is told of twice.
    pub fn graph_notification(&self, drives: &[&str]) -> HookPost {
        let change = |drive: &&str| self.change(drive, json!({ "changeType": "updated" }));
        HookSender::graph(drives.iter().map(change).collect())
    }

    /// A call in which some notifications are of somebody who does not know the secret.
    pub fn graph_mixed(&self, known: &str, strange: &str) -> HookPost {
        let is_new = json!({ "changeType": "updated" });
        let changes = vec![
            self.guessing().change(strange, is_new.clone()),
            self.change(known, is_new),
        ];
        HookSender::graph(changes)
    }

    /// For drives this is the only event of its kind that is sent.
    pub fn graph_lifecycle(&self, drive: &str) -> HookPost {
        let event = json!({ "lifecycleEvent": "reauthorizationRequired" });
        HookSender::graph(vec![self.change(drive, event)])
    }

    fn change(&self, drive: &str, more: Value) -> Value {
        let mut change = json!({
            "subscriptionId": format!("7f105c7d-2dc5-4530-97cd-{drive:0>12.12}"),
            "subscriptionExpirationDateTime": "2026-06-01T00:00:00.0000000Z",
            "clientState": self.secret,
            "resource": format!("drives/{drive}/root"),
            "tenantId": self.tenant_id,
            "resourceData": { "@odata.type": "#Microsoft.Graph.DriveItem" },
        });
        for (name, value) in more.as_object().into_iter().flatten() {
            change[name.as_str()] = value.clone();
        }
        change
    }

    fn graph(changes: Vec<Value>) -> HookPost {
        HookPost {
            query: String::new(),
            headers: vec![("Content-Type", "application/json".into())],
            body: json!({ "value": changes }).to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_encoded_as_the_documentation_shows_it() {
        let sender = HookSender::new(&Plan::new(1), "s");
        let post = sender.graph_validation("Validation: Testing a+b%");
        let expected = "validationToken=Validation%3a+Testing+a%2bb%25";
        assert_eq!(post.query, expected);
    }
}
