//! Addresses as vendors write them, taken apart.

use std::net::IpAddr;

/// An address and a port, or neither.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Endpoint {
    pub(crate) ip: Option<IpAddr>,
    pub(crate) port: Option<u16>,
}

/// Reads `80.1.2.3`, `80.1.2.3:52378`, `::1`, `[::1]` and `[2603::5]:54088`; anything else is no address.
pub(crate) fn parse(text: &str) -> Endpoint {
    let text = text.trim();
    if let Ok(ip) = text.parse() {
        let ip = Some(ip);
        return Endpoint { ip, port: None };
    }
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((host, "")) => (host, None),
            Some((host, port)) => (host, port.strip_prefix(':')),
            None => return Endpoint::default(),
        },
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => return Endpoint::default(),
        },
    };
    let Ok(ip) = host.parse() else {
        return Endpoint::default();
    };
    Endpoint {
        ip: Some(ip),
        port: port.and_then(|port| port.parse().ok()),
    }
}

/// Whether a text is an address as the schema has them (`dictionary.json`, type `email_t`).
pub(crate) fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    let Some((first, rest)) = domain.split_once('.') else {
        return false;
    };
    let is_local =
        |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+,-./=?^_`{|}~".contains(&byte);
    let is_label = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    !local.is_empty()
        && !first.is_empty()
        && !rest.is_empty()
        && local.bytes().all(is_local)
        && first.bytes().all(is_label)
        && rest.bytes().all(|byte| is_label(byte) || byte == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, ip: Option<&str>, port: Option<u16>) {
        let ip = ip.map(|ip| ip.parse().expect("a valid address"));
        assert_eq!(parse(text), Endpoint { ip, port }, "{text}");
    }

    #[test]
    fn addresses_come_with_and_without_ports() {
        check("80.1.2.3", Some("80.1.2.3"), None);
        check("80.1.2.3:52378", Some("80.1.2.3"), Some(52378));
        check("[2603::5]:54088", Some("2603::5"), Some(54088));
        check("[2603::5]", Some("2603::5"), None);
        check("::1", Some("::1"), None);
        check("2603:10a6::9", Some("2603:10a6::9"), None);
        check("80.1.2.3:99999", Some("80.1.2.3"), None);
        check("<null>", None, None);
        check("999.1.2.3", None, None);
        check("[2603::5", None, None);
        check("", None, None);
    }

    #[test]
    fn email_addresses_are_what_the_schema_says() {
        assert!(is_email("ann.o'hara+x@contoso.com"));
        for text in [
            "ann",
            "a@b",
            "a@b@c.com",
            "a b@c.com",
            "app@sharepoint",
            "@c.com",
            "ä@c.com",
        ] {
            assert!(!is_email(text), "{text}");
        }
    }
}
