//! Rows: what a list shows of a record, in our words, and which rows a filter wants.

use std::collections::BTreeMap;

use casbah_connector::{EntityDetails, FileDetails, GroupKind, HolderKind};
use casbah_lake::read::Marks;
use casbah_lake::view::{IdKey, IdMap};
use casbah_model::Timestamp;
use casbah_model::file::Sharing;
use serde::{Deserialize, Serialize};

use crate::view::question::{Filter, Kind, Status};

/// One line of a view; each collection fills the fields it has, and what the vendor does not tell is absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<Kind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<Status>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_sign_in: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) holder: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) holder_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) holder_address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) role: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) role_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) privileged: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) application: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) application_name: Option<String>,
    /// The id under which the application signs in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) client: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) resource: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) resource_name: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) permissions: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) on_behalf_of: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) risk: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) root: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) parent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sharing: Option<Sharing>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) created: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) modified: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) modified_by: Option<String>,
    /// When the vendor told it.
    pub(super) collected_at: String,
}

/// Names of what rows refer to, by id.
pub(super) type Names = IdMap<Box<str>>;

/// The row of a record of the directory.
pub(super) fn entity(
    marks: Marks<'_>,
    details: EntityDetails,
    last_sign_in: Option<Timestamp>,
    names: &Names,
) -> Row {
    let named = |id: &Option<String>| id.as_deref().and_then(|id| name_of(names, id));
    let row = Row {
        id: marks.id.into_owned(),
        collected_at: marks.at.into_owned(),
        created: details.created,
        ..Row::default()
    };
    let of = marks
        .of
        .map(|of| of.into_owned())
        .filter(|of| !of.is_empty());
    match &*marks.kind {
        "group" => Row {
            name: details.name,
            address: details.address,
            kind: details.group.map(group_kind),
            ..row
        },
        kind @ ("role-held" | "role-held-privileged") => Row {
            holder: of,
            holder_name: details.name,
            holder_address: details.address,
            kind: Some(details.holder.map_or(Kind::Other, holder_kind)),
            role_name: named(&details.role),
            role: details.role,
            scope: details.scope,
            privileged: Some(kind.ends_with("-privileged")),
            ..row
        },
        kind if kind.starts_with("grant-") => Row {
            application_name: details.name.or_else(|| named(&of)),
            application: of,
            kind: Some(if kind.starts_with("grant-app-only") {
                Kind::AppOnly
            } else {
                Kind::Delegated
            }),
            resource_name: details.resource_name.or_else(|| named(&details.resource)),
            resource: details.resource,
            permissions: details
                .permissions
                .into_iter()
                .map(|id| name_of(names, &id).unwrap_or(id))
                .collect(),
            on_behalf_of: details.on_behalf_of,
            risk: Some(kind.ends_with("-risky")),
            ..row
        },
        kind => Row {
            name: details.name,
            address: details.address,
            kind: Some(if kind.starts_with("guest") {
                Kind::Guest
            } else {
                Kind::Member
            }),
            status: Some(if kind.ends_with("-disabled") {
                Status::Disabled
            } else {
                Status::Enabled
            }),
            last_sign_in,
            ..row
        },
    }
}

pub(super) fn name_of(names: &Names, id: &str) -> Option<String> {
    names.get(&IdKey::of(id)).map(|name| name.to_string())
}

fn group_kind(kind: GroupKind) -> Kind {
    match kind {
        GroupKind::Security => Kind::Security,
        GroupKind::Mail => Kind::Mail,
        GroupKind::Collaboration => Kind::Collaboration,
    }
}

fn holder_kind(kind: HolderKind) -> Kind {
    match kind {
        HolderKind::User => Kind::User,
        HolderKind::Group => Kind::Group,
        HolderKind::Application => Kind::Application,
    }
}

/// The row of a file or folder.
pub(super) fn file(marks: Marks<'_>, details: FileDetails, root: &str, sharing: Sharing) -> Row {
    Row {
        id: marks.id.into_owned(),
        name: details.name,
        address: details.address,
        kind: Some(if marks.kind.starts_with("folder") {
            Kind::Folder
        } else {
            Kind::File
        }),
        root: Some(root.into()),
        parent: marks.of.map(|of| of.into_owned()),
        sharing: Some(sharing),
        bytes: details.bytes,
        created: details.created,
        modified: details.modified,
        modified_by: details.modified_by,
        collected_at: marks.at.into_owned(),
        ..Row::default()
    }
}

/// How many rows there are of each class that filters ask for, such as `kind=guest`.
pub(super) type Classes = BTreeMap<String, u64>;

impl Row {
    /// What a table tells states apart by: what changes with use, and what the audit trail tells of files, makes no new one.
    pub(super) fn state(self) -> i64 {
        let state = Row {
            last_sign_in: None,
            bytes: None,
            modified: None,
            modified_by: None,
            collected_at: String::new(),
            ..self
        };
        let state = serde_json::to_string(&state).expect("a row is plain");
        IdKey::of(&state).0 as i64
    }

    pub(super) fn count(&self, classes: &mut Classes) {
        let mut count = |name: &str, value: Option<&str>| {
            if let Some(value) = value {
                *classes.entry(class(name, value)).or_default() += 1;
            }
        };
        count("kind", self.kind.map(Kind::name));
        count("status", self.status.map(Status::name));
        count("privileged", self.privileged.map(yes_no));
        count("risk", self.risk.map(yes_no));
        count("sharing", self.sharing.map(Sharing::name));
    }
}

fn class(name: &str, value: &str) -> String {
    format!("{name}={value}")
}

fn yes_no(value: bool) -> &'static str {
    if value { "yes" } else { "no" }
}

/// A filter, made ready for many rows.
pub(super) struct Wanted<'a> {
    filter: &'a Filter,
    classes: Vec<String>,
    /// In lower case.
    beginning: Option<String>,
}

impl<'a> Wanted<'a> {
    pub(super) fn new(filter: &'a Filter) -> Wanted<'a> {
        let classes = [
            ("kind", filter.kind.map(Kind::name)),
            ("status", filter.status.map(Status::name)),
            ("privileged", filter.privileged.map(yes_no)),
            ("risk", filter.risk.map(yes_no)),
            ("sharing", filter.sharing.map(Sharing::name)),
        ];
        let classes = classes.into_iter();
        Wanted {
            classes: classes
                .filter_map(|(name, value)| Some(class(name, value?)))
                .collect(),
            beginning: filter.query.as_ref().map(|text| text.to_lowercase()),
            filter,
        }
    }

    /// Whether rows of these classes can be among them.
    pub(super) fn may_be_in(&self, classes: &Classes) -> bool {
        self.classes.iter().all(|class| classes.contains_key(class))
    }

    pub(super) fn has(&self, row: &Row) -> bool {
        let Filter {
            status,
            kind,
            query: _,
            id,
            privileged,
            holder,
            risk,
            sharing,
            root,
        } = self.filter;
        let holds = |who: &String| {
            row.holder.as_ref() == Some(who) || row.application.as_ref() == Some(who)
        };
        id.as_ref().is_none_or(|id| row.id == *id)
            && (status.is_none() || row.status == *status)
            && (kind.is_none() || row.kind == *kind)
            && (privileged.is_none() || row.privileged == *privileged)
            && (risk.is_none() || row.risk == *risk)
            && (sharing.is_none() || row.sharing == *sharing)
            && (root.is_none() || row.root == *root)
            && holder.as_ref().is_none_or(holds)
            && self.begins(row)
    }

    fn begins(&self, row: &Row) -> bool {
        let Some(beginning) = &self.beginning else {
            return true;
        };
        let words = [
            &row.name,
            &row.address,
            &row.holder_name,
            &row.holder_address,
            &row.role_name,
            &row.application_name,
        ];
        let mut words = words.into_iter().flatten();
        words.any(|word| begins_with(word, beginning))
    }
}

fn begins_with(word: &str, beginning: &str) -> bool {
    let mut letters = word.chars().flat_map(char::to_lowercase);
    beginning
        .chars()
        .all(|letter| letters.next() == Some(letter))
}
