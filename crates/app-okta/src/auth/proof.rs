//! Proofs that whoever shows a token holds the key it is bound to (RFC 9449; dpop).
//!
//! The key is made with the token, lives as long and never leaves the process: it is not the key of the service app.

use std::sync::{Mutex, PoisonError};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use casbah_http::{Address, AuthError, Proved, Prover};
use casbah_model::Timestamp;
use casbah_model::ports::Rng;
use casbah_model::transport::{Headers, Method};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::once;

/// Nonces are short; whatever is longer is not sent back.
const NONCE_BYTES_MAX: usize = 1024;

pub(super) struct ProofKey {
    key: EncodingKey,
    public: Jwk,
    /// What the API asked for last; none is asked for today (dpop).
    nonce: Mutex<Option<String>>,
}

/// Claims of a proof (RFC 9449, 4.2).
#[derive(Serialize)]
struct Claims<'a> {
    jti: String,
    htm: &'static str,
    htu: &'a str,
    iat: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    ath: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
}

impl ProofKey {
    pub(super) fn generate() -> Result<ProofKey, AuthError> {
        let pair = KeyPair::generate(KeySize::Rsa2048).map_err(|_| impossible("made"))?;
        let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| impossible("written"))?;
        let text = Zeroizing::new(STANDARD.encode(der.as_ref()));
        let pem = Zeroizing::new(format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            text.as_str()
        ));
        let key = EncodingKey::from_rsa_pem(pem.as_bytes()).map_err(|_| impossible("read"))?;
        let public =
            Jwk::from_encoding_key(&key, Algorithm::RS256).map_err(|_| impossible("shown"))?;
        Ok(ProofKey {
            key,
            public,
            nonce: Mutex::default(),
        })
    }

    /// A proof for a request for a token, which is bound to the key by it.
    pub(super) fn for_token(
        &self,
        address: &Address,
        nonce: Option<&str>,
        now: Timestamp,
        rng: &dyn Rng,
    ) -> Result<String, AuthError> {
        self.sign(&Claims {
            jti: once(rng),
            htm: Method::Post.name(),
            htu: bare(address),
            iat: now.as_second(),
            ath: None,
            nonce,
        })
    }

    fn sign(&self, claims: &Claims<'_>) -> Result<String, AuthError> {
        let header = Header {
            typ: Some("dpop+jwt".into()),
            jwk: Some(self.public.clone()),
            ..Header::new(Algorithm::RS256)
        };
        jsonwebtoken::encode(&header, claims, &self.key).map_err(|_| impossible("used"))
    }
}

impl Prover for ProofKey {
    fn prove(&self, proved: &Proved<'_>) -> Result<String, AuthError> {
        let nonce = self.nonce.lock().unwrap_or_else(PoisonError::into_inner);
        self.sign(&Claims {
            jti: once(proved.rng),
            htm: proved.method.name(),
            htu: bare(proved.address),
            iat: proved.now.as_second(),
            ath: Some(URL_SAFE_NO_PAD.encode(Sha256::digest(proved.token.reveal()))),
            nonce: nonce.as_deref(),
        })
    }

    /// Only a refusal that names the nonce as its reason counts (RFC 9449, 9).
    fn challenged(&self, headers: &Headers) -> bool {
        let challenge = headers.get("WWW-Authenticate").unwrap_or_default();
        let asked = nonce(headers).filter(|_| challenge.contains("use_dpop_nonce"));
        let is_asked = asked.is_some();
        if is_asked {
            *self.nonce.lock().unwrap_or_else(PoisonError::into_inner) = asked;
        }
        is_asked
    }
}

/// The nonce that an answer gives.
pub(super) fn nonce(headers: &Headers) -> Option<String> {
    let nonce = headers.get("DPoP-Nonce")?.trim();
    let is_nonce = !nonce.is_empty() && nonce.len() <= NONCE_BYTES_MAX;
    is_nonce.then(|| nonce.to_string())
}

/// An address without query and fragment (RFC 9449, 4.2, `htu`).
fn bare(address: &Address) -> &str {
    let text = address.as_str();
    let end = text.find(['?', '#']).unwrap_or(text.len());
    &text[..end]
}

fn impossible(what: &str) -> AuthError {
    let reason = format!("a key for proofs of possession cannot be {what}");
    AuthError::Unavailable { reason }
}
