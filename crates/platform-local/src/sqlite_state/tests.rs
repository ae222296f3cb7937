use super::*;
use crate::ManualClock;

fn store() -> SqliteState {
    SqliteState::in_memory(Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH)))
        .expect("a table in memory")
}

fn plan(sql: &str) -> String {
    let store = store();
    let table = store.table.lock().expect("nobody panicked");
    let mut statement = table
        .connection
        .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
        .expect("valid SQL");
    let count = statement.parameter_count();
    let rows = statement.query_map(rusqlite::params_from_iter(vec![1; count]), |row| {
        row.get::<_, String>(3)
    });
    rows.expect("a plan")
        .collect::<Result<Vec<_>, _>>()
        .expect("a plan")
        .join("; ")
}

#[test]
fn queries_are_range_scans_without_sorting() {
    let by_key = "SEARCH items USING PRIMARY KEY";
    for (sql, expected) in [
        (READ, format!("{by_key} (pk=? AND sk=?)")),
        (UPWARDS, format!("{by_key} (pk=? AND sk>? AND sk<?)")),
        (DOWNWARDS, format!("{by_key} (pk=? AND sk>? AND sk<?)")),
        (SCAN, format!("{by_key} ((pk,sk)>(?,?))")),
        (DUE, "SEARCH items USING INDEX due (gw=? AND gk<?)".into()),
    ] {
        assert_eq!(plan(sql), expected, "{sql}");
    }
    assert!(
        plan(SWEEP).contains("INDEX expiring (expires<?)"),
        "{}",
        plan(SWEEP)
    );
}

#[test]
fn a_range_ends_above_everything_with_its_prefix() {
    assert!(Bound::end_of("S#".into()) == Bound::Text(b"S$".to_vec()));
    assert!(Bound::end_of(String::new()) == Bound::End);
    assert!(Bound::end_of("\u{10ffff}".into()) > Bound::Text("\u{10ffff}\u{10ffff}".into()));
    assert!(Bound::End > Bound::Text(vec![255; 9]));
}

#[test]
fn a_file_of_a_later_format_is_not_touched() {
    let connection = Connection::open_in_memory().expect("memory");
    connection
        .pragma_update(None, "user_version", FORMAT + 1)
        .expect("a pragma");
    let trouble = Table::new(connection)
        .map(drop)
        .expect_err("the format is unknown");
    assert_eq!(
        trouble.to_string(),
        "the file has format 2, this program knows 1"
    );
}

#[tokio::test]
async fn index_attributes_of_the_wrong_type_are_rejected() {
    let store = store();
    for (name, value) in [
        (INDEX_PARTITION, 1.into()),
        (INDEX_ORDER, "1".into()),
        (EXPIRES, "1".into()),
    ] {
        let write = Write::put(Key::new("p", "s"), Item::from([(name.to_string(), value)]));
        let outcome = store.write(write).await;
        assert!(
            matches!(outcome, Err(StoreError::Unavailable { .. })),
            "{name}: {outcome:?}"
        );
    }
}
