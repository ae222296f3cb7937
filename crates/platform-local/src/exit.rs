//! How a command ends: exit codes after the AWS CLI, and failures in words that a person can act on.

use std::fmt;

use casbah_model::connection::Cause;
use casbah_model::ports::StoreError;
use casbah_pipeline::StageError;
use casbah_platform_local::OpenError;

/// Exit codes (AWS CLI user guide, "Return codes"); 3 is ours and means that the command ran and found something.
/// What cannot be parsed as a command line at all ends with 2, which is clap's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Fine,
    /// The ledger does not close.
    LedgerOpen,
    /// Files hold something sensitive.
    Found,
    /// Ctrl-C, or a request to end.
    Interrupted,
    /// A parameter, or a line of the config file, is wrong.
    Parameter,
    /// The environment or a credential is wrong.
    Environment,
    /// The service refused.
    Refused,
    Other,
}

impl Exit {
    pub fn code(self) -> u8 {
        match self {
            Exit::Fine => 0,
            Exit::LedgerOpen | Exit::Found => 3,
            Exit::Interrupted => 130,
            Exit::Parameter => 252,
            Exit::Environment => 253,
            Exit::Refused => 254,
            Exit::Other => 255,
        }
    }

    /// The class of something that a vendor refused or that a setting caused.
    pub fn of(cause: &Cause) -> Exit {
        let begins = |starts: &[&str]| starts.iter().any(|start| cause.code.starts_with(start));
        if begins(&[
            "config",
            "settings",
            "nothing-held",
            "disconnected",
            "deleting",
        ]) {
            return Exit::Parameter;
        }
        if begins(&[
            "credential",
            "consent",
            "tenant",
            "wrong-",
            "misconfigured",
            "blocked",
        ]) {
            return Exit::Environment;
        }
        Exit::Refused
    }
}

/// Why a command did not do what it was asked to.
#[derive(Debug)]
pub struct Failure {
    pub exit: Exit,
    pub what: String,
    /// What to do now.
    pub fix: Option<String>,
}

impl Failure {
    pub fn new(exit: Exit, what: impl Into<String>) -> Failure {
        Failure {
            exit,
            what: what.into(),
            fix: None,
        }
    }

    pub fn with_fix(self, fix: impl Into<String>) -> Failure {
        Failure {
            fix: Some(fix.into()),
            ..self
        }
    }

    /// Says what the failure happened to.
    pub fn at(self, place: impl fmt::Display) -> Failure {
        Failure {
            what: format!("{place}: {}", self.what),
            ..self
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.what)?;
        match &self.fix {
            Some(fix) => write!(f, "\n  fix: {fix}"),
            None => Ok(()),
        }
    }
}

impl From<Cause> for Failure {
    fn from(cause: Cause) -> Failure {
        Failure::new(Exit::of(&cause), cause.what).with_fix(cause.fix)
    }
}

impl From<StageError> for Failure {
    fn from(error: StageError) -> Failure {
        match error {
            StageError::Refused(cause) => cause.into(),
            StageError::UnknownConnection { name } => unknown_connection(&name),
            StageError::Address(error) => Failure::new(Exit::Parameter, error.to_string()),
            // Somebody else moved what this command read a moment ago.
            StageError::Store(StoreError::Refused { .. } | StoreError::Busy) => {
                let what = "another process changed the same connection in this moment";
                Failure::new(Exit::Other, what).with_fix("run the command again")
            }
            error if error.is_lasting() => {
                Failure::new(Exit::Environment, chain(&error)).with_fix(
                    "make room or restore access, then run the same command again: it goes on from here",
                )
            }
            error => Failure::new(Exit::Other, chain(&error)),
        }
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Failure {
        let what = chain(&error);
        match error {
            OpenError::Empty { .. } => Failure::new(Exit::Parameter, what),
            OpenError::Folder { .. } => Failure::new(Exit::Environment, what)
                .with_fix("name a folder that you may write to with --out"),
            OpenError::Busy { .. } => Failure::new(Exit::Environment, what)
                .with_fix("wait until the other one ends, or name another folder with --out"),
            OpenError::Policy { .. }
            | OpenError::Store(_)
            | OpenError::Object(_)
            | OpenError::Secret(_) => Failure::new(Exit::Environment, what),
        }
    }
}

pub fn unknown_connection(name: &str) -> Failure {
    let what = format!("there is no connection named \"{name}\" in this folder");
    Failure::new(Exit::Parameter, what)
        .with_fix("run `casbah status` with the same --out to see the names")
}

/// An error with its causes, in one line; what a cause only repeats is left out.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let inner_text = inner.to_string();
        if inner_text.starts_with(&text) {
            text = inner_text;
        } else if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        source = inner.source();
    }
    text
}
