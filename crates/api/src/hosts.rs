//! Which addresses of a vendor may be entered here: where Casbah runs for others, the vendor's own hosts and no other.
//!
//! A credential is sent to the address of the sign-in service, and answers come back from the others: an address that
//! anybody may choose would turn the API into a way to reach what only this function can reach.

use casbah_connector::Connector;
use casbah_http::Base;

/// Checks one address; an error says what is right.
pub fn check(
    connector: &dyn Connector,
    service: &str,
    address: &str,
    hosts: Hosts,
) -> Result<(), String> {
    let services = connector.endpoints().iter().map(|(name, _)| *name);
    let services: Vec<_> = services.collect();
    if !services.contains(&service) {
        let app = connector.app();
        return Err(format!(
            "it is not an endpoint of {app}; its endpoints are {}",
            services.join(", ")
        ));
    }
    let base = Base::parse(address).map_err(|error| error.to_string())?;
    let known: Vec<_> = connector
        .hosts()
        .iter()
        .filter(|(name, _)| *name == service)
        .map(|(_, host)| format!("https://{host}"))
        .collect();
    match hosts {
        Hosts::Any => Ok(()),
        Hosts::Vendors if known.contains(&base.to_string()) => Ok(()),
        Hosts::Vendors => Err(format!(
            "it is not one of the vendor's own addresses {}",
            known.join(", ")
        )),
    }
}

/// Which hosts may be named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hosts {
    /// Whatever is https, and this machine: its owner is the one who calls.
    Any,
    /// Those of the vendor's clouds.
    Vendors,
}

#[cfg(test)]
mod tests {
    use casbah_model::app::App;

    use super::*;

    #[test]
    fn only_the_vendors_own_hosts_pass_where_others_call() {
        let connector = casbah_pipeline::apps::connector(App::Microsoft365);
        let passes = |address| check(connector, "graph", address, Hosts::Vendors).is_ok();
        for address in [
            "https://graph.microsoft.com",
            "https://GRAPH.microsoft.us:443/",
        ] {
            assert!(passes(address), "{address}");
        }
        for address in [
            "http://127.0.0.1:9001",
            "https://127.0.0.1",
            "https://[::1]",
            "https://2130706433",
            "https://169.254.169.254",
            "https://localhost",
            "https://login.microsoftonline.com",
            "https://graph.microsoft.com:8443",
            "https://graph.microsoft.com/v1.0",
            "https://graph.microsoft.com.",
            "https://graph.microsoft.com.example.org",
            "https://user@graph.microsoft.com",
        ] {
            assert!(!passes(address), "{address}");
        }
    }
}
