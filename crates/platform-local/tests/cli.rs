//! The command as a person or a script meets it: output, exit codes, bad input, and ends at any moment.

#![expect(
    clippy::disallowed_methods,
    reason = "the test is a browser, and takes a port"
)]

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use casbah_model::app::App;
use serde_json::Value;
use tempfile::TempDir;

const SMALL: [&str; 6] = ["--users", "12", "--files", "40", "--activities", "80"];
const SECRET: &str = "CASBAH_SIMULATED_SECRET";

fn casbah(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_casbah"));
    command
        .args(arguments)
        .env_remove("CASBAH_LOG")
        .env_remove(SECRET);
    command
}

fn run(arguments: &[&str]) -> Output {
    casbah(arguments).output().expect("casbah starts")
}

fn demo(out: &Path, more: &[&str]) -> Vec<String> {
    let out = out.display().to_string();
    let fixed = ["demo", "--out", &out, "--output", "json"];
    fixed
        .iter()
        .chain(more)
        .map(|text| text.to_string())
        .collect()
}

fn run_demo(out: &Path, more: &[&str]) -> Output {
    let arguments = demo(out, more);
    run(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", said(output)))
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[track_caller]
fn assert_exit(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "{}", said(output));
}

#[track_caller]
fn assert_says(output: &Output, wanted: &str) {
    let said = said(output);
    assert!(said.contains(wanted), "\"{wanted}\" is not in: {said}");
}

mod demo {
    use super::*;

    #[test]
    fn finds_what_the_tenant_holds_and_says_the_same_again() {
        let folder = TempDir::new().expect("a folder");
        let out = folder.path().join("demo");
        let first = run_demo(&out, &SMALL);
        assert_exit(&first, 0);
        let first = json(&first);
        assert_eq!(first["equal"], true, "{first:#}");
        assert_eq!(first["ledger"]["closes"], true);
        assert_eq!(first["connections"][0]["state"], "connected");
        assert_eq!(first["found"]["users"], first["simulator"]["users"]);
        assert_eq!(first["found"]["activities"], 80);

        let again = run_demo(&out, &SMALL);
        assert_exit(&again, 0);
        let again = json(&again);
        for key in [
            "connections",
            "granted",
            "found",
            "ledger",
            "simulator",
            "equal",
        ] {
            assert_eq!(first[key], again[key], "{key}");
        }
        reads_back(&out);
    }

    #[test]
    fn shows_a_tenant_of_every_app_at_once() {
        let folder = TempDir::new().expect("a folder");
        let out = folder.path().join("demo");
        let names = App::ALL.map(App::name);
        let apps = names.join(",");
        let all = run_demo(&out, &[&SMALL[..], &["--apps", &apps]].concat());
        assert_exit(&all, 0);
        let all = json(&all);
        assert_eq!(all["equal"], true, "{all:#}");
        let connections = all["connections"].as_array().expect("a list");
        let shown: BTreeSet<&str> = connections
            .iter()
            .filter(|one| one["state"] == "connected")
            .filter_map(|one| one["app"].as_str())
            .collect();
        assert_eq!(shown, BTreeSet::from(names));
        let users = connections.iter().map(|one| one["found"]["users"].as_u64());
        let users: u64 = users.map(Option::unwrap_or_default).sum();
        assert_eq!(all["simulator"]["users"], users);
    }

    /// The commands that look at a folder, on a finished one.
    fn reads_back(out: &Path) {
        let out = out.display().to_string();
        let ledger = run(&["ledger", "--out", &out, "--verify", "--output", "json"]);
        assert_exit(&ledger, 0);
        let ledger = json(&ledger);
        assert_eq!(
            (&ledger["closes"], &ledger["verified"]["repeated"]),
            (&true.into(), &0.into())
        );
        let status = run(&["status", "--out", &out, "--output", "json"]);
        assert_exit(&status, 0);
        assert_eq!(json(&status)["connections"][0]["is_caught_up"], true);
        let records = run(&["records", "--out", &out, "--family", "activities"]);
        assert_exit(&records, 0);
        let lines: Vec<Value> = records
            .stdout
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).expect("a line is one record"))
            .collect();
        assert_eq!(lines.len(), 80);
        let unknown = run(&["records", "--out", &out, "--family", "mails"]);
        assert_exit(&unknown, 252);
        assert_says(&unknown, "choose from actions, activities");
        let paused = run(&["pause", "contoso", "--out", &out]);
        assert_exit(&paused, 0);
        assert!(
            String::from_utf8_lossy(&run(&["status", "--out", &out]).stdout).contains("paused")
        );
        assert_exit(&run(&["resume", "contoso", "--out", &out]), 0);
        let nobody = run(&["pause", "nobody", "--out", &out]);
        assert_exit(&nobody, 252);
        assert_says(&nobody, "no connection named \"nobody\"");
        let nothing = run(&["accept", "contoso", "users", "--out", &out]);
        assert_exit(&nothing, 252);
        assert_says(&nothing, "no snapshot of users is held back");
    }

    #[test]
    fn a_connection_can_be_disconnected_and_then_deleted_for_good() {
        let folder = TempDir::new().expect("a folder");
        let place = folder.path().join("demo");
        assert_exit(&run_demo(&place, &SMALL), 0);
        let out = place.display().to_string();
        let text = |output: &Output| String::from_utf8_lossy(&output.stdout).into_owned();
        let disconnected = run(&["disconnect", "contoso", "--out", &out]);
        assert_exit(&disconnected, 0);
        assert!(text(&disconnected).contains("audit feeds"));
        assert!(text(&run(&["status", "--out", &out])).contains("disconnected"));
        assert_exit(&run(&["ledger", "--out", &out, "--verify"]), 0);
        let paused = run(&["pause", "contoso", "--out", &out]);
        assert_exit(&paused, 252);
        assert_says(&paused, "connect it again with its credential");

        let unsaid = run(&["delete", "contoso", "--out", &out]);
        assert_exit(&unsaid, 252);
        assert_says(&unsaid, "nothing was deleted");
        assert!(objects(&place.join("lake")) > 0);
        let deleted = run(&["delete", "contoso", "--yes", "--out", &out]);
        assert_exit(&deleted, 0);
        assert!(text(&deleted).contains("contoso is deleted"));
        assert_eq!(objects(&place.join("lake")), 0);
        assert!(text(&run(&["status", "--out", &out])).contains("no connections yet"));
        let again = run(&["delete", "contoso", "--yes", "--out", &out]);
        assert_exit(&again, 252);
        assert_says(&again, "no connection named \"contoso\"");
        let nowhere = folder.path().join("nowhere");
        let unmade = run(&[
            "delete",
            "x",
            "--yes",
            "--out",
            &nowhere.display().to_string(),
        ]);
        assert_exit(&unmade, 252);
        assert!(!nowhere.exists());
    }

    #[test]
    fn killed_at_any_moment_it_ends_with_the_same_counts() {
        let folder = TempDir::new().expect("a folder");
        let size = [
            "--users",
            "30",
            "--files",
            "150",
            "--activities",
            "600",
            "--seed",
            "7",
        ];
        let all = folder.path().join("whole");
        let whole = json(&run_demo(&all, &size));
        let all = objects(&all.join("lake"));
        let out = folder.path().join("killed");
        let arguments = demo(&out, &size);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        const KILLS: usize = 10;
        for kill in 0..KILLS {
            let mut child = casbah(&arguments)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("it starts");
            // From the first moment, when there is not even a folder, to nearly the end.
            let is_time = || objects(&out.join("lake")) >= all * kill / KILLS;
            while !is_time() && child.try_wait().expect("it can be asked").is_none() {
                std::thread::yield_now();
            }
            child.kill().expect("it can be killed, or has ended");
            child.wait().expect("it is over");
        }
        let finished = run_demo(&out, &size);
        assert_exit(&finished, 0);
        let finished = json(&finished);
        assert_eq!(finished["equal"], true, "{finished:#}");
        assert_eq!(finished["found"], whole["found"]);
        let ledger = run(&[
            "ledger",
            "--verify",
            "--output",
            "json",
            "--out",
            &out.display().to_string(),
        ]);
        assert_exit(&ledger, 0);
        assert_eq!(json(&ledger)["verified"]["repeated"], 0);
    }

    /// How many files there are below a folder.
    fn objects(folder: &Path) -> usize {
        let Ok(entries) = fs::read_dir(folder) else {
            return 0;
        };
        let paths = entries.flatten().map(|entry| entry.path());
        paths
            .map(|path| if path.is_dir() { objects(&path) } else { 1 })
            .sum()
    }

    #[test]
    fn another_tenant_is_not_mixed_into_its_folder() {
        let folder = TempDir::new().expect("a folder");
        assert_exit(&run_demo(folder.path(), &SMALL), 0);
        let other = run_demo(folder.path(), &[&SMALL[..], &["--seed", "2"]].concat());
        assert_exit(&other, 252);
        assert_says(&other, "--seed 1, not with --apps microsoft365 --users 12");
        let config = folder.path().join("casbah.toml");
        fs::write(&config, CONFIG).expect("a file");
        let out = folder.path().display().to_string();
        let real = casbah(&[
            "run",
            "--once",
            "--config",
            &config.display().to_string(),
            "--out",
            &out,
        ])
        .env(SECRET, "x")
        .output()
        .expect("casbah starts");
        assert_exit(&real, 252);
        assert_says(&real, "holds a demo");
    }

    #[test]
    fn a_folder_that_cannot_be_used_is_named() {
        let folder = TempDir::new().expect("a folder");
        let file = folder.path().join("file");
        fs::write(&file, "").expect("a file");
        let refused = run_demo(&file.join("out"), &SMALL);
        assert_exit(&refused, 253);
        assert_says(&refused, &file.display().to_string());
        let empty = run(&["status", "--out", &folder.path().display().to_string()]);
        assert_exit(&empty, 252);
        assert_says(&empty, "there is nothing of casbah in");
    }
}

/// A tenant over HTTP, which ends with this value.
struct Simulated {
    child: Child,
    _output: BufReader<ChildStdout>,
    config: String,
}

impl Simulated {
    fn start() -> Simulated {
        let arguments = ["simulate", "--port", "0", "--latency", "0"];
        let mut child = casbah(
            &[
                &arguments[..],
                &["--users", "6", "--files", "8", "--activities", "12"],
            ]
            .concat(),
        )
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("casbah starts");
        let mut output = BufReader::new(child.stdout.take().expect("output is piped"));
        let mut config = String::new();
        while !config.contains("\nmanagement = ") {
            assert!(
                output.read_line(&mut config).expect("a line") > 0,
                "the config ended early: {config}"
            );
        }
        Simulated {
            child,
            _output: output,
            config,
        }
    }

    fn secret(&self) -> &str {
        self.config
            .split('\'')
            .nth(1)
            .expect("the secret is shown in the comments")
    }

    fn holds(&self) -> Value {
        let address = self
            .config
            .split("http://")
            .nth(1)
            .expect("an address")
            .split('/')
            .next()
            .expect("a host");
        let mut stream = TcpStream::connect(address).expect("it answers");
        let request = format!(
            "GET /simulator/holds HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        serde_json::from_str(
            &answer[answer.find('{').expect("an object")..=answer.rfind('}').expect("an object")],
        )
        .expect("JSON")
    }
}

impl Drop for Simulated {
    fn drop(&mut self) {
        // It may have ended already, which is all that is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

mod real {
    use super::*;

    #[test]
    fn a_tenant_over_http_is_tested_and_read() {
        let simulated = Simulated::start();
        let folder = TempDir::new().expect("a folder");
        let config = folder.path().join("simulated.toml").display().to_string();
        let out = folder.path().join("out").display().to_string();
        fs::write(&config, &simulated.config).expect("a file");

        let unset = run(&["test", "--config", &config]);
        assert_exit(&unset, 253);
        assert_says(
            &unset,
            "the environment variable CASBAH_SIMULATED_SECRET is not set",
        );

        let wrong = |arguments: &[&str]| {
            casbah(arguments)
                .env(SECRET, "wr0ng-s3cret")
                .output()
                .expect("it starts")
        };
        let tested = wrong(&["test", "--config", &config]);
        assert_exit(&tested, 253);
        let ran = wrong(&["run", "--once", "--config", &config, "--out", &out]);
        assert_exit(&ran, 253);
        assert_says(
            &ran,
            "simulated: the client secret is wrong (AADSTS7000215)",
        );
        assert!(
            !said(&ran).contains("wr0ng-s3cret"),
            "secrets are not repeated"
        );

        let right = |arguments: &[&str]| {
            casbah(arguments)
                .env(SECRET, simulated.secret())
                .output()
                .expect("casbah starts")
        };
        let tested = right(&["test", "--config", &config, "simulated", "--output", "json"]);
        assert_exit(&tested, 0);
        assert_eq!(json(&tested)["connections"][0]["works"], true);
        let ran = right(&[
            "run", "--once", "--config", &config, "--out", &out, "--output", "json",
        ]);
        assert_exit(&ran, 0);
        let (found, holds) = (&json(&ran)["found"], simulated.holds());
        for name in [
            "users",
            "guests",
            "groups",
            "roles",
            "applications",
            "grants",
            "files",
            "activities",
        ] {
            assert_eq!(found[name], holds[name], "{name}");
        }

        // Another file leaves the connection out, and the first brings it back.
        let other = folder.path().join("other.toml").display().to_string();
        fs::write(
            &other,
            simulated
                .config
                .replace("\"simulated\"", "\"other\"")
                .replace("\"all\"", "\"users\""),
        )
        .expect("a file");
        let ran = right(&["run", "--once", "--config", &other, "--out", &out]);
        assert_exit(&ran, 0);
        assert_says(&ran, "simulated is not in the file any more");
        let ran = right(&["run", "--once", "--config", &config, "--out", &out]);
        assert_exit(&ran, 0);
        assert_says(&ran, "simulated is in the file again");
    }

    #[test]
    fn a_port_in_use_is_named() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = taken.local_addr().expect("an address").port().to_string();
        let refused = run(&["simulate", "--port", &port]);
        assert_exit(&refused, 253);
        assert_says(&refused, &format!("cannot listen on 127.0.0.1:{port}"));
    }

    #[test]
    fn an_unknown_fault_is_refused() {
        let refused = run(&["simulate", "--fault", "gremlins"]);
        assert_exit(&refused, 252);
        assert_says(&refused, "there is no fault named gremlins");
    }
}

const CONFIG: &str = r#"[[connection]]
name = "contoso"
app = "microsoft365"
components = ["all"]
tenant_id = "11111111-1111-1111-1111-111111111111"
client_id = "22222222-2222-2222-2222-222222222222"
client_secret_env = "CASBAH_SIMULATED_SECRET"
"#;

mod bad_input {
    use super::*;

    /// Runs with a config in which one piece is replaced.
    #[track_caller]
    fn check(from: &str, to: &str, code: i32, wanted: &str) {
        assert!(CONFIG.contains(from));
        let folder = TempDir::new().expect("a folder");
        let config = folder.path().join("casbah.toml");
        fs::write(&config, CONFIG.replacen(from, to, 1)).expect("a file");
        let out = folder.path().join("out");
        let refused = casbah(&[
            "run",
            "--once",
            "--config",
            &config.display().to_string(),
            "--out",
            &out.display().to_string(),
        ])
        .env(SECRET, "x")
        .output()
        .expect("casbah starts");
        assert_exit(&refused, code);
        assert_says(&refused, wanted);
        assert!(
            refused.stdout.is_empty() && !out.exists(),
            "nothing is begun"
        );
    }

    #[test]
    fn a_config_that_is_wrong_is_refused_with_its_line() {
        check(
            "\"all\"",
            "\"mail\"",
            252,
            "line 4: connection \"contoso\": \"mail\" is not a component",
        );
        check("[\"all\"]", "[\"all\"", 252, "casbah.toml, line ");
        check("app =", "colour =", 252, "line 3: unknown field `colour`");
        check(
            "client_secret_env =",
            "client_secret =",
            252,
            "secrets are not written in this file",
        );
        let foreign = "[connection.endpoints]\nlogin = \"http://login.example.com\"\n#";
        check(
            "client_secret_env",
            &format!("client_secret_env = \"{SECRET}\"\n{foreign}"),
            252,
            "line 9: connection \"contoso\": \"http://login.example.com\" is not encrypted",
        );
    }

    #[test]
    fn a_credential_that_cannot_be_used_is_named() {
        check(
            "CASBAH_SIMULATED_SECRET",
            "CASBAH_NO_SUCH",
            253,
            "CASBAH_NO_SUCH is not set",
        );
        check(
            "client_secret_env = \"CASBAH_SIMULATED_SECRET\"",
            "certificate_file = \"none.pem\"",
            253,
            "none.pem",
        );
    }

    #[test]
    fn a_secret_file_that_others_can_read_is_refused() {
        let folder = TempDir::new().expect("a folder");
        let config = folder.path().join("casbah.toml");
        let secret = folder.path().join("secret");
        fs::write(&secret, "hunter2").expect("a file");
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o644)).expect("rights");
        let text = CONFIG.replacen(
            "client_secret_env = \"CASBAH_SIMULATED_SECRET\"",
            "client_secret_file = \"secret\"",
            1,
        );
        fs::write(&config, text).expect("a file");
        let refused = run(&["test", "--config", &config.display().to_string()]);
        assert_exit(&refused, 253);
        assert_says(&refused, "chmod 600");
    }

    #[test]
    fn a_missing_config_or_command_is_answered() {
        let missing = run(&["run", "--config", "/nonexistent/casbah.toml"]);
        assert_exit(&missing, 252);
        assert_says(&missing, "/nonexistent/casbah.toml");
        assert_exit(&run(&["rum"]), 2);
        assert_exit(&run(&["--version"]), 0);
        let help = run(&["--help"]);
        assert_exit(&help, 0);
        assert!(String::from_utf8_lossy(&help.stdout).contains("casbah demo"));
    }
}
