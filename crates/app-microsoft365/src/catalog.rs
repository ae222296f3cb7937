//! What the events of the audit trail mean, as data: operation and record type to one of our three kinds.
//!
//! Names move over time; unknown ones get a kind by their source and are counted, never dropped.

use std::collections::HashMap;
use std::sync::LazyLock;

use casbah_model::activity::ActivityKind;

mod names;

/// What the catalogue says about an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) kind: ActivityKind,
    /// Whether both operation and record type are in the catalogue.
    pub(crate) is_known: bool,
}

static OPERATIONS: LazyLock<HashMap<&'static str, ActivityKind>> = LazyLock::new(|| {
    let of = |kind, names: &'static [&'static str]| names.iter().map(move |name| (*name, kind));
    let user = [
        names::FILE_READ,
        names::FILE_CHANGED,
        names::SHARED,
        names::MAIL,
        names::COLLABORATION,
        names::ALERTS,
    ];
    user.into_iter()
        .flat_map(|names| of(ActivityKind::User, names))
        .chain(of(ActivityKind::Admin, names::DIRECTORY))
        .chain(of(ActivityKind::Admin, names::SERVICES))
        .chain(of(ActivityKind::SignIn, names::SIGN_IN))
        .collect()
});

/// Operations that name a file without changing it or who can see it.
static READS: LazyLock<std::collections::HashSet<&'static str>> =
    LazyLock::new(|| names::FILE_READ.iter().copied().collect());

/// Record types by their numbers (Management Activity API schema, "AuditLogRecordType").
const EXCHANGE_ADMIN: i64 = 1;
const FILE_OPERATION: i64 = 6;
const DIRECTORY: i64 = 8;
const ACCOUNT_LOGON: i64 = 9;
const SHARING_OPERATION: i64 = 14;
const STS_LOGON: i64 = 15;
const COMPLIANCE_CMDLET: i64 = 18;
const SKYPE_CMDLET: i64 = 23;
const TEAMS_ADMIN: i64 = 57;
const COMPLIANCE_USER_CHANGE: i64 = 106;
const OWA_LOGON: i64 = 275;

/// Reads operation and record type; operations are compared after trimming and exactly otherwise, because some are
/// written with a space at their end.
pub(crate) fn read(record_type: Option<i64>, operation: &str) -> Reading {
    let operation = operation.trim();
    let by_name = OPERATIONS.get(operation).copied();
    let is_cmdlet = matches!(
        record_type,
        Some(EXCHANGE_ADMIN | COMPLIANCE_CMDLET | SKYPE_CMDLET | TEAMS_ADMIN)
    ) && is_cmdlet(operation);
    let kind = match (by_name, record_type) {
        (Some(ActivityKind::SignIn), _) => ActivityKind::SignIn,
        (_, Some(STS_LOGON | ACCOUNT_LOGON | OWA_LOGON)) => ActivityKind::SignIn,
        (_, Some(kind)) if is_administration(kind) => ActivityKind::Admin,
        (Some(kind), _) => kind,
        (None, _) => ActivityKind::User,
    };
    let is_type_known =
        record_type.is_some_and(|number| names::RECORD_TYPES.binary_search(&number).is_ok());
    Reading {
        kind,
        is_known: is_type_known && (by_name.is_some() || is_cmdlet),
    }
}

/// Whether an event changed, shared or deleted the file it names, so that the file is worth a look.
///
/// Operations that nobody knows count as changes: a look too many costs one call.
pub(crate) fn touches_file(record_type: Option<i64>, operation: &str) -> bool {
    matches!(record_type, Some(FILE_OPERATION | SHARING_OPERATION))
        && !READS.contains(operation.trim())
}

/// Types that hold nothing but what administrators and the service itself did.
fn is_administration(record_type: i64) -> bool {
    matches!(
        record_type,
        EXCHANGE_ADMIN
            | DIRECTORY
            | COMPLIANCE_CMDLET
            | SKYPE_CMDLET
            | TEAMS_ADMIN
            | COMPLIANCE_USER_CHANGE
    )
}

/// Administration of Exchange and compliance is recorded as cmdlets, of which there are a thousand: `Verb-Noun`.
fn is_cmdlet(operation: &str) -> bool {
    operation.split_once('-').is_some_and(|(verb, noun)| {
        names::CMDLET_VERBS.contains(&verb) && noun.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

#[cfg(test)]
mod tests;
