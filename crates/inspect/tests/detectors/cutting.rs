use crate::draw::Draw;
use crate::ids::IDS;
use crate::lookalikes::LOOKALIKES;
use crate::tokens::{TOKENS, token};
use crate::{all, scan};
use casbah_inspect::detect::Detectors;
use casbah_inspect::{Finding, TextSink};
use proptest::prelude::*;
use std::sync::LazyLock;

static DETECTORS: LazyLock<Detectors> = LazyLock::new(|| Detectors::new(&all()).unwrap());

/// Some of everything, longer than a window, with characters of two and three bytes.
static TEXT: LazyLock<String> = LazyLock::new(|| {
    let mut draw = Draw(3);
    let mut text = String::from("nom,numéro,ville\n");
    while text.len() < 200_000 {
        let (detector, label, _, make) = draw.of(&IDS);
        text += &format!("{label}: {}, déjà vu {detector}… ", make(&mut draw));
        let (detector, name, specification) = draw.of(TOKENS);
        text += &format!("{name}={}\n", token(&mut draw, detector, specification));
        if draw.below(20) == 0 {
            text += &draw.of(LOOKALIKES).1(&mut draw);
        }
    }
    text
});

static WHOLE: LazyLock<Vec<Finding>> = LazyLock::new(|| scan(&DETECTORS, &TEXT));

fn cut(text: &str, lengths: &[usize]) -> Vec<Finding> {
    let mut scanner = DETECTORS.scanner();
    scanner.part("text");
    let mut at = 0;
    for length in lengths.iter().cycle() {
        let end = text
            .floor_char_boundary((at + length).min(text.len()))
            .max(text.ceil_char_boundary((at + 1).min(text.len())));
        let _ = scanner.text(&text[at..end]);
        at = end;
        if at == text.len() {
            break;
        }
    }
    scanner.finish()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn it_does_not_matter_where_a_text_is_cut(lengths in proptest::collection::vec(1_usize..5_000, 1..40)) {
        prop_assert_eq!(cut(&TEXT, &lengths), WHOLE.clone());
    }
}

/// Pieces of what detectors look for, which a text may join in any order.
fn fragment() -> impl Strategy<Value = String> {
    let known = proptest::sample::select(vec![
        "password",
        "=",
        ":",
        " ",
        "\"",
        "'",
        "\n",
        "\t",
        ",",
        "://",
        "@",
        ".",
        "-",
        "eyJ",
        "-----BEGIN PRIVATE KEY-----",
        "AKIA",
        "ghp_",
        "sk-",
        ":AA",
        "Q~",
        ".G",
        "card ",
        "ssn",
        "born ",
        " March ",
        "4539",
        "5787 6362 1486",
        "DE89",
        "GB",
        "1980-01-01",
        "+49 ",
        "(",
        ") ",
        "xoxb-",
        "T3BlbkFJ",
        ".atlasv1.",
        "datadog_api_key",
        "{",
        "}",
        "A",
        "0",
        "é",
        "身份证",
        "\u{200B}",
        "４",
    ]);
    prop_oneof![4 => known.prop_map(str::to_owned), 1 => "[a-zA-Z0-9+/_=-]{1,60}", 1 => "\\PC{0,8}", 1 => "[0-9 .-]{1,24}"]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_text_can_be_looked_through(fragments in proptest::collection::vec(fragment(), 0..120), at in 1_usize..200) {
        let text = fragments.concat();
        prop_assert_eq!(cut(&format!("{text}."), &[at]), scan(&DETECTORS, &format!("{text}.")));
    }
}

#[test]
fn a_text_may_come_byte_by_byte() {
    assert!(WHOLE.len() > 60, "the text has something of most detectors");
    assert_eq!(cut(&TEXT, &[1]), *WHOLE);
}

#[test]
fn nothing_is_found_across_parts() {
    let mut scanner = DETECTORS.scanner();
    scanner.part("page 1");
    let _ = scanner.text("card number: 4539 5787 ");
    scanner.part("page 2");
    let _ = scanner.text("6362 1486");
    assert_eq!(scanner.finish(), Vec::new());
}

#[test]
fn a_match_between_two_pieces_is_found_once() {
    let text = "card number: 4539 5787 6362 1486, thank you";
    for at in 1..text.len() {
        let found = cut(text, &[at, text.len()]);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].count, found[0].distinct), (1, 1), "cut at {at}");
        assert_eq!(found[0].samples[0].masked, "•••• •••• •••• 1486");
    }
}
