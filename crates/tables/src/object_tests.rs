//! Objects that are there already: those of earlier versions, and those that are added to.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::tests::{event, merge, metadata, read, sorted, texts};

/// An object as earlier versions wrote it, of these columns and with small pages.
fn written_before(rows: &RecordBatch) -> Bytes {
    let level = ZstdLevel::try_new(1).expect("a level");
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_data_page_size_limit(300)
        .set_dictionary_page_size_limit(300)
        .set_write_batch_size(16)
        .set_offset_index_disabled(true);
    let options = ArrowWriterOptions::new()
        .with_properties(properties.build())
        .with_skip_arrow_metadata(true);
    let writer = ArrowWriter::try_new_with_options(Vec::new(), rows.schema(), options);
    let mut writer = writer.expect("a writer");
    writer.write(rows).expect("it writes");
    writer.into_inner().expect("an object").into()
}

/// Events of which some have much, and some have little.
fn uneven(count: i64) -> Vec<String> {
    let events = (0..count).map(|number| {
        let event = event(3002, &format!("id-{number}"), number, 1);
        match number % 5 {
            0 => event.replace("\"observables\":[", "\"observables\":[null,{},"),
            1 => event.replace("[\"cloud\",\"host\"]", "[]"),
            2 => event.replace("\"actor\":", "\"is_mfa\":true,\"user\":{},\"actor\":"),
            3 => event.replace("\"observables\":", "\"nothing\":"),
            _ => event,
        }
    });
    events.collect()
}

#[test]
fn an_object_of_an_earlier_version_is_read_and_gets_the_new_columns() {
    let mut lake = BTreeMap::new();
    let events = uneven(400);
    merge(&mut lake, &events);
    let (part, object) = lake.pop_first().expect("a part");
    let rows = read(&object);
    let later = ["status_code", "user", "observables"];
    for later in [&later[..0], &later] {
        let kept: Vec<usize> = (0..rows.num_columns())
            .filter(|at| !later.contains(&rows.schema().field(*at).name().as_str()))
            .collect();
        let old = rows.project(&kept).expect("fewer columns");
        let mut lake = BTreeMap::from([(part, written_before(&old))]);
        merge(&mut lake, &[event(3002, "b", 2, 1)]);
        let found = read(&lake[&part]);
        assert_eq!(found.num_rows(), 401);
        assert_eq!(found.schema(), rows.schema());
        let ids = texts(&found, &["metadata", "uid"]);
        let at = ids.iter().position(|id| id.as_deref() == Some("b"));
        let at = at.expect("the new row");
        for name in kept
            .iter()
            .map(|at| rows.schema().field(*at).name().clone())
        {
            let without = found.column_by_name(&name).expect("the column");
            let before = rows.column_by_name(&name).expect("the column");
            assert_eq!(&without.slice(0, at), &before.slice(0, at), "{name}");
            let (rest, count) = (at + 1, 400 - at);
            assert_eq!(
                &without.slice(rest, count),
                &before.slice(at, count),
                "{name}"
            );
        }
        for name in later {
            let column = found.column_by_name(name).expect("the column");
            let others = (0..401).filter(|row| *row != at);
            assert!(others.into_iter().all(|row| column.is_null(row)), "{name}");
        }
    }
}

#[test]
fn members_that_an_earlier_version_did_not_have_are_empty_where_the_rest_is() {
    use arrow_array::{ArrayRef, ListArray, StructArray};

    let mut lake = BTreeMap::new();
    merge(&mut lake, &uneven(50));
    let (part, object) = lake.pop_first().expect("a part");
    let rows = read(&object);
    let without = |object: &StructArray, name: &str| {
        let (fields, columns, nulls) = object.clone().into_parts();
        let kept: Vec<usize> = (0..fields.len())
            .filter(|at| fields[*at].name() != name)
            .collect();
        let fields = kept.iter().map(|at| fields[*at].clone()).collect();
        let columns = kept.iter().map(|at| columns[*at].clone()).collect();
        StructArray::new(fields, columns, nulls)
    };
    let whole = StructArray::from(rows.clone());
    let (fields, mut columns, nulls) = whole.into_parts();
    let place = |name: &str| {
        fields
            .iter()
            .position(|field| field.name() == name)
            .expect("it")
    };
    let (metadata, observables) = (place("metadata"), place("observables"));
    columns[metadata] = Arc::new(without(columns[metadata].as_struct(), "profiles"));
    let list = columns[observables].as_list::<i32>().clone();
    let items: ArrayRef = Arc::new(without(list.values().as_struct(), "value"));
    let item = arrow_field("element", &items);
    let (offsets, missing) = (list.offsets().clone(), list.nulls().cloned());
    columns[observables] = Arc::new(ListArray::new(item, offsets, items, missing));
    let fields = fields
        .iter()
        .zip(&columns)
        .map(|(field, column)| arrow_field(field.name(), column));
    let old = StructArray::new(fields.collect(), columns, nulls);
    let mut lake = BTreeMap::from([(part, written_before(&RecordBatch::from(old)))]);
    merge(&mut lake, &[event(3002, "z", 1439, 1)]);
    let found = read(&lake[&part]).slice(0, 50);
    let (now, then) = (&found, &rows);
    let lists = |rows: &RecordBatch| rows.column(observables).as_list::<i32>().clone();
    let (now_lists, then_lists) = (lists(now), lists(then));
    assert_eq!(now_lists.nulls(), then_lists.nulls());
    for row in 0..50 {
        let (now, then) = (now_lists.value(row), then_lists.value(row));
        let (now, then) = (now.as_struct(), then.as_struct());
        assert_eq!(now.nulls(), then.nulls(), "{row}");
        assert_eq!(now.column(0), then.column(0), "{row}");
        assert_eq!(
            now.column_by_name("value").expect("it").null_count(),
            now.len()
        );
    }
    let profiles = now.column(metadata).as_struct().column_by_name("profiles");
    assert_eq!(profiles.expect("the column").null_count(), 50);
    assert_eq!(
        texts(now, &["metadata", "uid"]),
        texts(then, &["metadata", "uid"])
    );
}

fn arrow_field(name: &str, column: &arrow_array::ArrayRef) -> Arc<arrow_schema::Field> {
    Arc::new(arrow_schema::Field::new(
        name,
        column.data_type().clone(),
        true,
    ))
}

/// A day of which only the last hour is added to is not read again as a whole: damage to another hour stays unseen.
#[test]
fn row_groups_of_hours_that_get_no_rows_are_copied_without_being_read() {
    let of = |hour: i64, count: i64| {
        (0..count).map(move |at| event(6001, &format!("{hour}-{at}"), hour * 60 + at % 60, 1))
    };
    let mut lake = BTreeMap::new();
    merge(
        &mut lake,
        &of(1, 9000).chain(of(2, 10)).collect::<Vec<String>>(),
    );
    let (part, object) = lake.pop_first().expect("a part");
    let unmapped = metadata(&object).row_group(0).columns().last().cloned();
    let (begin, length) = unmapped.expect("columns").byte_range();
    let mut damaged = object.to_vec();
    damaged[begin as usize..(begin + length) as usize].fill(0);
    lake.insert(part, damaged.into());
    merge(&mut lake, &of(3, 10).collect::<Vec<String>>());
    let found = metadata(&lake[&part]);
    assert_eq!(found.num_row_groups(), 2);
    assert_eq!(found.file_metadata().num_rows(), 9020);
    let (_, fresh) = sorted(&of(1, 9001).collect::<Vec<String>>())
        .pop()
        .expect("a part");
    assert!(fresh.merge(0..24, Some(lake[&part].clone())).is_err());
}

/// What is added to an hour leaves the row groups of the hours before and after it as they are, and the object is the
/// one that all its rows make at once.
#[test]
fn an_object_that_was_added_to_is_the_one_that_is_made_at_once() {
    let of = |hour: i64, count: i64| {
        (0..count).map(move |at| event(6001, &format!("{hour}-{at}"), hour * 60 + at % 60, 1))
    };
    let first: Vec<String> = of(1, 9000)
        .chain(of(3, 40_000))
        .chain(of(5, 9000))
        .collect();
    let more = [
        of(0, 3).collect::<Vec<String>>(),
        of(2, 10).collect(),
        of(3, 40_010).skip(40_000).collect(),
        of(4, 9000).collect(),
        // A later version, too.
        vec![event(6001, "1-7", 67, 2)],
        of(7, 1).collect(),
    ];
    let mut all: Vec<String> = first.clone();
    let mut lake = BTreeMap::new();
    merge(&mut lake, &first);
    for more in more {
        merge(&mut lake, &more);
        all.extend(more);
        let mut at_once = BTreeMap::new();
        merge(&mut at_once, &all);
        assert!(lake == at_once, "after {} events", all.len());
    }
    let object = lake.values().next().expect("an object");
    assert!(metadata(object).num_row_groups() > 4);
}

/// Whatever is damaged within the pages of an object, it is read otherwise or refused, and nothing panics.
#[test]
fn damage_within_pages_never_panics() {
    let mut lake = BTreeMap::new();
    merge(&mut lake, &uneven(40));
    let (part, object) = lake.pop_first().expect("a part");
    let (_, fresh) = sorted(&[event(3002, "b", 2, 1)]).pop().expect("rows");
    let columns = metadata(&object).row_group(0).columns().to_vec();
    let end: u64 = columns.iter().map(|column| column.byte_range().1).sum();
    let mut refused = 0;
    for at in (4..4 + end as usize).step_by(3) {
        let mut damaged = object.to_vec();
        damaged[at] ^= 1 << (at % 8);
        let merged = fresh.merge(0..24, Some(damaged.into()));
        refused += usize::from(merged.is_err());
    }
    assert!(refused > 0, "{part:?}");
}
