//! What is known not to be sensitive: published test numbers, keys from documents, and what the customer names.

use super::config::{DetectorsError, Exclusions};
use super::own;
use regex_automata::meta::Regex;
use regex_automata::{Anchored, Input};
use std::collections::HashSet;

/// Values that vendors publish for tests and in documents.
///
/// Keys are put together from parts, so that no scanner of code takes this table for a leak.
const PUBLISHED: &[&str] = &[
    // Payment cards for tests: Stripe, "Testing"; Adyen, "Test card numbers"; PayPal, "Test credit card account numbers"
    "4111111111111111",
    "4242424242424242",
    "4000056655665556",
    "5555555555554444",
    "2223003122003222",
    "5200828282828210",
    "5105105105105100",
    "378282246310005",
    "371449635398431",
    "6011111111111117",
    "6011000990139424",
    "6011981111111113",
    "3056930009020004",
    "36227206271667",
    "30569309025904",
    "38520000023237",
    "3566002020360505",
    "3530111333300000",
    "6200000000000005",
    "6200000000000047",
    "6205500000000000004",
    "4012888888881881",
    "4222222222222",
    "5019717010103742",
    "6331101999990016",
    "4000000000000002",
    "4000000000009995",
    "4000000000000069",
    "4000000000000127",
    "4000000000003220",
    "4000002500003155",
    "4000002760003184",
    "5454545454545454",
    "4917610000000000",
    "4444333322221111",
    "4005519200000004",
    "4009348888881881",
    "4012000033330026",
    "4012000077777777",
    "4500600000000061",
    "5577000055770004",
    "5105105105105100",
    "378734493671000",
    "371111111111114",
    "343434343434343",
    "4988438843884305",
    "4166676667666746",
    "4646464646464644",
    "5136333333333335",
    "5585558555855583",
    "5500000000000004",
    "340000000000009",
    "30000000000004",
    "6011000000000004",
    "3088000000000009",
    "201400000000009",
    "6304000000000000",
    "5063516945005047",
    "4508750015741019",
    // Numbers of people who do not exist: SSA, "Social Security cards issued by Woolworth"; HMRC; GB 11643-1999, annex
    "078051120",
    "219099999",
    "457555462",
    "123456789",
    "987654321",
    "AB123456C",
    "QQ123456C",
    "11010519491231002X",
    "12345678Z",
    "00000000T",
    "X0000000T",
    "12345678909",
    "11144477735",
    "756921707694",
    "7569217076985",
    "1234567897",
    "9434765919",
    "85073003328",
    // Accounts in standards: ISO 13616-1 and the IBAN registry's examples
    "DE89370400440532013000",
    "GB29NWBK60161331926819",
    "GB82WEST12345698765432",
    "FR1420041010050500013M02606",
    "CH9300762011623852957",
    "AT611904300234573201",
    "NL91ABNA0417164300",
    "ES9121000418450200051332",
    "IT60X0542811101000000123456",
    "BE68539007547034",
    "NO9386011117947",
    "SE4550000000058398257466",
    "DK5000400440116243",
    "FI2112345600000785",
    "PL61109010140000071219812874",
    "PT50000201231234567890154",
    "IE29AIBK93115212345678",
    "GB33BUKB20201555555555",
    // Keys in documents: AWS, Stripe, jwt.io (its signature)
    concat!("AKIA", "IOSFODNN7", "EXAMPLE"),
    concat!("AKIA", "I44QH8DHB", "EXAMPLE"),
    concat!("ASIA", "IOSFODNN7", "EXAMPLE"),
    concat!("wJalrXUtnFEMI", "/K7MDENG/", "bPxRfiCYEXAMPLEKEY"),
    concat!("sk_test_", "4eC39HqLyjW", "DarjtT1zdp7dc"),
    concat!("sk_test_", "BQokikJOvBi", "I2HlWgH4olfQ2"),
];

/// Parts of published values whose ends differ.
const PUBLISHED_PARTS: &[&str] = &["EXAMPLE", "SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"];

pub(crate) struct Exclude {
    values: HashSet<Vec<u8>>,
    parts: &'static [&'static str],
    patterns: Vec<Regex>,
}

impl Exclude {
    pub(crate) fn new(exclusions: &Exclusions) -> Result<Exclude, DetectorsError> {
        let published = if exclusions.published { PUBLISHED } else { &[] };
        let own = exclusions.values.iter().map(String::as_str);
        Ok(Exclude {
            values: published
                .iter()
                .copied()
                .chain(own)
                .map(|value| compared(value.as_bytes()))
                .collect(),
            parts: if exclusions.published {
                PUBLISHED_PARTS
            } else {
                &[]
            },
            patterns: exclusions
                .patterns
                .iter()
                .map(|pattern| own::compile("exclusion", pattern))
                .collect::<Result<_, _>>()?,
        })
    }

    /// Whether a match, as it is compared or as it stands there, is excluded.
    pub(crate) fn has(&self, value: &[u8], raw: &[u8]) -> bool {
        self.values.contains(&compared(value))
            || self
                .parts
                .iter()
                .any(|part| memchr::memmem::find(raw, part.as_bytes()).is_some())
            || self.patterns.iter().any(|pattern| fits(pattern, raw))
    }
}

/// Letters and digits in lower case.
fn compared(value: &[u8]) -> Vec<u8> {
    value
        .iter()
        .filter(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii())
        .map(u8::to_ascii_lowercase)
        .collect()
}

/// Whether the whole match fits.
fn fits(pattern: &Regex, raw: &[u8]) -> bool {
    let found = pattern.find(Input::new(raw).anchored(Anchored::Yes));
    found.is_some_and(|found| found.end() == raw.len())
}
