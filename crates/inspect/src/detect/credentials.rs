//! Keys with a header, addresses with a password, and what is assigned to a name that says what it is.

use super::assigned::{is_bare_password, is_password, is_secret, value};
use super::findings::Findings;
use super::literals::{Hit, begins_token, begins_word};
use super::shape::{Alphabet, is_drawn};
use super::window::{MATCH_MAX, Window};
use std::ops::Range;

/// User and password in an address.
const USER_INFO_MAX: usize = 256;

/// Names of schemes whose addresses are connection strings.
const BROKERS: [&[u8]; 20] = [
    b"postgres",
    b"postgresql",
    b"mysql",
    b"mariadb",
    b"mongodb",
    b"srv",
    b"redis",
    b"rediss",
    b"amqp",
    b"amqps",
    b"mssql",
    b"sqlserver",
    b"jdbc",
    b"cockroachdb",
    b"clickhouse",
    b"oracle",
    b"kafka",
    b"nats",
    b"asyncpg",
    b"psycopg2",
];

/// Keys that stand beside the password in a connection string.
const CONNECTION_KEYS: [&[u8]; 7] = [
    b"server=",
    b"data source=",
    b"host=",
    b"initial catalog=",
    b"database=",
    b"user id=",
    b"uid=",
];

/// Finds a web token: a header that decodes to JSON with an algorithm, claims, and a signature.
pub(crate) fn jwt(window: &Window<'_>, hit: Hit, detector: usize, findings: &mut Findings<'_>) {
    let start = hit.start as usize;
    let text = &window.text[start..window.text.len().min(start + MATCH_MAX)];
    if !text.starts_with(b"eyJ")
        || !begins_token(window.text, start)
        || matches!(
            window.text.get(start.wrapping_sub(1)),
            Some(b'.' | b'-' | b'+' | b'/')
        )
    {
        return;
    }
    let header = Alphabet::Url.run(text, 512);
    let claims = text
        .get(header + 1..)
        .map_or(0, |rest| Alphabet::Url.run(rest, MATCH_MAX));
    if text.get(header) != Some(&b'.') || claims < 8 || !names_algorithm(&text[..header]) {
        return;
    }
    let signature = text
        .get(header + 1 + claims..)
        .filter(|rest| rest[..1.min(rest.len())] == *b".")
        .map_or(0, |rest| 1 + Alphabet::Url.run(&rest[1..], 700));
    let place = start..start + header + 1 + claims + signature;
    // A token that does not end here is longer than any match, and known by its beginning.
    if signature > 20 || place.end == start + MATCH_MAX {
        findings.claim(&place);
        findings.add(detector, window, &place, &window.text[place.clone()], true);
    }
}

/// Whether base64 for addresses holds `"alg"` (RFC 7515, 4.1.1).
fn names_algorithm(header: &[u8]) -> bool {
    let mut decoded = Vec::with_capacity(header.len());
    let (mut bits, mut count) = (0_u32, 0);
    for byte in header {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'-' => 62,
            _ => 63,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            decoded.push((bits >> count & 0xFF) as u8);
        }
    }
    memchr::memmem::find(&decoded, b"\"alg\"").is_some()
}

/// Finds a private key: its header, and base64 after it.
pub(crate) fn pem(window: &Window<'_>, hit: Hit, detector: usize, findings: &mut Findings<'_>) {
    let start = hit.start as usize;
    let text = &window.text[hit.end as usize..];
    let label = &text[..text.len().min(48)];
    let Some(at) = memchr::memmem::find(label, b"PRIVATE KEY") else {
        return;
    };
    if !label[..at]
        .iter()
        .all(|byte| byte.is_ascii_uppercase() || *byte == b' ')
    {
        return;
    }
    let body = &text[at + b"PRIVATE KEY".len()..];
    let body = body.strip_prefix(b" BLOCK").unwrap_or(body);
    let Some(body) = body.strip_prefix(b"-----") else {
        return;
    };
    // Headers of encrypted keys (RFC 1421, 4.6) and escaped line breaks are between; a key has at least 32 bytes.
    let body = &body[..body.len().min(400)];
    let body = &body[..memchr::memmem::find(body, b"-----").unwrap_or(body.len())];
    let base64 = body
        .split(|byte| !Alphabet::Base64.has(*byte))
        .filter(|run| run.len() >= 40 && is_drawn(&run[..40]))
        .count();
    if base64 > 0 {
        let place = start..hit.end as usize + at + 200.min(text.len() - at);
        findings.claim(&place);
        findings.add(detector, window, &place, &window.text[place.clone()], true);
    }
}

/// Which detectors find passwords in addresses and assignments.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Credentials {
    pub(crate) basic_auth: Option<usize>,
    pub(crate) connection: Option<usize>,
    pub(crate) password: Option<usize>,
    pub(crate) secret: Option<usize>,
    pub(crate) jwt: Option<usize>,
    pub(crate) pem: Option<usize>,
    pub(crate) email: Option<usize>,
    pub(crate) phone: Option<usize>,
}

impl Credentials {
    /// Finds user and password in an address.
    pub(crate) fn address(self, window: &Window<'_>, hit: Hit, findings: &mut Findings<'_>) {
        let (text, at) = (window.text, hit.end as usize);
        let is_inner = |byte: &u8| {
            byte.is_ascii_graphic()
                && !matches!(
                    byte,
                    b'/' | b'?'
                        | b'#'
                        | b'<'
                        | b'>'
                        | b'"'
                        | b'\''
                        | b'`'
                        | b'@'
                        | b'{'
                        | b'}'
                        | b'\\'
                )
        };
        let length = text[at..]
            .iter()
            .take(USER_INFO_MAX)
            .take_while(|byte| is_inner(byte))
            .count();
        let info = &text[at..at + length];
        let Some(colon) = memchr::memchr(b':', info) else {
            return;
        };
        let password = &info[colon + 1..];
        let has_host = text.get(at + length) == Some(&b'@')
            && text
                .get(at + length + 1)
                .is_some_and(u8::is_ascii_alphanumeric);
        if !has_host || !is_password(password) {
            return;
        }
        let before = &text[(hit.start as usize).saturating_sub(24)..hit.start as usize];
        let scheme = before
            .iter()
            .rev()
            .take_while(|byte| byte.is_ascii_alphanumeric())
            .count();
        let scheme = &before[before.len() - scheme..];
        let is_broker = BROKERS
            .iter()
            .any(|broker| broker.eq_ignore_ascii_case(scheme));
        let place = at + colon + 1..at + length;
        findings.claim(&place);
        if let Some(detector) = if is_broker {
            self.connection
        } else {
            self.basic_auth
        } {
            findings.add(detector, window, &place, password, true);
        }
    }

    /// Finds what is assigned to a name that ends here.
    pub(crate) fn assigned(
        self,
        window: &Window<'_>,
        hit: Hit,
        is_password_name: bool,
        last: &mut Range<usize>,
        findings: &mut Findings<'_>,
    ) {
        if !begins_word(window.text, hit.start as usize) {
            return;
        }
        let Some(value) = value(window.text, hit.end as usize) else {
            return;
        };
        let raw = &window.text[value.place.clone()];
        if findings.is_claimed(&value.place) || value.place.start < last.end {
            return;
        }
        *last = value.place.clone();
        if !is_password_name {
            if let Some(detector) = self.secret
                && is_secret(raw)
            {
                findings.add(detector, window, &value.place, raw, true);
            }
            return;
        }
        if !is_password(raw) {
            return;
        }
        let from = (hit.start as usize).saturating_sub(200);
        let line = &window.text[from..hit.start as usize];
        let line = memchr::memrchr(b'\n', line)
            .map_or(line, |newline| &line[newline + 1..])
            .to_ascii_lowercase();
        let is_connection = CONNECTION_KEYS
            .iter()
            .any(|key| memchr::memmem::find(&line, key).is_some());
        let is_value = match value.is_quoted || is_connection {
            true => !raw.contains(&b' '),
            false => is_bare_password(raw),
        };
        if !is_value {
            return;
        }
        if let Some(detector) = if is_connection {
            self.connection
        } else {
            self.password
        } {
            findings.add(detector, window, &value.place, raw, true);
        }
    }
}
