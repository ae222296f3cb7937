//! What travels between `casbah` and this command, and how trouble is told.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// A request of the API.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    pub method: String,
    /// Path and query, beginning with `/v1/`.
    pub path: String,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    #[serde(default)]
    pub body: Option<String>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Answer {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

/// Why there is no answer. Exit codes are those of `casbah`, after the AWS CLI.
#[derive(Debug)]
pub struct Trouble {
    exit: u8,
    what: String,
    fix: String,
}

impl Trouble {
    pub fn parameter(what: impl Into<String>, fix: impl Into<String>) -> Trouble {
        Trouble::new(252, what, fix)
    }

    pub fn environment(what: impl Into<String>, fix: impl Into<String>) -> Trouble {
        Trouble::new(253, what, fix)
    }

    pub fn refused(what: impl Into<String>, fix: impl Into<String>) -> Trouble {
        Trouble::new(254, what, fix)
    }

    pub fn other(what: impl Into<String>) -> Trouble {
        Trouble::new(255, what, "")
    }

    fn new(exit: u8, what: impl Into<String>, fix: impl Into<String>) -> Trouble {
        Trouble {
            exit,
            what: what.into(),
            fix: fix.into(),
        }
    }

    pub fn exit(&self) -> u8 {
        self.exit
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.what)?;
        match self.fix.as_str() {
            "" => Ok(()),
            fix => write!(f, "\n  fix: {fix}"),
        }
    }
}
