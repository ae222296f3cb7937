//! What the documents in a document may unpack to, all of them together, and the decoders that they share.

use std::cell::{Cell, RefCell};
use std::io;

use flate2::Decompress;

use super::reading::Outcome;
use super::{Limits, UNPACKED_FREE};
use crate::report::Reason;

/// What may still be unpacked. Shared by all readers of a document, however deep.
pub(crate) struct Budget {
    left: Cell<u64>,
    is_spent: Cell<bool>,
    /// Bytes that may still be parsed again and again, beside what a file may for its own size.
    work_left: Cell<usize>,
    /// Decoders that are not in use.
    decoders: RefCell<Vec<Decompress>>,
}

/// What the files in a document may have parsed together, since what is unpacked may be larger than a file.
const WORK_FREE: usize = 256 << 20;

/// Archives in archives, and filters behind each other, have one each at a time.
const DECODERS_MAX: usize = 4;

impl Budget {
    pub(crate) fn of(bytes: u64, limits: &Limits) -> Budget {
        let by_ratio = bytes.saturating_mul(limits.ratio_max).max(UNPACKED_FREE);
        Budget {
            left: Cell::new(by_ratio.min(limits.unpacked_max)),
            is_spent: Cell::new(false),
            work_left: Cell::new(WORK_FREE),
            decoders: RefCell::default(),
        }
    }

    pub(crate) fn take_decoder(&self) -> Option<Decompress> {
        self.decoders.borrow_mut().pop()
    }

    pub(crate) fn give_decoder(&self, decoder: Decompress) {
        let mut decoders = self.decoders.borrow_mut();
        if decoders.len() < DECODERS_MAX {
            decoders.push(decoder);
        }
    }

    /// Counts bytes that were unpacked.
    pub(crate) fn spend(&self, bytes: u64) -> Outcome {
        match self.left.get().checked_sub(bytes) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => {
                self.is_spent.set(true);
                Err(Reason::Expands)
            }
        }
    }

    /// Counts bytes that are parsed; false when it is too much.
    pub(crate) fn work(&self, bytes: usize) -> bool {
        let left = self.work_left.get().checked_sub(bytes);
        self.work_left.set(left.unwrap_or(0));
        left.is_some()
    }

    /// Why reading failed: the decoder's own reason, or that we told it to stop.
    pub(crate) fn blame(&self, error: &io::Error) -> Reason {
        match error.get_ref().and_then(|inner| inner.downcast_ref()) {
            Some(Blamed(reason)) => *reason,
            None if self.is_spent.get() => Reason::Expands,
            None => Reason::Corrupt,
        }
    }
}

/// A reason on its way through a decoder that only knows `io::Error`.
#[derive(Debug)]
pub(crate) struct Blamed(pub(crate) Reason);

impl std::fmt::Display for Blamed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Blamed {}

/// What comes out of a decoder, counted.
pub(crate) struct Unpacked<'a, R> {
    inner: R,
    budget: &'a Budget,
}

impl<'a, R: io::Read> Unpacked<'a, R> {
    pub(crate) fn new(inner: R, budget: &'a Budget) -> Self {
        Unpacked { inner, budget }
    }
}

impl<R: io::Read> io::Read for Unpacked<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        match self.budget.spend(count as u64) {
            Ok(()) => Ok(count),
            Err(reason) => Err(io::Error::other(Blamed(reason))),
        }
    }
}
