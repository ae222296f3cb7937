//! What lists of a directory hold, as they are published.

use std::collections::BTreeSet;

use casbah_lake::read;
use casbah_pipeline::StageError;
use casbah_pipeline::inventory::{Reading, lines};
use serde_json::Value;

use super::Reader;

/// A record of a list.
pub struct Record {
    /// Our id of it.
    pub id: String,
    /// What the vendor said.
    pub told: Value,
}

impl Record {
    pub fn text(&self, field: &str) -> &str {
        self.told[field].as_str().unwrap_or_default()
    }
}

/// The records of the last complete pass over a list.
pub async fn list(seen: &Reader<'_>, name: &str) -> Result<Vec<Record>, StageError> {
    let mut records = vec![];
    let scope = seen.connection.scope();
    lines(seen.ctx, &scope, name, Reading::Published, |_, line| {
        let told = read::vendors(line).and_then(|told| serde_json::from_slice(&told).ok());
        records.extend(read::marks(line).zip(told).map(|(marks, told)| Record {
            id: marks.id.into_owned(),
            told,
        }));
    })
    .await?;
    Ok(records)
}

/// The ids of a list.
pub async fn ids(seen: &Reader<'_>, name: &str) -> Result<BTreeSet<String>, StageError> {
    let records = list(seen, name).await?;
    Ok(records.into_iter().map(|record| record.id).collect())
}

/// Group and member of each membership, as `group member`.
pub async fn memberships(seen: &Reader<'_>) -> Result<BTreeSet<String>, StageError> {
    let mut pairs = BTreeSet::new();
    for record in list(seen, "memberships").await? {
        let members = record.told["members"].as_array().into_iter().flatten();
        let members = members.filter_map(Value::as_str);
        pairs.extend(members.map(|member| format!("{} {member}", record.text("id"))));
    }
    Ok(pairs)
}
