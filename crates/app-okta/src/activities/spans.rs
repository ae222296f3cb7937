//! Which requests make a window; pure. How spans are cut and how often each is read is told in `casbah_connector::spans`.

use casbah_connector::spans::{self, Reading, Span};
use casbah_model::cursor::Window;
use casbah_model::{SignedDuration, Timestamp};

/// Looks read whole pieces of this, so that a busy minute is not read at every look; more often than once a minute the
/// log should not be polled (system-log-query).
const LOOK: SignedDuration = SignedDuration::from_mins(2);
/// Events are kept for 90 days (system-log-query, "Retention").
const KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);

/// The request, without its number of events. Nobody documents whether its ends belong to it, so it begins a
/// millisecond early: times are told in these, and what comes twice is dropped by its id.
pub(super) fn query(span: &Span) -> String {
    let at = |time: Timestamp| time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
    let since = span.window.from - SignedDuration::from_millis(1);
    let (since, until) = (at(since), at(span.window.to));
    format!("/api/v1/logs?since={since}&until={until}&sortOrder=ASCENDING")
}

pub(super) fn expires(span: &Span) -> Timestamp {
    span.window.from + KEPT
}

/// The spans of a window that is listed at `now`, over or not.
pub(super) fn of(window: Window, now: Timestamp, reach: SignedDuration) -> Vec<Span> {
    match spans::is_look(window, now) {
        true => looks(window),
        false => spans::of(window, now, reach),
    }
}

fn looks(window: Window) -> Vec<Span> {
    let mut spans = vec![];
    let mut from = window.from;
    while from + LOOK <= window.to {
        let window = Window::new(from, from + LOOK);
        spans.push(Span {
            window,
            reading: Reading::Look,
            listed: window,
        });
        from = window.to;
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    const REACH: SignedDuration = SignedDuration::from_hours(7 * 24);

    fn at(text: &str) -> Timestamp {
        format!("2026-05-{text}Z").parse().expect("a valid time")
    }

    fn spans(from: &str, to: &str, now: &str) -> Vec<String> {
        let show = |time: Timestamp| time.strftime("%dT%H:%M").to_string();
        let spans = of(Window::new(at(from), at(to)), at(now), REACH);
        let shown = spans.iter().map(|span| {
            let Window { from, to } = span.window;
            format!("{}/{} {:?}", show(from), show(to), span.reading)
        });
        shown.collect()
    }

    #[test]
    fn a_look_reads_whole_pieces_and_each_once() {
        assert_eq!(spans("04T10:05:00", "04T10:06:50", "04T10:07:00").len(), 0);
        let first = spans("04T10:05:00", "04T10:07:50", "04T10:08:00");
        assert_eq!(first, ["04T10:05/04T10:07 Look"]);
        let second = spans("04T10:05:00", "04T10:09:50", "04T10:10:00");
        assert_eq!(second[0], first[0]);
        assert_eq!(second.len(), 2);
    }

    #[test]
    fn a_request_begins_a_millisecond_early() {
        let window = Window::new(at("04T10:00:00"), at("04T10:05:00"));
        let span = of(window, at("04T10:07:00"), REACH)[0];
        assert_eq!(
            query(&span),
            "/api/v1/logs?since=2026-05-04T09:59:59.999Z&until=2026-05-04T10:05:00.000Z&sortOrder=ASCENDING"
        );
    }
}
