//! Actions, from asking to undoing, as programs of several people see them.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use casbah_model::SignedDuration;
use casbah_model::action::ActionKind;
use casbah_model::ports::Clock;
use casbah_pipeline::Settings;
use casbah_platform_local::{Until, VirtualClock};
use casbah_simulators::governed::Governed;
use casbah_simulators::okta::{Plan, Simulator};
use casbah_simulators::simulated::Simulated;
use serde_json::{Value, json};

use crate::door::{Door, in_virtual_time};

const ACME: &str = "/v1/connections/acme";
const ACTIONS: &str = "/v1/connections/acme/actions";
const ANN: &str = "arn:aws:sts::123456789012:assumed-role/people/ann";
const BOB: &str = "arn:aws:sts::123456789012:assumed-role/people/bob";

/// An org of Okta that may be acted on, connected and read.
async fn acme() -> Door<Simulator> {
    let plan = Plan {
        started: "2026-05-04T10:02:30Z".parse().expect("a time"),
        history: SignedDuration::from_hours(1),
        ..Plan::new(5).sized(24, 4, 20)
    };
    let clock: Arc<dyn Clock> = Arc::new(VirtualClock::new(plan.started));
    let simulator = Simulator::new(plan, Arc::clone(&clock));
    let door = Door::of(simulator, clock, Settings::default());
    let mut app_settings = door.simulator.app_settings();
    app_settings.remove("credential");
    let body = json!({
        "name": "acme",
        "app": "okta",
        "components": ["users"],
        "tier": "act",
        "app_settings": app_settings,
        "credential": { "client_secret": door.simulator.secret().reveal() },
    });
    let connected = door.post("/v1/connections", body).await.is(202);
    assert_eq!(connected["tier"], "act");
    door.run().await;
    door
}

/// Lets everything go on for some minutes.
async fn go_on(door: &Door<Simulator>) {
    let end = door.now() + SignedDuration::from_mins(5);
    let stop = door.clock.sleep_until(end);
    door.system.run(Until::Stopped, stop).await.expect("a run");
    // The same process goes on later, so that it is not ending.
    door.system.ctx.stopping.store(false, Ordering::Relaxed);
}

fn suspend(door: &Door<Simulator>, count: usize, wish: &str) -> Value {
    let ready = door.simulator.ready(ActionKind::SuspendUser, count);
    let targets: Vec<_> = ready.iter().map(|one| one.target.to_string()).collect();
    json!({ "kind": "suspend-user", "targets": targets, "reason": "a drill", "wish": wish })
}

#[test]
fn one_asks_another_allows_it_and_it_is_done_and_undone() {
    in_virtual_time(async {
        let door = acme().await;
        let asked = door.post_by(ANN, ACTIONS, suspend(&door, 2, "apply")).await;
        let at = asked.header("location").to_string();
        let asked = asked.is(202);
        assert_eq!(
            (&asked["state"], &asked["requested_by"]),
            (&json!("planning"), &json!(ANN))
        );
        go_on(&door).await;
        let planned = door.get(&at).await.is(200);
        assert_eq!(
            planned["state"], "pending",
            "two objects take a second person"
        );

        let own = door
            .post_by(ANN, &format!("{at}/approve"), Value::Null)
            .await;
        assert_eq!(own.status.as_u16(), 403);
        own.is_problem("not-approver", None);
        let allowed = door
            .post_by(BOB, &format!("{at}/approve"), Value::Null)
            .await;
        assert_eq!(allowed.is(200)["approved_by"], BOB);
        // Whoever lost the answer says it again, under another key.
        door.post_by(BOB, &format!("{at}/approve"), Value::Null)
            .await
            .is(200);
        go_on(&door).await;
        let done = door.get(&at).await.is(200);
        assert_eq!(
            (&done["state"], &done["counts"]["verified"]),
            (&json!("verified"), &json!(2))
        );
        let late = json!({ "reason": "too late" });
        let late = door.post_by(BOB, &format!("{at}/reject"), late).await;
        assert_eq!(late.status.as_u16(), 409);
        late.is_problem("action-state", None);

        let back = json!({ "reason": "the drill is over" });
        let undo = format!("{at}/undo");
        door.post_by(ANN, &undo, back.clone()).await.is(202);
        let again = door.post_by(ANN, &undo, back).await.is(202);
        assert_eq!(
            (&again["state"], &again["is_undo"]),
            (&json!("pending"), &json!(true))
        );
        door.post_by(BOB, &format!("{at}/approve"), Value::Null)
            .await
            .is(200);
        go_on(&door).await;
        assert_eq!(door.get(&at).await.is(200)["state"], "undone");
    });
}

#[test]
fn who_asked_ends_it_before_it_begins_and_says_so_twice() {
    in_virtual_time(async {
        let door = acme().await;
        let asked = door.post_by(ANN, ACTIONS, suspend(&door, 2, "apply")).await;
        let at = asked.header("location").to_string();
        asked.is(202);
        go_on(&door).await;
        let cancel = format!("{at}/cancel");
        let why = json!({ "reason": "the wrong people" });
        let ended = door.post_by(ANN, &cancel, why.clone()).await.is(202);
        assert_eq!(ended["state"], "rejected");
        door.post_by(ANN, &cancel, why).await.is(202);
        let late = json!({ "reason": "once more" });
        let late = door.post_by(ANN, &cancel, late).await;
        assert_eq!(late.status.as_u16(), 409);
        late.is_problem("action-state", None);
    });
}

#[test]
fn everybody_who_is_like_something_is_one_action() {
    in_virtual_time(async {
        let door = acme().await;
        let body = json!({
            "kind": "suspend-user",
            "selection": { "status": "enabled" },
            "reason": "a drill",
            "wish": "dry-run",
        });
        let asked = door.post_by(ANN, ACTIONS, body).await;
        let at = asked.header("location").to_string();
        let asked = asked.is(202);
        assert_eq!(asked["selection"], json!({ "status": "enabled" }));
        go_on(&door).await;
        let planned = door.get(&at).await.is(200);
        let counts = &planned["counts"];
        assert_eq!(planned["state"], "planned");
        assert_eq!(counts["planned"], counts["objects"]);
        assert!(counts["changes"].as_u64() > Some(10), "{counts}");
    });
}

#[test]
fn units_and_actions_are_read_page_by_page() {
    in_virtual_time(async {
        let door = acme().await;
        let mut asked = vec![];
        for wish in ["dry-run", "plan", "plan"] {
            let body = suspend(&door, 3, wish);
            let action = door.post(ACTIONS, body).await.is(202);
            asked.push(action["id"].as_str().expect("an id").to_string());
        }
        go_on(&door).await;
        let (mut ids, mut units) = (vec![], vec![]);
        for (path, field, found) in [
            (ACTIONS.to_string(), "id", &mut ids),
            (format!("{ACTIONS}/{}/units", asked[0]), "unit", &mut units),
        ] {
            let mut next = String::new();
            loop {
                let page = door.get(&format!("{path}?limit=2{next}")).await.is(200);
                let items = page["items"].as_array().expect("a page");
                found.extend(items.iter().map(|item| item[field].clone()));
                match page["next_token"].as_str() {
                    Some(token) => next = format!("&next_token={token}"),
                    None => break,
                }
            }
        }
        ids.sort_by_key(ToString::to_string);
        asked.sort();
        assert_eq!(ids, asked);
        assert_eq!(units, [0, 1, 2]);
        let token = door.get(&format!("{ACTIONS}?limit=1")).await.is(200)["next_token"].clone();
        let elsewhere = format!(
            "{ACTIONS}/{}/units?next_token={}",
            asked[0],
            token.as_str().expect("one")
        );
        door.get(&elsewhere).await.is_problem("bad-token", None);
    });
}

#[test]
fn the_same_request_is_the_same_action_even_when_its_record_is_gone() {
    in_virtual_time(async {
        let door = acme().await;
        let body = suspend(&door, 1, "plan");
        let first = door.post_as("k", ACTIONS, body.clone()).await.is(202);
        let days = SignedDuration::from_hours(25);
        door.clock.sleep_until(door.now() + days).await;
        let again = door.post_as("k", ACTIONS, body.clone()).await;
        assert_eq!(again.header("idempotency-replayed"), "");
        assert_eq!(again.is(202)["id"], first["id"]);
        let elsewhere = door.post_as("other", ACTIONS, body).await.is(202);
        assert_ne!(elsewhere["id"], first["id"]);
    });
}

#[test]
fn all_actions_are_stopped_and_go_on() {
    in_virtual_time(async {
        let door = acme().await;
        assert_eq!(
            door.get("/v1/actions/stop").await.is(200)["is_stopped"],
            false
        );
        let why = json!({ "reason": "something is odd" });
        let stopped = door.post_by(BOB, "/v1/actions/stop", why).await.is(200);
        assert_eq!(
            (&stopped["is_stopped"], &stopped["stop"]["by"]),
            (&json!(true), &json!(BOB))
        );
        let asked = door.post_by(ANN, ACTIONS, suspend(&door, 1, "apply")).await;
        let at = asked.header("location").to_string();
        go_on(&door).await;
        assert_eq!(door.get(&at).await.is(200)["state"], "approved");
        door.post_by(BOB, "/v1/actions/resume", Value::Null)
            .await
            .is(200);
        go_on(&door).await;
        assert_eq!(door.get(&at).await.is(200)["state"], "verified");
    });
}

#[test]
fn what_cannot_be_asked_for_is_told_at_its_field() {
    in_virtual_time(async {
        let door = acme().await;
        let good = suspend(&door, 1, "plan");
        let rows = [
            ("kind", json!("burn"), "/kind"),
            ("kind", json!("trash"), "/kind"),
            ("targets", json!([]), "/targets"),
            ("selection", json!({ "status": "enabled" }), "/targets"),
            ("selection", json!({ "status": "awake" }), "/selection"),
            ("selection", json!({ "colour": "red" }), "/selection"),
            ("selection", json!({ "status": null }), "/selection/status"),
            ("targets", json!(["a b"]), "/targets/0"),
            ("targets", json!(["00u1", "00u1"]), "/targets/1"),
            ("targets", json!(vec!["x"; 1001]), "/targets"),
            (
                "targets",
                json!((0..501).map(|n| format!("00u{n}")).collect::<Vec<_>>()),
                "/targets",
            ),
            ("parameters", json!({ "colour": "red" }), "/parameters"),
            ("parameters", json!([]), "/parameters"),
            ("reason", json!("  "), "/reason"),
            ("reason", json!("x".repeat(501)), "/reason"),
            ("wish", json!("now"), "/wish"),
            ("by", json!("mallory"), "/by"),
        ];
        for (field, value, at) in rows {
            let mut body = good.clone();
            body[field] = value;
            let refused = door.post(ACTIONS, body).await;
            assert_eq!(refused.status.as_u16(), 422, "{field}: {:#}", refused.body);
            refused.is_problem("bad-field", Some(at));
        }
        door.get(&format!("{ACTIONS}/none"))
            .await
            .is_problem("no-such-action", None);
        door.get(&format!("{ACTIONS}/NONE"))
            .await
            .is_problem("bad-path", Some("action"));
        door.get("/v1/connections/nobody/actions")
            .await
            .is_problem("no-such-connection", None);

        door.patch(ACME, json!({ "tier": "observe" })).await.is(200);
        let refused = door.post(ACTIONS, good).await;
        assert_eq!(refused.status.as_u16(), 409);
        refused.is_problem("wrong-state", None);
    });
}
