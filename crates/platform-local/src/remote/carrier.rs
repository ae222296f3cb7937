//! Calls of the API, carried by `casbah-stack`: one line out, one line back.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::Duration;

use casbah_model::ports::Rng;
use casbah_platform_local::SystemRng;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cli::StackArgs;
use crate::exit::{Exit, Failure};

const PROGRAM: &str = "casbah-stack";
/// A line of an answer: Lambda answers are at most 6 MB (AWS Lambda quotas), escaped once more.
const LINE_BYTES_MAX: u64 = 16 << 20;
/// A busy stack is asked this often.
const TRIES_MAX: u32 = 4;
/// The longest wait that an answer may ask for.
const WAIT_MAX: Duration = Duration::from_secs(30);

pub struct Carrier {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

#[derive(Serialize)]
struct Line<'a> {
    method: &'a str,
    path: &'a str,
    headers: BTreeMap<&'a str, &'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
}

#[derive(Deserialize)]
struct Answer {
    status: u16,
    headers: BTreeMap<String, String>,
    body: String,
}

impl Carrier {
    pub fn start(args: &StackArgs, stack: &str) -> Result<Carrier, Failure> {
        let mut command = std::process::Command::new(program());
        command.arg(format!("--stack={stack}"));
        for (flag, value) in [
            ("--profile", &args.profile),
            ("--region", &args.region),
            ("--api-url", &args.api_url),
        ] {
            command.args(value.iter().map(|value| format!("{flag}={value}")));
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|error| {
            Failure::new(
                Exit::Environment,
                format!("cannot start {PROGRAM}: {error}"),
            )
            .with_fix("install it beside casbah: `cargo install --path crates/stack`")
        })?;
        let input = child.stdin.take().expect("its input is piped");
        let output = child.stdout.take().expect("its output is piped");
        Ok(Carrier {
            child,
            input,
            output: BufReader::new(output),
        })
    }

    pub fn get(&mut self, path: &str) -> Result<Value, Failure> {
        self.call("GET", path, None)
    }

    /// Sends a request that changes something; a repeat after a lost answer does nothing twice.
    pub fn post(&mut self, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
        self.call("POST", path, body)
    }

    pub fn delete(&mut self, path: &str) -> Result<Value, Failure> {
        self.call("DELETE", path, None)
    }

    /// Every item of a list, page by page.
    pub fn all(&mut self, path: &str) -> Result<Vec<Value>, Failure> {
        let mut items = vec![];
        let mut next: Option<String> = None;
        loop {
            let separator = if path.contains('?') { '&' } else { '?' };
            let path = match &next {
                Some(token) => format!("{path}{separator}next_token={token}"),
                None => path.to_string(),
            };
            let mut page = self.get(&path)?;
            if let Value::Array(found) = page["items"].take() {
                items.extend(found);
            }
            match page["next_token"].as_str() {
                Some(token) => next = Some(token.to_string()),
                None => return Ok(items),
            }
        }
    }

    fn call(&mut self, method: &str, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
        let key = format!("{:016x}{:016x}", SystemRng.next_u64(), SystemRng.next_u64());
        let mut headers = BTreeMap::new();
        if method == "POST" {
            headers.insert("idempotency-key", key.as_str());
        }
        if body.is_some() {
            headers.insert("content-type", "application/json");
        }
        let mut tries = 1;
        loop {
            let answer = self.carry(&Line {
                method,
                path,
                headers: headers.clone(),
                body: body.map(Value::to_string),
            })?;
            let wait = retry_after(&answer);
            match (answer.status, wait) {
                (200..=299, _) => return parsed(&answer),
                (429 | 503, Some(wait)) if tries < TRIES_MAX => {
                    tries += 1;
                    pause(wait);
                }
                _ => return Err(refused(&answer)),
            }
        }
    }

    fn carry(&mut self, line: &Line<'_>) -> Result<Answer, Failure> {
        let mut text = serde_json::to_vec(line).expect("a call is plain");
        text.push(b'\n');
        let written = self
            .input
            .write_all(&text)
            .and_then(|()| self.input.flush());
        let mut line = vec![];
        let read = written.and_then(|()| {
            let mut bounded = self.output.by_ref().take(LINE_BYTES_MAX);
            bounded.read_until(b'\n', &mut line)
        });
        match read {
            Ok(1..) => serde_json::from_slice(&line).map_err(|_| {
                Failure::new(
                    Exit::Other,
                    format!("{PROGRAM} answers in another language"),
                )
                .with_fix("install casbah and casbah-stack of the same version")
            }),
            // It said on standard error what went wrong.
            Ok(0) | Err(_) => Err(self.ended()),
        }
    }

    fn ended(&mut self) -> Failure {
        let code = self.child.wait().ok().and_then(|status| status.code());
        let exit = match code {
            Some(2 | 252) => Exit::Parameter,
            Some(253) => Exit::Environment,
            Some(254) => Exit::Refused,
            _ => Exit::Other,
        };
        Failure::new(exit, "the stack was not reached")
    }
}

impl Drop for Carrier {
    fn drop(&mut self) {
        // It ends by itself when its input does; one that is stuck in a call is not waited for.
        let _ = self.child.kill();
        let _ = self.child.wait(); // So that it does not stay as a zombie; how it ended does not matter any more.
    }
}

/// The one that was installed with this command, or else whichever the path knows.
fn program() -> PathBuf {
    let beside = std::env::current_exe()
        .ok()
        .map(|own| own.with_file_name(PROGRAM));
    match beside {
        Some(beside) if beside.exists() => beside,
        _ => PROGRAM.into(),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a command that waits for a stack has nothing else to do"
)]
pub fn pause(wait: Duration) {
    std::thread::sleep(wait);
}

fn retry_after(answer: &Answer) -> Option<Duration> {
    let seconds = answer.headers.get("retry-after")?.parse().ok()?;
    Some(Duration::from_secs(seconds).min(WAIT_MAX))
}

fn parsed(answer: &Answer) -> Result<Value, Failure> {
    serde_json::from_str(&answer.body).map_err(|_| {
        Failure::new(
            Exit::Refused,
            "the answer is not JSON, so it is not of Casbah's API",
        )
        .with_fix("check --stack, --region and --api-url")
    })
}

/// A problem document (RFC 9457), or what API Gateway says before our code is asked.
fn refused(answer: &Answer) -> Failure {
    let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    let exit = match answer.status {
        401 | 403 => Exit::Environment,
        400 | 404 | 405 | 409 | 412..=422 => Exit::Parameter,
        _ => Exit::Refused,
    };
    let detail = body["detail"].as_str().or(body["message"].as_str());
    let title = body["title"].as_str();
    let what = match (title, detail) {
        (Some(title), Some(detail)) => format!("{}: {detail}", title.to_lowercase()),
        (_, Some(detail)) => format!("the API refused ({}): {detail}", answer.status),
        _ => format!("the API refused with status {}", answer.status),
    };
    let failure = Failure::new(exit, what);
    match answer.status {
        401 | 403 if title.is_none() => failure.with_fix(
            "the caller's role needs execute-api:Invoke on the API of this stack (docs/security.md)",
        ),
        _ => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer {
            status,
            headers: BTreeMap::from([("retry-after".into(), "7".into())]),
            body: body.into(),
        }
    }

    #[test]
    fn a_problem_is_told_in_its_own_words() {
        let problem = r#"{"title":"There is no such connection","detail":"\"x\" is not known"}"#;
        let failure = refused(&answer(404, problem));
        assert_eq!(failure.exit, Exit::Parameter);
        assert_eq!(
            failure.what,
            "there is no such connection: \"x\" is not known"
        );
    }

    #[test]
    fn what_the_gateway_refuses_is_a_matter_of_rights() {
        let failure = refused(&answer(403, r#"{"message":"Forbidden"}"#));
        assert_eq!(failure.exit, Exit::Environment);
        assert!(failure.fix.is_some());
    }

    #[test]
    fn waits_are_bounded() {
        assert_eq!(retry_after(&answer(503, "")), Some(Duration::from_secs(7)));
        let mut long = answer(503, "");
        long.headers.insert("retry-after".into(), "86400".into());
        assert_eq!(retry_after(&long), Some(WAIT_MAX));
    }
}
