//! One seed: turmoil, during which everything may fail and every effect is checked; then healing, after which
//! everything must be there.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use casbah_model::app::{App, Components};
use casbah_model::connection::{ConnectionId, ConnectionSettings, ConnectionState};
use casbah_model::message::Stage;
use casbah_model::permission::Tier;
use casbah_model::ports::{Clock, Queue};
use casbah_model::{SignedDuration, Timestamp};
use casbah_pipeline::user_scan::accept;
use casbah_pipeline::{Context, StageError, connect};
use casbah_platform_local::VirtualClock;
use futures::StreamExt;
use futures::stream::FuturesUnordered;

use crate::acting::{self, Move};
use crate::acting_rules::Changes;
use crate::conditions::{Conditions, Event, STARTED, checks};
use crate::fault::{Fault, Faults};
use crate::host::Host;
use crate::invariants::{Ledger, number};
use crate::invocation::World;
use crate::mark::Mark;
use crate::oracle::{difference, manners};
use crate::tenant::{Deed, Due};
use crate::variant::Variant;
use crate::watch::Watch;

/// Functions that run at one time.
const CONCURRENT: usize = 24;

/// Less than the twelve hours after which much is looked at again anyway: a wake-up that is lost must not hide in them.
const RIGHT_WITHIN: SignedDuration = SignedDuration::from_hours(5);

/// A day in which nothing runs, and as much more as the last reading of a span waits.
const IDLE: SignedDuration = SignedDuration::from_hours(28);

/// What to run.
#[derive(Clone, Debug)]
pub struct Options {
    pub app: App,
    pub variant: Option<Variant>,
    /// Kinds of faults that are off whatever the seed says.
    pub without: Vec<Fault>,
    pub without_vendor: Vec<&'static str>,
    /// Every event is printed as it happens.
    pub is_traced: bool,
}

impl Options {
    pub fn of(app: App) -> Options {
        Options {
            app,
            variant: None,
            without: vec![],
            without_vendor: vec![],
            is_traced: false,
        }
    }
}

impl Default for Options {
    fn default() -> Options {
        Options::of(App::Microsoft365)
    }
}

/// What a seed came to.
#[derive(Debug)]
pub struct Outcome {
    pub seed: u64,
    pub failure: Option<String>,
    pub hash: u64,
    pub events: u64,
    pub invocations: u64,
    pub faults: BTreeMap<Fault, u64>,
    pub vendor_faults: BTreeMap<&'static str, u64>,
    /// What somebody did in the tenant.
    pub deeds: BTreeMap<String, u64>,
    pub marks: BTreeMap<Mark, u64>,
    /// The last events, for a failure.
    pub last: Vec<String>,
    /// What the seed decided, in words.
    pub conditions: String,
}

pub fn connection_name() -> ConnectionId {
    "contoso".parse().expect("a valid name")
}

/// Runs a seed in virtual time of its own.
pub fn run(seed: u64, options: &Options) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(simulate(seed, options))
}

async fn simulate(seed: u64, options: &Options) -> Outcome {
    let started: Timestamp = STARTED.parse().expect("a valid time");
    let clock: Arc<dyn Clock> = Arc::new(VirtualClock::new(started));
    let mut conditions = Conditions::of(options.app, seed, &clock);
    let is_off = |event: &Event| match event {
        Event::Vendor(fault, _) => options.without_vendor.contains(fault),
        Event::Disconnect => options.without.contains(&Fault::Disconnection),
        Event::Delete => options.without.contains(&Fault::Deletion),
        _ => false,
    };
    conditions.events.retain(|(_, event)| !is_off(event));
    let tenant = Arc::clone(&conditions.tenant);
    let mut books = Ledger::new(Arc::new(move |id| tenant.bundle(id)));
    let limit = conditions.settings.function_limit;
    books.pause_reach = limit.max(conditions.settings.lease) + SignedDuration::from_secs(30);
    let changes = Changes::of(conditions.acting.asks.clone());
    let world = World::new(
        Faults::of(seed, &options.without),
        Watch::new(Arc::clone(&clock), books, changes),
        clock,
    );
    world.watch.state().log.is_traced = options.is_traced;
    let words = describe(&conditions, &world);
    let host = Host::new(Arc::new(world), conditions, options.variant);
    let failure = live(&host).await.err();
    for mark in host.conditions.tenant.marks(&host.world.watch) {
        host.world.watch.mark(mark);
    }
    let mut state = host.world.watch.state();
    if state.ledger.orphans() > 0 {
        state.mark(Mark::OrphanObject);
    }
    if !host.queue.dead_letters().is_empty() {
        state.mark(Mark::DeadLetter);
    }
    Outcome {
        seed,
        failure,
        hash: state.log.hash(),
        events: state.log.events(),
        invocations: host.invocations(),
        faults: host.world.faults.struck(),
        vendor_faults: host.conditions.tenant.struck(),
        deeds: done(&host),
        marks: state.marks.clone(),
        last: state.log.lines(),
        conditions: words,
    }
}

/// What was done in the tenant until the end, by its name.
fn done(host: &Host) -> BTreeMap<String, u64> {
    let now = host.world.clock.now();
    let mut done = BTreeMap::new();
    for (_, event) in host.conditions.events.iter().filter(|(at, _)| *at <= now) {
        if let Event::Deed(deed) = event {
            *done.entry(deed.name()).or_default() += 1;
        }
    }
    done
}

/// The seed's decisions, as a person who looks for a mistake wants them.
fn describe(conditions: &Conditions, world: &World) -> String {
    let mut text = format!(
        "{}, components {:?}\n  {:?}\n  {:?}\n  faults",
        conditions.sizes, conditions.components, conditions.settings, conditions.queue,
    );
    for (fault, chance) in world.faults.chances() {
        text += &format!(" {fault} {:.2} %,", chance * 100.0);
    }
    for ask in &conditions.acting.asks {
        text += &format!("\n  {} is {} of", ask.id, ask.kind);
        for ready in &ask.ready {
            text += &format!(" {}", ready.target);
        }
    }
    for (at, event) in &conditions.events {
        if !matches!(event, Event::Check) {
            text += &format!("\n  {} {event:?}", at.strftime("%H:%M:%S"));
        }
    }
    text
}

/// Lives through a seed; the error is what went wrong.
async fn live(host: &Host) -> Result<(), String> {
    let world = &host.world;
    world.faults.switch(true);
    let mut running = FuturesUnordered::new();
    let mut late = FuturesUnordered::new();
    let mut doings = FuturesUnordered::new();
    doings.push(act(host, Doing::Connect));
    let mut next_sweep = world.clock.now() + host.conditions.settings.sweep_period;
    let mut events: VecDeque<_> = host.conditions.events.iter().cloned().collect();
    let mut right_by = host.conditions.healed + RIGHT_WITHIN;
    let mut had_idle_day = false;
    let mut last_difference = String::from("nothing was compared");
    loop {
        if let Some(violation) = world.watch.violation() {
            return Err(violation);
        }
        for delivery in receive(host, CONCURRENT.saturating_sub(running.len())).await? {
            running.push(host.deliver(delivery));
        }
        let visible = host
            .queue
            .next_visible()
            .filter(|_| running.len() < CONCURRENT);
        let next_event = events.front().map(|(at, _)| *at);
        let alarms = [visible, Some(next_sweep), next_event];
        let alarm = alarms.into_iter().flatten().min().unwrap_or(next_sweep);
        tokio::select! {
            biased;
            more = world.late_requests() => late.extend(more),
            Some(()) = late.next(), if !late.is_empty() => {}
            Some(()) = running.next(), if !running.is_empty() => {}
            Some(()) = doings.next(), if !doings.is_empty() => {}
            () = world.clock.sleep_until(alarm) => {}
        }
        let now = world.clock.now();
        if now >= next_sweep {
            next_sweep = now + host.conditions.settings.sweep_period;
            let count = match () {
                () if host.is_without_sweeper() || world.faults.strikes(Fault::SweepSkipped) => 0,
                () if world.faults.strikes(Fault::SweepTwice) => 2,
                () => 1,
            };
            (0..count).for_each(|_| doings.push(act(host, Doing::Sweep)));
        }
        while events.front().is_some_and(|(at, _)| *at <= now) {
            let Some((_, event)) = events.pop_front() else {
                break;
            };
            match event {
                Event::Vendor(fault, how) => host.conditions.tenant.turn(fault, how),
                Event::Deed(deed) => do_in_tenant(host, &deed),
                Event::Acting(what) => doings.push(act(host, Doing::Acting(what))),
                Event::Pause if world.faults.strikes(Fault::Pause) => {
                    doings.push(act(host, Doing::Pause))
                }
                Event::ChooseMore => doings.push(act(host, Doing::ChooseMore)),
                Event::Resume => doings.push(act(host, Doing::Resume)),
                Event::UseUpDay if world.faults.strikes(Fault::DayUsedUp) => {
                    doings.push(act(host, Doing::UseUpDay))
                }
                Event::Pause | Event::UseUpDay => {}
                Event::Reconnect => doings.push(act(host, Doing::Reconnect)),
                Event::Disconnect => {
                    world.faults.came(Fault::Disconnection);
                    doings.push(act(host, Doing::Disconnect));
                }
                Event::Delete => {
                    world.faults.came(Fault::Deletion);
                    doings.push(act(host, Doing::Delete));
                }
                Event::Heal => {
                    host.heal();
                    world.watch.note(0, "healed", "");
                    for (_, event) in &host.conditions.events {
                        if let Event::Vendor(fault, _) = event {
                            host.conditions.tenant.turn(fault, None);
                        }
                    }
                }
                Event::Mend => doings.push(act(host, Doing::Mend)),
                Event::Check => match compare(host, due(host, had_idle_day)).await? {
                    None if host.conditions.has_idle_day && !had_idle_day => {
                        had_idle_day = true;
                        world.clock.sleep_until(now + IDLE).await;
                        right_by = world.clock.now() + RIGHT_WITHIN;
                        events = checks(world.clock.now()).collect();
                    }
                    None => return Ok(()),
                    Some(difference) if is_too_late(host, right_by) => {
                        return Err(stuck(&difference));
                    }
                    Some(difference) => {
                        if host.conditions.is_lived_in {
                            doings.push(act(host, Doing::Accept));
                        }
                        if world.watch.state().log.is_traced {
                            println!("differs: {difference}");
                        }
                        last_difference = difference;
                    }
                },
            }
        }
        if events.is_empty() {
            return Err(stuck(&last_difference));
        }
    }
}

fn do_in_tenant(host: &Host, deed: &Deed) {
    let is_scanning = || {
        let watch = host.world.watch.state();
        let mut items = watch.shadow.items();
        items.any(|(key, item)| key.pk.ends_with("#U#files") && number(item, "lease") > 0)
    };
    if deed.ends_owner() && is_scanning() {
        host.world.watch.mark(Mark::OwnerDeletedAtScan);
    }
    host.conditions.tenant.act(deed);
}

/// Lists that are read twice a day are right after a day, and before it if nobody changed what they hold.
fn due(host: &Host, had_idle_day: bool) -> Due {
    match host.conditions.has_slow_deeds && !had_idle_day {
        true => Due::Hourly,
        false => Due::Daily,
    }
}

/// Whether everything should have come right by now; only a budget of the day that was used up takes longer.
fn is_too_late(host: &Host, right_by: Timestamp) -> bool {
    let state = host.world.watch.state();
    let waits_for_day = state.marks.contains_key(&Mark::DayUsedUp);
    host.world.clock.now() > right_by && !waits_for_day
}

fn stuck(difference: &str) -> String {
    format!("I9: it does not come right: {difference}")
}

async fn receive(host: &Host, max: usize) -> Result<Vec<casbah_model::ports::Delivery>, String> {
    let mut deliveries = vec![];
    for stage in Stage::ALL {
        if deliveries.len() < max {
            let more = host.queue.receive(stage, max - deliveries.len()).await;
            deliveries.extend(more.map_err(|error| error.to_string())?);
        }
    }
    Ok(deliveries)
}

async fn compare(host: &Host, due: Due) -> Result<Option<String>, String> {
    let compared = difference(host, due).await.map_err(|error| error.chain())?;
    if compared.is_some() {
        return Ok(compared);
    }
    let compared = manners(host).await.map_err(|error| error.chain())?;
    if compared.is_some() {
        return Ok(compared);
    }
    let plain = host.plain();
    let compared = acting::difference(host, &plain).await;
    compared.map_err(|error| error.chain())
}

/// What somebody, or the clock, does from outside.
#[derive(Clone, Copy)]
enum Doing {
    Connect,
    ChooseMore,
    Sweep,
    Pause,
    Resume,
    Disconnect,
    Delete,
    Reconnect,
    Mend,
    /// Somebody looks at a list that is held back, because many are gone at once, and lets it pass.
    Accept,
    UseUpDay,
    Acting(Move),
}

async fn act(host: &Host, doing: Doing) {
    let connect = async |ctx: &Context| connect_with(ctx, host).await;
    match doing {
        Doing::Connect => host.operate("connect", connect).await,
        Doing::ChooseMore | Doing::Reconnect => {
            host.choose_more();
            host.operate("connect", connect).await;
        }
        Doing::Sweep => host.sweep().await,
        Doing::Pause => {
            let name = connection_name();
            host.operate("pause", async |ctx| {
                unless_gone(connect::pause(ctx, &name).await)
            })
            .await;
        }
        Doing::Disconnect => {
            let name = connection_name();
            host.operate("disconnect", async |ctx| {
                unless_gone(connect::disconnect(ctx, &name).await)
            })
            .await;
        }
        Doing::Delete => {
            let name = connection_name();
            host.operate("delete", async |ctx| {
                unless_gone(connect::delete(ctx, &name).await)
            })
            .await;
        }
        Doing::Resume => host.operate("resume", resume).await,
        Doing::Mend => {
            host.choose_more();
            host.operate("connect", connect).await;
            host.operate("resume", resume).await;
        }
        Doing::Accept => {
            for collection in held(host) {
                host.operate("accept", async |ctx| {
                    let accepted = accept(ctx, &connection_name(), &collection).await;
                    unless_gone(accepted.map(drop))
                })
                .await;
            }
        }
        Doing::UseUpDay => crate::day::use_up(host).await,
        Doing::Acting(what) => acting::act(host, what).await,
    }
}

/// What is asked of a connection that is not there, or on its way out, is refused, and nobody asks again.
fn unless_gone(done: Result<(), StageError>) -> Result<(), StageError> {
    match done {
        Err(StageError::UnknownConnection { .. } | StageError::Refused(_)) => Ok(()),
        done => done,
    }
}

/// Lists that are held back.
fn held(host: &Host) -> Vec<String> {
    let watch = host.world.watch.state();
    let items = watch.shadow.items();
    let held = items.filter(|(_, item)| item.contains_key("held"));
    let names = held.filter_map(|(key, _)| key.sk.strip_prefix("S#"));
    names.map(Into::into).collect()
}

async fn connect_with(ctx: &Context, host: &Host) -> Result<(), StageError> {
    let tenant = &host.conditions.tenant;
    let entered = tenant.entered();
    let entered = entered.map(|(name, value)| (name.to_string(), value));
    let settings = ConnectionSettings {
        id: connection_name(),
        app: tenant.app(),
        components: Components::parse(host.chosen()).expect("a valid choice"),
        tier: match host.conditions.acting.asks.is_empty() {
            true => Tier::Observe,
            false => Tier::Act,
        },
        app_settings: tenant.app_settings().into_iter().chain(entered).collect(),
        endpoints: BTreeMap::new(),
    };
    let secret = tenant.secret();
    connect::connect(ctx, &settings, &secret).await.map(drop)
}

async fn resume(ctx: &Context) -> Result<(), StageError> {
    let name = connection_name();
    match connect::find(ctx, &name).await? {
        Some(connection) if connection.state == ConnectionState::Paused => {
            connect::resume(ctx, &name).await
        }
        _ => Ok(()),
    }
}
