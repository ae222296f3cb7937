//! Tables in a form that costs nothing: a line for each row. What is tested here is who writes which object when; that
//! Parquet keeps the same rows is tested where it is written.

use std::collections::BTreeMap;
use std::ops::Range;

use bytes::Bytes;
use casbah_model::collection::Collection;
use casbah_model::tables::{
    Edition, Extent, Fresh, Rows, Shown, State, TableDay, TableError, Tables, Unfit,
};
use casbah_model::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::plain_editions::{self, PlainEdition};

pub struct PlainTables;

/// A row, in the order of a table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Row {
    time: i64,
    id: String,
    logged: i64,
    processed: i64,
}

#[derive(Deserialize)]
struct Event {
    class_uid: u32,
    time: i64,
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    uid: String,
    logged_time: i64,
    processed_time: i64,
}

impl Tables for PlainTables {
    fn begin(&self) -> Box<dyn Rows> {
        Box::new(Gathered::default())
    }

    fn extent(&self, object: &Bytes) -> Result<Extent, TableError> {
        let rows = read(object)?;
        let last = rows.last().ok_or_else(|| unreadable("it has no row"))?;
        Ok(Extent {
            rows: rows.len() as u64,
            last_hour: hour(last.time),
        })
    }

    fn ids(&self, object: &Bytes) -> Result<Vec<String>, TableError> {
        Ok(read(object)?.into_iter().map(|row| row.id).collect())
    }

    fn edition(
        &self,
        _collection: Collection,
        current: Option<Bytes>,
        at: Timestamp,
    ) -> Result<Box<dyn Edition>, TableError> {
        Ok(Box::new(PlainEdition::new(current, at)?))
    }

    fn ended(
        &self,
        _collection: Collection,
        edition: &Bytes,
        before: Option<Bytes>,
    ) -> Result<Option<Bytes>, TableError> {
        plain_editions::ended(edition, before)
    }

    fn shown(&self, object: &Bytes) -> Result<Shown, TableError> {
        plain_editions::shown(object)
    }

    fn states(&self, object: &Bytes) -> Result<Vec<State>, TableError> {
        plain_editions::states(object)
    }
}

#[derive(Default)]
struct Gathered {
    rows: BTreeMap<TableDay, Vec<Row>>,
    bytes: usize,
}

impl Rows for Gathered {
    fn add(&mut self, event: &[u8]) -> Result<(), Unfit> {
        self.bytes += event.len();
        let event: Event = serde_json::from_slice(event).map_err(|error| Unfit {
            reason: error.to_string(),
        })?;
        let at = Timestamp::from_millisecond(event.time).unwrap_or(Timestamp::MAX);
        let table = TableDay {
            class: event.class_uid,
            day: casbah_model::cursor::floor(at, SignedDuration::from_hours(24)),
        };
        self.rows.entry(table).or_default().push(Row {
            time: event.time,
            id: event.metadata.uid,
            logged: event.metadata.logged_time,
            processed: event.metadata.processed_time,
        });
        Ok(())
    }

    fn bytes(&self) -> usize {
        self.bytes
    }

    fn sort(self: Box<Self>) -> Vec<(TableDay, Box<dyn Fresh>)> {
        let rows = self.rows.into_iter();
        rows.map(|(table, rows)| (table, Box::new(Day(latest(rows))) as Box<dyn Fresh>))
            .collect()
    }
}

/// Each id once, in the order of a table.
fn latest(rows: Vec<Row>) -> Vec<Row> {
    let mut latest: BTreeMap<String, Row> = BTreeMap::new();
    for row in rows {
        let version = |row: &Row| (row.logged, row.processed);
        match latest.get(&row.id) {
            Some(known) if version(known) >= version(&row) => {}
            _ => drop(latest.insert(row.id.clone(), row)),
        }
    }
    let mut rows: Vec<Row> = latest.into_values().collect();
    rows.sort();
    rows
}

struct Day(Vec<Row>);

impl Fresh for Day {
    fn times(&self) -> Vec<(i64, i64)> {
        let times = self.0.iter().map(|row| (row.logged, row.processed));
        times.collect()
    }

    fn hours(&self) -> Vec<u8> {
        let mut hours: Vec<u8> = self.0.iter().map(|row| hour(row.time)).collect();
        hours.dedup();
        hours
    }

    fn merge(&self, hours: Range<u8>, current: Option<Bytes>) -> Result<Option<Bytes>, TableError> {
        let before = match &current {
            Some(object) => read(object)?,
            None => vec![],
        };
        let new = self.0.iter().filter(|row| hours.contains(&hour(row.time)));
        let merged = latest(before.iter().chain(new).cloned().collect());
        if merged == before {
            return Ok(None);
        }
        let lines = merged.iter().map(|row| {
            let mut line = serde_json::to_string(row).expect("a row is plain");
            line.push('\n');
            line
        });
        Ok(Some(lines.collect::<String>().into()))
    }
}

fn read(object: &Bytes) -> Result<Vec<Row>, TableError> {
    let lines = object.split(|byte| *byte == b'\n');
    let rows = lines
        .filter(|line| !line.is_empty())
        .map(serde_json::from_slice);
    rows.collect::<Result<_, _>>()
        .map_err(|error| TableError::Unreadable(error.into()))
}

fn unreadable(why: &str) -> TableError {
    TableError::Unreadable(why.into())
}

fn hour(ms: i64) -> u8 {
    const HOUR_MS: i64 = 3_600_000;
    ms.div_euclid(HOUR_MS).rem_euclid(24) as u8
}
