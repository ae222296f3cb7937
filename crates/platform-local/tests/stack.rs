//! `casbah --stack`: what is sent to the carrier beside the command, and what is made of its answers.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tempfile::TempDir;

/// The command with a carrier of the test's beside it: it keeps what it is told in `calls`.
struct Bench {
    folder: TempDir,
}

const LIST: &str = r#"{\"items\":[{\"name\":\"contoso\",\"app\":\"microsoft365\",\"state\":\"connected\",\"components\":[\"users\"]}]}"#;

impl Bench {
    /// A carrier that answers by the path of a call, as `case` arms of a shell.
    fn new(arms: &str) -> Bench {
        let folder = TempDir::new().expect("a folder");
        let _turn = turn();
        std::fs::copy(env!("CARGO_BIN_EXE_casbah"), folder.path().join("casbah")).expect("a copy");
        let script = format!(
            "#!/bin/sh\n\
             echo \"$@\" >> {calls}\n\
             answer() {{ printf '{{\"status\":%s,\"headers\":{{}},\"body\":\"%s\"}}\\n' \"$1\" \"$2\"; }}\n\
             while read -r line; do\n\
             printf '%s\\n' \"$line\" >> {calls}\n\
             case \"$line\" in\n{arms}\n\
             *) answer 404 '{{\\\"title\\\":\\\"Nothing\\\",\\\"detail\\\":\\\"no such path\\\"}}';;\n\
             esac\ndone\n",
            calls = folder.path().join("calls").display(),
        );
        write(&folder.path().join("casbah-stack"), &script);
        Bench { folder }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(self.folder.path().join("casbah"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("CONTOSO_SECRET", "a-secret-of-the-test");
        ended(&mut command)
    }

    fn calls(&self) -> Vec<String> {
        let calls = std::fs::read_to_string(self.folder.path().join("calls"));
        calls
            .unwrap_or_default()
            .lines()
            .map(str::to_string)
            .collect()
    }
}

/// Programs are written and started in turns: a process that begins meanwhile has what is being written open as well, and
/// then nobody can start it.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn ended(command: &mut Command) -> Output {
    let piped = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let started = {
        let _turn = turn();
        piped.spawn()
    };
    let child = started.expect("it runs");
    child.wait_with_output().expect("it ends")
}

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).expect("a file");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("rights");
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn connections_of_a_stack_are_listed_page_by_page() {
    let second = r#"{\"items\":[{\"name\":\"fabrikam\",\"app\":\"microsoft365\",\"state\":\"paused\",\"components\":[]}]}"#;
    let first = LIST.replace("}]}", "}],\\\"next_token\\\":\\\"abc\\\"}");
    let arms = format!(
        "*next_token=abc*) answer 200 '{second}';;\n*/v1/connections*) answer 200 '{first}';;"
    );
    let bench = Bench::new(&arms);
    let output = bench.run(&["--stack", "live", "--region", "eu-west-1", "connections"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let shown = out(&output);
    assert!(
        shown.contains("contoso") && shown.contains("fabrikam"),
        "{shown}"
    );
    assert_eq!(bench.calls()[0], "--stack=live --region=eu-west-1");
}

#[test]
fn a_credential_goes_to_the_stack_and_nowhere_else() {
    let arms = r#"*'"POST"'*) answer 202 '{}';;
*/test*) answer 200 '{\"status\":\"completed\",\"state\":\"connected\",\"cause\":null,\"report\":{\"components\":[{\"component\":\"users\",\"works\":true,\"cause\":null}]}}';;"#;
    let bench = Bench::new(arms);
    let config = "[[connection]]\nname = \"contoso\"\napp = \"microsoft365\"\ncomponents = [\"users\"]\n\
        tenant_id = \"00000000-0000-0000-0000-000000000001\"\nclient_id = \"00000000-0000-0000-0000-000000000002\"\n\
        client_secret_env = \"CONTOSO_SECRET\"\n";
    std::fs::write(bench.folder.path().join("casbah.toml"), config).expect("a file");
    let output = bench.run(&["--stack", "live", "connect", "--config", "casbah.toml"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert!(out(&output).contains("users  works"), "{}", out(&output));
    let calls = bench.calls();
    assert!(
        !calls[0].contains("a-secret-of-the-test"),
        "on the command line"
    );
    let sent: Value = serde_json::from_str(&calls[1]).expect("a call");
    assert_eq!(sent["path"], "/v1/connections");
    assert!(sent["headers"]["idempotency-key"].is_string());
    let body: Value = serde_json::from_str(sent["body"].as_str().expect("a body")).expect("JSON");
    assert_eq!(body["credential"]["client_secret"], "a-secret-of-the-test");
    assert!(body["app_settings"].get("credential").is_none());
    let shown = format!("{}{}", out(&output), err(&output));
    assert!(!shown.contains("a-secret-of-the-test"), "{shown}");
}

#[test]
fn a_ledger_that_does_not_close_is_told_by_the_exit_code() {
    let arms = format!(
        "*/ledger*) answer 200 '{}';;\n*/v1/connections*) answer 200 '{LIST}';;",
        r#"{\"closes\":false,\"totals\":[{\"feed\":\"files\",\"listed\":2,\"written\":1,\"closes\":false}],\"hours\":[]}"#
    );
    let output = Bench::new(&arms).run(&["--stack", "live", "ledger"]);
    assert_eq!(output.status.code(), Some(3), "{}", err(&output));
    assert!(out(&output).contains("does NOT close"), "{}", out(&output));
}

#[test]
fn what_the_api_refuses_is_told_in_its_words() {
    let output = Bench::new("nothing) ;;").run(&["--stack", "live", "pause", "contoso"]);
    assert_eq!(output.status.code(), Some(252));
    assert!(
        err(&output).contains("nothing: no such path"),
        "{}",
        err(&output)
    );
}

#[test]
fn a_carrier_that_ends_gives_its_exit_code_on() {
    let bench = Bench::new("*) exit 253;;");
    let output = bench.run(&["--stack", "live", "status"]);
    assert_eq!(output.status.code(), Some(253), "{}", err(&output));
}

#[test]
fn without_the_carrier_it_is_said_how_to_get_it() {
    let bench = Bench::new("nothing) ;;");
    std::fs::remove_file(bench.folder.path().join("casbah-stack")).expect("removed");
    let mut command = Command::new(bench.folder.path().join("casbah"));
    command.args(["--stack", "live", "status"]).env("PATH", "");
    let output = ended(&mut command);
    assert_eq!(output.status.code(), Some(253));
    assert!(
        err(&output).contains("cargo install --path crates/stack"),
        "{}",
        err(&output)
    );
}

#[test]
fn what_works_on_this_machine_only_says_so() {
    let bench = Bench::new("nothing) ;;");
    for arguments in [["--stack", "live", "demo"], ["--stack", "live", "simulate"]] {
        let output = bench.run(&arguments);
        assert_eq!(output.status.code(), Some(252), "{}", err(&output));
    }
    let output = bench.run(&["scan", "contoso"]);
    assert_eq!(output.status.code(), Some(252));
    assert!(err(&output).contains("--stack NAME"), "{}", err(&output));
    assert!(bench.calls().is_empty(), "nobody was called");
}
