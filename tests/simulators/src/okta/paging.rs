//! Pages of lists: a place that travels in the `after` of a `Link` header, so that nothing is remembered.

use super::desk::Desk;
use super::faults::Fault;
use super::wire::{Call, bad_value};
use crate::address::encode;
use crate::answer::Answer;
use crate::seal::{FOREIGN, seal, unseal};

/// How many items a page repeats when it does.
const REPEATED: usize = 3;
/// Behind every cursor, so that one who decodes a link and forgets to encode it again is found out.
const TAIL: &str = "+=";

/// Sizes of the pages of one list.
#[derive(Clone, Copy)]
pub struct PageSize {
    pub default: usize,
    pub max: usize,
}

/// A page that is asked for.
pub struct Page {
    /// The key of the last item before it.
    pub after: Option<u64>,
    pub limit: usize,
    pub oddity: Oddity,
}

/// What faults do to one page.
#[derive(Clone, Copy, Default)]
pub struct Oddity {
    pub is_repeating: bool,
    pub is_empty: bool,
    pub is_circle: bool,
    pub is_foreign: bool,
    pub is_joined: bool,
}

impl Desk<'_> {
    /// What faults do to the page of a call.
    pub fn oddity(&mut self, call: &Call) -> Oddity {
        let is_first = call.parameter("after").is_none();
        Oddity {
            is_repeating: self.strikes(Fault::RepeatedItems).is_some(),
            // An empty page carries the same place on, so it comes only before the first page.
            is_empty: is_first && self.strikes(Fault::EmptyPage).is_some(),
            is_circle: self.strikes(Fault::NextLinkCircle).is_some(),
            is_foreign: self.strikes(Fault::ForeignNextLink).is_some(),
            is_joined: self.strikes(Fault::JoinedLinks).is_some(),
        }
    }

    /// Reads which page is asked for. A limit above the largest counts as the largest (uncertain).
    pub fn page(&mut self, call: &Call, size: PageSize) -> Result<Page, Answer> {
        let after = match call.parameter("after") {
            None => None,
            Some(after) => {
                if self.strikes(Fault::ExpiredPage).is_some() {
                    return Err(bad_value("after: The page token is no longer valid."));
                }
                let key = self.open_cursor(after).and_then(|key| {
                    let key = key.strip_prefix("list|")?;
                    if key == "start" {
                        Some(None)
                    } else {
                        key.parse().ok().map(Some)
                    }
                });
                key.ok_or_else(|| bad_value("after: The page token is not valid."))?
            }
        };
        let limit = match call.parameter("limit") {
            None => size.default,
            Some(limit) => match limit.parse::<usize>() {
                Ok(limit) if limit > 0 => limit.min(size.max),
                _ => return Err(bad_value("limit: The limit is not valid.")),
            },
        };
        let oddity = self.oddity(call);
        Ok(Page {
            after,
            limit: limit.min(self.plan.page_max),
            oddity,
        })
    }

    /// A page of the items, which come in the order of their keys.
    pub fn list<T>(
        &self,
        call: &Call,
        page: &Page,
        items: impl IntoIterator<Item = (u64, T)>,
        write: impl Fn(&T) -> String,
    ) -> Answer {
        let (texts, next) = take(page, items, write);
        let body = format!("[{}]", texts.join(","));
        let next = self.next_page(page, next);
        self.with_links(Answer::json(200, body), call, next.as_deref(), page.oddity)
    }

    /// Where the page after this one begins, encoded; `last` is the key of its last item if others follow.
    pub fn next_page(&self, page: &Page, last: Option<u64>) -> Option<String> {
        let stays = page.oddity.is_empty || (page.oddity.is_circle && last.is_some());
        let key = match page.after {
            None if stays => "start".into(),
            Some(own) if stays => own.to_string(),
            _ => last?.to_string(),
        };
        Some(self.cursor(&format!("list|{key}")))
    }

    /// A place as it stands in a link, encoded.
    pub fn cursor(&self, place: &str) -> String {
        encode(&format!("{}{TAIL}", seal(self.plan.seed, place)))
    }

    /// Reads a cursor back, as it is after decoding; `None` if this org did not make it.
    pub fn open_cursor(&self, cursor: &str) -> Option<String> {
        unseal(self.plan.seed, cursor.strip_suffix(TAIL)?)
    }

    /// Adds the links of a page: each in a header line of its own (Core Okta API, "Link header").
    pub fn with_links(
        &self,
        answer: Answer,
        call: &Call,
        next: Option<&str>,
        oddity: Oddity,
    ) -> Answer {
        let base = self.plan.base.trim_end_matches('/');
        let address = |query: &str| {
            let mark = if query.is_empty() { "" } else { "?" };
            format!("{base}{}{mark}{query}", call.raw_path)
        };
        let own = format!("<{}>; rel=\"self\"", address(&call.raw_query));
        let Some(next) = next else {
            return answer.with("link", own);
        };
        let mut query = call.query_without(&["after", "since"]);
        if !query.is_empty() {
            query.push('&');
        }
        query += &format!("after={next}");
        let next = format!("<{}>; rel=\"next\"", address(&query));
        let next = if oddity.is_foreign {
            next.replace(base, FOREIGN)
        } else {
            next
        };
        if oddity.is_joined {
            answer.with("link", format!("{own}, {next}"))
        } else {
            answer.with("link", own).with("link", next)
        }
    }
}

/// The texts of a page, and the key of its last item if others follow.
pub fn take<T>(
    page: &Page,
    items: impl IntoIterator<Item = (u64, T)>,
    write: impl Fn(&T) -> String,
) -> (Vec<String>, Option<u64>) {
    if page.oddity.is_empty {
        return (Vec::new(), None);
    }
    let is_later = |key: u64| page.after.is_none_or(|after| key > after);
    let mut items = items.into_iter().filter(|(key, _)| is_later(*key));
    let (mut texts, mut last) = (Vec::new(), None);
    for (key, item) in items.by_ref().take(page.limit) {
        texts.push(write(&item));
        last = Some(key);
    }
    let has_more = items.next().is_some();
    if page.oddity.is_repeating {
        let again: Vec<String> = texts.iter().take(REPEATED).cloned().collect();
        texts.extend(again);
    }
    (texts, last.filter(|_| has_more))
}
