//! A shared link, as Box tells it, as an image holds it, and as a change asks for it.
//!
//! A link keeps its address however its access and end change, and loses it when it is removed. Its password is never
//! told, and only open links have one (OpenAPI, "shared_link").

use std::fmt;

use casbah_model::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::files::item::Kind;
use crate::wire::moment;

pub(super) const NO_WAY_BACK: &str = "a link that is made again has another address";
pub(super) const NO_PASSWORD: &str =
    "the link loses its password, which Box does not tell and nobody can put back";

/// Who may open a link; the fewest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Access {
    Collaborators,
    Company,
    Open,
}

impl Access {
    const ALL: [Access; 3] = [Access::Collaborators, Access::Company, Access::Open];

    pub(super) fn name(self) -> &'static str {
        match self {
            Access::Collaborators => "collaborators",
            Access::Company => "company",
            Access::Open => "open",
        }
    }

    pub(super) fn of(name: &str) -> Option<Access> {
        Access::ALL.into_iter().find(|known| known.name() == name)
    }
}

#[derive(Deserialize)]
pub(super) struct SharedLink {
    access: Access,
    #[serde(default)]
    unshared_at: Option<String>,
    #[serde(default)]
    is_password_enabled: Option<bool>,
    #[serde(default)]
    permissions: Option<Permissions>,
}

#[derive(Deserialize)]
struct Permissions {
    #[serde(default)]
    can_download: Option<bool>,
    #[serde(default)]
    can_edit: Option<bool>,
}

/// A link, as far as it can be put back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) access: Access,
    pub(super) has_password: bool,
    /// Of links for collaborators it says nothing: they may do what their roles allow.
    is_view_only: bool,
    can_edit: bool,
    pub(super) until: Option<Timestamp>,
}

const VIEW_ONLY: &str = "view only";
const CAN_EDIT: &str = "can edit";
const PASSWORD: &str = "password";
const UNTIL: &str = "until ";

impl Link {
    pub(super) fn told(link: &SharedLink) -> Link {
        let permissions = link.permissions.as_ref();
        let is = |may: Option<bool>, wanted: bool| may == Some(wanted);
        Link {
            access: link.access,
            has_password: link.is_password_enabled == Some(true),
            is_view_only: permissions.is_some_and(|may| is(may.can_download, false)),
            can_edit: permissions.is_some_and(|may| is(may.can_edit, true)),
            until: link.unshared_at.as_deref().and_then(moment),
        }
        .plain()
    }

    pub(super) fn with_access(self, access: Access) -> Link {
        Link { access, ..self }.plain()
    }

    pub(super) fn with_end(self, at: Timestamp) -> Link {
        let until = Some(at);
        Link { until, ..self }
    }

    /// Without what a link of this access does not have.
    fn plain(self) -> Link {
        let has_permissions = self.access != Access::Collaborators;
        Link {
            has_password: self.has_password && self.access == Access::Open,
            is_view_only: self.is_view_only && has_permissions,
            can_edit: self.can_edit && has_permissions,
            ..self
        }
    }

    /// Reads what was written into an image.
    pub(super) fn of(text: &str) -> Option<Link> {
        let mut words = text.split(", ");
        let mut link = Link {
            access: Access::of(words.next()?)?,
            has_password: false,
            is_view_only: false,
            can_edit: false,
            until: None,
        };
        for word in words {
            match word {
                VIEW_ONLY => link.is_view_only = true,
                CAN_EDIT => link.can_edit = true,
                PASSWORD => link.has_password = true,
                other => link.until = Some(moment(other.strip_prefix(UNTIL)?)?),
            }
        }
        Some(link)
    }

    /// What asks for this link where there is another. The access is told always, because without it Box takes the
    /// enterprise's default; editing is for files only.
    pub(super) fn body(&self, now: Option<&Link>, kind: Kind) -> Value {
        let mut body = json!({ "access": self.access.name() });
        let can_download = !self.is_view_only;
        match kind {
            _ if self.access == Access::Collaborators => {}
            Kind::File => {
                let can_edit = self.can_edit;
                body["permissions"] = json!({ "can_download": can_download, "can_edit": can_edit });
            }
            Kind::Folder => body["permissions"] = json!({ "can_download": can_download }),
            Kind::WebLink => {}
        }
        if self.until.is_some() || now.is_some_and(|now| now.until.is_some()) {
            body["unshared_at"] = json!(self.until.map(|until| until.to_string()));
        }
        body
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.access.name())?;
        for (is_so, word) in [
            (self.is_view_only, VIEW_ONLY),
            (self.can_edit, CAN_EDIT),
            (self.has_password, PASSWORD),
        ] {
            if is_so {
                write!(f, ", {word}")?;
            }
        }
        match self.until {
            Some(until) => write!(f, ", {UNTIL}{until}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_read_back_from_its_image() {
        for text in [
            "open",
            "open, view only, password",
            "company, can edit, until 2026-07-01T00:00:00Z",
            "collaborators, until 2026-07-01T00:00:00Z",
        ] {
            let link = Link::of(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(link.to_string(), text);
        }
        for wrong in ["", "everybody", "open, until tomorrow", "open, loud"] {
            assert_eq!(Link::of(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_a_narrower_link_cannot_have_is_left_out() {
        let open = Link::of("open, can edit, password").expect("a link");
        let company = open.clone().with_access(Access::Company);
        assert_eq!(company.to_string(), "company, can edit");
        let closed = open.with_access(Access::Collaborators);
        assert_eq!(closed.to_string(), "collaborators");
        let asked = closed.body(None, Kind::File);
        assert_eq!(asked, json!({ "access": "collaborators" }));
    }

    #[test]
    fn an_end_is_asked_for_where_there_is_or_was_one() {
        let plain = Link::of("company").expect("a link");
        let ending = Link::of("company, until 2026-07-01T00:00:00Z").expect("a link");
        let body = plain.body(Some(&ending), Kind::WebLink);
        assert_eq!(body, json!({ "access": "company", "unshared_at": null }));
        let body = ending.body(None, Kind::Folder);
        assert_eq!(body["unshared_at"], "2026-07-01T00:00:00Z");
        assert_eq!(body["permissions"], json!({ "can_download": true }));
        assert!(plain.body(None, Kind::File).get("unshared_at").is_none());
    }
}
