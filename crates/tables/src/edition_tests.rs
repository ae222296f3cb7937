//! Editions against a plain account of what was so, from when, and until when.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use casbah_model::Timestamp;
use casbah_model::collection::Collection;
use casbah_model::tables::{Current, State, Tables};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use crate::Parquet;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a time")
}

/// What one edition is told: of each part its version, and of each id its state and when that was told.
type Told = BTreeMap<String, (u8, BTreeMap<String, (i64, i64)>)>;

/// The objects of one bucket, as the stage keeps them.
#[derive(Default)]
struct Bucket {
    current: Option<Bytes>,
    ended: Option<Bytes>,
}

impl Bucket {
    /// The next edition, after what ended with the one before was put to what ended earlier.
    fn next(&mut self, second: i64, told: &Told) {
        if let Some(current) = &self.current {
            let more = Parquet.ended(Collection::Files, current, self.ended.clone());
            self.ended = more.expect("it reads").or(self.ended.take());
        }
        let edition = Parquet.edition(Collection::Files, self.current.clone(), at(second));
        let mut edition = edition.expect("it reads");
        for (name, (version, rows)) in told {
            let version = version.to_string();
            let is_same =
                |part: &&casbah_model::tables::Part| part.name == *name && part.version == version;
            if edition.before().parts.iter().find(is_same).is_some() {
                edition.keep(name).expect("it keeps");
                continue;
            }
            edition.begin(name, &version).expect("it begins");
            for (id, (state, told)) in rows {
                let json = format!(
                    r#"{{"id":"{id}","name":"n{state}","root":"{name}","bytes":7,"collected_at":"{}"}}"#,
                    at(*told)
                );
                let row = Current {
                    id,
                    state: *state,
                    told: at(*told),
                    json: json.as_bytes(),
                };
                edition.add(&row).expect("it fits");
            }
        }
        self.current = Some(edition.finish().expect("it is written"));
    }

    fn states(&self) -> Vec<State> {
        let objects = self.current.iter().chain(&self.ended);
        let states = objects.flat_map(|object| Parquet.states(object).expect("it reads"));
        let states: BTreeSet<State> = states.collect();
        states.into_iter().collect()
    }
}

fn told() -> impl Strategy<Value = Told> {
    let rows = btree_map("[a-f]", (0_i64..3, 0_i64..10_000), 0..5);
    btree_map("[k-p]", (0_u8..4, rows), 0..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_is_current_is_what_was_told_last_and_no_id_is_in_two_states_at_once(
        editions in vec(told(), 1..6)
    ) {
        let mut bucket = Bucket::default();
        let mut expected: Told = BTreeMap::new();
        for (number, told) in editions.into_iter().enumerate() {
            // What has a version that was seen is what it was.
            let told: Told = told.into_iter().map(|(name, part)| match expected.get(&name) {
                Some(known) if known.0 == part.0 => (name.clone(), known.clone()),
                _ => {
                    let (version, rows) = part;
                    let rows = rows.into_iter().map(|(id, row)| (format!("{name}/{id}"), row));
                    (name.clone(), (version, rows.collect()))
                }
            }).collect();
            bucket.next(100_000 + number as i64 * 300, &told);
            expected = told;
            let states = bucket.states();
            let open: BTreeMap<String, i64> = states.iter().filter(|state| state.to.is_none())
                .map(|state| (state.id.clone(), state.state)).collect();
            let now: BTreeMap<String, i64> = expected.values().flat_map(|(_, rows)| rows)
                .map(|(id, (state, _))| (id.clone(), *state)).collect();
            prop_assert_eq!(open, now);
            for pair in states.windows(2).filter(|pair| pair[0].id == pair[1].id) {
                let end = pair[0].to;
                prop_assert!(end.is_some_and(|end| end <= pair[1].from), "{:?}", pair);
            }
            prop_assert!(states.iter().all(|state| state.to.is_none_or(|to| to > state.from)));
        }
    }
}

fn one(state: i64, told: i64) -> BTreeMap<String, (i64, i64)> {
    BTreeMap::from([("k/a".to_string(), (state, told))])
}

fn only(version: u8, rows: BTreeMap<String, (i64, i64)>) -> Told {
    BTreeMap::from([("k".to_string(), (version, rows))])
}

#[test]
fn a_state_begins_when_it_was_told_and_lasts_until_another_was() {
    let mut bucket = Bucket::default();
    bucket.next(1_000, &only(1, one(1, 500)));
    // The same once more, told again.
    bucket.next(2_000, &only(2, one(1, 1_500)));
    bucket.next(3_000, &only(3, one(2, 2_500)));
    // Nothing new was told of it: a folder above has changed.
    bucket.next(4_000, &only(4, one(3, 2_500)));
    bucket.next(5_000, &only(5, BTreeMap::new()));
    let spans: Vec<_> = bucket
        .states()
        .into_iter()
        .map(|state| {
            let end = state.to.map(|to| to.as_second());
            (state.state, state.from.as_second(), end)
        })
        .collect();
    let expected = [
        (1, 500, Some(2_500)),
        (2, 2_500, Some(4_000)),
        (3, 4_000, Some(5_000)),
    ];
    assert_eq!(spans, expected);
}

#[test]
fn what_ended_is_put_away_once_however_often_it_is_tried() {
    let mut bucket = Bucket::default();
    bucket.next(1_000, &only(1, one(1, 500)));
    bucket.next(2_000, &only(2, one(2, 1_500)));
    let current = bucket.current.clone().expect("an edition");
    let shown = Parquet.shown(&current).expect("it reads");
    assert_eq!((shown.ended, shown.parts.len()), (1, 1));
    let away = Parquet
        .ended(Collection::Files, &current, None)
        .expect("it reads");
    assert_eq!(
        Parquet
            .ended(Collection::Files, &current, away.clone())
            .expect("it reads"),
        None
    );
    let states = Parquet
        .states(&away.expect("rows that ended"))
        .expect("it reads");
    assert_eq!(states.len(), 1);
}

#[test]
fn an_object_that_is_none_of_ours_is_an_error() {
    for hostile in [&b"PAR1"[..], b"", b"PAR1....PAR1"] {
        let object = Bytes::from_static(hostile);
        assert!(Parquet.shown(&object).is_err());
        assert!(Parquet.states(&object).is_err());
        assert!(
            Parquet
                .edition(Collection::Users, Some(object.clone()), at(1))
                .is_err()
        );
        assert!(Parquet.ended(Collection::Users, &object, None).is_err());
    }
}
