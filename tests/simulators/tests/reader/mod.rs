//! A reader as simple as can be, with a clock that jumps: what the tests look through.

#![allow(dead_code, reason = "every test file uses another part of the reader")]

#[path = "../clock/mod.rs"]
mod clock;

use std::sync::Arc;

use casbah_model::ports::{Clock, Transport};
use casbah_model::transport::{Headers, Method, Request, TransportError};
use casbah_model::{SignedDuration, Timestamp};
use casbah_simulators::microsoft365::{Latency, Plan, Simulator};
pub use clock::JumpingClock;
use serde_json::Value;

pub struct Answer {
    pub status: u16,
    pub headers: Headers,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The code of an error in any of the three shapes.
    pub fn code(&self) -> String {
        let json = self.json();
        let code = json["error_codes"][0].as_u64().map(|code| code.to_string());
        code.or_else(|| json["error"]["code"].as_str().map(String::from))
            .unwrap_or_default()
    }
}

pub struct Reader {
    pub simulator: Simulator,
    pub clock: Arc<JumpingClock>,
    pub plan: Plan,
    runtime: tokio::runtime::Runtime,
}

pub const GRAPH: &str = "https://graph.microsoft.com";
pub const MANAGEMENT: &str = "https://manage.office.com";
pub const PUBLISHER: &str = "PublisherIdentifier=11111111-2222-4333-8444-555555555555";
pub const FEEDS: [&str; 4] = [
    "Audit.AzureActiveDirectory",
    "Audit.Exchange",
    "Audit.SharePoint",
    "Audit.General",
];

/// A small tenant without latency, whose limits no test meets by accident.
pub fn small_plan(seed: u64) -> Plan {
    let mut plan = Plan::new(seed).sized(120, 900, 1500);
    plan.latency = Latency::NONE;
    plan.limits.is_on = false;
    plan
}

impl Reader {
    pub fn new(plan: Plan) -> Reader {
        let clock = Arc::new(JumpingClock::at(plan.started));
        let simulator = Simulator::new(plan.clone(), clock.clone());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        Reader {
            simulator,
            clock,
            plan,
            runtime,
        }
    }

    pub fn small(seed: u64) -> Reader {
        Reader::new(small_plan(seed))
    }

    pub fn try_send(&self, request: Request) -> Result<Answer, TransportError> {
        self.runtime.block_on(async {
            let mut response = self.simulator.send(request).await?;
            let mut bytes = Vec::new();
            while let Some(chunk) = response.body.chunk().await? {
                bytes.extend_from_slice(&chunk);
            }
            let text = String::from_utf8(bytes).unwrap();
            Ok(Answer {
                status: response.status,
                headers: response.headers,
                text,
            })
        })
    }

    pub fn ask(&self, method: Method, url: &str, headers: Headers, body: &str) -> Answer {
        let body = body.as_bytes().to_vec().into();
        self.try_send(Request {
            method,
            url: url.into(),
            headers,
            body,
        })
        .unwrap()
    }

    pub fn token_with(&self, resource: &str, secret: &str) -> Answer {
        let url = format!(
            "{}/{}/oauth2/v2.0/token",
            self.plan.base.login, self.plan.tenant_id
        );
        let scope = format!(
            "{}%2F.default",
            resource.replace(':', "%3A").replace('/', "%2F")
        );
        let form = format!(
            "client_id={}&scope={scope}&client_secret={}&grant_type=client_credentials",
            self.plan.client_id,
            secret.replace('~', "%7E")
        );
        self.ask(Method::Post, &url, Headers::default(), &form)
    }

    pub fn token(&self, resource: &str) -> String {
        let answer = self.token_with(resource, &self.plan.client_secret);
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()["access_token"].as_str().unwrap().to_string()
    }

    pub fn bearer(&self, resource: &str) -> Headers {
        Headers::default().with("Authorization", format!("Bearer {}", self.token(resource)))
    }

    /// A Graph address below `/v1.0/`, or a whole one.
    pub fn graph(&self, path: &str) -> Answer {
        self.graph_preferring(path, "")
    }

    pub fn graph_preferring(&self, path: &str, prefer: &str) -> Answer {
        let is_whole = path.starts_with("https://");
        let url = if is_whole {
            path.into()
        } else {
            format!("{GRAPH}/v1.0/{path}")
        };
        self.ask(
            Method::Get,
            &url,
            self.bearer(GRAPH).with("Prefer", prefer),
            "",
        )
    }

    /// All values of a list or a round of a delta, with the delta link.
    pub fn walk(&self, path: &str, prefer: &str) -> (Vec<Value>, Option<String>) {
        let (mut values, mut url) = (Vec::new(), path.to_string());
        for _ in 0..10_000 {
            let answer = self.graph_preferring(&url, prefer);
            assert_eq!(answer.status, 200, "{url}: {}", answer.text);
            let page = answer.json();
            values.extend(page["value"].as_array().unwrap().iter().cloned());
            match page["@odata.nextLink"].as_str() {
                Some(next) => url = next.to_string(),
                None => return (values, page["@odata.deltaLink"].as_str().map(String::from)),
            }
        }
        panic!("{path} never ends");
    }

    /// A Management API address below the feed, or a whole one.
    pub fn feed(&self, method: Method, path: &str) -> Answer {
        let mark = if path.contains('?') { '&' } else { '?' };
        let is_whole = path.starts_with("https://");
        let base = format!(
            "{MANAGEMENT}/api/v1.0/{}/activity/feed/",
            self.plan.tenant_id
        );
        let base = if is_whole { "" } else { &base };
        self.ask(
            method,
            &format!("{base}{path}{mark}{PUBLISHER}"),
            self.bearer(MANAGEMENT),
            "",
        )
    }

    pub fn window(feed: &str, from: Timestamp, to: Timestamp) -> String {
        let text = |at: Timestamp| at.strftime("%Y-%m-%dT%H:%M:%S").to_string();
        format!(
            "subscriptions/content?contentType={feed}&startTime={}&endTime={}",
            text(from),
            text(to)
        )
    }

    /// Every page of a listing.
    pub fn listing(&self, path: &str) -> Vec<Value> {
        let (mut items, mut url) = (Vec::new(), path.to_string());
        loop {
            let answer = self.feed(Method::Get, &url);
            assert_eq!(answer.status, 200, "{url}: {}", answer.text);
            items.extend(answer.json().as_array().unwrap().iter().cloned());
            let next = ["NextPageUri", "NextPageUrl"]
                .iter()
                .find_map(|name| answer.headers.get(name));
            match next {
                Some(next) => url = next.to_string(),
                None => return items,
            }
        }
    }

    /// Everything a feed lists, back to the oldest.
    pub fn whole_listing(&self, feed: &str) -> Vec<Value> {
        let now = self.clock.now();
        let mut items = Vec::new();
        for day in (0..7).rev() {
            let from = now - SignedDuration::from_hours(24 * (day + 1));
            let to = now - SignedDuration::from_hours(24 * day);
            items.extend(self.listing(&Reader::window(feed, from, to)));
        }
        items
    }

    /// The records of every blob of a listing.
    pub fn records(&self, items: &[Value]) -> Vec<Value> {
        let mut records = Vec::new();
        for item in items {
            let answer = self.feed(Method::Get, item["contentUri"].as_str().unwrap());
            assert_eq!(answer.status, 200, "{}", answer.text);
            records.extend(answer.json().as_array().unwrap().iter().cloned());
        }
        records
    }
}

/// The texts at one field, sorted and without doubles.
pub fn ids(values: &[Value], field: &str) -> std::collections::BTreeSet<String> {
    values
        .iter()
        .map(|value| value[field].as_str().unwrap_or_default().to_string())
        .collect()
}
