//! One seed: turmoil, during which everything may fail and every effect is checked; then healing, after which
//! everything must be there.

use std::collections::BTreeMap;
use std::sync::Arc;

use casbah_model::SignedDuration;
use casbah_model::app::{App, Components};
use casbah_model::connection::{ConnectionId, ConnectionSettings, ConnectionState};
use casbah_model::message::Stage;
use casbah_model::ports::{Clock, Queue};
use casbah_model::secret::Secret;
use casbah_pipeline::{Context, StageError, connect};
use casbah_platform_local::VirtualClock;
use casbah_simulators::microsoft365::{Fault as VendorFault, Plan, Simulator};
use futures::StreamExt;
use futures::stream::FuturesUnordered;

use crate::conditions::{Conditions, Event};
use crate::fault::{Fault, Faults};
use crate::host::Host;
use crate::invariants::Ledger;
use crate::invocation::World;
use crate::mark::Mark;
use crate::oracle::{difference, manners};
use crate::variant::Variant;
use crate::watch::Watch;

/// Functions that run at one time.
const CONCURRENT: usize = 24;

/// Less than the twelve hours after which much is looked at again anyway: a wake-up that is lost must not hide in them.
const RIGHT_WITHIN: SignedDuration = SignedDuration::from_hours(5);

/// What to run.
#[derive(Clone, Debug, Default)]
pub struct Options {
    pub variant: Option<Variant>,
    /// Kinds of faults that are off whatever the seed says.
    pub without: Vec<Fault>,
    pub without_vendor: Vec<VendorFault>,
    /// Every event is printed as it happens.
    pub is_traced: bool,
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
    let mut conditions = Conditions::of(seed);
    let is_off = |event: &Event| match event {
        Event::Vendor(fault, _) => options.without_vendor.contains(fault),
        Event::Disconnect => options.without.contains(&Fault::Disconnection),
        Event::Delete => options.without.contains(&Fault::Deletion),
        _ => false,
    };
    conditions.events.retain(|(_, event)| !is_off(event));
    let clock: Arc<dyn Clock> = Arc::new(VirtualClock::new(conditions.plan.started));
    let simulator = Arc::new(Simulator::new(conditions.plan.clone(), Arc::clone(&clock)));
    let oracle = Arc::clone(&simulator);
    let mut books = Ledger::new(Arc::new(move |id| oracle.records_of(id)));
    let limit = conditions.settings.function_limit;
    books.pause_reach = limit.max(conditions.settings.lease) + SignedDuration::from_secs(30);
    let world = World::new(
        Faults::of(seed, &options.without),
        Watch::new(Arc::clone(&clock), books),
        clock,
    );
    world.watch.state().log.is_traced = options.is_traced;
    let words = describe(&conditions, &world);
    let host = Host::new(Arc::new(world), conditions, simulator, options.variant);
    let failure = live(&host).await.err();
    let mut state = host.world.watch.state();
    if state.ledger.orphans() > 0 {
        state.mark(Mark::OrphanObject);
    }
    if !host.queue.dead_letters().is_empty() {
        state.mark(Mark::DeadLetter);
    }
    let traffic = host.simulator.traffic();
    Outcome {
        seed,
        failure,
        hash: state.log.hash(),
        events: state.log.events(),
        invocations: host.invocations(),
        faults: host.world.faults.struck(),
        vendor_faults: traffic
            .faults
            .iter()
            .map(|(fault, count)| (fault.name(), *count))
            .collect(),
        marks: state.marks.clone(),
        last: state.log.lines(),
        conditions: words,
    }
}

/// The seed's decisions, as a person who looks for a mistake wants them.
fn describe(conditions: &Conditions, world: &World) -> String {
    let plan = &conditions.plan;
    let mut text = format!(
        "{} users, {} files, {} events, {} an hour, feeds {:?}, components {:?}\n  {:?}\n  {:?}\n  faults",
        plan.users,
        plan.files,
        plan.activities,
        plan.live_activities_per_hour,
        plan.feeds_on,
        conditions.components,
        conditions.settings,
        conditions.queue,
    );
    for (fault, chance) in world.faults.chances() {
        text += &format!(" {fault} {:.2} %,", chance * 100.0);
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
    let mut events = host.conditions.events.iter().peekable();
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
        let next_event = events.peek().map(|(at, _)| *at);
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
        while let Some((_, event)) = events.next_if(|(at, _)| *at <= now) {
            match event {
                Event::Vendor(fault, how) => host.simulator.switch(*fault, how.clone()),
                Event::Deed(deed) => host.simulator.act(*deed),
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
                            host.simulator.switch(*fault, None);
                        }
                    }
                }
                Event::Mend => doings.push(act(host, Doing::Mend)),
                Event::Check => match compare(host).await? {
                    None => return Ok(()),
                    Some(difference) if is_too_late(host) => return Err(stuck(&difference)),
                    Some(difference) => last_difference = difference,
                },
            }
        }
        if events.peek().is_none() {
            return Err(stuck(&last_difference));
        }
    }
}

/// Whether everything should have come right by now; only a budget of the day that was used up takes longer.
fn is_too_late(host: &Host) -> bool {
    let state = host.world.watch.state();
    let waits_for_day = state.marks.contains_key(&Mark::DayUsedUp);
    host.world.clock.now() > host.conditions.healed + RIGHT_WITHIN && !waits_for_day
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

async fn compare(host: &Host) -> Result<Option<String>, String> {
    let compared = difference(host).await.map_err(|error| error.chain())?;
    if compared.is_some() {
        return Ok(compared);
    }
    manners(host).await.map_err(|error| error.chain())
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
    UseUpDay,
}

async fn act(host: &Host, doing: Doing) {
    match doing {
        Doing::Connect => {
            let components = &host.conditions.first_components;
            host.operate("connect", async |ctx| {
                connect_with(ctx, host, components).await
            })
            .await;
        }
        Doing::ChooseMore | Doing::Reconnect => {
            let components = &host.conditions.components;
            host.operate("connect", async |ctx| {
                connect_with(ctx, host, components).await
            })
            .await;
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
            host.operate("connect", async |ctx| {
                connect_with(ctx, host, &host.conditions.components).await
            })
            .await;
            host.operate("resume", resume).await;
        }
        Doing::UseUpDay => crate::day::use_up(host).await,
    }
}

/// What is asked of a connection that is not there, or on its way out, is refused, and nobody asks again.
fn unless_gone(done: Result<(), StageError>) -> Result<(), StageError> {
    match done {
        Err(StageError::UnknownConnection { .. } | StageError::Refused(_)) => Ok(()),
        done => done,
    }
}

async fn connect_with(ctx: &Context, host: &Host, components: &[&str]) -> Result<(), StageError> {
    let plan = &host.conditions.plan;
    let secret = Secret::new(plan.client_secret.clone());
    let settings = settings(plan, components);
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

fn settings(plan: &Plan, components: &[&str]) -> ConnectionSettings {
    let app_settings = BTreeMap::from([
        ("tenant_id".to_string(), plan.tenant_id.clone()),
        ("client_id".to_string(), plan.client_id.clone()),
        ("credential".to_string(), "secret".to_string()),
    ]);
    ConnectionSettings {
        id: connection_name(),
        app: App::Microsoft365,
        components: Components::parse(components).expect("a valid choice"),
        app_settings,
        endpoints: BTreeMap::new(),
    }
}
