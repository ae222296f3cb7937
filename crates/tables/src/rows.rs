//! Rows that are being gathered, class by class.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow_array::RecordBatch;
use casbah_model::tables::{Fresh, Rows, TableDay, Unfit};
use casbah_model::{SignedDuration, Timestamp};
use casbah_ocsf::class::Class;
use serde::Deserialize;

use crate::column::Object;
use crate::merge::{Keys, NewRows};
use crate::schema::{fields, schema};

#[derive(Default)]
pub(crate) struct Open {
    classes: BTreeMap<Class, Gathered>,
    bytes: usize,
}

/// The rows of one class; those that broke off are named.
struct Gathered {
    columns: Object,
    broken: Vec<u32>,
}

impl Rows for Open {
    fn add(&mut self, event: &[u8]) -> Result<(), Unfit> {
        let class = class_of(event)?;
        let gathered = self.classes.entry(class).or_insert_with(|| Gathered {
            columns: Object::new(&fields(class)),
            broken: vec![],
        });
        let row = gathered.columns.len();
        gathered.columns.push(event).map_err(|error| {
            gathered.broken.push(row as u32);
            // What serde says may quote the event.
            unfit(&format!("it is no JSON from column {} on", error.column()))
        })?;
        self.bytes += event.len();
        Ok(())
    }

    fn bytes(&self) -> usize {
        self.bytes
    }

    fn sort(self: Box<Self>) -> Vec<(TableDay, Box<dyn Fresh>)> {
        let sorted = self.classes.into_iter().map(|(class, gathered)| {
            let broken = gathered.broken;
            let batch = gathered.columns.rows();
            debug_assert_eq!(batch.schema(), schema(class));
            days(class, batch, &broken)
        });
        sorted.flatten().collect()
    }
}

fn unfit(reason: &str) -> Unfit {
    Unfit {
        reason: reason.into(),
    }
}

/// Our events begin with their class; of others it is looked for.
fn class_of(event: &[u8]) -> Result<Class, Unfit> {
    #[derive(Deserialize)]
    struct Head {
        class_uid: u32,
    }
    let number = match number_at_start(event) {
        Some(number) => number,
        None => {
            let head: Head =
                serde_json::from_slice(event).map_err(|_| unfit("it names no class"))?;
            head.class_uid
        }
    };
    Class::of(number).ok_or_else(|| unfit(&format!("there is no table for class {number}")))
}

fn number_at_start(event: &[u8]) -> Option<u32> {
    let rest = event.strip_prefix(b"{\"class_uid\":")?;
    let end = rest.iter().position(|byte| !byte.is_ascii_digit())?;
    std::str::from_utf8(&rest[..end]).ok()?.parse().ok()
}

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// The rows of each day, in the order of the table, each id once.
fn days(class: Class, batch: RecordBatch, broken: &[u32]) -> Vec<(TableDay, Box<dyn Fresh>)> {
    let keys = Keys::of(&batch);
    let mut latest: HashMap<&str, u32> = HashMap::new();
    for row in 0..batch.num_rows() as u32 {
        if broken.contains(&row) || !keys.is_whole(row) {
            continue;
        }
        let known = latest.entry(keys.id(row)).or_insert(row);
        if keys.version(row) > keys.version(*known) {
            *known = row;
        }
    }
    let mut rows: Vec<u32> = latest.into_values().collect();
    rows.sort_unstable_by(|a, b| keys.order(*a).cmp(&keys.order(*b)));
    let batch = Arc::new(batch.clone());
    let days = rows.chunk_by(|a, b| day(keys.time(*a)) == day(keys.time(*b)));
    days.map(|rows| {
        let day = day(keys.time(rows[0]));
        let fresh = NewRows::new(class, Arc::clone(&batch), rows.to_vec());
        let class = class.uid();
        (TableDay { class, day }, Box::new(fresh) as Box<dyn Fresh>)
    })
    .collect()
}

fn day(ms: i64) -> Timestamp {
    let at = Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX);
    casbah_model::cursor::floor(at, DAY)
}
