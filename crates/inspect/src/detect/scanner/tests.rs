use super::Scanner;
use crate::detect::{Config, Detectors, Key};
use crate::report::{Finding, TextSink};
use proptest::prelude::*;

fn scan(detectors: &Detectors, core: usize, text: &str) -> Vec<Finding> {
    let mut scanner = Scanner::with_core(&detectors.plan, core);
    let _ = scanner.text(text);
    scanner.finish()
}

/// Lines with something to find, with nothing to find, and with runs that are longer than a window.
fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("the card number is 4539 5787 6362 1486, valid until 12/27".to_owned()),
        Just("BSN 111222333 and IBAN NL02 ABNA 0123 4567 89".to_owned()),
        Just("password = \"correct-horse-7\" # of the database".to_owned()),
        Just("postgres://app:hunter2hunter2@db.internal/app".to_owned()),
        Just("call +49 30 901820 or (212) 555-7788; born 3 March 1980".to_owned()),
        Just("ada.lovelace@firma-nord.de, SSN 532-14-9876".to_owned()),
        (1_usize..6_000).prop_map(|count| "7".repeat(count)),
        (1_usize..6_000).prop_map(|count| "a1".repeat(count)),
        (1_usize..1_000).prop_map(|count| "1234 ".repeat(count)),
        (1_usize..1_000).prop_map(|count| "key=".repeat(count)),
        "[a-z0-9 =:.,/@-]{0,200}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn it_does_not_matter_how_long_windows_are(lines in proptest::collection::vec(line(), 1..60), core in 1_000_usize..20_000) {
        let mut config = Config::new(Key::new([3; 32]));
        for name in ["email-address", "phone-number"] {
            config.settings.entry(name.to_owned()).or_default().count_min = Some(1);
        }
        config.on = crate::detect::On::All;
        let detectors = Detectors::new(&config).unwrap();
        let text = lines.join("\n");
        prop_assert_eq!(scan(&detectors, core, &text), scan(&detectors, 1 << 24, &text));
    }
}

#[test]
fn what_is_kept_of_a_text_is_bounded() {
    let detectors = Detectors::new(&Config::new(Key::new([3; 32]))).unwrap();
    let mut scanner = detectors.scanner();
    for unit in ["7", "ssn 532-14-9876 ", "password=", "é"] {
        let _ = scanner.text(&unit.repeat(1_000_000 / unit.len()));
        let longest = crate::detect::window::CORE
            + crate::detect::window::AHEAD
            + crate::detect::window::BEHIND
            + 4;
        assert!(
            scanner.reading.text.len() <= longest,
            "{} after {unit}",
            scanner.reading.text.len()
        );
    }
}
