//! What is written down, compared with what is there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;

pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .expect("the workspace")
}

/// Which room may use which, in code that is shipped (ARCHITECTURE.md, "Who may use whom").
fn allowed() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let rooms: [(&str, &[&str]); 34] = [
        ("model", &[]),
        ("http", &["model"]),
        ("connector", &["model", "http"]),
        ("app-box", &["model", "http", "connector"]),
        ("app-microsoft365", &["model", "http", "connector"]),
        ("app-okta", &["model", "http", "connector"]),
        ("lake", &["model"]),
        ("ocsf", &["model"]),
        ("inspect", &["model"]),
        ("policy", &["model"]),
        (
            "pipeline",
            &[
                "model",
                "http",
                "connector",
                "ocsf",
                "lake",
                "policy",
                "app-box",
                "app-microsoft365",
                "app-okta",
            ],
        ),
        ("api", &["model", "http", "connector", "lake", "pipeline"]),
        ("tables", &["model", "ocsf"]),
        (
            "platform-local",
            &[
                "model",
                "http",
                "inspect",
                "lake",
                "pipeline",
                "policy",
                "api",
                "tables",
                "simulators",
            ],
        ),
        (
            "platform-aws",
            &["model", "http", "pipeline", "policy", "api"],
        ),
        ("compact", &["inspect", "platform-aws", "policy", "tables"]),
        ("stack", &[]),
        ("connect", &["platform-aws"]),
        ("test", &["platform-aws"]),
        ("user-scan", &["platform-aws"]),
        ("activity-poll", &["platform-aws"]),
        ("file-scan", &["platform-aws"]),
        ("govern", &["platform-aws"]),
        ("webhook", &["platform-aws"]),
        ("sweep", &["platform-aws"]),
        ("notify", &["platform-aws"]),
        ("simulators", &["model"]),
        ("conformance", &["model", "http", "connector", "simulators"]),
        ("scenarios", &[]),
        (
            "bench",
            &[
                "model",
                "http",
                "connector",
                "app-microsoft365",
                "ocsf",
                "pipeline",
                "platform-local",
                "simulators",
            ],
        ),
        (
            "corpus",
            &[
                "model",
                "http",
                "connector",
                "app-microsoft365",
                "pipeline",
                "policy",
                "ocsf",
                "simulators",
            ],
        ),
        (
            "simulation",
            &[
                "model",
                "http",
                "lake",
                "pipeline",
                "platform-local",
                "simulators",
            ],
        ),
        (
            "openapi",
            &["model", "pipeline", "platform-local", "simulators"],
        ),
        ("throttle", &["model", "http"]),
    ];
    rooms
        .into_iter()
        .map(|(room, uses)| (room, uses.iter().copied().collect()))
        .collect()
}

#[test]
fn no_crate_uses_another_that_it_may_not() {
    let metadata = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(
        metadata.status.success(),
        "{}",
        String::from_utf8_lossy(&metadata.stderr)
    );
    let metadata: serde_json::Value =
        serde_json::from_slice(&metadata.stdout).expect("metadata is JSON");
    let allowed = allowed();
    let mut seen = BTreeSet::new();
    for package in metadata["packages"].as_array().expect("packages") {
        let name = package["name"].as_str().expect("a name");
        let room = name
            .strip_prefix("casbah-")
            .unwrap_or_else(|| panic!("{name} has no room"));
        let may = allowed
            .get(room)
            .unwrap_or_else(|| panic!("{room} is not on the map"));
        seen.insert(room.to_string());
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            let is_shipped = dependency["kind"].is_null();
            let used = dependency["name"]
                .as_str()
                .and_then(|used| used.strip_prefix("casbah-"));
            if let Some(used) = used
                && is_shipped
            {
                assert!(may.contains(used), "{room} may not use {used}");
            }
        }
    }
    assert!(seen.len() >= 11, "only {seen:?} were looked at");
}
