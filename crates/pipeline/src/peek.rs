//! A look into the window that is not over yet, so that what a busy feed shows is read within a minute, and what a quiet one
//! shows within three.
//!
//! Windows are read two minutes after their end, because vendors list late (pipeline design, section 11). A look before
//! that makes units of what is listed already; the window is read all the same when it is due, and finds them there.
//! Neither the cursor nor a proof hangs on it, so whatever goes wrong here is left to the window.

use casbah_connector::{ActivitySource, Feed, Session};
use casbah_model::cursor::Window;
use casbah_model::{SignedDuration, Timestamp};

use crate::activity_poll::units;
use crate::error::StageError;
use crate::step::{Committed, Step};

/// A feed that showed something in this time is looked at often.
const BUSY_FOR: SignedDuration = SignedDuration::from_mins(15);
/// How often: with the bundles' own way into the lake everything is there in a minute and a half.
const EVERY: SignedDuration = SignedDuration::from_secs(45);
/// How often any other is: once between two windows.
const EVERY_QUIET: SignedDuration = SignedDuration::from_secs(150);
/// The vendor's clock may be behind ours, and a listing that ends in its future is refused.
const LAG: SignedDuration = SignedDuration::from_secs(10);
/// Looks at less than this are not worth their call.
const SHORTEST: SignedDuration = SignedDuration::from_secs(15);

/// When the next look is due, the window being due at `at`; `None` when that is soon enough.
pub(crate) fn next_look(
    busy: Option<Timestamp>,
    now: Timestamp,
    at: Timestamp,
) -> Option<Timestamp> {
    let is_busy = busy.is_some_and(|busy| now.duration_since(busy) < BUSY_FOR);
    let next = now + if is_busy { EVERY } else { EVERY_QUIET };
    (next + SHORTEST < at).then_some(next)
}

/// Whether there is something to look at behind `from`, and up to when.
pub(crate) fn span(from: Timestamp, now: Timestamp) -> Option<Window> {
    let to = now - LAG;
    (to.duration_since(from) >= SHORTEST).then(|| Window::new(from, to))
}

/// Makes units of what is listed in a window that is not over; whether there were any new ones.
pub(crate) async fn look(
    step: &mut Step<'_>,
    session: &Session,
    source: &dyn ActivitySource,
    feed: &Feed,
    window: Window,
) -> Result<Looked, StageError> {
    session.gates().expect(Some(1));
    let mut contents = vec![];
    // One page: a feed that shows more than that in a minute is read by its windows.
    let listed = source
        .list(session, feed, window, None, &mut contents)
        .await;
    if let Err(error) = listed {
        tracing::debug!(stream = %step.key, error = %error.chain(), "a look between windows failed");
        return Ok(Looked::Nothing);
    }
    let mut looked = Looked::Nothing;
    for chunk in contents.chunks(crate::activity_poll::UNITS_PER_COMMIT) {
        let (mut entry, writes) = units(step, feed, window, chunk).await?;
        if writes.is_empty() {
            continue;
        }
        // Spans of entries follow each other, and this one belongs to the window.
        (entry.from, entry.to) = (None, None);
        match step.commit(Some(entry), writes).await? {
            Committed::Yes => looked = Looked::Something,
            Committed::FencedOff => return Ok(Looked::FencedOff),
            // Another listing made one of them in this moment.
            Committed::Refused { .. } => {}
        }
    }
    Ok(looked)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Looked {
    Nothing,
    Something,
    FencedOff,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        format!("2026-05-04T{text}Z").parse().expect("a valid time")
    }

    #[test]
    fn a_busy_feed_is_looked_at_often_between_its_windows_and_a_quiet_one_once() {
        let (now, due) = (at("10:03:00"), at("10:07:00"));
        for (busy, now, next) in [
            (None, now, Some("10:05:30")),
            (Some("09:48:00"), now, Some("10:05:30")),
            (None, at("10:05:30"), None),
            (Some("09:58:00"), now, Some("10:03:45")),
            // The window is due soon.
            (Some("09:58:00"), at("10:06:10"), None),
        ] {
            assert_eq!(
                next_look(busy.map(at), now, due),
                next.map(at),
                "{busy:?} {now}"
            );
        }
        let window = Window::new(at("10:00:00"), at("10:02:50"));
        assert_eq!(span(at("10:00:00"), now), Some(window));
        assert_eq!(span(at("10:02:45"), now), None, "too short");
    }
}
