//! Columns that are being filled from JSON, value by value, without a tree in between.
//!
//! Our own events fit. What does not fit a column, because another version wrote it, is left empty there.

use std::fmt;
use std::sync::Arc;

use arrow_array::builder::{
    ArrayBuilder, BooleanBuilder, Int32Builder, Int64Builder, StringBuilder,
    TimestampMillisecondBuilder,
};
use arrow_array::{
    Array, ArrayRef, ListArray, RecordBatch, StructArray, TimestampMillisecondArray,
};
use arrow_buffer::{NullBufferBuilder, OffsetBuffer};
use arrow_schema::{Field as ArrowField, Fields, Schema};
use casbah_model::Timestamp;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::schema::{Field, Shape};

/// A column, or several that belong together.
pub(crate) enum Column {
    Text(StringBuilder),
    Int(Int32Builder),
    Long(Int64Builder),
    Flag(BooleanBuilder),
    Json(StringBuilder),
    /// Made of `time` when all is read.
    Moment,
    When(TimestampMillisecondBuilder),
    Object(Object),
    List(List),
}

pub(crate) struct Object {
    names: Vec<&'static str>,
    columns: Vec<Column>,
    is_there: NullBufferBuilder,
}

pub(crate) struct List {
    item: Box<Column>,
    ends: Vec<i32>,
    is_there: NullBufferBuilder,
}

impl Column {
    fn new(shape: &Shape) -> Column {
        match shape {
            Shape::Text => Column::Text(StringBuilder::new()),
            Shape::Int => Column::Int(Int32Builder::new()),
            Shape::Long => Column::Long(Int64Builder::new()),
            Shape::Flag => Column::Flag(BooleanBuilder::new()),
            Shape::Json => Column::Json(StringBuilder::new()),
            Shape::Moment => Column::Moment,
            Shape::When => Column::When(TimestampMillisecondBuilder::new().with_timezone("UTC")),
            Shape::Object(fields) => Column::Object(Object::new(fields)),
            Shape::List(item) => Column::List(List {
                item: Box::new(Column::new(item)),
                ends: vec![0],
                is_there: NullBufferBuilder::new(0),
            }),
        }
    }

    fn push_nothing(&mut self) {
        match self {
            Column::Text(values) | Column::Json(values) => values.append_null(),
            Column::Int(values) => values.append_null(),
            Column::Long(values) => values.append_null(),
            Column::Flag(values) => values.append_null(),
            Column::Moment => {}
            Column::When(values) => values.append_null(),
            Column::Object(object) => {
                object.columns.iter_mut().for_each(Column::push_nothing);
                object.is_there.append_null();
            }
            Column::List(list) => {
                list.ends.push(list.end());
                list.is_there.append_null();
            }
        }
    }

    fn len(&self) -> usize {
        match self {
            Column::Text(values) | Column::Json(values) => values.len(),
            Column::Int(values) => values.len(),
            Column::Long(values) => values.len(),
            Column::Flag(values) => values.len(),
            Column::Moment => 0,
            Column::When(values) => values.len(),
            Column::Object(object) => object.is_there.len(),
            Column::List(list) => list.is_there.len(),
        }
    }

    /// Ends a row that broke off: every column has `rows` values then.
    fn level(&mut self, rows: usize) {
        if let Column::Object(object) = self {
            object.level(rows);
            return;
        }
        if let Column::List(list) = self {
            // Items that were read stay, in a list that ends with them.
            list.item.level(list.item.longest());
            if list.is_there.len() < rows {
                list.ends.push(count(list.item.len()));
                list.is_there.append_null();
            }
        }
        while !matches!(self, Column::Moment) && self.len() < rows {
            self.push_nothing();
        }
    }

    /// Values of the longest column within.
    fn longest(&self) -> usize {
        match self {
            Column::Object(object) => object.columns.iter().map(Column::longest).max(),
            other => Some(other.len()),
        }
        .unwrap_or_default()
    }

    fn finish(self) -> ArrayRef {
        match self {
            Column::Text(mut values) | Column::Json(mut values) => Arc::new(values.finish()),
            Column::Int(mut values) => Arc::new(values.finish()),
            Column::Long(mut values) => Arc::new(values.finish()),
            Column::Flag(mut values) => Arc::new(values.finish()),
            Column::Moment => unreachable!("only the event itself has a moment, and makes it"),
            Column::When(mut values) => Arc::new(values.finish()),
            Column::Object(object) => Arc::new(object.finish()),
            Column::List(list) => Arc::new(list.finish()),
        }
    }
}

impl Object {
    pub(crate) fn new(fields: &[Field]) -> Object {
        Object {
            names: fields.iter().map(|field| field.name).collect(),
            columns: fields
                .iter()
                .map(|field| Column::new(&field.shape))
                .collect(),
            is_there: NullBufferBuilder::new(0),
        }
    }

    /// Where a name stands, looked for first where it is likely.
    fn place(&self, name: &str, likely: usize) -> Option<usize> {
        let is_it = |at: &usize| self.names[*at] == name;
        let count = self.names.len();
        (likely..count).chain(0..likely.min(count)).find(is_it)
    }

    pub(crate) fn len(&self) -> usize {
        self.is_there.len()
    }

    /// Adds one row, read from a JSON object. After an error the row is there, with what was read before it.
    pub(crate) fn push(&mut self, json: &[u8]) -> Result<(), serde_json::Error> {
        let rows = self.len() + 1;
        let mut reader = serde_json::Deserializer::from_slice(json);
        let read = reader
            .deserialize_map(Members(self))
            .and_then(|()| reader.end());
        if read.is_err() {
            self.level(rows);
        }
        read
    }

    fn level(&mut self, rows: usize) {
        self.columns
            .iter_mut()
            .for_each(|column| column.level(rows));
        while self.len() < rows {
            self.is_there.append_null();
        }
    }

    /// The rows, if this is what whole rows are.
    pub(crate) fn rows(self) -> RecordBatch {
        // A row is always there, whatever could be read of it.
        let (fields, columns, _) = self.finish().into_parts();
        let schema = Arc::new(Schema::new(fields));
        RecordBatch::try_new(schema, columns).expect("columns of one length")
    }

    fn finish(self) -> StructArray {
        let Object {
            names,
            columns,
            mut is_there,
        } = self;
        let count = is_there.len();
        let is_there = is_there.finish();
        let time = names.iter().position(|name| *name == "time");
        let mut arrays: Vec<Option<ArrayRef>> = columns
            .into_iter()
            .map(|column| match column {
                Column::Moment => None,
                column => Some(column.finish()),
            })
            .collect();
        let moment = time.and_then(|at| arrays[at].as_ref()).map(moment);
        for array in &mut arrays {
            if array.is_none() {
                array.clone_from(&moment);
            }
        }
        let arrays: Vec<ArrayRef> = arrays
            .into_iter()
            .map(|array| array.expect("what has a moment has a time"))
            .collect();
        let fields: Fields = names
            .iter()
            .zip(&arrays)
            .map(|(name, array)| ArrowField::new(*name, array.data_type().clone(), true))
            .collect();
        debug_assert!(arrays.iter().all(|array| array.len() == count));
        StructArray::new(fields, arrays, is_there)
    }
}

fn moment(time: &ArrayRef) -> ArrayRef {
    let time = time
        .as_any()
        .downcast_ref::<arrow_array::Int64Array>()
        .expect("times are long numbers");
    let moments = TimestampMillisecondArray::new(time.values().clone(), time.nulls().cloned());
    Arc::new(moments.with_timezone("UTC"))
}

fn count(items: usize) -> i32 {
    // Rows are held in memory, so they are far fewer.
    i32::try_from(items).expect("less than 2 GB of items")
}

impl List {
    fn end(&self) -> i32 {
        *self.ends.last().expect("a list begins at 0")
    }

    fn finish(mut self) -> ListArray {
        let values = self.item.finish();
        let item = ArrowField::new("element", values.data_type().clone(), true);
        let offsets = OffsetBuffer::new(self.ends.into());
        ListArray::new(Arc::new(item), offsets, values, self.is_there.finish())
    }
}

/// Reads one value into a column.
impl<'de> DeserializeSeed<'de> for &mut Column {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        match self {
            Column::Json(values) => {
                let raw = <&RawValue>::deserialize(reader)?;
                match raw.get() {
                    "null" => values.append_null(),
                    text => values.append_value(text),
                }
                Ok(())
            }
            column => reader.deserialize_any(Value(column)),
        }
    }
}

struct Value<'c>(&'c mut Column);

impl Value<'_> {
    fn text(self, text: &str) {
        match self.0 {
            Column::Text(values) => values.append_value(text),
            Column::Int(values) => values.append_option(text.parse().ok()),
            Column::Long(values) => values.append_option(text.parse().ok()),
            Column::When(values) => {
                let at: Option<Timestamp> = text.parse().ok();
                values.append_option(at.map(Timestamp::as_millisecond));
            }
            other => other.push_nothing(),
        }
    }

    fn number(self, number: i64) {
        match self.0 {
            Column::Text(values) => values.append_value(number.to_string()),
            Column::Int(values) => values.append_option(i32::try_from(number).ok()),
            Column::Long(values) => values.append_value(number),
            Column::When(values) => values.append_value(number),
            other => other.push_nothing(),
        }
    }
}

impl<'de> Visitor<'de> for Value<'_> {
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
        match self.0 {
            Column::Flag(values) => values.append_value(flag),
            other => Value(other).text(if flag { "true" } else { "false" }),
        }
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.0.push_nothing();
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        match self.0 {
            Column::Object(object) => Members(object).visit_map(members),
            other => {
                other.push_nothing();
                while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(())
            }
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        match self.0 {
            Column::List(list) => {
                while items.next_element_seed(&mut *list.item)?.is_some() {}
                list.ends.push(count(list.item.len()));
                list.is_there.append_non_null();
            }
            other => {
                other.push_nothing();
                while items.next_element::<IgnoredAny>()?.is_some() {}
            }
        }
        Ok(())
    }
}

/// Reads the members of an object into its columns, in whatever order they come; of one that repeats the first counts.
struct Members<'c>(&'c mut Object);

impl<'de> Visitor<'de> for Members<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let object = self.0;
        let mut filled = 0_u64;
        let mut likely = 0;
        while let Some(place) = members.next_key_seed(Name(object, likely))? {
            match place {
                Some(at) if filled & (1 << at) == 0 => {
                    members.next_value_seed(&mut object.columns[at])?;
                    filled |= 1 << at;
                    likely = at + 1;
                }
                _ => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        for (at, column) in object.columns.iter_mut().enumerate() {
            if filled & (1 << at) == 0 {
                column.push_nothing();
            }
        }
        object.is_there.append_non_null();
        Ok(())
    }
}

/// Finds the column of a name without keeping the name.
struct Name<'c>(&'c Object, usize);

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
        Ok(self.0.place(name, self.1))
    }
}
