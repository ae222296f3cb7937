use crate::draw::Draw;
use crate::tokens::token;
use crate::{all, scan};
use casbah_inspect::Confidence;
use casbah_inspect::detect::{
    Config, Detector, Detectors, DetectorsError, ExactSet, Exclusions, Key, Normalisation, On,
    OwnPattern, SAMPLES_MAX, Setting, WordList, detectors,
};
use std::fmt::Write;

const CARD: &str = "4539578763621486";

fn key() -> Key {
    Key::new([1; 32])
}

fn names(config: &Config, text: &str) -> Vec<String> {
    let findings = scan(&Detectors::new(config).unwrap(), text);
    findings
        .into_iter()
        .map(|finding| finding.detector)
        .collect()
}

fn pattern(name: &str, pattern: &str) -> OwnPattern {
    OwnPattern {
        name: name.into(),
        pattern: pattern.into(),
        words: Vec::new(),
        words_required: false,
    }
}

#[test]
fn look_alikes_of_digits_spaces_and_hyphens_are_read() {
    let check = |text: &str| assert_eq!(names(&all(), text), ["payment-card"], "{text:?}");
    check("card ４５３９ ５７８７ ６３６２ １４８６");
    check("card 4539\u{A0}5787\u{202F}6362\u{2009}1486");
    check("card 4539‑5787–6362−1486");
    check("card 45\u{200B}3957\u{AD}87636\u{FEFF}21486");
    check("card ٤٥٣٩٥٧٨٧٦٣٦٢١٤٨٦");
    check("card 4539.5787.6362.1486");
}

#[test]
fn words_make_a_match_surer() {
    let detectors = Detectors::new(&all()).unwrap();
    let confidence = |text: &str| scan(&detectors, text)[0].confidence;
    assert_eq!(
        confidence(&format!("He wrote {CARD} down.")),
        Confidence::Medium
    );
    assert_eq!(
        confidence(&format!("He wrote the card's number {CARD} down.")),
        Confidence::High
    );
}

#[test]
fn the_nearest_word_says_what_a_number_is() {
    assert_eq!(
        names(&all(), &format!("paid by card, order number {CARD}")),
        [""; 0]
    );
    assert_eq!(
        names(&all(), &format!("order 17, card number {CARD}")),
        ["payment-card"]
    );
}

#[test]
fn numbers_that_pass_by_chance_are_dropped() {
    let mut text = String::new();
    for number in 0..200_u64 {
        text += &format!("{} ok\n", 4_539_578_763_620_000 + number * 7);
    }
    assert_eq!(names(&all(), &text), [""; 0]);
}

#[test]
fn fewer_matches_than_wanted_are_no_finding() {
    let mut config = all();
    config.settings.insert(
        "payment-card".into(),
        Setting {
            count_min: Some(2),
            ..Setting::default()
        },
    );
    assert_eq!(names(&config, &format!("card {CARD}")), [""; 0]);
    assert_eq!(
        names(&config, &format!("card {CARD} card {CARD}")),
        ["payment-card"]
    );
}

#[test]
fn less_sure_matches_than_wanted_do_not_count() {
    let mut config = all();
    config.settings.insert(
        "payment-card".into(),
        Setting {
            confidence_min: Some(Confidence::High),
            ..Setting::default()
        },
    );
    assert_eq!(names(&config, &format!("He wrote {CARD} down.")), [""; 0]);
    assert_eq!(names(&config, &format!("card {CARD}")), ["payment-card"]);
}

#[test]
fn words_count_as_far_as_the_proximity_says() {
    let mut config = all();
    let text = format!("BSN {} 111222333", ".".repeat(100));
    assert_eq!(names(&config, &text), [""; 0]);
    config.settings.insert(
        "nl-bsn".into(),
        Setting {
            proximity: Some(120),
            ..Setting::default()
        },
    );
    assert_eq!(names(&config, &text), ["nl-bsn"]);
}

#[test]
fn repeats_are_counted_and_told_apart() {
    let text = format!("card {CARD}\n").repeat(50) + "card 5425 2334 3010 9903";
    let findings = scan(&Detectors::new(&all()).unwrap(), &text);
    assert_eq!((findings[0].count, findings[0].distinct), (51, 2));
    assert_eq!(findings[0].samples.len(), 2);
    assert_eq!(findings[0].samples[0].masked, "••••••••••••1486");
}

#[test]
fn the_same_value_has_the_same_hash_under_the_same_key_only() {
    let hash = |byte: u8, text: &str| {
        scan(
            &Detectors::new(&Config::new(Key::new([byte; 32]))).unwrap(),
            text,
        )[0]
        .samples[0]
            .hash
            .clone()
    };
    assert_eq!(
        hash(1, &format!("card {CARD}")),
        hash(1, "card 4539-5787-6362-1486")
    );
    assert_ne!(
        hash(1, &format!("card {CARD}")),
        hash(2, &format!("card {CARD}"))
    );
    assert_eq!(hash(1, &format!("card {CARD}")).len(), 64);
}

#[test]
fn samples_are_few_and_tell_nothing_to_use() {
    let mut draw = Draw(5);
    let values: Vec<String> = (0..20)
        .map(|_| token(&mut draw, "github-token", "gh~p_#"))
        .collect();
    let findings = scan(&Detectors::new(&all()).unwrap(), &values.join("\n"));
    assert_eq!(
        (
            findings[0].count,
            findings[0].distinct,
            findings[0].samples.len()
        ),
        (20, 20, SAMPLES_MAX)
    );
    assert!(
        findings[0]
            .samples
            .iter()
            .all(|sample| sample.masked == "ghp_••••")
    );
    let findings = scan(
        &Detectors::new(&all()).unwrap(),
        "password=\"correct-horse-7\"",
    );
    assert_eq!(findings[0].samples[0].masked, "••••••••");
}

#[test]
fn what_is_excluded_stays_quiet() {
    let mut config = all();
    config.exclusions = Exclusions {
        published: true,
        values: vec!["4539 5787 6362 1486".into()],
        patterns: vec!["5425.*9903".replace(".*", ".{0,20}")],
    };
    assert_eq!(
        names(&config, &format!("card {CARD}, card 5425 2334 3010 9903")),
        [""; 0]
    );
    config.exclusions = Exclusions {
        published: false,
        ..Exclusions::default()
    };
    assert_eq!(names(&config, "card 4111 1111 1111 1111"), ["payment-card"]);
}

#[test]
fn only_what_is_on_is_found() {
    let text = format!("card {CARD}, IBAN NL02ABNA0123456789, born 1980-02-03");
    let mut config = all();
    assert_eq!(
        names(&config, &text),
        ["date-of-birth", "iban", "payment-card"]
    );
    config.on = On::Only(["iban".to_owned()].into());
    assert_eq!(names(&config, &text), ["iban"]);
    config.on = On::AllBut(["iban".to_owned()].into());
    assert_eq!(names(&config, &text), ["date-of-birth", "payment-card"]);
}

#[test]
fn own_patterns_words_and_values_are_found() {
    let mut config = all();
    config.patterns = vec![
        pattern("customer number", r"\bKD-[0-9]{6}\b"),
        OwnPattern {
            words: vec!["contract".into()],
            words_required: true,
            ..pattern("contract", r"\b[A-Z]{3}/[0-9]{5}\b")
        },
    ];
    config.word_lists = vec![WordList {
        name: "projects".into(),
        words: vec!["Bluebird".into(), "Größe Zwölf".into()],
    }];
    let entries = ["Ada Lovelace", "Ms. Grace  Hopper"]
        .map(|value| ExactSet::entry(&key(), Normalisation::Words, value).unwrap());
    config.key = key();
    config.exact_sets = vec![
        ExactSet {
            name: "people".into(),
            normalisation: Normalisation::Words,
            words_max: 3,
            entries: entries.into(),
        },
        ExactSet {
            name: "accounts".into(),
            normalisation: Normalisation::Joined,
            words_max: 4,
            entries: vec![ExactSet::entry(&key(), Normalisation::Joined, "00-417-A").unwrap()],
        },
    ];
    assert_eq!(names(&config, "see KD-123456"), ["customer number"]);
    assert_eq!(names(&config, "ABC/12345"), [""; 0]);
    assert_eq!(names(&config, "contract ABC/12345"), ["contract"]);
    assert_eq!(
        names(&config, "the bluebird sings, GRÖSSE is not größe zwölf"),
        ["projects"]
    );
    assert_eq!(names(&config, "bluebirdy"), [""; 0]);
    assert_eq!(
        names(&config, "met ada LOVELACE and ms grace hopper"),
        ["people"]
    );
    assert_eq!(names(&config, "Ada and Lovelace"), [""; 0]);
    assert_eq!(names(&config, "account 00417A or 00 417 a"), ["accounts"]);
}

#[test]
fn a_bad_configuration_says_what_is_wrong() {
    let fault = |change: &dyn Fn(&mut Config)| {
        let mut config = all();
        change(&mut config);
        Detectors::new(&config).unwrap_err().to_string()
    };
    let bad = |text: &'static str| {
        fault(&move |config: &mut Config| config.patterns = vec![pattern("mine", text)])
    };
    assert!(
        bad("(").starts_with("pattern mine cannot be used: regex parse error"),
        "{}",
        bad("(")
    );
    assert_eq!(
        bad("a+"),
        "pattern mine cannot be used: a match has no longest length: write {1,40} for + and {0,40} for *, 256 bytes at most"
    );
    assert_eq!(
        bad("a{300}"),
        "pattern mine cannot be used: a match can have 300 bytes, more than 256"
    );
    assert_eq!(
        bad("a?"),
        "pattern mine cannot be used: it matches nothing, or an empty text"
    );
    assert_eq!(
        bad("(?u:(\\w{16}){16}|\\w{60})"),
        "pattern mine cannot be used: a match can have 1024 bytes, more than 256"
    );
    let large = format!(
        "(?u:{})",
        ["a", "b", "c", "d", "e", "f", "g", "h"]
            .map(|end| format!("\\w{{60}}{end}"))
            .join("|")
    );
    let large = fault(&|config: &mut Config| config.patterns = vec![pattern("mine", &large)]);
    assert_eq!(
        large,
        "pattern mine cannot be used: it compiles to more than 2097152 bytes"
    );
    assert_eq!(
        fault(&|config| config.on = On::Only(["cards".to_owned()].into())),
        "there is no detector with the name cards"
    );
    assert_eq!(
        fault(&|config| config.patterns = vec![pattern("iban", "aa")]),
        "two detectors have the name iban"
    );
    assert_eq!(
        fault(&|config| config.patterns = vec![pattern("a\nb", "aa")]),
        "the name \"a\\nb\" is not one of 1 to 64 letters, digits, spaces and hyphens"
    );
    assert_eq!(
        fault(&|config| config.word_lists = vec![WordList {
            name: "mine".into(),
            words: vec!["-".into()]
        }]),
        "words of mine cannot be used: \"-\" is not a word or phrase of 2 to 60 bytes"
    );
    assert_eq!(
        fault(&|config| config.patterns = vec![OwnPattern {
            words_required: true,
            ..pattern("mine", "aa")
        }]),
        "pattern mine cannot be used: its words are required, but it has none"
    );
    assert!(matches!(
        Detectors::new(&Config {
            patterns: (0..101).map(|n| pattern(&format!("p{n}"), "aa")).collect(),
            ..all()
        }),
        Err(DetectorsError::TooMany { .. })
    ));
}

#[test]
fn a_key_is_not_printed() {
    assert_eq!(format!("{:?}", key()), "Key(…)");
    let mut config = all();
    config.exact_sets = vec![ExactSet {
        name: "people".into(),
        normalisation: Normalisation::Words,
        words_max: 1,
        entries: vec![ExactSet::entry(&key(), Normalisation::Words, "ada").unwrap()],
    }];
    assert!(
        !format!("{config:?}").contains("9, 9"),
        "no bytes of a key or an entry"
    );
}

#[test]
fn every_detector_says_what_it_is() {
    let mut names: Vec<&str> = detectors().iter().map(|detector| detector.name).collect();
    assert!(names.is_sorted());
    names.dedup();
    assert_eq!(names.len(), detectors().len());
    for detector in detectors() {
        assert!(
            !detector.what.is_empty() && !detector.check.is_empty() && !detector.source.is_empty(),
            "{}",
            detector.name
        );
        assert!(
            detector
                .name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'),
            "{}",
            detector.name
        );
    }
}

#[test]
fn the_readme_lists_all_detectors() {
    let mut table =
        String::from("| detector | finds | counts when | after |\n| --- | --- | --- | --- |\n");
    for Detector {
        name,
        what,
        check,
        source,
        ..
    } in detectors()
    {
        writeln!(table, "| {name} | {what} | {check} | {source} |").unwrap();
    }
    assert!(
        include_str!("../../README.md").contains(&table),
        "the README has another list than this:\n{table}"
    );
}

/// What a line of one thing again and again takes, compared with a line of words: nothing is looked at twice for each byte.
#[test]
fn no_line_takes_much_longer_than_another() {
    const BYTES: usize = 20 * 1024 * 1024;
    let detectors = Detectors::new(&all()).unwrap();
    let begun = cpu_seconds();
    for unit in ["7", "a", "=", "key=", "1234 ", "password:"] {
        let _ = scan(&detectors, &unit.repeat(BYTES / 6 / unit.len()));
    }
    let seconds = cpu_seconds() - begun;
    // At least 4 MB per CPU second without optimisation; one look back of 200 bytes for each would be 50 times slower.
    assert!(seconds < 5.0, "20 MB took {seconds} CPU seconds");
}

fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    stat.split(' ')
        .next()
        .and_then(|first| first.parse::<f64>().ok())
        .unwrap_or(0.0)
        / 1e9
}
