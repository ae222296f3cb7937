//! Rows that are being gathered, class by class.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use casbah_model::tables::{Fresh, Rows, TableDay, Unfit};
use casbah_model::{SignedDuration, Timestamp};
use casbah_ocsf::class::Class;
use serde::Deserialize;

use crate::columns::Columns;
use crate::json::Filling;
use crate::merge::{Keys, NewRows};
use crate::schema::fields;
use crate::table::Table;

#[derive(Default)]
pub(crate) struct Open {
    classes: BTreeMap<Class, Gathered>,
    bytes: usize,
}

/// The rows of one class.
struct Gathered {
    table: Arc<Table>,
    rows: Filling,
}

impl Rows for Open {
    fn add(&mut self, event: &[u8]) -> Result<(), Unfit> {
        let class = class_of(event)?;
        let gathered = self.classes.entry(class).or_insert_with(|| {
            let table = Table::new(&fields(class));
            let rows = Filling::new(&table);
            Gathered { table, rows }
        });
        // What serde says may quote the event.
        let reason = |error: serde_json::Error| {
            unfit(&format!("it is no JSON from column {} on", error.column()))
        };
        gathered.rows.push(event).map_err(reason)?;
        self.bytes += event.len();
        Ok(())
    }

    fn bytes(&self) -> usize {
        self.bytes
    }

    fn sort(self: Box<Self>) -> Vec<(TableDay, Box<dyn Fresh>)> {
        let classes = self.classes.into_iter();
        classes
            .flat_map(|(class, gathered)| {
                let columns = Arc::new(gathered.rows.finish());
                days(class, &gathered.table, &columns)
            })
            .collect()
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
fn days(
    class: Class,
    table: &Arc<Table>,
    columns: &Arc<Columns>,
) -> Vec<(TableDay, Box<dyn Fresh>)> {
    let keys = Keys::new(table);
    let mut latest: HashMap<&[u8], u32> = HashMap::with_capacity(columns.rows);
    for row in 0..columns.rows as u32 {
        let Some(id) = keys
            .id(columns, row)
            .filter(|_| keys.has_time(columns, row))
        else {
            continue;
        };
        let known = latest.entry(id).or_insert(row);
        if keys.version(columns, row) > keys.version(columns, *known) {
            *known = row;
        }
    }
    let mut rows: Vec<u32> = latest.into_values().collect();
    rows.sort_unstable_by(|a, b| keys.order(columns, *a).cmp(&keys.order(columns, *b)));
    let day = |row: &u32| day(keys.time(columns, *row));
    let days = rows.chunk_by(|a, b| day(a) == day(b));
    days.map(|rows| {
        let day = TableDay {
            class: class.uid(),
            day: day(&rows[0]),
        };
        let fresh = NewRows::new(table, columns, rows.to_vec());
        (day, Box::new(fresh) as Box<dyn Fresh>)
    })
    .collect()
}

fn day(ms: i64) -> Timestamp {
    let at = Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX);
    casbah_model::cursor::floor(at, DAY)
}
