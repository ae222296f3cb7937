//! The directory and the limits of Graph, seen through the door of the simulator.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod reader;

use std::collections::BTreeMap;

use casbah_model::SignedDuration;
use casbah_model::ports::Clock;
use casbah_model::transport::Method;
use casbah_simulators::microsoft365::{Deed, Plan, Row};
use reader::{GRAPH, Reader, ids, small_plan};
use serde_json::Value;

#[test]
fn walking_the_directory_finds_what_it_holds() {
    let reader = Reader::small(4);
    let held = reader.simulator.holds();
    let (users, link) = reader.walk("users/delta?$select=id,userType,accountEnabled", "");
    assert!(link.is_some());
    assert_eq!(ids(&users, "id"), held.user_ids);
    let count =
        |field: &str, value: Value| users.iter().filter(|user| user[field] == value).count() as u64;
    assert_eq!(count("userType", "Guest".into()), held.guests);
    assert_eq!(count("accountEnabled", false.into()), held.disabled);
    assert!(held.guests > 0 && held.disabled > 0);
    let (groups, _) = reader.walk(
        "groups/delta?$select=id,displayName,members",
        "odata.maxpagesize=3",
    );
    assert_eq!(ids(&groups, "id").len() as u64, held.groups);
    let members = groups
        .iter()
        .filter_map(|group| group["members@delta"].as_array());
    assert_eq!(
        members.map(Vec::len).sum::<usize>() as u64,
        held.memberships
    );
    let count = |path: &str| reader.walk(path, "").0.len() as u64;
    assert_eq!(
        count("roleManagement/directory/roleDefinitions"),
        held.roles
    );
    assert_eq!(
        count("roleManagement/directory/roleAssignments?$expand=principal"),
        held.role_assignments
    );
    assert_eq!(count("servicePrincipals?$top=999"), held.applications);
    assert_eq!(count("oauth2PermissionGrants"), held.delegated_grants);
    let mut held_by_apps = 0;
    for app in reader.walk("servicePrincipals", "").0 {
        held_by_apps += count(&format!(
            "servicePrincipals/{}/appRoleAssignedTo",
            app["id"].as_str().unwrap()
        ));
    }
    assert_eq!(held_by_apps, held.app_role_assignments);
    let seats = reader.walk("subscribedSkus", "").0[0]["consumedUnits"].as_u64();
    assert_eq!(seats, Some(reader.plan.seats));
}

#[test]
fn a_large_group_is_spread_over_entries() {
    let mut plan = small_plan(5).sized(900, 100, 10);
    plan.limits.is_on = false;
    let reader = Reader::new(plan);
    let (groups, _) = reader.walk("groups/delta?$select=id,displayName,members", "");
    let all = groups
        .iter()
        .filter(|group| group["displayName"] == "All Company")
        .count();
    assert_eq!(all, 5);
}

#[test]
fn without_select_a_user_does_not_say_whether_it_is_enabled() {
    let reader = Reader::small(6);
    let user = &reader.walk("users/delta", "").0[0];
    assert!(user["accountEnabled"].is_null() && user["displayName"].is_string());
    assert_eq!(reader.graph("users/delta?$top=5").status, 400);
    let (users, _) = reader.walk("users?$select=id,signInActivity&$top=50", "");
    assert_eq!(users.len(), reader.plan.users);
    assert!(
        users
            .iter()
            .any(|user| user["signInActivity"]["lastSignInDateTime"].is_string())
    );
}

#[test]
fn a_delta_shows_what_changed_since_and_nothing_else() {
    let reader = Reader::small(7);
    let (_, link) = reader.walk("users/delta?$select=id,accountEnabled", "");
    let link = link.unwrap();
    assert!(reader.walk(&link, "").0.is_empty());
    reader.simulator.act(Deed::AddUser);
    reader.simulator.act(Deed::AddGuest);
    reader.simulator.act(Deed::DisableUser { user: 9 });
    reader.simulator.act(Deed::DeleteUser { user: 10 });
    let (changes, next) = reader.walk(&link, "");
    assert_eq!(changes.len(), 4);
    let removed: Vec<&Value> = changes
        .iter()
        .filter(|user| !user["@removed"].is_null())
        .collect();
    assert_eq!(removed.len(), 1);
    assert!(reader.walk(&next.unwrap(), "").0.is_empty());
    let held = reader.simulator.holds();
    assert_eq!(held.users, reader.plan.users as u64 + 1);
    assert_eq!(
        ids(&reader.walk("users/delta?$select=id", "").0, "id"),
        held.user_ids
    );
}

/// A tenant whose directory services put three entries on a page.
fn three_a_page(seed: u64) -> Reader {
    let mut plan = small_plan(seed);
    plan.directory_page_max = 3;
    Reader::new(plan)
}

#[test]
fn pages_may_be_smaller_than_asked_for_and_lose_nothing() {
    let (usual, small) = (Reader::small(9), three_a_page(9));
    let group = "groups/delta?$select=id,displayName,members";
    let groups = usual.walk(group, "").0;
    let groups = groups.iter().filter_map(|group| group["id"].as_str());
    let app = usual.walk("servicePrincipals", "").0[0]["id"].clone();
    let role = usual.walk("directoryRoles", "").0[0]["id"].clone();
    let mut paths: Vec<String> = groups
        .map(|group| format!("groups/{group}/members"))
        .collect();
    paths.extend([
        format!(
            "servicePrincipals/{}/appRoleAssignedTo",
            app.as_str().unwrap()
        ),
        format!("directoryRoles/{}/members", role.as_str().unwrap()),
    ]);
    paths.extend(
        [
            group,
            "users?$select=id&$top=999",
            "users/delta?$select=id",
            "roleManagement/directory/roleDefinitions",
            "roleManagement/directory/roleAssignments?$expand=principal",
            "servicePrincipals?$top=999",
            "servicePrincipals/delta",
            "oauth2PermissionGrants",
            "sites/getAllSites?$top=500",
        ]
        .map(String::from),
    );
    let mut pages = 0;
    for path in paths {
        for prefer in ["", "odata.maxpagesize=500"] {
            let first = small.graph_preferring(&path, prefer).json();
            let count = first["value"].as_array().unwrap().len();
            let has_more = first["@odata.nextLink"].is_string();
            assert!(count <= 3, "{path}");
            pages += usize::from(has_more);
            assert_eq!(
                small.walk(&path, prefer).0,
                usual.walk(&path, "").0,
                "{path}"
            );
        }
    }
    assert!(pages > 30, "{pages}");
}

#[test]
fn a_page_size_is_checked_before_it_is_cut() {
    let reader = three_a_page(10);
    assert_eq!(reader.graph("users?$top=1000").status, 400);
    assert_eq!(reader.graph("users?$top=0").status, 400);
    assert_eq!(reader.graph("users?$top=2").json()["value"][2], Value::Null);
}

#[test]
fn later_rounds_of_a_delta_have_small_pages_too() {
    let reader = three_a_page(11);
    let (_, link) = reader.walk("users/delta?$select=id", "");
    (0..7).for_each(|_| reader.simulator.act(Deed::AddUser));
    let page = reader.graph(link.as_ref().unwrap()).json();
    assert_eq!(page["value"].as_array().unwrap().len(), 3);
    assert_eq!(reader.walk(&link.unwrap(), "").0.len(), 7);
}

#[test]
fn a_group_of_thousands_comes_on_several_pages() {
    let reader = Reader::new(small_plan(12).sized(2500, 100, 10));
    let groups = reader
        .walk("groups/delta?$select=id,displayName,members", "")
        .0;
    let large = groups
        .iter()
        .find(|group| group["displayName"] == "All Company")
        .unwrap()["id"]
        .as_str()
        .unwrap();
    let entries = groups.iter().filter(|group| group["id"] == large);
    let members: Vec<Value> = entries
        .flat_map(|group| group["members@delta"].as_array().unwrap().clone())
        .collect();
    assert!(members.len() > 999);
    assert_eq!(
        reader.walk(&format!("groups/{large}/members"), "").0,
        members
    );
}

#[test]
fn a_batch_answers_each_call_on_its_own() {
    let reader = Reader::small(8);
    let body = r#"{"requests":[{"id":"1","method":"GET","url":"/organization"},{"id":"2","method":"GET","url":"/users/nobody"},
        {"id":"3","method":"GET","url":"/domains","dependsOn":["2"]}]}"#;
    let url = format!("{GRAPH}/v1.0/$batch");
    let headers = reader
        .bearer(GRAPH)
        .with("Content-Type", "application/json");
    let answer = reader.ask(Method::Post, &url, headers.clone(), body).json();
    let statuses: BTreeMap<&str, u64> = answer["responses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["id"].as_str().unwrap(), one["status"].as_u64().unwrap()))
        .collect();
    assert_eq!(
        statuses,
        BTreeMap::from([("1", 200), ("2", 404), ("3", 424)])
    );
    let many: Vec<String> = (0..21)
        .map(|id| format!(r#"{{"id":"{id}","method":"GET","url":"/domains"}}"#))
        .collect();
    let body = format!(r#"{{"requests":[{}]}}"#, many.join(","));
    assert_eq!(reader.ask(Method::Post, &url, headers, &body).status, 400);
}

fn limited(scale: f64) -> Reader {
    let mut plan: Plan = small_plan(16);
    plan.limits.is_on = true;
    plan.limits.scale = scale;
    Reader::new(plan)
}

#[test]
fn the_directory_limit_counts_units_and_warns_from_four_fifths() {
    // 120 users are of the middle size: 5,000 units in 10 s.
    let reader = limited(0.01);
    let answers: Vec<_> = (0..17).map(|_| reader.graph("subscribedSkus")).collect();
    let granted = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(granted, 16, "50 units, 3 each");
    assert_eq!(answers[0].headers.get("x-ms-resource-unit"), Some("3"));
    let warned = |number: usize| {
        answers[number]
            .headers
            .get("x-ms-throttle-limit-percentage")
            .is_some()
    };
    assert!(!warned(12) && warned(13));
    let refused = &answers[16];
    assert_eq!(refused.status, 429);
    assert!(refused.headers.get("Retry-After").is_some());
    assert_eq!(
        refused.headers.get("x-ms-throttle-information"),
        Some("ResourceUnitLimitExceeded")
    );
    let traffic = reader.simulator.traffic();
    assert_eq!(
        (
            traffic.granted[&Row::Directory],
            traffic.refused[&Row::Directory]
        ),
        (48, 1)
    );
}

#[test]
fn the_sharepoint_limit_tells_what_is_left_and_charges_refused_calls() {
    // 1,250 units a minute, 5 for permissions.
    let reader = limited(0.04);
    let drive = "drives/b!nothing/items/x/permissions";
    let answers: Vec<_> = (0..12).map(|_| reader.graph(drive)).collect();
    assert_eq!(
        answers.iter().filter(|answer| answer.status == 429).count(),
        2
    );
    assert_eq!(answers[6].headers.get("RateLimit-Remaining"), None);
    assert_eq!(answers[7].headers.get("RateLimit-Remaining"), Some("10"));
    assert_eq!(answers[11].headers.get("RateLimit-Remaining"), Some("0"));
    assert!(answers[11].headers.get("Retry-After").is_some());
    reader.clock.forward(SignedDuration::from_secs(61));
    assert_eq!(reader.graph(drive).status, 404);
}

#[test]
fn sign_in_data_and_reports_have_small_limits_of_their_own() {
    let reader = limited(1.0);
    let granted = |path: &str| (0..14).filter(|_| reader.graph(path).status == 200).count();
    assert_eq!(granted("users?$select=id,signInActivity&$top=500"), 10);
    assert_eq!(granted("auditLogs/signIns"), 5);
    assert!(reader.clock.now() == reader.plan.started);
}
