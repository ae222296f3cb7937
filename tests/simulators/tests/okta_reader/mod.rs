//! A reader of an Okta org as simple as can be: what the tests look through.

#![allow(dead_code, reason = "every test file uses another part of the reader")]

#[path = "../clock/mod.rs"]
mod clock;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use casbah_model::Timestamp;
use casbah_model::ports::{Clock, Transport};
use casbah_model::transport::{Headers, Method, Request, TransportError};
use casbah_simulators::okta::{Fault, FaultSettings, Latency, Plan, Simulator};
pub use clock::JumpingClock;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub const BASE: &str = "https://acme.okta.com";
pub const KEY: &str = r#"{"kty":"RSA","n":"0vx7","e":"AQAB"}"#;

pub struct Answer {
    pub status: u16,
    pub headers: Headers,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The code of an error of either API.
    pub fn code(&self) -> String {
        let json = self.json();
        let code = json["errorCode"].as_str().or(json["error"].as_str());
        code.unwrap_or_default().to_string()
    }

    pub fn refusal(&self) -> (u16, String) {
        (self.status, self.code())
    }

    /// The address with this relation, from whichever `link` line.
    pub fn link(&self, relation: &str) -> Option<String> {
        let lines = self.headers.iter().filter(|(name, _)| *name == "link");
        let links = lines.flat_map(|(_, line)| line.split(", <").map(String::from));
        links.into_iter().find_map(|link| {
            let (url, rest) = link.trim_start_matches('<').split_once('>')?;
            rest.contains(&format!("rel=\"{relation}\""))
                .then(|| url.to_string())
        })
    }

    pub fn header(&self, name: &str) -> i64 {
        self.headers.get(name).unwrap().parse().unwrap()
    }
}

pub struct Reader {
    pub simulator: Simulator,
    pub clock: Arc<JumpingClock>,
    pub plan: Plan,
    runtime: tokio::runtime::Runtime,
    /// Makes every `jti` another one.
    ids: Cell<u64>,
}

/// A small org without latency, whose limits no test meets by accident.
pub fn small_plan(seed: u64) -> Plan {
    let mut plan = Plan::new(seed).sized(450, 30, 1500);
    plan.latency = Latency::NONE;
    plan.limits.is_on = false;
    plan.limits.others = 0.0;
    plan
}

pub fn always() -> Option<FaultSettings> {
    Some(FaultSettings::always())
}

pub fn with(fault: Fault, settings: FaultSettings) -> Reader {
    let reader = Reader::small(1);
    reader.simulator.switch(fault, Some(settings));
    reader
}

fn part(value: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(value.to_string())
}

/// A token whose signature nobody checks.
pub fn jwt(header: &Value, claims: &Value) -> String {
    format!("{}.{}.c2lnbmVk", part(header), part(claims))
}

impl Reader {
    pub fn new(plan: Plan) -> Reader {
        let clock = Arc::new(JumpingClock::at(plan.started));
        let simulator = Simulator::new(plan.clone(), clock.clone());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let ids = Cell::new(0);
        Reader {
            simulator,
            clock,
            plan,
            runtime,
            ids,
        }
    }

    pub fn small(seed: u64) -> Reader {
        Reader::new(small_plan(seed))
    }

    pub fn now(&self) -> i64 {
        self.clock.now().as_second()
    }

    pub fn fresh(&self) -> String {
        self.ids.set(self.ids.get() + 1);
        format!("id-{}", self.ids.get())
    }

    pub fn try_send(&self, request: Request) -> Result<Answer, TransportError> {
        self.runtime.block_on(async {
            let mut response = self.simulator.send(request).await?;
            let mut bytes = Vec::new();
            while let Some(chunk) = response.body.chunk().await? {
                bytes.extend_from_slice(&chunk);
            }
            Ok(Answer {
                status: response.status,
                headers: response.headers,
                text: String::from_utf8(bytes).unwrap(),
            })
        })
    }

    pub fn request(method: Method, path: &str, headers: Headers, body: &str) -> Request {
        let is_whole = path.starts_with("https://") || path.starts_with("http://");
        Request {
            method,
            url: if is_whole {
                path.into()
            } else {
                format!("{BASE}{path}")
            },
            headers,
            body: body.as_bytes().to_vec().into(),
        }
    }

    pub fn ask(&self, method: Method, path: &str, headers: Headers, body: &str) -> Answer {
        self.try_send(Reader::request(method, path, headers, body))
            .unwrap()
    }

    pub fn api_token(&self) -> Headers {
        Headers::default().with("Authorization", format!("SSWS {}", self.plan.api_token))
    }

    /// A call with the API token, which may do everything.
    pub fn call(&self, method: Method, path: &str, body: &str) -> Answer {
        self.ask(method, path, self.api_token(), body)
    }

    pub fn get(&self, path: &str) -> Answer {
        self.call(Method::Get, path, "")
    }

    /// Every entry of a list, and how many pages it took.
    pub fn pages(&self, path: &str) -> (Vec<Value>, usize) {
        let (mut values, mut url) = (Vec::new(), path.to_string());
        for page in 1..1000 {
            let answer = self.get(&url);
            assert_eq!(answer.status, 200, "{url}: {}", answer.text);
            values.extend(answer.json().as_array().unwrap().iter().cloned());
            match answer.link("next") {
                Some(next) => url = next,
                None => return (values, page),
            }
        }
        panic!("{path} never ends");
    }

    pub fn walk(&self, path: &str) -> Vec<Value> {
        self.pages(path).0
    }

    /// Everything the system log has from here on, and the cursor at its tip.
    pub fn poll(&self, path: &str) -> (Vec<Value>, String) {
        let (mut events, mut url) = (Vec::new(), path.to_string());
        for _ in 0..1000 {
            let answer = self.get(&url);
            assert_eq!(answer.status, 200, "{url}: {}", answer.text);
            let page = answer.json();
            url = answer.link("next").unwrap();
            if page.as_array().unwrap().is_empty() {
                return (events, url);
            }
            events.extend(page.as_array().unwrap().iter().cloned());
        }
        panic!("{path} never comes to its tip");
    }

    /// A path of the system log from this long before now on.
    pub fn logs_since(&self, hours: i64) -> String {
        let since = self.clock.now() - casbah_model::SignedDuration::from_hours(hours);
        format!("/api/v1/logs?limit=1000&since={}", stamp(since))
    }

    pub fn assertion_header(&self) -> Value {
        json!({ "alg": "RS256", "kid": self.plan.client.key_id })
    }

    pub fn assertion_claims(&self) -> Value {
        let id = &self.plan.client.id;
        json!({ "iss": id, "sub": id, "aud": self.plan.token_url(), "exp": self.now() + 600, "jti": self.fresh() })
    }

    /// A request for a token by an assertion, with a proof if there is one.
    pub fn token_by(&self, assertion: &str, scopes: &str, proof: Option<&str>) -> Answer {
        let form = format!(
            "grant_type=client_credentials&scope={}&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion={assertion}",
            scopes.replace(' ', "+")
        );
        let headers = match proof {
            Some(proof) => Headers::default().with("DPoP", proof),
            None => Headers::default(),
        };
        self.ask(Method::Post, "/oauth2/v1/token", headers, &form)
    }

    pub fn token_answer(&self, scopes: &str) -> Answer {
        let assertion = jwt(&self.assertion_header(), &self.assertion_claims());
        self.token_by(&assertion, scopes, None)
    }

    pub fn bearer(&self, scopes: &str) -> Headers {
        let answer = self.token_answer(scopes);
        assert_eq!(answer.status, 200, "{}", answer.text);
        let token = answer.json()["access_token"].as_str().unwrap().to_string();
        Headers::default().with("Authorization", format!("Bearer {token}"))
    }

    pub fn proof_claims(&self, method: &str, url: &str, token: Option<&str>) -> Value {
        let mut claims =
            json!({ "htm": method, "htu": url, "iat": self.now(), "jti": self.fresh() });
        if let Some(token) = token {
            claims["ath"] = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(token)).into();
        }
        claims
    }

    pub fn proof(claims: &Value) -> String {
        let key: Value = serde_json::from_str(KEY).unwrap();
        jwt(
            &json!({ "typ": "dpop+jwt", "alg": "RS256", "jwk": key }),
            claims,
        )
    }
}

pub fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// The texts at one field, sorted and without doubles.
pub fn ids(values: &[Value], field: &str) -> BTreeSet<String> {
    values
        .iter()
        .map(|value| value[field].as_str().unwrap_or_default().to_string())
        .collect()
}
