//! Listings of audit content: windows of publication, page by page.

use casbah_model::Timestamp;

use super::desk::Desk;
use super::faults::Fault;
use super::plan::ContentType;
use super::schedule::{Blob, CONTENT_LIFE};
use super::wire::{Call, management_error};
use crate::address::encode;
use crate::answer::Answer;
use crate::json::object;
use crate::moment::{DAY, HOUR, MINUTE, Millis, millis};
use crate::seal::{FOREIGN, seal, unseal};

/// The most hours of one listing (Management Activity API reference, "List available content").
const WINDOW_MAX: Millis = DAY;
/// How long a feed that was just started stays empty at most (same document, "Start a subscription").
const FIRST_CONTENT: Millis = 12 * HOUR;
/// What the fault `late-listing` waits when it has no value, and at most; both are the simulator's own.
const LATENESS: Millis = 30 * MINUTE;
const LATENESS_MAX: Millis = 60 * MINUTE;

/// A listing's window and how far it was read.
struct Listing {
    feed: ContentType,
    from: Millis,
    to: Millis,
    offset: usize,
    /// Whether the empty page of a fault was given already.
    was_empty: bool,
}

impl Desk<'_> {
    pub fn list_content(&mut self, call: &Call) -> Answer {
        let feed = match self.feed_of(call) {
            Ok(feed) => feed,
            Err(answer) => return answer,
        };
        let Some(subscription) = self.state.world.subscriptions.get(&feed) else {
            return management_error(
                400,
                "AF20022",
                "No subscription found for the specified content type.",
            );
        };
        let is_off = !subscription.is_on();
        let is_struck =
            self.is_disabled_by_fault(feed) && self.strikes(Fault::FeedDisabled).is_some();
        if is_off || is_struck {
            return management_error(400, "AF20023", "The subscription was disabled.");
        }
        let listing = match self.listing(call, feed) {
            Ok(listing) => listing,
            Err(answer) => return answer,
        };
        if !listing.was_empty && listing.offset == 0 && self.strikes(Fault::EmptyPage).is_some() {
            let answer = Answer::json(200, "[]");
            return self.with_next_page(
                answer,
                Listing {
                    was_empty: true,
                    ..listing
                },
            );
        }
        let blobs = self.listed_by_now(feed, &listing);
        let rest = blobs.get(listing.offset..).unwrap_or_default();
        let page = &rest[..rest.len().min(self.plan.listing_page.max(1))];
        let mut items: Vec<String> = page.iter().map(|blob| self.content_item(*blob)).collect();
        if !items.is_empty() && self.strikes(Fault::DuplicateListing).is_some() {
            items.push(items[0].clone());
        }
        let answer = Answer::json(200, format!("[{}]", items.join(",")));
        if rest.len() == page.len() {
            return answer;
        }
        let is_circle = self.strikes(Fault::NextLinkCircle).is_some();
        let offset = listing.offset + if is_circle { 0 } else { page.len() };
        self.with_next_page(answer, Listing { offset, ..listing })
    }

    /// Reads and checks the window, or the token that stands for it.
    fn listing(&mut self, call: &Call, feed: ContentType) -> Result<Listing, Answer> {
        if let Some(token) = call.parameter("nextPage") {
            let parsed = unseal(self.plan.seed, token).and_then(|token| parse_page(&token));
            let listing = parsed.filter(|listing| listing.feed == feed);
            return listing.ok_or_else(|| {
                management_error(400, "AF20031", &format!("Invalid nextPage Input: {token}."))
            });
        }
        let bad = || {
            management_error(
                400,
                "AF20030",
                "Start time and end time must both be specified (or both omitted) and must be less than or equal to 24 hours apart, with the start time no more than 7 days in the past.",
            )
        };
        let (mut from, to) = match (call.parameter("startTime"), call.parameter("endTime")) {
            (None, None) => (self.now - DAY, self.now),
            (Some(from), Some(to)) => {
                let wrong = |name: &str| {
                    management_error(
                        400,
                        "AF20002",
                        &format!("Invalid parameter type: {name}. Expected type: DateTime"),
                    )
                };
                let from = parse_time(from).ok_or_else(|| wrong("startTime"))?;
                (from, parse_time(to).ok_or_else(|| wrong("endTime"))?)
            }
            _ => return Err(bad()),
        };
        if to - from > WINDOW_MAX && self.strikes(Fault::WindowPartial).is_some() {
            from = to - WINDOW_MAX;
        }
        // Half a minute of grace for clocks that differ is the simulator's own.
        let is_too_old = from < self.now - CONTENT_LIFE - MINUTE / 2;
        if to <= from || to - from > WINDOW_MAX || is_too_old {
            return Err(bad());
        }
        Ok(Listing {
            feed,
            from,
            to,
            offset: 0,
            was_empty: false,
        })
    }

    /// Blobs that a listing shows: published by now, not expired, and while the feed was on.
    pub fn published(&self, feed: ContentType, from: Millis, to: Millis) -> Vec<Blob> {
        let Some(subscription) = self.state.world.subscriptions.get(&feed) else {
            return Vec::new();
        };
        let mut blobs = self.state.schedule.blobs(feed, from, to.min(self.now + 1));
        let huge = self.huge_blob();
        let has_huge = self.state.switches.settings(Fault::HugeBlob).is_some();
        if has_huge && feed == huge.feed && (from..to).contains(&huge.created) {
            blobs.push(huge);
            blobs.sort_by_key(|blob| blob.created);
        }
        let is_silent = self
            .state
            .switches
            .settings(Fault::SilentFirstHours)
            .is_some();
        let silent_until = subscription
            .since()
            .filter(|_| is_silent)
            .map(|at| at + FIRST_CONTENT);
        blobs.retain(|blob| {
            subscription.was_on(blob.created)
                && blob.created + CONTENT_LIFE > self.now
                && silent_until.is_none_or(|until| self.now >= until)
        });
        blobs
    }

    /// What a window shows now; an answer counts as struck when its window will show more later.
    ///
    /// A blob that turns up between two pages moves the later ones on, so that one of them is listed twice.
    fn listed_by_now(&mut self, feed: ContentType, listing: &Listing) -> Vec<Blob> {
        let mut blobs = self.published(feed, listing.from, listing.to);
        let published = blobs.len();
        blobs.retain(|blob| !self.is_late(*blob));
        if blobs.len() < published {
            self.state.switches.note(Fault::LateListing);
        }
        blobs
    }

    /// Whether the fault `late-listing` still hides a blob.
    fn is_late(&self, blob: Blob) -> bool {
        let switches = &self.state.switches;
        let Some(settings) = switches.settings(Fault::LateListing) else {
            return false;
        };
        let minutes = settings.value.as_deref().map(str::parse::<u32>);
        let lateness = match minutes {
            Some(Ok(minutes)) => (Millis::from(minutes) * MINUTE).min(LATENESS_MAX),
            Some(Err(_)) | None => LATENESS,
        };
        blob.created + lateness > self.now && switches.picks(Fault::LateListing, blob.number())
    }

    pub fn huge_blob(&self) -> Blob {
        Blob::huge(self.plan.started.as_millisecond() - HOUR)
    }

    fn feed_url(&self, version: &str) -> String {
        let base = self.plan.base.management.trim_end_matches('/');
        format!("{base}/api/{version}/{}/activity/feed", self.plan.tenant_id)
    }

    fn content_item(&self, blob: Blob) -> String {
        let id = blob.content_id();
        object(|item| {
            item.text("contentType", blob.feed.name())
                .text("contentId", &id)
                .text(
                    "contentUri",
                    &format!("{}/audit/{id}", self.feed_url("v1.0")),
                )
                .text("contentCreated", &millis(blob.created))
                .text("contentExpiration", &millis(blob.created + CONTENT_LIFE));
        })
    }

    /// The next page is named in a header, whose spelling the documents do not agree on.
    fn with_next_page(&mut self, answer: Answer, listing: Listing) -> Answer {
        let Listing {
            feed,
            from,
            to,
            offset,
            was_empty,
        } = listing;
        let token = format!(
            "{}|{from}|{to}|{offset}|{}",
            feed.name(),
            u8::from(was_empty)
        );
        let is_alias = self.strikes(Fault::NextPageAlias).is_some();
        let (name, version) = if is_alias {
            ("nextpageurl", "v1")
        } else {
            ("NextPageUri", "v1.0")
        };
        let url = format!(
            "{}/subscriptions/content?contentType={}&startTime={}&endTime={}&nextPage={}",
            self.feed_url(version),
            encode(feed.name()),
            encode(&millis(from)),
            encode(&millis(to)),
            seal(self.plan.seed, &token),
        );
        let base = self.plan.base.management.trim_end_matches('/');
        let is_foreign = self.strikes(Fault::ForeignNextLink).is_some();
        answer.with(
            name,
            if is_foreign {
                url.replace(base, FOREIGN)
            } else {
                url
            },
        )
    }
}

/// `YYYY-MM-DD`, `YYYY-MM-DDTHH:MM` or `YYYY-MM-DDTHH:MM:SS`, in UTC; a fraction and `Z` are tolerated.
fn parse_time(text: &str) -> Option<Millis> {
    let bare = text.strip_suffix('Z').unwrap_or(text);
    let whole = match bare.len() {
        10 => format!("{bare}T00:00:00Z"),
        16 => format!("{bare}:00Z"),
        19.. => format!("{bare}Z"),
        _ => return None,
    };
    whole
        .parse::<Timestamp>()
        .ok()
        .map(Timestamp::as_millisecond)
}

fn parse_page(token: &str) -> Option<Listing> {
    let mut parts = token.split('|');
    Some(Listing {
        feed: ContentType::from_name(parts.next()?)?,
        from: parts.next()?.parse().ok()?,
        to: parts.next()?.parse().ok()?,
        offset: parts.next()?.parse().ok()?,
        was_empty: parts.next()? == "1",
    })
}
