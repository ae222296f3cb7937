use std::collections::VecDeque;

use async_trait::async_trait;
use futures::executor::block_on;
use proptest::prelude::*;

use super::*;

/// A body in chunks of a given size.
struct Chunks(VecDeque<Bytes>);

impl Chunks {
    fn of(content: &[u8], size: usize) -> Box<dyn Body> {
        Box::new(Chunks(
            content
                .chunks(size.max(1))
                .map(Bytes::copy_from_slice)
                .collect(),
        ))
    }
}

#[async_trait]
impl Body for Chunks {
    async fn chunk(&mut self) -> Result<Option<Bytes>, TransportError> {
        Ok(self.0.pop_front())
    }
}

fn read(mut records: Records) -> Result<(Vec<String>, String), StreamError> {
    block_on(async {
        let mut found = Vec::new();
        while let Some(piece) = records.next().await? {
            match piece {
                Piece::Record(record) => found.push(String::from_utf8_lossy(record).into_owned()),
                Piece::Oversized { bytes, .. } => found.push(format!("oversized {bytes}")),
            }
        }
        Ok((
            found,
            String::from_utf8_lossy(records.envelope()).into_owned(),
        ))
    })
}

#[test]
fn records_are_split_whatever_the_size_of_the_chunks() {
    let text =
        "\u{feff} [ {\"a\":\"]}\\\"{\"}, {\"b\":[1,{\"c\":[]}]},7 , \"x,]\",null,[1,[2]] ] \n";
    let expected = [
        "{\"a\":\"]}\\\"{\"}",
        "{\"b\":[1,{\"c\":[]}]}",
        "7 ",
        "\"x,]\"",
        "null",
        "[1,[2]]",
    ];
    for size in 1..text.len() {
        let (found, _) =
            read(Records::array(Chunks::of(text.as_bytes(), size))).expect("a valid list");
        assert_eq!(found, expected, "chunks of {size}");
    }
}

#[test]
fn the_list_is_found_by_its_name_at_the_top_only() {
    let text = r#"{"value2":[9],"inner":{"value":[8]},"s":"value","value":[{"id":1},{"id":2}],"next":"x[]"}"#;
    for size in 1..text.len() {
        let (found, envelope) =
            read(Records::member(Chunks::of(text.as_bytes(), size), "value")).expect("valid");
        assert_eq!(found, [r#"{"id":1}"#, r#"{"id":2}"#], "chunks of {size}");
        let expected =
            r#"{"value2":[9],"inner":{"value":[8]},"s":"value","value":[],"next":"x[]"}"#;
        assert_eq!(envelope, expected, "chunks of {size}");
    }
}

#[test]
fn an_answer_that_ends_early_is_never_a_short_list() {
    let text = br#"{"value":[{"id":"a"},{"id":"b"}],"next":"n"}"#;
    for end in 1..text.len() {
        let cut = read(Records::member(Chunks::of(&text[..end], 7), "value"));
        assert!(
            matches!(cut, Err(StreamError::Truncated)),
            "cut at {end}: {cut:?}"
        );
    }
    assert!(matches!(
        read(Records::array(Chunks::of(b"", 1))),
        Err(StreamError::NotJson { .. })
    ));
}

#[test]
fn markup_and_wrong_shapes_are_named() {
    for (text, word) in [
        ("<html>", "markup"),
        ("{}", "object instead"),
        ("nope", "neither"),
        ("[] []", "after"),
    ] {
        let error = read(Records::array(Chunks::of(text.as_bytes(), 3))).expect_err(text);
        assert!(error.to_string().contains(word), "{text}: {error}");
    }
}

#[test]
fn a_record_above_the_limit_is_passed_over_and_the_rest_is_read() {
    let text = format!(
        "[{{\"x\":\"{}\"}},{{\"id\":1}}]",
        "y".repeat(RECORD_BYTES_MAX + 100)
    );
    let (found, _) =
        read(Records::array(Chunks::of(text.as_bytes(), 64 << 10))).expect("a valid list");
    assert_eq!(
        found,
        [
            format!("oversized {}", RECORD_BYTES_MAX + 108),
            "{\"id\":1}".into()
        ]
    );
}

proptest! {
    #[test]
    fn any_list_of_objects_comes_back_as_it_was(
        texts in proptest::collection::vec("\\PC{0,40}", 0..12), size in 1_usize..50,
    ) {
        let records: Vec<String> =
            texts.iter().map(|text| serde_json::json!({ "t": text, "n": [text, {"m": text}] }).to_string()).collect();
        let text = format!("[{}]", records.join(" ,\n"));
        let (found, _) = read(Records::array(Chunks::of(text.as_bytes(), size))).expect("a valid list");
        prop_assert_eq!(found, records);
    }

    #[test]
    fn no_input_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), size in 1_usize..20) {
        drop(read(Records::array(Chunks::of(&bytes, size))));
        drop(read(Records::member(Chunks::of(&bytes, size), "value")));
    }
}
