//! Files and folders of Microsoft 365, moved, renamed, made and deleted from outside, and what it leaves behind.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod file_actor;
mod reader;

use std::collections::BTreeSet;

use casbah_model::action::{ActionKind, Target};
use casbah_model::file::Sharing;
use casbah_model::transport::Method;
use casbah_simulators::governed::Governed;
use casbah_simulators::microsoft365::Fault;
use file_actor::{Actor, plan};
use reader::{Answer, Reader, small_plan};
use serde_json::{Value, json};

const FILE_KINDS: [ActionKind; 8] = [
    ActionKind::RemoveLink,
    ActionKind::ExpireLink,
    ActionKind::RemovePerson,
    ActionKind::RemoveExternal,
    ActionKind::MakePrivate,
    ActionKind::InheritSharing,
    ActionKind::Quarantine,
    ActionKind::Trash,
];

fn refusal(answer: &Answer) -> (u16, String) {
    (answer.status, answer.code())
}

fn id(item: &Value) -> String {
    item["id"].as_str().unwrap().into()
}

impl Actor {
    fn make_folder(&self, within: &str, name: &str) -> Answer {
        let path = format!("drives/{}/{within}/children", self.drive);
        let body = json!({
            "name": name,
            "folder": {},
            "@microsoft.graph.conflictBehavior": "fail",
        });
        self.change(Method::Post, &path, &body)
    }

    fn patch(&self, body: &Value) -> Answer {
        self.change(Method::Patch, &self.path(""), body)
    }

    fn move_to(&self, folder: &str) -> Answer {
        self.patch(&json!({"parentReference": {"id": folder}}))
    }

    fn folder(&self) -> String {
        id(&self.get(&self.path(""))["parentReference"])
    }
}

#[test]
fn a_file_that_is_deleted_is_gone_and_the_delta_tells() {
    let actor = Actor::on(ActionKind::Trash);
    let (path, link) = (actor.path(""), actor.delta());
    let before = actor.get(&path);
    let files = actor.reader.simulator.holds().files;
    assert_eq!(actor.delete(&path).status, 204);
    assert_eq!(refusal(&actor.delete(&path)), (404, "itemNotFound".into()));
    for path in [path, actor.path("/permissions")] {
        let gone = actor.reader.graph(&path);
        assert_eq!(refusal(&gone), (404, "itemNotFound".into()));
    }
    let changes = actor.changes(&link);
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0]["deleted"]["state"], "deleted");
    let held = actor.reader.simulator.holds();
    assert_eq!(held.files, files - 1);
    assert!(!held.file_ids.contains_key(&actor.item));
    let told = actor.told("FileRecycled");
    assert_eq!(told["SourceFileName"], before["name"]);
    assert_eq!(told["AppAccessContext"]["ClientAppName"], "Casbah");
}

#[test]
fn what_lies_in_a_folder_goes_with_it() {
    let actor = Actor::on(ActionKind::Trash);
    let link = actor.delta();
    let folder = format!("drives/{}/items/{}", actor.drive, actor.folder());
    assert_eq!(actor.delete(&folder).status, 204);
    assert_eq!(actor.reader.graph(&actor.path("")).status, 404);
    assert_eq!(actor.changes(&link).len(), 2);
    assert_eq!(actor.told("FolderRecycled")["ItemType"], "Folder");
    let root = format!("drives/{}/items/root", actor.drive);
    assert_eq!(
        refusal(&actor.delete(&root)),
        (400, "invalidRequest".into())
    );
}

#[test]
fn who_knows_an_older_state_changes_nothing() {
    let actor = Actor::on(ActionKind::Quarantine);
    let path = actor.path("");
    let old = actor.get(&path)["eTag"].as_str().unwrap().to_string();
    assert_eq!(actor.patch(&json!({"name": "New.docx"})).status, 200);
    let delete = |tag: &str| actor.change_if(Method::Delete, &path, tag, &Value::Null);
    let rename = json!({"name": "Newer.docx"});
    assert_eq!(refusal(&delete(&old)), (412, "resourceModified".into()));
    let refused = actor.change_if(Method::Patch, &path, &old, &rename);
    assert_eq!(refusal(&refused), (412, "resourceModified".into()));
    actor.switch(Fault::PreconditionFailed);
    assert_eq!(refusal(&delete(&old)), (412, "preconditionFailed".into()));
    let new = actor.get(&path)["eTag"].as_str().unwrap().to_string();
    assert_eq!(delete(&new).status, 204);
}

#[test]
fn folders_are_made_once_and_found_by_their_names() {
    let actor = Actor::on(ActionKind::Trash);
    let link = actor.delta();
    let name = "Kept & counted, 100%";
    let by_path = |path: &str| {
        let path = format!("drives/{}/root:/{path}", actor.drive);
        actor.reader.graph(&path)
    };
    let encoded = "Kept%20%26%20counted%2C%20100%25";
    assert_eq!(refusal(&by_path(encoded)), (404, "itemNotFound".into()));
    let made = actor.make_folder("root", name);
    assert_eq!(made.status, 201, "{}", made.text);
    let made = made.json();
    assert_eq!(made["name"], name);
    assert!(made["folder"].is_object());
    assert_eq!(id(&by_path(encoded).json()), id(&made));
    let taken = (409, "nameAlreadyExists".to_string());
    assert_eq!(
        refusal(&actor.make_folder("root", &name.to_uppercase())),
        taken
    );
    let path = format!("drives/{}/root/children", actor.drive);
    let mut body = json!({"name": name, "folder": {}});
    body["@microsoft.graph.conflictBehavior"] = "rename".into();
    let other = actor.change(Method::Post, &path, &body).json();
    assert_eq!(other["name"], format!("{name} 1"));
    let within = format!("items/{}", id(&made));
    assert_eq!(actor.make_folder(&within, "Inside").status, 201);
    let inside = by_path(&format!("{encoded}/Inside"));
    let path = format!("drives/{}/{within}:/Inside", actor.drive);
    assert_eq!(inside.status, 200);
    assert_eq!(id(&actor.get(&path)), id(&inside.json()));
    assert_eq!(actor.make_folder("items/none", "x").status, 404);
    for wrong in ["", "a/b", "a:b"] {
        let refused = actor.make_folder("root", wrong);
        assert_eq!(refusal(&refused), (400, "invalidRequest".into()), "{wrong}");
    }
    assert_eq!(actor.changes(&link).len(), 3);
    assert_eq!(actor.told("FolderCreated")["ItemType"], "Folder");
}

#[test]
fn a_file_that_is_moved_keeps_what_was_given_on_itself() {
    let actor = Actor::on(ActionKind::Quarantine);
    let own = actor.own();
    let (before, old_folder) = (actor.get(&actor.path("")), actor.folder());
    let target = id(&actor.make_folder("root", "Quarantine").json());
    let colleague = &actor.permissions()[1]["grantedToV2"]["user"]["id"];
    let stranger = json!({
        "recipients": [{"email": "someone@elsewhere.example"}, {"objectId": colleague}],
        "roles": ["read"],
        "requireSignIn": true,
    });
    let invite = format!("drives/{}/items/{old_folder}/invite", actor.drive);
    assert_eq!(actor.change(Method::Post, &invite, &stranger).status, 200);
    // Who is named on the file and on its folder is named once.
    assert_eq!(actor.permissions().len(), 1 + own.len() + 1);
    assert_eq!(actor.sharing(), Some(Sharing::External));
    let link = actor.delta();
    let moved = actor.move_to(&target);
    assert_eq!(moved.status, 200, "{}", moved.text);
    assert_eq!(actor.folder(), target);
    assert_ne!(moved.json()["eTag"], before["eTag"]);
    assert_eq!(actor.permissions().len(), 1 + own.len());
    assert_eq!(actor.sharing(), Some(Sharing::Internal));
    let changes = actor.changes(&link);
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0]["parentReference"]["id"], target);
    assert_eq!(actor.move_to(&old_folder).status, 200);
    assert_eq!(actor.sharing(), Some(Sharing::External));
    assert_eq!(actor.get(&actor.path(""))["webUrl"], before["webUrl"]);
    let told = actor.told("FileMoved");
    let places = [&told["SourceRelativeUrl"], &told["DestinationRelativeUrl"]];
    assert!(places.contains(&&json!("Documents/Quarantine")), "{told}");
    assert_eq!(told["DestinationFileName"], before["name"]);
}

#[test]
fn names_are_taken_once_in_a_folder() {
    let actor = Actor::on(ActionKind::Quarantine);
    let within = format!("items/{}", actor.folder());
    let taken = (409, "nameAlreadyExists".to_string());
    assert_eq!(actor.make_folder(&within, "Taken").status, 201);
    assert_eq!(refusal(&actor.patch(&json!({"name": "taken"}))), taken);
    let name = actor.get(&actor.path(""))["name"].clone();
    let target = id(&actor.make_folder("root", "Target").json());
    let within = format!("items/{target}");
    assert_eq!(
        actor.make_folder(&within, name.as_str().unwrap()).status,
        201
    );
    assert_eq!(refusal(&actor.move_to(&target)), taken);
    let both = json!({"parentReference": {"id": target}, "name": "Free.docx"});
    let moved = actor.patch(&both).json();
    assert_eq!(moved["name"], "Free.docx");
    assert_eq!(moved["parentReference"]["id"], target);
    assert_eq!(actor.patch(&json!({"name": "free.docx"})).status, 200);
    let told = actor.told("FileRenamed");
    assert_eq!(
        (&told["SourceFileName"], &told["DestinationFileName"]),
        (&json!("Free.docx"), &json!("free.docx"))
    );
}

#[test]
fn things_are_moved_into_folders_of_the_same_drive() {
    let actor = Actor::on(ActionKind::Quarantine);
    let invalid = (400, "invalidRequest".to_string());
    let moved = |parent: Value| actor.patch(&json!({"parentReference": parent}));
    for parent in [
        json!({"id": "root"}),
        json!({"driveId": "b!elsewhere", "id": actor.folder()}),
        json!({"path": "/drive/root:/Folder"}),
        json!({"id": actor.item}),
    ] {
        assert_eq!(refusal(&moved(parent.clone())), invalid, "{parent}");
    }
    assert_eq!(refusal(&actor.patch(&json!({}))), invalid);
    let gone = refusal(&moved(json!({"id": "01NONE"})));
    assert_eq!(gone, (404, "itemNotFound".into()));
    let outer = actor.folder();
    let inner = actor.make_folder(&format!("items/{outer}"), "Inner").json();
    let path = format!("drives/{}/items/{outer}", actor.drive);
    let body = json!({"parentReference": {"id": id(&inner)}});
    let into_itself = actor.change(Method::Patch, &path, &body);
    assert_eq!(refusal(&into_itself), invalid);
    let put = actor.change(Method::Put, &actor.path(""), &json!({}));
    assert_eq!(put.status, 405);
}

#[test]
fn who_may_only_read_changes_nothing() {
    let plan = small_plan(5);
    let actor = Actor::with(Reader::new(plan), ActionKind::RemoveLink);
    let own = actor.own_path(0);
    for (method, path) in [
        (Method::Delete, own.clone()),
        (Method::Patch, own),
        (Method::Post, actor.path("/invite")),
        (Method::Delete, actor.path("")),
        (Method::Patch, actor.path("")),
        (Method::Post, actor.path("/children")),
        (
            Method::Post,
            format!("drives/{}/root/children", actor.drive),
        ),
    ] {
        let refused = actor.change(method, &path, &json!({"name": "x", "folder": {}}));
        assert_eq!(refusal(&refused), (403, "accessDenied".into()), "{path}");
    }
    assert_eq!(actor.own().len(), 1);
}

#[test]
fn every_action_finds_files_of_its_own() {
    let reader = Reader::new(plan());
    let mut targets: BTreeSet<Target> = BTreeSet::new();
    for kind in FILE_KINDS {
        let ready = reader.simulator.ready(kind, 6);
        assert_eq!(ready.len(), 6, "{kind}");
        for one in ready {
            let drive = one.target.within.clone().unwrap();
            let path = format!("drives/{drive}/items/{}", one.target.id);
            assert!(reader.graph(&path).json()["file"].is_object(), "{kind}");
            assert!(targets.insert(one.target), "{kind}");
        }
    }
}

#[test]
fn owners_come_in_between_where_there_is_a_third_way() {
    for kind in FILE_KINDS {
        let actor = Actor::on(kind);
        let path = actor.path("/permissions");
        let before = actor.reader.graph(&path).text;
        let is_changed = actor.reader.simulator.meddle(kind, &actor.ready);
        assert_eq!(is_changed, kind != ActionKind::Trash, "{kind}");
        let after = actor.reader.graph(&path).text;
        assert_eq!(before != after, is_changed, "{kind}");
    }
}
