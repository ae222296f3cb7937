//! The same somebody, who copies the file into the folder of the administrators and looks there.

use std::collections::BTreeSet;

use casbah_model::SignedDuration;
use casbah_model::action::{ActionKind, Target};
use casbah_model::transport::Method;
use serde_json::{Value, json};

use super::Actor;
use crate::reader::{Answer, GRAPH, ids};

const FAIL: &str = "@microsoft.graph.conflictBehavior=fail";
const SELECT: &str = "$select=id,name,size,eTag,file,folder,root,parentReference";
/// Longer than any copy takes that is not slow.
pub const COPIED: SignedDuration = SignedDuration::from_secs(20);

pub fn refusal(answer: &Answer) -> (u16, String) {
    (answer.status, answer.code())
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap().into()
}

/// Size and hash of an item.
pub fn content(item: &Value) -> (u64, String) {
    let size = item["size"].as_u64().unwrap();
    (size, text(&item["file"]["hashes"]["quickXorHash"]))
}

/// A folder of a drive.
pub struct Folder {
    pub drive: String,
    pub id: String,
}

impl Folder {
    pub fn path(&self, below: &str) -> String {
        format!("drives/{}/items/{}{below}", self.drive, self.id)
    }

    pub fn reference(&self) -> Value {
        json!({"driveId": self.drive, "id": self.id})
    }
}

impl Actor {
    pub fn quarantined() -> Actor {
        Actor::on(ActionKind::AdminQuarantine)
    }

    /// The folder of the administrators.
    pub fn to(&self) -> Folder {
        let to: Target = self.ready.parameters["to"].parse().unwrap();
        Folder {
            drive: to.within.unwrap(),
            id: to.id,
        }
    }

    /// The folder that the file lies in.
    pub fn home(&self) -> Folder {
        let drive = self.drive.clone();
        let id = text(&self.seen()["parentReference"]["id"]);
        Folder { drive, id }
    }

    pub fn seen(&self) -> Value {
        self.get(&self.path(&format!("?{SELECT}")))
    }

    pub fn copy_of(&self, path: &str, to: &Folder, name: &str) -> Answer {
        let body = json!({
            "parentReference": to.reference(),
            "name": name,
            "includeAllVersionHistory": true,
        });
        self.change(Method::Post, &format!("{path}/copy?{FAIL}"), &body)
    }

    /// Copies the file into the administrators' folder.
    pub fn copy(&self, name: &str) -> Answer {
        self.copy_of(&self.path(""), &self.to(), name)
    }

    pub fn pass(&self, time: SignedDuration) {
        self.reader.clock.forward(time);
    }

    /// How a copy ended.
    pub fn ended(&self, accepted: &Answer) -> Value {
        self.pass(COPIED);
        let answer = self.monitored(accepted);
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    }

    pub fn put(&self, path: &str, body: &str) -> Answer {
        let url = format!("{GRAPH}/v1.0/{path}");
        let headers = self.reader.bearer(GRAPH).with("Content-Type", "text/plain");
        self.reader.ask(Method::Put, &url, headers, body)
    }

    pub fn upload(&self, to: &Folder, name: &str, body: &str) -> Answer {
        self.put(&to.path(&format!(":/{name}:/content?{FAIL}")), body)
    }

    pub fn by_name(&self, folder: &Folder, name: &str) -> Answer {
        let path = folder.path(&format!(":/{name}?{SELECT}"));
        self.reader.graph(&path)
    }

    pub fn names_in(&self, folder: &Folder) -> BTreeSet<String> {
        let children = self.reader.walk(&folder.path("/children"), "").0;
        ids(&children, "name")
    }

    pub fn delta_of(&self, drive: &str) -> String {
        let path = format!("drives/{drive}/root/delta?token=latest");
        self.reader.walk(&path, "").1.unwrap()
    }

    pub fn is_in_quarantine(&self) -> bool {
        let to = &self.ready.parameters["to"];
        let simulator = &self.reader.simulator;
        simulator.is_in_quarantine(&self.ready.target, to)
    }

    pub fn is_back(&self) -> bool {
        self.reader.simulator.is_back(&self.ready.target)
    }
}
