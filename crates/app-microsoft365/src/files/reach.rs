//! Whom a page of an item's permissions names.

use casbah_connector::{LinkReach, Reach};
use serde_json::Value;

use super::exposure::{addresses, entries};

/// Reads a page of permissions; one that cannot be read names nobody.
pub(super) fn read(raw: &[u8]) -> Reach {
    let mut reach = Reach::default();
    let page: Value = serde_json::from_slice(raw).unwrap_or_default();
    for entry in entries(&page) {
        let scope = entry.pointer("/link/scope").and_then(Value::as_str);
        let link = match scope.map(str::to_lowercase).as_deref() {
            Some("anonymous") => Some(LinkReach::Anyone),
            Some("organization") => Some(LinkReach::Organisation),
            // A link for people with existing access grants nothing.
            Some("existingaccess") => continue,
            _ => None,
        };
        reach.link = reach.link.max(link);
        reach.people.extend(addresses(entry).filter_map(plain));
    }
    reach
}

/// The mail address of a login name: of a guest the one at home, of a claim the one at its end.
fn plain(name: &str) -> Option<String> {
    let last = name.rsplit('|').next().unwrap_or_default();
    let lower = last.to_lowercase();
    if let Some((home, _)) = lower.split_once("#ext#") {
        let (local, domain) = home.rsplit_once('_')?;
        return Some(format!("{local}@{domain}"));
    }
    lower.contains('@').then_some(lower)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_who_is_named_is_read_once() {
        let page = br##"{"value": [
            {"roles": ["owner"], "grantedToV2": {"user": {"email": "Ann@contoso.example"}}},
            {"roles": ["read"], "grantedToV2": {"siteUser": {"loginName": "i:0#.f|membership|bob@contoso.example"}},
             "grantedTo": {"user": {"email": "bob@contoso.example"}}},
            {"link": {"scope": "users"}, "grantedToIdentitiesV2": [
                {"user": {"userPrincipalName": "joe_gmail.com#EXT#@contoso.onmicrosoft.com"}}]},
            {"invitation": {"email": "amy@partner.example"}},
            {"link": {"scope": "organization"}},
            {"link": {"scope": "existingAccess"}, "grantedToV2": {"user": {"email": "no@body.example"}}},
            {"grantedToV2": {"application": {"displayName": "App"}}}
        ]}"##;
        let reach = read(page);
        let people: Vec<&str> = reach.people.iter().map(String::as_str).collect();
        assert_eq!(
            people,
            [
                "amy@partner.example",
                "ann@contoso.example",
                "bob@contoso.example",
                "joe@gmail.com"
            ]
        );
        assert_eq!(reach.link, Some(LinkReach::Organisation));
        let anonymous = read(br#"{"value": [{"link": {"scope": "anonymous"}}]}"#);
        assert_eq!(anonymous.link, Some(LinkReach::Anyone));
    }

    #[test]
    fn what_cannot_be_read_names_nobody() {
        for raw in [
            "",
            "[]",
            "{}",
            "{\"value\": 1}",
            "{\"value\": [1, null, {\"link\": 2}]}",
        ] {
            assert_eq!(read(raw.as_bytes()), Reach::default(), "{raw}");
        }
    }
}
