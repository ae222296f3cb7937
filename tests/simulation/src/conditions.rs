//! What a seed decides before it begins: the tenant, the times of the protocol, and when what goes wrong outside.

use std::time::Duration;

use casbah_model::ports::Rng;
use casbah_model::{SignedDuration, Timestamp};
use casbah_pipeline::Settings;
use casbah_platform_local::{QueueSettings, SeededRng};
use casbah_simulators::microsoft365::{ContentType, Deed, Fault, FaultSettings, Latency, Plan};

/// What happens outside at a time.
#[derive(Clone, Debug)]
pub enum Event {
    Vendor(Fault, Option<FaultSettings>),
    Deed(Deed),
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
    pub plan: Plan,
    /// What is read at first; later on somebody may choose more.
    pub first_components: Vec<&'static str>,
    pub components: Vec<&'static str>,
    pub events: Vec<(Timestamp, Event)>,
    pub healed: Timestamp,
}

/// The longest that everything may take to come right after the last fault.
pub const HEALING_MAX: SignedDuration = SignedDuration::from_hours(14);
/// When the last requests that come late have come.
const MENDED_AFTER: SignedDuration = SignedDuration::from_mins(2);
/// How often that is looked at.
const CHECK_EVERY: SignedDuration = SignedDuration::from_secs(433);

/// Faults of the vendor that a reader must get over, with the value that goes with each.
const VENDOR_FAULTS: [(Fault, Option<&str>); 31] = [
    (Fault::DuplicateRecords, None),
    (Fault::DuplicateListing, None),
    (Fault::BlobExpired, None),
    (Fault::BlobVanished, None),
    (Fault::NextPageAlias, None),
    (Fault::EmptyPage, None),
    (Fault::AlreadyEnabled, None),
    (Fault::FeedDisabled, None),
    (Fault::Throttle403, None),
    (Fault::Throttle429, None),
    (Fault::TokenExpiresMidway, None),
    (Fault::RolesShrink, None),
    (Fault::SecretExpired, None),
    (Fault::AppDisabled, None),
    (Fault::Graph429, Some("7")),
    (Fault::Graph429, Some("none")),
    (Fault::Unavailable503, Some("5")),
    (Fault::Plain500, None),
    (Fault::Plain502, None),
    (Fault::Directory410, None),
    (Fault::DeltaTooOld, None),
    (Fault::SyncStateNotFound, None),
    (Fault::ExpiredPageToken, None),
    (Fault::Drive410, None),
    (Fault::RepeatedItems, None),
    (Fault::NextLinkCircle, None),
    (Fault::NotJson, None),
    (Fault::TruncatedBody, None),
    (Fault::DriveGone, None),
    (Fault::SlowAnswers, Some("20")),
    (Fault::Timeout, None),
];

struct Draw(SeededRng);

impl Draw {
    fn between(&self, least: u64, most: u64) -> u64 {
        least + self.0.next_u64() % (most - least + 1)
    }

    fn one<T: Clone>(&self, of: &[T]) -> T {
        of[self.between(0, of.len() as u64 - 1) as usize].clone()
    }

    fn is(&self, chance: f64) -> bool {
        self.0.fraction() < chance
    }

    fn seconds(&self, least: u64, most: u64) -> SignedDuration {
        SignedDuration::from_millis(self.between(least * 1000, most * 1000) as i64)
    }
}

impl Conditions {
    /// Whether a component is read.
    pub fn has(&self, component: &str) -> bool {
        self.components
            .iter()
            .any(|one| [component, "all"].contains(one))
    }

    /// Whether a feed is read: the directory's with events of administrators or sign-ins, the others with activities.
    pub fn reads(&self, feed: ContentType) -> bool {
        match feed {
            ContentType::AzureActiveDirectory => {
                self.has("management-events") || self.has("sign-in-events")
            }
            _ => self.has("activities"),
        }
    }

    pub fn of(seed: u64) -> Conditions {
        let draw = Draw(SeededRng::new(seed ^ 0xc0_4d17));
        let mut plan = tenant(seed, &draw);
        let settings = Settings {
            // Objects of tables that are full after one row, after some, and never.
            table_rows: [1, 25, 1 << 16][seed as usize % 3],
            ..settings(&draw)
        };
        let turmoil = draw.seconds(400, 2400);
        let healed = plan.started + turmoil;
        let mut events = vec![(healed, Event::Heal), (healed + MENDED_AFTER, Event::Mend)];
        let checks = HEALING_MAX.as_secs() / CHECK_EVERY.as_secs();
        for check in 1..=checks {
            let at = healed + CHECK_EVERY * check as i32;
            events.push((at, Event::Check));
        }
        let at = |share: f64| {
            let ms = (turmoil.as_millis() as f64 * share) as i64;
            plan.started + SignedDuration::from_millis(ms)
        };
        for _ in 0..draw.between(0, 6) {
            let (fault, value) = draw.one(&VENDOR_FAULTS);
            let chance = 0.01 * 60_f64.powf(draw.0.fraction());
            let mut how = FaultSettings::probability(chance);
            how.value = value.map(String::from);
            let from = draw.0.fraction();
            let to = (from + 0.1 + 0.5 * draw.0.fraction()).min(0.99);
            events.push((at(from), Event::Vendor(fault, Some(how))));
            events.push((at(to), Event::Vendor(fault, None)));
        }
        if draw.is(0.4) {
            let mut how = FaultSettings::probability(0.3);
            how.value = Some(draw.between(5, 55).to_string());
            events.push((at(0.0), Event::Vendor(Fault::LateListing, Some(how))));
        }
        for _ in 0..draw.between(0, 12) {
            events.push((at(draw.0.fraction()), Event::Deed(deed(&draw, &plan))));
        }
        let pause = draw.0.fraction();
        events.push((at(pause), Event::Pause));
        let resume = (pause + 0.05 + 0.2 * draw.0.fraction()).min(0.98);
        events.push((at(resume), Event::Resume));
        events.push((at(draw.0.fraction()), Event::UseUpDay));
        events.push((at(0.5 * draw.0.fraction()), Event::ChooseMore));
        events.extend(leaving(seed, &at));
        let components = components(&draw);
        events.sort_by_key(|(at, _)| *at);
        plan.deed_delay = draw.seconds(60, 900);
        Conditions {
            seed,
            settings,
            queue: queue(&draw, settings),
            plan,
            first_components: match draw.is(0.25) {
                true => vec!["users"],
                false => components.clone(),
            },
            components,
            events,
            healed,
        }
    }
}

/// People who leave and come back. Drawn apart, so that seeds in which nobody does stay as they were.
fn leaving(seed: u64, at: &dyn Fn(f64) -> Timestamp) -> Vec<(Timestamp, Event)> {
    let draw = Draw(SeededRng::new(seed ^ 0x1ea_7e5));
    let mut events = vec![];
    if draw.is(0.2) {
        let leaves = leaves(&draw);
        events.push((at(leaves), Event::Disconnect));
        if draw.is(0.7) {
            let comes = (leaves + 0.3 * draw.0.fraction()).min(0.99);
            events.push((at(comes), Event::Reconnect));
        }
    }
    if draw.is(0.3) {
        let leaves = leaves(&draw);
        events.push((at(leaves), Event::Delete));
        if draw.is(0.7) {
            // Whoever comes too early is refused, and asks again until it is gone.
            events.push((at(draw.0.fraction().max(leaves)), Event::Reconnect));
        }
    }
    events
}

/// Often in the first minute, in which most functions are at work.
fn leaves(draw: &Draw) -> f64 {
    match draw.is(0.6) {
        true => 0.005 + 0.03 * draw.0.fraction(),
        false => 0.9 * draw.0.fraction(),
    }
}

fn tenant(seed: u64, draw: &Draw) -> Plan {
    let mut plan = Plan::new(seed);
    plan.started = "2026-05-04T21:02:30Z".parse().expect("a valid time");
    plan.users = draw.between(6, 16) as usize;
    plan.files = draw.between(5, 40) as usize;
    plan.activities = draw.between(20, 120) as usize;
    plan.live_activities_per_hour = draw.between(10, 90);
    plan.seats = plan.users as u64;
    plan.blob_records_mean = draw.between(1, 8);
    plan.listing_page = draw.between(1, 12) as usize;
    plan.drive_page = draw.between(2, 20) as usize;
    plan.directory_page_max = draw.between(2, 20) as usize;
    let slowest = draw.one(&[5_u64, 80, 400]);
    plan.latency = Latency {
        min: Duration::from_millis(slowest / 5),
        max: Duration::from_millis(slowest),
    };
    let feeds = draw.between(1, 3);
    plan.feeds_on = ContentType::ALL
        .into_iter()
        .skip(draw.between(0, 2) as usize)
        .take(feeds as usize)
        .collect();
    plan
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

fn components(draw: &Draw) -> Vec<&'static str> {
    draw.one(&[
        vec!["all"],
        vec!["all"],
        vec!["users", "activities", "files"],
        vec!["users", "management-events", "sign-in-events", "activities"],
    ])
}

fn deed(draw: &Draw, plan: &Plan) -> Deed {
    let user = draw.between(0, plan.users as u64 - 1);
    let file = draw.between(0, plan.files as u64 - 1);
    let drive = draw.between(0, 3);
    draw.one(&[
        Deed::AddUser,
        Deed::AddGuest,
        Deed::DisableUser { user },
        Deed::EnableUser { user },
        Deed::DeleteUser { user },
        Deed::SignIn { user },
        Deed::FailSignIn { user },
        Deed::ShareByAnonymousLink { file },
        Deed::ShareWithPartner { file },
        Deed::ShareInside { file },
        Deed::Unshare { file },
        Deed::EditFile { file },
        Deed::DeleteFile { file },
        Deed::AddFile { drive },
    ])
}
