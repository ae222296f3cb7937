//! `template.yaml` compared with the code it deploys and with the pages that tell of it.

mod alarms;
mod document;
mod lake;
mod rights;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;

use crate::contracts::root;
use document::{
    observability, references, resources, section, several, statements, template, text, words,
};

/// A function as the template has it.
struct Function {
    /// The folder, such as `user-scan`.
    name: String,
    properties: Value,
    metadata: Value,
    role: Value,
    variables: BTreeMap<String, Value>,
}

fn functions() -> Vec<Function> {
    let template = template();
    let mut found = vec![];
    for (name, resource) in section(&template, "Resources") {
        if resource["Type"] != "AWS::Serverless::Function" {
            continue;
        }
        let properties = resource["Properties"].clone();
        let role = words(&properties["Role"])
            .trim_end_matches(".Arn")
            .to_string();
        let variables = &properties["Environment"]["Variables"];
        found.push(Function {
            name: kebab(name.trim_end_matches("Function")),
            metadata: resource["Metadata"].clone(),
            role: template["Resources"][&role]["Properties"].clone(),
            variables: variables
                .as_object()
                .expect("variables")
                .clone()
                .into_iter()
                .collect(),
            properties,
        });
    }
    found
}

/// `UserScan` is `user-scan`.
fn kebab(name: &str) -> String {
    let mut out = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !out.is_empty() {
            out.push('-');
        }
        out.extend(letter.to_lowercase());
    }
    out
}

#[test]
fn a_folder_in_functions_is_a_binary_is_a_function() {
    let folders: BTreeSet<String> = fs::read_dir(root().join("functions"))
        .expect("functions")
        .map(|entry| entry.expect("a folder"))
        // Beside them is how all of them are built.
        .filter(|entry| entry.path().join("Cargo.toml").exists())
        .map(|entry| entry.file_name().to_string_lossy().into())
        .collect();
    let functions = functions();
    let names: BTreeSet<String> = functions
        .iter()
        .map(|function| function.name.clone())
        .collect();
    assert_eq!(folders, names);
    for Function {
        name,
        properties,
        metadata,
        ..
    } in functions
    {
        assert_eq!(properties["CodeUri"], format!("functions/{name}"));
        assert_eq!(
            metadata["BuildProperties"]["Binary"],
            format!("casbah-{name}")
        );
        let manifest = text(&format!("functions/{name}/Cargo.toml"));
        assert!(
            manifest.contains(&format!("name = \"casbah-{name}\"")),
            "{name}"
        );
        assert_eq!(
            words(&properties["FunctionName"]),
            format!("${{AWS::StackName}}-{name}")
        );
    }
}

#[test]
fn every_parameter_is_used_bounded_labelled_and_told_of() {
    let page = text("docs/deploy.md");
    for (document, is_asked) in [(template(), true), (observability(), false)] {
        let mut used = BTreeSet::new();
        for part in ["Rules", "Conditions", "Globals", "Resources", "Outputs"] {
            references(&document[part], &mut used);
        }
        let interface = &document["Metadata"]["AWS::CloudFormation::Interface"];
        let grouped: Vec<_> = several(&interface["ParameterGroups"])
            .into_iter()
            .flat_map(|group| several(&group["Parameters"]))
            .map(words)
            .collect();
        for (name, parameter) in section(&document, "Parameters") {
            assert!(used.contains(name), "{name} is not used");
            let has = |field: &str| !parameter[field].is_null();
            let is_bounded = has("AllowedPattern")
                || has("AllowedValues")
                || (has("MinValue") && has("MaxValue"));
            assert!(is_bounded, "{name} takes anything");
            assert!(
                has("Description") && has("ConstraintDescription"),
                "{name} is not described"
            );
            if is_asked {
                assert!(has("Default"), "{name} has no default");
                let is_labelled = !interface["ParameterLabels"][name].is_null();
                let times = grouped.iter().filter(|grouped| **grouped == name).count();
                assert!(
                    is_labelled && times == 1,
                    "{name} is not labelled, or not in one group"
                );
                assert!(
                    page.contains(&format!("`{name}`")),
                    "docs/deploy.md does not tell of {name}"
                );
            }
        }
    }
}

#[test]
fn every_function_has_its_own_role_and_a_log_group_that_forgets() {
    let template = template();
    let mut roles = BTreeSet::new();
    for Function {
        name,
        properties,
        role,
        ..
    } in functions()
    {
        assert!(
            roles.insert(properties["Role"].to_string()),
            "{name} shares its role"
        );
        let group = words(&properties["LoggingConfig"]["LogGroup"]);
        let group = &template["Resources"][group]["Properties"];
        assert_eq!(
            words(&group["LogGroupName"]),
            format!("/aws/lambda/${{AWS::StackName}}-{name}")
        );
        assert_eq!(words(&group["RetentionInDays"]), "LogRetentionDays");
        assert!(!statements(&role).is_empty(), "{name} may do nothing");
    }
}

#[test]
fn what_a_queue_gives_up_is_seen_by_notify() {
    let template = template();
    let timeout = template["Globals"]["Function"]["Timeout"]
        .as_u64()
        .expect("seconds");
    let seconds =
        &template["Globals"]["Function"]["Environment"]["Variables"]["CASBAH_FUNCTION_SECONDS"];
    assert_eq!(
        *seconds,
        timeout.to_string(),
        "code and Lambda have one time limit"
    );
    let mut events = BTreeMap::new();
    for Function {
        name, properties, ..
    } in functions()
    {
        for event in properties["Events"]
            .as_object()
            .into_iter()
            .flat_map(|events| events.values())
        {
            let event = &event["Properties"];
            let queue = words(&event["Queue"]).trim_end_matches(".Arn");
            events.insert(queue.to_string(), name.clone());
            // Steps of one batch share the memory; those of compact hold much of it.
            let batch = if queue == "CompactQueue" { 1 } else { 10 };
            assert_eq!(event["BatchSize"], batch, "{queue}");
            assert_eq!(
                event["FunctionResponseTypes"][0], "ReportBatchItemFailures",
                "{queue}"
            );
        }
    }
    let queues = resources(&template, "AWS::SQS::Queue");
    let (dead, living): (Vec<_>, Vec<_>) = queues
        .into_iter()
        .partition(|(name, _)| name.ends_with("Dead"));
    assert_eq!(dead.len(), living.len());
    for (name, queue) in living {
        // Lambda developer guide, "Configuring an SQS queue for use with Lambda": six times the function's timeout.
        assert_eq!(queue["VisibilityTimeout"], 6 * timeout, "{name}");
        assert_eq!(queue["RedrivePolicy"]["maxReceiveCount"], 5, "{name}");
        let target = words(&queue["RedrivePolicy"]["deadLetterTargetArn"]).trim_end_matches(".Arn");
        assert_eq!(events[target], "notify", "{name}");
        assert_eq!(
            kebab(name.trim_end_matches("Queue")),
            events[name],
            "{name}"
        );
        let letters = &template["Resources"][target]["Properties"];
        assert_eq!(
            letters["MessageRetentionPeriod"],
            14 * 24 * 3600,
            "{target}"
        );
        let allowed = &letters["RedriveAllowPolicy"]["sourceQueueArns"][0];
        assert!(
            words(allowed).ends_with(&words(&queue["QueueName"])["${AWS::StackName}".len()..]),
            "{target}"
        );
    }
    let mut covered = BTreeSet::new();
    references(
        &template["Resources"]["QueuePolicy"]["Properties"]["Queues"],
        &mut covered,
    );
    assert_eq!(
        covered.len(),
        2 * dead.len(),
        "queues that refuse connections without TLS"
    );
}

#[test]
fn a_function_is_told_nothing_that_its_settings_do_not_know() {
    let settings = text("crates/platform-aws/src/settings.rs");
    let settings = settings + &text("crates/platform-aws/src/policy.rs");
    let template = template();
    let common = section(&template["Globals"]["Function"]["Environment"], "Variables");
    let common = common.into_iter().map(|(name, _)| name.to_string());
    let own = functions()
        .into_iter()
        .flat_map(|function| function.variables.into_keys());
    for name in common.chain(own) {
        let known = match name.strip_prefix("CASBAH_QUEUE_") {
            Some(stage) => {
                let stage = stage.to_lowercase().replace('_', "-");
                casbah_model::message::Stage::ALL
                    .iter()
                    .any(|known| known.name() == stage)
            }
            None => settings.contains(&format!("\"{name}\"")),
        };
        assert!(known, "nothing reads {name}");
    }
}

#[test]
fn outputs_are_described_and_told_of() {
    let (template, page) = (template(), text("docs/deploy.md"));
    for (name, output) in section(&template, "Outputs") {
        assert!(output["Description"].is_string(), "{name}");
        assert!(
            page.contains(&format!("`{name}`")),
            "docs/deploy.md does not tell of {name}"
        );
    }
}

#[test]
fn the_template_has_the_version_of_the_crates() {
    let manifest: toml::Value = toml::from_str(&text("Cargo.toml")).expect("a manifest");
    let version = manifest["workspace"]["package"]["version"].as_str();
    let application = &template()["Metadata"]["AWS::ServerlessRepo::Application"];
    assert_eq!(application["SemanticVersion"].as_str(), version);
}

#[test]
fn the_table_has_the_keys_that_the_code_writes() {
    use casbah_model::state::{EXPIRES, INDEX_ORDER, INDEX_PARTITION};
    let template = template();
    let table = &template["Resources"]["Table"];
    assert_eq!(
        table["Properties"]["TimeToLiveSpecification"]["AttributeName"],
        EXPIRES
    );
    let index = &table["Properties"]["GlobalSecondaryIndexes"][0];
    assert_eq!(index["KeySchema"][0]["AttributeName"], INDEX_PARTITION);
    assert_eq!(index["KeySchema"][1]["AttributeName"], INDEX_ORDER);
    assert_eq!(index["Projection"]["ProjectionType"], "ALL");
    for kept in ["Table", "Bucket"] {
        let resource = &template["Resources"][kept];
        assert_eq!(resource["DeletionPolicy"], "Retain", "{kept}");
        assert_eq!(resource["UpdateReplacePolicy"], "Retain", "{kept}");
    }
}
