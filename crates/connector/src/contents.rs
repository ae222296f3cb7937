//! What a file holds, for those who look inside it.

use async_trait::async_trait;
use casbah_http::Session;
use casbah_model::file::Root;
use serde::{Deserialize, Serialize};

use crate::ConnectorError;

/// A file that has bytes, as its listing tells of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holding {
    /// The vendor's id of it, within its root.
    pub item: String,
    pub name: String,
    pub size: u64,
    /// The vendor's hash of its bytes with the name of the algorithm, such as `sha1:da39…`; copies have the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// What changes when its bytes do, where there is no digest.
    pub version: String,
    /// Why it need not be asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_back: Option<Withheld>,
}

/// What came of fetching a file.
#[derive(Debug, PartialEq, Eq)]
pub enum Download {
    Bytes(Vec<u8>),
    /// It cannot be had, or is not what its listing told of.
    Withheld(Withheld),
}

/// Why a file's bytes are not to be had, for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withheld {
    /// `too-large`, `changed`, `gone`, `malware`, or the vendor's own word.
    pub code: String,
    /// What can be done about it, where something can.
    pub fix: Option<String>,
}

impl Withheld {
    pub fn new(code: &str, fix: Option<&str>) -> Withheld {
        Withheld {
            code: code.into(),
            fix: fix.map(Into::into),
        }
    }
}

/// Where the bytes of files come from.
#[async_trait]
pub trait ContentSource: Send + Sync {
    /// What a record of the listing tells of a file's bytes; `None` of what has none.
    fn holding(&self, record: &[u8]) -> Result<Option<Holding>, &'static str>;
    /// Fetches the bytes of a file, as many as `bytes_max`, and makes sure that they are those that its listing told of.
    async fn download(
        &self,
        session: &Session,
        root: &Root,
        holding: &Holding,
        bytes_max: u64,
    ) -> Result<Download, ConnectorError>;
}
