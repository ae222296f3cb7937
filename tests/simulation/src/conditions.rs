//! What a seed decides before it begins: the tenant, the times of the protocol, and when what goes wrong outside.

use std::sync::Arc;
use std::time::Duration;

use casbah_model::app::App;
use casbah_model::ports::Clock;
use casbah_model::{SignedDuration, Timestamp};
use casbah_pipeline::Settings;
use casbah_platform_local::QueueSettings;
use casbah_simulators::simulated::FaultSettings;

use crate::acting::{self, Move, Plan};
use crate::draw::Draw;
use crate::tenant::{self, Deed, Draft, Tenant};

/// What happens outside at a time.
#[derive(Clone, Debug)]
pub enum Event {
    Vendor(&'static str, Option<FaultSettings>),
    Deed(Deed),
    Acting(Move),
    /// Somebody chooses further components.
    ChooseMore,
    Pause,
    Resume,
    /// Somebody connects again, in the middle of it all, what was disconnected or deleted.
    Reconnect,
    Disconnect,
    Delete,
    /// Somebody else uses up the vendor's budget of the day.
    UseUpDay,
    /// From here on nothing goes wrong any more.
    Heal,
    /// Whatever was stopped is started again, as an operator would.
    Mend,
    /// The state is compared with what it should come to.
    Check,
}

pub struct Conditions {
    pub seed: u64,
    pub settings: Settings,
    pub queue: QueueSettings,
    pub tenant: Arc<dyn Tenant>,
    /// The sizes of the tenant, in words.
    pub sizes: String,
    /// What is read at first; later on somebody may choose more.
    pub first_components: Vec<&'static str>,
    pub components: Vec<&'static str>,
    pub events: Vec<(Timestamp, Event)>,
    pub healed: Timestamp,
    /// What people have changed at the vendor.
    pub acting: Plan,
    /// Whether a day passes in the end in which nothing runs.
    pub has_idle_day: bool,
    /// Whether somebody does what is in lists that are not read every hour.
    pub has_slow_deeds: bool,
    /// Whether anybody does anything in the tenant, so that a list can shrink for a reason.
    pub is_lived_in: bool,
}

/// When every seed begins.
pub const STARTED: &str = "2026-05-04T21:02:30Z";
/// The longest that everything may take to come right after the last fault.
pub const HEALING_MAX: SignedDuration = SignedDuration::from_hours(14);
/// When the last requests that come late have come.
const MENDED_AFTER: SignedDuration = SignedDuration::from_mins(2);
/// How often that is looked at.
const CHECK_EVERY: SignedDuration = SignedDuration::from_secs(433);

impl Conditions {
    /// Whether a component is read.
    pub fn has(&self, component: &str) -> bool {
        self.components
            .iter()
            .any(|one| [component, "all"].contains(one))
    }

    pub fn of(app: App, seed: u64, clock: &Arc<dyn Clock>) -> Conditions {
        let draw = Draw::new(seed ^ 0xc0_4d17);
        let mut draft = tenant::draft(app, seed, &draw);
        let started = clock.now();
        let settings = Settings {
            // Objects of tables that are full after one row, after some, and never.
            table_rows: [1, 25, 1 << 16][seed as usize % 3],
            ..settings(&draw)
        };
        let turmoil = draw.seconds(400, 2400);
        let healed = started + turmoil;
        let mut events = vec![(healed, Event::Heal), (healed + MENDED_AFTER, Event::Mend)];
        events.extend(checks(healed));
        let at = |share: f64| {
            let ms = (turmoil.as_millis() as f64 * share) as i64;
            started + SignedDuration::from_millis(ms)
        };
        for _ in 0..draw.between(0, 6) {
            let (fault, value) = draw.one(draft.faults());
            let chance = 0.01 * 60_f64.powf(draw.fraction());
            let mut how = FaultSettings::probability(chance);
            how.value = value.map(String::from);
            let from = draw.fraction();
            let to = (from + 0.1 + 0.5 * draw.fraction()).min(0.99);
            events.push((at(from), Event::Vendor(fault, Some(how))));
            events.push((at(to), Event::Vendor(fault, None)));
        }
        if draw.is(0.4) {
            let mut how = FaultSettings::probability(0.3);
            how.value = Some(draw.between(5, 55).to_string());
            events.push((at(0.0), Event::Vendor(draft.late_fault(), Some(how))));
        }
        for _ in 0..draw.between(0, 12) {
            events.push((at(draw.fraction()), Event::Deed(draft.deed(&draw))));
        }
        let pause = draw.fraction();
        events.push((at(pause), Event::Pause));
        let resume = (pause + 0.05 + 0.2 * draw.fraction()).min(0.98);
        events.push((at(resume), Event::Resume));
        events.push((at(draw.fraction()), Event::UseUpDay));
        events.push((at(0.5 * draw.fraction()), Event::ChooseMore));
        events.extend(leaving(seed, &at));
        let has_idle_day = tenant::is_read_again(app) && beside(seed, &*draft, &at, &mut events);
        let components = draw.one(draft.components()).to_vec();
        draft.delay_deeds(draw.seconds(60, 900));
        let acts = Draw::new(seed ^ 0xac_7e5);
        let actions = match acts.is(0.5) {
            true => draft.make_room(acting::ACCOUNTS),
            false => &[],
        };
        let is_acted_on = !actions.is_empty();
        let sizes = draft.words();
        let queue = queue(&draw, settings);
        let tenant = draft.open(Arc::clone(clock));
        let acting = Plan::draw(&acts, &*tenant, draft.accounts(), actions);
        let settings = match is_acted_on {
            true => Settings {
                lease: acting::lease(settings.function_limit),
                ..settings
            },
            false => settings,
        };
        let moves = acting.moves.iter();
        events.extend(moves.map(|(share, what)| (at(*share), Event::Acting(*what))));
        events.sort_by_key(|(at, _)| *at);
        let is_slow = |(_, event): &(Timestamp, Event)| match event {
            Event::Deed(deed) => deed.is_slow(),
            _ => false,
        };
        Conditions {
            seed,
            settings,
            queue,
            sizes,
            tenant,
            first_components: match draw.is(0.25) {
                true => vec!["users"],
                false => components.clone(),
            },
            components,
            has_slow_deeds: is_acted_on || events.iter().any(is_slow),
            is_lived_in: is_acted_on
                || events
                    .iter()
                    .any(|(_, event)| matches!(event, Event::Deed(_))),
            acting,
            events,
            healed,
            has_idle_day,
        }
    }
}

/// When the state is compared with what it should come to, from a time on.
pub fn checks(from: Timestamp) -> impl Iterator<Item = (Timestamp, Event)> {
    let checks = HEALING_MAX.as_secs() / CHECK_EVERY.as_secs();
    (1..=checks).map(move |check| (from + CHECK_EVERY * check as i32, Event::Check))
}

/// What is drawn beside, so that few seeds meet every fault: by turns one of them is likely for half of the time. Early in
/// a seed somebody does more, while everything is read for the first time. Whether a day passes in the end, with some
/// events that come almost a day late.
fn beside(
    seed: u64,
    draft: &dyn Draft,
    at: &dyn Fn(f64) -> Timestamp,
    events: &mut Vec<(Timestamp, Event)>,
) -> bool {
    let draw = Draw::new(seed ^ 0x1d_1eda);
    for _ in 0..draw.between(0, 4) {
        events.push((at(leaves(&draw)), Event::Deed(draft.deed(&draw))));
    }
    let faults = draft.faults();
    let (fault, value) = faults[seed as usize % faults.len()];
    let mut how = FaultSettings::probability(0.2);
    how.value = value.map(String::from);
    events.push((at(0.0), Event::Vendor(fault, Some(how))));
    events.push((at(0.5), Event::Vendor(fault, None)));
    let has_idle_day = draw.is(0.35);
    if has_idle_day {
        let mut how = FaultSettings::probability(0.2);
        how.value = Some(draw.between(18 * 60, 22 * 60).to_string());
        events.push((at(0.0), Event::Vendor(draft.late_fault(), Some(how))));
    }
    has_idle_day
}

/// People who leave and come back. Drawn apart, so that seeds in which nobody does stay as they were.
fn leaving(seed: u64, at: &dyn Fn(f64) -> Timestamp) -> Vec<(Timestamp, Event)> {
    let draw = Draw::new(seed ^ 0x1ea_7e5);
    let mut events = vec![];
    if draw.is(0.2) {
        let leaves = leaves(&draw);
        events.push((at(leaves), Event::Disconnect));
        if draw.is(0.7) {
            let comes = (leaves + 0.3 * draw.fraction()).min(0.99);
            events.push((at(comes), Event::Reconnect));
        }
    }
    if draw.is(0.3) {
        let leaves = leaves(&draw);
        events.push((at(leaves), Event::Delete));
        if draw.is(0.7) {
            // Whoever comes too early is refused, and asks again until it is gone.
            events.push((at(draw.fraction().max(leaves)), Event::Reconnect));
        }
    }
    events
}

/// Often in the first minute, in which most functions are at work.
fn leaves(draw: &Draw) -> f64 {
    match draw.is(0.6) {
        true => 0.005 + 0.03 * draw.fraction(),
        false => 0.9 * draw.fraction(),
    }
}

/// With the times of production a missing fence hides: leases that end too early are part of the draw.
fn settings(draw: &Draw) -> Settings {
    let function_limit = draw.seconds(6, 120);
    let lease = match draw.is(0.5) {
        true => draw.seconds(0, draw.one(&[1, 3, 10])),
        false => function_limit + draw.seconds(1, 20),
    };
    Settings {
        function_limit,
        lease,
        lease_slack: draw.one(&[draw.seconds(0, 3), draw.seconds(0, 30)]),
        sweep_period: draw.seconds(5, 90),
        commit_after: SignedDuration::from_secs(draw.one(&[0, 1, 5])),
        commit_bytes: draw.one(&[1, 2_000, 16 << 20]),
        file_sweep: draw.seconds(900, 3600),
        ..Settings::default()
    }
}

fn queue(draw: &Draw, settings: Settings) -> QueueSettings {
    let longest = settings.function_limit.as_secs().unsigned_abs() * 6;
    QueueSettings {
        visibility: Duration::from_secs(draw.between(2, longest.max(3))),
        receives_max: draw.between(2, 5) as u32,
    }
}
