//! Who has access to an item, entry by entry: what each is called in images, whom it lets in, and whether it could be
//! given again ("permission resource type").

use std::collections::BTreeSet;

use casbah_model::Timestamp;
use casbah_model::action::Image;
use casbah_model::file::Sharing;
use serde_json::{Value, json};

use crate::files::exposure;
use crate::wire::moment_of;

pub(super) const NO_WAY_BACK: &str = "a link that is made again has another address";

const LINK_KEY: &str = "link:";
/// By the id in the directory; by the address where there is none.
const PERSON_KEY: &str = "person:";
const GROUP_KEY: &str = "group:";
/// Somebody of whom only the address is known until the invitation is accepted.
const INVITED_KEY: &str = "invited:";
/// A group that only its site knows, and whoever else is named by a claim alone.
const CLAIM_KEY: &str = "claim:";
/// In front of a key: when the access ends.
const UNTIL: &str = "until:";
/// Roles that an invitation can give ("driveItem: invite").
const ROLES: [&str; 2] = ["read", "write"];
/// People of a link whom an image names; of the others it has the number.
const NAMED_MAX: usize = 20;

/// Who may open a link ("sharingLink resource type").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    Anonymous,
    Organization,
    /// Those whom it names.
    Users,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Link(Scope),
    Person,
    Group,
    Invitation,
    Claim,
}

/// One way in, other than the owner's own.
#[derive(Debug)]
pub(super) struct Grant {
    /// For calls.
    pub(super) id: String,
    pub(super) kind: Kind,
    /// The name in images.
    pub(super) key: String,
    /// What it lets whom do.
    pub(super) what: String,
    pub(super) until: Option<Timestamp>,
    pub(super) sharing: Sharing,
    /// It comes from a folder above, and is taken there.
    pub(super) is_inherited: bool,
    /// Ids and addresses of those whom it lets in.
    names: BTreeSet<String>,
    /// How many those are.
    people: usize,
}

impl Grant {
    /// Reads an entry; `None` for what the owner has, and for what lets nobody in.
    pub(super) fn of(entry: &Value, domains: &[String]) -> Option<Grant> {
        let sharing = exposure::entry(entry, domains)?;
        let id = entry["id"].as_str().filter(|id| !id.is_empty())?;
        let roles = roles(entry);
        let people = people(entry);
        let (kind, key, what) = match scope(entry) {
            Some(scope) => {
                let key = format!("{LINK_KEY}{id}");
                (Kind::Link(scope), key, described(entry, scope, &people))
            }
            None => {
                let (kind, key) = party(entry, &people)?;
                (kind, key, roles)
            }
        };
        let names = people.iter().flat_map(|person| person.names());
        Some(Grant {
            id: id.into(),
            kind,
            key,
            what,
            until: until(entry),
            sharing,
            is_inherited: entry["inheritedFrom"].is_object(),
            names: names.collect(),
            people: people.len(),
        })
    }

    pub(super) fn is_link(&self) -> bool {
        matches!(self.kind, Kind::Link(_))
    }

    /// Whether it is who was named, by id, address or the name in images, and lets nobody else in.
    pub(super) fn is_of(&self, wanted: &str) -> bool {
        self.people <= 1 && self.lets_in(wanted)
    }

    pub(super) fn lets_in(&self, wanted: &str) -> bool {
        self.key == wanted || self.names.contains(&wanted.to_lowercase())
    }

    pub(super) fn until_key(&self) -> String {
        until_key(&self.key)
    }

    /// Why the access would not be as it was when it is given again.
    pub(super) fn obstacle(&self) -> Option<&'static str> {
        match self.kind {
            Kind::Link(_) => Some(NO_WAY_BACK),
            Kind::Claim => Some("Microsoft 365 gives a group of a site nothing from outside"),
            _ if !ROLES.contains(&self.what.as_str()) => {
                Some("an invitation gives nothing but reading and writing")
            }
            _ => None,
        }
    }

    pub(super) fn add_to(&self, image: Image) -> Image {
        let image = image.with(self.key.as_str(), self.what.as_str());
        match self.until {
            Some(until) => image.with(self.until_key(), until.to_string()),
            None => image,
        }
    }

    pub(super) fn take_from(&self, image: Image) -> Image {
        image.without(&self.key).without(&self.until_key())
    }
}

pub(super) fn until_key(key: &str) -> String {
    format!("{UNTIL}{key}")
}

/// Who a name in an image is, as an invitation takes it ("driveRecipient resource type").
pub(super) fn recipient(key: &str) -> Option<Value> {
    if let Some(address) = key.strip_prefix(INVITED_KEY) {
        return Some(json!({ "email": address }));
    }
    let id = key
        .strip_prefix(PERSON_KEY)
        .or_else(|| key.strip_prefix(GROUP_KEY))?;
    Some(match id.contains('@') {
        true => json!({ "email": id }),
        false => json!({ "objectId": id }),
    })
}

/// The scope of a link that gives something: one for people with existing access gives nothing.
fn scope(entry: &Value) -> Option<Scope> {
    let scope = entry.pointer("/link/scope").and_then(Value::as_str)?;
    let is = |name: &str| scope.eq_ignore_ascii_case(name);
    Some(match scope {
        _ if is("anonymous") => Scope::Anonymous,
        _ if is("organization") => Scope::Organization,
        _ => Scope::Users,
    })
}

fn roles(entry: &Value) -> String {
    let roles = entry["roles"].as_array().into_iter().flatten();
    let mut roles: Vec<String> = roles
        .filter_map(Value::as_str)
        .map(str::to_lowercase)
        .collect();
    roles.sort();
    roles.join(", ")
}

/// The time of an end; the year 1 is none.
fn until(entry: &Value) -> Option<Timestamp> {
    let until = entry["expirationDateTime"].as_str().and_then(moment_of)?;
    (until > Timestamp::UNIX_EPOCH).then_some(until)
}

/// What a link is, in words that tell when it is another one.
fn described(entry: &Value, scope: Scope, people: &[Party<'_>]) -> String {
    let kind = entry.pointer("/link/type").and_then(Value::as_str);
    let kind = kind.unwrap_or("view");
    let mut text = match scope {
        Scope::Anonymous => format!("{kind}, by anyone"),
        Scope::Organization => format!("{kind}, by everybody inside"),
        Scope::Users => {
            let mut names: Vec<_> = people.iter().map(Party::name).collect();
            names.sort_unstable();
            let more = names.len().saturating_sub(NAMED_MAX);
            names.truncate(NAMED_MAX);
            let names = names.join(", ");
            match more {
                0 => format!("{kind}, by {names}"),
                more => format!("{kind}, by {names} and {more} more"),
            }
        }
    };
    if entry["hasPassword"] == true {
        text += "; password";
    }
    if entry.pointer("/link/preventsDownload") == Some(&Value::Bool(true)) {
        text += "; no download";
    }
    text
}

/// What a direct grant is called, by what stays the same when it is given again.
fn party(entry: &Value, people: &[Party<'_>]) -> Option<(Kind, String)> {
    let Some(party) = people.first() else {
        let address = entry.pointer("/invitation/email").and_then(Value::as_str)?;
        let key = format!("{INVITED_KEY}{}", address.to_lowercase());
        return Some((Kind::Invitation, key));
    };
    Some(
        match (party.id("user"), party.address(), party.id("group")) {
            (Some(id), ..) => (Kind::Person, format!("{PERSON_KEY}{id}")),
            (None, Some(address), _) => (Kind::Person, format!("{PERSON_KEY}{address}")),
            (None, None, Some(id)) => (Kind::Group, format!("{GROUP_KEY}{id}")),
            (None, None, None) => (Kind::Claim, format!("{CLAIM_KEY}{}", party.name())),
        },
    )
}

/// Somebody or some group, as the directory and the site know it ("sharePointIdentitySet resource type").
struct Party<'a>(&'a Value);

impl<'a> Party<'a> {
    fn text(&self, path: &str) -> Option<&'a str> {
        let text = self.0.pointer(path).and_then(Value::as_str);
        text.filter(|text| !text.is_empty())
    }

    fn id(&self, kind: &str) -> Option<&'a str> {
        self.text(&format!("/{kind}/id"))
    }

    fn address(&self) -> Option<String> {
        let address = self.text("/user/email").or(self.text("/siteUser/email"));
        address.map(str::to_lowercase)
    }

    fn name(&self) -> String {
        let known = [
            "/user/displayName",
            "/group/displayName",
            "/siteGroup/loginName",
            "/siteUser/loginName",
            "/siteUser/displayName",
        ];
        let found = known.iter().find_map(|path| self.text(path));
        let name = self.address().or_else(|| found.map(String::from));
        name.unwrap_or_else(|| "somebody".into())
    }

    /// Everything by which an operator may name it.
    fn names(&self) -> Vec<String> {
        let known = [
            "/user/id",
            "/user/email",
            "/siteUser/email",
            "/siteUser/loginName",
            "/group/id",
            "/group/email",
            "/siteGroup/loginName",
        ];
        let found = known.iter().filter_map(|path| self.text(path));
        found.map(str::to_lowercase).collect()
    }
}

/// Whom an entry names: with its current fields, or else with the deprecated ones.
fn people(entry: &Value) -> Vec<Party<'_>> {
    let fields = [
        ["grantedToV2", "grantedToIdentitiesV2"],
        ["grantedTo", "grantedToIdentities"],
    ];
    let of = |names: [&str; 2]| {
        let mut found = vec![];
        for value in names.map(|name| &entry[name]) {
            match value {
                Value::Array(list) => found.extend(list.iter().filter(|one| one.is_object())),
                Value::Object(_) => found.push(value),
                _ => {}
            }
        }
        found
    };
    let [current, deprecated] = fields.map(of);
    let chosen = match current.is_empty() {
        true => deprecated,
        false => current,
    };
    chosen.into_iter().map(Party).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(entry: &Value) -> Option<Grant> {
        Grant::of(entry, &["contoso.example".into()])
    }

    #[track_caller]
    fn check(entry: &Value, kind: Kind, key: &str, what: &str) -> Grant {
        let grant = grant(entry).expect("a way in");
        let found = (grant.kind, grant.key.as_str(), grant.what.as_str());
        assert_eq!(found, (kind, key, what));
        grant
    }

    fn user(id: &str, email: &str) -> Value {
        json!({ "user": { "id": id, "displayName": "Kim", "email": email },
            "siteUser": { "loginName": format!("i:0#.f|membership|{email}") } })
    }

    #[test]
    fn everybody_is_known_by_what_stays_when_they_are_let_in_again() {
        let kim = user("7-a", "Kim@contoso.example");
        let direct = json!({ "id": "p1", "roles": ["write"], "grantedToV2": kim });
        let direct = check(&direct, Kind::Person, "person:7-a", "write");
        assert_eq!(direct.obstacle(), None);
        for name in ["7-A", "kim@contoso.example", "person:7-a"] {
            assert!(direct.is_of(name), "{name}");
        }
        assert!(!direct.is_of("lee@contoso.example"));
        let group = json!({ "group": { "id": "g1", "displayName": "All" } });
        let group = json!({ "id": "p2", "roles": ["read"], "grantedToV2": group });
        check(&group, Kind::Group, "group:g1", "read");
        let invited = json!({ "id": "p3", "roles": ["read"],
            "invitation": { "email": "B@x.example", "signInRequired": true } });
        let invited = check(&invited, Kind::Invitation, "invited:b@x.example", "read");
        assert_eq!(invited.sharing, Sharing::External);
        let claim = json!({ "siteGroup": { "id": "5", "loginName": "Team Members" } });
        let claim = json!({ "id": "p4", "roles": ["write"], "grantedToV2": claim });
        let claim = check(&claim, Kind::Claim, "claim:Team Members", "write");
        assert!(claim.obstacle().is_some());
    }

    #[test]
    fn what_an_invitation_cannot_give_has_no_way_back() {
        let kim = user("7", "kim@contoso.example");
        let full = json!({ "id": "p1", "roles": ["sp.full control"], "grantedToV2": kim });
        assert!(grant(&full).expect("a way in").obstacle().is_some());
    }

    #[test]
    fn a_link_tells_for_whom_it_is() {
        let link = |scope: &str| json!({ "scope": scope, "type": "edit" });
        let anyone = json!({ "id": "p1", "roles": ["write"], "link": link("anonymous"),
            "hasPassword": true, "expirationDateTime": "0001-01-01T00:00:00Z" });
        let scope = Kind::Link(Scope::Anonymous);
        let anyone = check(&anyone, scope, "link:p1", "edit, by anyone; password");
        assert_eq!((anyone.until, anyone.obstacle()), (None, Some(NO_WAY_BACK)));
        let people = [user("7", "kim@contoso.example"), user("8", "ann@x.example")];
        let some = json!({ "id": "p2", "roles": ["write"], "link": link("users"),
            "grantedToIdentitiesV2": people, "expirationDateTime": "2027-01-01T00:00:00Z" });
        let what = "edit, by ann@x.example, kim@contoso.example";
        let some = check(&some, Kind::Link(Scope::Users), "link:p2", what);
        assert!(some.lets_in("kim@contoso.example") && !some.is_of("kim@contoso.example"));
        let image = some.add_to(Image::default());
        assert_eq!(image.get("until:link:p2"), Some("2027-01-01T00:00:00Z"));
        assert_eq!(some.take_from(image), Image::default());
    }

    #[test]
    fn what_lets_nobody_in_is_no_grant() {
        let owner = json!({ "id": "p1", "roles": ["owner"], "grantedToV2": user("7", "k@contoso.example") });
        let existing =
            json!({ "id": "p2", "roles": ["read"], "link": { "scope": "existingAccess" } });
        let application = json!({ "id": "p3", "roles": ["write"],
            "grantedToV2": { "application": { "id": "a1" } } });
        for entry in [owner, existing, application] {
            assert!(grant(&entry).is_none(), "{entry}");
        }
    }

    #[test]
    fn whoever_an_image_names_is_invited_as_such() {
        assert_eq!(recipient("person:7-a"), Some(json!({ "objectId": "7-a" })));
        assert_eq!(recipient("group:8"), Some(json!({ "objectId": "8" })));
        let mail = Some(json!({ "email": "b@x.example" }));
        assert_eq!(recipient("invited:b@x.example"), mail);
        assert_eq!(recipient("person:b@x.example"), mail);
        for other in ["link:p1", "claim:x", "parent", "until:person:7"] {
            assert_eq!(recipient(other), None, "{other}");
        }
    }
}
