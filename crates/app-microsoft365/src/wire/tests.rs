use proptest::prelude::*;

use super::*;

#[test]
fn times_are_read_in_every_form_the_vendor_writes() {
    let rows = [
        ("2026-05-16T09:58:14", Some("2026-05-16T09:58:14Z")),
        ("2026-05-16T09:58:14.748Z", Some("2026-05-16T09:58:14.748Z")),
        ("2026-05-16T09:58:14Z", Some("2026-05-16T09:58:14Z")),
        ("2022-12-12 22:19:00", Some("2022-12-12T22:19:00Z")),
        (
            "2026-05-16T09:58:14.7480000",
            Some("2026-05-16T09:58:14.748Z"),
        ),
        ("2024-02-29T00:00:00", Some("2024-02-29T00:00:00Z")),
        ("2026-02-29T00:00:00", None),
        ("2026-13-01T00:00:00", None),
        ("yesterday", None),
    ];
    for (text, expected) in rows {
        assert_eq!(
            moment_of(text),
            expected.map(|at| at.parse().expect("a valid time")),
            "{text}"
        );
    }
}

#[test]
fn an_id_stays_one_segment() {
    assert_eq!(segment("b!aZ-_0").expect("a drive id"), "b!aZ-_0");
    assert_eq!(
        segment("a/../b?c#d").expect("an odd id"),
        "a%2F..%2Fb%3Fc%23d"
    );
    assert!(segment("..").is_err() && segment("").is_err());
}

proptest! {
    #[test]
    fn the_short_reading_of_times_agrees_with_the_general_one(second in 0_i64..4_102_444_800) {
        let at = Timestamp::from_second(second).expect("a time of this century");
        let text = at.strftime("%Y-%m-%dT%H:%M:%S").to_string();
        prop_assert_eq!(plain_moment(text.as_bytes()), Some(at));
    }
}
