//! The one list of apps.

use casbah_connector::Connector;
use casbah_model::app::App;

/// The connector of an app.
pub fn connector(app: App) -> &'static dyn Connector {
    match app {
        App::Microsoft365 => &casbah_app_microsoft365::MICROSOFT365,
        App::Okta => &casbah_app_okta::OKTA,
        App::Box => &casbah_app_box::BOX,
    }
}
