//! The command as `casbah` starts it: what it says when it cannot begin, before anything is sent.

use std::process::{Command, Output, Stdio};

/// Starts it without the settings and credentials of whoever runs the tests.
fn started(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_casbah-stack"))
        .args(arguments)
        .env_clear()
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .stdin(Stdio::null())
        .output()
        .expect("it starts")
}

#[test]
fn without_a_region_it_says_how_to_name_one() {
    let ended = started(&["--stack", "casbah", "--api-url", "https://api.example"]);
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(
        said.contains("no AWS region is known") && said.contains("--region"),
        "{said}"
    );
    assert!(ended.stdout.is_empty());
    assert_eq!(ended.status.code(), Some(253));
}

#[test]
fn an_address_without_tls_is_refused_before_anything_is_signed() {
    let arguments = ["--stack=casbah", "--region=eu-central-1"];
    let ended = started(&[&arguments[..], &["--api-url=http://api.example"]].concat());
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(said.contains("it is not https"), "{said}");
    assert_eq!(ended.status.code(), Some(252));
}
