//! The kinds of faults that are injected, how likely each is in a seed, and how often it struck.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use casbah_model::SignedDuration;
use casbah_model::ports::Rng;
use casbah_platform_local::SeededRng;

/// What can happen to a call, to a message, or to the function that makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// The table refuses before it does anything.
    TableBusy,
    /// No answer, and nothing was done.
    TableSilent,
    /// It was done, and the answer is lost.
    TableAnswerLost,
    /// No answer; it is done a while later.
    TableLate,
    TableSlow,
    /// The index answers as it was some seconds ago.
    IndexLag,
    SendFails,
    /// The message is sent, and the sender hears of an error.
    SendAnswerLost,
    SendTwice,
    /// A message takes its time, so that later ones overtake it.
    SendSlow,
    MessageLost,
    DeleteFails,
    /// A message that is being worked on is delivered again.
    Redelivery,
    PutFails,
    PutAnswerLost,
    PutLate,
    PutSlow,
    GetFails,
    /// The vendor never hears of the call.
    CallFails,
    /// The vendor did it, and the answer is lost.
    CallAnswerLost,
    CallSlow,
    /// The function dies before the call.
    DeathBefore,
    /// The function dies after the call, before it knows.
    DeathAfter,
    /// The function dies, and what it asked for is done a while later.
    DeathLate,
    SweepSkipped,
    SweepTwice,
    ClockSkew,
    /// Somebody pauses the connection, and later lets it go on.
    Pause,
    /// Somebody else uses up the vendor's budget of the day.
    DayUsedUp,
    /// Somebody disconnects the connection, and later connects it again.
    Disconnection,
    /// Somebody deletes the connection, and later connects the name again.
    Deletion,
}

impl Fault {
    pub const ALL: [Fault; 31] = [
        Fault::TableBusy,
        Fault::TableSilent,
        Fault::TableAnswerLost,
        Fault::TableLate,
        Fault::TableSlow,
        Fault::IndexLag,
        Fault::SendFails,
        Fault::SendAnswerLost,
        Fault::SendTwice,
        Fault::SendSlow,
        Fault::MessageLost,
        Fault::DeleteFails,
        Fault::Redelivery,
        Fault::PutFails,
        Fault::PutAnswerLost,
        Fault::PutLate,
        Fault::PutSlow,
        Fault::GetFails,
        Fault::CallFails,
        Fault::CallAnswerLost,
        Fault::CallSlow,
        Fault::DeathBefore,
        Fault::DeathAfter,
        Fault::DeathLate,
        Fault::SweepSkipped,
        Fault::SweepTwice,
        Fault::ClockSkew,
        Fault::Pause,
        Fault::DayUsedUp,
        Fault::Disconnection,
        Fault::Deletion,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Fault::TableBusy => "table-busy",
            Fault::TableSilent => "table-silent",
            Fault::TableAnswerLost => "table-answer-lost",
            Fault::TableLate => "table-late",
            Fault::TableSlow => "table-slow",
            Fault::IndexLag => "index-lag",
            Fault::SendFails => "send-fails",
            Fault::SendAnswerLost => "send-answer-lost",
            Fault::SendTwice => "send-twice",
            Fault::SendSlow => "send-slow",
            Fault::MessageLost => "message-lost",
            Fault::DeleteFails => "delete-fails",
            Fault::Redelivery => "redelivery",
            Fault::PutFails => "put-fails",
            Fault::PutAnswerLost => "put-answer-lost",
            Fault::PutLate => "put-late",
            Fault::PutSlow => "put-slow",
            Fault::GetFails => "get-fails",
            Fault::CallFails => "call-fails",
            Fault::CallAnswerLost => "call-answer-lost",
            Fault::CallSlow => "call-slow",
            Fault::DeathBefore => "death-before",
            Fault::DeathAfter => "death-after",
            Fault::DeathLate => "death-late",
            Fault::SweepSkipped => "sweep-skipped",
            Fault::SweepTwice => "sweep-twice",
            Fault::ClockSkew => "clock-skew",
            Fault::Pause => "pause",
            Fault::DayUsedUp => "day-used-up",
            Fault::Disconnection => "disconnection",
            Fault::Deletion => "deletion",
        }
    }

    /// How likely it is at each of its occasions, before a seed scales it.
    fn usual(self) -> f64 {
        match self {
            Fault::TableBusy | Fault::TableSilent | Fault::TableAnswerLost => 0.01,
            Fault::TableLate => 0.005,
            Fault::TableSlow | Fault::PutSlow | Fault::CallSlow => 0.02,
            Fault::IndexLag => 0.05,
            Fault::SendFails | Fault::SendAnswerLost | Fault::DeleteFails => 0.03,
            Fault::SendTwice | Fault::SendSlow | Fault::Redelivery => 0.05,
            Fault::MessageLost => 0.03,
            Fault::PutFails | Fault::PutAnswerLost => 0.03,
            Fault::PutLate => 0.02,
            Fault::GetFails => 0.02,
            Fault::CallFails | Fault::CallAnswerLost => 0.01,
            Fault::DeathBefore | Fault::DeathAfter => 0.004,
            Fault::DeathLate => 0.004,
            Fault::SweepSkipped | Fault::SweepTwice => 0.2,
            Fault::ClockSkew => 0.4,
            Fault::Pause => 0.4,
            Fault::DayUsedUp => 0.15,
            // The seed's conditions say whether and when.
            Fault::Disconnection | Fault::Deletion => 0.0,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The faults of one seed.
pub struct Faults {
    chances: BTreeMap<Fault, f64>,
    /// The longest that a slow call takes.
    pub slowest: SignedDuration,
    state: Mutex<State>,
}

struct State {
    rng: SeededRng,
    is_on: bool,
    struck: BTreeMap<Fault, u64>,
}

/// Of the kinds, this part is switched off in each seed, so that the others meet undisturbed.
const SWITCHED_OFF: f64 = 0.25;

impl Faults {
    /// Draws which kinds are on, and how likely they are; `without` are off in any case.
    pub fn of(seed: u64, without: &[Fault]) -> Faults {
        let rng = SeededRng::new(seed ^ 0xfa17);
        // From a fifth of the usual to ten times of it, evenly in the exponent.
        let scale = 0.2 * 50_f64.powf(rng.fraction());
        let mut chances = BTreeMap::new();
        let is_drawn = |fault: &Fault| fault.usual() > 0.0;
        for fault in Fault::ALL.into_iter().filter(is_drawn) {
            let own = 0.5 + rng.fraction();
            let is_off = rng.fraction() < SWITCHED_OFF;
            let chance = (fault.usual() * scale * own).min(0.9);
            if !is_off && !without.contains(&fault) {
                chances.insert(fault, chance);
            }
        }
        let slowest = [3, 20, 120][(rng.next_u64() % 3) as usize];
        let state = State {
            rng: SeededRng::new(seed ^ 0x57_a1e),
            is_on: false,
            struck: BTreeMap::new(),
        };
        Faults {
            chances,
            slowest: SignedDuration::from_secs(slowest),
            state: Mutex::new(state),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Counters and a generator: valid between any two statements.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the fault strikes on this occasion.
    pub fn strikes(&self, fault: Fault) -> bool {
        let mut state = self.state();
        let Some(chance) = self.chances.get(&fault).filter(|_| state.is_on) else {
            return false;
        };
        let strikes = state.rng.fraction() < *chance;
        if strikes {
            *state.struck.entry(fault).or_default() += 1;
        }
        strikes
    }

    /// The first of the faults that strikes.
    pub fn first(&self, faults: &[Fault]) -> Option<Fault> {
        faults.iter().copied().find(|fault| self.strikes(*fault))
    }

    /// Something that the seed's conditions had planned came to pass.
    pub fn came(&self, fault: Fault) {
        *self.state().struck.entry(fault).or_default() += 1;
    }

    pub fn switch(&self, is_on: bool) {
        self.state().is_on = is_on;
    }

    /// A number for the detail of a fault, such as how late; in `[0, 1)`.
    pub fn fraction(&self) -> f64 {
        self.state().rng.fraction()
    }

    /// The kinds that are on, with their chances.
    pub fn chances(&self) -> &BTreeMap<Fault, f64> {
        &self.chances
    }

    pub fn struck(&self) -> BTreeMap<Fault, u64> {
        self.state().struck.clone()
    }
}
