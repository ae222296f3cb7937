//! Runs what reads documents so that a panic of it ends here, and prints nothing of what was read.
//!
//! Messages of panics quote what was being looked at ("byte index 7 is not a char boundary; it is inside 'ü' of `…`"), and
//! whoever calls us logs what is printed.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::Once;

thread_local! {
    static IS_READING: Cell<bool> = const { Cell::new(false) };
}

/// Runs `read`; none if it panics, of which only the place is printed.
///
/// A hook that is set after the first document of a process takes the place of ours and prints what it likes.
pub(crate) fn run<T>(read: impl FnOnce() -> T) -> Option<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(install);
    let was_reading = IS_READING.replace(true);
    let result = catch_unwind(AssertUnwindSafe(read));
    IS_READING.set(was_reading);
    result.ok()
}

/// Panics of all other code are told as before.
fn install() {
    // No hook can be set then; the first document is read while an earlier panic cleans up.
    if std::thread::panicking() {
        return;
    }
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        match (IS_READING.try_with(Cell::get), info.location()) {
            (Ok(true), Some(place)) => eprintln!("a reader of documents failed at {place}"),
            (Ok(true), None) => eprintln!("a reader of documents failed"),
            _ => before(info),
        }
    }));
}
