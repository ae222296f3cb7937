//! Who has access to an item of their own: the item's collaborations, each known by who it is and not by its id, which is
//! another one when somebody is let in again.

use std::ops::ControlFlow;

use casbah_connector::{ConnectorError, Session};
use casbah_model::Timestamp;
use casbah_model::action::Image;
use casbah_model::transport::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::each;
use super::item::{Place, write};
use crate::files::exposure::is_outside;
use crate::files::item::Kind;
use crate::wire::{Content, is_id, moment};

/// The parameter that says who.
pub(super) const PERSON: &str = "person";

const PERSON_KEY: &str = "person:";
const GROUP_KEY: &str = "group:";
/// Somebody of whom only the address is known until the invitation is accepted.
const INVITED_KEY: &str = "invited:";
/// Somebody of whom Box tells nothing.
const UNKNOWN_KEY: &str = "unknown:";
/// In front of a key: when the access ends.
const UNTIL: &str = "until:";
const EDITOR: &str = "editor";
const ACCESS_ONLY: &str = "; access only";

#[derive(Deserialize)]
struct Entry {
    id: String,
    #[serde(default)]
    role: Option<String>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    accessible_by: Option<Party>,
    #[serde(default)]
    invite_email: Option<String>,
    #[serde(default)]
    expires_at: Option<String>,
    #[serde(default)]
    is_access_only: Option<bool>,
}

#[derive(Deserialize)]
struct Party {
    r#type: String,
    id: String,
    #[serde(default)]
    login: Option<String>,
}

/// Somebody who has access to an item, or is invited to it.
pub(super) struct Person {
    collaboration: String,
    /// The name in images.
    pub(super) key: String,
    pub(super) role: String,
    pub(super) until: Option<Timestamp>,
    pub(super) is_outside: bool,
    has_accepted: bool,
    login: Option<String>,
}

impl Person {
    fn of(entry: Entry, domains: &[String]) -> Option<Person> {
        let role = entry.role.unwrap_or_default();
        let status = entry.status.as_deref().unwrap_or("accepted");
        // Who declined has no access; what owners have is not taken away.
        if status == "rejected" || role == "owner" {
            return None;
        }
        let has_accepted = status == "accepted";
        let (key, login) = match (entry.accessible_by, entry.invite_email) {
            (Some(party), _) if party.r#type == "group" => {
                (format!("{GROUP_KEY}{}", party.id), None)
            }
            (Some(party), _) => (format!("{PERSON_KEY}{}", party.id), party.login),
            (None, Some(email)) => (format!("{INVITED_KEY}{email}"), Some(email)),
            (None, None) => (format!("{UNKNOWN_KEY}{}", entry.id), None),
        };
        let role = match entry.is_access_only {
            Some(true) => role + ACCESS_ONLY,
            _ => role,
        };
        Some(Person {
            collaboration: entry.id,
            key,
            role,
            until: entry.expires_at.as_deref().and_then(moment),
            is_outside: login
                .as_deref()
                .is_some_and(|login| is_outside(login, domains)),
            has_accepted,
            login,
        })
    }

    /// Whether it is who was named: by login or address, by id, by the name in images, or by the collaboration.
    pub(super) fn is_named(&self, wanted: &str) -> bool {
        let id = self.key.split_once(':').map(|(_, id)| id);
        let is_login = |login: &String| login.eq_ignore_ascii_case(wanted);
        id == Some(wanted)
            || self.key == wanted
            || self.collaboration == wanted
            || self.login.as_ref().is_some_and(is_login)
    }

    pub(super) fn until_key(&self) -> String {
        until_key(&self.key)
    }

    /// Why the access would not be as it was when it is given again.
    pub(super) fn obstacle(&self) -> Option<&'static str> {
        match self.key.split_once(':').map(|(kind, _)| kind) {
            Some("invited" | "group") => None,
            Some("person") if self.has_accepted && !self.is_outside => None,
            Some("person") if self.has_accepted => {
                Some("who is let in again from outside has to accept it first")
            }
            Some("person") => Some("an invitation to a colleague would be accepted at once"),
            _ => Some("Box does not tell who it is"),
        }
    }
}

pub(super) fn until_key(key: &str) -> String {
    format!("{UNTIL}{key}")
}

/// Everybody who has access to an item of their own; links to the web have none (OpenAPI, "Web links").
pub(super) async fn all(session: &Session, place: &Place) -> Result<Vec<Person>, ConnectorError> {
    let mut people = vec![];
    if place.name.kind == Kind::WebLink {
        return Ok(people);
    }
    let path = format!("{}/collaborations", place.path());
    each(session, &path, place.acting(), |entry: Entry| {
        people.extend(Person::of(entry, &session.tenant().domains));
        ControlFlow::Continue(())
    })
    .await?;
    Ok(people)
}

/// Takes somebody off; who is gone already is no failure.
pub(super) async fn remove(
    session: &Session,
    place: &Place,
    person: &Person,
) -> Result<(), ConnectorError> {
    let path = path(&person.collaboration)?;
    match write(
        session,
        place,
        Method::Delete,
        &path,
        Content::Nothing,
        None,
    )
    .await
    {
        Ok(_) | Err(ConnectorError::Gone { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Lets the owner of a place edit a folder of ours, and accepts it for them where the enterprise asks for that.
pub(super) async fn let_edit(
    session: &Session,
    folder: &Place,
    owner: &Place,
) -> Result<(), ConnectorError> {
    let key = format!("{PERSON_KEY}{}", owner.owner);
    let known = |people: &[Person]| people.iter().position(|person| person.key == key);
    let mut people = all(session, folder).await?;
    if known(&people).is_none() {
        let to = Image::default().with(key.as_str(), EDITOR);
        let_in(session, folder, &key, &to).await?;
        people = all(session, folder).await?;
    }
    let person = known(&people).map(|at| &people[at]);
    let Some(invitation) = person.filter(|person| !person.has_accepted) else {
        return Ok(());
    };
    let path = path(&invitation.collaboration)?;
    let body = Content::Json(json!({ "status": "accepted" }));
    write(session, owner, Method::Put, &path, body, None)
        .await
        .map(|_| ())
}

/// Lets somebody in as an image says it, without a mail about it.
pub(super) async fn let_in(
    session: &Session,
    place: &Place,
    key: &str,
    to: &Image,
) -> Result<(), ConnectorError> {
    let role = to.get(key).unwrap_or_default();
    let item = json!({ "type": place.name.kind.name(), "id": place.name.id.to_string() });
    let mut body = json!({ "item": item, "accessible_by": party(key)? });
    let plain = role.strip_suffix(ACCESS_ONLY);
    body["role"] = json!(plain.unwrap_or(role));
    if plain.is_some() {
        body["is_access_only"] = json!(true);
    }
    if let Some(until) = to.get(&until_key(key)) {
        body["expires_at"] = json!(until);
    }
    let path = "/collaborations?notify=false";
    let body = Content::Json(body);
    write(session, place, Method::Post, path, body, None)
        .await
        .map(|_| ())
}

/// Who a name in an image is, as Box takes it.
fn party(key: &str) -> Result<Value, ConnectorError> {
    if let Some(id) = key.strip_prefix(PERSON_KEY) {
        return Ok(json!({ "type": "user", "id": id }));
    }
    if let Some(id) = key.strip_prefix(GROUP_KEY) {
        return Ok(json!({ "type": "group", "id": id }));
    }
    match key.strip_prefix(INVITED_KEY) {
        Some(login) => Ok(json!({ "type": "user", "login": login })),
        None => Err(super::declined(
            "unknown-person",
            "Box does not tell who had access",
            "let them in again at Box",
        )),
    }
}

fn path(collaboration: &str) -> Result<String, ConnectorError> {
    match is_id(collaboration) {
        true => Ok(format!("/collaborations/{collaboration}")),
        false => Err(ConnectorError::BadLink {
            what: "the id of a collaboration is no number".into(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(entry: Value) -> Option<Person> {
        let entry = serde_json::from_value(entry).expect("an entry");
        Person::of(entry, &["acme.example".into()])
    }

    #[track_caller]
    fn check(entry: Value, key: &str, is_outside: bool, can_return: bool) {
        let found = person(entry).expect("somebody");
        assert_eq!((found.key.as_str(), found.is_outside), (key, is_outside));
        assert_eq!(found.obstacle().is_none(), can_return, "{key}");
    }

    fn user(status: &str, login: &str) -> Value {
        let by = json!({ "type": "user", "id": "7", "login": login });
        json!({ "id": "1", "role": "editor", "status": status, "accessible_by": by })
    }

    #[test]
    fn everybody_is_known_by_what_stays_when_they_are_let_in_again() {
        check(user("accepted", "a@acme.example"), "person:7", false, true);
        check(user("accepted", "a@x.example"), "person:7", true, false);
        check(user("pending", "a@acme.example"), "person:7", false, false);
        let group = json!({ "type": "group", "id": "8", "name": "All" });
        let group =
            json!({ "id": "2", "role": "viewer", "status": "accepted", "accessible_by": group });
        check(group, "group:8", false, true);
        let invited = json!({ "id": "3", "role": "viewer", "status": "pending",
            "accessible_by": null, "invite_email": "b@x.example" });
        check(invited, "invited:b@x.example", true, true);
        let nobody = json!({ "id": "4", "role": "viewer", "status": "pending" });
        check(nobody, "unknown:4", false, false);
        assert!(person(user("rejected", "a@x.example")).is_none());
    }

    #[test]
    fn somebody_is_named_by_what_an_operator_reads() {
        let person = person(user("accepted", "Ann@acme.example")).expect("somebody");
        for name in ["7", "ann@acme.example", "person:7", "1"] {
            assert!(person.is_named(name), "{name}");
        }
        assert!(!person.is_named("8"));
    }

    #[test]
    fn whoever_an_image_names_is_let_in_as_such() {
        let of = |key: &str| party(key).ok();
        assert_eq!(of("person:7"), Some(json!({ "type": "user", "id": "7" })));
        assert_eq!(of("group:8"), Some(json!({ "type": "group", "id": "8" })));
        let invited = json!({ "type": "user", "login": "b@x.example" });
        assert_eq!(of("invited:b@x.example"), Some(invited));
        assert_eq!(of("unknown:4"), None);
    }
}
