//! The one list of apps.

use casbah_connector::Connector;
pub use casbah_connector::{ActionSpec, Capability, Readback, Support, WayBack};
use casbah_model::app::App;

/// The connector of an app.
pub fn connector(app: App) -> &'static dyn Connector {
    match app {
        App::Microsoft365 => &casbah_app_microsoft365::MICROSOFT365,
        App::Okta => &casbah_app_okta::OKTA,
        App::Box => &casbah_app_box::BOX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_app_says_of_itself_is_what_is_built() {
        for app in App::ALL {
            let connector = connector(app);
            for what in Capability::ALL {
                let says = matches!(connector.capability(what), Support::Yes(_));
                assert_eq!(says, what.is_built(connector), "{app}: {}", what.title());
            }
        }
    }
}
