//! The private key of an app: a PEM text, encrypted with a passphrase as the Developer Console makes it, or plain.

use casbah_connector::pem_block;
use casbah_http::AuthError;
use casbah_model::secret::Secret;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use pkcs8::pkcs5::EncryptionScheme;
use pkcs8::pkcs5::pbes2::Kdf;
use pkcs8::{EncryptedPrivateKeyInfoRef, LineEnding, SecretDocument};
use serde::Serialize;

use super::refusals::refused;

/// Signs assertions.
pub(super) struct Key {
    key: EncodingKey,
    id: String,
    algorithm: Algorithm,
}

/// What an assertion may be signed with (developer guides, "JWT without SDKs", "alg"); the first is that of the samples.
const ALGORITHMS: [(&str, Algorithm); 3] = [
    ("RS512", Algorithm::RS512),
    ("RS384", Algorithm::RS384),
    ("RS256", Algorithm::RS256),
];

const ENCRYPTED: &str = "ENCRYPTED PRIVATE KEY";
/// Keys of the console have 2,048 rounds; with many more a token would take minutes.
const ROUNDS_MAX: u32 = 2_000_000;

pub(crate) fn is_algorithm(name: &str) -> bool {
    ALGORITHMS.iter().any(|(known, _)| *known == name)
}

impl Key {
    /// Reads a key; `id` names the public one at Box, an empty `algorithm` is that of the samples.
    pub(super) fn read(
        pem: &Secret,
        passphrase: &Secret,
        id: &str,
        algorithm: &str,
    ) -> Result<Key, AuthError> {
        if id.is_empty() {
            return Err(unusable("the id of its public key is missing"));
        }
        let algorithm = ALGORITHMS.iter().find(|(known, _)| *known == algorithm);
        let algorithm = algorithm.map_or(ALGORITHMS[0].1, |(_, algorithm)| *algorithm);
        let text = pem.reveal();
        let key = match pem_block(text, ENCRYPTED) {
            Some(block) => decrypted(block, passphrase)?,
            None => {
                let mut labels = ["PRIVATE KEY", "RSA PRIVATE KEY"].into_iter();
                let block = labels.find_map(|label| pem_block(text, label));
                let block = block.ok_or_else(|| unusable("there is no private key in it"))?;
                encoding_key(block)?
            }
        };
        Ok(Key {
            key,
            id: id.into(),
            algorithm,
        })
    }

    pub(super) fn sign(&self, claims: &impl Serialize) -> Result<Secret, AuthError> {
        let header = Header {
            kid: Some(self.id.clone()),
            ..Header::new(self.algorithm)
        };
        let signed = jsonwebtoken::encode(&header, claims, &self.key);
        signed
            .map(Secret::new)
            .map_err(|_| unusable("nothing can be signed with it"))
    }
}

/// Decrypts a key (RFC 5958, 3; RFC 8018, 6.2).
fn decrypted(pem: &str, passphrase: &Secret) -> Result<EncodingKey, AuthError> {
    if passphrase.reveal().is_empty() {
        return Err(unusable("it is encrypted, and the passphrase is missing"));
    }
    let unreadable = || unusable("it is damaged, or encrypted in a way that is not supported");
    let (_, document) = SecretDocument::from_pem(pem).map_err(|_| unreadable())?;
    let encrypted =
        EncryptedPrivateKeyInfoRef::try_from(document.as_bytes()).map_err(|_| unreadable())?;
    let EncryptionScheme::Pbes2(scheme) = &encrypted.encryption_algorithm else {
        return Err(unreadable());
    };
    let is_bounded = match &scheme.kdf {
        Kdf::Pbkdf2(kdf) => kdf.iteration_count <= ROUNDS_MAX,
        _ => false,
    };
    if !is_bounded {
        return Err(unreadable());
    }
    let plain = encrypted
        .decrypt(passphrase.reveal())
        .map_err(|_| unusable("the passphrase does not open it"))?;
    let pem = plain
        .to_pem("PRIVATE KEY", LineEnding::LF)
        .map_err(|_| unreadable())?;
    encoding_key(&pem)
}

fn encoding_key(pem: &str) -> Result<EncodingKey, AuthError> {
    EncodingKey::from_rsa_pem(pem.as_bytes()).map_err(|_| unusable("it is not an RSA key"))
}

fn unusable(what: &str) -> AuthError {
    refused(
        "credential",
        format!("the private key cannot be used: {what}"),
        "enter the JSON file that the app's Configuration page makes with \"Generate a Public/Private Keypair\", as it \
         was downloaded",
    )
}
