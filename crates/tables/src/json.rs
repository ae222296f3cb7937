//! Rows that are being filled from JSON, value by value, without a tree in between.
//!
//! Our own events fit. What does not fit a column, because another version wrote it, is left empty there.

use std::fmt;
use std::sync::Arc;

use casbah_model::Timestamp;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::columns::{self, Columns, Entry, Lists};
use crate::schema::Shape;
use crate::table::{Leaf, Node, Object, Table};
use crate::values::{self, Dictionary};

/// Rows of one table, of which more can be added.
pub(crate) struct Filling {
    table: Arc<Table>,
    rows: usize,
    columns: Vec<Column>,
}

#[derive(Default)]
struct Column {
    entries: Vec<Entry>,
    lists: Option<Lists>,
    values: Dictionary,
}

impl Column {
    #[inline]
    fn push(&mut self, entry: Entry, at: At) {
        match &mut self.lists {
            // Rows in which nothing on the way was there were passed in silence.
            None => self.entries.resize(at.row, Entry::ABSENT),
            Some(lists) => {
                while lists.starts.len() < at.row {
                    lists.push(0, self.entries.len());
                    self.entries.push(Entry::ABSENT);
                }
                lists.push(at.repetition, self.entries.len());
            }
        }
        self.entries.push(entry);
    }

    /// Takes back what was added behind so many rows.
    fn cut(&mut self, rows: usize) {
        let end = match &mut self.lists {
            None => rows,
            Some(lists) => {
                let end = lists.starts.get(rows).map(|start| *start as usize);
                lists.starts.truncate(rows);
                lists.levels.truncate(end.unwrap_or(usize::MAX));
                end.unwrap_or(usize::MAX)
            }
        };
        self.entries.truncate(end);
    }
}

/// Where a value goes.
#[derive(Clone, Copy)]
struct At {
    row: usize,
    repetition: u8,
}

impl Filling {
    pub(crate) fn new(table: &Arc<Table>) -> Filling {
        let column = |column: &crate::table::Column| Column {
            lists: (column.repetition > 0).then(Lists::default),
            ..Column::default()
        };
        Filling {
            rows: 0,
            columns: table.columns.iter().map(column).collect(),
            table: Arc::clone(table),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.rows
    }

    /// Adds one row, read from a JSON object. After an error the rows are what they were.
    pub(crate) fn push(&mut self, json: &[u8]) -> Result<(), serde_json::Error> {
        let table = Arc::clone(&self.table);
        let at = At {
            row: self.rows,
            repetition: 0,
        };
        let members = Members {
            object: &table.root,
            columns: &mut self.columns,
            at,
        };
        let read = match std::str::from_utf8(json) {
            Ok(json) => read(serde_json::Deserializer::from_str(json), members),
            // It says where.
            Err(_) => read(serde_json::Deserializer::from_slice(json), members),
        };
        match read {
            Ok(()) => self.rows += 1,
            Err(_) => self
                .columns
                .iter_mut()
                .for_each(|column| column.cut(at.row)),
        }
        read
    }

    pub(crate) fn finish(self) -> Columns {
        let leaf = |column: Column| columns::Leaf {
            entries: column.entries,
            lists: column.lists,
            values: column.values.into_values(),
        };
        let mut leaves: Vec<columns::Leaf> = self.columns.into_iter().map(leaf).collect();
        for member in &self.table.root.members {
            if let Node::Leaf(Leaf {
                column,
                shape: Shape::Moment,
                ..
            }) = member
            {
                leaves[*column] = leaves[self.table.column("time")].clone();
            }
        }
        Columns {
            rows: self.rows,
            leaves,
        }
    }
}

fn read<'de, R: serde_json::de::Read<'de>>(
    mut reader: serde_json::Deserializer<R>,
    members: Members<'_>,
) -> Result<(), serde_json::Error> {
    reader.deserialize_map(members)?;
    reader.end()
}

/// Says in all columns of an attribute that it is not there.
fn push_nothing(node: &Node, columns: &mut [Column], at: At) {
    let entry = Entry::empty(node.outside());
    for column in &mut columns[node.columns()] {
        column.push(entry, at);
    }
}

/// Reads one value into the columns of an attribute.
struct Target<'c> {
    node: &'c Node,
    columns: &'c mut [Column],
    at: At,
}

impl<'de> DeserializeSeed<'de> for Target<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        let Node::Leaf(
            leaf @ Leaf {
                shape: Shape::Json, ..
            },
        ) = self.node
        else {
            return reader.deserialize_any(self);
        };
        let raw = <&RawValue>::deserialize(reader)?;
        match raw.get() {
            "null" => self.nothing(),
            text => self.value(leaf, Some(values::Value::Text(text.as_bytes()))),
        }
        Ok(())
    }
}

impl Target<'_> {
    fn nothing(self) {
        push_nothing(self.node, self.columns, self.at);
    }

    fn value(self, leaf: &Leaf, value: Option<values::Value<'_>>) {
        let Some(value) = value else {
            return self.nothing();
        };
        let column = &mut self.columns[leaf.column];
        let place = match leaf.shape {
            Shape::Json => column.values.add(value),
            _ => column.values.place(value).0,
        };
        column.push(Entry::value(place), self.at);
    }

    fn text(self, text: &str) {
        let Node::Leaf(leaf) = self.node else {
            return self.nothing();
        };
        let number = match leaf.shape {
            Shape::Text => {
                return self.value(leaf, Some(values::Value::Text(text.as_bytes())));
            }
            Shape::Int => text.parse::<i32>().ok().map(i64::from),
            Shape::Long => text.parse().ok(),
            Shape::When => text.parse().ok().map(Timestamp::as_millisecond),
            _ => None,
        };
        self.value(leaf, number.map(values::Value::Number));
    }

    fn number(self, number: i64) {
        let Node::Leaf(leaf) = self.node else {
            return self.nothing();
        };
        let number = match leaf.shape {
            Shape::Text => return self.text(&number.to_string()),
            Shape::Int => i32::try_from(number).ok().map(i64::from),
            Shape::Long | Shape::When => Some(number),
            _ => None,
        };
        self.value(leaf, number.map(values::Value::Number));
    }
}

impl<'de> Visitor<'de> for Target<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.text(text);
        Ok(())
    }

    fn visit_i64<E>(self, number: i64) -> Result<(), E> {
        self.number(number);
        Ok(())
    }

    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        match i64::try_from(number) {
            Ok(number) => self.number(number),
            Err(_) => self.text(&number.to_string()),
        }
        Ok(())
    }

    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        self.text(&number.to_string());
        Ok(())
    }

    fn visit_bool<E>(self, flag: bool) -> Result<(), E> {
        match self.node {
            Node::Leaf(
                leaf @ Leaf {
                    shape: Shape::Flag, ..
                },
            ) => {
                self.value(leaf, Some(values::Value::Number(flag.into())));
            }
            _ => self.text(if flag { "true" } else { "false" }),
        }
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.nothing();
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        match self.node {
            Node::Object(object) => Members {
                object,
                columns: self.columns,
                at: self.at,
            }
            .visit_map(members),
            _ => {
                self.nothing();
                while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(())
            }
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Node::List(list) = self.node else {
            self.nothing();
            while items.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(());
        };
        let columns = self.columns;
        let mut at = self.at;
        let mut is_empty = true;
        loop {
            let item = Target {
                node: &list.item,
                columns: &mut *columns,
                at,
            };
            if items.next_element_seed(item)?.is_none() {
                break;
            }
            at.repetition = list.repetition;
            is_empty = false;
        }
        if is_empty {
            let entry = Entry::empty(list.definition);
            for column in &mut columns[list.columns.clone()] {
                column.push(entry, at);
            }
        }
        Ok(())
    }
}

/// Reads the members of an object into its columns, in whatever order they come; of one that repeats the first counts.
struct Members<'c> {
    object: &'c Object,
    columns: &'c mut [Column],
    at: At,
}

impl<'de> Visitor<'de> for Members<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let Members {
            object,
            columns,
            at,
        } = self;
        let mut filled = 0_u64;
        let mut likely = 0;
        while let Some(place) = members.next_key_seed(Name(object, likely))? {
            match place {
                Some(place) if filled & (1 << place) == 0 => {
                    members.next_value_seed(Target {
                        node: &object.members[place],
                        columns: &mut *columns,
                        at,
                    })?;
                    filled |= 1 << place;
                    likely = place + 1;
                }
                _ => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        // Of the event itself nothing needs to be said: what is not there was not even begun.
        if object.definition > 0 {
            for (place, member) in object.members.iter().enumerate() {
                if filled & (1 << place) == 0 {
                    push_nothing(member, columns, at);
                }
            }
        }
        Ok(())
    }
}

/// Finds the attribute of a name without keeping the name.
struct Name<'c>(&'c Object, usize);

impl Name<'_> {
    /// Where a name stands, looked for first where it is likely.
    fn place(&self, name: &str) -> Option<usize> {
        let Name(object, likely) = *self;
        let is_it = |at: &usize| object.names[*at] == name;
        let count = object.names.len();
        (likely..count).chain(0..likely.min(count)).find(is_it)
    }
}

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Option<usize>, D::Error> {
        reader.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Option<usize>, E> {
        Ok(self.place(name))
    }
}
