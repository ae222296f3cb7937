//! One run of a function: it makes calls, each of which may go wrong, and it may die at any of them.

use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use casbah_model::SignedDuration;
use casbah_model::ports::Clock;
use tokio::sync::Notify;

use crate::fault::{Fault, Faults};
use crate::watch::Watch;

/// What all invocations of a seed share.
pub struct World {
    pub faults: Faults,
    pub watch: Watch,
    pub clock: Arc<dyn Clock>,
    late: Mutex<Vec<LateRequest>>,
    news: Notify,
}

/// Something that was asked for and is done later, whether its asker lives or not.
pub type LateRequest = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Requests that come late do so within this.
const LATE_MAX: SignedDuration = SignedDuration::from_secs(90);

impl World {
    pub fn new(faults: Faults, watch: Watch, clock: Arc<dyn Clock>) -> World {
        World {
            faults,
            watch,
            clock,
            late: Mutex::default(),
            news: Notify::new(),
        }
    }

    /// A time from nothing to `max`, most of them short.
    pub fn some_of(&self, max: SignedDuration) -> SignedDuration {
        let share = self.faults.fraction().powi(3);
        SignedDuration::from_millis((max.as_millis() as f64 * share) as i64)
    }

    fn later(&self, request: LateRequest) {
        let after = self.clock.now() + self.some_of(LATE_MAX);
        let clock = Arc::clone(&self.clock);
        let late = Box::pin(async move {
            clock.sleep_until(after).await;
            request.await;
        });
        self.late
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(late);
        self.news.notify_one();
    }

    /// Waits for requests that come late, and takes them over.
    pub async fn late_requests(&self) -> Vec<LateRequest> {
        loop {
            let late =
                std::mem::take(&mut *self.late.lock().unwrap_or_else(PoisonError::into_inner));
            if !late.is_empty() {
                return late;
            }
            self.news.notified().await;
        }
    }
}

/// The faults that one kind of call can meet.
pub struct Perils {
    pub slow: Fault,
    pub fails: Fault,
    /// Nothing was done, but that is not known.
    pub silent: Option<Fault>,
    pub answer_lost: Fault,
    pub late: Option<Fault>,
    /// How often the chances are drawn: calls that are rare need more of them.
    pub draws: u32,
}

impl Perils {
    fn strike(&self, faults: &Faults, fault: Fault) -> bool {
        (0..self.draws).any(|_| faults.strikes(fault))
    }
}

/// Whether anybody waits for what a call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    Awaited,
    Late,
}

/// What becomes of a call.
pub enum Fate<T> {
    Answered(T),
    /// It was refused before it did anything.
    Failed,
    /// It was done, was not done, or will be done.
    Unknown,
}

pub struct Invocation {
    pub number: u64,
    pub world: Arc<World>,
    died: Notify,
    is_dead: AtomicBool,
}

impl Invocation {
    pub fn new(number: u64, world: Arc<World>) -> Arc<Invocation> {
        Arc::new(Invocation {
            number,
            world,
            died: Notify::new(),
            is_dead: AtomicBool::new(false),
        })
    }

    /// Returns when the function has died.
    pub async fn died(&self) {
        if !self.is_dead() {
            self.died.notified().await;
        }
    }

    pub fn is_dead(&self) -> bool {
        self.is_dead.load(Ordering::Relaxed)
    }

    async fn die(&self, fault: Fault, what: &str) -> ! {
        self.is_dead.store(true, Ordering::Relaxed);
        self.world.watch.note(self.number, fault.name(), what);
        self.died.notify_one();
        pending::<()>().await;
        unreachable!("a dead function is not polled to an end")
    }

    fn later<T: Send>(&self, effect: impl Future<Output = T> + Send + 'static) {
        let request = async move { drop(effect.await) };
        self.world.later(Box::pin(request));
    }

    /// Makes a call, with whatever happens to it.
    pub async fn call<T: Send + 'static, E: Future<Output = T> + Send + 'static>(
        &self,
        perils: &Perils,
        what: &str,
        effect: impl FnOnce(Manner) -> E,
    ) -> Fate<T> {
        if self.is_dead() {
            // What else was going on in this function ends with it.
            pending::<()>().await;
        }
        let World { faults, watch, .. } = &*self.world;
        if faults.strikes(perils.slow) {
            watch.note(self.number, perils.slow.name(), what);
            let until = self.world.clock.now() + self.world.some_of(faults.slowest);
            self.world.clock.sleep_until(until).await;
        }
        let deaths = [Fault::DeathBefore, Fault::DeathAfter, Fault::DeathLate];
        let death = (0..perils.draws).find_map(|_| faults.first(&deaths));
        if let Some(death) = death {
            match death {
                Fault::DeathAfter => drop(effect(Manner::Awaited).await),
                Fault::DeathLate => self.later(effect(Manner::Late)),
                _ => {}
            }
            self.die(death, what).await;
        }
        let note = |fault: Fault| watch.note(self.number, fault.name(), what);
        if perils.strike(faults, perils.fails) {
            note(perils.fails);
            return Fate::Failed;
        }
        if let Some(silent) = perils.silent.filter(|silent| faults.strikes(*silent)) {
            note(silent);
            return Fate::Unknown;
        }
        if let Some(late) = perils.late.filter(|late| faults.strikes(*late)) {
            note(late);
            self.later(effect(Manner::Late));
            return Fate::Unknown;
        }
        let answer = effect(Manner::Awaited).await;
        if perils.strike(faults, perils.answer_lost) {
            note(perils.answer_lost);
            return Fate::Unknown;
        }
        Fate::Answered(answer)
    }
}
