//! The Office 365 Management Activity API: who may call it, and its subscriptions.

use casbah_model::transport::Method;

use super::desk::Desk;
use super::faults::Fault;
use super::limits::Row;
use super::plan::ContentType;
use super::wire::{Call, Service, management_error};
use crate::answer::Answer;
use crate::json::object;

impl Desk<'_> {
    pub fn management(&mut self, call: &Call) -> Answer {
        let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
        let (tenant, rest) = match path.as_slice() {
            ["api", "v1.0" | "v1", tenant, "activity", "feed", rest @ ..] => (*tenant, rest),
            _ => return management_error(404, "AF20000", "The resource does not exist."),
        };
        if let Err(answer) = self.admit(call, tenant) {
            return answer;
        }
        if let Some(answer) = self.throttle(call, rest) {
            return answer;
        }
        match (call.method, rest) {
            (Method::Post, ["subscriptions", "start"]) => self.start(call),
            (Method::Post, ["subscriptions", "stop"]) => self.stop(call),
            (Method::Get, ["subscriptions", "list"]) => self.list_subscriptions(),
            (Method::Get, ["subscriptions", "content"]) => self.list_content(call),
            (Method::Get, ["subscriptions", "notifications"]) => Answer::json(200, "[]"),
            (Method::Get, ["audit", id]) => self.blob(id),
            (Method::Get, ["resources", "dlpSensitiveTypes"]) => Answer::json(
                200,
                r#"[{"id":"50842eb7-edc8-4019-85dd-5a5c1f2bb085","name":"Credit Card Number"}]"#,
            ),
            _ => management_error(404, "AF20000", "The resource does not exist."),
        }
    }

    fn admit(&mut self, call: &Call, tenant: &str) -> Result<(), Answer> {
        let claims = self.authorize(call, Service::Management)?;
        if tenant.len() != 36 || tenant.bytes().filter(|byte| *byte == b'-').count() != 4 {
            return Err(management_error(
                400,
                "AF20013",
                "The tenant ID passed in the URL is not a valid GUID.",
            ));
        }
        if !tenant.eq_ignore_ascii_case(&claims.tid) {
            let message = format!(
                "The tenant ID passed in the URL ({tenant}) does not match the tenant ID passed in the access token ({}).",
                claims.tid
            );
            return Err(management_error(400, "AF20010", &message));
        }
        // The status of a missing role is documented nowhere; 403 is assumed.
        if !claims.has_any(&["ActivityFeed.Read"]) {
            let message = format!(
                "The permission set ({}) sent in the request did not include the expected permission.",
                claims.roles.join(" ")
            );
            return Err(management_error(403, "AF10001", &message));
        }
        if self.strikes(Fault::NoLicence).is_some() {
            let message = format!(
                "The tenant ID passed in the URL ({tenant}) is incorrectly configured in the system."
            );
            return Err(management_error(400, "AF20012", &message));
        }
        if self.strikes(Fault::AuditOff).is_some() {
            let message = format!(
                "Microsoft.Office.Compliance.Audit.DataServiceException: Tenant {tenant} does not exist."
            );
            return Err(management_error(500, "AF50000", &message));
        }
        Ok(())
    }

    /// Limits are per tenant; without a publisher's identifier the call shares everyone's small pool.
    fn throttle(&mut self, call: &Call, rest: &[&str]) -> Option<Answer> {
        let publisher = call
            .parameter("PublisherIdentifier")
            .filter(|id| !id.is_empty());
        let row = if publisher.is_some() {
            Row::Management
        } else {
            Row::ManagementAnonymous
        };
        let verdict = self.charge(row, "", 1);
        let status = if self.strikes(Fault::Throttle403).is_some() {
            403
        } else if self.strikes(Fault::Throttle429).is_some() || !verdict.is_granted {
            429
        } else {
            return None;
        };
        Some(too_many(status, rest, publisher))
    }

    pub fn feed_of(&self, call: &Call) -> Result<ContentType, Answer> {
        let Some(name) = call.parameter("contentType") else {
            return Err(management_error(
                400,
                "AF20001",
                "Missing parameter: contentType.",
            ));
        };
        ContentType::from_name(name).ok_or_else(|| {
            management_error(
                400,
                "AF20020",
                &format!("The specified content type is not valid: {name}."),
            )
        })
    }

    fn start(&mut self, call: &Call) -> Answer {
        let feed = match self.feed_of(call) {
            Ok(feed) => feed,
            Err(answer) => return answer,
        };
        let is_on = self
            .state
            .world
            .subscriptions
            .get(&feed)
            .is_some_and(|known| known.is_on());
        if is_on {
            return management_error(
                400,
                "AF20024",
                "The subscription is already enabled. No property change.",
            );
        }
        if !self.charge(Row::ManagementStart, feed.name(), 1).is_granted {
            return too_many(
                429,
                &["subscriptions", "start"],
                call.parameter("PublisherIdentifier"),
            );
        }
        let body: Option<serde_json::Value> = serde_json::from_slice(&call.body).ok();
        let address = body.and_then(|body| body["webhook"]["address"].as_str().map(String::from));
        if address
            .as_ref()
            .is_some_and(|address| !address.starts_with("https://"))
        {
            return management_error(
                400,
                "AF20021",
                "The webhook endpoint could not be validated. The address must begin with HTTPS.",
            );
        }
        let subscription = self.state.world.subscriptions.entry(feed).or_default();
        subscription.spans.push((self.now, None));
        subscription.webhook = address;
        Answer::json(200, self.subscription(feed))
    }

    fn stop(&mut self, call: &Call) -> Answer {
        let feed = match self.feed_of(call) {
            Ok(feed) => feed,
            Err(answer) => return answer,
        };
        let now = self.now;
        let subscription = self.state.world.subscriptions.get_mut(&feed);
        match subscription.and_then(|known| known.spans.last_mut()) {
            Some((_, to @ None)) => {
                *to = Some(now);
                Answer::json(200, "")
            }
            _ => management_error(
                400,
                "AF20022",
                "No subscription found for the specified content type.",
            ),
        }
    }

    fn list_subscriptions(&mut self) -> Answer {
        let feeds: Vec<ContentType> = self.state.world.subscriptions.keys().copied().collect();
        let mut shown = Vec::new();
        for feed in feeds {
            let is_hidden = self.strikes(Fault::AlreadyEnabled).is_some();
            if !is_hidden {
                shown.push(self.subscription(feed));
            }
        }
        Answer::json(200, format!("[{}]", shown.join(",")))
    }

    fn subscription(&self, feed: ContentType) -> String {
        let known = &self.state.world.subscriptions[&feed];
        let is_off = self.is_disabled_by_fault(feed) || !known.is_on();
        let webhook = known.webhook.as_ref().map(|address| {
            object(|webhook| {
                webhook
                    .text("status", "enabled")
                    .text("address", address)
                    .raw("authId", "null")
                    .raw("expiration", "null");
            })
        });
        object(|body| {
            body.text("contentType", feed.name())
                .text("status", if is_off { "disabled" } else { "enabled" })
                .raw("webhook", webhook.as_deref().unwrap_or("null"));
        })
    }

    pub fn is_disabled_by_fault(&self, feed: ContentType) -> bool {
        let settings = self.state.switches.settings(Fault::FeedDisabled);
        settings.is_some_and(|settings| {
            settings.count != Some(0)
                && settings
                    .value
                    .as_ref()
                    .is_none_or(|only| only == feed.name())
        })
    }
}

fn too_many(status: u16, rest: &[&str], publisher: Option<&str>) -> Answer {
    let method = match rest {
        ["audit", ..] => "GetBlob",
        ["subscriptions", "content"] => "GetContents",
        ["subscriptions", "start"] => "StartSubscription",
        ["subscriptions", "list"] => "ListSubscriptions",
        _ => "Other",
    };
    let publisher = publisher.unwrap_or("00000000-0000-0000-0000-000000000000");
    let message = format!("Too many requests. Method={method}, PublisherId={publisher}");
    management_error(status, "AF429", &message)
}
