//! Spans of a log that is asked for by time and has no bundles of its own: which of them make a window, and how often
//! each is read (decision 0008); pure.

use casbah_model::cursor::{Window, floor};
use casbah_model::{SignedDuration, Timestamp};

/// The longest span: a busy log has some hundred pages in it, and a chain of them goes on where it stopped.
const SPAN: SignedDuration = SignedDuration::from_hours(1);
/// Windows of what is new are this long, aligned (pipeline design, section 11); a look between them ends elsewhere.
const LIVE: SignedDuration = SignedDuration::from_mins(5);
/// A span that is over for so long shows all but single late events.
const LATE: SignedDuration = SignedDuration::from_mins(60);
/// Single events are stored hours late: after so long a span is read for the last time.
const LAST: SignedDuration = SignedDuration::from_hours(24);

/// Why a span is read: the same span for the same reason is one bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Before its window is over.
    Look = 0,
    New = 1,
    Late = 2,
    Last = 3,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub window: Window,
    pub reading: Reading,
    /// Whose end says where on the axis of listings it stands.
    pub listed: Window,
}

impl Span {
    pub fn id(&self) -> String {
        let Window { from, to } = self.window;
        let length = to.as_millisecond() - from.as_millisecond();
        format!("{}-{length}-{}", from.as_millisecond(), self.reading as u8)
    }

    /// The last moment of what it was listed with: all that it shows was there by then.
    pub fn available(&self) -> Timestamp {
        self.listed.to - SignedDuration::from_millis(1)
    }
}

/// Whether a span is read for the last time, by the id that [`Span::id`] gave it.
pub fn is_last(id: &str) -> bool {
    let reading = id
        .rsplit('-')
        .next()
        .and_then(|reading| reading.parse().ok());
    reading == Some(Reading::Last as u8)
}

/// The spans of a window that is listed at `now` and is over.
///
/// A span that has been over for an hour brings with it the one of a day before, to be read for the last time: the
/// listing of what is late comes by every hour exactly so, and no other stream is needed for it.
pub fn of(window: Window, now: Timestamp, reach: SignedDuration) -> Vec<Span> {
    let mut spans = vec![];
    for piece in pieces(window, SPAN) {
        let age = now.duration_since(piece.to);
        let reading = if age >= LAST {
            Reading::Last
        } else if age >= LATE {
            Reading::Late
        } else {
            Reading::New
        };
        spans.push(Span {
            window: piece,
            reading,
            listed: piece,
        });
        let before = Window::new(piece.from - LAST, piece.to - LAST);
        let is_in_reach = now.duration_since(before.from) <= reach;
        if age >= LATE && is_in_reach {
            spans.push(Span {
                window: before,
                reading: Reading::Last,
                listed: piece,
            });
        }
    }
    spans
}

/// Whether it is part of a window that is not over yet.
pub fn is_look(window: Window, now: Timestamp) -> bool {
    let is_short = window.length() < LIVE && floor(window.to, LIVE) != window.to;
    is_short && now.duration_since(window.to) < SignedDuration::from_mins(1)
}

/// A window cut at the multiples of a length, so that windows of any size make the same pieces.
fn pieces(window: Window, length: SignedDuration) -> Vec<Window> {
    let mut pieces = vec![];
    let mut from = window.from;
    while from < window.to {
        let to = (floor(from, length) + length).min(window.to);
        pieces.push(Window::new(from, to));
        from = to;
    }
    pieces
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
    fn a_span_is_read_when_it_is_over_an_hour_later_and_a_day_later() {
        let live = spans("04T10:05:00", "04T10:10:00", "04T10:12:00");
        assert_eq!(live, ["04T10:05/04T10:10 New"]);
        let late = spans("04T10:00:00", "04T11:00:00", "04T12:30:00");
        assert_eq!(late, ["04T10:00/04T11:00 Late", "03T10:00/03T11:00 Last"]);
        let next_day = spans("05T10:00:00", "05T11:00:00", "05T12:30:00");
        assert_eq!(next_day[1], "04T10:00/04T11:00 Last");
    }

    #[test]
    fn wide_windows_make_the_spans_that_narrow_ones_make() {
        let day = spans("01T00:00:00", "02T00:00:00", "07T00:00:00");
        let hours = (0..24).flat_map(|hour| {
            let from = format!("01T{hour:02}:00:00");
            let to = match hour {
                23 => "02T00:00:00".to_string(),
                _ => format!("01T{:02}:00:00", hour + 1),
            };
            spans(&from, &to, "07T00:00:00")
        });
        assert_eq!(day, hours.collect::<Vec<_>>());
        assert!(day.iter().all(|span| span.ends_with("Last")), "{day:?}");
        // The day before is within reach as well; what is beyond is not read.
        assert_eq!(day.len(), 48);
        assert_eq!(spans("01T00:00:00", "01T01:00:00", "07T23:00:00").len(), 1);
    }

    #[test]
    fn spans_meet_and_cover_their_window_whatever_its_ends() {
        let window = Window::new(at("01T07:31:12.345"), at("02T03:00:00.001"));
        let pieces = pieces(window, SPAN);
        assert_eq!(pieces.first().map(|piece| piece.from), Some(window.from));
        assert_eq!(pieces.last().map(|piece| piece.to), Some(window.to));
        assert!(pieces.windows(2).all(|pair| pair[0].to == pair[1].from));
        assert!(pieces.iter().all(|piece| piece.length() <= SPAN));
        assert_eq!(of(Window::new(window.to, window.to), window.to, REACH), []);
    }

    #[test]
    fn the_same_span_for_another_reason_is_another_bundle() {
        let window = Window::new(at("04T10:00:00"), at("04T11:00:00"));
        let id = |now| of(window, at(now), REACH)[0].id();
        assert_eq!(id("04T11:02:00"), "1777888800000-3600000-1");
        assert_eq!(id("04T12:30:00"), "1777888800000-3600000-2");
        assert_eq!(id("05T12:30:00"), "1777888800000-3600000-3");
        assert!(is_last(&id("05T12:30:00")) && !is_last(&id("04T12:30:00")));
    }

    #[test]
    fn a_span_stands_within_the_window_that_lists_it_also_when_it_is_of_a_day_before() {
        let window = Window::new(at("04T10:00:00"), at("04T12:00:00"));
        for span in of(window, at("04T14:00:00"), REACH) {
            assert!(window.contains(span.available()), "{span:?}");
        }
    }
}
