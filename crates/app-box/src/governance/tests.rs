use std::collections::{BTreeMap, BTreeSet};

use casbah_connector::{Connector, Governance, Order, Plan};
use casbah_model::action::{ActionKind, Effect, Image, Undo};
use casbah_model::permission::Tier;
use casbah_model::transport::Method;

use super::{ACTIONS, Actions};
use crate::BOX;
use crate::tests::{Asked, Reply, Script, TOKEN, bench};

#[test]
fn every_right_that_an_action_takes_is_among_those_a_test_compares() {
    let needs = BOX.permissions().needs().iter();
    let compared: BTreeSet<_> = needs
        .filter(|need| need.tier == Tier::Act)
        .flat_map(|need| need.any_of)
        .collect();
    let taken: BTreeSet<_> = ACTIONS.iter().flat_map(|spec| spec.any_of).collect();
    assert_eq!(taken, compared);
}

/// What an order would do at an enterprise that answers by a script.
async fn planned(script: Script, kind: ActionKind, target: &str, more: &[(&str, &str)]) -> Plan {
    planned_with(script, &["corp.example"], kind, target, more).await
}

/// The same where these domains are the enterprise's own.
async fn planned_with(
    script: Script,
    domains: &[&str],
    kind: ActionKind,
    target: &str,
    more: &[(&str, &str)],
) -> Plan {
    let bench = bench(script);
    let domains = domains.iter().map(ToString::to_string).collect();
    bench.known.lock().expect("nobody panics here").domains = domains;
    let parameters = more.iter();
    let parameters: BTreeMap<String, String> = parameters
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .collect();
    let target = target.parse().expect("a target");
    let order = Order {
        kind,
        target: &target,
        parameters: &parameters,
        planned_from: None,
    };
    let plan = Actions.plan(&bench.session(), order).await;
    plan.unwrap_or_else(|error| panic!("{}", error.chain()))
}

fn code(plan: &Plan) -> &str {
    match &plan.effect {
        Effect::Refused(cause) => &cause.code,
        Effect::Nothing => "nothing",
        Effect::Change { .. } => "change",
    }
}

/// Users: 1 is the main admin, 2 the one whose token it is, 3 of another enterprise, 4 a co-admin, 5 an app user.
fn users(asked: &Asked) -> Reply {
    let user = |id: &str, role: &str, enterprise: &str, is_app: bool| {
        Reply::ok(format!(
            r#"{{"type":"user","id":"{id}","login":"u{id}@corp.example","status":"active","role":"{role}",
                "enterprise":{{"id":"{enterprise}"}},"is_platform_access_only":{is_app}}}"#
        ))
    };
    match asked.path.split('?').next().unwrap_or_default() {
        "/oauth2/token" => Reply::ok(TOKEN),
        "/2.0/users/me" | "/2.0/users/2" => user("2", "user", "490685", true),
        "/2.0/users/1" => user("1", "admin", "490685", false),
        "/2.0/users/3" => user("3", "user", "5", false),
        "/2.0/users/4" => user("4", "coadmin", "490685", false),
        "/2.0/users/5" => user("5", "user", "490685", true),
        _ => Reply::error(404, "not_found"),
    }
}

#[tokio::test(start_paused = true)]
async fn who_must_not_be_locked_out_is_refused() {
    use ActionKind::{EndSessions, RequireNewPassword, RestoreUser, RevokeRole, SuspendUser};
    for (kind, user, expected) in [
        (SuspendUser, "1", "main-admin"),
        (RevokeRole, "1", "main-admin"),
        (RequireNewPassword, "1", "main-admin"),
        (EndSessions, "1", "change"),
        (SuspendUser, "2", "own-account"),
        (EndSessions, "2", "own-account"),
        (SuspendUser, "3", "outside"),
        (RevokeRole, "4", "change"),
        (RevokeRole, "5", "nothing"),
        (RestoreUser, "4", "nothing"),
        (RequireNewPassword, "5", "no-password"),
        (SuspendUser, "9", "gone"),
    ] {
        let plan = planned(users, kind, user, &[]).await;
        assert_eq!(code(&plan), expected, "{kind} of {user}");
    }
}

const LINK: &str = r#"{"access":"open","unshared_at":"2026-06-01T02:00:00+02:00","is_password_enabled":true,
    "permissions":{"can_download":false,"can_edit":false}}"#;

/// Files of user 11: 21 with a link, 22 of somebody else, 23 in the trash, 24 in a folder that is, 25 of outside, 26 a
/// plain one with people.
fn files(asked: &Asked) -> Reply {
    let item = |id: &str, owner: &str, is_outside: bool, link: &str| {
        Reply::ok(format!(
            r#"{{"type":"file","id":"{id}","name":"{id}.txt","etag":"3","parent":{{"id":"31","name":"Quarantine"}},
                "path_collection":{{"entries":[{{"id":"0"}},{{"id":"30"}},{{"id":"31"}}]}},
                "owned_by":{{"id":"{owner}"}},"is_externally_owned":{is_outside},"shared_link":{link}}}"#
        ))
    };
    let path = asked.path.split('?').next().unwrap_or_default();
    assert!(
        path == "/oauth2/token" || asked.headers.get("as-user") == Some("11"),
        "{path}"
    );
    assert!(asked.method == Method::Get || path == "/oauth2/token");
    match path {
        "/oauth2/token" => Reply::ok(TOKEN),
        "/2.0/files/21" => item("21", "11", false, LINK),
        "/2.0/files/22" => item("22", "12", false, "null"),
        "/2.0/files/23" | "/2.0/files/24" => Reply::error(404, "trashed"),
        "/2.0/files/23/trash" => item("23", "11", false, "null"),
        "/2.0/files/24/trash" => Reply::error(404, "not_trashed"),
        "/2.0/files/25" => item("25", "77", true, "null"),
        "/2.0/files/26" => item("26", "11", false, "null"),
        "/2.0/files/21/collaborations" => Reply::ok(r#"{"entries":[]}"#),
        "/2.0/files/26/collaborations" => Reply::ok(
            r#"{"entries":[
                {"id":"1","role":"owner","status":"accepted","accessible_by":{"type":"user","id":"11","login":"a@corp.example"}},
                {"id":"2","role":"editor","status":"accepted","accessible_by":{"type":"user","id":"12","login":"b@corp.example"}},
                {"id":"3","role":"viewer","status":"accepted","accessible_by":{"type":"user","id":"99","login":"x@out.example"}}
            ]}"#,
        ),
        "/2.0/folders/0/items" => {
            Reply::ok(r#"{"entries":[{"type":"folder","id":"40","name":"Quarantine"}]}"#)
        }
        _ => Reply::error(404, "not_found"),
    }
}

#[tokio::test(start_paused = true)]
async fn files_that_cannot_be_changed_say_why() {
    use ActionKind::{RemoveLink, RestoreFile, Trash};
    for (kind, file, expected) in [
        (RemoveLink, "11/21", "change"),
        (RemoveLink, "11/22", "owner"),
        (RemoveLink, "11/23", "trashed"),
        (RemoveLink, "11/24", "trashed"),
        (RemoveLink, "11/25", "owned-outside"),
        (RemoveLink, "11/26", "nothing"),
        (RemoveLink, "11/27", "gone"),
        (Trash, "11/22", "owner"),
        (Trash, "11/23", "nothing"),
        (RestoreFile, "11/21", "nothing"),
        (RestoreFile, "11/23", "change"),
        (RestoreFile, "11/24", "trashed-with-folder"),
    ] {
        let plan = planned(files, kind, file, &[]).await;
        assert_eq!(code(&plan), expected, "{kind} of {file}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_target_is_written_as_the_records_have_it() {
    for target in ["21", "11/x", "ann/21", "11/folder:0", "11/tree:21"] {
        let bench = bench(files);
        let target = target.parse().expect("a target");
        let parameters = BTreeMap::new();
        let order = Order {
            kind: ActionKind::RemoveLink,
            target: &target,
            parameters: &parameters,
            planned_from: None,
        };
        let plan = Actions.plan(&bench.session(), order).await;
        let error = plan.expect_err("no target").to_string();
        assert!(error.contains("OWNER/FILE"), "{error}");
    }
}

fn change(plan: &Plan) -> (Image, Image, Undo) {
    match &plan.effect {
        Effect::Change {
            before,
            after,
            undo,
        } => (before.clone(), after.clone(), undo.clone()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_is_narrowed_or_ended_but_never_widened() {
    let link = |text: &str| Image::default().with("link", text);
    let narrow = [("access", "company")];
    let plan = planned(files, ActionKind::NarrowLink, "11/21", &narrow).await;
    let (before, after, undo) = change(&plan);
    let told = "open, view only, password, until 2026-06-01T00:00:00Z";
    assert_eq!(before, link(told));
    assert_eq!(
        after,
        link("company, view only, until 2026-06-01T00:00:00Z")
    );
    assert!(matches!(undo, Undo::Never(why) if why.contains("password")));
    for (at, expected) in [
        ("2026-05-20T00:00:00Z", "change"),
        ("2026-06-01T00:00:00Z", "nothing"),
        ("2026-07-01T00:00:00Z", "nothing"),
        ("2026-05-01T00:00:00Z", "parameter"),
        ("soon", "parameter"),
    ] {
        let plan = planned(files, ActionKind::ExpireLink, "11/21", &[("at", at)]).await;
        assert_eq!(code(&plan), expected, "{at}");
    }
    for access in ["open", "everybody", ""] {
        let plan = planned(
            files,
            ActionKind::NarrowLink,
            "11/21",
            &[("access", access)],
        )
        .await;
        assert_eq!(code(&plan), "parameter", "{access}");
    }
}

/// A folder of that name that lies somewhere else is no quarantine.
#[tokio::test(start_paused = true)]
async fn only_the_folder_in_the_root_is_the_quarantine() {
    let plan = planned(files, ActionKind::Quarantine, "11/21", &[]).await;
    let (before, after, _) = change(&plan);
    assert_eq!(
        (before.get("parent"), after.get("parent")),
        (Some("31"), Some("Quarantine"))
    );
    assert_eq!(
        (before.get("name"), after.get("name")),
        (Some("21.txt"), Some("21 (21).txt"))
    );
    assert_eq!(
        after.get("link"),
        Some("collaborators, until 2026-06-01T00:00:00Z")
    );
}

/// The owner stays; and whoever is let in again from outside has to accept it.
#[tokio::test(start_paused = true)]
async fn what_would_not_come_back_as_it_was_says_so() {
    let plan = planned(
        files,
        ActionKind::RemovePerson,
        "11/26",
        &[("person", "B@corp.example")],
    )
    .await;
    let (before, after, undo) = change(&plan);
    assert_eq!(before, Image::default().with("person:12", "editor"));
    assert_eq!((after, undo), (Image::default(), Undo::Possible));
    let plan = planned(files, ActionKind::MakePrivate, "11/26", &[]).await;
    let (before, after, undo) = change(&plan);
    assert_eq!(before.iter().count(), 2);
    assert!(after.is_empty());
    assert!(matches!(undo, Undo::Never(why) if why.contains("outside")));
    let plan = planned(files, ActionKind::RemoveExternal, "11/26", &[]).await;
    let outside = Image::default().with("person:99", "viewer");
    assert_eq!(change(&plan).0, outside);
    let plan = planned_with(files, &[], ActionKind::RemoveExternal, "11/26", &[]).await;
    assert_eq!(code(&plan), "domains", "everybody would be outside");
    let plan = planned(files, ActionKind::RemovePerson, "11/26", &[("person", "c")]).await;
    assert_eq!(code(&plan), "nothing");
}
