//! A panic while a document is read ends there, and its message, which may quote the document, is not printed.
//!
//! Alone in its process: hooks are those of all threads.

use std::panic::catch_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};

use casbah_inspect::{Flow, Inspected, Limits, Reason, TextSink, extract};

static HEARD: AtomicUsize = AtomicUsize::new(0);

/// Fails at the text, and at the name of a part.
struct Fails {
    at_part: bool,
}

impl TextSink for Fails {
    fn part(&mut self, name: &str) {
        assert!(!self.at_part, "{name}");
    }

    fn text(&mut self, piece: &str) -> Flow {
        panic!("{piece}");
    }
}

#[test]
fn a_panic_is_a_reason_and_its_message_is_not_printed() {
    std::panic::set_hook(Box::new(|_| {
        HEARD.fetch_add(1, Ordering::Relaxed);
    }));
    // Long text is handed over while it is read, short text when all is over.
    let long = "4111 1111 1111 1111\n".repeat(10_000);
    for text in ["4111 1111 1111 1111", &long] {
        for at_part in [true, false] {
            let limits = Limits::default();
            let read = extract::read("a.txt", text.as_bytes(), &limits, &mut Fails { at_part });
            assert_ne!(read.inspected, Inspected::Whole);
            let has_reason = match &read.inspected {
                Inspected::Partly(missed) => missed.iter().any(|it| it.1 == Reason::Corrupt),
                inspected => *inspected == Inspected::Not(Reason::Corrupt),
            };
            assert!(has_reason, "{:?}", read.inspected);
        }
    }
    assert_eq!(HEARD.load(Ordering::Relaxed), 0);
    // Whoever reads nothing is heard.
    let other = catch_unwind(|| panic!("of someone else"));
    assert!(other.is_err());
    assert_eq!(HEARD.load(Ordering::Relaxed), 1);
}
