//! A configuration, checked and compiled: every detector with its settings, and the automaton of all words and marks.

use super::catalog::{Alone, Detector, Finds, Kind, detectors};
use super::config::{Config, DetectorsError, On, OwnPattern, PROXIMITY_MAX, Setting};
use super::credentials::Credentials;
use super::exact::{ENTRIES_MAX, Exact, WORDS_MAX};
use super::exclude::Exclude;
use super::findings::{Entry, Hashes};
use super::literals::{Automat, Job, Literals, Mark, NOISE, Topics};
use super::mask::Mask as Shown;
use super::names::{NOISE_WORDS, PASSWORD_NAMES, SECRET_NAMES};
use super::numbers::Numbers;
use super::own::{self, Own};
use super::window::PROXIMITY;
use crate::report::Confidence;
use std::collections::BTreeSet;

/// Patterns, lists and sets of a customer's own.
const OWN_MAX: usize = 100;

/// Sets of exact values: each looks at each word of a text, and has a filter of half a megabyte.
const SETS_MAX: usize = 8;

/// Words of all lists of a customer together.
const WORDS_ALL_MAX: usize = 20_000;

/// One word or phrase, in bytes.
const WORD_MAX: usize = 60;

pub(crate) struct Plan {
    pub(crate) entries: Vec<Entry>,
    pub(crate) automat: Automat,
    pub(crate) numbers: Numbers,
    pub(crate) credentials: Credentials,
    pub(crate) own: Own,
    pub(crate) exact: Exact,
    pub(crate) exclude: Exclude,
    pub(crate) hashes: Hashes,
}

impl Plan {
    pub(crate) fn new(config: &Config) -> Result<Plan, DetectorsError> {
        check(config)?;
        let mut building = Building::new(config);
        for detector in detectors() {
            if is_on(&config.on, detector.name) {
                building.detector(detector)?;
            }
        }
        let mut patterns = Vec::new();
        for pattern in &config.patterns {
            patterns.push(building.pattern(pattern)?);
        }
        for list in &config.word_lists {
            building.list(&list.name, &list.words)?;
        }
        for set in &config.exact_sets {
            if set.words_max == 0 || set.words_max > WORDS_MAX {
                let fault = format!("its values have 1 to {WORDS_MAX} words");
                return Err(DetectorsError::BadSet {
                    name: set.name.clone(),
                    fault,
                });
            }
            let detector = building.own(&set.name, 0, Alone::Always)?;
            building.exact.add(detector, set);
        }
        for word in NOISE_WORDS {
            building.literals.word(word, NOISE);
        }
        let texts: Vec<&str> = config
            .patterns
            .iter()
            .map(|pattern| pattern.pattern.as_str())
            .collect();
        Ok(Plan {
            own: Own::new(patterns, &texts)?,
            automat: building
                .literals
                .build()
                .map_err(|_| DetectorsError::TooMany {
                    what: "words",
                    most: WORDS_ALL_MAX,
                })?,
            entries: building.entries,
            numbers: building.numbers,
            credentials: building.credentials,
            exact: building.exact,
            exclude: Exclude::new(&config.exclusions)?,
            hashes: Hashes::new(config.key.bytes()),
        })
    }
}

fn is_on(on: &On, name: &str) -> bool {
    match on {
        On::All => true,
        On::Only(names) => names.contains(name),
        On::AllBut(names) => !names.contains(name),
    }
}

/// Names that exist, once each, and numbers within their limits.
fn check(config: &Config) -> Result<(), DetectorsError> {
    let ours: BTreeSet<&str> = detectors().iter().map(|detector| detector.name).collect();
    let mut names = ours.clone();
    let own = (config.patterns.iter().map(|own| &own.name))
        .chain(config.word_lists.iter().map(|own| &own.name))
        .chain(config.exact_sets.iter().map(|own| &own.name));
    for name in own.clone() {
        let is_name = (1..=64).contains(&name.len())
            && name
                .chars()
                .all(|character| character.is_alphanumeric() || matches!(character, ' ' | '-'));
        if !is_name {
            return Err(DetectorsError::BadName { name: name.clone() });
        }
        if !names.insert(name) {
            return Err(DetectorsError::SameName { name: name.clone() });
        }
    }
    if own.count() > OWN_MAX {
        return Err(DetectorsError::TooMany {
            what: "own detectors",
            most: OWN_MAX,
        });
    }
    let chosen = match &config.on {
        On::All => None,
        On::Only(chosen) | On::AllBut(chosen) => Some(chosen),
    };
    if let Some(name) = chosen
        .into_iter()
        .flatten()
        .find(|name| !ours.contains(name.as_str()))
    {
        return Err(DetectorsError::UnknownDetector { name: name.clone() });
    }
    for (name, setting) in &config.settings {
        if !names.contains(name.as_str()) {
            return Err(DetectorsError::UnknownDetector { name: name.clone() });
        }
        if setting.proximity.is_some_and(|reach| reach > PROXIMITY_MAX) {
            return Err(DetectorsError::TooFar { name: name.clone() });
        }
    }
    if config.exact_sets.len() > SETS_MAX {
        return Err(DetectorsError::TooMany {
            what: "exact sets",
            most: SETS_MAX,
        });
    }
    if config
        .word_lists
        .iter()
        .map(|list| list.words.len())
        .sum::<usize>()
        > WORDS_ALL_MAX
    {
        return Err(DetectorsError::TooMany {
            what: "words",
            most: WORDS_ALL_MAX,
        });
    }
    if config
        .exact_sets
        .iter()
        .map(|set| set.entries.len())
        .sum::<usize>()
        > ENTRIES_MAX
    {
        return Err(DetectorsError::TooMany {
            what: "exact values",
            most: ENTRIES_MAX,
        });
    }
    Ok(())
}

struct Building<'c> {
    config: &'c Config,
    entries: Vec<Entry>,
    literals: Literals,
    numbers: Numbers,
    credentials: Credentials,
    exact: Exact,
    topics: u32,
}

impl Building<'_> {
    fn new(config: &Config) -> Building<'_> {
        Building {
            config,
            entries: Vec::new(),
            literals: Literals::default(),
            numbers: Numbers::default(),
            credentials: Credentials::default(),
            exact: Exact::new(&config.key),
            topics: 1,
        }
    }

    fn detector(&mut self, detector: &'static Detector) -> Result<(), DetectorsError> {
        let topics = self.words(detector.words.iter().copied())?;
        let index = self.entries.len();
        let setting = self
            .config
            .settings
            .get(detector.name)
            .cloned()
            .unwrap_or_default();
        self.entries.push(Entry {
            name: detector.name.to_owned(),
            topics,
            reach: setting.proximity.unwrap_or(PROXIMITY),
            alone: detector.alone,
            confidence: detector.confidence,
            confidence_min: setting.confidence_min.unwrap_or(Confidence::Low),
            count_min: setting.count_min.unwrap_or(detector.count_min),
            mask: shown(detector),
        });
        match &detector.finds {
            Finds::Number(number) => self.numbers.add(index, detector.name, number),
            Finds::Secret(secrets) => {
                for secret in *secrets {
                    self.literals
                        .job(secret.literal, Job::Secret(index, secret));
                }
            }
            Finds::After(after) => {
                for word in detector.words {
                    self.literals.words_job(word, Job::After(index, after));
                }
            }
            Finds::Place => self.place(index, detector.name),
        }
        Ok(())
    }

    fn place(&mut self, index: usize, name: &str) {
        let credentials = &mut self.credentials;
        match name {
            "iban" => self.numbers.add_iban(index),
            "basic-auth-url" => credentials.basic_auth = Some(index),
            "connection-string" => credentials.connection = Some(index),
            "email-address" => credentials.email = Some(index),
            "generic-secret" => credentials.secret = Some(index),
            "jwt" => credentials.jwt = Some(index),
            "password" => credentials.password = Some(index),
            "phone-number" => credentials.phone = Some(index),
            "private-key" => credentials.pem = Some(index),
            other => unreachable!("a detector without code: {other}"),
        }
        let marks: &[(&[&str], Mark)] = match name {
            "basic-auth-url" => &[(&["://"], Mark::Address)],
            "connection-string" => &[(&["://"], Mark::Address), (PASSWORD_NAMES, Mark::Password)],
            "email-address" => &[(&["@"], Mark::At)],
            "generic-secret" => &[(SECRET_NAMES, Mark::Secret)],
            "jwt" => &[(&["eyJ"], Mark::Jwt)],
            "password" => &[(PASSWORD_NAMES, Mark::Password)],
            "private-key" => &[(&["-----BEGIN "], Mark::Pem)],
            _ => &[],
        };
        for (literals, mark) in marks {
            for literal in *literals {
                self.literals.mark(literal, *mark);
            }
        }
    }

    fn pattern(&mut self, pattern: &OwnPattern) -> Result<own::Pattern, DetectorsError> {
        for word in &pattern.words {
            check_word(&pattern.name, word)?;
        }
        let topics = self.words(pattern.words.iter().map(String::as_str))?;
        let regex = own::compile(&pattern.name, &pattern.pattern)?;
        let alone = if pattern.words_required {
            Alone::Never
        } else {
            Alone::Always
        };
        if pattern.words_required && topics == 0 {
            let fault = "its words are required, but it has none".to_owned();
            return Err(DetectorsError::BadPattern {
                name: pattern.name.clone(),
                fault,
            });
        }
        let detector = self.own(&pattern.name, topics, alone)?;
        Ok(own::Pattern {
            detector,
            regex,
            words_required: pattern.words_required,
        })
    }

    fn list(&mut self, name: &str, words: &[String]) -> Result<(), DetectorsError> {
        let detector = self.own(name, 0, Alone::Always)?;
        for word in words {
            check_word(name, word)?;
            self.literals.listed(word.trim(), Job::Word(detector));
        }
        Ok(())
    }

    fn own(&mut self, name: &str, topics: Topics, alone: Alone) -> Result<usize, DetectorsError> {
        let Setting {
            count_min,
            confidence_min,
            proximity,
        } = self.config.settings.get(name).cloned().unwrap_or_default();
        self.entries.push(Entry {
            name: name.to_owned(),
            topics,
            reach: proximity.unwrap_or(PROXIMITY),
            alone,
            confidence: Confidence::High,
            confidence_min: confidence_min.unwrap_or(Confidence::Low),
            count_min: count_min.unwrap_or(1),
            mask: Shown::All,
        });
        Ok(self.entries.len() - 1)
    }

    /// A topic of its own for these words; none for no words.
    fn words<'w>(
        &mut self,
        words: impl Iterator<Item = &'w str>,
    ) -> Result<Topics, DetectorsError> {
        let mut topics = 0;
        for word in words {
            if topics == 0 {
                if self.topics == Topics::BITS {
                    return Err(DetectorsError::TooMany {
                        what: "detectors with words",
                        most: Topics::BITS as usize,
                    });
                }
                topics = 1 << self.topics;
                self.topics += 1;
            }
            self.literals.word(word, topics);
        }
        Ok(topics)
    }
}

/// Whether a word of the customer's can be looked for.
fn check_word(name: &str, word: &str) -> Result<(), DetectorsError> {
    let is_word =
        (2..=WORD_MAX).contains(&word.trim().len()) && word.chars().any(char::is_alphanumeric);
    let fault = || format!("{word:?} is not a word or phrase of 2 to {WORD_MAX} bytes");
    is_word
        .then_some(())
        .ok_or_else(|| DetectorsError::BadWords {
            name: name.to_owned(),
            fault: fault(),
        })
}

/// How matches of a detector are shown.
fn shown(detector: &Detector) -> Shown {
    match (detector.kind, &detector.finds) {
        (Kind::Secret, Finds::Secret(_)) => Shown::Prefix,
        (Kind::Secret | Kind::Credential, _) => Shown::All,
        (Kind::Personal, _) if detector.name == "email-address" => Shown::Mail,
        (Kind::Financial | Kind::NationalId | Kind::Health | Kind::Personal, _) => Shown::Number,
    }
}
