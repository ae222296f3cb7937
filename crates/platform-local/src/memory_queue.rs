//! The queues in memory. What is lost with the process, the sweeper sends again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use casbah_model::Timestamp;
use casbah_model::message::{Message, Stage};
use casbah_model::ports::{Clock, DELAY_MAX, Delivery, Queue, QueueError, Receipt};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueSettings {
    /// How long a message stays away after it was received and not deleted.
    pub visibility: Duration,
    /// After so many receives a message becomes a dead letter instead of being received once more.
    pub receives_max: u32,
}

impl Default for QueueSettings {
    fn default() -> QueueSettings {
        QueueSettings {
            visibility: Duration::from_secs(720),
            receives_max: 5,
        }
    }
}

pub struct MemoryQueue {
    settings: QueueSettings,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Messages by the time they become visible, then by the order they were sent in.
    stages: BTreeMap<Stage, BTreeMap<Place, Held>>,
    /// Where each message that was received is now, by its number.
    received: BTreeMap<u64, Place>,
    dead: Vec<Message>,
    sent: u64,
}

/// When a message is visible, and its number.
type Place = (Timestamp, u64);

struct Held {
    message: Message,
    receives: u32,
}

impl MemoryQueue {
    pub fn new(settings: QueueSettings, clock: Arc<dyn Clock>) -> MemoryQueue {
        MemoryQueue {
            settings,
            clock,
            state: Mutex::default(),
        }
    }

    /// When the next message of any stage becomes visible; in the past when one is visible already.
    pub fn next_visible(&self) -> Option<Timestamp> {
        let state = self.state();
        state
            .stages
            .values()
            .filter_map(|held| held.keys().next())
            .map(|(visible, _)| *visible)
            .min()
    }

    /// Messages that were received too often, in the order they were given up.
    pub fn dead_letters(&self) -> Vec<Message> {
        self.state().dead.clone()
    }

    /// Messages that were sent and not deleted, whether they are visible or not; dead letters do not count.
    pub fn waiting(&self) -> Vec<Message> {
        let state = self.state();
        let held = state.stages.values().flat_map(BTreeMap::values);
        held.map(|held| held.message.clone()).collect()
    }

    /// Whether no message is left, neither waiting nor received; dead letters do not count.
    pub fn is_empty(&self) -> bool {
        self.state().stages.values().all(BTreeMap::is_empty)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No panic can leave the state half changed: nothing between two changes can fail.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Queue for MemoryQueue {
    async fn send(&self, message: &Message, delay: Duration) -> Result<(), QueueError> {
        let visible = later(self.clock.now(), delay.min(DELAY_MAX));
        let mut state = self.state();
        state.sent += 1;
        let place = (visible, state.sent);
        let held = Held {
            message: message.clone(),
            receives: 0,
        };
        state
            .stages
            .entry(message.stage())
            .or_default()
            .insert(place, held);
        Ok(())
    }

    async fn receive(&self, stage: Stage, max: usize) -> Result<Vec<Delivery>, QueueError> {
        let now = self.clock.now();
        let hidden_until = later(now, self.settings.visibility);
        let mut state = self.state();
        let State {
            stages,
            received,
            dead,
            ..
        } = &mut *state;
        let held = stages.entry(stage).or_default();
        let mut taken = Vec::new();
        while taken.len() < max {
            let Some(first) = held.first_entry().filter(|first| first.key().0 <= now) else {
                break;
            };
            let ((_, number), Held { message, receives }) = first.remove_entry();
            if receives < self.settings.receives_max {
                taken.push((
                    number,
                    Held {
                        message,
                        receives: receives + 1,
                    },
                ));
            } else {
                received.remove(&number);
                dead.push(message);
            }
        }
        let deliver = |(number, taken): (u64, Held)| {
            let Held {
                ref message,
                receives,
            } = taken;
            let receipt = Receipt {
                stage,
                token: format!("{number}.{receives}"),
            };
            let delivery = Delivery {
                message: message.clone(),
                receipt,
                receives,
            };
            held.insert((hidden_until, number), taken);
            received.insert(number, (hidden_until, number));
            delivery
        };
        Ok(taken.into_iter().map(deliver).collect())
    }

    /// Deletes nothing when the message was received again since: it then belongs to the newer receipt.
    async fn delete(&self, receipt: &Receipt) -> Result<(), QueueError> {
        let parsed = receipt
            .token
            .split_once('.')
            .and_then(|(number, receives)| {
                Some((number.parse::<u64>().ok()?, receives.parse::<u32>().ok()?))
            });
        let Some((number, receives)) = parsed else {
            return Err(QueueError {
                reason: format!("receipt {:?} is not one of this queue", receipt.token),
            });
        };
        let mut state = self.state();
        let State {
            stages, received, ..
        } = &mut *state;
        let held = stages.entry(receipt.stage).or_default();
        let place = received.get(&number).filter(|place| {
            held.get(place)
                .is_some_and(|held| held.receives == receives)
        });
        if let Some(place) = place {
            held.remove(place);
            received.remove(&number);
        }
        Ok(())
    }
}

fn later(time: Timestamp, by: Duration) -> Timestamp {
    time.saturating_add(by).unwrap_or(Timestamp::MAX)
}
