//! Tokens that are hard to make up: positions that travel in links, and signatures that only we check.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::chance::{Stream, draw};

/// Where a link that leads astray goes.
pub const FOREIGN: &str = "https://mirror.contoso-backup.example";

/// Makes a token opaque and hard to make up; nothing is stored, so any simulator of the plan reads it.
pub fn seal(seed: u64, token: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(format!("{:08x}{token}", check(seed, token)))
}

/// Reads a token back; `None` if this tenant did not make it.
pub fn unseal(seed: u64, sealed: &str) -> Option<String> {
    let text = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(sealed).ok()?).ok()?;
    let (front, token) = text.split_at_checked(8)?;
    (front == format!("{:08x}", check(seed, token))).then(|| token.to_string())
}

fn check(seed: u64, token: &str) -> u32 {
    let sum = token.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |sum, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    });
    draw(seed, Stream::Token, sum) as u32
}

/// Stands for a signature: nobody but the simulator checks it.
pub fn signature(seed: u64, front: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(format!("{seed}|{front}")))
}

/// Reads one part of a JSON Web Token.
pub fn decode_part(part: &str) -> Option<serde_json::Value> {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}
