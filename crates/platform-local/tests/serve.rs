//! `casbah serve` as a program meets it: who is let in, what is answered, and how it ends.

#![expect(
    clippy::disallowed_methods,
    reason = "the test is a client, and takes a port"
)]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

const SECRET: &str = "CASBAH_SIMULATED_SECRET";
/// A debug build on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A command that goes on until it is stopped, ended with the test.
struct Running {
    child: Child,
    first_lines: Vec<String>,
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    /// Starts a command and reads so many lines of what it prints.
    fn start(arguments: &[&str], lines: usize) -> Running {
        let mut child = Command::new(env!("CARGO_BIN_EXE_casbah"))
            .args(arguments)
            .env_remove("CASBAH_LOG")
            .env_remove(SECRET)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("casbah starts");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        let first_lines = output.lines().take(lines).map(|line| line.expect("text"));
        let first_lines = first_lines.collect();
        Running { child, first_lines }
    }

    /// Asks it to end, as Ctrl-C does.
    fn interrupt(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        let asked = Command::new("kill").args(["-INT", &id]).status();
        assert!(asked.expect("kill is there").success());
        self.child.wait().expect("it ends").code()
    }
}

/// A served folder, and how to call it.
struct Served {
    running: Running,
    address: String,
    token: String,
}

impl Served {
    fn start(out: &Path) -> Served {
        let out_text = out.display().to_string();
        let running = Running::start(&["serve", "--out", &out_text, "--port", "0"], 1);
        let line = &running.first_lines[0];
        let address = line
            .split("http://")
            .nth(1)
            .and_then(|rest| rest.split('/').next());
        let address = address
            .unwrap_or_else(|| panic!("no address in {line}"))
            .to_string();
        let token = fs::read_to_string(out.join("api-token")).expect("a token");
        Served {
            running,
            address,
            token: token.trim().into(),
        }
    }

    fn call(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let body = body.map(Value::to_string).unwrap_or_default();
        let head = format!(
            "Host: {}\r\nAuthorization: Bearer {}\r\nIdempotency-Key: {}\r\nContent-Type: application/json\r\n",
            self.address,
            self.token,
            path.len(),
        );
        self.raw(method, path, &head, &body)
    }

    fn raw(&self, method: &str, path: &str, head: &str, body: &str) -> (u16, Value) {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\n{head}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        // A server that has refused already may not read the rest.
        let _ = stream.write_all(request.as_bytes());
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        let status = answer
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        let body = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
        let body = serde_json::from_str(body).unwrap_or(Value::Null);
        (
            status.unwrap_or_else(|| panic!("no answer: {answer}")),
            body,
        )
    }
}

/// The lines of the simulated tenant's config, as names and values.
fn setting(lines: &[String], name: &str) -> String {
    let line = lines.iter().find(|line| line.contains(name));
    let line = line.unwrap_or_else(|| panic!("no {name} in {lines:?}"));
    let quoted = line.split(['"', '\'']).nth(1);
    quoted.expect("a quoted value").into()
}

#[test]
fn a_tenant_is_connected_and_read_through_the_api() {
    let size = ["--users", "12", "--files", "40", "--activities", "80"];
    let simulate = [
        &["simulate", "--port", "0", "--latency", "0"][..],
        &size[..],
    ]
    .concat();
    let tenant = Running::start(&simulate, 16);
    let value = |name| setting(&tenant.first_lines, name);
    let folder = TempDir::new().expect("a folder");
    let served = Served::start(folder.path());
    let graph = value("graph = ");
    let body = json!({
        "name": "simulated",
        "app": "microsoft365",
        "components": ["all"],
        "app_settings": { "tenant_id": value("tenant_id"), "client_id": value("client_id") },
        "endpoints": { "login": graph, "graph": graph, "management": graph },
        "credential": { "client_secret": value("export ") },
    });
    let (status, answer) = served.call("POST", "/v1/connections", Some(&body));
    assert_eq!(status, 202, "{answer:#}");
    // It is tested at once, and not with the next sweep a minute later.
    let begun = Instant::now();
    let at = "/v1/connections/simulated";
    loop {
        let (_, users) = served.call("GET", &format!("{at}/users?limit=1000"), None);
        if users["items"]
            .as_array()
            .is_some_and(|users| users.len() == 12)
        {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "{users:#}");
        std::thread::sleep(Duration::from_millis(50));
    }
    let (_, connection) = served.call("GET", at, None);
    assert_eq!(connection["state"], "connected", "{connection:#}");
    assert_eq!(served.running.interrupt(), Some(130));
}

#[test]
fn who_has_not_the_token_or_comes_under_another_name_is_not_let_in() {
    let folder = TempDir::new().expect("a folder");
    let served = Served::start(folder.path());
    let (host, token) = (&served.address, &served.token);
    let port = host.rsplit(':').next().expect("a port");
    let good = format!("Authorization: Bearer {token}\r\n");
    let rows = [
        (format!("Host: {host}\r\n{good}"), 200),
        (format!("Host: localhost:{port}\r\n{good}"), 200),
        (format!("Host: {host}\r\n"), 401),
        (format!("Host: {host}\r\nAuthorization: Bearer \r\n"), 401),
        (
            format!("Host: {host}\r\nAuthorization: Bearer {}\r\n", &token[1..]),
            401,
        ),
        (
            format!("Host: {host}\r\nAuthorization: Basic {token}\r\n"),
            401,
        ),
        (format!("Host: {host}\r\n{good}{good}"), 401),
        (format!("Host: rebound.example:{port}\r\n{good}"), 421),
        (format!("Host: 127.0.0.1\r\n{good}"), 421),
        (format!("Host: 127.0.0.1:1\r\n{good}"), 421),
    ];
    for (head, expected) in rows {
        let (status, answer) = served.raw("GET", "/v1/health", &head, "");
        assert_eq!(status, expected, "{head}: {answer:#}");
    }
    let (status, _) = served.raw(
        "GET",
        "http://rebound.example/v1/health",
        &format!("Host: {host}\r\n{good}"),
        "",
    );
    assert_eq!(status, 421);
    let large = "x".repeat(70_000);
    let head = format!("Host: {host}\r\n{good}Content-Type: application/json\r\n");
    assert_eq!(served.raw("POST", "/v1/connections", &head, &large).0, 413);
}

#[test]
fn the_token_is_shown_once_kept_private_and_never_taken_from_a_file_that_others_can_read() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("api-token");
    let first = Served::start(folder.path());
    assert!(first.running.first_lines[0].contains(&first.token));
    assert_eq!(
        fs::metadata(&file).expect("a file").permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(first.running.interrupt(), Some(130));
    let second = Served::start(folder.path());
    assert_eq!(
        second.token,
        fs::read_to_string(&file).expect("a token").trim()
    );
    let line = &second.running.first_lines[0];
    assert!(
        !line.contains(&second.token) && line.contains("api-token"),
        "{line}"
    );
    drop(second);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("changed");
    let out = folder.path().display().to_string();
    let refused = Command::new(env!("CARGO_BIN_EXE_casbah"))
        .args(["serve", "--out", &out, "--port", "0"])
        .output()
        .expect("casbah starts");
    assert_eq!(refused.status.code(), Some(253));
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("others on this machine can read"), "{said}");
}

#[test]
fn a_folder_has_one_master_and_a_demo_is_not_served() {
    let folder = TempDir::new().expect("a folder");
    let served = Served::start(folder.path());
    let out = folder.path().display().to_string();
    let serve = |out: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_casbah"));
        let output = command
            .args(["serve", "--out", out, "--port", "0"])
            .output();
        output.expect("casbah starts")
    };
    let second = serve(&out);
    assert_eq!(second.status.code(), Some(253));
    assert!(String::from_utf8_lossy(&second.stderr).contains("another casbah is at work"));
    let path = format!(
        "127.0.0.1:{}",
        served.address.rsplit(':').next().expect("a port")
    );
    assert_eq!(path, served.address, "on this machine only");
    let demo = TempDir::new().expect("a folder");
    let mark = json!({ "seed": 1, "users": 1, "files": 0, "activities": 0, "started": "2026-05-04T10:00:00Z" });
    fs::write(demo.path().join("demo.json"), mark.to_string()).expect("written");
    let refused = serve(&demo.path().display().to_string());
    assert_eq!(
        refused.status.code(),
        Some(252),
        "{}",
        String::from_utf8_lossy(&refused.stderr)
    );
}
