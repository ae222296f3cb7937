//! Sensitivity labels of Microsoft 365: read, put on, taken off, and what may go wrong.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod file_actor;
mod reader;

use casbah_model::SignedDuration;
use casbah_model::action::ActionKind;
use casbah_model::transport::Method;
use casbah_simulators::microsoft365::{Fault, FaultSettings};
use file_actor::{Actor, plan};
use reader::{Answer, GRAPH, Reader, small_plan};
use serde_json::{Value, json};

const LIST: &str = "security/dataSecurityAndGovernance/sensitivityLabels";

fn refusal(answer: &Answer) -> (u16, String) {
    (answer.status, answer.code())
}

impl Actor {
    fn labels(&self) -> Vec<String> {
        let all = self.get(LIST)["value"].as_array().cloned().unwrap();
        let ids = all.iter().map(|label| label["id"].as_str().unwrap());
        ids.map(String::from).collect()
    }

    fn extracted(&self) -> Value {
        let path = self.path("/extractSensitivityLabels");
        let answer = self.change(Method::Post, &path, &Value::Null);
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    }

    fn assign(&self, label: &str, why: &str) -> Answer {
        let body = json!({
            "sensitivityLabelId": label,
            "assignmentMethod": "standard",
            "justificationText": why,
        });
        self.change(Method::Post, &self.path("/assignSensitivityLabel"), &body)
    }

    fn wait(&self) {
        self.reader.clock.forward(SignedDuration::from_secs(10));
    }
}

#[test]
fn a_label_is_on_when_its_address_says_so() {
    let actor = Actor::on(ActionKind::ApplyLabel);
    let ids = actor.labels();
    let (before, link) = (actor.get(&actor.path("")), actor.delta());
    assert_eq!(actor.extracted(), json!({"labels": []}));
    let accepted = actor.assign(&ids[2], "");
    let under_way = actor.monitored(&accepted);
    assert_eq!(
        (under_way.status, under_way.json()["status"].as_str()),
        (202, Some("inProgress"))
    );
    assert_eq!(actor.extracted(), json!({"labels": []}));
    actor.wait();
    assert_eq!(actor.monitored(&accepted).json()["status"], "completed");
    let found = actor.extracted();
    assert_eq!(found["labels"][0]["sensitivityLabelId"], ids[2].as_str());
    assert_eq!(
        found["labels"][0]["tenantId"],
        actor.reader.plan.tenant_id.as_str()
    );
    actor.switch(Fault::LabelsNested);
    assert_eq!(actor.extracted()["value"], found);
    let after = actor.get(&actor.path(""));
    assert_ne!(before["cTag"], after["cTag"]);
    assert_eq!(actor.changes(&link).len(), 1);
    let address = accepted.headers.get("Location").unwrap();
    let bearer = actor.reader.bearer(GRAPH);
    assert_eq!(
        actor.reader.ask(Method::Get, address, bearer, "").status,
        401
    );
    assert_eq!(actor.told("FileSensitivityLabelApplied")["RecordType"], 83);
}

#[test]
fn less_of_a_label_takes_a_reason() {
    let actor = Actor::on(ActionKind::RemoveLabel);
    let ids = actor.labels();
    let invalid = (400, "invalidRequest".to_string());
    assert_eq!(refusal(&actor.assign("", "")), invalid);
    assert_eq!(refusal(&actor.assign(&ids[0], "")), invalid);
    assert_eq!(refusal(&actor.assign("none", "because")), invalid);
    let accepted = actor.assign("", "because");
    actor.wait();
    assert_eq!(actor.monitored(&accepted).json()["status"], "completed");
    assert_eq!(actor.extracted(), json!({"labels": []}));
}

#[test]
fn what_is_accepted_may_fail() {
    let actor = Actor::on(ActionKind::ApplyLabel);
    let label = &actor.labels()[1];
    actor.switch(Fault::LabellingFails);
    let accepted = actor.assign(label, "");
    actor.wait();
    assert_eq!(actor.monitored(&accepted).json()["status"], "failed");
    actor.reader.simulator.switch(Fault::LabellingFails, None);
    let text = json!({"name": "Evidence.txt"});
    assert_eq!(
        actor.change(Method::Patch, &actor.path(""), &text).status,
        200
    );
    let accepted = actor.assign(label, "");
    actor.wait();
    assert_eq!(actor.monitored(&accepted).json()["status"], "failed");
    assert_eq!(actor.extracted(), json!({"labels": []}));
}

#[test]
fn labels_are_refused_for_money_and_for_locks() {
    let actor = Actor::on(ActionKind::ApplyLabel);
    let label = &actor.labels()[1];
    let locked = FaultSettings::times(1).with_value("fileDoubleKeyEncrypted");
    actor
        .reader
        .simulator
        .switch(Fault::LabelLocked, Some(locked));
    let refused = actor.assign(label, "");
    assert_eq!(refusal(&refused), (423, "fileDoubleKeyEncrypted".into()));
    actor.switch(Fault::LabelsUnpaid);
    assert_eq!(actor.assign(label, "").status, 402);
    let observer = Actor::with(Reader::new(small_plan(5)), ActionKind::ApplyLabel);
    assert_eq!(observer.reader.graph(LIST).status, 403);
    assert_eq!(observer.extracted(), json!({"labels": []}));
    assert_eq!(observer.assign(label, "").status, 403);
}

#[test]
fn a_hundred_labels_are_put_on_in_five_minutes() {
    let mut plan = plan();
    plan.limits.is_on = true;
    let actor = Actor::with(Reader::new(plan), ActionKind::ApplyLabel);
    let label = &actor.labels()[1];
    for number in 0..100 {
        assert_eq!(actor.assign(label, "").status, 202, "{number}");
    }
    let refused = actor.assign(label, "");
    assert_eq!(refused.status, 429);
    assert!(refused.headers.get("Retry-After").is_some());
}
