//! What activities say in OCSF: written beside the vendor's records, in the same commit.

use casbah_connector::ActivitySource;
use casbah_lake::read;
use casbah_model::Timestamp;
use casbah_model::activity::{Activity, ActivityKind};
use casbah_model::app::App;
use casbah_model::event::Event;
use casbah_model::record::RecordId;
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

    /// Appends the event of a line of the lake once more; `None` when it is no line of ours. Lines that do not say when
    /// their record became available are from before events were written: they were read at once.
    pub(crate) fn write_again(
        &self,
        line: &[u8],
        logged: Option<Timestamp>,
        out: &mut Vec<u8>,
    ) -> Option<()> {
        let raw = read::vendors(line)?;
        let marks = read::marks(line)?;
        let processed = marks.at.parse().ok()?;
        let noun = Activity {
            id: RecordId::new(marks.id),
            kind: ActivityKind::User,
            is_known: true,
            occurred: None,
            touched_file: None,
        };
        let times = (logged.unwrap_or(processed), processed);
        self.write(&noun, &raw, times, out);
        Some(())
    }
}
