//! Users and groups of an enterprise of Box, as lists tell them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod box_reader;

use std::collections::BTreeSet;

use box_reader::{Reader, ids, small_plan, with};
use casbah_simulators::box_com::{
    Deed, EndMarker, Fault, FaultSettings, FieldsBeside, Plan, Role, ServiceAccount, Status,
};
use serde_json::Value;

const PATH: &str = "/2.0/users?limit=7&fields=status,role,enterprise,is_platform_access_only";

#[test]
fn a_list_by_marker_names_every_managed_user_as_it_is() {
    let reader = Reader::small(1);
    let (users, pages) = reader.pages(None, PATH);
    let held = reader.simulator.holds().users;
    assert_eq!(users.len(), 61);
    assert_eq!(pages, 9);
    for user in &users {
        let held = &held[user["id"].as_str().unwrap()];
        assert_eq!(user["login"], held.login);
        assert_eq!(user["status"], held.status.name());
        assert_eq!(user["role"], held.role.name());
        assert_eq!(user["is_platform_access_only"], held.is_app_user);
        assert_eq!(user["enterprise"]["id"], reader.plan.enterprise());
    }
    for status in Status::ALL {
        assert!(!reader.simulator.holds().users_of(status).is_empty());
    }
    let roles: BTreeSet<Role> = held.values().map(|user| user.role).collect();
    assert_eq!(roles.len(), 3);
    assert!(held.values().filter(|user| user.is_app_user).count() > 1);
    assert_eq!(
        held.values()
            .filter(|user| user.role == Role::Admin)
            .count(),
        1
    );
}

#[test]
fn the_last_marker_is_null_empty_or_absent_by_turns() {
    let reader = Reader::small(1);
    let last = |reader: &Reader| {
        let page = reader.get("/2.0/users?usemarker=true&limit=1000").json();
        page.get("next_marker").cloned()
    };
    let turns: Vec<Option<Value>> = (0..4).map(|_| last(&reader)).collect();
    let (null, empty) = (Some(Value::Null), Some(Value::from("")));
    assert_eq!(turns, [null.clone(), empty.clone(), None, null.clone()]);
    for (choice, expected) in [
        (EndMarker::Null, null),
        (EndMarker::Empty, empty),
        (EndMarker::Absent, None),
    ] {
        let mut plan = small_plan(1);
        plan.choices.end_marker = choice;
        let reader = Reader::new(plan);
        assert_eq!([last(&reader), last(&reader)], [expected.clone(), expected]);
    }
}

#[test]
fn a_list_by_offset_counts_and_ends_at_ten_thousand() {
    let reader = Reader::small(1);
    let users = reader.numbered("/2.0/users", 9);
    assert_eq!(ids(&users, "id").len(), 61);
    let page = reader.get("/2.0/users?limit=2&offset=4").json();
    assert_eq!(
        (&page["total_count"], &page["offset"]),
        (&61.into(), &4.into())
    );
    assert_eq!(page["order"][0]["direction"], "ASC");
    let beyond = reader.get("/2.0/users?offset=10000");
    assert_eq!((beyond.status, beyond.entries().len()), (200, 0));
    let refused = reader.get("/2.0/users?offset=10001");
    assert_eq!(refused.refusal(), (400, "bad_request".into()));
    for limit in ["0", "-1", "x", "1001"] {
        let refused = reader.get(&format!("/2.0/users?limit={limit}"));
        assert_eq!(refused.refusal(), (400, "invalid_limit".into()), "{limit}");
    }
}

#[test]
fn pages_with_gaps_are_whole_only_for_who_advances_by_the_limit() {
    let reader = with(Fault::ShortPages, FaultSettings::always());
    let users = reader.numbered("/2.0/users", 10);
    assert_eq!((users.len(), ids(&users, "id").len()), (61, 61));
    let first = reader.get("/2.0/users?limit=10&offset=0");
    assert_eq!(first.entries().len(), 9);
    let (users, pages) = reader.pages(None, PATH);
    assert_eq!((ids(&users, "id").len(), pages), (61, 16));
}

#[test]
fn fields_take_the_place_of_the_standard_ones() {
    let keys = |reader: &Reader, query: &str| {
        let user = reader
            .get(&format!("/2.0/users?limit=1{query}"))
            .entries()
            .remove(0);
        let keys = user.as_object().unwrap().keys().cloned();
        keys.collect::<Vec<String>>().join(",")
    };
    let reader = Reader::small(1);
    assert!(keys(&reader, "").contains("space_used"));
    assert!(!keys(&reader, "").contains("role"));
    assert_eq!(keys(&reader, "&fields=role"), "id,login,name,role,type");
    assert_eq!(keys(&reader, "&fields=no_such_field"), "id,login,name,type");
    let mut plan = small_plan(1);
    plan.choices.fields_beside = FieldsBeside::Least;
    assert_eq!(keys(&Reader::new(plan), "&fields=role"), "id,role,type");
}

#[test]
fn people_outside_come_for_their_whole_login_only() {
    let reader = Reader::small(1);
    let id = reader.simulator.outside_id(1);
    let outside = reader
        .get(&format!("/2.0/users/{id}?fields=login,enterprise"))
        .json();
    let login = outside["login"].as_str().unwrap();
    assert_ne!(outside["enterprise"]["id"], reader.plan.enterprise());
    let found = |term: &str| {
        let path = format!("/2.0/users?user_type=external&filter_term={term}");
        ids(&reader.get(&path).entries(), "id")
    };
    assert_eq!(found(login), BTreeSet::from([id]));
    assert!(found(&login[..5]).is_empty());
    assert!(found("").is_empty());
    let alone = reader.get(&format!(
        "/2.0/users/{}?fields=enterprise",
        reader.simulator.outside_id(2)
    ));
    assert_eq!(alone.json()["enterprise"], Value::Null);
    let login = &reader.simulator.holds().users[&reader.simulator.user_id(9)].login;
    let inside = reader.get(&format!("/2.0/users?filter_term={login}"));
    assert_eq!(
        ids(&inside.entries(), "id"),
        BTreeSet::from([reader.simulator.user_id(9)])
    );
    assert_eq!(reader.get("/2.0/users?user_type=nobody").status, 400);
    assert_eq!(
        reader.get("/2.0/users/12").refusal(),
        (404, "not_found".into())
    );
}

#[test]
fn the_list_of_users_follows_deeds() {
    let reader = Reader::small(2);
    let id = reader.simulator.act(Deed::AddUser).unwrap();
    reader.simulator.act(Deed::DeleteUser { user: 20 });
    reader.simulator.act(Deed::Suspend { user: 21 });
    reader.simulator.act(Deed::Suspend { user: 0 });
    let (users, _) = reader.pages(None, PATH);
    let found = ids(&users, "id");
    assert!(found.contains(&id));
    assert!(!found.contains(&reader.simulator.user_id(20)));
    let status = |user: u64| {
        let id = reader.simulator.user_id(user);
        let user = users.iter().find(|user| user["id"] == id.as_str());
        user.unwrap()["status"].as_str().unwrap().to_string()
    };
    assert_eq!(
        (status(21).as_str(), status(0).as_str()),
        ("inactive", "active")
    );
    let held: BTreeSet<String> = reader.simulator.holds().users.into_keys().collect();
    assert_eq!(found, held);
    let gone = format!("/2.0/users/{}", reader.simulator.user_id(20));
    assert_eq!(reader.get(&gone).status, 404);
}

#[test]
fn the_service_account_may_be_left_out_of_lists() {
    let mut plan = small_plan(2);
    plan.choices.service_account = ServiceAccount::Hidden;
    let reader = Reader::new(plan);
    let (users, _) = reader.pages(None, PATH);
    assert_eq!(users.len(), 60);
    assert!(!ids(&users, "id").contains(&reader.simulator.service_account_id()));
}

#[test]
fn groups_and_memberships_agree_both_ways() {
    let reader = Reader::small(3);
    reader.simulator.act(Deed::AddMember { group: 2, user: 50 });
    let member = reader.simulator.holds().memberships.into_iter();
    let group = reader.simulator.group_id(3);
    let (_, gone) = member
        .into_iter()
        .find(|(known, _)| *known == group)
        .unwrap();
    let gone = (0..60)
        .find(|user| reader.simulator.user_id(*user) == gone)
        .unwrap();
    reader.simulator.act(Deed::RemoveMember {
        group: 3,
        user: gone,
    });
    reader
        .simulator
        .act(Deed::MakeGroupAdmin { group: 2, user: 50 });
    let held = reader.simulator.holds();
    let groups = reader.numbered("/2.0/groups?fields=provenance", 4);
    assert_eq!(ids(&groups, "id"), held.groups.keys().cloned().collect());
    let kinds = ids(&groups, "group_type");
    assert_eq!(kinds.len(), 2);
    let pair = |one: &Value| {
        let id = |of: &str| one[of]["id"].as_str().unwrap().to_string();
        (id("group"), id("user"))
    };
    let (mut found, mut admins) = (BTreeSet::new(), BTreeSet::new());
    for group in held.groups.keys() {
        for one in reader.numbered(&format!("/2.0/groups/{group}/memberships"), 10) {
            if one["role"] == "admin" {
                admins.insert(pair(&one));
            }
            found.insert(pair(&one));
        }
    }
    assert_eq!(found, held.memberships);
    assert_eq!(admins, held.group_admins);
    let joined = (reader.simulator.group_id(2), reader.simulator.user_id(50));
    assert!(admins.contains(&joined));
    assert!(!found.contains(&(group, reader.simulator.user_id(gone))));
    let mut back = BTreeSet::new();
    for user in held.users.keys() {
        let memberships = reader.numbered(&format!("/2.0/users/{user}/memberships"), 100);
        back.extend(memberships.iter().map(pair));
    }
    assert_eq!(back, found);
    assert_eq!(reader.get("/2.0/groups/1").status, 404);
}

#[test]
fn domains_and_classifications_are_told() {
    let reader = Reader::small(4);
    let (entries, _) = reader.pages(None, "/2.0/collaboration_whitelist_entries?limit=1");
    let directions = ids(&entries, "direction");
    assert_eq!(
        directions,
        BTreeSet::from(["both".into(), "inbound".into()])
    );
    let targets = reader
        .get("/2.0/collaboration_whitelist_exempt_targets")
        .entries();
    assert_eq!(targets[0]["user"]["id"], reader.simulator.user_id(59));
    let path = "/2.0/metadata_templates/enterprise/securityClassification-6VMVochwUWo/schema";
    let template = reader.get(path).json();
    assert_eq!(
        template["fields"][0]["options"].as_array().unwrap().len(),
        3
    );
    let mut plan = small_plan(4);
    plan.has_classifications = false;
    assert_eq!(Reader::new(plan).get(path).status, 404);
}

#[test]
fn a_large_enterprise_is_made_and_paged() {
    let mut plan = Plan::new(5).sized(5000, 300, 1_000_000, 20_000);
    plan.latency = small_plan(5).latency;
    let reader = Reader::new(plan);
    let (users, pages) = reader.pages(None, "/2.0/users?limit=1000&fields=status");
    assert_eq!((users.len(), pages), (5001, 6));
    let someone = reader.simulator.user_id(4321);
    let items = reader.get_as(&someone, "/2.0/folders/0/items?usemarker=true&limit=1000");
    assert!(!items.entries().is_empty());
}
