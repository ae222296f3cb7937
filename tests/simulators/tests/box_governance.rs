//! What can be done to an enterprise of Box from outside, and what it leaves behind.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod box_reader;

use box_reader::{Answer, FIELDS, Reader, always, small_plan};
use casbah_model::transport::Method;
use casbah_simulators::box_com::{Access, Deed, Fault, Invitee, Plan, Role};
use serde_json::{Value, json};

const DENIED: &str = "access_denied_insufficient_permissions";
/// An active user of the plan without a role, who owns files.
const OWNER: u64 = 20;
const LABEL: &str = "metadata/enterprise/securityClassification-6VMVochwUWo";
const KEY: &str = "Box__Security__Classification__Key";

fn plan() -> Plan {
    let mut plan = small_plan(3);
    plan.client.scopes.push("root_readwrite".into());
    plan
}

struct Owner {
    reader: Reader,
    id: String,
}

impl Owner {
    fn new() -> Owner {
        let reader = Reader::new(plan());
        let id = reader.simulator.user_id(OWNER);
        Owner { reader, id }
    }

    fn upload(&self, folder: Option<String>, name: &str) -> String {
        let (user, name) = (OWNER, name.into());
        let upload = Deed::Upload { user, folder, name };
        self.reader.simulator.act(upload).unwrap()
    }

    fn folder(&self, name: &str) -> String {
        let body = json!({"name": name, "parent": {"id": "0"}});
        let made = self.change(Method::Post, "/2.0/folders", body);
        assert_eq!(made.status, 201, "{}", made.text);
        made.json()["id"].as_str().unwrap().into()
    }

    fn change(&self, method: Method, path: &str, body: Value) -> Answer {
        self.reader.change(Some(&self.id), method, path, body)
    }

    fn get(&self, path: &str) -> Value {
        self.reader.get_as(&self.id, path).json()
    }
}

fn user(reader: &Reader, user: u64, body: Value) -> Answer {
    let path = format!("/2.0/users/{}", reader.simulator.user_id(user));
    reader.change(None, Method::Put, &path, body)
}

#[test]
fn a_user_is_suspended_restored_and_loses_a_role() {
    let reader = Reader::small(1);
    let suspended = user(&reader, OWNER, json!({"status": "inactive"}));
    assert_eq!(
        (suspended.status, &suspended.json()["status"]),
        (200, &json!("inactive"))
    );
    let id = reader.simulator.user_id(OWNER);
    assert_eq!(reader.get_as(&id, "/2.0/folders/0/items").status, 403);
    user(&reader, OWNER, json!({"status": "active"}));
    assert_eq!(reader.get_as(&id, "/2.0/folders/0/items").status, 200);
    let coadmin = reader.simulator.user_id(1);
    let role = |reader: &Reader| reader.simulator.holds().users[&coadmin].role;
    assert_eq!(role(&reader), Role::Coadmin);
    assert_eq!(user(&reader, 1, json!({"role": "user"})).status, 200);
    assert_eq!(role(&reader), Role::User);
    for wrong in [json!({"status": "gone"}), json!({"role": "admin"})] {
        assert_eq!(
            user(&reader, OWNER, wrong).refusal(),
            (400, "invalid_parameter".into())
        );
    }
}

#[test]
fn the_main_administrator_stays() {
    let reader = Reader::small(1);
    for body in [json!({"status": "inactive"}), json!({"role": "user"})] {
        assert_eq!(user(&reader, 0, body).refusal(), (403, DENIED.into()));
    }
}

#[test]
fn sessions_and_passwords_are_not_told() {
    let reader = Reader::small(1);
    let id = reader.simulator.user_id(OWNER);
    let path = "/2.0/users/terminate_sessions";
    let ended = reader.change(None, Method::Post, path, json!({"user_ids": [id]}));
    assert_eq!(ended.status, 202);
    assert!(ended.json()["message"].is_string());
    assert_eq!(reader.simulator.sessions_ended(), [id.as_str()]);
    let empty = reader.change(None, Method::Post, path, json!({}));
    assert_eq!(empty.status, 400);
    let asked = user(&reader, OWNER, json!({"is_password_reset_required": true}));
    assert_eq!(asked.status, 200);
    assert!(asked.json()["is_password_reset_required"].is_null());
    assert_eq!(reader.simulator.passwords_asked(), [id]);
}

#[test]
fn changes_of_items_take_a_scope_and_the_owner() {
    let reader = Reader::small(3);
    let owner = reader.simulator.user_id(OWNER);
    let body = json!({"name": "Q", "parent": {"id": "0"}});
    let refused = reader.change(Some(&owner), Method::Post, "/2.0/folders", body.clone());
    assert_eq!(refused.refusal(), (403, "insufficient_scope".into()));
    let owner = Owner::new();
    let file = owner.upload(None, "shared.txt");
    let simulator = &owner.reader.simulator;
    let other = simulator.user_id(OWNER + 1);
    simulator.act(Deed::Invite {
        item: file.clone(),
        invitee: Invitee::User(OWNER + 1),
    });
    let path = format!("/2.0/files/{file}");
    let change = |body| owner.reader.change(Some(&other), Method::Put, &path, body);
    let refused = change(json!({"shared_link": null}));
    assert_eq!(refused.refusal(), (403, DENIED.into()));
    assert_eq!(
        owner
            .change(Method::Post, "/2.0/folders", json!({}))
            .refusal(),
        (400, "bad_request".into())
    );
}

#[test]
fn a_link_is_narrowed_at_its_address_and_made_again_at_another() {
    let owner = Owner::new();
    let file = owner.upload(None, "linked.txt");
    owner.reader.simulator.act(Deed::Share {
        item: file.clone(),
        access: Access::Open,
        has_password: true,
    });
    let path = format!("/2.0/files/{file}");
    let link = || owner.get(&format!("{path}?fields=shared_link"))["shared_link"].clone();
    let put = |link: Value| owner.change(Method::Put, &path, json!({"shared_link": link}));
    let address = link()["url"].clone();
    let until = "2026-07-01T00:00:00+02:00";
    put(json!({"access": "open", "unshared_at": until}));
    let ends = link()["unshared_at"].clone();
    assert_eq!(ends, "2026-06-30T15:00:00-07:00");
    assert_eq!(link()["is_password_enabled"], true);
    put(json!({"access": "collaborators"}));
    assert_eq!(
        (&link()["access"], &link()["unshared_at"], &link()["url"]),
        (&json!("collaborators"), &ends, &address)
    );
    put(
        json!({"access": "open", "unshared_at": null, "permissions": {"can_download": false, "can_edit": false}}),
    );
    let now = link();
    assert_eq!(
        (&now["is_password_enabled"], &now["unshared_at"]),
        (&json!(false), &Value::Null)
    );
    assert_eq!(now["permissions"]["can_download"], false);
    put(Value::Null);
    assert_eq!(link(), Value::Null);
    put(json!({"access": "open"}));
    assert_ne!(link()["url"], address);
    assert_eq!(
        put(json!({"access": "open", "unshared_at": "2020-01-01T00:00:00Z"})).status,
        400
    );
}

#[test]
fn who_saw_an_older_state_is_told() {
    let owner = Owner::new();
    let file = owner.upload(None, "a.txt");
    let path = format!("/2.0/files/{file}");
    let etag = owner.get(&path)["etag"].as_str().unwrap().to_string();
    let put = || {
        let headers = Reader::bearer(&owner.reader.token())
            .with("as-user", owner.id.as_str())
            .with("If-Match", etag.as_str());
        let body = json!({"shared_link": {"access": "open"}}).to_string();
        owner.reader.ask(Method::Put, &path, headers, &body)
    };
    assert_eq!(put().status, 200);
    assert_eq!(put().refusal(), (412, "precondition_failed".into()));
}

#[test]
fn items_move_within_the_tree_of_their_owner_where_their_name_is_free() {
    let owner = Owner::new();
    let (one, two) = (owner.folder("Quarantine"), owner.folder("Other"));
    let file = owner.upload(Some(one.clone()), "a.txt");
    owner.upload(Some(two.clone()), "a.txt");
    let path = format!("/2.0/files/{file}");
    let put = |folder: &str| owner.change(Method::Put, &path, json!({"parent": {"id": folder}}));
    assert_eq!(put(&two).refusal(), (409, "item_name_in_use".into()));
    let renamed = json!({"parent": {"id": two}, "name": "b.txt"});
    let moved = owner.change(Method::Put, &path, renamed).json();
    assert_eq!(
        (&moved["name"], &moved["parent"]["id"]),
        (&json!("b.txt"), &json!(two))
    );
    let taken = owner.change(Method::Put, &path, json!({"name": "a.txt"}));
    assert_eq!(taken.refusal(), (409, "item_name_in_use".into()));
    assert_eq!(put("0").status, 200);
    assert_eq!(owner.get(&path)["parent"]["id"], "0");
    assert_eq!(put(&one).json()["parent"]["id"], json!(one));
    let body = json!({"name": "Quarantine", "parent": {"id": "0"}});
    let again = owner.change(Method::Post, "/2.0/folders", body);
    assert_eq!(again.refusal(), (409, "item_name_in_use".into()));
}

#[test]
fn what_is_trashed_comes_back_where_it_was() {
    let owner = Owner::new();
    let folder = owner.folder("Case");
    let file = owner.upload(Some(folder.clone()), "a.txt");
    let path = format!("/2.0/folders/{folder}");
    let delete = |query: &str| {
        owner.change(
            Method::Delete,
            &format!("{path}{query}"),
            Value::String(String::new()),
        )
    };
    assert_eq!(delete("").refusal(), (400, "folder_not_empty".into()));
    assert_eq!(delete("?recursive=true").status, 204);
    let file_path = format!("/2.0/files/{file}");
    assert_eq!(owner.get(&file_path)["code"], "trashed");
    let restore = |path: &str| owner.change(Method::Post, path, json!({}));
    assert_eq!(restore(&file_path).refusal(), (404, "not_trashed".into()));
    assert_eq!(restore(&path).status, 201);
    assert_eq!(owner.get(&file_path)["parent"]["id"], json!(folder));
    assert_eq!(restore(&path).status, 404);
    let file = owner.upload(None, "b.txt");
    let file_path = format!("/2.0/files/{file}");
    owner.reader.simulator.act(Deed::Trash { item: file });
    owner.upload(None, "b.txt");
    assert_eq!(
        restore(&file_path).refusal(),
        (409, "item_name_in_use".into())
    );
}

#[test]
fn people_are_invited_and_taken_off() {
    let owner = Owner::new();
    let file = owner.upload(None, "a.txt");
    let simulator = &owner.reader.simulator;
    let invite = |who: Value| {
        let item = json!({"type": "file", "id": file});
        let body = json!({"item": item, "accessible_by": who, "role": "editor"});
        owner.change(Method::Post, "/2.0/collaborations", body)
    };
    let colleague = json!({"type": "user", "id": simulator.user_id(OWNER + 1)});
    let made = invite(colleague.clone());
    assert_eq!(
        (made.status, &made.json()["status"]),
        (201, &json!("accepted"))
    );
    assert_eq!(
        invite(colleague).refusal(),
        (409, "user_already_collaborator".into())
    );
    let users = "/2.0/users?user_type=external&filter_term=";
    let outside = simulator.outside_id(2);
    let login = owner
        .reader
        .get(&format!("/2.0/users/{outside}?fields=login"));
    let login = login.json()["login"].as_str().unwrap().to_string();
    assert_eq!(
        owner.reader.get(&format!("{users}{login}")).entries().len(),
        1
    );
    let pending = invite(json!({"type": "user", "login": login}));
    assert_eq!(pending.json()["invite_email"], json!(login));
    assert_eq!(
        invite(json!({"type": "user", "login": "x@y.example"})).status,
        404
    );
    let id = made.json()["id"].as_str().unwrap().to_string();
    let path = format!("/2.0/collaborations/{id}");
    let until = json!({"expires_at": "2026-08-01T00:00:00Z", "role": "viewer"});
    let changed = owner.change(Method::Put, &path, until).json();
    assert_eq!(
        (&changed["role"], &changed["expires_at"]),
        (&json!("viewer"), &json!("2026-07-31T17:00:00-07:00"))
    );
    assert_eq!(owner.change(Method::Delete, &path, json!("")).status, 204);
    assert_eq!(owner.change(Method::Delete, &path, json!("")).status, 404);
    assert_eq!(simulator.collaborations(&file).len(), 1);
}

#[test]
fn labels_are_put_replaced_and_taken_away() {
    let owner = Owner::new();
    let file = owner.upload(None, "a.txt");
    let path = format!("/2.0/files/{file}/{LABEL}");
    let code = |answer: Answer| answer.refusal();
    assert_eq!(owner.get(&path)["code"], "instance_not_found");
    let unknown = owner.change(Method::Post, &path, json!({KEY: "Secret"}));
    assert_eq!(code(unknown), (400, "schema_validation_failed".into()));
    let put = owner.change(Method::Post, &path, json!({KEY: "Public"}));
    assert_eq!((put.status, &put.json()[KEY]), (201, &json!("Public")));
    let again = owner.change(Method::Post, &path, json!({KEY: "Public"}));
    assert_eq!(code(again), (409, "tuple_already_exists".into()));
    let patch = |kind: &str, step: &str| {
        let headers = Reader::bearer(&owner.reader.token())
            .with("as-user", owner.id.as_str())
            .with("Content-Type", kind);
        let field = format!("/{KEY}");
        let body = json!([{"op": step, "path": field, "value": "Confidential"}]);
        let body = body.to_string();
        owner.reader.ask(Method::Put, &path, headers, &body)
    };
    const PATCH: &str = "application/json-patch+json";
    assert_eq!(patch("application/json", "replace").status, 415);
    assert_eq!(patch(PATCH, "test").status, 400);
    assert_eq!(patch(PATCH, "replace").json()[KEY], "Confidential");
    let item = owner.get(&format!("/2.0/files/{file}?fields={FIELDS}"));
    assert_eq!(item["classification"]["name"], "Confidential");
    assert_eq!(owner.change(Method::Delete, &path, json!("")).status, 204);
    let gone = owner.change(Method::Delete, &path, json!(""));
    assert_eq!(code(gone), (404, "instance_not_found".into()));
    let mut plain = plan();
    plain.has_classifications = false;
    let reader = Reader::new(plain);
    let owner = Owner {
        id: reader.simulator.user_id(OWNER),
        reader,
    };
    let file = owner.upload(None, "a.txt");
    let path = format!("/2.0/files/{file}/{LABEL}");
    assert_eq!(owner.get(&path)["code"], "instance_tuple_not_found");
}

#[test]
fn changes_may_be_in_the_way_of_each_other() {
    let owner = Owner::new();
    let file = owner.upload(None, "a.txt");
    let path = format!("/2.0/files/{file}");
    let put = || {
        let body = json!({"shared_link": {"access": "open"}});
        owner.change(Method::Put, &path, body).refusal()
    };
    for (fault, refusal) in [
        (Fault::WriteBlocked, (409, "operation_blocked_temporary")),
        (Fault::ItemLocked, (403, "access_denied_item_locked")),
        (Fault::PolicyForbids, (403, "forbidden_by_policy")),
        (Fault::ErrorAfterWrite, (503, "unavailable")),
    ] {
        owner.reader.simulator.switch(fault, always());
        assert_eq!(put(), (refusal.0, refusal.1.into()), "{fault:?}");
        owner.reader.simulator.switch(fault, None);
    }
    let link = &owner.get(&format!("{path}?fields=shared_link"))["shared_link"];
    assert_eq!(
        link["access"], "open",
        "the change behind the error was made"
    );
}
