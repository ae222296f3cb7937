//! Users, groups, roles and applications of an Okta org, page by page.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod okta_reader;

use std::collections::BTreeSet;

use casbah_model::SignedDuration;
use casbah_model::ports::Clock;
use casbah_model::transport::{Headers, Method};
use casbah_simulators::okta::{
    Assignees, Deed, Fault, FaultSettings, GroupType, Holder, Me, Status,
};
use okta_reader::{Reader, ids, small_plan, stamp};
use serde_json::{Value, json};

#[test]
fn whoever_asks_is_told_which_org_answers() {
    let mut plan = small_plan(1);
    plan.custom_domain = Some("https://login.acme.example".into());
    let reader = Reader::new(plan);
    let url = "/.well-known/okta-organization";
    let anybody = reader.ask(Method::Get, url, Headers::default(), "").json();
    assert_eq!(anybody["_links"]["organization"]["href"], okta_reader::BASE);
    assert_eq!(
        anybody["_links"]["alternate"]["href"],
        "https://login.acme.example"
    );
    let org = reader.get("/api/v1/org").json();
    assert_eq!(
        (&org["subdomain"], &org["id"]),
        (&json!("acme"), &anybody["id"])
    );
}

#[test]
fn a_plain_list_leaves_out_the_deprovisioned() {
    let reader = Reader::small(2);
    let holds = reader.simulator.holds();
    let (users, pages) = reader.pages("/api/v1/users?limit=200");
    assert_eq!(pages, 3);
    let gone = holds.users_of(Status::Deprovisioned);
    assert!(gone.len() > 10);
    let listed = ids(&users, "id");
    assert_eq!(listed.len(), users.len());
    assert!(listed.is_disjoint(&gone));
    assert_eq!(listed.len() + gone.len(), holds.users.len());
    assert!(holds.users.contains_key(users[0]["id"].as_str().unwrap()));
    let path = "/api/v1/users?filter=status%20eq%20%22DEPROVISIONED%22&limit=10";
    let (rest, pages) = reader.pages(path);
    assert!(pages > 1);
    assert_eq!(ids(&rest, "id"), gone);
    for user in users.iter().chain(&rest) {
        let status = holds.users[user["id"].as_str().unwrap()];
        assert_eq!(user["status"], status.name());
    }
    for status in Status::ALL {
        assert!(!holds.users_of(status).is_empty(), "{status:?}");
    }
}

#[test]
fn a_page_of_users_is_200_at_most_and_its_links_are_two_header_lines() {
    let reader = Reader::small(3);
    let answer = reader.get("/api/v1/users?limit=500");
    assert_eq!(answer.json().as_array().unwrap().len(), 200);
    let lines = answer.headers.iter().filter(|(name, _)| *name == "link");
    assert_eq!(lines.count(), 2);
    let next = answer.link("next").unwrap();
    assert!(next.contains("limit=500&after="), "{next}");
    assert_eq!(reader.get(&next).status, 200);
    let decoded = next.replace("%2B%3D", "+=");
    assert_ne!(next, decoded);
    assert_eq!(reader.get(&decoded).refusal(), (400, "E0000001".into()));
    assert_eq!(reader.get("/api/v1/users?limit=none").status, 400);
}

#[test]
fn searches_have_rules() {
    let reader = Reader::small(4);
    let me = reader.get("/api/v1/users/me").json();
    let login = me["profile"]["login"].as_str().unwrap();
    let code = |query: &str| {
        let answer = reader.get(&format!("/api/v1/users?{query}"));
        assert_eq!(answer.status, 400, "{query}");
        answer.code()
    };
    assert_eq!(code("search=status%20ne%20%22ACTIVE%22"), "E0000031");
    assert_eq!(code("filter=status%20ne%20%22ACTIVE%22"), "E0000031");
    assert_eq!(code("search=status"), "E0000031");
    assert_eq!(code("filter=status"), "E0000053");
    assert_eq!(
        code("filter=profile.department%20eq%20%22Sales%22"),
        "E0000053"
    );
    assert_eq!(code("filter=status%20pr&search=status%20pr"), "E0000001");
    assert_eq!(code("filter=status%20pr&sortBy=id"), "E0000001");
    let found = reader.walk(&format!(
        "/api/v1/users?filter=profile.login%20eq%20%22{login}%22"
    ));
    assert_eq!(found, [reader.walk("/api/v1/users?limit=1")[0].clone()]);
    let by_name = format!("/api/v1/users?q={}", &login[..1]);
    let (found, pages) = reader.pages(&by_name);
    assert!((1..=10).contains(&found.len()));
    assert_eq!(pages, 1);
}

#[test]
fn a_sorted_search_finds_what_changed() {
    let reader = Reader::small(5);
    let before = reader.clock.now();
    reader.clock.forward(SignedDuration::from_secs(60));
    reader.simulator.act(Deed::Suspend { user: 20 });
    reader.clock.forward(SignedDuration::from_secs(60));
    reader.simulator.act(Deed::AddUser);
    let query = format!("lastUpdated gt \"{}\"", stamp(before));
    let query = query.replace(' ', "%20").replace('"', "%22");
    let path = format!("/api/v1/users?search={query}&sortBy=lastUpdated&sortOrder=asc&limit=1");
    let (found, pages) = reader.pages(&path);
    assert_eq!((found.len(), pages), (2, 2));
    assert_eq!(found[0]["id"], reader.simulator.user_id(20).as_str());
    assert!(found[0]["lastUpdated"].as_str() < found[1]["lastUpdated"].as_str());
    // Roles and memberships do not move it.
    reader.clock.forward(SignedDuration::from_secs(60));
    let role = "APP_ADMIN".into();
    reader.simulator.act(Deed::GrantRole { user: 21, role });
    assert_eq!(reader.walk(&path).len(), 2);
}

#[test]
fn the_index_lags_behind() {
    let reader = Reader::small(6);
    let lag = FaultSettings::always().with_value("2");
    reader.simulator.switch(Fault::SearchLag, Some(lag));
    reader.simulator.act(Deed::AddUser);
    reader.simulator.act(Deed::Suspend { user: 30 });
    let (new, suspended) = (reader.simulator.user_id(450), reader.simulator.user_id(30));
    let by_filter = |status: &str| {
        let path = format!("/api/v1/users?filter=status%20eq%20%22{status}%22");
        ids(&reader.get(&path).json().as_array().unwrap().clone(), "id")
    };
    let plain = ids(&reader.walk("/api/v1/users"), "id");
    assert!(plain.contains(&new));
    assert!(!by_filter("SUSPENDED").contains(&suspended));
    assert!(!by_filter("SUSPENDED").contains(&suspended));
    assert!(by_filter("SUSPENDED").contains(&suspended));
    let path = format!("/api/v1/users?filter=id%20eq%20%22{new}%22");
    assert_eq!(reader.walk(&path).len(), 1);
}

#[test]
fn lists_may_be_trimmed() {
    let reader = Reader::small(7);
    let whole = reader.get("/api/v1/users?limit=1").json()[0].clone();
    assert!(whole["credentials"]["provider"]["type"].is_string());
    assert!(
        whole
            .as_object()
            .unwrap()
            .contains_key("transitioningToStatus")
    );
    let links = |user: &Value| user["_links"].as_object().unwrap().len();
    assert_eq!(links(&whole), 1);
    let single = reader.get(&format!("/api/v1/users/{}", whole["id"].as_str().unwrap()));
    assert!(links(&single.json()) > 1);
    let headers = reader.api_token().with(
        "Content-Type",
        "application/json; okta-response=\"omitCredentials,omitCredentialsLinks,omitTransitioningToStatus\"",
    );
    let trimmed = reader
        .ask(Method::Get, "/api/v1/users?limit=1", headers, "")
        .json()[0]
        .clone();
    assert!(trimmed.get("credentials").is_none());
    assert!(trimmed.get("transitioningToStatus").is_none());
    assert_eq!(trimmed["id"], whole["id"]);
}

#[test]
fn a_user_is_found_by_id_or_login_until_it_is_deleted() {
    let reader = Reader::small(8);
    let id = reader.simulator.user_id(13);
    let user = reader.get(&format!("/api/v1/users/{id}")).json();
    assert_eq!(user["status"], "DEPROVISIONED");
    let login = user["profile"]["login"].as_str().unwrap();
    assert_eq!(
        reader.get(&format!("/api/v1/users/{login}")).json()["id"],
        id.as_str()
    );
    reader.simulator.act(Deed::Delete { user: 13 });
    let gone = reader.get(&format!("/api/v1/users/{id}"));
    assert_eq!(gone.refusal(), (404, "E0000007".into()));
    assert!(!reader.simulator.holds().users.contains_key(&id));
    assert_eq!(
        reader.call(Method::Patch, "/api/v1/users", "").refusal(),
        (405, "E0000022".into())
    );
    assert_eq!(reader.get("/api/v1/nonsense").status, 404);
}

#[test]
fn whether_me_is_the_owner_of_the_token_is_uncertain() {
    let mut plan = small_plan(9);
    plan.choices.me = Me::NotFound;
    assert_eq!(Reader::new(plan).get("/api/v1/users/me").status, 404);
}

#[test]
fn groups_and_their_members_are_what_the_org_holds() {
    let reader = Reader::small(10);
    reader.simulator.act(Deed::AddMember {
        group: 5,
        user: 400,
    });
    let holds = reader.simulator.holds();
    let groups = reader.walk("/api/v1/groups?limit=10");
    assert_eq!(ids(&groups, "id"), holds.groups.keys().cloned().collect());
    let types: BTreeSet<GroupType> = holds.groups.values().copied().collect();
    assert_eq!(types.len(), 3);
    let mut found = BTreeSet::new();
    for group in &groups {
        let id = group["id"].as_str().unwrap();
        assert_eq!(group["type"], holds.groups[id].name());
        let members = reader.walk(&format!("/api/v1/groups/{id}/users?limit=7"));
        assert!(
            members
                .iter()
                .all(|member| member["profile"]["login"].is_string())
        );
        found.extend(
            ids(&members, "id")
                .into_iter()
                .map(|user| (id.to_string(), user)),
        );
    }
    assert_eq!(found, holds.memberships);
    let (group, user) = (reader.simulator.group_id(5), reader.simulator.user_id(400));
    let of_user = ids(&reader.walk(&format!("/api/v1/users/{user}/groups")), "id");
    assert!(of_user.contains(&group) && of_user.contains(&reader.simulator.group_id(0)));
}

#[test]
fn groups_whose_members_changed_are_found() {
    let reader = Reader::small(11);
    let before = reader.clock.now();
    reader.clock.forward(SignedDuration::from_secs(1));
    let user = reader.simulator.holds();
    let group = reader.simulator.group_id(1);
    let member = user
        .memberships
        .iter()
        .find(|(of, _)| *of == group)
        .unwrap();
    assert!(!member.1.is_empty());
    reader
        .simulator
        .act(Deed::RemoveMember { group: 1, user: 2 });
    let path = format!(
        "/api/v1/groups?filter=lastMembershipUpdated%20gt%20%22{}%22&expand=stats",
        stamp(before)
    );
    let found = reader.walk(&path);
    assert_eq!(ids(&found, "id"), [group].into());
    assert_eq!(found[0]["_embedded"]["stats"]["usersCount"], 3);
    let type_filter = reader.walk("/api/v1/groups?filter=type%20eq%20%22APP_GROUP%22");
    assert!(!type_filter.is_empty());
    assert_eq!(reader.walk("/api/v1/groups?q=every").len(), 1);
}

#[test]
fn roles_are_held_directly_and_through_groups() {
    let reader = Reader::small(12);
    let holds = reader.simulator.holds();
    let (mut named, mut roles) = (BTreeSet::new(), BTreeSet::new());
    let mut path = "/api/v1/iam/assignees/users?limit=3".to_string();
    for _ in 0..100 {
        let answer = reader.get(&path);
        assert!(answer.link("next").is_none());
        let page = answer.json();
        named.extend(ids(page["value"].as_array().unwrap(), "id"));
        match page["_links"]["next"]["href"].as_str() {
            // Plain HTTP: only what follows `after=` is of use.
            Some(next) => {
                assert!(next.starts_with("http://acme.okta.com/"), "{next}");
                let after = next.split("after=").last().unwrap();
                let after = after.split('&').next().unwrap();
                path = format!("/api/v1/iam/assignees/users?limit=3&after={after}");
            }
            None => break,
        }
    }
    assert_eq!(named, holds.assignees);
    for user in &named {
        for role in reader.walk(&format!("/api/v1/users/{user}/roles")) {
            assert_eq!(role["type"] == "CUSTOM", role["resource-set"].is_string());
            assert_eq!(role["type"] == "CUSTOM", role["role"].is_string());
            roles.insert(role["id"].as_str().unwrap().to_string());
        }
    }
    let held = holds
        .roles
        .iter()
        .filter(|role| role.holder != Holder::Client);
    assert_eq!(roles, held.map(|role| role.id.clone()).collect());
    let group = reader.simulator.group_id(1);
    let of_group = reader.walk(&format!("/api/v1/groups/{group}/roles"));
    assert_eq!(of_group[0]["assignmentType"], "GROUP");
    let custom = reader.get("/api/v1/iam/roles").json()["roles"][0]["id"].clone();
    let path = format!("/api/v1/iam/roles/{}/permissions", custom.as_str().unwrap());
    assert_eq!(
        reader.get(&path).json()["permissions"][2]["label"],
        "okta.iam.read"
    );
    assert!(reader.get("/api/v1/iam/resource-sets").json()["resource-sets"][0]["id"].is_string());
}

#[test]
fn assignees_may_be_the_direct_ones_only() {
    let mut plan = small_plan(13);
    plan.choices.assignees = Assignees::Direct;
    let reader = Reader::new(plan);
    reader.simulator.act(Deed::RevokeRoles { user: 5 });
    let user = reader.simulator.user_id(5);
    assert!(!reader.simulator.holds().assignees.contains(&user));
    // Member of the group that has a role.
    assert_eq!(reader.walk(&format!("/api/v1/users/{user}/roles")).len(), 1);
}

#[test]
fn applications_grants_and_tokens_are_what_the_org_holds() {
    let reader = Reader::small(14);
    reader.simulator.act(Deed::Consent { user: 40 });
    let holds = reader.simulator.holds();
    let apps = reader.walk("/api/v1/apps");
    assert_eq!(ids(&apps, "id"), holds.applications);
    let (mut grants, mut tokens) = (BTreeSet::new(), BTreeSet::new());
    for user in (0..60).map(|user| reader.simulator.user_id(user)) {
        let list = reader.walk(&format!("/api/v1/users/{user}/grants?limit=2&expand=scope"));
        assert!(
            list.iter()
                .all(|grant| grant["_embedded"]["scope"].is_object())
        );
        grants.extend(ids(&list, "id"));
        for client in reader.walk(&format!("/api/v1/users/{user}/clients")) {
            let id = client["client_id"].as_str().unwrap();
            let list = reader.walk(&format!("/api/v1/users/{user}/clients/{id}/tokens"));
            // Two spellings of one field.
            assert!(
                list.iter()
                    .all(|one| one["clientId"] == id || one["client_id"] == id)
            );
            tokens.extend(ids(&list, "id"));
        }
    }
    let first: BTreeSet<String> = (0..60).map(|user| reader.simulator.user_id(user)).collect();
    let of_first = |all: &std::collections::BTreeMap<String, String>| -> BTreeSet<String> {
        let theirs = all.iter().filter(|(_, user)| first.contains(*user));
        theirs.map(|(id, _)| id.clone()).collect()
    };
    assert_eq!(grants, of_first(&holds.user_grants));
    assert_eq!(tokens, of_first(&holds.refresh_tokens));
    assert!(tokens.len() > 3);
    let own = reader.walk("/api/v1/api-tokens");
    assert_eq!(ids(&own, "id"), holds.api_tokens);
    assert_eq!(own[0]["tokenWindow"], "P30D");
    let services = reader.walk("/integrations/api/v1/api-services");
    assert!(services[0]["grantedScopes"].is_array());
}

#[test]
fn two_orgs_of_one_plan_are_the_same_and_of_another_are_not() {
    let text = |seed| Reader::small(seed).get("/api/v1/users?limit=5").text;
    assert_eq!(text(20), text(20));
    assert_ne!(text(20), text(21));
}
