//! What an operation that nobody knows is likely to be, told by where it was recorded and by its words.

use casbah_model::event::{ApiVerb, Deed, FindingVerb, WebVerb};

/// What records of a type are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Api,
    Cmdlet,
    DataSecurity,
    Detection,
    Directory,
    File,
    Mail,
    SignIn,
    Web,
}

impl Family {
    /// Findings are findings whatever they are called; elsewhere the first or last word of the name may be a verb that
    /// says what was done, and if it is not, nobody knows.
    pub(super) fn deed(self, operation: &str) -> Deed {
        match self {
            Family::Detection => Deed::Detection(FindingVerb::Create),
            Family::DataSecurity => Deed::DataSecurity(FindingVerb::Create),
            Family::Web => match verb(operation) {
                Some(verb) => Deed::Web(verb),
                None => Deed::Api(ApiVerb::Other),
            },
            Family::Api
            | Family::Cmdlet
            | Family::Directory
            | Family::File
            | Family::Mail
            | Family::SignIn => Deed::Api(verb(operation).map_or(ApiVerb::Other, called)),
        }
    }
}

/// The same verb in administration, which searches, imports and shares nothing.
fn called(verb: WebVerb) -> ApiVerb {
    match verb {
        WebVerb::Create | WebVerb::Import => ApiVerb::Create,
        WebVerb::Read | WebVerb::Search | WebVerb::Export => ApiVerb::Read,
        WebVerb::Update | WebVerb::Share => ApiVerb::Update,
        WebVerb::Delete => ApiVerb::Delete,
    }
}

const VERBS: &[(&str, WebVerb)] = &[
    ("Access", WebVerb::Read),
    ("Accessed", WebVerb::Read),
    ("Add", WebVerb::Create),
    ("Added", WebVerb::Create),
    ("Change", WebVerb::Update),
    ("Changed", WebVerb::Update),
    ("Create", WebVerb::Create),
    ("Created", WebVerb::Create),
    ("Delete", WebVerb::Delete),
    ("Deleted", WebVerb::Delete),
    ("Download", WebVerb::Export),
    ("Downloaded", WebVerb::Export),
    ("Edit", WebVerb::Update),
    ("Edited", WebVerb::Update),
    ("Export", WebVerb::Export),
    ("Exported", WebVerb::Export),
    ("Get", WebVerb::Read),
    ("Import", WebVerb::Import),
    ("Imported", WebVerb::Import),
    ("List", WebVerb::Read),
    ("Listed", WebVerb::Read),
    ("Modified", WebVerb::Update),
    ("Modify", WebVerb::Update),
    ("New", WebVerb::Create),
    ("Publish", WebVerb::Update),
    ("Published", WebVerb::Update),
    ("Read", WebVerb::Read),
    ("Remove", WebVerb::Delete),
    ("Removed", WebVerb::Delete),
    ("Search", WebVerb::Search),
    ("Searched", WebVerb::Search),
    ("Set", WebVerb::Update),
    ("Share", WebVerb::Share),
    ("Shared", WebVerb::Share),
    ("Update", WebVerb::Update),
    ("Updated", WebVerb::Update),
    ("View", WebVerb::Read),
    ("Viewed", WebVerb::Read),
];

fn verb(operation: &str) -> Option<WebVerb> {
    let operation = operation.trim().trim_end_matches('.');
    let is_capital = |(_, letter): &(usize, char)| letter.is_ascii_uppercase();
    let second = operation.char_indices().skip(1).find(is_capital);
    let last = operation.char_indices().rfind(is_capital);
    let first = operation
        .split([' ', '-', '_'])
        .next()
        .map(|word| &word[..second.map_or(word.len(), |(at, _)| at.min(word.len()))]);
    let last = last.map(|(at, _)| &operation[at..]);
    [first, last].into_iter().flatten().find_map(|word| {
        let found = VERBS.binary_search_by_key(&word, |(name, _)| name).ok()?;
        Some(VERBS[found].1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_tell_what_was_done() {
        assert_eq!(Family::Web.deed("ViewDashboards"), Deed::Web(WebVerb::Read));
        assert_eq!(Family::Web.deed("PlanDeleted"), Deed::Web(WebVerb::Delete));
        assert_eq!(Family::Api.deed("Add magic."), Deed::Api(ApiVerb::Create));
        assert_eq!(Family::Web.deed("Ünbekannt Ä"), Deed::Api(ApiVerb::Other));
        assert_eq!(Family::File.deed(""), Deed::Api(ApiVerb::Other));
        assert!(VERBS.is_sorted_by_key(|(name, _)| name));
    }
}
