use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, RecordBatch};
use bytes::Bytes;
use casbah_model::tables::{Extent, Fresh, TableDay, Tables};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::metadata::ParquetMetaData;
use proptest::prelude::*;
use proptest::sample::subsequence;

use crate::Parquet;

/// An event of a class at a minute of a day, as the vendor showed it at `logged`.
pub(crate) fn event(class: u32, id: &str, minute: i64, logged: i64) -> String {
    let time = 1_777_852_800_000 + minute * 60_000;
    format!(
        r#"{{"class_uid":{class},"class_name":"Some","activity_id":1,"time":{time},"metadata":{{"version":"1.3.0","uid":"{id}","logged_time":{logged},"processed_time":{logged},"profiles":["cloud","host"]}},"actor":{{"user":{{"uid":"u-{id}","name":"ann@contoso.com"}}}},"observables":[{{"name":"actor.user","type_id":4,"type":"User Name","value":"ann"}}],"unmapped":{{"a":[1,{{"b":null}}]}}}}"#
    )
}

pub(crate) fn sorted(events: &[String]) -> Vec<(TableDay, Box<dyn Fresh>)> {
    let mut rows = Parquet.begin();
    for event in events {
        rows.add(event.as_bytes()).expect("it fits");
    }
    rows.sort()
}

/// Adds events to the objects of a lake.
pub(crate) fn merge(lake: &mut BTreeMap<TableDay, Bytes>, events: &[String]) {
    for (part, fresh) in sorted(events) {
        let merged = fresh
            .merge(0..24, lake.get(&part).cloned())
            .expect("it merges");
        lake.extend(merged.map(|object| (part, object)));
    }
}

pub(crate) fn read(object: &Bytes) -> RecordBatch {
    let opened = ParquetRecordBatchReaderBuilder::try_new(object.clone()).expect("it opens");
    let reader = opened.with_batch_size(1 << 20).build().expect("it reads");
    let batches: Vec<RecordBatch> = reader.map(|batch| batch.expect("rows")).collect();
    assert_eq!(batches.len(), 1);
    batches.into_iter().next().expect("one batch")
}

pub(crate) fn metadata(object: &Bytes) -> Arc<ParquetMetaData> {
    let opened = ParquetRecordBatchReaderBuilder::try_new(object.clone()).expect("it opens");
    Arc::clone(opened.metadata())
}

pub(crate) fn texts(batch: &RecordBatch, path: &[&str]) -> Vec<Option<String>> {
    let mut column = Arc::clone(batch.column_by_name(path[0]).expect("the column"));
    for name in &path[1..] {
        let inner = column.as_struct().column_by_name(name);
        column = Arc::clone(inner.expect("the column within"));
    }
    let texts = column.as_string::<i32>();
    texts.iter().map(|text| text.map(String::from)).collect()
}

#[test]
fn an_event_is_a_row_of_its_class_and_day() {
    let mut lake = BTreeMap::new();
    let events = [
        event(3002, "b", 61, 5),
        event(3002, "a", 62, 5),
        event(6006, "c", 0, 5),
        event(3002, "d", 119, 5),
        event(3002, "e", 1440, 5),
    ];
    merge(&mut lake, &events);
    let days: Vec<String> = lake
        .keys()
        .map(|table| format!("{} {}", table.class, table.day))
        .collect();
    assert_eq!(
        days,
        [
            "3002 2026-05-04T00:00:00Z",
            "3002 2026-05-05T00:00:00Z",
            "6006 2026-05-04T00:00:00Z"
        ]
    );
    let rows = read(lake.values().next().expect("a part"));
    let ids = texts(&rows, &["metadata", "uid"]);
    assert_eq!(ids, ["b", "a", "d"].map(|id| Some(id.to_string())));
    let unmapped = texts(&rows, &["unmapped"]);
    assert_eq!(unmapped[0].as_deref(), Some(r#"{"a":[1,{"b":null}]}"#));
    assert_eq!(
        texts(&rows, &["actor", "user", "name"])[0].as_deref(),
        Some("ann@contoso.com")
    );
    assert_eq!(texts(&rows, &["src_endpoint", "ip"])[0], None);
    let moments = rows.column_by_name("time_dt").expect("a moment");
    let moments = moments.as_primitive::<arrow_array::types::TimestampMillisecondType>();
    let times = rows.column_by_name("time").expect("a time");
    assert_eq!(
        moments.values(),
        times.as_primitive::<Int64Type>().values(),
        "both say the same"
    );
}

#[test]
fn rows_of_some_hours_are_merged_apart() {
    let events = [0, 59, 60, 1439].map(|minute| event(3002, &format!("m{minute}"), minute, 1));
    let (_, fresh) = sorted(&events).pop().expect("a day");
    assert_eq!(fresh.hours(), [0, 1, 23]);
    let merged = |hours| fresh.merge(hours, None).expect("it merges");
    let object = merged(0..1).expect("two rows");
    let extent = |object| Parquet.extent(object).expect("ours");
    let (rows, last_hour) = (2, 0);
    assert_eq!(extent(&object), Extent { rows, last_hour });
    assert!(merged(2..23).is_none());
    let more = fresh.merge(1..24, Some(object.clone())).expect("it merges");
    let (rows, last_hour) = (4, 23);
    assert_eq!(extent(&more.expect("more")), Extent { rows, last_hour });
    assert!(Parquet.extent(&Bytes::from_static(b"PAR1PAR1")).is_err());
}

#[test]
fn of_an_id_the_latest_version_counts_whichever_came_first() {
    for order in [[0, 1], [1, 0]] {
        // The vendor also corrected its time.
        let versions = [event(3002, "a", 10, 5), event(3002, "a", 20, 6)];
        let mut lake = BTreeMap::new();
        for at in order {
            merge(&mut lake, &[versions[at].clone(), event(3002, "b", 15, 1)]);
        }
        assert_eq!(lake.len(), 1);
        let rows = read(lake.values().next().expect("a part"));
        let ids = texts(&rows, &["metadata", "uid"]);
        assert_eq!(ids, ["b", "a"].map(|id| Some(id.to_string())), "{order:?}");
    }
}

#[test]
fn what_is_there_already_needs_no_new_object() {
    let events = [event(6003, "a", 3, 1), event(6003, "b", 2, 1)];
    let mut lake = BTreeMap::new();
    merge(&mut lake, &events);
    for (part, fresh) in sorted(&events[1..]) {
        let again = fresh
            .merge(0..24, lake.get(&part).cloned())
            .expect("it merges");
        assert!(again.is_none());
    }
}

#[test]
fn a_line_that_is_no_event_is_left_out_and_harms_no_other() {
    let good = event(3002, "a", 1, 1);
    let other = event(3002, "b", 2, 1);
    let deep = good.replace("[1,{\"b\":null}]", &"[".repeat(5000));
    let broken: Vec<String> = (1..good.len())
        .map(|end| good[..end].into())
        .chain(["".into(), "[]".into(), "null".into(), deep])
        .chain([format!("{good}{good}"), good.replace("3002", "3999")])
        .collect();
    let mut rows = Parquet.begin();
    for line in &broken {
        assert!(rows.add(line.as_bytes()).is_err(), "{line}");
    }
    rows.add(good.as_bytes()).expect("it fits");
    for line in &broken {
        assert!(rows.add(line.as_bytes()).is_err(), "{line}");
    }
    rows.add(other.as_bytes()).expect("it fits");
    let (_, fresh) = rows.sort().pop().expect("one part");
    let object = fresh
        .merge(0..24, None)
        .expect("it is written")
        .expect("an object");
    let mut lake = BTreeMap::new();
    merge(&mut lake, &[good, other]);
    assert_eq!(Some(&object), lake.values().next());
}

#[test]
fn values_of_other_types_are_read_as_far_as_they_go() {
    let odd = event(3002, "a", 1, 1)
        .replace("\"activity_id\":1", "\"activity_id\":\"7\"")
        .replace(
            "\"class_name\":\"Some\"",
            "\"class_name\":12,\"new\":{\"x\":[]}",
        )
        .replace(
            "\"profiles\":[\"cloud\",\"host\"]",
            "\"profiles\":\"cloud\"",
        )
        .replace("\"observables\":[", "\"observables\":[5,")
        .replace("\"unmapped\":", "\"status\":[1,[2]],\"unmapped\":");
    let mut lake = BTreeMap::new();
    merge(&mut lake, &[odd]);
    let rows = read(lake.values().next().expect("a part"));
    assert_eq!(texts(&rows, &["class_name"])[0].as_deref(), Some("12"));
    let activity = rows.column_by_name("activity_id").expect("the column");
    let activity = activity.as_primitive::<arrow_array::types::Int32Type>();
    assert_eq!(activity.value(0), 7);
    assert_eq!(texts(&rows, &["status"])[0], None);
    let observables = rows.column_by_name("observables").expect("the column");
    assert_eq!(observables.as_list::<i32>().value(0).len(), 2);
}

#[test]
fn another_file_under_the_name_of_a_part_is_not_overwritten() {
    let (_, fresh) = sorted(&[event(3002, "a", 1, 1)]).pop().expect("a part");
    for other in [&b""[..], b"PAR1", b"{}", &[0; 4096]] {
        assert!(fresh.merge(0..24, Some(Bytes::from_static(b"x"))).is_err());
        assert!(
            fresh
                .merge(0..24, Some(Bytes::copy_from_slice(other)))
                .is_err()
        );
    }
}

/// Security Lake user guide, "Collecting data from custom sources": pages up to 1 MB, row groups up to 256 MB, zstd,
/// sorted by time.
#[test]
fn objects_are_as_security_lake_wants_them() {
    let long = "x".repeat(3_000);
    let events: Vec<String> = (0..70_000)
        .map(|number| {
            event(6001, &format!("id-{number:08}"), number % 60, 1)
                .replace("\"a\":", &format!("\"{number}{long}\":"))
        })
        .collect();
    let mut rows = Parquet.begin();
    for event in &events {
        rows.add(event.as_bytes()).expect("it fits");
    }
    let (_, fresh) = rows.sort().pop().expect("one part");
    let object = fresh
        .merge(0..24, None)
        .expect("it is written")
        .expect("an object");
    let found = metadata(&object);
    assert!(found.num_row_groups() > 1);
    for group in found.row_groups() {
        assert!(group.compressed_size() < 256 << 20);
        assert_eq!(group.sorting_columns().map(Vec::len), Some(1));
        for column in group.columns() {
            assert!(matches!(
                column.compression(),
                parquet::basic::Compression::ZSTD(_)
            ));
        }
    }
    let reader = parquet::file::reader::SerializedFileReader::new(object).expect("it opens");
    let mut last = i64::MIN;
    for group in 0..found.num_row_groups() {
        let group = parquet::file::reader::FileReader::get_row_group(&reader, group).expect("it");
        for column in 0..group.num_columns() {
            let pages = group.get_column_page_reader(column).expect("its pages");
            for page in pages {
                let bytes = page.expect("a page").buffer().len();
                assert!(bytes <= 1_000_000, "a page of {bytes} bytes");
            }
        }
        let statistics = group.metadata().column(0).statistics().expect("statistics");
        let parquet::file::statistics::Statistics::Int64(times) = statistics else {
            panic!("times are long numbers");
        };
        assert!(*times.min_opt().expect("a minimum") >= last);
        last = *times.max_opt().expect("a maximum");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// What crashes, repeats and other orders of the same commits leave behind is the same to the byte.
    #[test]
    fn objects_depend_on_the_events_alone(
        events in prop::collection::vec((0..3_usize, 0..40_i64, 0..3_i64), 1..60),
        goes in prop::collection::vec(subsequence((0..60).collect::<Vec<usize>>(), 0..60), 1..6),
    ) {
        let events: Vec<String> = events
            .into_iter()
            .map(|(class, id, logged)| {
                let class = [3002, 6006, 2004][class];
                // Another version may have another time, within the hour.
                let minute = id % 3 * 60 + (id * 7 + logged * 11) % 60;
                event(class, &format!("{class}-{id}"), minute, logged)
            })
            .collect();
        let mut at_once = BTreeMap::new();
        merge(&mut at_once, &events);
        let mut piecemeal = BTreeMap::new();
        for go in goes {
            let some: Vec<String> = go.iter().filter_map(|at| events.get(*at).cloned()).collect();
            merge(&mut piecemeal, &some);
        }
        for event in events.iter().rev() {
            merge(&mut piecemeal, std::slice::from_ref(event));
        }
        prop_assert!(at_once == piecemeal);
    }
}
