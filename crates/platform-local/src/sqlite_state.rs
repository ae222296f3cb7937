//! The table in one SQLite file: conditions and changes are those of the model, inside one SQL transaction.
//!
//! A commit survives the end of the process; after a power cut the newest commits may be missing, the rest is whole.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use casbah_model::ports::{Clock, Query, StateStore, StoreError};
use casbah_model::state::{
    EXPIRES, INDEX_ORDER, INDEX_PARTITION, Item, Key, Keyed, TRANSACTION_WRITES_MAX, Value, Write,
};
use casbah_model::{SignedDuration, Timestamp};
use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{
    Connection, OptionalExtension, Row, ToSql, Transaction, TransactionBehavior, params,
};
use sha2::{Digest, Sha256};

use crate::item_text;
use crate::sqlite_trouble::Trouble;

/// How long a call waits while another process writes to the file.
const BUSY_WAIT: Duration = Duration::from_secs(2);
/// Statements that stay prepared; there are about ten.
const STATEMENTS_MAX: usize = 32;
/// How long a token is remembered (DynamoDB API reference, `TransactWriteItems`, `ClientRequestToken`: ten minutes).
const TOKEN_LIFE: SignedDuration = SignedDuration::from_mins(10);
/// How often old tokens and expired items are looked for.
const HOUSEKEEPING_EVERY: SignedDuration = SignedDuration::from_mins(1);
/// Items deleted in one sweep, so that no transaction waits for a large one.
const SWEEP_MAX: usize = 1000;
/// Keys in one read (DynamoDB API reference, `BatchGetItem`: 100 items).
const READ_MAX: usize = 100;
/// Format of the file; a file with another number is not touched.
const FORMAT: i64 = 1;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS items (
        pk TEXT NOT NULL, sk TEXT NOT NULL, gw TEXT, gk NUMERIC, expires NUMERIC, body TEXT NOT NULL,
        PRIMARY KEY (pk, sk)
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS due ON items (gw, gk) WHERE gw IS NOT NULL AND gk IS NOT NULL;
    CREATE INDEX IF NOT EXISTS expiring ON items (expires) WHERE expires IS NOT NULL;
    CREATE TABLE IF NOT EXISTS tokens (
        token TEXT PRIMARY KEY, digest BLOB NOT NULL, at INTEGER NOT NULL
    ) WITHOUT ROWID;
    PRAGMA user_version = 1;
";

const READ: &str = "SELECT body FROM items WHERE pk = ?1 AND sk = ?2";
const STORE: &str = "
    INSERT INTO items (pk, sk, gw, gk, expires, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
    ON CONFLICT DO UPDATE SET
        gw = excluded.gw, gk = excluded.gk, expires = excluded.expires, body = excluded.body";
const DELETE: &str = "DELETE FROM items WHERE pk = ?1 AND sk = ?2";
const UPWARDS: &str = "
    SELECT pk, sk, body FROM items WHERE pk = ?1 AND sk >= ?2 AND sk < ?3 ORDER BY sk LIMIT ?4";
const DOWNWARDS: &str = "
    SELECT pk, sk, body FROM items WHERE pk = ?1 AND sk >= ?2 AND sk < ?3 ORDER BY sk DESC LIMIT ?4";
const DUE: &str = "
    SELECT pk, sk, body FROM items WHERE gw = ?1 AND gk <= ?2 ORDER BY gk, pk, sk LIMIT ?3";
const SCAN: &str = "
    SELECT pk, sk, body FROM items WHERE (pk, sk) > (?1, ?2) ORDER BY pk, sk LIMIT ?3";
const SWEEP: &str = "
    DELETE FROM items WHERE (pk, sk) IN (SELECT pk, sk FROM items WHERE expires < ?1 LIMIT ?2)";
const REMEMBER: &str = "
    INSERT INTO tokens (token, digest, at) VALUES (?1, ?2, ?3)
    ON CONFLICT DO UPDATE SET digest = excluded.digest, at = excluded.at";

pub struct SqliteState {
    /// The file's path, for messages.
    place: String,
    clock: Arc<dyn Clock>,
    table: Mutex<Table>,
}

struct Table {
    connection: Connection,
    tidied: Timestamp,
}

impl SqliteState {
    /// Opens the file, or makes it in a folder that exists. The clock says how old tokens and items are.
    pub fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<SqliteState, StoreError> {
        SqliteState::new(path.display().to_string(), Connection::open(path), clock)
    }

    /// A table that ends with this value.
    pub fn in_memory(clock: Arc<dyn Clock>) -> Result<SqliteState, StoreError> {
        SqliteState::new("memory".into(), Connection::open_in_memory(), clock)
    }

    /// The same table, each write of which is on the disk when it returns.
    ///
    /// Without it a power cut may take the newest writes back. Nothing would be lost, but a fence would be given out
    /// twice, and the objects written under it would stand in each other's way.
    pub fn with_power_cuts(self) -> Result<SqliteState, StoreError> {
        let full = {
            let table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
            table.connection.pragma_update(None, "synchronous", "FULL")
        };
        match full.map_err(Trouble::from) {
            Ok(()) => Ok(self),
            Err(trouble) => Err(trouble.at(&self.place)),
        }
    }

    fn new(
        place: String,
        opened: rusqlite::Result<Connection>,
        clock: Arc<dyn Clock>,
    ) -> Result<SqliteState, StoreError> {
        match opened.map_err(Trouble::from).and_then(Table::new) {
            Ok(table) => Ok(SqliteState {
                place,
                clock,
                table: Mutex::new(table),
            }),
            Err(trouble) => Err(trouble.at(&place)),
        }
    }

    /// Items in the order of their keys, after one of them: a page of everything there is.
    pub fn scan(&self, after: Option<&Key>, limit: usize) -> Result<Vec<Keyed>, StoreError> {
        // No key is below the pair of empty texts, and none is equal to it.
        let (pk, sk) = after.map_or(("", ""), |key| (&key.pk, &key.sk));
        self.with(|table| table.rows(SCAN, params![pk, sk, rows_max(limit)]))
    }

    /// Deletes items that expired before `now`, up to a limit; returns how many.
    pub fn sweep_expired(&self, now: Timestamp) -> Result<usize, StoreError> {
        self.with(|table| table.sweep_expired(now))
    }

    fn with<T>(
        &self,
        work: impl FnOnce(&mut Table) -> Result<T, Trouble>,
    ) -> Result<T, StoreError> {
        // A panic rolls its transaction back, so the table behind a poisoned lock is whole.
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        work(&mut table).map_err(|trouble| trouble.at(&self.place))
    }
}

#[async_trait]
impl StateStore for SqliteState {
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, StoreError> {
        self.with(|table| {
            if keys.len() > READ_MAX {
                return Err(Trouble::Rejected(format!(
                    "{} keys in one read, the most is {READ_MAX}",
                    keys.len()
                )));
            }
            keys.iter()
                .map(|key| read(&table.connection, key))
                .collect()
        })
    }

    async fn write(&self, write: Write) -> Result<Option<Item>, StoreError> {
        self.with(|table| {
            let transaction = table.begin()?;
            let after = apply(&transaction, 0, &write)?;
            transaction.commit()?;
            Ok(after)
        })
    }

    async fn transact(&self, token: &str, writes: Vec<Write>) -> Result<(), StoreError> {
        let now = self.clock.now();
        self.with(|table| {
            check_shape(&writes)?;
            table.tidy(now)?;
            let transaction = table.begin()?;
            let digest = digest(&writes);
            if is_done(&transaction, token, &digest, now)? {
                return Ok(());
            }
            for (index, write) in writes.iter().enumerate() {
                apply(&transaction, index, write)?;
            }
            transaction.prepare_cached(REMEMBER)?.execute(params![
                token,
                digest,
                now.as_second()
            ])?;
            Ok(transaction.commit()?)
        })
    }

    async fn query(&self, query: Query) -> Result<Vec<Keyed>, StoreError> {
        let Query {
            pk,
            sk_prefix,
            after,
            is_descending,
            limit,
        } = query;
        let mut low = Bound::Text(sk_prefix.clone().into_bytes());
        let mut high = Bound::end_of(sk_prefix);
        match after {
            Some(after) if is_descending => high = high.min(Bound::Text(after.into_bytes())),
            // The smallest text above another is that text and a zero.
            Some(after) => low = low.max(Bound::Text(format!("{after}\0").into_bytes())),
            None => {}
        }
        let sql = if is_descending { DOWNWARDS } else { UPWARDS };
        self.with(|table| table.rows(sql, params![pk, low, high, rows_max(limit)]))
    }

    async fn due(
        &self,
        partition: &str,
        up_to: i64,
        limit: usize,
    ) -> Result<Vec<Keyed>, StoreError> {
        self.with(|table| table.rows(DUE, params![partition, up_to, rows_max(limit)]))
    }
}

impl Table {
    fn new(connection: Connection) -> Result<Table, Trouble> {
        connection.busy_timeout(BUSY_WAIT)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        // Plans do not depend on the values bound, or each new value would prepare its statement again.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        let format: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if ![0, FORMAT].contains(&format) {
            return Err(Trouble::Rejected(format!(
                "the file has format {format}, this program knows {FORMAT}"
            )));
        }
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        if format != FORMAT {
            connection.execute_batch(SCHEMA)?;
        }
        Ok(Table {
            connection,
            tidied: Timestamp::MIN,
        })
    }

    /// Immediate, since a transaction that reads first and writes later can fail half-way against another process.
    fn begin(&mut self) -> Result<Transaction<'_>, Trouble> {
        Ok(self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?)
    }

    fn rows(&self, sql: &str, params: &[&dyn ToSql]) -> Result<Vec<Keyed>, Trouble> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(Keyed {
                key: Key {
                    pk: row.get(0)?,
                    sk: row.get(1)?,
                },
                item: body(row, 2)?,
            });
        }
        Ok(found)
    }

    /// Forgets what has served its time, once in a while.
    fn tidy(&mut self, now: Timestamp) -> Result<(), Trouble> {
        if now.duration_since(self.tidied) < HOUSEKEEPING_EVERY {
            return Ok(());
        }
        let old = (now - TOKEN_LIFE).as_second();
        self.connection
            .prepare_cached("DELETE FROM tokens WHERE at < ?1")?
            .execute([old])?;
        self.sweep_expired(now)?;
        self.tidied = now;
        Ok(())
    }

    fn sweep_expired(&mut self, now: Timestamp) -> Result<usize, Trouble> {
        Ok(self
            .connection
            .prepare_cached(SWEEP)?
            .execute(params![now.as_second(), rows_max(SWEEP_MAX)])?)
    }
}

/// One end of a range of sort keys. SQLite compares texts byte by byte, whether they are UTF-8 or not.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Bound {
    Text(Vec<u8>),
    /// Above every text.
    End,
}

impl Bound {
    /// The first text above everything that begins with the prefix.
    fn end_of(prefix: String) -> Bound {
        let mut bytes = prefix.into_bytes();
        match bytes.last_mut() {
            // No byte of UTF-8 is the largest one, so this does not overflow.
            Some(last) => *last += 1,
            None => return Bound::End,
        }
        Bound::Text(bytes)
    }
}

impl ToSql for Bound {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Bound::Text(bytes) => ValueRef::Text(bytes),
            // SQLite sorts every blob after every text.
            Bound::End => ValueRef::Blob(&[]),
        }))
    }
}

/// Reads the item, checks the condition, stores what the change makes of it and returns that.
fn apply(
    transaction: &Transaction<'_>,
    index: usize,
    write: &Write,
) -> Result<Option<Item>, Trouble> {
    let Write {
        key,
        condition,
        change,
    } = write;
    if key.pk.is_empty() || key.sk.is_empty() {
        return Err(Trouble::Rejected(format!("key {key} has an empty part")));
    }
    let before = read(transaction, key)?;
    if !condition.holds(before.as_ref()) {
        return Err(Trouble::Refused {
            index,
            current: before,
        });
    }
    let after = change.apply(before.as_ref());
    match &after {
        Some(item) if after != before => store(transaction, key, item)?,
        None if before.is_some() => {
            transaction
                .prepare_cached(DELETE)?
                .execute([&key.pk, &key.sk])?;
        }
        _ => {}
    }
    Ok(after)
}

fn read(connection: &Connection, key: &Key) -> Result<Option<Item>, Trouble> {
    let mut statement = connection.prepare_cached(READ)?;
    let mut rows = statement.query([&key.pk, &key.sk])?;
    rows.next()?.map(|row| body(row, 0)).transpose()
}

fn body(row: &Row<'_>, column: usize) -> Result<Item, Trouble> {
    let text = row
        .get_ref(column)?
        .as_str()
        .map_err(rusqlite::Error::from)?;
    Ok(item_text::from_text(text)?)
}

fn store(transaction: &Transaction<'_>, key: &Key, item: &Item) -> Result<(), Trouble> {
    let partition = match item.get(INDEX_PARTITION) {
        Some(Value::String(partition)) => Some(partition.as_str()),
        Some(_) => {
            return Err(Trouble::Rejected(format!(
                "attribute {INDEX_PARTITION} of {key} is not a text"
            )));
        }
        None => None,
    };
    let (order, expires) = (number(key, item, INDEX_ORDER)?, number(key, item, EXPIRES)?);
    let text = item_text::to_text(item)?;
    transaction
        .prepare_cached(STORE)?
        .execute(params![key.pk, key.sk, partition, order, expires, text])?;
    Ok(())
}

/// An attribute that has a column of its own.
fn number(key: &Key, item: &Item, name: &str) -> Result<Option<rusqlite::types::Value>, Trouble> {
    let Some(value) = item.get(name) else {
        return Ok(None);
    };
    let whole = value.as_i64().map(rusqlite::types::Value::Integer);
    let number = whole.or_else(|| value.as_f64().map(rusqlite::types::Value::Real));
    number
        .map(Some)
        .ok_or_else(|| Trouble::Rejected(format!("attribute {name} of {key} is not a number")))
}

/// Refuses what DynamoDB refuses before it looks at any condition.
fn check_shape(writes: &[Write]) -> Result<(), Trouble> {
    if writes.is_empty() || writes.len() > TRANSACTION_WRITES_MAX {
        let count = writes.len();
        return Err(Trouble::Rejected(format!(
            "{count} writes in one transaction, not 1 to {TRANSACTION_WRITES_MAX}"
        )));
    }
    let mut keys = BTreeSet::new();
    match writes.iter().find(|write| !keys.insert(&write.key)) {
        Some(twice) => Err(Trouble::Rejected(format!(
            "two writes of {} in one transaction",
            twice.key
        ))),
        None => Ok(()),
    }
}

/// Whether this transaction was done a short while ago.
fn is_done(
    transaction: &Transaction<'_>,
    token: &str,
    digest: &[u8],
    now: Timestamp,
) -> Result<bool, Trouble> {
    let mut statement =
        transaction.prepare_cached("SELECT digest FROM tokens WHERE token = ?1 AND at > ?2")?;
    let oldest = (now - TOKEN_LIFE).as_second();
    let known: Option<Vec<u8>> = statement
        .query_row(params![token, oldest], |row| row.get(0))
        .optional()?;
    match known {
        Some(known) if known != digest => Err(Trouble::Rejected(format!(
            "token {token} was used for other writes"
        ))),
        known => Ok(known.is_some()),
    }
}

fn digest(writes: &[Write]) -> Vec<u8> {
    // The derived output names every part of a write, in an order that is always the same.
    Sha256::digest(format!("{writes:?}")).to_vec()
}

fn rows_max(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
