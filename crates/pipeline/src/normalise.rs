//! What activities say in OCSF: written beside the vendor's records, in the same commit.

use casbah_connector::ActivitySource;
use casbah_model::Timestamp;
use casbah_model::activity::Activity;
use casbah_model::app::App;
use casbah_model::event::Event;
use casbah_ocsf::{Origin, Profile};

use crate::items::ConnectionItem;

/// Writes the events of one connection.
pub(crate) struct Normaliser<'a> {
    source: &'a dyn ActivitySource,
    app: App,
    tenant: String,
    instance: String,
    profile: Profile,
}

impl<'a> Normaliser<'a> {
    pub(crate) fn new(
        source: &'a dyn ActivitySource,
        connection: &ConnectionItem,
        profile: Profile,
    ) -> Normaliser<'a> {
        let tenant = connection.report.as_ref().map(|report| &report.tenant);
        Normaliser {
            source,
            app: connection.settings.app,
            tenant: tenant.map(|tenant| tenant.id.clone()).unwrap_or_default(),
            instance: connection.settings.id.to_string(),
            profile,
        }
    }

    /// Appends the event of a record that became available at `logged` and was read at `processed`.
    pub(crate) fn write(
        &self,
        noun: &Activity,
        raw: &[u8],
        (logged, processed): (Timestamp, Timestamp),
        out: &mut Vec<u8>,
    ) {
        // A record is kept however little can be read of it, and so is its event.
        let read = self.source.event(raw).unwrap_or_default();
        let event = Event {
            id: Some(noun.id.as_str().into()),
            occurred: read.occurred.or(noun.occurred),
            ..read
        };
        let origin = Origin {
            product: self.app.product(),
            vendor: self.app.vendor(),
            tenant: &self.tenant,
            instance: &self.instance,
            logged,
            processed,
        };
        casbah_ocsf::write(&event, &origin, self.profile, out);
    }
}
