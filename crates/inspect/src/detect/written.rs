//! A configuration as it is written in a file, and the file of hashed values that it may name.
//!
//! ```toml
//! all_but = ["email-address"]            # or only = […]
//!
//! [detector.payment-card]
//! count_min = 3
//! confidence_min = "high"
//!
//! [[pattern]]
//! name = "project-number"
//! pattern = 'PX-\d{6}'
//! words = ["project"]
//! words_required = true
//!
//! [[list]]
//! name = "code-names"
//! words = ["Bluebird", "Red Kite"]
//!
//! [[exact]]
//! name = "customers"
//! file = "customers.hashes"
//!
//! [except]
//! published = true                       # numbers that vendors publish for tests
//! values = ["4000 0000 0000 0002"]
//! patterns = ['PX-000\d{3}']
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Deserialize;

use super::config::{Config, Exclusions, Key, On, OwnPattern, Setting, WordList};
use super::exact::{ExactEntry, ExactSet, Normalisation, WORDS_MAX};
use crate::report::Confidence;

/// What a file says, before the files that it names are read.
#[derive(Debug)]
pub struct Written {
    config: Parts,
    /// Sets of exact values, whose entries are in files of their own.
    pub exact: Vec<WrittenSet>,
}

/// A set of exact values that a configuration names.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrittenSet {
    pub name: String,
    /// The file with its entries, as [`ExactSet::to_text`] writes it.
    pub file: String,
}

/// Why what is written is not taken.
#[derive(Debug, thiserror::Error)]
pub enum WrittenError {
    /// The position is in the message.
    #[error("{0}")]
    Toml(#[from] toml::de::Error),
    #[error("`only` and `all_but` do not go together")]
    Both,
    #[error("the values of {name} are no file of hashed values: {fault}")]
    Entries { name: String, fault: String },
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Parts {
    only: Option<BTreeSet<String>>,
    all_but: Option<BTreeSet<String>>,
    detector: BTreeMap<String, SettingText>,
    pattern: Vec<PatternText>,
    list: Vec<ListText>,
    exact: Vec<WrittenSet>,
    except: ExceptText,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SettingText {
    count_min: Option<u64>,
    confidence_min: Option<ConfidenceText>,
    proximity: Option<usize>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ConfidenceText {
    Low,
    Medium,
    High,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PatternText {
    name: String,
    pattern: String,
    #[serde(default)]
    words: Vec<String>,
    #[serde(default)]
    words_required: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ListText {
    name: String,
    words: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ExceptText {
    published: Option<bool>,
    values: Vec<String>,
    patterns: Vec<String>,
}

impl Written {
    pub fn read(text: &str) -> Result<Written, WrittenError> {
        let mut config: Parts = toml::from_str(text)?;
        if config.only.is_some() && config.all_but.is_some() {
            return Err(WrittenError::Both);
        }
        let exact = std::mem::take(&mut config.exact);
        Ok(Written { config, exact })
    }

    /// Names of the detectors that are the customer's own.
    pub fn own_names(&self) -> Vec<String> {
        let parts = &self.config;
        let patterns = parts.pattern.iter().map(|pattern| &pattern.name);
        let lists = parts.list.iter().map(|list| &list.name);
        let exact = self.exact.iter().map(|set| &set.name);
        patterns.chain(lists).chain(exact).cloned().collect()
    }

    /// With the sets that it names, in their order.
    pub fn with(self, exact_sets: Vec<ExactSet>, key: Key) -> Config {
        let parts = self.config;
        let on = match (parts.only, parts.all_but) {
            (Some(names), _) => On::Only(names),
            (None, Some(names)) => On::AllBut(names),
            (None, None) => On::All,
        };
        let settings = parts.detector.into_iter();
        let patterns = parts.pattern.into_iter();
        let lists = parts.list.into_iter();
        Config {
            key,
            on,
            settings: settings.map(|(name, text)| (name, text.into())).collect(),
            patterns: patterns.map(OwnPattern::from).collect(),
            word_lists: lists.map(WordList::from).collect(),
            exact_sets,
            exclusions: Exclusions {
                published: parts.except.published.unwrap_or(true),
                values: parts.except.values,
                patterns: parts.except.patterns,
            },
        }
    }
}

impl From<SettingText> for Setting {
    fn from(text: SettingText) -> Setting {
        Setting {
            count_min: text.count_min,
            confidence_min: text.confidence_min.map(|least| match least {
                ConfidenceText::Low => Confidence::Low,
                ConfidenceText::Medium => Confidence::Medium,
                ConfidenceText::High => Confidence::High,
            }),
            proximity: text.proximity,
        }
    }
}

impl From<PatternText> for OwnPattern {
    fn from(text: PatternText) -> OwnPattern {
        OwnPattern {
            name: text.name,
            pattern: text.pattern,
            words: text.words,
            words_required: text.words_required,
        }
    }
}

impl From<ListText> for WordList {
    fn from(text: ListText) -> WordList {
        WordList {
            name: text.name,
            words: text.words,
        }
    }
}

/// How a file of hashed values begins.
const MARK: &str = "casbah exact values 1";
const ENTRY_DIGITS: usize = 40;

impl ExactSet {
    /// Hashes values, one a line; blank lines are left out. With the lines that cannot be looked for.
    pub fn of_lines(
        name: &str,
        normalisation: Normalisation,
        key: &Key,
        text: &str,
    ) -> (ExactSet, Vec<usize>) {
        let (mut entries, mut refused, mut words_max) = (Vec::new(), Vec::new(), 1);
        for (number, line) in text.lines().enumerate() {
            let value = line.trim();
            if value.is_empty() {
                continue;
            }
            match ExactSet::entry(key, normalisation, value) {
                Some(entry) => {
                    entries.push(entry);
                    words_max = words_max.max(words_in(normalisation, value));
                }
                None => refused.push(number + 1),
            }
        }
        entries.sort_unstable_by_key(|entry| entry.0);
        entries.dedup();
        let set = ExactSet {
            name: name.into(),
            normalisation,
            words_max,
            entries,
        };
        (set, refused)
    }

    /// A set as it is kept: nobody without the key can find its values by trying.
    pub fn to_text(&self) -> String {
        let how = match self.normalisation {
            Normalisation::Words => "words",
            Normalisation::Joined => "joined",
        };
        let mut text = format!("{MARK} {how} {}\n", self.words_max);
        for entry in &self.entries {
            for byte in entry.0 {
                write!(text, "{byte:02x}").expect("a string takes all text");
            }
            text.push('\n');
        }
        text
    }

    pub fn of_text(name: &str, text: &str) -> Result<ExactSet, WrittenError> {
        let wrong = |fault: String| WrittenError::Entries {
            name: name.into(),
            fault,
        };
        let mut lines = text.lines();
        let head = lines.next().and_then(|line| line.strip_prefix(MARK));
        let head: Option<Vec<&str>> = head.map(|rest| rest.split_whitespace().collect());
        let (how, words) = match head.as_deref() {
            Some([how, words]) => (*how, *words),
            _ => return Err(wrong(format!("it does not begin with \"{MARK}\""))),
        };
        let normalisation = match how {
            "words" => Normalisation::Words,
            "joined" => Normalisation::Joined,
            _ => return Err(wrong("its first line names another way to compare".into())),
        };
        let words_max = words.parse();
        let words_max = words_max.map_err(|_| wrong("its first line has no number".into()))?;
        let mut entries = Vec::new();
        for (number, line) in lines.enumerate() {
            let entry = entry_of(line);
            entries.push(entry.ok_or_else(|| wrong(format!("line {} is none", number + 2)))?);
        }
        Ok(ExactSet {
            name: name.into(),
            normalisation,
            words_max,
            entries,
        })
    }
}

/// Words of a value, or more: a text may have a number in other groups.
fn words_in(normalisation: Normalisation, value: &str) -> usize {
    let words = value.split(|character: char| !character.is_alphanumeric());
    match normalisation {
        Normalisation::Words => words.count().min(WORDS_MAX),
        Normalisation::Joined => WORDS_MAX,
    }
}

fn entry_of(line: &str) -> Option<ExactEntry> {
    let mut entry = [0; ENTRY_DIGITS / 2];
    if line.len() != ENTRY_DIGITS || !line.is_ascii() {
        return None;
    }
    for (byte, digits) in entry.iter_mut().zip(line.as_bytes().chunks(2)) {
        let digits = std::str::from_utf8(digits).ok()?;
        *byte = u8::from_str_radix(digits, 16).ok()?;
    }
    Some(ExactEntry(entry))
}

#[cfg(test)]
mod tests {
    use super::super::Detectors;
    use super::*;
    use crate::{Limits, inspect};

    fn key() -> Key {
        Key::new([7; 32])
    }

    const FILE: &str = r#"
        only = ["payment-card", "iban"]

        [detector.payment-card]
        count_min = 2
        confidence_min = "high"

        [[pattern]]
        name = "project-number"
        pattern = 'PX-\d{6}'

        [[list]]
        name = "code-names"
        words = ["Red Kite"]

        [[exact]]
        name = "customers"
        file = "customers.hashes"

        [except]
        values = ["PX-000001"]
    "#;

    fn found(config: &Config, text: &str) -> Vec<(String, u64)> {
        let detectors = Detectors::new(config).expect("a configuration");
        let report = inspect(&detectors, &Limits::default(), "a.txt", text.as_bytes());
        let findings = report.findings.into_iter();
        findings
            .map(|found| (found.detector, found.count))
            .collect()
    }

    #[test]
    fn a_file_says_what_is_looked_for() {
        let written = Written::read(FILE).expect("a file");
        assert_eq!(written.exact[0].file, "customers.hashes");
        let (set, refused) = ExactSet::of_lines(
            "customers",
            Normalisation::Words,
            &key(),
            "Ada Lovelace\n\n --- \nGrace Hopper\n",
        );
        assert_eq!(refused, [3]);
        let set = ExactSet::of_text("customers", &set.to_text()).expect("what was written");
        let config = written.with(vec![set], key());
        let text = "PX-123456 of Red Kite, PX-000001; card 5500 0055 5555 5559, mail a@corp.example; met GRACE  HOPPER";
        let expected = [("code-names", 1), ("customers", 1), ("project-number", 1)];
        assert_eq!(
            found(&config, text),
            expected.map(|(name, count)| (name.to_string(), count))
        );
    }

    #[test]
    fn a_set_keeps_no_value_and_finds_nothing_under_another_key() {
        let (set, _) = ExactSet::of_lines("c", Normalisation::Joined, &key(), "AB 12 34\n");
        let text = set.to_text();
        assert!(!text.to_lowercase().contains("ab1234"), "{text}");
        let mut config = Config::new(key());
        config.exact_sets = vec![set.clone()];
        assert_eq!(found(&config, "see AB-1234 there"), [("c".to_string(), 1)]);
        let mut other = Config::new(Key::new([8; 32]));
        other.exact_sets = vec![set];
        assert_eq!(found(&other, "see AB-1234 there"), []);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, wanted) in [
            ("onyl = []", "unknown field `onyl`"),
            ("only = []\nall_but = []", "do not go together"),
            ("[[pattern]]\nname = \"x\"", "missing field `pattern`"),
            (
                "[detector.iban]\nconfidence_min = \"sure\"",
                "unknown variant `sure`",
            ),
        ] {
            let error = Written::read(text).expect_err(text).to_string();
            assert!(error.contains(wanted), "{error}");
        }
        for (text, wanted) in [
            ("", "does not begin with"),
            ("casbah exact values 1 words 2\nxy\n", "line 2"),
            ("casbah exact values 1 stems 2\n", "another way"),
            ("casbah exact values 1 words two\n", "no number"),
        ] {
            let error = ExactSet::of_text("c", text).expect_err(text).to_string();
            assert!(error.contains(wanted), "{error}");
        }
    }
}
