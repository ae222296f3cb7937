//! Whom a record of an item's sharing names: its shared link, or a page of its collaborations.

use casbah_connector::{LinkReach, Reach};
use serde_json::Value;

use crate::users::is_app_login;

/// Reads a record; one that cannot be read names nobody.
pub(super) fn read(raw: &[u8]) -> Reach {
    let record: Value = serde_json::from_slice(raw).unwrap_or_default();
    let text = |value: &Value, name: &str| value.get(name)?.as_str().map(String::from);
    let mut reach = Reach::default();
    if let Some(link) = record.get("shared_link") {
        // What the enterprise leaves of `access`; with a password it is for whoever was told that.
        let access = text(link, "effective_access").or_else(|| text(link, "access"));
        let is_locked = link.get("is_password_enabled") == Some(&Value::Bool(true));
        reach.link = match access.as_deref() {
            Some("open") if !is_locked => Some(LinkReach::Anyone),
            Some("company") => Some(LinkReach::Organisation),
            _ => None,
        };
    }
    let entries = record.get("entries").and_then(Value::as_array);
    for entry in entries.into_iter().flatten() {
        if text(entry, "status").as_deref() == Some("rejected") {
            continue;
        }
        let login = entry
            .get("accessible_by")
            .and_then(|who| text(who, "login"));
        // Of an invitation that is open only the address is known; of a group there is none, and that of an app is none
        // of a person's.
        let address = login.or_else(|| text(entry, "invite_email"));
        let address = address.filter(|address| address.contains('@') && !is_app_login(address));
        reach
            .people
            .extend(address.map(|address| address.to_lowercase()));
    }
    reach
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collaborators_and_the_invited_are_named_and_who_refused_is_not() {
        let reach = read(
            br#"{"entries": [
                {"status": "accepted", "accessible_by": {"type": "user", "login": "Wanda@Umbrella.example"}},
                {"status": "pending", "accessible_by": null, "invite_email": "joe@gmail.com"},
                {"status": "rejected", "accessible_by": {"login": "no@body.example"}},
                {"status": "accepted", "accessible_by": {"type": "group", "name": "Everybody"}}
            ]}"#,
        );
        let people: Vec<&str> = reach.people.iter().map(String::as_str).collect();
        assert_eq!(people, ["joe@gmail.com", "wanda@umbrella.example"]);
        assert_eq!(reach.link, None);
    }

    #[test]
    fn a_link_reaches_as_far_as_the_enterprise_lets_it() {
        for (link, expected) in [
            (r#"{"access": "open"}"#, Some(LinkReach::Anyone)),
            (
                r#"{"access": "open", "effective_access": "company"}"#,
                Some(LinkReach::Organisation),
            ),
            (
                r#"{"effective_access": "open", "is_password_enabled": true}"#,
                None,
            ),
            (r#"{"effective_access": "collaborators"}"#, None),
            ("null", None),
            ("7", None),
        ] {
            let record = format!("{{\"shared_link\": {link}}}");
            assert_eq!(read(record.as_bytes()).link, expected, "{link}");
        }
        assert_eq!(read(b"{"), Reach::default());
    }
}
