//! What the events of the audit trail mean, as data: operation and record type to a deed and to one of our three kinds.
//!
//! Names move over time; unknown ones get a kind by their source and are counted, never dropped. From the Management
//! Activity API schema; "Search the audit log in the compliance center", "Audited activities"; and what records of real
//! tenants show.

use std::collections::HashMap;
use std::sync::LazyLock;

use casbah_model::activity::ActivityKind;
use casbah_model::event::Deed;

mod cmdlets;
mod collaboration;
mod directory;
mod families;
mod record_types;
mod sharepoint;

pub(crate) use families::Family;

/// An operation and what it does.
type Row = (&'static str, Deed);

/// What the catalogue says about an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) kind: ActivityKind,
    /// Whether both operation and record type are in the catalogue.
    pub(crate) is_known: bool,
}

/// A list of operations.
struct List {
    kind: ActivityKind,
    rows: &'static [Row],
    /// They name a file without changing it or who can see it.
    is_read: bool,
    /// Their names are so common that they mean this only in records of mailboxes.
    is_of_mailboxes: bool,
}

const fn list(kind: ActivityKind, rows: &'static [Row]) -> List {
    List {
        kind,
        rows,
        is_read: false,
        is_of_mailboxes: false,
    }
}

const LISTS: &[List] = &[
    list(ActivityKind::SignIn, directory::SIGN_IN),
    list(ActivityKind::Admin, directory::DIRECTORY),
    list(ActivityKind::Admin, sharepoint::SERVICES),
    List {
        is_read: true,
        ..list(ActivityKind::User, sharepoint::FILE_READ)
    },
    list(ActivityKind::User, sharepoint::FILE_CHANGED),
    list(ActivityKind::User, sharepoint::SHARED),
    List {
        is_of_mailboxes: true,
        ..list(ActivityKind::User, collaboration::MAIL)
    },
    list(ActivityKind::User, collaboration::COLLABORATION),
    list(ActivityKind::User, collaboration::ALERTS),
];

static OPERATIONS: LazyLock<HashMap<&'static str, (&'static List, Deed)>> = LazyLock::new(|| {
    let of = |list: &'static List| {
        list.rows
            .iter()
            .map(move |(name, deed)| (*name, (list, *deed)))
    };
    LISTS.iter().flat_map(of).collect()
});

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
    let by_name = OPERATIONS.get(operation).map(|(list, _)| list.kind);
    let is_cmdlet = has_cmdlets(record_type) && cmdlet(operation).is_some();
    let kind = match (by_name, record_type) {
        (Some(ActivityKind::SignIn), _) => ActivityKind::SignIn,
        (_, Some(STS_LOGON | ACCOUNT_LOGON | OWA_LOGON)) => ActivityKind::SignIn,
        (_, Some(kind)) if is_administration(kind) => ActivityKind::Admin,
        (Some(kind), _) => kind,
        (None, _) => ActivityKind::User,
    };
    Reading {
        kind,
        is_known: type_row(record_type).is_some() && (by_name.is_some() || is_cmdlet),
    }
}

/// What was done; unknown operations are told by their words, and if these say nothing they are `Deed::Api`, `Other`.
pub(crate) fn deed(record_type: Option<i64>, operation: &str) -> Deed {
    let operation = operation.trim();
    let family = family(record_type);
    if let Some((list, deed)) = OPERATIONS.get(operation)
        && (!list.is_of_mailboxes || matches!(family, None | Some(Family::Mail)))
    {
        return *deed;
    }
    if has_cmdlets(record_type)
        && let Some(deed) = cmdlet(operation)
    {
        return deed;
    }
    family.map_or(Deed::default(), |family| family.deed(operation))
}

/// Every record type of the catalogue, by number and name.
pub fn record_types() -> impl Iterator<Item = (i64, &'static str)> {
    let rows = record_types::RECORD_TYPES.iter();
    rows.map(|(number, name, _)| (*number, *name))
}

/// Every operation of the catalogue, and what it does.
pub fn operations() -> impl Iterator<Item = (&'static str, Deed)> {
    LISTS.iter().flat_map(|list| list.rows).copied()
}

/// Every beginning of a cmdlet's name, and every cmdlet that is known by its whole name.
pub fn cmdlets() -> impl Iterator<Item = &'static str> {
    let verbs = cmdlets::VERBS.iter().map(|(verb, _)| *verb);
    verbs.chain(cmdlets::RIGHTS.iter().map(|(name, _)| *name))
}

/// What records of a type are about.
pub(crate) fn family(record_type: Option<i64>) -> Option<Family> {
    type_row(record_type).map(|(_, _, family)| *family)
}

/// The name of a record type.
pub(crate) fn type_name(record_type: i64) -> Option<&'static str> {
    type_row(Some(record_type)).map(|(_, name, _)| *name)
}

fn type_row(record_type: Option<i64>) -> Option<&'static (i64, &'static str, Family)> {
    let rows = record_types::RECORD_TYPES;
    let found = rows.binary_search_by_key(&record_type?, |(number, _, _)| *number);
    found.ok().map(|at| &rows[at])
}

/// Whether an event changed, shared or deleted the file it names, so that the file is worth a look.
///
/// Operations that nobody knows count as changes: a look too many costs one call.
pub(crate) fn touches_file(record_type: Option<i64>, operation: &str) -> bool {
    matches!(record_type, Some(FILE_OPERATION | SHARING_OPERATION))
        && !OPERATIONS
            .get(operation.trim())
            .is_some_and(|(list, _)| list.is_read)
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

/// Types whose operations are cmdlets.
fn has_cmdlets(record_type: Option<i64>) -> bool {
    matches!(
        record_type,
        Some(EXCHANGE_ADMIN | COMPLIANCE_CMDLET | SKYPE_CMDLET | TEAMS_ADMIN)
    )
}

/// Administration of Exchange and compliance is recorded as cmdlets, of which there are a thousand: `Verb-Noun`.
fn cmdlet(operation: &str) -> Option<Deed> {
    let (verb, noun) = operation.split_once('-')?;
    let (_, verb) = cmdlets::VERBS.iter().find(|(name, _)| *name == verb)?;
    if !noun.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let rights = cmdlets::RIGHTS.iter().find(|(name, _)| *name == operation);
    Some(rights.map_or(Deed::Api(*verb), |(_, deed)| *deed))
}

#[cfg(test)]
mod tests;
