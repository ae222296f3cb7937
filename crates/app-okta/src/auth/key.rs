//! The private key of a service app: a PEM text, or the JWK that Okta shows when it makes the key.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use casbah_connector::pem_block;
use casbah_http::AuthError;
use casbah_model::secret::Secret;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::der::{self, Curve, RsaNumbers};
use super::refusals::refused;

/// Signs client assertions. Okta makes RSA keys; keys of its customers may be of elliptic curves as well
/// (implement-oauth-for-okta-serviceapp, "Create a public/private key pair").
pub(super) struct Key {
    key: EncodingKey,
    algorithm: Algorithm,
    id: Option<String>,
}

/// A private key as JSON (RFC 7517, 4).
#[derive(Deserialize)]
struct Jwk<'a> {
    kty: &'a str,
    #[serde(default)]
    kid: Option<String>,
}

/// RFC 7518, 6.2.
#[derive(Deserialize)]
struct Point<'a> {
    crv: &'a str,
    x: &'a str,
    y: &'a str,
    d: &'a str,
}

impl Key {
    /// Reads a key; `id` names the public key where the private one does not.
    pub(super) fn read(secret: &Secret, id: &str) -> Result<Key, AuthError> {
        let text = secret.reveal().trim();
        let entered = (!id.is_empty()).then(|| id.to_string());
        if text.starts_with('{') {
            return of_json(text, entered);
        }
        if text.contains("-----BEGIN ENCRYPTED") {
            return Err(unusable("it is encrypted"));
        }
        // It may hold a certificate as well.
        if let Some(pem) = pem_block(text, "EC PRIVATE KEY") {
            let body: String = pem.lines().filter(|line| !line.contains('-')).collect();
            let der = STANDARD.decode(body.replace(char::is_whitespace, ""));
            let der = Zeroizing::new(der.map_err(|_| unusable("it is not whole"))?);
            let key = Curve::within(&der).map(|curve| der::pkcs8(curve, &der));
            let key = key.ok_or_else(|| unusable(ELLIPTIC))?;
            return elliptic(EncodingKey::from_ec_der(&key), entered);
        }
        let mut labels = ["PRIVATE KEY", "RSA PRIVATE KEY"].into_iter();
        let pem = labels.find_map(|label| pem_block(text, label));
        let pem = pem.ok_or_else(|| unusable("there is no private key in it"))?;
        if let Ok(key) = EncodingKey::from_ec_pem(pem.as_bytes()) {
            return elliptic(key, entered);
        }
        let key = EncodingKey::from_rsa_pem(pem.as_bytes());
        let key = key.map_err(|_| unusable("it is neither an RSA key nor an EC key"))?;
        Ok(rsa(key, entered))
    }

    pub(super) fn sign(&self, claims: &impl Serialize) -> Result<Secret, AuthError> {
        let header = Header {
            kid: self.id.clone(),
            ..Header::new(self.algorithm)
        };
        let signed = jsonwebtoken::encode(&header, claims, &self.key);
        signed
            .map(Secret::new)
            .map_err(|_| unusable("nothing can be signed with it"))
    }
}

const ELLIPTIC: &str = "it is not an EC key of the curve P-256 or P-384";

fn of_json(text: &str, entered: Option<String>) -> Result<Key, AuthError> {
    let not_whole = |_| unusable("it is not a whole private key in the form of a JWK");
    let jwk: Jwk<'_> = serde_json::from_str(text).map_err(not_whole)?;
    let id = entered.or(jwk.kid);
    match jwk.kty {
        "RSA" => {
            let numbers: RsaNumbers<'_> = serde_json::from_str(text).map_err(not_whole)?;
            let der = der::pkcs1(&numbers).ok_or_else(|| unusable("it is not an RSA key"))?;
            Ok(rsa(EncodingKey::from_rsa_der(&der), id))
        }
        "EC" => {
            let Point { crv, x, y, d } = serde_json::from_str(text).map_err(not_whole)?;
            let key = Curve::named(crv).and_then(|curve| der::of_point(curve, x, y, d));
            let key = key.ok_or_else(|| unusable(ELLIPTIC))?;
            elliptic(EncodingKey::from_ec_der(&key), id)
        }
        _ => Err(unusable("it is neither an RSA key nor an EC key")),
    }
}

fn rsa(key: EncodingKey, id: Option<String>) -> Key {
    Key {
        key,
        algorithm: Algorithm::RS256,
        id,
    }
}

/// The curve decides the algorithm (RFC 7518, 3.4); a key can sign with the one of its own curve only.
fn elliptic(key: EncodingKey, id: Option<String>) -> Result<Key, AuthError> {
    let can_sign =
        |algorithm: &Algorithm| jsonwebtoken::encode(&Header::new(*algorithm), &(), &key).is_ok();
    let mut algorithms = [Algorithm::ES256, Algorithm::ES384].into_iter();
    let algorithm = algorithms
        .find(can_sign)
        .ok_or_else(|| unusable(ELLIPTIC))?;
    Ok(Key { key, algorithm, id })
}

fn unusable(what: &str) -> AuthError {
    let fix = "enter the private key of the service app, not encrypted, as a PEM text or as the JWK that Okta shows";
    refused(
        "credential",
        format!("the private key cannot be used: {what}"),
        fix,
    )
}
