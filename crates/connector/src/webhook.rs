//! What a vendor calls us with, and what an app makes of it: never more than hints where to look.

use std::collections::{BTreeMap, BTreeSet};

use casbah_model::record::RecordId;
use sha2::{Digest, Sha256};

/// A call from outside. Nothing in it can be believed before the key has opened it.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// Without the question mark; empty when there is none.
    pub query: &'a str,
    /// Type and subtype in lower case, without parameters; empty when there is none.
    pub content_type: &'a str,
    /// Names in lower case.
    pub headers: &'a BTreeMap<String, String>,
    pub body: &'a [u8],
    /// What the customer entered, such as the tenant's id.
    pub settings: &'a BTreeMap<String, String>,
}

/// Tells whether a caller knows the secret of a connection's webhook, without knowing it.
pub struct HookKey([u8; 32]);

impl HookKey {
    /// The key for a secret whose SHA-256 this is.
    pub fn new(digest: [u8; 32]) -> HookKey {
        HookKey(digest)
    }

    pub fn digest(secret: &str) -> [u8; 32] {
        Sha256::digest(secret.as_bytes()).into()
    }

    /// Takes the same time for every text of one length, whatever it has in common with the secret.
    pub fn opens(&self, presented: &str) -> bool {
        let presented = HookKey::digest(presented);
        let differences = presented.iter().zip(&self.0);
        differences.fold(0, |sum, (one, other)| sum | (one ^ other)) == 0
    }
}

/// What a call says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// The vendor asks whether we are there; it is answered with this plain text.
    Challenge {
        body: String,
    },
    /// Something changed, or nothing that we read did; some of it may be of callers who do not know the secret.
    Hints {
        hinted: BTreeSet<Hinted>,
        strangers: usize,
    },
    Refused(HookRefusal),
}

/// Where to look.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hinted {
    /// A feed of the audit trail, by its name in streams.
    Feed(&'static str),
    /// A root of files, by its id.
    Root(RecordId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookRefusal {
    /// The caller does not know the secret.
    Stranger,
    /// It is not what the vendor documents.
    Malformed,
}

/// Reads the calls of a vendor; pure.
pub trait WebhookSource: Send + Sync {
    fn receive(&self, call: &Call<'_>, key: &HookKey) -> Received;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_secret_opens() {
        let key = HookKey::new(HookKey::digest("open sesame"));
        assert!(key.opens("open sesame"));
        for wrong in ["", "open", "open sesame ", "Open sesame"] {
            assert!(!key.opens(wrong), "{wrong}");
        }
    }
}
