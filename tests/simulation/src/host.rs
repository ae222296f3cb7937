//! The functions' host: hands messages to the code that is shipped, lets functions die and run into their limit, and is
//! the clock of the sweeper.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use casbah_http::Tokens;
use casbah_model::message::Message;
use casbah_model::ports::{
    Clock, Delivery, NoMetrics, ObjectStore, Queue, SecretError, SecretStore, StateStore,
    TableStore, Transport,
};
use casbah_model::secret::Secret;
use casbah_model::{SignedDuration, Timestamp};
use casbah_pipeline::{Context, Curated, StageError};
use casbah_platform_local::{LOCAL_REGION, LogNotifier, MemoryQueue, SeededRng, SqliteState};

use crate::bucket::{FaultyObjects, FaultyTables, MemoryObjects};
use crate::conditions::Conditions;
use crate::fault::Fault;
use crate::invocation::{Invocation, World};
use crate::mark::Mark;
use crate::plain_tables::PlainTables;
use crate::queue::FaultyQueue;
use crate::skewed_clock::SkewedClock;
use crate::table::FaultyTable;
use crate::variant::Variant;
use crate::vendor::FaultyVendor;
use crate::wrong_bucket::{Deferred, WrongTables};
use crate::wrong_table::WrongTable;

/// Clocks are wrong by this at the most.
const SKEW_MAX_MS: f64 = 30_000.0;
/// Times of death are looked at as often as a function can call something; more calls than this are a circle.
const CALLS_MAX: u64 = 400_000;

/// Credentials that end with this value.
#[derive(Default)]
struct MemorySecrets(Mutex<BTreeMap<String, String>>);

#[async_trait]
impl SecretStore for MemorySecrets {
    async fn put(&self, name: &str, secret: &Secret) -> Result<(), SecretError> {
        let mut secrets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        secrets.insert(name.into(), secret.reveal().into());
        Ok(())
    }

    async fn get(&self, name: &str) -> Result<Secret, SecretError> {
        let secrets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = secrets.get(name).map(|secret| Secret::new(secret.clone()));
        found.ok_or_else(|| SecretError::NotFound { name: name.into() })
    }

    async fn delete(&self, name: &str) -> Result<(), SecretError> {
        let mut secrets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        secrets.remove(name);
        Ok(())
    }
}

/// What lives on between the invocations of one instance of a function.
struct Container {
    /// Whether it was made before the last fault, and its clock may be wrong.
    is_old: bool,
    tokens: Arc<Tokens>,
    clock: Arc<dyn Clock>,
}

pub struct Host {
    pub world: Arc<World>,
    pub conditions: Conditions,
    pub table: Arc<SqliteState>,
    pub queue: Arc<MemoryQueue>,
    objects: Arc<MemoryObjects>,
    secrets: Arc<MemorySecrets>,
    variant: Option<Variant>,
    invocations: AtomicU64,
    is_healed: AtomicBool,
    has_chosen_more: AtomicBool,
    idle: Mutex<Vec<Container>>,
    /// How often each message has been received.
    latest: Mutex<BTreeMap<String, u32>>,
}

impl Host {
    pub fn new(world: Arc<World>, conditions: Conditions, variant: Option<Variant>) -> Host {
        let clock = &world.clock;
        let table = SqliteState::in_memory(Arc::clone(clock)).expect("a table in memory");
        let queue = MemoryQueue::new(conditions.queue, Arc::clone(clock));
        Host {
            table: Arc::new(table),
            queue: Arc::new(queue),
            objects: Arc::default(),
            secrets: Arc::default(),
            invocations: AtomicU64::new(0),
            is_healed: AtomicBool::new(false),
            has_chosen_more: AtomicBool::new(false),
            idle: Mutex::default(),
            latest: Mutex::default(),
            world,
            conditions,
            variant,
        }
    }

    fn now(&self) -> Timestamp {
        self.world.clock.now()
    }

    /// What is to be read by now: whoever tries again and again to connect asks for that, and not for what they asked at
    /// first.
    pub fn chosen(&self) -> &[&'static str] {
        match self.has_chosen_more.load(Ordering::Relaxed) {
            true => &self.conditions.components,
            false => &self.conditions.first_components,
        }
    }

    pub fn choose_more(&self) {
        self.has_chosen_more.store(true, Ordering::Relaxed);
    }

    pub fn is_without_sweeper(&self) -> bool {
        self.variant == Some(Variant::NoSweeper)
    }

    pub fn invocations(&self) -> u64 {
        self.invocations.load(Ordering::Relaxed)
    }

    /// A context without faults, for looking at what there is.
    pub fn plain(&self) -> Context {
        self.context(
            Arc::clone(&self.table) as _,
            Arc::clone(&self.queue) as _,
            Arc::clone(&self.objects) as _,
            Arc::clone(&self.objects) as _,
            Arc::clone(&self.conditions.tenant) as _,
            self.container(false),
            0,
        )
    }

    fn container(&self, may_be_wrong: bool) -> Container {
        let world = &self.world;
        let clock = if may_be_wrong && world.faults.strikes(Fault::ClockSkew) {
            let ahead = (world.faults.fraction() * 2.0 - 1.0).powi(3) * SKEW_MAX_MS;
            let ahead = SignedDuration::from_millis(ahead as i64);
            let inner = Arc::clone(&world.clock);
            Arc::new(SkewedClock { inner, ahead }) as Arc<dyn Clock>
        } else {
            Arc::clone(&world.clock)
        };
        let tokens = Arc::default();
        let is_old = !self.is_healed.load(Ordering::Relaxed);
        Container {
            is_old,
            tokens,
            clock,
        }
    }

    /// Instances that have been used before are used again, until they die.
    fn warm(&self) -> Container {
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        idle.unwrap_or_else(|| self.container(true))
    }

    fn keep(&self, container: Container) {
        if container.is_old && self.is_healed.load(Ordering::Relaxed) {
            return;
        }
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push(container);
    }

    /// From here on nothing goes wrong: instances with wrong clocks are replaced.
    pub fn heal(&self) {
        self.world.faults.switch(false);
        self.is_healed.store(true, Ordering::Relaxed);
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.clear();
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the ports that fail, each by itself"
    )]
    fn context(
        &self,
        state: Arc<dyn StateStore>,
        queue: Arc<dyn Queue>,
        objects: Arc<dyn ObjectStore>,
        tables: Arc<dyn TableStore>,
        transport: Arc<dyn Transport>,
        container: Container,
        number: u64,
    ) -> Context {
        Context {
            state,
            queue,
            objects,
            secrets: Arc::clone(&self.secrets) as _,
            transport,
            clock: container.clock,
            rng: Arc::new(SeededRng::new(self.conditions.seed ^ number << 24)),
            notifier: Arc::new(LogNotifier),
            metrics: Arc::new(NoMetrics),
            curated: Curated {
                region: LOCAL_REGION.into(),
                store: tables,
                tables: Some(Arc::new(PlainTables)),
            },
            settings: self.conditions.settings,
            inspector: None,
            policies: None,
            policy: Default::default(),
            tokens: container.tokens,
            roots: Default::default(),
            meter: Default::default(),
            stopping: AtomicBool::new(false),
        }
    }

    /// A function that is about to run, behind ports that fail.
    fn function(&self) -> (Arc<Invocation>, Context) {
        let number = self.invocations.fetch_add(1, Ordering::Relaxed) + 1;
        let invocation = Invocation::new(number, Arc::clone(&self.world));
        let held = || Arc::clone(&invocation);
        let mut table: Arc<dyn StateStore> = Arc::new(FaultyTable {
            inner: Arc::clone(&self.table) as _,
            invocation: held(),
        });
        let queue: Arc<dyn Queue> = Arc::new(FaultyQueue {
            inner: Arc::clone(&self.queue) as _,
            invocation: held(),
        });
        let mut objects: Arc<dyn ObjectStore> = Arc::new(FaultyObjects {
            inner: Arc::clone(&self.objects) as _,
            invocation: held(),
        });
        let mut tables: Arc<dyn TableStore> = Arc::new(FaultyTables {
            inner: Arc::clone(&self.objects) as _,
            invocation: held(),
        });
        if let Some(variant) = self.variant {
            let wrong = Arc::new(WrongTables {
                inner: tables,
                variant,
                waiting: Mutex::default(),
            });
            let deferred = Arc::new(Deferred {
                inner: objects,
                variant: Some(variant),
                waiting: Mutex::default(),
            });
            table = Arc::new(WrongTable {
                inner: table,
                queue: Arc::clone(&queue),
                objects: Arc::clone(&deferred),
                tables: Arc::clone(&wrong),
                variant,
                has_finished: AtomicBool::new(false),
                believed: Mutex::default(),
            });
            objects = deferred;
            tables = wrong;
        }
        let vendor = Arc::new(FaultyVendor {
            inner: Arc::clone(&self.conditions.tenant) as _,
            invocation: held(),
        });
        let ctx = self.context(table, queue, objects, tables, vendor, self.warm(), number);
        (invocation, ctx)
    }

    /// Runs something as a function would: it may die, and it may run into its limit. `None` when it did not end.
    async fn invoke<T>(
        &self,
        what: &str,
        hint: Option<&Message>,
        work: impl AsyncFnOnce(&Context) -> Result<T, StageError>,
    ) -> Option<Result<T, StageError>> {
        let was_healed = self.is_healed.load(Ordering::Relaxed);
        let (invocation, ctx) = self.function();
        let watch = &self.world.watch;
        watch.begins(invocation.number, what, hint);
        let limit = self.now() + self.conditions.settings.function_limit;
        let ended = tokio::select! {
            biased;
            () = invocation.died() => None,
            ended = work(&ctx) => Some(ended),
            () = self.world.clock.sleep_until(limit) => {
                watch.note(invocation.number, "time limit", what);
                watch.mark(Mark::TimeLimit);
                None
            }
        };
        if watch.state().calls() > CALLS_MAX {
            watch.violated("I9: functions call the vendor without end".into());
        }
        match &ended {
            None => return None,
            Some(Ok(_)) => watch.note(invocation.number, "ends", what),
            Some(Err(error)) => {
                watch.note(invocation.number, "fails", &error.chain());
                if error.is_lasting() {
                    watch.violated(format!("a function cannot go on: {}", error.chain()));
                }
            }
        }
        self.keep(Container {
            is_old: !was_healed,
            tokens: Arc::clone(&ctx.tokens),
            clock: Arc::clone(&ctx.clock),
        });
        ended
    }

    /// One delivery of a message.
    pub async fn deliver(&self, delivery: Delivery) {
        let mut message = delivery.message.clone();
        let watch = &self.world.watch;
        if let Message::Look { key, version, .. } = &mut message {
            let current = watch.version(key);
            if current != Some(*version) {
                watch.mark(Mark::StaleMessage);
            }
            if self.variant == Some(Variant::HintWithoutVersion) {
                *version = current.unwrap_or(*version);
            }
        }
        self.latest
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(number_of(&delivery), delivery.receives);
        if self.world.faults.strikes(Fault::Redelivery) {
            let soon = self.world.some_of(SignedDuration::from_secs(60));
            let soon = Duration::try_from(soon).unwrap_or_default();
            drop(self.queue.send(&delivery.message, soon).await);
        }
        if self.variant == Some(Variant::MessageDeletedFirst) {
            drop(self.queue.delete(&delivery.receipt).await);
        }
        let what = describe(&delivery.message);
        let ended = self
            .invoke(&what, Some(&delivery.message), async |ctx| {
                casbah_pipeline::handle(ctx, &message).await
            })
            .await;
        match ended {
            Some(Ok(())) => {
                if !self.world.faults.strikes(Fault::DeleteFails) {
                    drop(self.queue.delete(&delivery.receipt).await);
                }
            }
            Some(Err(_)) | None => {
                let is_there = |message: &Message| *message == delivery.message;
                let is_kept = self.queue.waiting().iter().any(is_there)
                    || self.queue.dead_letters().iter().any(is_there);
                // While it was worked on it may have been delivered again, found stale, and deleted.
                if !is_kept && self.is_latest(&delivery) {
                    watch.violated(format!("a function died and its message is gone: {what}"));
                }
            }
        }
    }

    /// Whether nobody has been given this message since.
    fn is_latest(&self, delivery: &Delivery) -> bool {
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        latest.get(&number_of(delivery)) == Some(&delivery.receives)
    }

    pub async fn sweep(&self) {
        self.invoke("sweep", None, async |ctx| {
            casbah_pipeline::handle(ctx, &Message::Sweep).await
        })
        .await;
    }

    /// What somebody asks for through the interface, again and again until it is known to have been done.
    pub async fn operate(
        &self,
        what: &str,
        work: impl AsyncFn(&Context) -> Result<(), StageError>,
    ) {
        loop {
            if let Some(Ok(())) = self.invoke(what, None, &work).await {
                return;
            }
            let soon = self.now() + SignedDuration::from_secs(5);
            self.world.clock.sleep_until(soon).await;
        }
    }
}

/// The part of a receipt that stays the same over deliveries.
fn number_of(delivery: &Delivery) -> String {
    let token = &delivery.receipt.token;
    token.split('.').next().unwrap_or(token).into()
}

fn describe(message: &Message) -> String {
    match message {
        Message::Look { key, version, .. } => format!("{key} v{version}"),
        Message::Sweep => "sweep".into(),
        Message::Notify { connection } => format!("notify {connection}"),
        Message::View { connection, view } => format!("view {connection} {}", view.collection),
    }
}
