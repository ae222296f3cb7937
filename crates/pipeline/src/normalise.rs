//! What activities say in OCSF: written beside the vendor's records, in the same commit.

use casbah_connector::ActivitySource;
use casbah_lake::read;
use casbah_model::Timestamp;
use casbah_model::app::App;
use casbah_model::event::Event;
use casbah_ocsf::{Origin, Profile};

use crate::items::ConnectionItem;

/// Writes the events of one connection.
pub(crate) struct Normaliser {
    app: App,
    tenant: String,
    instance: String,
    profile: Profile,
}

impl Normaliser {
    pub(crate) fn new(connection: &ConnectionItem, profile: Profile) -> Normaliser {
        let tenant = connection.report.as_ref().map(|report| &report.tenant);
        Normaliser {
            app: connection.settings.app,
            tenant: tenant.map(|tenant| tenant.id.clone()).unwrap_or_default(),
            instance: connection.settings.id.to_string(),
            profile,
        }
    }

    /// Appends the event of a record that became available at `logged` and was read at `processed`.
    pub(crate) fn write(
        &self,
        event: &Event<'_>,
        (logged, processed): (Timestamp, Timestamp),
        out: &mut Vec<u8>,
    ) {
        let origin = Origin {
            product: self.app.product(),
            vendor: self.app.vendor(),
            tenant: &self.tenant,
            instance: &self.instance,
            logged,
            processed,
        };
        casbah_ocsf::write(event, &origin, self.profile, out);
    }

    /// Appends the event of a line of the lake once more; `None` when it is no line of ours. Lines that do not say when
    /// their record became available are from before events were written: they were read at once.
    pub(crate) fn write_again(
        &self,
        source: &dyn ActivitySource,
        line: &[u8],
        logged: Option<Timestamp>,
        out: &mut Vec<u8>,
    ) -> Option<()> {
        let raw = read::vendors(line)?;
        let marks = read::marks(line)?;
        let processed = marks.at.parse().ok()?;
        let event = Event {
            id: Some(marks.id),
            ..source.event(&raw).unwrap_or_default()
        };
        self.write(&event, (logged.unwrap_or(processed), processed), out);
        Some(())
    }
}
