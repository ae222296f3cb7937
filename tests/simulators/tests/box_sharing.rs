//! Who sees what in an enterprise of Box, by links and collaborations, and the truth to compare with.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod box_reader;

use std::collections::{BTreeMap, BTreeSet};

use box_reader::{FIELDS, Reader, ids};
use casbah_model::file::Sharing;
use casbah_simulators::box_com::{Access, Deed, Invitee, ItemHeld, Status};
use serde_json::Value;

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// How far an item reaches by what the API tells: its own links and collaborations and those of the folders above.
struct Judge<'a> {
    reader: &'a Reader,
    /// By kind and id: a folder is asked for once.
    known: BTreeMap<String, (Sharing, BTreeSet<String>)>,
    domains: BTreeSet<String>,
}

impl Judge<'_> {
    fn of_one(&mut self, viewer: &str, kind: &str, id: &str) -> (Sharing, BTreeSet<String>) {
        let key = format!("{kind}{id}");
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let path = format!("/2.0/{kind}s/{id}");
        let answer = self
            .reader
            .get_as(viewer, &format!("{path}?fields={FIELDS}"));
        let item = answer.json();
        let link = &item["shared_link"];
        let mut exposure = match (text(link, "effective_access"), &link["is_password_enabled"]) {
            ("open", Value::Bool(false)) => Sharing::PublicByLink,
            ("open", _) => Sharing::External,
            ("company", _) => Sharing::Internal,
            _ => Sharing::Private,
        };
        if item["is_externally_owned"] == true {
            exposure = exposure.max(Sharing::External);
        }
        let mut people = BTreeSet::new();
        if kind != "web_link" {
            let (all, _) = self
                .reader
                .pages(Some(viewer), &format!("{path}/collaborations?limit=1"));
            for one in all.iter().filter(|one| one["status"] != "rejected") {
                let by = &one["accessible_by"];
                let login = match text(by, "type") {
                    "group" => "group@acme.example",
                    "user" => text(by, "login"),
                    _ => text(one, "invite_email"),
                };
                let domain = login.split('@').next_back().unwrap();
                let is_inside = self.domains.contains(domain);
                exposure = exposure.max(if is_inside {
                    Sharing::Internal
                } else {
                    Sharing::External
                });
                if one["status"] == "accepted" && by["type"] == "user" {
                    people.insert(text(by, "id").to_string());
                }
            }
        }
        self.known.insert(key, (exposure, people.clone()));
        (exposure, people)
    }

    fn of(&mut self, viewer: &str, item: &Value) -> (Sharing, BTreeSet<String>) {
        let (mut exposure, mut people) = self.of_one(viewer, text(item, "type"), text(item, "id"));
        for folder in item["path_collection"]["entries"].as_array().unwrap() {
            if folder["id"] != "0" {
                let (above, others) = self.of_one(viewer, "folder", text(folder, "id"));
                exposure = exposure.max(above);
                people.extend(others);
            }
        }
        (exposure, people)
    }
}

fn judge(reader: &Reader) -> Judge<'_> {
    let users = reader.simulator.holds().users;
    let domain = |login: &str| login.split('@').next_back().unwrap().to_string();
    Judge {
        reader,
        known: BTreeMap::new(),
        domains: users.values().map(|user| domain(&user.login)).collect(),
    }
}

#[test]
fn what_is_told_of_a_file_and_its_folders_gives_how_far_it_reaches() {
    let reader = Reader::small(2);
    let truth = reader.simulator.files();
    let mut judge = judge(&reader);
    let mut seen: BTreeMap<Sharing, usize> = BTreeMap::new();
    let lives = |file: &&ItemHeld| file.owner_status != Some(Status::Inactive) && file.is_in_reach;
    for file in truth.values().filter(lives) {
        let kind = if file.kind == "web_link" {
            "web_links"
        } else {
            "files"
        };
        let (viewer, is_owner) = match file.owner_status {
            Some(_) => (file.owner.clone(), true),
            None => {
                let ours = |id: &&String| {
                    let held = reader.simulator.holds().users;
                    held.get(*id)
                        .is_some_and(|user| user.status != Status::Inactive)
                };
                let Some(viewer) = file.collaborators.iter().find(ours) else {
                    continue;
                };
                (viewer.clone(), false)
            }
        };
        let path = format!("/2.0/{kind}/{}?fields={FIELDS}", file.id);
        let item = reader.get_as(&viewer, &path).json();
        let (exposure, people) = judge.of(&viewer, &item);
        assert_eq!(exposure, file.sharing, "{file:?}");
        if is_owner && file.kind != "web_link" {
            assert_eq!(people, file.collaborators, "{file:?}");
        }
        *seen.entry(exposure).or_default() += 1;
    }
    assert_eq!(seen.len(), 4, "{seen:?}");
}

#[test]
fn a_shared_folder_is_seen_by_two_and_its_path_begins_where_the_viewer_may_look() {
    let reader = Reader::small(3);
    let owner = reader.simulator.user_id(12);
    let outer = reader.simulator.act(Deed::CreateFolder {
        user: 12,
        folder: None,
        name: "Outer".into(),
    });
    let folder = reader.simulator.act(Deed::CreateFolder {
        user: 12,
        folder: outer.clone(),
        name: "Inner".into(),
    });
    let file = reader.simulator.act(Deed::Upload {
        user: 12,
        folder: folder.clone(),
        name: "a.txt".into(),
    });
    let (outer, folder, file) = (outer.unwrap(), folder.unwrap(), file.unwrap());
    let invitee = Invitee::User(13);
    reader.simulator.act(Deed::Invite {
        item: folder.clone(),
        invitee,
    });
    let colleague = reader.simulator.user_id(13);
    let path = |viewer: &str, kind: &str, id: &str| {
        let item = reader
            .get_as(
                viewer,
                &format!("/2.0/{kind}/{id}?fields=path_collection,parent,owned_by"),
            )
            .json();
        assert_eq!(item["owned_by"]["id"], owner.as_str());
        let above = item["path_collection"]["entries"]
            .as_array()
            .unwrap()
            .clone();
        assert_eq!(above.last().unwrap()["id"], item["parent"]["id"]);
        above
            .iter()
            .map(|folder| text(folder, "id").to_string())
            .collect::<Vec<String>>()
    };
    assert_eq!(path(&owner, "files", &file), ["0", &outer, &folder]);
    assert_eq!(path(&colleague, "files", &file), ["0", &folder]);
    assert_eq!(path(&colleague, "folders", &folder), ["0"]);
    let root = |viewer: &str| {
        ids(
            &reader
                .get_as(viewer, "/2.0/folders/0/items?limit=1000")
                .entries(),
            "id",
        )
    };
    assert!(root(&colleague).contains(&folder));
    assert!(!root(&owner).contains(&folder));
    let refused = reader.get_as(&colleague, &format!("/2.0/folders/{outer}"));
    assert_eq!(refused.refusal(), (404, "not_found".into()));
    let stranger = reader.simulator.user_id(15);
    for path in [
        format!("files/{file}"),
        format!("folders/{folder}/items"),
        format!("folders/{folder}/collaborations"),
    ] {
        assert_eq!(
            reader.get_as(&stranger, &format!("/2.0/{path}")).status,
            404,
            "{path}"
        );
    }
    let held = reader.simulator.item(&file).unwrap();
    assert_eq!(held.sharing, Sharing::Internal);
    assert_eq!(held.folders, [outer, folder.clone()]);
    assert_eq!(held.collaborators, BTreeSet::from([colleague]));
    let direct = reader
        .get_as(
            &owner,
            &format!("/2.0/files/{file}?fields=shared_link,has_collaborations"),
        )
        .json();
    assert_eq!(
        (&direct["shared_link"], &direct["has_collaborations"]),
        (&Value::Null, &false.into())
    );
    reader.simulator.act(Deed::Share {
        item: folder,
        access: Access::Open,
        has_password: true,
    });
    assert_eq!(
        reader.simulator.item(&file).unwrap().sharing,
        Sharing::External
    );
}

#[test]
fn a_group_sees_what_it_is_invited_to() {
    let reader = Reader::small(4);
    let member = |reader: &Reader| {
        let held = reader.simulator.holds();
        let group = reader.simulator.group_id(2);
        let active = |user: &String| held.users[user].status == Status::Active;
        let mut members = held.memberships.iter().filter(|(known, _)| *known == group);
        members
            .find(|(_, user)| active(user) && *user != reader.simulator.user_id(12))
            .unwrap()
            .1
            .clone()
    };
    let someone = member(&reader);
    let folder = reader.simulator.items(12, None, "folder").remove(0);
    let path = format!("/2.0/folders/{folder}");
    let before = reader.get_as(&someone, &path).status;
    reader.simulator.act(Deed::Invite {
        item: folder.clone(),
        invitee: Invitee::Group(2),
    });
    assert_eq!((before, reader.get_as(&someone, &path).status), (404, 200));
    let (all, _) = reader.pages(
        Some(&reader.simulator.user_id(12)),
        &format!("{path}/collaborations"),
    );
    let group = all
        .iter()
        .find(|one| one["accessible_by"]["type"] == "group")
        .unwrap();
    assert_eq!(group["accessible_by"]["id"], reader.simulator.group_id(2));
    assert_eq!(group["item"]["id"], folder.as_str());
}

#[test]
fn an_invitation_of_somebody_outside_names_the_address_only() {
    let reader = Reader::small(5);
    let owner = reader.simulator.user_id(12);
    let file = reader.simulator.items(12, None, "file").remove(0);
    let path = format!("/2.0/files/{file}/collaborations");
    let (before, _) = reader.pages(Some(&owner), &path);
    let invitee = Invitee::Outside(1);
    let collaboration = reader
        .simulator
        .act(Deed::Invite {
            item: file.clone(),
            invitee,
        })
        .unwrap();
    let find = || {
        let (all, _) = reader.pages(Some(&owner), &path);
        all.into_iter()
            .find(|one| one["id"] == collaboration.as_str())
    };
    let pending = find().unwrap();
    assert_eq!(pending["status"], "pending");
    assert_eq!(
        (&pending["accessible_by"], &pending["item"]),
        (&Value::Null, &Value::Null)
    );
    assert!(text(&pending, "invite_email").ends_with("initech.example"));
    let held = reader.simulator.item(&file).unwrap();
    assert!(held.sharing >= Sharing::External);
    assert!(held.invited.contains(text(&pending, "invite_email")));
    reader.simulator.act(Deed::Accept {
        collaboration: collaboration.clone(),
    });
    let accepted = find().unwrap();
    assert_eq!(accepted["status"], "accepted");
    assert_eq!(
        accepted["accessible_by"]["id"],
        reader.simulator.outside_id(1)
    );
    assert_eq!(accepted["accessible_by"]["is_active"], true);
    assert_eq!(accepted["invite_email"], Value::Null);
    assert_eq!(accepted["item"]["id"], file.as_str());
    let one = reader
        .get_as(&owner, &format!("/2.0/collaborations/{collaboration}"))
        .json();
    assert_eq!(one["status"], "accepted");
    reader.simulator.act(Deed::SetCollaborationRole {
        collaboration: collaboration.clone(),
        role: "editor",
    });
    assert_eq!(find().unwrap()["role"], "editor");
    reader.simulator.act(Deed::RemoveCollaboration {
        collaboration: collaboration.clone(),
    });
    assert_eq!(find(), None);
    assert_eq!(reader.pages(Some(&owner), &path).0.len(), before.len());
    assert_eq!(
        reader
            .get_as(&owner, &format!("/2.0/collaborations/{collaboration}"))
            .status,
        404
    );
    let root = reader.get_as(&owner, "/2.0/folders/0/collaborations");
    assert_eq!(
        root.refusal(),
        (400, "collaborations_not_available_on_root_folder".into())
    );
}

#[test]
fn the_plan_shares_in_every_way() {
    let reader = Reader::small(6);
    let (mut access, mut passwords, mut narrowed, mut until, mut labels) =
        (BTreeSet::new(), 0, 0, 0, 0);
    let (mut statuses, mut roles) = (BTreeSet::new(), BTreeSet::new());
    for user in (0..60).map(|user| reader.simulator.user_id(user)) {
        if reader.get_as(&user, "/2.0/users/me").status != 200 {
            continue;
        }
        for item in reader.walk(&user, "0") {
            let link = &item["shared_link"];
            access.insert(text(link, "access").to_string());
            passwords += usize::from(link["is_password_enabled"] == true);
            narrowed += usize::from(link["access"] != link["effective_access"]);
            until += usize::from(link["unshared_at"].is_string());
            labels += usize::from(item["classification"]["name"].is_string());
            if item["has_collaborations"] == true {
                let path = format!(
                    "/2.0/{}s/{}/collaborations",
                    text(&item, "type"),
                    text(&item, "id")
                );
                for one in reader.pages(Some(&user), &path).0 {
                    statuses.insert(text(&one, "status").to_string());
                    roles.insert(text(&one, "role").to_string());
                }
            }
        }
    }
    assert_eq!(access.len(), 4, "{access:?}");
    assert!(passwords > 1 && narrowed > 1 && until > 0 && labels > 20);
    assert_eq!(statuses.len(), 3);
    assert_eq!(roles.len(), 7);
}

#[test]
fn a_link_ends_by_itself() {
    let reader = Reader::small(6);
    let files = reader.simulator.files();
    let open = |reader: &Reader, id: &str| reader.simulator.item(id).unwrap().sharing;
    let mut ended = 0;
    let public: Vec<&String> = files
        .iter()
        .filter(|(_, file)| file.sharing == Sharing::PublicByLink)
        .map(|(id, _)| id)
        .collect();
    reader.wait(11 * 24 * 3600);
    for id in &public {
        ended += usize::from(open(&reader, id) < Sharing::PublicByLink);
    }
    assert!(
        ended > 0 && ended < public.len(),
        "{ended} of {}",
        public.len()
    );
}
