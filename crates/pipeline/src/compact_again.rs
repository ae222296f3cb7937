//! Tables made anew: each event is read out of the vendor's record once more, as this version reads it.

use casbah_lake::{ManifestEntry, ObjectEntry, read};
use casbah_model::Timestamp;
use serde::{Deserialize, Serialize};

use crate::apps;
use crate::compact::Gathered;
use crate::context::Context;
use crate::error::StageError;
use crate::findings::Finding;
use crate::govern::record::Record;
use crate::items::ConnectionItem;
use crate::journal::{Told, write_again};
use crate::normalise::Normaliser;

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Phase {
    /// The old tables are being removed.
    Clearing,
    Reading,
}

/// What is taken from an event that was made before: the record does not tell it.
#[derive(Deserialize)]
struct Made {
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    logged_time: i64,
}

/// Adds the events of one commit, from its records.
pub(crate) async fn take(
    connection: &ConnectionItem,
    ctx: &Context,
    gathered: &mut Gathered,
    entry: &ManifestEntry,
) -> Result<(), StageError> {
    let source = apps::connector(connection.settings.app).activities();
    let normaliser = Normaliser::new(connection, ctx.settings.ocsf);
    let mut logged = logged(ctx, &entry.events).await?.into_iter();
    let mut event = vec![];
    for object in &entry.objects {
        read::lines(&*ctx.objects, object, |line| {
            event.clear();
            let logged = logged.next().flatten();
            let ours = || read::vendors(line);
            let again = match (&*entry.family, source) {
                (Record::FAMILY, _) => {
                    ours().and_then(|raw| write_again::<Record>(&normaliser, &raw, &mut event))
                }
                (Finding::FAMILY, _) => {
                    ours().and_then(|raw| write_again::<Finding>(&normaliser, &raw, &mut event))
                }
                (_, Some(source)) => normaliser.write_again(source, line, logged, &mut event),
                (_, None) => None,
            };
            if again.is_some() {
                gathered.add(&event, &object.name);
            } else {
                gathered.add(line, &object.name);
            }
        })
        .await?;
    }
    Ok(())
}

/// When the vendor showed each record of a commit: what was made of it says so, on the same line.
async fn logged(
    ctx: &Context,
    events: &[ObjectEntry],
) -> Result<Vec<Option<Timestamp>>, StageError> {
    let mut logged = vec![];
    for object in events {
        read::lines(&*ctx.objects, object, |line| {
            let made: Option<Made> = serde_json::from_slice(line).ok();
            let at =
                made.and_then(|made| Timestamp::from_millisecond(made.metadata.logged_time).ok());
            logged.push(at);
        })
        .await?;
    }
    Ok(logged)
}
