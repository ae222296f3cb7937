//! Files of Microsoft 365 that are copied into another drive and back, and what is left in their place.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod file_actor;
mod reader;

use std::collections::{BTreeMap, BTreeSet};

use casbah_model::action::{ActionKind, Target};
use casbah_model::file::Sharing;
use casbah_model::transport::Method;
use casbah_simulators::governed::Governed;
use casbah_simulators::microsoft365::Deed;
use file_actor::copies::{content, refusal, text};
use file_actor::{Actor, plan};
use reader::{Reader, ids};
use serde_json::{Value, json};

#[test]
fn a_file_goes_into_another_drive_and_comes_back() {
    let actor = Actor::quarantined();
    let (before, to, home) = (actor.seen(), actor.to(), actor.home());
    let name = text(&before["name"]);
    let kept = format!("a5d1c0ffee_{name}");
    assert_ne!(to.drive, actor.drive);
    assert_eq!(actor.sharing(), Some(Sharing::Internal));
    let links = [actor.delta_of(&to.drive), actor.delta()];
    let accepted = actor.copy(&kept);
    assert_eq!(actor.by_name(&to, &kept).status, 404);
    assert_eq!(actor.changes(&links[0]).len(), 0);
    let ended = actor.ended(&accepted);
    assert_eq!(ended["status"], "completed");
    assert_eq!(ended["percentageComplete"], 100.0);
    let copy = actor.by_name(&to, &kept).json();
    assert_eq!(copy["id"], ended["resourceId"]);
    assert_eq!(content(&copy), content(&before));
    assert_eq!(actor.names_in(&to), BTreeSet::from([kept.clone()]));
    let changes = actor.changes(&links[0]);
    assert_eq!(ids(&changes, "name"), BTreeSet::from([kept]));
    assert!(actor.is_back() && !actor.is_in_quarantine());

    let path = actor.path("");
    let tag = text(&before["eTag"]);
    let deleted = actor.change_if(Method::Delete, &path, &tag, &Value::Null);
    assert_eq!(deleted.status, 204);
    let note = actor.upload(&home, "note.txt", "Taken away, a5d1c0ffee.");
    assert_eq!(note.status, 201, "{}", note.text);
    assert!(actor.is_in_quarantine() && !actor.is_back());
    assert_eq!(actor.changes(&links[1]).len(), 2);

    let copy = to.path("").replace(&to.id, &text(&copy["id"]));
    let back = actor.ended(&actor.copy_of(&copy, &home, &name));
    assert_eq!(back["status"], "completed");
    assert_eq!(actor.delete(&copy).status, 204);
    let note = home.path("").replace(&home.id, &text(&note.json()["id"]));
    assert_eq!(actor.delete(&note).status, 204);
    assert!(actor.is_back() && !actor.is_in_quarantine());
    assert_eq!(actor.names_in(&home), BTreeSet::from([name]));
    assert_eq!(actor.names_in(&to), BTreeSet::new());
}

#[test]
fn a_copy_has_what_its_folder_gives() {
    let actor = Actor::quarantined();
    let accepted = actor.copy("kept.docx");
    let copy = text(&actor.ended(&accepted)["resourceId"]);
    let path = format!("drives/{}/items/{copy}/permissions", actor.to().drive);
    // The groups of the site.
    assert_eq!(actor.reader.walk(&path, "").0.len(), 3);
    let held = actor.reader.simulator.holds();
    assert_eq!(held.file_ids[&copy], Sharing::Internal);
    let home = actor.home();
    let copy = actor.copy_of(&actor.path(""), &home, "private.docx");
    let copy = text(&actor.ended(&copy)["resourceId"]);
    let held = actor.reader.simulator.holds();
    assert_eq!(held.file_ids[&copy], Sharing::Private);
}

#[test]
fn the_hash_of_a_file_changes_with_its_content() {
    let reader = Reader::new(plan());
    let files: Vec<Value> = reader.walk("sites/root/drives", "").0;
    let drive = text(&files[0]["id"]);
    let delta = format!("drives/{drive}/root/delta");
    let items = || reader.walk(&delta, "").0.into_iter();
    let seen = || -> BTreeMap<String, (u64, String)> {
        let files = items().filter(|item| item["file"].is_object());
        files
            .map(|file| (text(&file["id"]), content(&file)))
            .collect()
    };
    let before = seen();
    assert!(before.values().all(|(_, hash)| hash.len() == 28));
    reader.simulator.act(Deed::EditFile { file: 0 });
    let after = seen();
    let changed: Vec<_> = before
        .iter()
        .filter(|(id, was)| after[*id] != **was)
        .collect();
    assert_eq!(changed.len(), 1);
    assert!(items().any(|item| item["file"]["mimeType"] == "text/plain"));
}

#[test]
fn who_knows_an_older_state_neither_copies_nor_deletes() {
    let actor = Actor::quarantined();
    let before = actor.seen();
    let simulator = &actor.reader.simulator;
    assert!(simulator.meddle(ActionKind::AdminQuarantine, &actor.ready));
    let after = actor.seen();
    assert_ne!(
        (content(&before), &before["name"]),
        (content(&after), &after["name"])
    );
    let resource_modified = (412, "resourceModified".to_string());
    let body = json!({"parentReference": actor.to().reference()});
    let tag = text(&before["eTag"]);
    for (method, path) in [
        (Method::Post, actor.path("/copy")),
        (Method::Delete, actor.path("")),
    ] {
        let refused = actor.change_if(method, &path, &tag, &body);
        assert_eq!(refusal(&refused), resource_modified);
    }
    let tag = text(&after["eTag"]);
    let deleted = actor.change_if(Method::Delete, &actor.path(""), &tag, &body);
    assert_eq!(deleted.status, 204);
}

#[test]
fn small_files_are_uploaded_whole() {
    let actor = Actor::quarantined();
    let home = actor.home();
    let encoded = "In%20Quarantine%2C%20100%25.txt";
    let made = actor.upload(&home, encoded, "Ask the administrators.");
    assert_eq!(made.status, 201, "{}", made.text);
    let made = made.json();
    assert_eq!(made["name"], "In Quarantine, 100%.txt");
    assert_eq!(made["size"], 23);
    assert_eq!(made["file"]["mimeType"], "text/plain");
    assert_eq!(made["parentReference"]["id"], home.id.as_str());
    assert_eq!(actor.by_name(&home, encoded).json()["id"], made["id"]);
    let refused = actor.upload(&home, encoded, "");
    assert_eq!(refusal(&refused), (409, "nameAlreadyExists".into()));
    let other = |name: &str, body: &str| actor.upload(&home, name, body).json();
    let same = other("same.txt", "Ask the administrators.");
    assert_eq!(content(&same), content(&made));
    assert_ne!(
        content(&other("other.txt", "Ask nobody, perhaps...")),
        content(&made)
    );
    let path = format!("drives/{}/root:/top.txt:/content", actor.drive);
    assert_eq!(actor.put(&path, "top").status, 201);
    let held = actor.reader.simulator.holds();
    assert_eq!(held.file_ids[&text(&made["id"])], Sharing::Private);
    let told = actor.told("FileUploaded");
    assert_eq!(told["AppAccessContext"]["ClientAppName"], "Casbah");
}

#[test]
fn uploads_are_refused_where_they_do_not_fit() {
    let actor = Actor::quarantined();
    let home = actor.home();
    let large = "x".repeat(4 * 1024 * 1024 + 1);
    for (below, body, expected) in [
        (":/large.txt:/content", large.as_str(), 413),
        (":/none/a.txt:/content", "", 404),
        (":/a%3Ab.txt:/content", "", 400),
        (":/a.txt/content", "", 405),
        ("/content", "", 405),
    ] {
        let refused = actor.put(&home.path(below), body);
        assert_eq!(refused.status, expected, "{below}: {}", refused.text);
    }
    let within_file = actor.put(&actor.path(":/a.txt:/content"), "");
    assert_eq!(refusal(&within_file), (400, "invalidRequest".into()));
    assert_eq!(actor.names_in(&home).len(), 1);
}

#[test]
fn a_copy_is_told_with_both_its_ends() {
    let actor = Actor::quarantined();
    let name = actor.seen()["name"].clone();
    let home = actor.get(&actor.home().path(""))["name"].clone();
    actor.ended(&actor.copy("kept.docx"));
    let told = actor.told("FileCopied");
    assert_eq!(
        [&told["SourceFileName"], &told["DestinationFileName"]],
        [&name, &json!("kept.docx")]
    );
    assert_eq!(
        [&told["SourceRelativeUrl"], &told["DestinationRelativeUrl"]],
        [
            &json!(format!("Documents/{}", text(&home))),
            &json!("Shared Documents/Admin quarantine")
        ]
    );
    assert_eq!(told["AppAccessContext"]["ClientAppName"], "Casbah");
}

#[test]
fn who_follows_the_deltas_knows_what_the_tenant_holds() {
    let actor = Actor::quarantined();
    let held = actor.reader.simulator.holds();
    let walk = |link: &str| actor.reader.walk(link, "");
    let mut known: BTreeSet<String> = BTreeSet::new();
    let mut links = Vec::new();
    let follow = |link: &str, known: &mut BTreeSet<String>| {
        let (items, next) = walk(link);
        for item in items {
            match item["deleted"].is_object() {
                true => known.remove(&text(&item["id"])),
                false => item["file"].is_object() && known.insert(text(&item["id"])),
            };
        }
        next.unwrap()
    };
    for drive in &held.drive_ids {
        links.push(follow(&format!("drives/{drive}/root/delta"), &mut known));
    }
    let all = |actor: &Actor| -> BTreeSet<String> {
        let held = actor.reader.simulator.holds();
        held.file_ids.into_keys().collect()
    };
    assert_eq!(known, all(&actor));
    let home = actor.home();
    actor.ended(&actor.copy("kept.docx"));
    assert_eq!(actor.delete(&actor.path("")).status, 204);
    assert_eq!(actor.upload(&home, "note.txt", "note").status, 201);
    for link in links {
        follow(&link, &mut known);
    }
    assert_eq!(known, all(&actor));
    assert_eq!(known.len() as u64, held.files + 1);
}

#[test]
fn files_are_ready_for_one_folder_of_another_drive() {
    let reader = Reader::new(plan());
    let kind = ActionKind::AdminQuarantine;
    let mut ready = reader.simulator.ready(kind, 7);
    ready.extend(reader.simulator.ready(kind, 3));
    let folders: BTreeSet<&String> = ready.iter().map(|one| &one.parameters["to"]).collect();
    assert_eq!((ready.len(), folders.len()), (10, 1));
    let to: Target = folders.first().unwrap().parse().unwrap();
    let targets: BTreeSet<&Target> = ready.iter().map(|one| &one.target).collect();
    assert_eq!(targets.len(), 10);
    let mut kinds = BTreeSet::new();
    for target in targets {
        let drive = target.within.clone().unwrap();
        assert_ne!(Some(&drive), to.within.as_ref());
        let item = reader.graph(&format!("drives/{drive}/items/{}", target.id));
        assert!(item.json()["file"].is_object());
        kinds.insert(text(&item.json()["parentReference"]["driveType"]));
    }
    assert_eq!(kinds.len(), 2);
    let folder = format!("drives/{}/items/{}", to.within.unwrap(), to.id);
    assert_eq!(reader.graph(&folder).json()["name"], "Admin quarantine");
    assert!(reader.graph(&folder).json()["shared"].is_null());
}

#[test]
fn owners_rename_files_or_edit_them_meanwhile() {
    let reader = Reader::new(plan());
    let kind = ActionKind::AdminQuarantine;
    let (mut renamed, mut edited) = (0, 0);
    for one in reader.simulator.ready(kind, 40) {
        let drive = one.target.within.clone().unwrap();
        let path = format!("drives/{drive}/items/{}", one.target.id);
        let seen = || reader.graph(&path).json();
        let before = seen();
        assert!(reader.simulator.meddle(kind, &one));
        let after = seen();
        assert_ne!(before["eTag"], after["eTag"]);
        renamed += u64::from(before["name"] != after["name"]);
        edited += u64::from(content(&before) != content(&after));
    }
    assert_eq!(renamed + edited, 40);
    assert!(renamed > 0 && edited > 0);
}
