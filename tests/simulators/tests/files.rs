//! Sites, drives and permissions, seen through the door of the simulator.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod reader;

use std::collections::BTreeMap;

use casbah_model::file::Sharing;
use casbah_simulators::microsoft365::Deed;
use reader::{Reader, ids, small_plan};
use serde_json::Value;

/// Every drive, by walking the sites.
fn drives(reader: &Reader) -> Vec<String> {
    let mut drives = Vec::new();
    for site in reader.walk("sites/getAllSites", "").0 {
        let path = format!("sites/{}/drives", site["id"].as_str().unwrap());
        drives.extend(ids(&reader.walk(&path, "").0, "id"));
    }
    drives
}

/// The level of an item by its permissions, judged as the documentation of permissions suggests.
fn level(permissions: &[Value], is_personal: bool) -> Sharing {
    let mut level = if is_personal {
        Sharing::Private
    } else {
        Sharing::Internal
    };
    for permission in permissions {
        let text = permission.to_string().to_lowercase();
        let is_owner = permission["roles"][0] == "owner";
        let found = if permission["link"]["scope"] == "anonymous" {
            Sharing::PublicByLink
        } else if text.contains("#ext#") || permission["invitation"].is_object() {
            Sharing::External
        } else if is_owner {
            Sharing::Private
        } else {
            Sharing::Internal
        };
        level = level.max(found);
    }
    level
}

#[test]
fn walking_the_drives_finds_every_file_and_its_visibility() {
    let reader = Reader::new(small_plan(9).sized(60, 400, 10));
    let held = reader.simulator.holds();
    let drives = drives(&reader);
    assert_eq!(drives.len() as u64, held.drives);
    let mut found = BTreeMap::new();
    let mut folders = 0;
    for drive in &drives {
        let is_personal =
            reader.graph(&format!("drives/{drive}")).json()["driveType"] == "business";
        let (items, _) = reader.walk(&format!("drives/{drive}/root/delta"), "hierarchicalsharing");
        assert!(items[0]["root"].is_object());
        assert!(items.iter().all(|item| item["cTag"].is_null()));
        folders += items
            .iter()
            .filter(|item| item["folder"].is_object())
            .count() as u64
            - 1;
        for item in items.iter().filter(|item| item["file"].is_object()) {
            let id = item["id"].as_str().unwrap();
            let (permissions, _) =
                reader.walk(&format!("drives/{drive}/items/{id}/permissions"), "");
            found.insert(id.to_string(), level(&permissions, is_personal));
        }
    }
    assert_eq!(found, held.file_ids);
    assert_eq!((held.files, folders), (400, held.folders));
}

#[test]
fn most_files_are_unshared_and_every_class_occurs() {
    let held = Reader::new(small_plan(10).sized(250, 20_000, 10))
        .simulator
        .holds();
    let share = |sharing| held.files_by_sharing[&sharing] as f64 / held.files as f64;
    assert!(
        (0.02..0.05).contains(&share(Sharing::PublicByLink)),
        "{}",
        share(Sharing::PublicByLink)
    );
    assert!(
        (0.05..0.10).contains(&share(Sharing::External)),
        "{}",
        share(Sharing::External)
    );
    assert!(share(Sharing::Private) > 0.05 && share(Sharing::Internal) > 0.3);
}

#[test]
fn only_own_shares_show_when_sharing_is_hierarchical() {
    let reader = Reader::new(small_plan(11).sized(60, 3000, 10));
    let (mut own, mut all) = (0, 0);
    for drive in drives(&reader) {
        let shared = |prefer: &str| {
            let (items, _) = reader.walk(&format!("drives/{drive}/root/delta"), prefer);
            items
                .iter()
                .filter(|item| item["shared"].is_object())
                .count()
        };
        own += shared("hierarchicalsharing, deltashowremovedasdeleted");
        all += shared("");
    }
    assert!(all > own && own > 0, "{all} {own}");
}

#[test]
fn a_drive_delta_shows_edits_shares_and_deletions() {
    let reader = Reader::small(12);
    let drive = drives(&reader)[0].clone();
    let (before, link) = reader.walk(&format!("drives/{drive}/root/delta"), "");
    let link = link.unwrap();
    assert!(reader.walk(&link, "").0.is_empty());
    for deed in [
        Deed::EditFile { file: 0 },
        Deed::DeleteFile { file: 1 },
        Deed::ShareByAnonymousLink { file: 2 },
        Deed::AddFile { drive: 0 },
    ] {
        reader.simulator.act(deed);
    }
    let (changes, _) = reader.walk(&link, "hierarchicalsharing, deltashowsharingchanges");
    assert_eq!(changes.len(), 4);
    let deleted = changes
        .iter()
        .find(|item| item["deleted"].is_object())
        .unwrap();
    assert!(deleted["name"].is_null());
    let shared = changes
        .iter()
        .find(|item| item["@microsoft.graph.sharedChanged"] == "True")
        .unwrap();
    assert_eq!(shared["shared"]["scope"], "anonymous");
    let (after, _) = reader.walk(&format!("drives/{drive}/root/delta"), "");
    assert_eq!(after.len(), before.len());
    let hash = |items: &[Value], id: &Value| {
        let item = items.iter().find(|item| item["id"] == *id).unwrap();
        item["file"]["hashes"]["quickXorHash"].clone()
    };
    let edited = changes.iter().find(|item| {
        item["eTag"]
            .as_str()
            .is_some_and(|tag| tag.ends_with(",2\""))
    });
    let edited = edited.unwrap();
    assert_ne!(hash(&before, &edited["id"]), hash(&after, &edited["id"]));
    assert!(
        reader
            .walk(&format!("drives/{drive}/root/delta?token=latest"), "")
            .0
            .is_empty()
    );
}

#[test]
fn people_without_a_onedrive_get_the_documented_404() {
    let reader = Reader::small(13);
    let (users, _) = reader.walk("users?$select=id,userType&$top=999", "");
    let (mut found, mut missing) = (0, 0);
    for user in &users {
        let answer = reader.graph(&format!("users/{}/drive", user["id"].as_str().unwrap()));
        match answer.status {
            200 => found += 1,
            _ => {
                assert_eq!(
                    (answer.status, answer.code().as_str()),
                    (404, "ResourceNotFound")
                );
                missing += 1;
            }
        }
    }
    let (sites, _) = reader.walk("sites/getAllSites", "");
    assert_eq!(
        found,
        sites
            .iter()
            .filter(|site| site["isPersonalSite"] == true)
            .count()
    );
    assert!(missing > 5);
}

#[test]
fn graph_links_outlive_a_simulator_built_anew() {
    let plan = small_plan(14);
    let (first, second) = (Reader::new(plan.clone()), Reader::new(plan));
    let drive = drives(&first)[0].clone();
    for path in [
        "users/delta?$select=id",
        &format!("drives/{drive}/root/delta"),
    ] {
        let page = first.graph(path).json();
        let next = page["@odata.nextLink"]
            .as_str()
            .or(page["@odata.deltaLink"].as_str())
            .unwrap();
        assert_eq!(first.graph(next).text, second.graph(next).text, "{path}");
    }
}
