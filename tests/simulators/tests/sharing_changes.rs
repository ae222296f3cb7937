//! Who can open a file of Microsoft 365, changed from outside, and what it leaves behind.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod file_actor;
mod reader;

use casbah_model::SignedDuration;
use casbah_model::action::ActionKind;
use casbah_model::file::Sharing;
use casbah_model::transport::{Method, Request};
use casbah_simulators::governed::Governed;
use casbah_simulators::microsoft365::{Fault, Row};
use file_actor::{Actor, plan};
use reader::{Answer, GRAPH, Reader};
use serde_json::{Value, json};

const NO_EXPIRY: &str = "0001-01-01T00:00:00Z";

fn refusal(answer: &Answer) -> (u16, String) {
    (answer.status, answer.code())
}

fn invitation(recipient: &Value, role: &str) -> Value {
    json!({
        "recipients": [recipient],
        "roles": [role],
        "requireSignIn": true,
        "sendInvitation": false,
    })
}

impl Actor {
    fn invite(&self, recipient: &Value, role: &str) -> Answer {
        self.change(
            Method::Post,
            &self.path("/invite"),
            &invitation(recipient, role),
        )
    }
}

#[test]
fn a_link_goes_once_and_for_all_to_see() {
    let actor = Actor::on(ActionKind::RemoveLink);
    let (before, link) = (actor.get(&actor.path("")), actor.delta());
    assert_eq!(before["shared"]["scope"], "anonymous");
    assert_eq!(actor.sharing(), Some(Sharing::PublicByLink));
    let path = actor.own_path(0);
    assert_eq!(actor.get(&path)["link"]["scope"], "anonymous");
    let gone = actor.delete(&path);
    assert_eq!((gone.status, gone.text.as_str()), (204, ""));
    assert_eq!(refusal(&actor.delete(&path)), (404, "itemNotFound".into()));
    assert!(actor.own().is_empty());
    assert_eq!(actor.sharing(), Some(Sharing::Private));
    let after = actor.get(&actor.path(""));
    assert!(after["shared"].is_null());
    assert_ne!(before["eTag"], after["eTag"]);
    assert_eq!(before["cTag"], after["cTag"]);
    let changes = actor.changes(&link);
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0]["id"], actor.item.as_str());
    assert_eq!(changes[0]["@microsoft.graph.sharedChanged"], "True");
    let told = actor.told("AnonymousLinkRemoved");
    assert_eq!(told["UserId"], "app@sharepoint");
    assert_eq!(told["ApplicationId"], actor.reader.plan.client_id.as_str());
    assert_eq!(told["SourceFileName"], after["name"]);
}

#[test]
fn a_ctag_moves_with_everything_where_that_is_switched_on() {
    let actor = Actor::on(ActionKind::RemoveLink);
    actor.switch(Fault::CtagMoves);
    let before = actor.get(&actor.path(""));
    actor.delete(&actor.own_path(0));
    assert_ne!(before["cTag"], actor.get(&actor.path(""))["cTag"]);
}

#[test]
fn a_link_ends_when_it_is_told_to() {
    let actor = Actor::on(ActionKind::ExpireLink);
    let path = actor.own_path(0);
    let at = &actor.ready.parameters["at"];
    let patch = |at: &str| actor.change(Method::Patch, &path, &json!({"expirationDateTime": at}));
    assert_eq!(actor.get(&path)["expirationDateTime"], NO_EXPIRY);
    let past = actor.reader.plan.started.to_string();
    assert_eq!(refusal(&patch(&past)), (400, "invalidRequest".into()));
    assert_eq!(refusal(&patch("soon")), (400, "invalidRequest".into()));
    let patched = patch(at);
    assert_eq!(patched.status, 200);
    assert_eq!(patched.json()["expirationDateTime"], at.as_str());
    assert_eq!(actor.get(&path), patched.json());
    assert_eq!(patch(NO_EXPIRY).json()["expirationDateTime"], NO_EXPIRY);
    assert_eq!(actor.told("AnonymousLinkUpdated")["RecordType"], 14);
    patch(at);
    let link = actor.delta();
    actor
        .reader
        .clock
        .forward(SignedDuration::from_hours(31 * 24));
    assert!(actor.own().is_empty());
    assert_eq!(actor.sharing(), Some(Sharing::Private));
    assert_eq!(actor.changes(&link).len(), 1);
}

#[test]
fn who_is_invited_again_has_the_permission_of_before() {
    let actor = Actor::on(ActionKind::RemovePerson);
    let mail = actor.ready.parameters["person"].clone();
    let is_theirs = |one: &Value| one["grantedToV2"]["user"]["email"] == mail.as_str();
    let theirs = || actor.permissions().into_iter().find(is_theirs);
    let before = theirs().unwrap();
    let path = actor.path(&format!("/permissions/{}", before["id"].as_str().unwrap()));
    assert_eq!(actor.delete(&path).status, 204);
    assert!(theirs().is_none());
    let user = &before["grantedToV2"]["user"]["id"];
    for recipient in [json!({"objectId": user}), json!({"email": mail})] {
        let made = actor.invite(&recipient, "write");
        assert_eq!(made.status, 200, "{}", made.text);
        assert_eq!(made.json()["value"], json!([before]));
        assert_eq!(theirs().as_ref(), Some(&before));
    }
    assert_eq!(actor.own().len(), 2);
    let patched = actor.change(Method::Patch, &path, &json!({"roles": ["read"]}));
    assert_eq!(patched.json()["roles"], json!(["read"]));
    assert_eq!(theirs().unwrap()["roles"], json!(["read"]));
    assert_eq!(actor.told("SharingRevoked")["TargetUserOrGroupName"], mail);
}

#[test]
fn guests_and_strangers_open_a_file_to_the_outside() {
    let actor = Actor::on(ActionKind::RemoveExternal);
    assert_eq!(actor.sharing(), Some(Sharing::External));
    let is_guest = |one: &Value| one.to_string().contains("#ext#");
    let guest = actor.permissions().into_iter().find(is_guest).unwrap();
    let id = guest["id"].as_str().unwrap();
    actor.delete(&actor.path(&format!("/permissions/{id}")));
    assert_eq!(actor.sharing(), Some(Sharing::Internal));
    let stranger = json!({"email": "someone@elsewhere.example"});
    let made = actor.invite(&stranger, "read").json();
    assert_eq!(
        made["value"][0]["invitation"]["email"],
        "someone@elsewhere.example"
    );
    assert_eq!(actor.sharing(), Some(Sharing::External));
}

#[test]
fn owners_who_are_invited_keep_what_they_have() {
    let actor = Actor::on(ActionKind::MakePrivate);
    let before = actor.permissions();
    let owner = json!({"objectId": before[0]["grantedToV2"]["user"]["id"]});
    let made = actor.invite(&owner, "read").json();
    assert_eq!(made["value"][0], before[0]);
    assert_eq!(actor.permissions(), before);
}

#[test]
fn requests_that_cannot_be_meant_are_refused() {
    let actor = Actor::on(ActionKind::RemovePerson);
    let someone = json!({"email": "someone@elsewhere.example"});
    let mut unsigned = invitation(&someone, "read");
    unsigned["requireSignIn"] = false.into();
    let mut nobody = invitation(&someone, "read");
    nobody["recipients"] = json!([]);
    for body in [
        invitation(&someone, "owner"),
        invitation(&json!({"email": "nobody@contoso.com"}), "read"),
        invitation(
            &json!({"objectId": "00000000-0000-4000-8000-000000000000"}),
            "read",
        ),
        invitation(&json!({}), "read"),
        unsigned,
        nobody,
        Value::Null,
    ] {
        let answer = actor.change(Method::Post, &actor.path("/invite"), &body);
        assert_eq!(refusal(&answer), (400, "invalidRequest".into()), "{body}");
    }
    for body in [
        json!({}),
        json!({"roles": ["owner"]}),
        json!({"roles": []}),
        // Only links for everybody end by themselves.
        json!({"expirationDateTime": "2030-01-01T00:00:00Z"}),
    ] {
        let answer = actor.change(Method::Patch, &actor.own_path(0), &body);
        assert_eq!(refusal(&answer), (400, "invalidRequest".into()), "{body}");
    }
}

#[test]
fn what_a_folder_gives_cannot_be_taken_below_it() {
    let reader = Reader::new(plan());
    let all = reader.simulator.ready(ActionKind::InheritSharing, 2);
    let inherited = |drive: &str, item: &str| {
        let path = format!("drives/{drive}/items/{item}/permissions");
        let found = reader.walk(&path, "").0.into_iter();
        let mut inherited = found.filter(|one| one["inheritedFrom"].is_object());
        inherited
            .next()
            .map(|one| one["id"].as_str().unwrap().into())
    };
    let found = all.iter().find_map(|ready| {
        let (drive, item) = (ready.target.within.clone()?, ready.target.id.clone());
        let id: String = inherited(&drive, &item)?;
        Some((drive, item, id))
    });
    let (drive, item, id) = found.unwrap();
    let ready = all[0].clone();
    let actor = Actor {
        reader,
        ready,
        drive,
        item,
    };
    let path = actor.path(&format!("/permissions/{id}"));
    let patch = |body: Value| actor.change(Method::Patch, &path, &body);
    assert_eq!(refusal(&actor.delete(&path)), (403, "accessDenied".into()));
    let refused = patch(json!({"roles": ["write"]}));
    assert_eq!(refusal(&refused), (403, "accessDenied".into()));
    let owner = actor.path("/permissions/b3duZXI");
    assert_eq!(refusal(&actor.delete(&owner)), (403, "accessDenied".into()));
    actor.switch(Fault::InheritedInvalid);
    assert_eq!(
        refusal(&actor.delete(&path)),
        (400, "invalidRequest".into())
    );
}

#[test]
fn sharing_is_changed_three_hundred_times_in_five_minutes() {
    let mut plan = plan();
    plan.limits.is_on = true;
    let actor = Actor::with(Reader::new(plan), ActionKind::RemoveLink);
    let path = actor.path("/permissions/none");
    for number in 0..300 {
        assert_eq!(actor.delete(&path).status, 404, "{number}");
        // Resource units have a limit of their own, of a minute.
        if number % 200 == 199 {
            actor.reader.clock.forward(SignedDuration::from_secs(60));
        }
    }
    let refused = actor.delete(&path);
    assert_eq!(refused.status, 429);
    assert!(refused.headers.get("RateLimit-Limit").is_none());
    let after: u64 = refused.headers.get("Retry-After").unwrap().parse().unwrap();
    assert!((1..=300).contains(&after), "{after}");
    assert_eq!(
        actor.reader.simulator.traffic().refused[&Row::SharingWrites],
        1
    );
    assert_eq!(actor.reader.graph(&actor.path("/permissions")).status, 200);
    let folder = json!({"name": "Another", "folder": {}});
    let children = format!("drives/{}/root/children", actor.drive);
    assert_eq!(actor.change(Method::Post, &children, &folder).status, 201);
    let wait = SignedDuration::from_secs(i64::try_from(after).unwrap());
    actor.reader.clock.forward(wait);
    assert_eq!(actor.delete(&path).status, 404);
}

#[test]
fn a_change_may_be_made_though_it_is_refused_or_not_answered() {
    let actor = Actor::on(ActionKind::RemoveLink);
    let path = actor.own_path(0);
    actor.switch(Fault::ItemLocked);
    assert_eq!(
        refusal(&actor.delete(&path)),
        (423, "resourceLocked".into())
    );
    assert_eq!(actor.own().len(), 1);
    actor.reader.simulator.switch(Fault::ItemLocked, None);
    actor.switch(Fault::DoneThough429);
    let refused = actor.delete(&path);
    assert_eq!(refused.status, 429);
    assert!(refused.headers.get("Retry-After").is_some());
    assert!(actor.own().is_empty());
    let actor = Actor::on(ActionKind::RemoveLink);
    let url = format!("{GRAPH}/v1.0/{}", actor.own_path(0));
    let request = Request {
        method: Method::Delete,
        url,
        headers: actor.reader.bearer(GRAPH),
        body: Vec::new().into(),
    };
    actor.switch(Fault::AnswerLost);
    assert!(actor.reader.try_send(request).is_err());
    assert!(actor.own().is_empty());
}
