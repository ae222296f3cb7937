//! Pages of Graph lists and deltas: positions that travel in links, so that nothing is remembered.

use super::desk::Desk;
use super::faults::Fault;
use super::tenant::Tenant;
use super::wire::{Call, graph_error, graph_page};
use crate::answer::Answer;
use crate::seal::{FOREIGN, unseal};

/// Page of a delta without `Prefer: odata.maxpagesize`, and of `/users` without `$top` (List users, "Optional query parameters").
const PAGE: usize = 100;

/// A position in a directory list, as tokens carry it.
pub struct Position {
    /// The first place to show, of the whole list or of the steps since `from`.
    pub offset: usize,
    /// Steps of the world that were seen when this round began.
    pub until: usize,
    /// Where the round's changes begin; `None` is a round over everything.
    pub from: Option<usize>,
    pub page: usize,
    pub select: Option<Vec<String>>,
    pub oddity: PageOddity,
}

/// The offset of a position whose round is over: only what changed later is of interest.
pub const ROUND_DONE: usize = usize::MAX;

/// What faults do to one page.
#[derive(Clone, Copy, Default)]
pub struct PageOddity {
    pub is_repeating: bool,
    pub is_circle: bool,
    pub is_foreign: bool,
    pub is_empty: bool,
}

/// How many items a page repeats when it does.
const REPEATED: usize = 3;

/// How the links of a list are made.
#[derive(Clone, Copy)]
pub struct Links {
    pub is_delta: bool,
    /// The parameters of next and delta links.
    pub parameters: [&'static str; 2],
}

impl Links {
    pub const LIST: Links = Links {
        is_delta: false,
        parameters: ["$skiptoken", "$deltatoken"],
    };
    pub const DELTA: Links = Links {
        is_delta: true,
        ..Links::LIST
    };
    pub const DRIVE: Links = Links {
        is_delta: true,
        parameters: ["token", "token"],
    };
}

impl Position {
    pub fn token(&self) -> String {
        let from = self.from.map_or(String::new(), |from| from.to_string());
        let select = self
            .select
            .as_ref()
            .map_or("*".into(), |names| names.join(","));
        format!(
            "{}|{}|{from}|{}|{select}",
            self.offset, self.until, self.page
        )
    }

    pub fn parse(token: &str) -> Option<Position> {
        let mut parts = token.split('|');
        Some(Position {
            offset: parts.next()?.parse().ok()?,
            until: parts.next()?.parse().ok()?,
            from: match parts.next()? {
                "" => None,
                from => Some(from.parse().ok()?),
            },
            page: parts.next()?.parse().ok()?,
            select: match parts.next()? {
                "*" => None,
                names => Some(names.split(',').map(String::from).collect()),
            },
            oddity: PageOddity::default(),
        })
    }
}

impl Desk<'_> {
    /// Reads where a delta or list goes on. Query options count in the first call only.
    pub fn position(&mut self, call: &Call, page_max: usize) -> Result<Position, Answer> {
        let position = self.plain_position(call, page_max)?;
        // An empty page carries the same position on, so it may come only before a round's first page.
        let may_be_empty = position.offset == 0 && call.parameter("$skiptoken").is_none();
        let oddity = self.page_oddity(may_be_empty);
        let page = position.page.min(self.directory_page_max());
        Ok(Position {
            page,
            oddity,
            ..position
        })
    }

    /// The same for a list that takes no page size: most are one page, and faults strike only where there are more.
    pub fn whole_position(&mut self, call: &Call, length: usize) -> Result<Position, Answer> {
        let page = self.directory_page_max();
        let token = call.parameter("$skiptoken");
        let offset = match token {
            Some(token) => self.read_back(token)?.offset,
            None => 0,
        };
        let oddity = if length > page {
            self.page_oddity(token.is_none())
        } else {
            PageOddity::default()
        };
        Ok(Position {
            offset,
            until: 0,
            from: None,
            page,
            select: None,
            oddity,
        })
    }

    fn directory_page_max(&self) -> usize {
        self.plan.directory_page_max.max(1)
    }

    /// What the token of a link says.
    fn read_back(&self, token: &str) -> Result<Position, Answer> {
        let token = unseal(self.plan.seed, token).ok_or_else(bad_token)?;
        Position::parse(&token).ok_or_else(bad_token)
    }

    pub fn page_oddity(&mut self, may_be_empty: bool) -> PageOddity {
        PageOddity {
            is_repeating: self.strikes(Fault::RepeatedItems).is_some(),
            is_circle: self.strikes(Fault::NextLinkCircle).is_some(),
            is_foreign: self.strikes(Fault::ForeignNextLink).is_some(),
            is_empty: may_be_empty && self.strikes(Fault::EmptyPage).is_some(),
        }
    }

    fn plain_position(&self, call: &Call, page_max: usize) -> Result<Position, Answer> {
        if let Some(token) = call.parameter("$skiptoken") {
            return self.read_back(token);
        }
        let until = self.state.world.steps.len();
        let preferred = call.preferred_number("odata.maxpagesize");
        let top = call
            .parameter("$top")
            .map(|top| top.parse::<usize>().map_err(|_| bad_token()))
            .transpose()?;
        let page = preferred.or(top).unwrap_or(PAGE);
        if page == 0 || page > page_max {
            return Err(graph_error(
                400,
                "Request_UnsupportedQuery",
                "Invalid page size specified.",
            ));
        }
        let oddity = PageOddity::default();
        let fresh = Position {
            offset: 0,
            until,
            from: None,
            page,
            select: call.select(),
            oddity,
        };
        match call.parameter("$deltatoken") {
            None | Some("") => Ok(fresh),
            Some("latest") => Ok(Position {
                from: Some(until),
                ..fresh
            }),
            Some(token) => {
                let old = self.read_back(token)?;
                // A tenant that was built anew has forgotten its steps.
                let from = old.until.min(until);
                Ok(Position {
                    offset: 0,
                    until,
                    from: Some(from),
                    page: preferred.unwrap_or(old.page),
                    ..old
                })
            }
        }
    }

    /// A page of a list whose `length` entries `write` puts out; entries may be left out by writing nothing.
    pub fn page(
        &self,
        path: &str,
        position: Position,
        length: usize,
        names: Links,
        mut write: impl FnMut(&mut String, usize, Option<&[String]>),
    ) -> Answer {
        let graph = self.plan.base.graph.trim_end_matches('/');
        let oddity = position.oddity;
        let size = if oddity.is_empty { 0 } else { position.page };
        let last = (position.offset + size).min(length);
        let mut values = String::new();
        let repeated = if oddity.is_repeating {
            REPEATED.min(last - position.offset)
        } else {
            0
        };
        let places = (position.offset..last).chain(position.offset..position.offset + repeated);
        for place in places {
            let before = values.len();
            if before > 0 {
                values.push(',');
            }
            let begin = values.len();
            write(&mut values, place, position.select.as_deref());
            if values.len() == begin {
                values.truncate(before);
            }
        }
        let has_more = last < length || oddity.is_empty;
        let offset = match (has_more, oddity.is_circle) {
            (true, true) => position.offset,
            (true, false) => last,
            (false, _) => ROUND_DONE,
        };
        let token = Position { offset, ..position }.token();
        let context = Tenant::context(graph, entries_of(path));
        let [next, delta] = names.parameters;
        let link = if has_more {
            let link = self.link(path, next, &token);
            let link = if oddity.is_foreign {
                link.replace(graph, FOREIGN)
            } else {
                link
            };
            Some(("@odata.nextLink", link))
        } else {
            names
                .is_delta
                .then(|| ("@odata.deltaLink", self.link(path, delta, &token)))
        };
        graph_page(&context, &values, link)
    }
}

/// What a list's entries are, as its context names them.
fn entries_of(path: &str) -> &str {
    let path = path.split('?').next().unwrap_or(path);
    let (first, last) = (path.split('/').next(), path.rsplit('/').next());
    match (first, last) {
        (_, Some("members" | "transitiveMembers")) => "directoryObjects",
        (Some("roleManagement" | "auditLogs"), _) => path,
        (first, _) => first.unwrap_or(path),
    }
}

fn bad_token() -> Answer {
    graph_error(400, "Request_BadRequest", "Invalid token.")
}
