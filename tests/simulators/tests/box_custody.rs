//! What changes hands: moved by an editor into a folder of the service account's, where it is the service account's, and
//! back again.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod box_reader;

use std::collections::BTreeSet;

use box_reader::{Answer, FIELDS, Reader, always, ids, small_plan};
use casbah_model::action::ActionKind;
use casbah_model::transport::Method;
use casbah_simulators::box_com::{Access, Deed, Fault, Invitee, ItemHeld, Simulator};
use casbah_simulators::governed::Governed;
use serde_json::{Value, json};

const DENIED: &str = "access_denied_insufficient_permissions";
/// Active users of the plan without a role.
const OWNER: u64 = 20;
const COLLEAGUE: u64 = 21;

/// The service account with a folder in its root and one in that, as who takes things into custody makes them.
struct Custody {
    reader: Reader,
    owner: String,
    top: String,
    folder: String,
}

impl Custody {
    fn new() -> Custody {
        let mut plan = small_plan(3);
        plan.client.scopes.push("root_readwrite".into());
        let reader = Reader::new(plan);
        let make = |name: &str, parent: &str| {
            let body = json!({"name": name, "parent": {"id": parent}});
            let made = reader.change(None, Method::Post, "/2.0/folders", body);
            assert_eq!(made.status, 201, "{}", made.text);
            made.json()["id"].as_str().unwrap().to_string()
        };
        assert!(reader.get("/2.0/folders/0/items").entries().is_empty());
        let top = make("Custody", "0");
        let folder = make("Case", &top);
        Custody {
            owner: reader.simulator.user_id(OWNER),
            reader,
            top,
            folder,
        }
    }

    fn simulator(&self) -> &Simulator {
        &self.reader.simulator
    }

    fn upload(&self, folder: Option<&str>, name: &str) -> String {
        let (user, folder, name) = (OWNER, folder.map(String::from), name.into());
        let upload = Deed::Upload { user, folder, name };
        self.simulator().act(upload).unwrap()
    }

    fn make_folder(&self, name: &str) -> String {
        let (user, folder, name) = (OWNER, None, name.into());
        let made = Deed::CreateFolder { user, folder, name };
        self.simulator().act(made).unwrap()
    }

    /// A change by the service account.
    fn change(&self, method: Method, path: &str, body: Value) -> Answer {
        self.reader.change(None, method, path, body)
    }

    fn invite(&self, role: &str) -> Value {
        let body = json!({
            "item": {"type": "folder", "id": self.folder},
            "accessible_by": {"type": "user", "id": self.owner},
            "role": role,
        });
        let path = "/2.0/collaborations?notify=false";
        let made = self.change(Method::Post, path, body);
        assert_eq!(made.status, 201, "{}", made.text);
        made.json()
    }

    fn end(&self, collaboration: &Value) {
        let path = format!(
            "/2.0/collaborations/{}",
            collaboration["id"].as_str().unwrap()
        );
        let ended = self.change(Method::Delete, &path, json!(""));
        assert_eq!(ended.status, 204, "{}", ended.text);
    }

    /// A move by the hand of the owner, who knows the item's state.
    fn move_to(&self, path: &str, folder: &str, name: &str) -> Answer {
        let known = self.reader.get_as(&self.owner, path).json();
        let headers = Reader::bearer(&self.reader.token())
            .with("as-user", self.owner.as_str())
            .with("If-Match", known["etag"].as_str().unwrap_or_default());
        let body = json!({"parent": {"id": folder}, "name": name});
        let body = body.to_string();
        self.reader.ask(Method::Put, path, headers, &body)
    }

    /// The same while the owner is an editor of the folder in custody.
    fn move_as_editor(&self, path: &str, folder: &str, name: &str) -> Value {
        let collaboration = self.invite("editor");
        assert_eq!(collaboration["status"], "accepted");
        let moved = self.move_to(path, folder, name);
        assert_eq!(moved.status, 200, "{}", moved.text);
        self.end(&collaboration);
        moved.json()
    }

    fn status(&self, user: &str, path: &str) -> u16 {
        self.reader.get_as(user, path).status
    }

    fn held(&self, id: &str) -> ItemHeld {
        self.simulator().item(id).unwrap()
    }

    /// Names of what the service account sees in a folder.
    fn names(&self, folder: &str) -> BTreeSet<String> {
        let path = format!("/2.0/folders/{folder}/items?fields=name");
        ids(&self.reader.get(&path).entries(), "name")
    }

    /// Compares the tree that a walk as the owner shows with the truth.
    fn check_tree(&self) {
        let seen = self.reader.walk(&self.owner, "0").into_iter();
        let own = seen.filter(|item| item["owned_by"]["id"] == self.owner.as_str());
        let own = ids(&own.collect::<Vec<Value>>(), "id");
        let mut held = BTreeSet::new();
        self.simulator().each_item(|item| {
            if item.owner == self.owner && !item.is_trashed {
                held.insert(item.id);
            }
        });
        assert_eq!(own, held);
    }
}

fn names(values: &[&str]) -> BTreeSet<String> {
    values.iter().map(ToString::to_string).collect()
}

/// There and back, with what everybody sees on the way.
fn goes_and_comes(custody: &Custody, kind: &str, id: &str, folder: Option<&str>) {
    let path = format!("/2.0/{kind}s/{id}");
    let before = custody.held(id);
    let service = custody.simulator().service_account_id();
    let moved = custody.move_as_editor(&path, &custody.folder, "evidence");
    assert_eq!(
        (&moved["id"], &moved["owned_by"]["id"]),
        (&json!(id), &json!(service))
    );
    assert_eq!(custody.status(&custody.owner, &path), 404);
    custody.check_tree();
    assert_eq!(custody.names(&custody.folder), names(&["evidence"]));
    let told = custody.reader.get(&format!("{path}?fields={FIELDS}"));
    let told = told.json();
    assert_eq!(told["owned_by"]["id"], json!(service));
    assert_eq!(told["parent"]["id"], json!(custody.folder));
    assert_eq!(told["is_externally_owned"], false);
    let held = custody.held(id);
    assert_eq!((&held.owner, held.owner_status), (&service, None));
    assert!(!held.is_in_reach);
    assert_eq!(
        held.folders,
        [&custody.top, &custody.folder].map(Clone::clone)
    );
    let back = custody.move_as_editor(&path, folder.unwrap_or("0"), &before.name);
    assert_eq!(back["owned_by"]["id"], json!(custody.owner));
    assert_eq!(custody.held(id), before);
    assert_eq!(custody.reader.get(&path).status, 404);
    assert_eq!(custody.status(&custody.owner, &path), 200);
    custody.check_tree();
    let folder = format!("/2.0/folders/{}", custody.folder);
    let removed = custody.change(Method::Delete, &folder, json!(""));
    assert_eq!(removed.status, 204, "{}", removed.text);
    assert!(custody.names(&custody.top).is_empty());
}

#[test]
fn a_file_in_a_folder_goes_into_custody_and_comes_back() {
    let custody = Custody::new();
    let folder = custody.make_folder("Plans");
    let file = custody.upload(Some(&folder), "a.txt");
    goes_and_comes(&custody, "file", &file, Some(&folder));
}

#[test]
fn a_file_of_the_plan_in_the_root_goes_into_custody_and_comes_back() {
    let custody = Custody::new();
    let file = custody.simulator().items(OWNER, None, "file").remove(0);
    goes_and_comes(&custody, "file", &file, None);
}

#[test]
fn a_folder_goes_with_all_that_lies_in_it() {
    let custody = Custody::new();
    let folders = custody.simulator().items(OWNER, None, "folder").into_iter();
    let inside = |folder: &String| custody.simulator().items(OWNER, Some(folder), "file");
    let folder = folders.max_by_key(|folder| inside(folder).len()).unwrap();
    let file = inside(&folder).remove(0);
    let path = format!("/2.0/folders/{folder}");
    let file_path = format!("/2.0/files/{file}");
    let before = custody.held(&file);
    custody.move_as_editor(&path, &custody.folder, "evidence");
    assert_eq!(custody.status(&custody.owner, &file_path), 404);
    let held = custody.held(&file);
    assert_eq!(held.owner, custody.simulator().service_account_id());
    assert_eq!(held.folders.len(), 3);
    assert_eq!(custody.reader.get(&file_path).status, 200);
    let path_of_case = format!("/2.0/folders/{}", custody.folder);
    let full = custody.change(Method::Delete, &path_of_case, json!(""));
    assert_eq!(full.refusal(), (400, "folder_not_empty".into()));
    let name = custody.held(&before.folders[0]).name;
    assert_eq!(name, "evidence");
    custody.move_as_editor(&path, "0", "as it was");
    assert_eq!(custody.held(&file), before);
    assert_eq!(custody.status(&custody.owner, &file_path), 200);
    let another = custody.make_folder("Plans");
    custody.upload(Some(&another), "b.txt");
    goes_and_comes(&custody, "folder", &another, None);
}

#[test]
fn whoever_may_not_edit_both_folders_moves_nothing() {
    let custody = Custody::new();
    let file = custody.upload(None, "a.txt");
    let path = format!("/2.0/files/{file}");
    let refused = || custody.move_to(&path, &custody.folder, "a.txt").refusal();
    let denied = (403, DENIED.into());
    assert_eq!(refused(), denied, "not invited");
    let viewer = custody.invite("viewer");
    assert_eq!(refused(), denied, "only a viewer");
    let body = json!({"name": "Mine", "parent": {"id": custody.folder}});
    let made = custody
        .reader
        .change(Some(&custody.owner), Method::Post, "/2.0/folders", body);
    assert_eq!(made.refusal(), denied, "a viewer makes no folder");
    custody.end(&viewer);
    let collaboration = custody.invite("editor");
    let old = custody.reader.get_as(&custody.owner, &path).json();
    custody.simulator().act(Deed::Edit { item: file.clone() });
    let headers = Reader::bearer(&custody.reader.token())
        .with("as-user", custody.owner.as_str())
        .with("If-Match", old["etag"].as_str().unwrap());
    let body = json!({"parent": {"id": custody.folder}}).to_string();
    let late = custody.reader.ask(Method::Put, &path, headers, &body);
    assert_eq!(late.refusal(), (412, "precondition_failed".into()));
    assert_eq!(custody.move_to(&path, &custody.folder, "a.txt").status, 200);
    custody.end(&collaboration);
    let gone = custody.move_to(&path, "0", "a.txt").refusal();
    assert_eq!(gone, (404, "not_found".into()), "an editor no more");
    // Whoever may edit a file, but not the folder it lies in, does not take it out of there.
    custody.simulator().act(Deed::Invite {
        item: file.clone(),
        invitee: Invitee::User(OWNER),
    });
    let collaboration = custody.simulator().collaborations(&file).remove(0);
    custody.simulator().act(Deed::SetCollaborationRole {
        collaboration,
        role: "editor",
    });
    assert_eq!(custody.status(&custody.owner, &path), 200);
    assert_eq!(custody.move_to(&path, "0", "a.txt").refusal(), denied);
    let link = json!({"shared_link": {"access": "open"}});
    let linked = custody
        .reader
        .change(Some(&custody.owner), Method::Put, &path, link);
    assert_eq!(linked.refusal(), denied, "links are the owner's");
}

#[test]
fn a_pending_invitation_gives_nothing_until_it_is_accepted() {
    let custody = Custody::new();
    let file = custody.upload(None, "a.txt");
    let path = format!("/2.0/files/{file}");
    custody
        .simulator()
        .switch(Fault::InvitationPending, always());
    let invited = custody.invite("editor");
    assert_eq!(invited["status"], "pending");
    assert_eq!(invited["accessible_by"]["id"], json!(custody.owner));
    let all = format!("/2.0/folders/{}/collaborations", custody.folder);
    let status = || custody.reader.get(&all).entries()[0]["status"].clone();
    assert_eq!(status(), "pending");
    let move_it = || custody.move_to(&path, &custody.folder, "a.txt");
    assert_eq!(move_it().refusal(), (403, DENIED.into()));
    let one = format!("/2.0/collaborations/{}", invited["id"].as_str().unwrap());
    let accept = |user: &str, status: &str| {
        let body = json!({"status": status});
        custody.reader.change(Some(user), Method::Put, &one, body)
    };
    let colleague = custody.simulator().user_id(COLLEAGUE);
    assert_eq!(accept(&colleague, "accepted").status, 404);
    assert_eq!(accept(&custody.owner, "perhaps").status, 400);
    let accepted = accept(&custody.owner, "accepted");
    assert_eq!(accepted.json()["status"], "accepted");
    assert_eq!(accept(&custody.owner, "accepted").status, 200);
    assert_eq!(status(), "accepted");
    assert_eq!(move_it().status, 200);
}

#[test]
fn an_enterprise_may_forbid_that_things_change_hands() {
    let custody = Custody::new();
    let file = custody.upload(None, "a.txt");
    let path = format!("/2.0/files/{file}");
    custody.simulator().switch(Fault::MoveRefused, always());
    custody.invite("editor");
    let folder = custody.make_folder("Plans");
    let within = custody.move_to(&path, &folder, "a.txt");
    assert_eq!(within.status, 200, "within a tree things still move");
    let refused = custody.move_to(&path, &custody.folder, "a.txt");
    assert_eq!(refused.refusal(), (403, DENIED.into()));
    assert_eq!(custody.held(&file).owner, custody.owner);
}

#[test]
fn while_the_owner_is_an_editor_the_walk_shows_the_shared_folder() {
    let custody = Custody::new();
    let file = custody.upload(None, "a.txt");
    let path = format!("/2.0/files/{file}?fields={FIELDS}");
    let invited = custody.invite("editor");
    let put = custody.move_to(&format!("/2.0/files/{file}"), &custody.folder, "a.txt");
    assert_eq!(put.status, 200);
    let root = format!("/2.0/folders/0/items?limit=1000&fields={FIELDS}");
    let root = custody.reader.get_as(&custody.owner, &root).entries();
    assert!(ids(&root, "id").contains(&custody.folder));
    assert!(!ids(&root, "id").contains(&file));
    let seen = custody.reader.get_as(&custody.owner, &path).json();
    let folders = seen["path_collection"]["entries"].as_array().unwrap();
    assert_eq!(ids(folders, "id"), names(&["0", &custody.folder]));
    assert!(!custody.held(&file).is_in_reach, "it is in nobody's tree");
    custody.check_tree();
    custody.end(&invited);
    assert_eq!(custody.status(&custody.owner, &path), 404);
}

#[test]
fn links_and_collaborations_stay_with_the_item() {
    let custody = Custody::new();
    let file = custody.upload(None, "a.txt");
    let path = format!("/2.0/files/{file}");
    custody.simulator().act(Deed::Share {
        item: file.clone(),
        access: Access::Open,
        has_password: false,
    });
    custody.simulator().act(Deed::Invite {
        item: file.clone(),
        invitee: Invitee::User(COLLEAGUE),
    });
    let colleague = custody.simulator().user_id(COLLEAGUE);
    let link = || custody.reader.get(&path).json()["shared_link"]["url"].clone();
    let asked = format!("{path}?fields=shared_link");
    let before = custody.reader.get_as(&custody.owner, &asked).json();
    let sharing = custody.held(&file).sharing;
    custody.move_as_editor(&path, &custody.folder, "a.txt");
    assert_eq!(link(), before["shared_link"]["url"]);
    assert_eq!(custody.status(&colleague, &path), 200);
    let held = custody.held(&file);
    assert_eq!(held.sharing, sharing);
    assert!(!held.is_in_reach, "a walk by the owner does not count it");
    let all = custody.reader.get(&format!("{path}/collaborations"));
    let one = all.entries().remove(0);
    assert_eq!(one["created_by"]["id"], json!(custody.owner));
    custody.end(&one);
    let cut = custody.change(Method::Put, &path, json!({"shared_link": null}));
    assert_eq!(cut.status, 200);
    assert_eq!(custody.status(&colleague, &path), 404);
    assert_eq!(link(), Value::Null);
}

#[test]
fn a_move_is_told_with_its_mover_and_the_new_owner() {
    let custody = Custody::new();
    let file = custody.upload(None, "a.txt");
    let path = format!("/2.0/files/{file}");
    let service = custody.simulator().service_account_id();
    custody.move_as_editor(&path, &custody.folder, "a.txt");
    custody.move_as_editor(&path, "0", "a.txt");
    custody.reader.wait(7200);
    for stream in ["admin_logs", "admin_logs_streaming"] {
        let (events, _) = custody.reader.drain(stream, "0");
        let of = |event_type: &str, key: &str, id: &str| {
            let found = events.iter().filter(|event| {
                event["event_type"] == event_type && event["source"][key].as_str() == Some(id)
            });
            found.cloned().collect::<Vec<Value>>()
        };
        let moves = of("MOVE", "item_id", &file);
        let owners: Vec<Value> = moves
            .iter()
            .map(|one| one["source"]["owned_by"].clone())
            .collect();
        assert_eq!(ids(&owners, "id"), names(&[&service, &custody.owner]));
        let movers: Vec<Value> = moves.iter().map(|one| one["created_by"].clone()).collect();
        assert_eq!(ids(&movers, "id"), names(&[&custody.owner]));
        for event_type in ["COLLABORATION_INVITE", "COLLABORATION_REMOVE"] {
            let told = of(event_type, "folder_id", &custody.folder);
            assert!(told.len() > 1, "{stream} {event_type}");
            let by = told
                .iter()
                .all(|one| one["created_by"]["id"] == service.as_str());
            assert!(by, "{stream} {event_type}");
        }
    }
    let held = custody.simulator().holds();
    let told = held
        .activities
        .iter()
        .filter(|one| one.event_type == "MOVE" && one.item.as_deref() == Some(file.as_str()));
    assert_eq!(told.count(), 2);
}

#[test]
fn what_is_thrown_away_in_custody_is_in_the_trash_of_the_service_account() {
    let custody = Custody::new();
    let file = custody.upload(None, "a.txt");
    let path = format!("/2.0/files/{file}");
    custody.move_as_editor(&path, &custody.folder, "a.txt");
    assert_eq!(custody.change(Method::Delete, &path, json!("")).status, 204);
    let trash = "/2.0/folders/trash/items?limit=1000&usemarker=true";
    let seen = custody.reader.get(trash).entries();
    assert_eq!(ids(&seen, "id"), names(&[&file]));
    let seen = custody.reader.get_as(&custody.owner, trash).entries();
    assert!(!ids(&seen, "id").contains(&file));
    assert!(custody.held(&file).is_trashed);
}

#[test]
fn what_is_in_custody_outlives_its_old_owner() {
    let custody = Custody::new();
    let (file, other) = (custody.upload(None, "a.txt"), custody.upload(None, "b.txt"));
    let path = format!("/2.0/files/{file}");
    custody.move_as_editor(&path, &custody.folder, "a.txt");
    custody.simulator().act(Deed::DeleteUser { user: OWNER });
    assert_eq!(custody.reader.get(&path).status, 200);
    assert!(custody.simulator().item(&file).is_some());
    assert!(custody.simulator().item(&other).is_none());
}

#[test]
fn what_is_made_ready_lies_here_and_there_and_can_be_meddled_with() {
    let custody = Custody::new();
    let kind = ActionKind::AdminQuarantine;
    let all = custody.simulator().ready(kind, 8);
    let mut seen = BTreeSet::new();
    for ready in &all {
        let id = &ready.target.id;
        let item = custody.held(id.trim_start_matches("folder:"));
        assert_eq!(ready.target.within.as_ref(), Some(&item.owner));
        assert_eq!(id.starts_with("folder:"), item.kind == "folder");
        let is_in_root = item.folders.is_empty();
        seen.insert((item.kind, is_in_root, item.collaborators.is_empty()));
        assert!(ready.parameters.is_empty());
        assert!(custody.simulator().meddle(kind, ready));
    }
    assert_eq!(seen.len(), 4, "{seen:?}");
    let targets: BTreeSet<&String> = all.iter().map(|ready| &ready.target.id).collect();
    assert_eq!(targets.len(), 8);
}
