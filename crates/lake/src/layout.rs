//! Object names: a function of what is inside and of the fence it was written under.
//!
//! The fence keeps two workers that read the same cursor from writing under the same name (pipeline design, section 5).

use casbah_model::Timestamp;
use casbah_model::app::App;
use casbah_model::collection::Collection;
use casbah_model::tables::TableDay;

/// Every kind of object; names begin with it.
pub const KINDS: [&str; 7] = [
    "raw",
    "ocsf",
    "quarantine",
    "roster",
    "seen",
    "findings",
    "view",
];

/// What the names of all objects of one kind begin with, for one incarnation of a connection.
///
/// It ends in a slash, so that one name being the beginning of another (`acme` and `acme-2`, 1 and 10) does no harm.
pub fn prefix(kind: &str, app: App, scope: &str) -> String {
    format!("{kind}/v1/vendor={app}/conn={scope}/")
}

/// What the names of all objects of one table begin with, for one incarnation of a connection.
///
/// The form is Security Lake's (user guide, "Collecting data from custom sources"): a source per class of event, and an
/// account for whoever is outside of AWS.
pub fn table_prefix(class: u32, region: &str, scope: &str) -> String {
    format!("ext/casbah-{class}/region={region}/accountId=external_{scope}/")
}

/// What the names of all objects of one table and day begin with.
pub fn table_day(table: &TableDay, region: &str, scope: &str) -> String {
    let prefix = table_prefix(table.class, region, scope);
    format!("{prefix}eventDay={}/", table.day.strftime("%Y%m%d"))
}

/// The object of a day that begins with this hour, and ends where the next one begins.
pub fn table_object(day: &str, hour: u8) -> String {
    format!("{day}{hour:02}{TABLE_ENDING}")
}

/// The hour that an object of a day begins with.
pub fn table_hour(day: &str, name: &str) -> Option<u8> {
    let hour = name.strip_prefix(day)?.strip_suffix(TABLE_ENDING)?;
    hour.parse().ok().filter(|hour| *hour < 24)
}

/// What the names of all objects of an inventory begin with that show what is current.
pub fn edition_prefix(collection: Collection, scope: &str) -> String {
    format!("inventory/{collection}/current/connection={scope}/")
}

/// An object of an inventory that shows what is current; large inventories have several.
pub fn edition_object(collection: Collection, scope: &str, bucket: u64) -> String {
    let prefix = edition_prefix(collection, scope);
    format!("{prefix}{bucket:02}{TABLE_ENDING}")
}

/// What the names of all objects of an inventory begin with that show what has ended.
pub fn ended_prefix(collection: Collection, scope: &str) -> String {
    format!("inventory/{collection}/ended/connection={scope}/")
}

/// The object with what ended on a day.
pub fn ended_object(collection: Collection, scope: &str, day: Timestamp, bucket: u64) -> String {
    let (prefix, day) = (ended_prefix(collection, scope), day.strftime("%Y%m%d"));
    format!("{prefix}day={day}/{bucket:02}{TABLE_ENDING}")
}

const TABLE_ENDING: &str = ".zstd.parquet";

/// What the objects of one commit have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub app: App,
    /// Connection and incarnation, such as `contoso.1`.
    pub scope: String,
    /// What kind of records they hold, such as `activities`.
    pub family: String,
    pub stream: String,
    pub epoch: u32,
    pub sequence: u64,
    pub fence: u64,
    /// When the commit was begun; its day is part of the name and the same for every try of this worker.
    pub begun: Timestamp,
}

impl Place {
    /// The name of one part of the records.
    pub fn raw(&self, part: u32) -> String {
        self.name("raw", &self.family, part, "jsonl.zst")
    }

    /// The name of one part of the records that were set aside.
    pub fn quarantine(&self, part: u32) -> String {
        self.name("quarantine", &self.family, part, "jsonl.zst")
    }

    /// The name of one part of what the records say in OCSF.
    pub fn events(&self, part: u32) -> String {
        self.name("ocsf", &self.family, part, "jsonl.zst")
    }

    /// The name of the list of ids that the commit saw.
    pub fn roster(&self) -> String {
        self.name("roster", &self.family, 0, "ids")
    }

    /// The name of one partition of the hashes of records that were written.
    pub fn seen(&self, partition: &str) -> String {
        self.name("seen", partition, 0, "hashes")
    }

    /// The name of what stands of one root's findings by then.
    pub fn findings(&self, part: u32) -> String {
        self.name("findings", &self.family, part, "jsonl.zst")
    }

    /// The position of the commit, as each line tells it.
    pub fn position(&self) -> String {
        format!("{}/{:04}-{:012}", self.stream, self.epoch, self.sequence)
    }

    fn name(&self, kind: &str, family: &str, part: u32, ending: &str) -> String {
        let Place {
            app,
            scope,
            stream,
            epoch,
            sequence,
            fence,
            begun,
            ..
        } = self;
        let (begin, day) = (prefix(kind, *app, scope), begun.strftime("%Y-%m-%d"));
        format!(
            "{begin}family={family}/dt={day}/{stream}/\
             {epoch:04}-{sequence:012}-{fence:08}-{part:03}.{ending}"
        )
    }
}

/// A stream's name as part of an object name: vendors' ids may hold characters that paths do not like.
pub fn safe(name: &str) -> String {
    let is_safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if !name.is_empty() && name.len() <= 100 && name.chars().all(is_safe) && !name.starts_with('.')
    {
        return name.into();
    }
    let id = casbah_model::record::RecordId::of_content(name.as_bytes());
    id.as_str().trim_start_matches("sha256:")[..32].into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_workers_at_one_position_write_under_two_names() {
        let place = Place {
            app: App::Microsoft365,
            scope: "contoso.1".into(),
            family: "users".into(),
            stream: "users".into(),
            epoch: 1,
            sequence: 7,
            fence: 12,
            begun: "2026-05-04T23:59:59Z".parse().expect("a valid time"),
        };
        let name = "raw/v1/vendor=microsoft365/conn=contoso.1/family=users/dt=2026-05-04/users/\
                    0001-000000000007-00000012-000.jsonl.zst";
        assert_eq!(place.raw(0), name);
        assert_ne!(
            place.raw(0),
            Place {
                fence: 13,
                ..place.clone()
            }
            .raw(0)
        );
    }

    #[test]
    fn a_stream_name_from_a_vendor_cannot_leave_its_folder() {
        for hostile in ["../../etc", "a/b", "", ".hidden", "b!x"] {
            let name = safe(hostile);
            assert!(
                !name.contains('/') && !name.starts_with('.') && name.len() == 32,
                "{hostile}: {name}"
            );
        }
    }
}
