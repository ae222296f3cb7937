//! What is known of one file when policies are held against it.

use casbah_model::Timestamp;
use casbah_model::app::App;
use casbah_model::file::Sharing;
use casbah_model::inspection::Finding;
use serde::Deserialize;

/// The widest link to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Link {
    /// Everybody of the organisation can open it.
    Organisation,
    Anyone,
}

/// One file.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    pub app: App,
    /// Where a browser finds it; begins with the address of the site, drive or tree that it is in.
    pub address: &'a str,
    pub name: &'a str,
    /// What its bytes are, where they were looked at.
    pub format: Option<&'a str>,
    /// Mail address of its owner, where it has one.
    pub owner: Option<&'a str>,
    pub sharing: Sharing,
    pub link: Option<Link>,
    /// Mail addresses of those whom it is shared with by name.
    pub people: &'a [&'a str],
    pub label: Option<&'a str>,
    /// Whether the app tells labels at all: else nobody knows that a file has none.
    pub labels_told: bool,
    pub bytes: Option<u64>,
    pub modified: Option<Timestamp>,
    /// What it holds; `None` when nobody could look into it, or has not yet.
    pub findings: Option<&'a [Finding]>,
}

impl Facts<'_> {
    /// Whether its bytes or the end of its name are of this type.
    pub(crate) fn is_of_type(&self, wanted: &str) -> bool {
        let extension = self.name.rsplit_once('.').map(|(_, extension)| extension);
        [self.format, extension]
            .into_iter()
            .flatten()
            .any(|one| one.eq_ignore_ascii_case(wanted))
    }
}

/// The domain of a mail address; none of what is no address.
pub(crate) fn domain(address: &str) -> Option<&str> {
    let (local, domain) = address.rsplit_once('@')?;
    (!local.is_empty() && !domain.is_empty()).then_some(domain)
}

/// Whether a domain is another, or below it.
pub(crate) fn is_within(domain: &str, other: &str) -> bool {
    let Some(at) = domain.len().checked_sub(other.len()) else {
        return false;
    };
    // Bytes, because the border may be within a letter of a name that is none.
    let (before, end) = domain.as_bytes().split_at(at);
    end.eq_ignore_ascii_case(other.as_bytes()) && matches!(before.last(), None | Some(b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_are_compared_by_their_parts() {
        for (one, other, expected) in [
            ("gmail.com", "gmail.com", true),
            ("GMail.com", "gmail.COM", true),
            ("eu.partner.example", "partner.example", true),
            ("notgmail.com", "gmail.com", false),
            ("gmail.com.evil.example", "gmail.com", false),
            ("com", "gmail.com", false),
            ("é.com", "xx.com", false),
        ] {
            assert_eq!(is_within(one, other), expected, "{one} in {other}");
        }
    }

    #[test]
    fn what_is_no_address_has_no_domain() {
        for (address, expected) in [
            ("ann@contoso.example", Some("contoso.example")),
            ("\"a@b\"@contoso.example", Some("contoso.example")),
            ("contoso.example", None),
            ("@contoso.example", None),
            ("ann@", None),
            ("", None),
        ] {
            assert_eq!(domain(address), expected, "{address}");
        }
    }
}
