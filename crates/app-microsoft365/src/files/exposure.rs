//! How far an item is visible, as a pure function of its permissions.

use casbah_model::file::Sharing;
use serde_json::Value;

/// Who an entry names: the current fields, then the deprecated doubles for entries that have nothing else.
const GRANTEES: [&str; 4] = [
    "grantedToV2",
    "grantedToIdentitiesV2",
    "grantedTo",
    "grantedToIdentities",
];
/// Kinds of grantees that are people or sets of people; applications and devices are neither.
const PEOPLE: [&str; 4] = ["user", "group", "siteUser", "siteGroup"];

/// Where the address of somebody is.
const ADDRESSES: [&str; 3] = ["email", "userPrincipalName", "loginName"];

/// The widest visibility that any entry gives; `unshared` when there is nobody but the owner (Microsoft Graph
/// documentation, "permission resource type").
pub(super) fn of(permissions: &[Value], domains: &[String], unshared: Sharing) -> Sharing {
    permissions
        .iter()
        .filter_map(|permission| entry(permission, domains))
        .fold(unshared, Sharing::max)
}

/// What one entry adds; nothing for the owner's own.
pub(crate) fn entry(permission: &Value, domains: &[String]) -> Option<Sharing> {
    let scope = permission
        .pointer("/link/scope")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if scope.eq_ignore_ascii_case("anonymous") {
        return Some(Sharing::PublicByLink);
    }
    // A link for people with existing access grants nothing.
    if scope.eq_ignore_ascii_case("existingAccess") {
        return None;
    }
    let people: Vec<&Value> = GRANTEES
        .iter()
        .filter_map(|name| permission.get(name))
        .flat_map(grantees)
        .collect();
    let invited = permission
        .pointer("/invitation/email")
        .and_then(Value::as_str);
    let is_external = invited.is_some_and(|address| is_outside(address, domains))
        || people.iter().any(|person| is_external(person, domains));
    if is_external {
        return Some(Sharing::External);
    }
    let is_owner = permission
        .get("roles")
        .and_then(Value::as_array)
        .is_some_and(|roles| {
            roles.iter().any(|role| {
                role.as_str()
                    .is_some_and(|role| role.eq_ignore_ascii_case("owner"))
            })
        });
    let is_for_all = scope.eq_ignore_ascii_case("organization");
    let names_somebody = invited.is_some() || !people.is_empty();
    (is_for_all || (names_somebody && !is_owner)).then_some(Sharing::Internal)
}

/// The entries of a page of permissions.
pub(super) fn entries(page: &Value) -> &[Value] {
    let entries = page.get("value").and_then(Value::as_array);
    entries.map_or(&[], Vec::as_slice)
}

/// Mail addresses and login names of everybody whom an entry names.
pub(super) fn addresses(entry: &Value) -> impl Iterator<Item = &str> {
    let people = GRANTEES.iter().filter_map(|name| entry.get(name));
    let names = people.flat_map(grantees).flat_map(|person| {
        ADDRESSES
            .iter()
            .filter_map(|name| person.get(name).and_then(Value::as_str))
    });
    let invited = entry.pointer("/invitation/email").and_then(Value::as_str);
    names.chain(invited)
}

/// The people in one field, which is a set of identities or a list of such sets.
fn grantees(field: &Value) -> Vec<&Value> {
    let sets = match field {
        Value::Array(sets) => sets.iter().collect(),
        set => vec![set],
    };
    sets.into_iter()
        .flat_map(|set| PEOPLE.iter().filter_map(|kind| set.get(kind)))
        .filter(|who| who.is_object())
        .collect()
}

fn is_external(person: &Value, domains: &[String]) -> bool {
    let named = |name: &str| person.get(name).and_then(Value::as_str);
    let is_guest = named("userType").is_some_and(|kind| kind.eq_ignore_ascii_case("guest"));
    let mut addresses = ADDRESSES.iter().filter_map(|name| named(name));
    is_guest || addresses.any(|address| is_outside(address, domains))
}

/// Whether an address or login name is one of somebody from outside; names without a domain tell nothing.
fn is_outside(address: &str, domains: &[String]) -> bool {
    let address = address.to_lowercase();
    // Guests: `name_their.domain#ext#@tenant.onmicrosoft.com`.
    if address.contains("#ext#") {
        return true;
    }
    // Claims are written `i:0#.f|membership|name@domain`; those of groups have no address in the last part.
    let last = address.rsplit('|').next().unwrap_or_default();
    last.rsplit_once('@').is_some_and(|(_, domain)| {
        !domains
            .iter()
            .any(|known| known.eq_ignore_ascii_case(domain))
    })
}
