//! An enterprise of Box that changes while it is read.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod box_reader;

use box_reader::{FIELDS, Reader, ids, small_plan};
use casbah_model::file::Sharing;
use casbah_simulators::box_com::{Access, Deed, Fault, FaultSettings, Invitee, Role, Status};
use serde_json::Value;

const STREAM: &str = "admin_logs_streaming";

fn quiet(seed: u64) -> Reader {
    let mut plan = small_plan(seed);
    (plan.duplicate_share, plan.activities) = (0.0, 0);
    Reader::new(plan)
}

/// What both streams say happened, oldest first.
fn told(reader: &Reader) -> Vec<Value> {
    reader.wait(3600);
    let logged = reader.drain("admin_logs", "0").0;
    let streamed = reader.drain(STREAM, "0").0;
    assert_eq!(ids(&logged, "event_id"), ids(&streamed, "event_id"));
    assert_eq!(logged.len(), streamed.len());
    logged
}

#[test]
fn a_file_lives() {
    let reader = quiet(1);
    let user = reader.simulator.user_id(12);
    let folder = reader.simulator.items(12, None, "folder").remove(0);
    let item = reader
        .simulator
        .act(Deed::Upload {
            user: 12,
            folder: Some(folder.clone()),
            name: "new.txt".into(),
        })
        .unwrap();
    let get = |fields: &str| reader.get_as(&user, &format!("/2.0/files/{item}?fields={fields}"));
    let listed = |folder: &str| {
        let path = format!("/2.0/folders/{folder}/items?limit=1000");
        ids(&reader.get_as(&user, &path).entries(), "id").contains(&item)
    };
    let act = |deed: Deed| {
        reader.wait(5);
        reader.simulator.act(deed);
    };
    let exposure = || reader.simulator.item(&item).unwrap().sharing;
    assert!(listed(&folder));
    let old = get("sha1,modified_at").json();
    act(Deed::Edit { item: item.clone() });
    let new = get("sha1,modified_at").json();
    assert_ne!(
        (&old["sha1"], &old["etag"], &old["modified_at"]),
        (&new["sha1"], &new["etag"], &new["modified_at"])
    );
    act(Deed::Rename {
        item: item.clone(),
        name: "newer.txt".into(),
    });
    assert_eq!(get("name").json()["name"], "newer.txt");
    act(Deed::Move {
        item: item.clone(),
        folder: None,
    });
    assert!(listed("0") && !listed(&folder));
    act(Deed::Share {
        item: item.clone(),
        access: Access::Company,
        has_password: false,
    });
    assert_eq!(exposure(), Sharing::Internal);
    act(Deed::Share {
        item: item.clone(),
        access: Access::Open,
        has_password: false,
    });
    assert_eq!(
        get("shared_link").json()["shared_link"]["effective_access"],
        "open"
    );
    assert_eq!(exposure(), Sharing::PublicByLink);
    act(Deed::PreviewAnonymously { item: item.clone() });
    act(Deed::Unshare { item: item.clone() });
    assert_eq!(get("shared_link").json()["shared_link"], Value::Null);
    act(Deed::Classify {
        item: item.clone(),
        label: Some(2),
    });
    assert_eq!(
        get("classification").json()["classification"]["name"],
        "Confidential"
    );
    act(Deed::Download { item: item.clone() });
    act(Deed::Trash { item: item.clone() });
    assert_eq!(get("id").refusal(), (404, "trashed".into()));
    assert!(!listed("0"));
    act(Deed::Edit { item: item.clone() });
    act(Deed::Undelete { item: item.clone() });
    assert!(listed("0"));
    act(Deed::Purge { item: item.clone() });
    assert_eq!(get("id").refusal(), (404, "not_found".into()));
    let events = told(&reader);
    let types: Vec<&str> = events
        .iter()
        .map(|event| event["event_type"].as_str().unwrap())
        .collect();
    assert_eq!(
        types,
        [
            "UPLOAD",
            "EDIT",
            "RENAME",
            "MOVE",
            "SHARE",
            "ITEM_SHARED_UPDATE",
            "PREVIEW",
            "UNSHARE",
            "METADATA_INSTANCE_CREATE",
            "DOWNLOAD",
            "DELETE",
            "UNDELETE",
            "DELETE"
        ]
    );
    for event in &events {
        let source = &event["source"];
        let id = source["item_id"].as_str().or(source["id"].as_str());
        assert_eq!(id, Some(item.as_str()), "{event}");
    }
    assert_eq!(events[2]["source"]["item_name"], "newer.txt");
    assert_eq!(events[6]["created_by"]["id"], "2");
    let triggers = reader.simulator.holds().activities;
    let triggers = triggers.iter().filter(|one| one.is_scan_trigger);
    assert!(
        triggers
            .clone()
            .all(|one| one.item.as_deref() == Some(item.as_str()))
    );
    assert_eq!(triggers.count(), 11);
}

#[test]
fn collaborations_and_people_are_told_of() {
    let reader = quiet(2);
    let folder = reader.simulator.items(12, None, "folder").remove(0);
    let act = |deed: Deed| {
        reader.wait(5);
        reader.simulator.act(deed)
    };
    let item = folder.clone();
    let collaboration = act(Deed::Invite {
        item,
        invitee: Invitee::Outside(3),
    })
    .unwrap();
    act(Deed::Accept {
        collaboration: collaboration.clone(),
    });
    act(Deed::SetCollaborationRole {
        collaboration: collaboration.clone(),
        role: "viewer",
    });
    act(Deed::RemoveCollaboration {
        collaboration: collaboration.clone(),
    });
    act(Deed::Accept {
        collaboration: collaboration.clone(),
    });
    act(Deed::AddUser);
    act(Deed::Suspend { user: 20 });
    act(Deed::SetRole {
        user: 21,
        role: Role::Coadmin,
    });
    act(Deed::AddMember { group: 1, user: 20 });
    act(Deed::RemoveMember { group: 1, user: 20 });
    act(Deed::DeleteUser { user: 20 });
    act(Deed::SignIn { user: 21 });
    act(Deed::FailSignIn { user: 21 });
    reader.token();
    act(Deed::UnauthorizeApp);
    let events = told(&reader);
    let types: Vec<&str> = events
        .iter()
        .map(|event| event["event_type"].as_str().unwrap())
        .collect();
    let group = reader.simulator.holds().memberships;
    let was_member = group.contains(&(reader.simulator.group_id(1), reader.simulator.user_id(20)));
    assert!(!was_member);
    assert_eq!(
        types
            .iter()
            .filter(|kind| !kind.starts_with("GROUP_"))
            .copied()
            .collect::<Vec<&str>>(),
        [
            "COLLABORATION_INVITE",
            "COLLABORATION_ACCEPT",
            "COLLABORATION_ROLE_CHANGE",
            "COLLABORATION_REMOVE",
            "NEW_USER",
            "EDIT_USER",
            "CHANGE_ADMIN_ROLE",
            "DELETE_USER",
            "LOGIN",
            "FAILED_LOGIN",
            "ENTERPRISE_APP_AUTHORIZATION_UPDATE",
        ]
    );
    for event in &events[..4] {
        assert_eq!(event["source"]["folder_id"], folder.as_str());
        assert_eq!(event["source"]["user_id"], reader.simulator.outside_id(3));
        assert_eq!(event["accessible_by"]["id"], reader.simulator.outside_id(3));
        assert_eq!(
            event["additional_details"]["collab_id"],
            collaboration.as_str()
        );
    }
    assert!(types.contains(&"GROUP_REMOVE_USER"));
}

#[test]
fn a_folder_takes_along_what_lies_in_it() {
    let reader = quiet(3);
    let user = reader.simulator.user_id(12);
    let make = |folder: Option<&String>, name: &str| {
        let folder = folder.cloned();
        reader
            .simulator
            .act(Deed::CreateFolder {
                user: 12,
                folder,
                name: name.into(),
            })
            .unwrap()
    };
    let (outer, target) = (make(None, "outer"), make(None, "target"));
    let inner = make(Some(&outer), "inner");
    let upload = Deed::Upload {
        user: 12,
        folder: Some(inner.clone()),
        name: "a.txt".into(),
    };
    let file = reader.simulator.act(upload).unwrap();
    let status = || reader.get_as(&user, &format!("/2.0/files/{file}")).status;
    let walk = |folder: &str| ids(&reader.walk(&user, folder), "id").contains(&file);
    // A folder does not go into itself.
    reader.simulator.act(Deed::Move {
        item: outer.clone(),
        folder: Some(inner.clone()),
    });
    assert!(walk(&outer));
    reader.simulator.act(Deed::Move {
        item: inner.clone(),
        folder: Some(target.clone()),
    });
    assert!(walk(&target) && !walk(&outer));
    reader.simulator.act(Deed::Trash {
        item: target.clone(),
    });
    assert_eq!(status(), 404);
    assert!(reader.simulator.item(&file).unwrap().is_trashed);
    let trash = reader
        .get_as(&user, "/2.0/folders/trash/items?limit=1000")
        .entries();
    assert!(ids(&trash, "id").contains(&target) && !ids(&trash, "id").contains(&file));
    reader.simulator.act(Deed::Undelete {
        item: target.clone(),
    });
    assert_eq!(status(), 200);
    reader.simulator.act(Deed::Purge { item: target });
    assert_eq!(status(), 404);
    assert_eq!(reader.simulator.item(&file), None);
}

#[test]
fn a_user_who_goes_in_the_middle_of_a_scan_takes_the_files_along() {
    for (deed, expected) in [
        (
            Deed::Suspend { user: 12 },
            (403, "access_denied_insufficient_permissions"),
        ),
        (
            Deed::DeleteUser { user: 12 },
            (403, "access_denied_insufficient_permissions"),
        ),
    ] {
        let reader = quiet(4);
        let user = reader.simulator.user_id(12);
        let file = reader.simulator.items(12, None, "file").remove(0);
        let path = format!("/2.0/folders/0/items?usemarker=true&limit=2&fields={FIELDS}");
        reader.token();
        reader.simulator.act_after(1, deed.clone());
        let first = reader.get_as(&user, &path);
        assert_eq!(first.status, 200);
        let marker = first.json()["next_marker"].as_str().unwrap().to_string();
        let second = reader.get_as(&user, &format!("{path}&marker={marker}"));
        assert_eq!(second.refusal(), (expected.0, expected.1.into()));
        let held = reader.simulator.item(&file);
        match deed {
            Deed::Suspend { .. } => assert_eq!(held.unwrap().owner_status, Some(Status::Inactive)),
            _ => assert_eq!(held, None),
        }
    }
}

#[test]
fn a_file_that_moves_between_two_pages_may_be_missed() {
    let reader = quiet(5);
    let user = reader.simulator.user_id(1);
    let first = reader.get_as(&user, "/2.0/folders/0/items?usemarker=true&limit=4");
    let folders = reader.simulator.items(1, None, "folder");
    let file = reader
        .simulator
        .items(1, Some(&folders[0]), "file")
        .remove(0);
    let marker = first.json()["next_marker"].as_str().unwrap().to_string();
    let moved = Deed::Move {
        item: file.clone(),
        folder: Some(folders[1].clone()),
    };
    reader.simulator.act(moved);
    let rest = reader.pages(Some(&user), "/2.0/folders/0/items?limit=4").0;
    assert!(ids(&rest, "id").contains(&folders[1]));
    assert!(!marker.is_empty());
    assert!(ids(&reader.walk(&user, &folders[1]), "id").contains(&file));
    assert!(!ids(&reader.walk(&user, &folders[0]), "id").contains(&file));
}

#[test]
fn what_is_not_there_is_not_acted_on() {
    let reader = quiet(6);
    let file = reader.simulator.items(12, None, "file").remove(0);
    let other = reader.simulator.items(13, None, "folder").remove(0);
    for deed in [
        Deed::Edit { item: "12".into() },
        Deed::Move {
            item: file.clone(),
            folder: Some(other),
        },
        Deed::Move {
            item: file.clone(),
            folder: Some(file.clone()),
        },
        Deed::Undelete { item: file.clone() },
        Deed::Accept {
            collaboration: "7".into(),
        },
        Deed::Suspend { user: 0 },
        Deed::DeleteUser { user: 0 },
        Deed::Suspend { user: 999 },
        Deed::Upload {
            user: 999,
            folder: None,
            name: "x".into(),
        },
        Deed::Upload {
            user: 12,
            folder: Some(file.clone()),
            name: "x".into(),
        },
    ] {
        assert_eq!(reader.simulator.act(deed.clone()), None, "{deed:?}");
    }
    assert!(told(&reader).is_empty());
}

#[test]
fn items_may_vanish_between_list_and_look() {
    let reader = quiet(7);
    let user = reader.simulator.user_id(12);
    let file = reader.simulator.items(12, None, "file").remove(0);
    let path = format!("/2.0/files/{file}");
    for (fault, code) in [
        (Fault::ItemVanishes, "not_found"),
        (Fault::ItemTrashed, "trashed"),
    ] {
        reader
            .simulator
            .switch(fault, Some(FaultSettings::times(1)));
        assert_eq!(reader.get_as(&user, &path).refusal(), (404, code.into()));
        assert_eq!(reader.get_as(&user, &path).status, 200);
    }
}
