//! Pages: how many at once, and where the next one begins.
//!
//! A token is opaque and bound to its list: path, connection, incarnation and filters. The binding catches mistakes; it
//! is no lock, and need not be one: a token says after which name to go on, the partition to read comes from the path,
//! so a made-up token leads nowhere but into the caller's own list.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::problem::{Code, Problem};
use crate::reply::Reply;
use crate::request::Call;

pub const LIMIT_MAX: usize = 1000;
const LIMIT: usize = 100;
/// A token holds one name or sort key.
const TOKEN_CHARS_MAX: usize = 4096;
/// Lambda answers with at most 6 MB (Lambda developer guide, "Lambda quotas", "Invocation payload"), in which the
/// body is a JSON text within JSON, so its quotes are doubled by backslashes.
const ANSWER_BYTES_MAX: usize = 4 << 20;
/// Version of the token's form; others are refused, and the caller begins again.
const VERSION: u32 = 1;

/// The page that a request asks for.
#[derive(Debug)]
pub struct Page {
    pub limit: usize,
    pub after: Option<String>,
    binding: String,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Token {
    v: u32,
    b: String,
    a: String,
}

impl Page {
    /// Reads limit and token; `scope` is the connection with its incarnation.
    pub fn of(call: &Call<'_>, scope: &str) -> Result<Page, Problem> {
        let limit = call.query.number("limit", 1, LIMIT_MAX)?.unwrap_or(LIMIT);
        let binding = binding(call, scope);
        let after = match call.query.text("next_token", TOKEN_CHARS_MAX)? {
            Some(token) => Some(after(token, &binding).ok_or_else(bad_token)?),
            None => None,
        };
        Ok(Page {
            limit,
            after,
            binding,
        })
    }

    /// One page as an answer; `next` is what the next page begins after.
    pub fn reply(&self, items: Vec<Value>, next: Option<String>) -> Reply {
        let mut answer = json!({ "items": items });
        if let Some(next) = next {
            answer["next_token"] = self.token(next).into();
        }
        Reply::ok(&answer)
    }

    pub fn token(&self, next: String) -> String {
        let token = Token {
            v: VERSION,
            b: self.binding.clone(),
            a: next,
        };
        let text = serde_json::to_vec(&token).expect("a token is plain");
        URL_SAFE_NO_PAD.encode(text)
    }
}

/// Whether an answer is small enough to be given.
pub fn fits(reply: &Reply) -> bool {
    reply.body.len() <= ANSWER_BYTES_MAX
}

pub fn bad_token() -> Problem {
    let what = "it was not given for this path and these filters, or is too old";
    Problem::field(Code::BadToken, "next_token", what)
}

fn after(token: &str, binding: &str) -> Option<String> {
    let text = URL_SAFE_NO_PAD.decode(token).ok()?;
    let token: Token = serde_json::from_slice(&text).ok()?;
    (token.v == VERSION && token.b == binding).then_some(token.a)
}

fn binding(call: &Call<'_>, scope: &str) -> String {
    let mut digest = Sha256::new();
    let filters = call.query.filters();
    let parts = [call.pattern, scope]
        .into_iter()
        .chain(filters.flat_map(|(name, value)| [name, value]));
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    URL_SAFE_NO_PAD.encode(&digest.finalize()[..12])
}
