//! Addresses that may be called: below a configured base, and nowhere else.
//!
//! An [`Address`] can only be made by joining a path to a base or by checking a vendor's link against one,
//! so a token cannot be sent to a host that nobody configured.

use std::fmt;

use url::{Host, Url};

/// The root of one of an app's services, such as `https://graph.microsoft.com`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base(Url);

/// An absolute address below a [`Base`].
#[derive(Clone, PartialEq, Eq)]
pub struct Address(Url);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAddress {
    #[error("\"{0}\" is not an address; write it like https://graph.microsoft.com")]
    Unreadable(String),
    #[error("\"{0}\" is not encrypted; http is accepted for loopback addresses only")]
    NotEncrypted(String),
    #[error(
        "\"{0}\" holds a user name, a query or a fragment; an endpoint is scheme, host and port"
    )]
    NotPlain(String),
    /// A vendor's link leads away from the configured host; it is not followed.
    #[error("a link leads to {found} instead of {expected}, so it was not followed")]
    Foreign { expected: String, found: String },
}

impl Base {
    /// Parses an endpoint: https anywhere, or http on this machine.
    pub fn parse(text: &str) -> Result<Base, BadAddress> {
        let shown = || text.chars().take(120).collect::<String>();
        let url = Url::parse(text.trim().trim_end_matches('/'))
            .map_err(|_| BadAddress::Unreadable(shown()))?;
        if url.host().is_none() {
            return Err(BadAddress::Unreadable(shown()));
        }
        let is_plain = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        if !is_plain {
            return Err(BadAddress::NotPlain(origin(&url)));
        }
        match url.scheme() {
            "https" => Ok(Base(url)),
            "http" if is_loopback(&url) => Ok(Base(url)),
            "http" => Err(BadAddress::NotEncrypted(shown())),
            _ => Err(BadAddress::Unreadable(shown())),
        }
    }

    /// The address of a path, with its query, below this base.
    pub fn join(&self, path_and_query: &str) -> Result<Address, BadAddress> {
        let joined = format!("{}{path_and_query}", self.0.as_str().trim_end_matches('/'));
        let url = Url::parse(&joined).map_err(|_| BadAddress::Unreadable(origin(&self.0)))?;
        self.check(url)
    }

    /// Accepts a link that a vendor sent, if it leads to the configured host.
    pub fn follow(&self, link: &str) -> Result<Address, BadAddress> {
        let url = Url::parse(link).map_err(|_| BadAddress::Foreign {
            expected: origin(&self.0),
            found: "something that is not an address".into(),
        })?;
        self.check(url)
    }

    /// Accepts an address at which something is handed out without a token: at this host, or encrypted at one of `hosts`,
    /// which are names, or ends of names that begin with a dot.
    pub fn handed(&self, link: &str, hosts: &[&str]) -> Result<Address, BadAddress> {
        let foreign = |found: String| BadAddress::Foreign {
            expected: origin(&self.0),
            found,
        };
        let url =
            Url::parse(link).map_err(|_| foreign("something that is not an address".into()))?;
        let host = url.host_str().unwrap_or_default();
        let is_one = |known: &&str| match known.strip_prefix('.') {
            Some(_) => host.ends_with(*known),
            None => host == *known,
        };
        let is_plain =
            url.username().is_empty() && url.password().is_none() && url.port().is_none();
        match url.scheme() == "https" && is_plain && hosts.iter().any(is_one) {
            true => Ok(Address(url)),
            false => self.check(url),
        }
    }

    fn check(&self, url: Url) -> Result<Address, BadAddress> {
        let is_same = url.scheme() == self.0.scheme()
            && url.host() == self.0.host()
            && url.port_or_known_default() == self.0.port_or_known_default()
            && url.username().is_empty()
            && url.password().is_none();
        if is_same {
            Ok(Address(url))
        } else {
            Err(BadAddress::Foreign {
                expected: origin(&self.0),
                found: origin(&url),
            })
        }
    }
}

impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

impl Address {
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// Adds a query parameter, unless it is there already.
    pub fn with_query(mut self, name: &str, value: &str) -> Address {
        if !self.0.query_pairs().any(|(known, _)| known == name) {
            self.0.query_pairs_mut().append_pair(name, value);
        }
        self
    }
}

/// Host and path: queries hold page tokens.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", origin(&self.0), self.0.path())
    }
}

fn origin(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{}://{host}:{port}", url.scheme()),
        None => format!("{}://{host}", url.scheme()),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph() -> Base {
        Base::parse("https://graph.microsoft.com/").expect("a plain https address")
    }

    #[test]
    fn plain_http_is_for_loopback_only() {
        for accepted in [
            "http://127.0.0.1:18080",
            "http://[::1]:1",
            "http://localhost",
            "https://example.com",
        ] {
            assert!(Base::parse(accepted).is_ok(), "{accepted}");
        }
        for refused in [
            "http://example.com",
            "http://127.0.0.1.example.com",
            "ftp://127.0.0.1",
            "graph",
            "",
        ] {
            assert!(Base::parse(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn a_link_to_another_host_port_or_scheme_is_not_followed() {
        let links = [
            "https://graph.microsoft.com.evil.example/v1.0/users",
            "https://evil.example/v1.0/users",
            "http://graph.microsoft.com/v1.0/users",
            "https://graph.microsoft.com:8443/v1.0/users",
            "https://graph.microsoft.com@evil.example/",
            "https://someone@graph.microsoft.com/",
            "//graph.microsoft.com/v1.0",
        ];
        for link in links {
            assert!(
                matches!(graph().follow(link), Err(BadAddress::Foreign { .. })),
                "{link}"
            );
        }
        assert!(
            graph()
                .follow("https://GRAPH.microsoft.com:443/v1.0/users?$skiptoken=x")
                .is_ok()
        );
    }

    #[test]
    fn a_path_cannot_turn_into_another_host() {
        assert!(graph().join("@evil.example/v1.0").is_err());
        assert!(graph().join(".evil.example/v1.0").is_err());
        assert_eq!(
            graph().join("/v1.0/a").expect("a path").as_str(),
            "https://graph.microsoft.com/v1.0/a"
        );
    }

    #[test]
    fn debug_output_shows_no_query() {
        let address = graph()
            .join("/v1.0/users?$skiptoken=secret")
            .expect("a path");
        assert_eq!(
            format!("{address:?}"),
            "https://graph.microsoft.com/v1.0/users"
        );
    }
}
