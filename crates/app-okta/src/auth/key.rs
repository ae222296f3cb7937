//! The private key of a service app: a PEM text, or the JWK that Okta shows when it makes the key.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use casbah_connector::pem_block;
use casbah_http::AuthError;
use casbah_model::secret::Secret;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::refusals::refused;

/// Signs client assertions. Keys are RSA, with which Okta's own setup makes them.
pub(super) struct Key {
    key: EncodingKey,
    id: Option<String>,
}

/// A private key as JSON (RFC 7517, 4; RFC 7518, 6.3).
#[derive(Deserialize)]
struct Jwk<'a> {
    kty: &'a str,
    #[serde(default)]
    kid: Option<String>,
    n: &'a str,
    e: &'a str,
    d: &'a str,
    p: &'a str,
    q: &'a str,
    dp: &'a str,
    dq: &'a str,
    qi: &'a str,
}

impl Key {
    /// Reads a key; `id` names the public key where the private one does not.
    pub(super) fn read(secret: &Secret, id: &str) -> Result<Key, AuthError> {
        let text = secret.reveal().trim();
        let entered = (!id.is_empty()).then(|| id.to_string());
        if text.starts_with('{') {
            let jwk: Jwk<'_> = serde_json::from_str(text)
                .map_err(|_| unusable("it is not a whole private key in the form of a JWK"))?;
            let der = pkcs1(&jwk).ok_or_else(|| unusable("it is not an RSA key"))?;
            return Ok(Key {
                key: EncodingKey::from_rsa_der(&der),
                id: entered.or(jwk.kid),
            });
        }
        if text.contains("-----BEGIN ENCRYPTED") {
            return Err(unusable("it is encrypted"));
        }
        // It may hold a certificate as well.
        let mut labels = ["PRIVATE KEY", "RSA PRIVATE KEY"].into_iter();
        let pem = labels.find_map(|label| pem_block(text, label));
        let pem = pem.ok_or_else(|| unusable("there is no private key in it"))?;
        let key = EncodingKey::from_rsa_pem(pem.as_bytes());
        Ok(Key {
            key: key.map_err(|_| unusable("it is not an RSA key"))?,
            id: entered,
        })
    }

    pub(super) fn sign(&self, claims: &impl Serialize) -> Result<Secret, AuthError> {
        let header = Header {
            kid: self.id.clone(),
            ..Header::new(Algorithm::RS256)
        };
        let signed = jsonwebtoken::encode(&header, claims, &self.key);
        signed
            .map(Secret::new)
            .map_err(|_| unusable("nothing can be signed with it"))
    }
}

fn unusable(what: &str) -> AuthError {
    let fix = "enter the RSA private key of the service app, not encrypted, as a PEM text or as the JWK that Okta shows";
    refused(
        "credential",
        format!("the private key cannot be used: {what}"),
        fix,
    )
}

/// Tags of DER (ITU-T X.690, 8.1.2).
const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;

/// Keys of 16,384 bits have parts of this size; nobody uses larger ones.
const PART_BYTES_MAX: usize = 2048;

/// The key in the form that cryptographic libraries read: version 0 and its eight numbers (RFC 8017, A.1.2).
fn pkcs1(jwk: &Jwk<'_>) -> Option<Zeroizing<Vec<u8>>> {
    if jwk.kty != "RSA" {
        return None;
    }
    let mut numbers = Zeroizing::new(vec![]);
    element(&mut numbers, INTEGER, &[0]);
    let parts = [jwk.n, jwk.e, jwk.d, jwk.p, jwk.q, jwk.dp, jwk.dq, jwk.qi];
    for part in parts {
        let part = part.trim_end_matches('=');
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(part).ok()?);
        let start = bytes.iter().position(|byte| *byte != 0)?;
        let mut number = Zeroizing::new(vec![]);
        // The first bit of a number is its sign (X.690, 8.3).
        if bytes[start] >= 0x80 {
            number.push(0);
        }
        number.extend_from_slice(&bytes[start..]);
        if number.len() > PART_BYTES_MAX {
            return None;
        }
        element(&mut numbers, INTEGER, &number);
    }
    let mut der = Zeroizing::new(vec![]);
    element(&mut der, SEQUENCE, &numbers);
    Some(der)
}

/// Tag, length and content; lengths above 127 have a byte that says how many follow (X.690, 8.1.3).
fn element(out: &mut Vec<u8>, tag: u8, content: &[u8]) {
    out.push(tag);
    let length = content.len().to_be_bytes();
    let zeroes = length.iter().take_while(|byte| **byte == 0).count();
    let digits = &length[zeroes..];
    match digits {
        [] => out.push(0),
        [short] if *short < 0x80 => out.push(*short),
        _ => {
            out.push(0x80 | digits.len() as u8);
            out.extend_from_slice(digits);
        }
    }
    out.extend_from_slice(content);
}
