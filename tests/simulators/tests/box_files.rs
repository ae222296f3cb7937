//! Folders and files of an enterprise of Box as they are walked, and the trash.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod box_reader;

use std::collections::BTreeSet;

use box_reader::{FIELDS, Reader, ids, small_plan};
use casbah_model::transport::Method;
use casbah_simulators::box_com::{ItemHeld, Status};
use serde_json::Value;

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

#[test]
fn a_walk_as_every_active_user_comes_by_every_file_that_can_be_reached() {
    let reader = Reader::small(1);
    let found = reader.scan();
    let truth = reader.simulator.files();
    let leaves = truth.values().filter(|file| file.owner_status.is_some());
    assert_eq!(leaves.count(), 900);
    let in_reach = truth.values().filter(|file| file.is_in_reach);
    let in_reach: BTreeSet<&String> = in_reach.map(|file| &file.id).collect();
    assert_eq!(found.keys().collect::<BTreeSet<&String>>(), in_reach);
    let of_active = truth
        .values()
        .filter(|file| file.owner_status == Some(Status::Active));
    assert!(of_active.clone().any(|file| file.is_trashed));
    assert!(
        of_active
            .filter(|file| !file.is_trashed)
            .all(|file| file.is_in_reach)
    );
    for (id, item) in &found {
        let file = &truth[id];
        assert_eq!(item["owned_by"]["id"], file.owner.as_str());
        assert_eq!(item["is_externally_owned"], file.owner_status.is_none());
        assert_eq!(item["name"], file.name.as_str());
        assert_eq!(item["type"] == "web_link", file.kind == "web_link");
    }
    assert!(
        found
            .values()
            .any(|item| item["is_externally_owned"] == true)
    );
    assert!(truth.values().any(|file| file.kind == "web_link"));
    let lost = |file: &&ItemHeld| file.owner_status == Some(Status::Inactive);
    assert!(truth.values().filter(lost).any(|file| !file.is_in_reach));
    assert!(truth.values().filter(lost).any(|file| file.is_in_reach));
}

#[test]
fn what_is_in_the_trash_is_found_there_only() {
    let reader = Reader::small(7);
    let user = reader.simulator.user_id(2);
    let path = format!("/2.0/folders/trash/items?limit=3&fields={FIELDS}");
    let (trash, pages) = reader.pages(Some(&user), &path);
    assert!(pages > 0 && !trash.is_empty());
    let files = reader.simulator.files();
    let expected = files
        .values()
        .filter(|file| file.is_trashed && file.owner == user);
    assert_eq!(
        ids(&trash, "id"),
        expected.map(|file| file.id.clone()).collect()
    );
    for item in &trash {
        let kind = if item["type"] == "web_link" {
            "web_links"
        } else {
            "files"
        };
        let path = format!("/2.0/{kind}/{}", text(item, "id"));
        assert_eq!(
            reader.get_as(&user, &path).refusal(),
            (404, "trashed".into())
        );
        let told = reader
            .get_as(
                &user,
                &format!("{path}/trash?fields=trashed_at,item_status"),
            )
            .json();
        assert!(told["trashed_at"].is_string());
        assert_eq!(told["item_status"], "trashed");
        let other = reader.get_as(&reader.simulator.user_id(12), &format!("{path}/trash"));
        assert_eq!(other.refusal(), (404, "not_found".into()));
    }
    let file = reader.simulator.items(2, None, "file").remove(0);
    let refused = reader.get_as(&user, &format!("/2.0/files/{file}/trash"));
    assert_eq!(refused.refusal(), (404, "not_trashed".into()));
    let counted = reader
        .get_as(&user, "/2.0/folders/trash/items?limit=1000")
        .json();
    let entries = counted["entries"].as_array().unwrap().len() as u64;
    assert!(counted["total_count"].as_u64().unwrap() > entries);
}

#[test]
fn items_have_the_fields_that_are_asked_for() {
    let reader = Reader::small(8);
    let user = reader.simulator.user_id(12);
    let file = reader.simulator.items(12, None, "file").remove(0);
    let keys = |query: &str| {
        let item = reader
            .get_as(&user, &format!("/2.0/files/{file}{query}"))
            .json();
        item.as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<BTreeSet<String>>()
    };
    let mini = [
        "etag",
        "file_version",
        "id",
        "name",
        "sequence_id",
        "sha1",
        "type",
    ];
    let mini: BTreeSet<String> = mini.map(String::from).into();
    assert_eq!(keys("?fields=id"), mini);
    assert!(keys("").is_superset(&mini) && keys("").contains("path_collection"));
    assert!(!keys("").contains("has_collaborations"));
    assert!(keys("?fields=lock,permissions,has_collaborations").contains("lock"));
    let root = reader.get_as(&user, "/2.0/folders/0").json();
    assert_eq!((&root["id"], &root["parent"]), (&"0".into(), &Value::Null));
    let refused = reader.get_as(&user, "/2.0/folders/0/items?usemarker=true&sort=name");
    assert_eq!(refused.status, 400);
    let folder = reader.simulator.items(12, None, "folder").remove(0);
    for wrong in [
        format!("files/{folder}"),
        format!("folders/{file}"),
        "files/0".into(),
        "files/x".into(),
    ] {
        assert_eq!(
            reader.get_as(&user, &format!("/2.0/{wrong}")).status,
            404,
            "{wrong}"
        );
    }
    assert_eq!(reader.get_as(&user, "/2.0/nothing").status, 404);
}

#[test]
fn a_marker_is_of_one_folder_and_one_viewer() {
    let reader = Reader::small(9);
    let (one, other) = (reader.simulator.user_id(12), reader.simulator.user_id(13));
    let path = "/2.0/folders/0/items?usemarker=true&limit=1";
    let marker = reader.get_as(&one, path).json()["next_marker"]
        .as_str()
        .unwrap()
        .to_string();
    let next = format!("{path}&marker={marker}");
    assert_eq!(reader.get_as(&one, &next).status, 200);
    assert_eq!(
        reader.get_as(&other, &next).refusal(),
        (400, "invalid_parameter".into())
    );
    let users = reader.get(&format!("/2.0/users?usemarker=true&marker={marker}"));
    assert_eq!(users.status, 400);
    assert_eq!(
        reader.get_as(&one, &format!("{path}&marker=abc")).status,
        400
    );
}

#[test]
fn two_enterprises_of_one_plan_are_the_same() {
    let answers = |seed: u64| {
        let reader = Reader::new(small_plan(seed));
        let user = reader.simulator.user_id(1);
        let items = reader.get_as(
            &user,
            &format!("/2.0/folders/0/items?limit=50&fields={FIELDS}"),
        );
        let events = reader.get("/2.0/events?stream_type=admin_logs&limit=50");
        (items.text, events.text)
    };
    assert_eq!(answers(10), answers(10));
    assert_ne!(answers(10), answers(11));
}

#[test]
fn an_item_that_did_not_change_is_not_told_again() {
    let reader = Reader::small(8);
    let user = reader.simulator.user_id(12);
    let file = reader.simulator.items(12, None, "file").remove(0);
    let path = format!("/2.0/files/{file}");
    let etag = reader.get_as(&user, &path).json()["etag"]
        .as_str()
        .unwrap()
        .to_string();
    let ask = |etag: &str| {
        let headers = Reader::bearer(&reader.token()).with("as-user", &user);
        let headers = headers.with("If-None-Match", etag);
        reader.ask(Method::Get, &path, headers, "")
    };
    assert_eq!((ask(&etag).status, ask(&etag).text.as_str()), (304, ""));
    assert_eq!(ask(&format!("\"{etag}\"")).status, 304);
    assert_eq!(ask("999").status, 200);
}
