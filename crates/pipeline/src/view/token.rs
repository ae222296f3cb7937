//! Where a listing goes on: the view it reads, and the row; or the root behind which it looks for the next.

use casbah_lake::view::IdKey;
use casbah_model::connection::Cause;
use casbah_model::message::ViewName;
use casbah_model::record::RecordId;
use serde::{Deserialize, Serialize};

use crate::error::StageError;
use crate::items::Scope;
use crate::view::name::VERSION;
use crate::view::question::Question;

/// A place in a listing; rows before it were answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Place {
    Row {
        view: ViewName,
        row: u64,
    },
    /// Of files: everything up to this root was answered.
    After {
        root: RecordId,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Token {
    /// What it was asked for: it is good for this question only.
    of: String,
    at: Place,
}

impl Place {
    pub(super) fn write(&self, scope: &Scope, question: &Question) -> String {
        let token = Token {
            of: digest(scope, question),
            at: self.clone(),
        };
        serde_json::to_string(&token).expect("a token is plain")
    }

    /// Reads the place of a question's token; `None` for the beginning.
    ///
    /// # Errors
    /// `Refused` with the code `token`.
    pub(super) fn read(scope: &Scope, question: &Question) -> Result<Option<Place>, StageError> {
        let Some(text) = &question.after else {
            return Ok(None);
        };
        let token: Token = serde_json::from_str(text).map_err(|_| bad_token())?;
        if token.of != digest(scope, question) {
            return Err(bad_token());
        }
        Ok(Some(token.at))
    }
}

pub(super) fn bad_token() -> StageError {
    let what = "the token to go on with is not one of this list, or its rows are gone";
    let fix = "ask again without it, from the beginning";
    StageError::Refused(Cause::new("token", what, fix))
}

fn digest(scope: &Scope, question: &Question) -> String {
    let filter = serde_json::to_string(&question.filter).expect("a filter is plain");
    let text = format!("{VERSION} {scope} {} {filter}", question.collection);
    let IdKey(first, _) = IdKey::of(&text);
    format!("{first:016x}")
}
