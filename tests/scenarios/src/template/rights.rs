//! Who may do what: the roles as `docs/security.md` tells of them.

use serde_json::Value;

use super::document::{resources, several, statements, template, text, words};
use super::functions;

#[test]
fn nothing_may_be_done_to_everything_but_what_has_no_name() {
    let template = template();
    let mut documents = vec![];
    for kind in ["AWS::IAM::Role", "AWS::IAM::ManagedPolicy"] {
        for (name, properties) in resources(&template, kind) {
            let own = &properties["PolicyDocument"]["Statement"];
            documents.extend(several(own).into_iter().map(|statement| (name, statement)));
            documents.extend(
                statements(properties)
                    .into_iter()
                    .map(|statement| (name, statement)),
            );
        }
    }
    assert!(documents.len() > 40, "only {} statements", documents.len());
    for (name, statement) in documents {
        let sid = statement["Sid"]
            .as_str()
            .unwrap_or_else(|| panic!("{name}: a name"));
        let is_for_all = several(&statement["Resource"])
            .iter()
            .any(|resource| *resource == "*");
        let is_known = matches!(sid, "Trace" | "Network" | "NotTheCode");
        assert_eq!(is_for_all, is_known, "{name}: {sid}");
        for action in several(&statement["Action"]) {
            assert!(
                !words(action).contains('*'),
                "{name}: {sid} allows {action}"
            );
        }
    }
}

#[test]
fn a_function_may_send_to_the_queues_whose_addresses_it_has() {
    for function in functions() {
        let of = |name: &str| name.to_string();
        let mut addresses: Vec<String> = function
            .variables
            .iter()
            .filter(|(name, _)| name.starts_with("CASBAH_QUEUE_"))
            .map(|(_, value)| of(words(value)))
            .collect();
        let mut allowed: Vec<String> = statement(&function.role, "Hints")
            .map(|hints| several(&hints["Resource"]))
            .unwrap_or_default()
            .into_iter()
            .map(|queue| of(words(queue).trim_end_matches(".Arn")))
            .collect();
        addresses.sort();
        allowed.sort();
        assert_eq!(addresses, allowed, "{}", function.name);
    }
}

#[test]
fn secrets_are_written_by_one_function_and_read_by_those_that_call_vendors() {
    for function in functions() {
        let secrets = statement(&function.role, "Secrets");
        let actions = secrets
            .map(|found| several(&found["Action"]))
            .unwrap_or_default();
        let actions: Vec<_> = actions.into_iter().map(words).collect();
        let expected = match function.name.as_str() {
            "connect" => "all",
            "test" | "user-scan" | "activity-poll" | "file-scan" | "govern" => "read",
            _ => "none",
        };
        let found = match &actions[..] {
            [] => "none",
            ["secretsmanager:GetSecretValue"] => "read",
            _ => "all",
        };
        assert_eq!(found, expected, "{}: {actions:?}", function.name);
    }
}

#[test]
fn the_page_on_security_tells_what_the_template_allows() {
    let page = text("docs/security.md");
    let rows: Vec<String> = functions()
        .iter()
        .map(|function| row(&function.name, &function.role))
        .collect();
    let is_told = rows.iter().all(|row| page.contains(row));
    assert!(
        is_told,
        "docs/security.md should hold these rows:\n{}",
        rows.join("\n")
    );
}

fn statement<'a>(role: &'a Value, sid: &str) -> Option<&'a Value> {
    statements(role)
        .into_iter()
        .find(|statement| statement["Sid"] == sid)
}

/// A function's line of the table: what it shares with all others is told beside it.
fn row(name: &str, role: &Value) -> String {
    let mut cells = [const { String::new() }; 6];
    for statement in statements(role) {
        let actions = several(&statement["Action"]).into_iter().map(words);
        let actions: Vec<_> = actions
            .map(|action| action.split(':').nth(1).unwrap_or(action))
            .collect();
        let targets: Vec<_> = several(&statement["Resource"])
            .into_iter()
            .map(words)
            .collect();
        let folders = || {
            targets
                .iter()
                .map(|target| folder(target))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let (cell, text) = match statement["Sid"].as_str().expect("a name") {
            "Table" => (0, actions.join(", ")),
            "Index" => (1, "yes".into()),
            "Hints" => (
                2,
                targets
                    .iter()
                    .map(|target| stage(target))
                    .collect::<Vec<_>>()
                    .join(", "),
            ),
            "ObjectsRead" => (3, format!("reads {}", folders())),
            "ObjectsWrite" => (3, format!("writes {}", folders())),
            "ObjectsDelete" => (3, format!("deletes {}", folders())),
            "ObjectsList" => (3, "lists them".into()),
            "Secrets" => (4, actions.join(", ")),
            "Topic" => (5, "publishes to the topic".into()),
            "Logs" | "Source" | "Key" => continue,
            other => panic!("{name}: {other} has no column in docs/security.md"),
        };
        if !cells[cell].is_empty() {
            cells[cell] += "; ";
        }
        cells[cell] += &text;
    }
    let cells = cells.map(|cell| if cell.is_empty() { "-".into() } else { cell });
    format!("| {name} | {} |", cells.join(" | "))
}

/// `${Bucket.Arn}/raw/*` is `raw`.
fn folder(target: &str) -> &str {
    target.split('/').nth(1).unwrap_or(target)
}

/// `UserScanQueue.Arn` is `user-scan`.
fn stage(target: &str) -> String {
    super::kebab(target.trim_end_matches("Queue.Arn"))
}
