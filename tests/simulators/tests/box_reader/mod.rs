//! A reader of an enterprise of Box as simple as can be: what the tests look through.

#![allow(dead_code, reason = "every test file uses another part of the reader")]

#[path = "../clock/mod.rs"]
mod clock;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use casbah_model::SignedDuration;
use casbah_model::ports::{Clock, Transport};
use casbah_model::transport::{Headers, Method, Request, TransportError};
use casbah_simulators::box_com::{Fault, FaultSettings, Latency, Plan, Simulator};
pub use clock::JumpingClock;
use serde_json::{Value, json};

pub const BASE: &str = "https://api.box.com";
/// What a scan asks for of items.
pub const FIELDS: &str = "id,type,name,size,sha1,etag,owned_by,parent,path_collection,shared_link,has_collaborations,is_externally_owned,item_status,classification,trashed_at";

pub struct Answer {
    pub status: u16,
    pub headers: Headers,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub fn entries(&self) -> Vec<Value> {
        let json = self.json();
        let entries = json["entries"].as_array();
        entries.unwrap_or_else(|| panic!("{}", self.text)).clone()
    }

    /// The code of an error of the API or of the token endpoint.
    pub fn code(&self) -> String {
        let json = self.json();
        let code = json["code"].as_str().or(json["error"].as_str());
        code.unwrap_or_default().to_string()
    }

    pub fn refusal(&self) -> (u16, String) {
        (self.status, self.code())
    }

    /// The error of the token endpoint with its description.
    pub fn denial(&self) -> (u16, String, String) {
        let json = self.json();
        let text = |name: &str| json[name].as_str().unwrap_or_default().to_string();
        (self.status, text("error"), text("error_description"))
    }
}

pub struct Reader {
    pub simulator: Simulator,
    pub clock: Arc<JumpingClock>,
    pub plan: Plan,
    runtime: tokio::runtime::Runtime,
    /// Makes every `jti` another one.
    ids: Cell<u64>,
    /// With the time until which it is good enough.
    token: RefCell<Option<(String, i64)>>,
}

/// A small enterprise without latency, whose limits no test meets by accident.
pub fn small_plan(seed: u64) -> Plan {
    let mut plan = Plan::new(seed).sized(60, 8, 900, 1500);
    plan.latency = Latency::NONE;
    plan.limits.is_on = false;
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
        Reader {
            simulator,
            clock,
            plan,
            runtime,
            ids: Cell::new(0),
            token: RefCell::new(None),
        }
    }

    pub fn small(seed: u64) -> Reader {
        Reader::new(small_plan(seed))
    }

    pub fn now(&self) -> i64 {
        self.clock.now().as_second()
    }

    pub fn wait(&self, seconds: i64) {
        self.clock.forward(SignedDuration::from_secs(seconds));
    }

    pub fn fresh(&self) -> String {
        self.ids.set(self.ids.get() + 1);
        format!("id-of-an-assertion-{}", self.ids.get())
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
        Request {
            method,
            url: format!("{BASE}{path}"),
            headers,
            body: body.as_bytes().to_vec().into(),
        }
    }

    pub fn ask(&self, method: Method, path: &str, headers: Headers, body: &str) -> Answer {
        self.try_send(Reader::request(method, path, headers, body))
            .unwrap()
    }

    pub fn token_endpoint(&self, form: &str) -> Answer {
        self.ask(Method::Post, "/oauth2/token", Headers::default(), form)
    }

    /// Client credentials for an enterprise or a user.
    pub fn credentials(&self, kind: &str, id: &str) -> Answer {
        let client = &self.plan.client;
        self.token_endpoint(&format!(
            "grant_type=client_credentials&client_id={}&client_secret={}&box_subject_type={kind}&box_subject_id={id}",
            client.id, client.secret
        ))
    }

    pub fn assertion_header(&self) -> Value {
        json!({ "alg": "RS512", "typ": "JWT", "kid": self.plan.client.key_id })
    }

    pub fn assertion_claims(&self) -> Value {
        json!({
            "iss": self.plan.client.id, "sub": self.plan.enterprise(), "box_sub_type": "enterprise",
            "aud": self.plan.token_url(), "exp": self.now() + 45, "jti": self.fresh(),
        })
    }

    pub fn token_by(&self, assertion: &str) -> Answer {
        let client = &self.plan.client;
        self.token_endpoint(&format!(
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&client_id={}&client_secret={}&assertion={assertion}",
            client.id, client.secret
        ))
    }

    pub fn exchange(&self, token: &str, scope: &str) -> Answer {
        self.token_endpoint(&format!(
            "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token={token}&subject_token_type=urn:ietf:params:oauth:token-type:access_token&scope={}",
            scope.replace(' ', "+")
        ))
    }

    pub fn token_of(answer: &Answer) -> String {
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()["access_token"].as_str().unwrap().to_string()
    }

    /// The token of the service account, taken again when it is about to expire.
    pub fn token(&self) -> String {
        let mut token = self.token.borrow_mut();
        if let Some((token, until)) = &*token
            && self.now() < *until
        {
            return token.clone();
        }
        let taken = Reader::token_of(&self.credentials("enterprise", &self.plan.enterprise()));
        *token = Some((taken.clone(), self.now() + 4000));
        taken
    }

    pub fn forget_token(&self) {
        *self.token.borrow_mut() = None;
    }

    pub fn bearer(token: &str) -> Headers {
        Headers::default().with("Authorization", format!("Bearer {token}"))
    }

    pub fn get_with(&self, token: &str, path: &str) -> Answer {
        self.ask(Method::Get, path, Reader::bearer(token), "")
    }

    /// A call of the service account.
    pub fn get(&self, path: &str) -> Answer {
        self.get_with(&self.token(), path)
    }

    /// The same as the user with an id.
    pub fn get_as(&self, user: &str, path: &str) -> Answer {
        let headers = Reader::bearer(&self.token()).with("as-user", user);
        self.ask(Method::Get, path, headers, "")
    }

    /// A change as the user with an id, or as the service account.
    pub fn change(&self, user: Option<&str>, method: Method, path: &str, body: Value) -> Answer {
        let headers = Reader::bearer(&self.token());
        let headers = match user {
            Some(user) => headers.with("as-user", user),
            None => headers,
        };
        self.ask(method, path, headers, &body.to_string())
    }

    /// Every entry of a list by marker, and how many pages it took; `user` for `as-user`.
    pub fn pages(&self, user: Option<&str>, path: &str) -> (Vec<Value>, usize) {
        let mark = if path.contains('?') { '&' } else { '?' };
        let (mut entries, mut marker) = (Vec::new(), String::new());
        for page in 1..1000 {
            let url = format!("{path}{mark}usemarker=true&marker={marker}");
            let answer = match user {
                Some(user) => self.get_as(user, &url),
                None => self.get(&url),
            };
            assert_eq!(answer.status, 200, "{url}: {}", answer.text);
            entries.extend(answer.entries());
            match answer.json()["next_marker"].as_str() {
                None | Some("") => return (entries, page),
                Some(next) => marker = next.to_string(),
            }
        }
        panic!("{path} never ends");
    }

    /// Every entry of a list by offset.
    pub fn numbered(&self, path: &str, limit: usize) -> Vec<Value> {
        let mark = if path.contains('?') { '&' } else { '?' };
        let (mut entries, mut offset) = (Vec::new(), 0);
        loop {
            let answer = self.get(&format!("{path}{mark}limit={limit}&offset={offset}"));
            assert_eq!(answer.status, 200, "{path}: {}", answer.text);
            entries.extend(answer.entries());
            offset += limit;
            if offset as u64 >= answer.json()["total_count"].as_u64().unwrap() {
                return entries;
            }
        }
    }

    /// Every item below a folder as a user sees it, folders included.
    pub fn walk(&self, user: &str, folder: &str) -> Vec<Value> {
        let path = format!("/2.0/folders/{folder}/items?limit=7&fields={FIELDS}");
        let (items, _) = self.pages(Some(user), &path);
        let mut found = Vec::new();
        for item in items {
            let id = item["id"].as_str().unwrap().to_string();
            let is_folder = item["type"] == "folder";
            found.push(item);
            if is_folder {
                found.extend(self.walk(user, &id));
            }
        }
        found
    }

    /// Every file and link to the web that walks as all active users come by, by id.
    pub fn scan(&self) -> BTreeMap<String, Value> {
        let (users, _) = self.pages(None, "/2.0/users?limit=1000&fields=status");
        let mut files = BTreeMap::new();
        for user in users.iter().filter(|user| user["status"] != "inactive") {
            let id = user["id"].as_str().unwrap();
            if id == self.simulator.service_account_id() {
                continue;
            }
            let items = self.walk(id, "0").into_iter();
            let leaves = items.filter(|item| item["type"] != "folder");
            files.extend(leaves.map(|item| (item["id"].as_str().unwrap().to_string(), item)));
        }
        files
    }

    /// One page of events: the entries and the next position, read as the text it is.
    pub fn chunk(&self, query: &str) -> (Vec<Value>, String) {
        let answer = self.get(&format!("/2.0/events?{query}"));
        assert_eq!(answer.status, 200, "{query}: {}", answer.text);
        let rest = answer.text.split("\"next_stream_position\":").nth(1);
        let position = rest.unwrap().split(',').next().unwrap();
        (answer.entries(), position.trim_matches('"').to_string())
    }

    /// Everything a stream has from a position on, and the position at its end.
    pub fn drain(&self, stream: &str, from: &str) -> (Vec<Value>, String) {
        let (mut events, mut position) = (Vec::new(), from.to_string());
        for _ in 0..1000 {
            let query = format!("stream_type={stream}&limit=500&stream_position={position}");
            let (page, next) = self.chunk(&query);
            position = next;
            if page.is_empty() {
                return (events, position);
            }
            events.extend(page);
        }
        panic!("{stream} never ends");
    }
}

/// The texts at one field, sorted and without doubles.
pub fn ids(values: &[Value], field: &str) -> BTreeSet<String> {
    values
        .iter()
        .map(|value| value[field].as_str().unwrap_or_default().to_string())
        .collect()
}
