//! How far an item is visible, as a pure function of what Box says of it.
//!
//! `open` links without a password are public; with one they are for whoever was told it, which is external. People of
//! other enterprises, invited ones included, and owners outside make it external; links for the company and people or
//! groups inside make it internal.

use std::collections::BTreeMap;

use casbah_model::file::Sharing;
use serde_json::value::RawValue;

use super::fields::Fields;
use crate::users::is_app_login;

/// What a listing says of an item: its shared link, and whether somebody outside owns it.
pub(super) fn of_item(item: &Fields<'_>, owner: Owner) -> Sharing {
    let link = item.object("shared_link");
    let link = link.map_or(Sharing::Private, |link| of_link(&link));
    match owner {
        Owner::Outside => link.max(Sharing::External),
        Owner::Walked | Owner::Inside => link,
    }
}

/// What of a record makes an item visible as [`of_item`] says, as it came.
pub(super) fn reasons(item: &Fields<'_>) -> serde_json::Result<Box<RawValue>> {
    let names = ["shared_link", "is_externally_owned", "owned_by"];
    let found = names
        .into_iter()
        .filter_map(|name| Some((name, item.raw(name)?)));
    let found: BTreeMap<&str, &RawValue> = found.collect();
    serde_json::value::to_raw_value(&found)
}

/// Who may use a shared link. `effective_access` is what the enterprise leaves of `access`.
fn of_link(link: &Fields<'_>) -> Sharing {
    let access = link
        .text("effective_access")
        .or_else(|| link.text("access"));
    match access.as_deref() {
        Some("open") if link.flag("is_password_enabled") == Some(true) => Sharing::External,
        Some("open") => Sharing::PublicByLink,
        Some("company") => Sharing::Internal,
        // For collaborators a link is no more than an address.
        _ => Sharing::Private,
    }
}

/// What one collaboration adds (OpenAPI, "Collaboration").
pub(super) fn of_collaboration(entry: &Fields<'_>, domains: &[String]) -> Sharing {
    if entry.text("status").as_deref() == Some("rejected") {
        return Sharing::Private;
    }
    let who = entry.object("accessible_by");
    let login = who.as_ref().and_then(|who| who.text("login"));
    // Of an invitation that is open only the address is known.
    let address = login.or_else(|| entry.text("invite_email"));
    let is_owner = entry.text("role").as_deref() == Some("owner");
    match address {
        Some(address) if is_outside(&address, domains) => Sharing::External,
        _ if is_owner => Sharing::Private,
        // A group, a colleague, or somebody of whom no more is told.
        _ => Sharing::Internal,
    }
}

/// Who owns an item, seen from the user whose tree is walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    Walked,
    /// Somebody else of the enterprise, whose own tree has it.
    Inside,
    Outside,
}

impl Owner {
    /// Reads the owner; who is not told is the one whose tree it is.
    pub(super) fn of(item: &Fields<'_>, walked: &str, domains: &[String]) -> Owner {
        let told = item.flag("is_externally_owned");
        if told == Some(true) {
            return Owner::Outside;
        }
        let Some(owner) = item.object("owned_by") else {
            return Owner::Walked;
        };
        match (owner.text("id"), owner.text("login")) {
            (None, _) => Owner::Walked,
            (Some(id), _) if id == walked => Owner::Walked,
            // Users of apps have logins at a domain of Box's.
            (_, Some(login)) if told.is_none() && is_outside(&login, domains) => Owner::Outside,
            _ => Owner::Inside,
        }
    }
}

/// Whether a login or address is one of somebody from outside; one without a domain tells nothing.
///
/// Users of apps sign in at a domain of Box's, whosever they are. They are taken for the enterprise's own: the service
/// account of an app is made in the enterprise that authorised the app (developer guides, "Service accounts").
pub(crate) fn is_outside(address: &str, domains: &[String]) -> bool {
    let domain = address.rsplit_once('@').map(|(_, domain)| domain.trim());
    domain.is_some_and(|domain| {
        let mut known = domains.iter();
        !known.any(|known| known.eq_ignore_ascii_case(domain)) && !is_app_login(address)
    })
}
