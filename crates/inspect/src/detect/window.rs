//! A stretch of text with some text before and after it, the words in it, and the header of its table.

use super::literals::{Hit, NOISE, Topics};
use std::ops::Range;

/// What is examined at once: matches that begin in it are counted, and what is before and after is only looked at.
pub(crate) const CORE: usize = 64 * 1024;

/// Text that is kept from before: words near by, beginnings of lines, names of what is assigned.
pub(crate) const BEHIND: usize = 2 * 1024;

/// Text that is waited for: the longest token, and words after it.
pub(crate) const AHEAD: usize = 4 * 1024;

/// The longest match. A longer token is known by its beginning.
pub(crate) const MATCH_MAX: usize = 2 * 1024;

/// How far before a match its words are, unless the customer says otherwise: a line of prose, or three members of a JSON object.
pub(crate) const PROXIMITY: usize = 80;

/// How near the word is that says that a number is something else.
const NOISE_REACH: usize = 24;

/// The first line of a table is at most so long.
const HEADER_MAX: usize = 4 * 1024;

/// Columns of a table beyond these have no header.
const COLUMNS_MAX: usize = 512;

/// A line whose beginning is farther away is not a line of a table.
const LINE_MAX: usize = 1024;

pub(crate) struct Window<'w> {
    pub(crate) text: &'w [u8],
    /// Where matches begin that count.
    pub(crate) core: Range<usize>,
    pub(crate) hits: &'w [Hit],
    /// Topics of each hit.
    pub(crate) hit_topics: &'w [Topics],
    /// Topics of all hits and of the header.
    pub(crate) topics: Topics,
    pub(crate) header: &'w Header,
    /// Whether the text begins where the part begins.
    pub(crate) is_first: bool,
}

impl Window<'_> {
    /// Whether a word of these topics is near by, or at the head of the column.
    pub(crate) fn near(&self, topics: Topics, place: &Range<usize>, reach: usize) -> bool {
        if self.topics & topics == 0 {
            return false;
        }
        let before = place.start.saturating_sub(reach);
        let after = place.end + reach / 2;
        let first = self.hits.partition_point(|hit| (hit.end as usize) < before);
        let mut nearest_is_noise = false;
        let mut is_near = false;
        for (hit, its) in self.hits[first..].iter().zip(&self.hit_topics[first..]) {
            // Hits are in the order of their ends, and no literal is longer than this.
            if hit.end as usize > after + 64 {
                break;
            }
            if hit.end as usize <= place.start {
                if its & topics != 0 {
                    is_near = true;
                    nearest_is_noise = false;
                } else if its & NOISE != 0 {
                    nearest_is_noise = hit.end as usize + NOISE_REACH >= place.start;
                }
            } else if its & topics != 0
                && hit.start as usize >= place.end
                && (hit.start as usize) < after
            {
                is_near = true;
            }
        }
        (is_near && !nearest_is_noise) || self.heads(topics, place.start)
    }

    /// Whether the nearest word before says that this is something else.
    pub(crate) fn is_noise(&self, place: &Range<usize>) -> bool {
        if self.topics & NOISE == 0 {
            return false;
        }
        if self.heads(NOISE, place.start) {
            return true;
        }
        let before = place.start.saturating_sub(NOISE_REACH);
        let first = self.hits.partition_point(|hit| (hit.end as usize) < before);
        let mut near = self.hits[first..].iter().zip(&self.hit_topics[first..]);
        near.by_ref()
            .take_while(|(hit, _)| hit.end as usize <= place.start)
            .any(|(_, its)| its & NOISE != 0)
    }

    /// Whether the column of this place has one of these topics at its head.
    fn heads(&self, topics: Topics, at: usize) -> bool {
        if self.header.topics & topics == 0 {
            return false;
        }
        let from = at.saturating_sub(LINE_MAX);
        let start = match memchr::memrchr(b'\n', &self.text[from..at]) {
            Some(newline) => from + newline + 1,
            None if from == 0 && self.is_first => 0,
            None => return false,
        };
        let line = &self.text[start..at];
        match self.header.delimiter {
            // A list of values below one word.
            None => {
                line.iter()
                    .all(|byte| matches!(byte, b' ' | b'"' | b'\'' | b'-' | b'*'))
                    && self.header.columns[0] & topics != 0
            }
            Some(delimiter) => {
                let column = memchr::memchr_iter(delimiter, line).count();
                self.header
                    .columns
                    .get(column)
                    .is_some_and(|its| its & topics != 0)
            }
        }
    }
}

/// What the first line of a part says of the columns below it.
#[derive(Default)]
pub(crate) struct Header {
    topics: Topics,
    delimiter: Option<u8>,
    columns: Vec<Topics>,
}

impl Header {
    pub(crate) fn topics(&self) -> Topics {
        self.topics
    }

    /// Reads the first line of a part: names of columns, or one name above a list.
    pub(crate) fn read(text: &[u8], hits: &[Hit], topics: &[Topics]) -> Header {
        let Some(length) = memchr::memchr(b'\n', &text[..text.len().min(HEADER_MAX)]) else {
            return Header::default();
        };
        let line = &text[..length];
        let counts = [b'\t', b';', b'|', b',']
            .map(|delimiter| (memchr::memchr_iter(delimiter, line).count(), delimiter));
        let (count, delimiter) = counts.into_iter().max().expect("there are four");
        let is_list = count == 0 && line.len() <= 48;
        // A line of prose has commas too, but its parts are longer than names of columns.
        if !is_list && (count == 0 || line.len() / (count + 1) > 32) {
            return Header::default();
        }
        let mut header = Header {
            topics: 0,
            delimiter: (count > 0).then_some(delimiter),
            columns: vec![0; (count + 1).min(COLUMNS_MAX)],
        };
        for (hit, its) in hits
            .iter()
            .zip(topics)
            .take_while(|(hit, _)| (hit.end as usize) <= length)
        {
            let column = if is_list {
                0
            } else {
                memchr::memchr_iter(delimiter, &line[..hit.start as usize]).count()
            };
            if let Some(column) = header.columns.get_mut(column) {
                *column |= its;
                header.topics |= its;
            }
        }
        header
    }
}
