//! Somebody who acts on one file of Microsoft 365 and looks at what became of it.

#![allow(dead_code, reason = "every test file uses another part of it")]

pub mod copies;

use casbah_model::action::ActionKind;
use casbah_model::file::Sharing;
use casbah_model::transport::{Headers, Method};
use casbah_model::{SignedDuration, ports::Clock};
use casbah_simulators::governed::{Governed, Ready};
use casbah_simulators::microsoft365::{ACT_ROLES, Fault, FaultSettings, Plan};
use serde_json::Value;

use crate::reader::{Answer, GRAPH, Reader, small_plan};

pub struct Actor {
    pub reader: Reader,
    pub ready: Ready,
    pub drive: String,
    pub item: String,
}

pub fn plan() -> Plan {
    let mut plan = small_plan(5);
    plan.roles.extend(ACT_ROLES.map(String::from));
    plan
}

impl Actor {
    /// With a file that is ready for an action.
    pub fn on(kind: ActionKind) -> Actor {
        Actor::with(Reader::new(plan()), kind)
    }

    pub fn with(reader: Reader, kind: ActionKind) -> Actor {
        let ready = reader.simulator.ready(kind, 1).remove(0);
        let (drive, item) = (ready.target.within.clone(), ready.target.id.clone());
        Actor {
            reader,
            ready,
            drive: drive.unwrap(),
            item,
        }
    }

    pub fn switch(&self, fault: Fault) {
        let settings = Some(FaultSettings::always());
        self.reader.simulator.switch(fault, settings);
    }

    /// The path of the item, and of what is below it.
    pub fn path(&self, below: &str) -> String {
        format!("drives/{}/items/{}{below}", self.drive, self.item)
    }

    pub fn change(&self, method: Method, path: &str, body: &Value) -> Answer {
        self.change_if(method, path, "*", body)
    }

    pub fn change_if(&self, method: Method, path: &str, tag: &str, body: &Value) -> Answer {
        let headers: Headers = self.reader.bearer(GRAPH).with("If-Match", tag);
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let url = format!("{GRAPH}/v1.0/{path}");
        self.reader.ask(method, &url, headers, &body)
    }

    pub fn delete(&self, path: &str) -> Answer {
        self.change(Method::Delete, path, &Value::Null)
    }

    /// How the work stands that an answer points to.
    pub fn monitored(&self, accepted: &Answer) -> Answer {
        assert_eq!(accepted.status, 202, "{}", accepted.text);
        let address = accepted.headers.get("Location").unwrap();
        self.reader
            .ask(Method::Get, address, Headers::default(), "")
    }

    pub fn get(&self, path: &str) -> Value {
        self.reader.graph(path).json()
    }

    pub fn permissions(&self) -> Vec<Value> {
        self.reader.walk(&self.path("/permissions"), "").0
    }

    /// The ids of the permissions that stand on the file itself: neither the owner's nor those of a site's groups.
    pub fn own(&self) -> Vec<String> {
        let permissions = self.permissions().into_iter();
        let own = permissions.filter(|one| {
            let is_group = one["grantedToV2"]["siteGroup"].is_object();
            one["roles"][0] != "owner" && !is_group && one["inheritedFrom"].is_null()
        });
        own.map(|one| one["id"].as_str().unwrap().into()).collect()
    }

    pub fn own_path(&self, number: usize) -> String {
        self.path(&format!("/permissions/{}", self.own()[number]))
    }

    /// How far the file is open, as the tenant knows it.
    pub fn sharing(&self) -> Option<Sharing> {
        let held = self.reader.simulator.holds();
        held.file_ids.get(&self.item).copied()
    }

    /// Where the drive's delta goes on from here.
    pub fn delta(&self) -> String {
        let path = format!("drives/{}/root/delta?token=latest", self.drive);
        self.reader.walk(&path, "").1.unwrap()
    }

    pub fn changes(&self, link: &str) -> Vec<Value> {
        let prefer = "hierarchicalsharing, deltashowsharingchanges";
        self.reader.walk(link, prefer).0
    }

    /// The last record of an operation, once it is published.
    pub fn told(&self, operation: &str) -> Value {
        let clock = &self.reader.clock;
        let from = clock.now();
        clock.forward(SignedDuration::from_hours(2));
        let window = Reader::window("Audit.SharePoint", from, clock.now());
        let records = self.reader.records(&self.reader.listing(&window));
        let mut found = records
            .into_iter()
            .filter(|record| record["Operation"] == operation && record["UserType"] == 5);
        found.next().unwrap_or_else(|| panic!("no {operation}"))
    }
}
