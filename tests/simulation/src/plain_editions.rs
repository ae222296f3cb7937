//! Editions in a form that costs nothing: one JSON document, made in memory by the plainest rules.

use std::collections::BTreeMap;

use bytes::Bytes;
use casbah_model::Timestamp;
use casbah_model::tables::{Current, Edition, Part, Shown, State, TableError};
use serde::{Deserialize, Serialize};

#[derive(Clone, Default, Serialize, Deserialize)]
struct Document {
    shown: Shown,
    rows: Vec<Row>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Row {
    part: String,
    id: String,
    from: Timestamp,
    to: Option<Timestamp>,
    state: i64,
    told: Timestamp,
}

pub struct PlainEdition {
    before: Document,
    next: Document,
    ended: Vec<Row>,
}

impl PlainEdition {
    pub fn new(current: Option<Bytes>, at: Timestamp) -> Result<PlainEdition, TableError> {
        let before = current.as_ref().map(read).transpose()?.unwrap_or_default();
        let mut next = Document::default();
        next.shown.at = at.max(before.shown.at + std::time::Duration::from_millis(1));
        Ok(PlainEdition {
            before,
            next,
            ended: vec![],
        })
    }

    /// The current rows of a part of the edition before, by id.
    fn known(&self, name: &str) -> BTreeMap<String, Row> {
        let rows = self.before.rows.iter();
        let rows = rows.filter(|row| row.part == name && row.to.is_none());
        rows.map(|row| (row.id.clone(), row.clone())).collect()
    }
}

impl Edition for PlainEdition {
    fn before(&self) -> &Shown {
        &self.before.shown
    }

    fn keep(&mut self, name: &str) -> Result<(), TableError> {
        let part = self.before.shown.parts.iter();
        let part = part.clone().find(|part| part.name == name);
        let part = part.ok_or_else(|| TableError::Unreadable("it has no such part".into()))?;
        self.next.shown.parts.push(part.clone());
        self.next.rows.extend(self.known(name).into_values());
        Ok(())
    }

    fn begin(&mut self, name: &str, version: &str) -> Result<(), TableError> {
        self.next.shown.parts.push(Part {
            name: name.into(),
            version: version.into(),
            rows: 0,
        });
        Ok(())
    }

    fn add(&mut self, row: &Current<'_>) -> Result<(), TableError> {
        let part = self.next.shown.parts.last_mut().expect("a part was begun");
        part.rows += 1;
        let part = part.name.clone();
        let from = match self.known(&part).remove(row.id) {
            Some(known) if known.state == row.state => known.from,
            Some(known) => {
                let changed = match row.told > known.told {
                    true => row.told,
                    false => self.next.shown.at,
                };
                let from = changed.max(known.from + std::time::Duration::from_millis(1));
                let to = Some(from);
                self.ended.push(Row { to, ..known });
                from
            }
            None => {
                let mut parts = self.before.shown.parts.iter();
                match parts.any(|known| known.name == part) {
                    true => row.told.max(self.before.shown.at),
                    false => row.told,
                }
            }
        };
        self.next.rows.push(Row {
            part,
            id: row.id.into(),
            from,
            to: None,
            state: row.state,
            told: row.told,
        });
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Bytes, TableError> {
        for part in &self.before.shown.parts {
            if !self
                .next
                .shown
                .parts
                .iter()
                .any(|new| new.name == part.name)
            {
                self.next.shown.parts.push(Part {
                    version: String::new(),
                    rows: 0,
                    ..part.clone()
                });
            }
        }
        self.next.shown.parts.sort_by(|a, b| a.name.cmp(&b.name));
        for row in self.before.rows.iter().filter(|row| row.to.is_none()) {
            let is_it = |new: &Row| new.part == row.part && new.id == row.id;
            if !self.next.rows.iter().any(is_it) {
                let to = Some(self.next.shown.at);
                self.ended.push(Row { to, ..row.clone() });
            }
        }
        self.next.shown.ended = self.ended.len() as u64;
        self.next.rows.append(&mut self.ended);
        Ok(written(&self.next))
    }
}

pub fn ended(edition: &Bytes, before: Option<Bytes>) -> Result<Option<Bytes>, TableError> {
    let edition = read(edition)?;
    let mut ended = before.as_ref().map(read).transpose()?.unwrap_or_default();
    if edition.shown.ended == 0 || ended.shown.at >= edition.shown.at {
        return Ok(None);
    }
    let new = edition.rows.into_iter().filter(|row| row.to.is_some());
    ended.rows.extend(new);
    ended.shown = Shown {
        at: edition.shown.at,
        parts: vec![],
        ended: ended.rows.len() as u64,
    };
    Ok(Some(written(&ended)))
}

pub fn shown(object: &Bytes) -> Result<Shown, TableError> {
    read(object).map(|document| document.shown)
}

pub fn states(object: &Bytes) -> Result<Vec<State>, TableError> {
    let rows = read(object)?.rows.into_iter().map(|row| State {
        id: row.id,
        from: row.from,
        to: row.to,
        state: row.state,
    });
    Ok(rows.collect())
}

fn read(object: &Bytes) -> Result<Document, TableError> {
    serde_json::from_slice(object).map_err(|error| TableError::Unreadable(error.into()))
}

fn written(document: &Document) -> Bytes {
    serde_json::to_vec(document).expect("it is plain").into()
}
