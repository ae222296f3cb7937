//! A queue of callers: one at a time has the turn, the others are woken in the order they came.
//!
//! The turn is a token, not a lock: it may be kept across waiting, and dropping it (also by
//! dropping the future that has it) wakes exactly one other caller.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use futures::channel::oneshot;

#[derive(Clone, Default)]
pub struct Turns(Arc<Mutex<Waiting>>);

#[derive(Default)]
struct Waiting {
    is_taken: bool,
    callers: VecDeque<oneshot::Sender<Turn>>,
}

/// The right to decide; passed on when dropped.
pub struct Turn(Option<Turns>);

impl Turns {
    pub async fn enter(&self) -> Turn {
        let receiver = {
            let mut waiting = self.lock();
            if !waiting.is_taken {
                waiting.is_taken = true;
                return Turn(Some(self.clone()));
            }
            let (sender, receiver) = oneshot::channel();
            waiting.callers.push_back(sender);
            receiver
        };
        match receiver.await {
            Ok(turn) => turn,
            // Senders are only ever dropped by sending.
            Err(oneshot::Canceled) => unreachable!("a waiting caller is always given the turn"),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next caller, or nobody: then the turn is free.
    fn next(&self) -> Option<oneshot::Sender<Turn>> {
        let mut waiting = self.lock();
        let next = waiting.callers.pop_front();
        waiting.is_taken = next.is_some();
        next
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(turns) = self.0.take() else { return };
        while let Some(caller) = turns.next() {
            match caller.send(Turn(Some(turns.clone()))) {
                Ok(()) => return,
                // That caller has gone: the token comes back and must not pass itself on a second
                // time.
                Err(mut token) => token.0 = None,
            }
        }
    }
}
