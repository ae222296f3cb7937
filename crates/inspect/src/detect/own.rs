//! Patterns of a customer's own, which may be hostile: bounded in size, in memory, and in how long a match can be.

use super::config::DetectorsError;
use super::findings::Findings;
use super::window::Window;
use regex_automata::meta::{Config, Regex};
use regex_automata::util::syntax;
use regex_automata::{Input, MatchKind, PatternSet};

/// A pattern's text, in bytes.
const PATTERN_MAX: usize = 1_000;

/// A compiled pattern, in bytes: `\w{50}` fits, `(\w{100}){100}` does not.
const COMPILED_MAX: usize = 2 * 1024 * 1024;

/// Memory of a lazy automaton while it searches.
const CACHE_MAX: usize = 2 * 1024 * 1024;

/// The longest match of a pattern. A search may look at so many bytes again for each match, so that this bounds its time.
pub const OWN_MATCH_MAX: usize = 256;

/// Levels of groups in groups.
const NEST_MAX: u32 = 32;

/// A customer's patterns, each compiled alone, and all together to tell which of them are in a window at all.
pub(crate) struct Own {
    all: Option<Regex>,
    each: Vec<Pattern>,
}

pub(crate) struct Pattern {
    pub(crate) detector: usize,
    pub(crate) regex: Regex,
    pub(crate) words_required: bool,
}

impl Own {
    pub(crate) fn new(each: Vec<Pattern>, texts: &[&str]) -> Result<Own, DetectorsError> {
        let together = config()
            .match_kind(MatchKind::All)
            .nfa_size_limit(Some(COMPILED_MAX * 8));
        let all = match each.len() {
            0 | 1 => None,
            _ => Some(
                Regex::builder()
                    .configure(together)
                    .syntax(syntax())
                    .build_many(texts)
                    .map_err(|error| bad("all together", &error))?,
            ),
        };
        Ok(Own { all, each })
    }

    /// Finds all matches of each pattern. `resume` is where each pattern's last match ended.
    pub(crate) fn find(
        &self,
        window: &Window<'_>,
        resume: &mut [usize],
        findings: &mut Findings<'_>,
    ) {
        let searched = window.core.start..window.text.len().min(window.core.end + OWN_MATCH_MAX);
        let mut present = PatternSet::new(self.each.len());
        if let Some(all) = &self.all {
            all.which_overlapping_matches(
                &Input::new(window.text).span(searched.clone()),
                &mut present,
            );
        }
        for (index, pattern) in self.each.iter().enumerate() {
            if self.all.is_some() && !present.contains(regex_automata::PatternID::must(index)) {
                continue;
            }
            let mut at = resume[index].max(searched.start);
            while at < window.core.end {
                let Some(found) = pattern
                    .regex
                    .search(&Input::new(window.text).range(at..searched.end))
                else {
                    break;
                };
                let place = found.range();
                at = place.end;
                if place.start >= window.core.end {
                    break;
                }
                let is_near = findings.is_near(pattern.detector, window, &place);
                if is_near || !pattern.words_required {
                    findings.add(
                        pattern.detector,
                        window,
                        &place,
                        &window.text[place.clone()],
                        is_near,
                    );
                }
                resume[index] = at;
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.each.len()
    }
}

fn config() -> Config {
    Config::new()
        .nfa_size_limit(Some(COMPILED_MAX))
        .hybrid_cache_capacity(CACHE_MAX)
}

/// Classes are of ASCII, which look-alikes are by then; `(?u:…)` asks for those of Unicode.
fn syntax() -> syntax::Config {
    syntax::Config::new()
        .nest_limit(NEST_MAX)
        .unicode(false)
        .utf8(false)
}

fn bad(name: &str, fault: &dyn std::fmt::Display) -> DetectorsError {
    DetectorsError::BadPattern {
        name: name.to_owned(),
        fault: fault.to_string(),
    }
}

/// Compiles a pattern, or says what is wrong with it.
pub(crate) fn compile(name: &str, pattern: &str) -> Result<Regex, DetectorsError> {
    if pattern.len() > PATTERN_MAX {
        return Err(bad(name, &format!("it is longer than {PATTERN_MAX} bytes")));
    }
    let parsed = regex_syntax::ParserBuilder::new()
        .nest_limit(NEST_MAX)
        .unicode(false)
        .utf8(false)
        .build()
        .parse(pattern);
    let parsed = parsed.map_err(|error| bad(name, &error))?;
    let properties = parsed.properties();
    if properties.minimum_len().is_none_or(|least| least == 0) {
        return Err(bad(name, &"it matches nothing, or an empty text"));
    }
    match properties.maximum_len() {
        Some(most) if most <= OWN_MATCH_MAX => {}
        Some(most) => {
            return Err(bad(
                name,
                &format!("a match can have {most} bytes, more than {OWN_MATCH_MAX}"),
            ));
        }
        None => {
            return Err(bad(
                name,
                &format!(
                    "a match has no longest length: write {{1,40}} for + and {{0,40}} for *, {OWN_MATCH_MAX} bytes at most"
                ),
            ));
        }
    }
    Regex::builder()
        .configure(config())
        .syntax(syntax())
        .build(pattern)
        .map_err(|error| {
            bad(
                name,
                &match error.size_limit() {
                    Some(_) => format!("it compiles to more than {COMPILED_MAX} bytes"),
                    None => error.to_string(),
                },
            )
        })
}
