//! Proofs that a caller holds the key of its token (Configure OAuth 2.0 Demonstrating Proof-of-Possession; RFC 9449).

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use casbah_model::transport::Method;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::desk::Desk;
use super::faults::Fault;
use super::login::Denied;
use super::wire::{Call, oauth_error};
use crate::answer::Answer;
use crate::moment::{DAY, SECOND};
use crate::seal::{decode_part, seal, unseal};

/// How far the `iat` of a proof may be off.
const AGE_SECONDS_MAX: i64 = 300;
/// A nonce is replaced every 24 h and good for three days.
const NONCE_DAYS: i64 = 3;

/// What a proof must say beside what every proof must.
struct Wanted<'a> {
    method: Method,
    url: &'a str,
    token: Option<&'a str>,
}

/// A proof that was read: the thumbprint of its key, and its nonce.
struct Proof {
    key: String,
    nonce: Option<String>,
}

impl Desk<'_> {
    /// The key a new token is bound to; `None` for a token of no key.
    pub fn token_key(&mut self, call: &Call) -> Result<Option<String>, Denied> {
        if call.headers.get("DPoP").is_none() {
            return if self.plan.client.is_dpop_required {
                let description = "The DPoP proof JWT header is missing.";
                Err((400, "invalid_dpop_proof", description.to_string()).into())
            } else {
                Ok(None)
            };
        }
        let url = self.plan.token_url();
        let wanted = Wanted {
            method: Method::Post,
            url: &url,
            token: None,
        };
        let proof = self
            .check_proof(call, &wanted)
            .map_err(|description| (400, "invalid_dpop_proof", description.to_string()))?;
        if self.strikes(Fault::NonceRotated).is_some() {
            self.state.world.nonces_dropped += 1;
        }
        if !proof.nonce.is_some_and(|nonce| self.knows_nonce(&nonce)) {
            return Err(Denied::Nonce);
        }
        Ok(Some(proof.key))
    }

    /// Checks the proof of a resource call, whose `htu` has neither query nor fragment.
    pub fn check_resource_proof(
        &mut self,
        call: &Call,
        token: &str,
        key: &str,
    ) -> Result<(), Answer> {
        let url = format!("{}{}", self.plan.base.trim_end_matches('/'), call.raw_path);
        let wanted = Wanted {
            method: call.method,
            url: &url,
            token: Some(token),
        };
        let refused = |description| oauth_error(400, "invalid_dpop_proof", description);
        let proof = self.check_proof(call, &wanted).map_err(refused)?;
        if proof.key != key {
            return Err(refused("The DPoP proof key does not match the token."));
        }
        let is_fresh = proof.nonce.is_some_and(|nonce| self.knows_nonce(&nonce));
        if !is_fresh && self.strikes(Fault::ResourceNonce).is_some() {
            return Err(self.wants_nonce(401));
        }
        Ok(())
    }

    fn check_proof(&mut self, call: &Call, wanted: &Wanted<'_>) -> Result<Proof, &'static str> {
        let proof = call.headers.get("DPoP").unwrap_or_default();
        let parts: Vec<&str> = proof.split('.').collect();
        let [header, claims, signature] = parts.as_slice() else {
            return Err("The DPoP proof JWT is malformed.");
        };
        let malformed = "The DPoP proof JWT is malformed.";
        let header = decode_part(header).ok_or(malformed)?;
        let claims = decode_part(claims).ok_or(malformed)?;
        let algorithm = header["alg"].as_str().unwrap_or_default();
        let is_signed = algorithm.starts_with("RS") || algorithm.starts_with("ES");
        if header["typ"] != "dpop+jwt" || !is_signed || signature.is_empty() {
            return Err("The DPoP proof JWT header is invalid.");
        }
        let key = thumbprint(&header["jwk"]).ok_or("The DPoP proof JWT has no public key.")?;
        if claims["htm"] != wanted.method.name() {
            return Err("The DPoP proof JWT htm claim does not match the request.");
        }
        if claims["htu"] != wanted.url {
            return Err("The DPoP proof JWT htu claim does not match the request.");
        }
        let issued = claims["iat"]
            .as_i64()
            .ok_or("The DPoP proof JWT has no iat.")?;
        if (issued - self.now / SECOND).abs() > AGE_SECONDS_MAX {
            return Err("The DPoP proof JWT iat is not within the allowed time.");
        }
        if let Some(token) = wanted.token {
            let expected = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(token));
            if claims["ath"] != expected.as_str() {
                return Err("The DPoP proof JWT ath claim does not match the access token.");
            }
        }
        let nonce = claims["nonce"].as_str().map(String::from);
        // The first proof of the dance may go without; every other needs a fresh one.
        let needs_id = nonce.is_some() || wanted.token.is_some();
        match claims["jti"].as_str() {
            None if needs_id => return Err("The DPoP proof JWT has no jti."),
            None => {}
            Some(id) if self.state.world.jtis.insert(format!("proof {id}")) => {}
            Some(_) => return Err("The DPoP proof JWT has already been used."),
        }
        Ok(Proof { key, nonce })
    }

    fn nonce(&self) -> String {
        let (day, dropped) = (self.now.div_euclid(DAY), self.state.world.nonces_dropped);
        seal(self.plan.seed, &format!("nonce|{day}|{dropped}"))
    }

    fn knows_nonce(&self, nonce: &str) -> bool {
        let read = || {
            let text = unseal(self.plan.seed, nonce)?;
            let (day, dropped) = text.strip_prefix("nonce|")?.split_once('|')?;
            Some((day.parse::<i64>().ok()?, dropped.parse::<i64>().ok()?))
        };
        read().is_some_and(|(day, dropped)| {
            let age = self.now.div_euclid(DAY) - day;
            (0..NONCE_DAYS).contains(&age) && dropped >= self.state.world.nonces_dropped
        })
    }

    /// Asks for the nonce that the answer carries.
    pub fn wants_nonce(&self, status: u16) -> Answer {
        let description = "Authorization server requires nonce in DPoP proof.";
        let answer = oauth_error(status, "use_dpop_nonce", description);
        let answer = answer.with("dpop-nonce", self.nonce());
        if status == 401 {
            let challenge = "DPoP error=\"use_dpop_nonce\", error_description=\"Resource server requires nonce in DPoP proof.\"";
            return answer.with("WWW-Authenticate", challenge);
        }
        answer
    }
}

/// The thumbprint of a public key (RFC 7638, 3); `None` for anything else, private keys included.
fn thumbprint(key: &Value) -> Option<String> {
    let members: &[&str] = match key["kty"].as_str()? {
        "RSA" => &["e", "kty", "n"],
        "EC" => &["crv", "kty", "x", "y"],
        _ => return None,
    };
    if key.get("d").is_some() {
        return None;
    }
    let parts = members.iter().map(|name| {
        let value = key[*name].as_str()?;
        Some(format!(r#""{name}":"{value}""#))
    });
    let parts = parts.collect::<Option<Vec<String>>>()?;
    let text = format!("{{{}}}", parts.join(","));
    Some(BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(text)))
}
