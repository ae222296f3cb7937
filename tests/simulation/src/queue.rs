//! The queues as a function sees them: messages are lost, sent twice, overtaken, and come again.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use casbah_model::SignedDuration;
use casbah_model::message::{Message, Stage};
use casbah_model::ports::{Delivery, Queue, QueueError, Receipt};

use crate::fault::Fault;
use crate::invocation::{Fate, Invocation, Perils};

const SENDS: Perils = Perils {
    slow: Fault::TableSlow,
    fails: Fault::SendFails,
    silent: None,
    answer_lost: Fault::SendAnswerLost,
    late: None,
    draws: 1,
};
/// A message that takes its time arrives within this on top of its delay.
const SLOW_MAX: SignedDuration = SignedDuration::from_secs(120);

pub struct FaultyQueue {
    pub inner: Arc<dyn Queue>,
    pub invocation: Arc<Invocation>,
}

fn no_answer() -> QueueError {
    QueueError {
        reason: "the queue did not answer".into(),
    }
}

#[async_trait]
impl Queue for FaultyQueue {
    async fn send(&self, message: &Message, delay: Duration) -> Result<(), QueueError> {
        let world = &self.invocation.world;
        let note = |fault: Fault| {
            world
                .watch
                .note(self.invocation.number, fault.name(), "send")
        };
        let mut delays = vec![delay];
        if world.faults.strikes(Fault::MessageLost) {
            note(Fault::MessageLost);
            delays.clear();
        } else if world.faults.strikes(Fault::SendTwice) {
            note(Fault::SendTwice);
            let later = world.some_of(SLOW_MAX);
            delays.push(delay + Duration::try_from(later).unwrap_or_default());
        } else if world.faults.strikes(Fault::SendSlow) {
            note(Fault::SendSlow);
            let later = world.some_of(SLOW_MAX);
            delays = vec![delay + Duration::try_from(later).unwrap_or_default()];
        }
        let (inner, message) = (Arc::clone(&self.inner), message.clone());
        let invocation = Arc::clone(&self.invocation);
        let effect = async move {
            for delay in delays {
                invocation
                    .world
                    .watch
                    .sent(invocation.number, &message, delay);
                inner.send(&message, delay).await?;
            }
            Ok(())
        };
        match self.invocation.call(&SENDS, "send", |_| effect).await {
            Fate::Answered(answer) => answer,
            Fate::Failed | Fate::Unknown => Err(no_answer()),
        }
    }

    async fn receive(&self, stage: Stage, max: usize) -> Result<Vec<Delivery>, QueueError> {
        self.inner.receive(stage, max).await
    }

    async fn delete(&self, receipt: &Receipt) -> Result<(), QueueError> {
        self.inner.delete(receipt).await
    }
}
