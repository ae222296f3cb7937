//! The whole system in one process: the ports in a folder, and a loop that hands each message to the pipeline.

use std::fs::{File, TryLockError};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use casbah_model::message::{Message, Stage};
use casbah_model::ports::{
    Clock, Delivery, Inspector, NoMetrics, ObjectError, Queue, QueueError, Rng, SecretError,
    StoreError, Transport,
};
use casbah_model::state::{Change, Condition, Key, Set, Write};
use casbah_model::{SignedDuration, Timestamp};
use casbah_pipeline::items::{self, StreamItem, StreamState};
use casbah_pipeline::status::{Settled, settled};
use casbah_pipeline::{Context, Curated, Settings, StageError, compact, hint};
use casbah_policy::Policies;
use casbah_tables::Parquet;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::sync::Notify;

use crate::{
    FileSecrets, FolderObjects, LogNotifier, MemoryQueue, PolicyText, QueueSettings, SqliteState,
};

/// Invocations side by side: every stream of a tenant can be at work at once.
const WORKERS: usize = 40;
/// A store that refuses this often in a row will not recover by itself.
const STORE_FAILURES_MAX: u32 = 3;
/// How long steps may take to reach a page border when the process is asked to end.
const STOP_GRACE: SignedDuration = SignedDuration::from_secs(5);

/// Names of tables have a region; a folder is in none.
pub const LOCAL_REGION: &str = "local";

/// What is outside of the folder.
pub struct Outside {
    pub clock: Arc<dyn Clock>,
    pub rng: Arc<dyn Rng>,
    pub transport: Arc<dyn Transport>,
    pub settings: Settings,
    pub durability: Durability,
}

/// Whether objects must survive a power cut, or only the end of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    PowerCut,
    Process,
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("cannot use the folder {folder}")]
    Folder {
        folder: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("another casbah is at work in {folder}; one process at a time may use a folder")]
    Busy { folder: PathBuf },
    #[error(
        "there is nothing of casbah in {folder}; run `casbah demo` or `casbah run` with --out {folder} first"
    )]
    Empty { folder: PathBuf },
    #[error(
        "the policy of actions in {folder} cannot be read; run `casbah run` with the config file that has it"
    )]
    Policy {
        folder: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Object(#[from] ObjectError),
    #[error(transparent)]
    Secret(#[from] SecretError),
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    CaughtUp,
    /// Everything that can work has caught up; the status says what cannot.
    InTrouble,
    Stopped,
}

/// When a run ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    CaughtUp,
    Stopped,
}

/// The system in a folder: `state.sqlite`, `secrets.json` and the lake.
pub struct LocalSystem {
    pub ctx: Context,
    queue: Arc<MemoryQueue>,
    state: Arc<SqliteState>,
    /// Told when somebody else than the loop has sent messages.
    woken: Notify,
    /// Held for as long as this process works in the folder.
    _lock: Option<File>,
}

impl LocalSystem {
    /// Opens a folder to work in, and makes it if it is not there. One process at a time.
    pub fn open(folder: &Path, outside: Outside) -> Result<LocalSystem, OpenError> {
        let unusable = |source| OpenError::Folder {
            folder: folder.into(),
            source,
        };
        std::fs::create_dir_all(folder).map_err(unusable)?;
        let lock = File::create(folder.join("casbah.lock")).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(OpenError::Busy {
                    folder: folder.into(),
                });
            }
            Err(TryLockError::Error(source)) => return Err(unusable(source)),
        }
        LocalSystem::build(folder, outside, Some(lock))
    }

    /// Opens a folder to look at, beside a process that may be at work in it.
    pub fn look(folder: &Path, outside: Outside) -> Result<LocalSystem, OpenError> {
        if !folder.join("state.sqlite").exists() {
            return Err(OpenError::Empty {
                folder: folder.into(),
            });
        }
        LocalSystem::build(folder, outside, None)
    }

    fn build(
        folder: &Path,
        outside: Outside,
        lock: Option<File>,
    ) -> Result<LocalSystem, OpenError> {
        let Outside {
            clock,
            rng,
            transport,
            settings,
            durability,
        } = outside;
        let unreadable = |source| OpenError::Policy {
            folder: folder.into(),
            source,
        };
        let policy = PolicyText::kept(folder).map_err(unreadable)?;
        let policy = policy.policy();
        let policy = policy.map_err(|what| unreadable(std::io::Error::other(what)))?;
        let state = SqliteState::open(&folder.join("state.sqlite"), Arc::clone(&clock))?;
        let state = match durability {
            Durability::PowerCut => Arc::new(state.with_power_cuts()?),
            Durability::Process => Arc::new(state),
        };
        let queue = Arc::new(MemoryQueue::new(
            QueueSettings::default(),
            Arc::clone(&clock),
        ));
        let objects = FolderObjects::open(&folder.join("lake"))?;
        let objects = match durability {
            Durability::PowerCut => objects,
            Durability::Process => objects.without_sync(),
        };
        let objects = Arc::new(objects);
        let ctx = Context {
            state: Arc::clone(&state) as _,
            queue: Arc::clone(&queue) as _,
            objects: Arc::clone(&objects) as _,
            secrets: Arc::new(FileSecrets::open(&folder.join("secrets.json"))?),
            transport,
            clock,
            rng,
            notifier: Arc::new(LogNotifier),
            metrics: Arc::new(NoMetrics),
            curated: Curated {
                region: LOCAL_REGION.into(),
                store: objects,
                tables: Some(Arc::new(Parquet)),
            },
            settings,
            inspector: None,
            policies: None,
            policy,
            tokens: Arc::default(),
            roots: Default::default(),
            meter: Default::default(),
            stopping: Default::default(),
        };
        Ok(LocalSystem {
            ctx,
            queue,
            state,
            woken: Notify::new(),
            _lock: lock,
        })
    }

    /// Looks inside files from now on.
    pub fn look_inside(&mut self, inspector: Arc<dyn Inspector>) {
        self.ctx.inspector = Some(inspector);
        self.ctx.settings.looks_inside = true;
    }

    /// Holds files against these from now on.
    pub fn judge_by(&mut self, policies: Policies) {
        self.ctx.policies = Some(Arc::new(policies));
        self.ctx.settings.judges_files = true;
    }

    /// Hands messages to the pipeline until everything has caught up, or `stop` resolves.
    pub async fn run(
        &self,
        until: Until,
        stop: impl Future<Output = ()>,
    ) -> Result<Ended, StageError> {
        // A run before this one may have been asked to end.
        self.ctx.stopping.store(false, Ordering::Relaxed);
        self.resume().await?;
        let mut stop = std::pin::pin!(stop);
        let mut running = FuturesUnordered::new();
        let mut next_sweep = self.ctx.now() + self.ctx.settings.sweep_period;
        let mut failures = 0;
        loop {
            for delivery in self.receive(WORKERS - running.len()).await? {
                running.push(self.handle(delivery));
            }
            if running.is_empty() && until == Until::CaughtUp {
                match settled(&self.ctx).await? {
                    Settled::No => {}
                    settled => {
                        // What was read is in the tables too when a run ends by itself.
                        compact::catch_up(&self.ctx).await?;
                        self.save_clock().await?;
                        return Ok(match settled {
                            Settled::InTrouble => Ended::InTrouble,
                            Settled::CaughtUp | Settled::No => Ended::CaughtUp,
                        });
                    }
                }
            }
            let visible = self
                .queue
                .next_visible()
                .filter(|_| running.len() < WORKERS);
            let alarm = visible.map_or(next_sweep, |at| at.min(next_sweep));
            tokio::select! {
                biased;
                () = &mut stop => {
                    self.drain(running).await;
                    return Ok(Ended::Stopped);
                }
                Some(done) = running.next(), if !running.is_empty() => {
                    failures = note_failure(done, failures)?;
                }
                () = self.woken.notified() => {}
                () = self.ctx.clock.sleep_until(alarm) => {}
            }
            if self.ctx.now() >= next_sweep {
                next_sweep = self.ctx.now() + self.ctx.settings.sweep_period;
                failures = note_failure(self.sweep().await, failures)?;
            }
        }
    }

    /// Lets the loop look at its queues, because somebody beside it has sent a message.
    pub fn wake(&self) {
        self.woken.notify_one();
    }

    async fn sweep(&self) -> Result<(), StageError> {
        self.save_clock().await?;
        casbah_pipeline::handle(&self.ctx, &Message::Sweep).await
    }

    async fn receive(&self, max: usize) -> Result<Vec<Delivery>, QueueError> {
        let mut deliveries = vec![];
        // Tests first, then who is there, then what happened, then files (house rule for budgets, too).
        for stage in Stage::ALL {
            if deliveries.len() < max {
                deliveries.extend(self.queue.receive(stage, max - deliveries.len()).await?);
            }
        }
        Ok(deliveries)
    }

    async fn handle(&self, delivery: Delivery) -> Result<(), StageError> {
        casbah_pipeline::handle(&self.ctx, &delivery.message).await?;
        self.queue.delete(&delivery.receipt).await?;
        Ok(())
    }

    /// Lets steps reach their next page border; what takes longer is dropped, which loses nothing but work.
    async fn drain(
        &self,
        mut running: FuturesUnordered<impl Future<Output = Result<(), StageError>>>,
    ) {
        self.ctx.stopping.store(true, Ordering::Relaxed);
        let end = self.ctx.now() + STOP_GRACE;
        while !running.is_empty() {
            tokio::select! {
                biased;
                done = running.next() => {
                    if let Some(Err(error)) = done {
                        tracing::warn!(error = %error.chain(), "step failed while ending");
                    }
                }
                () = self.ctx.clock.sleep_until(end) => return,
            }
        }
    }

    /// Takes over after a process that ended: its leases are void, because the folder's lock is ours now.
    pub async fn resume(&self) -> Result<(), StageError> {
        let mut after: Option<Key> = None;
        loop {
            let page = self.state.scan(after.as_ref(), 1000)?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = Some(last.key.clone());
            for found in page {
                let is_stream = found.key.sk.starts_with("S#") || found.key.sk.starts_with("U#");
                if !is_stream || !found.item.contains_key("gw") {
                    continue;
                }
                let stream: StreamItem = items::read(&found.key, &found.item)?;
                let stream = self.free(&found.key, stream).await?;
                if stream.st == StreamState::Run && stream.queue.is_none() {
                    hint::hint(&self.ctx, &found.key, &stream, None).await?;
                }
            }
        }
    }

    async fn free(&self, key: &Key, mut stream: StreamItem) -> Result<StreamItem, StageError> {
        if stream.lease == 0 {
            return Ok(stream);
        }
        let fence = Condition::Equal("v", stream.v.into());
        stream.v += 1;
        stream.lease = 0;
        stream.wake = self.ctx.now().as_millisecond();
        stream.index(key);
        let mut sets = vec![
            Set::To("v", stream.v.into()),
            Set::To("own", "".into()),
            Set::To("lease", 0.into()),
            Set::To("wake", stream.wake.into()),
        ];
        sets.extend(hint::index_sets(&stream));
        let change = Change::Update(sets);
        self.ctx
            .state
            .write(Write {
                key: key.clone(),
                condition: fence,
                change,
            })
            .await?;
        Ok(stream)
    }

    async fn save_clock(&self) -> Result<(), StageError> {
        let item = [("now".to_string(), self.ctx.now().as_millisecond().into())].into();
        self.ctx.state.write(Write::put(clock_key(), item)).await?;
        Ok(())
    }
}

fn clock_key() -> Key {
    Key::new("LOCAL", "CLOCK")
}

/// The time up to which a folder was worked in, for a simulated tenant whose clock goes on from there.
pub fn saved_clock(folder: &Path, clock: Arc<dyn Clock>) -> Result<Option<Timestamp>, StoreError> {
    let path = folder.join("state.sqlite");
    if !path.exists() {
        return Ok(None);
    }
    let state = SqliteState::open(&path, clock)?;
    let after = Key::new("LOCAL", "");
    let found = state.scan(Some(&after), 1)?;
    let saved = found.into_iter().find(|found| found.key == clock_key());
    let saved = saved.and_then(|found| found.item.get("now")?.as_i64());
    Ok(saved.and_then(|ms| Timestamp::from_millisecond(ms).ok()))
}

/// Logs a failure; one of the stores ends the run when it does not recover.
fn note_failure(done: Result<(), StageError>, failures: u32) -> Result<u32, StageError> {
    match done {
        Ok(()) => Ok(0),
        Err(error) if error.is_lasting() && failures + 1 >= STORE_FAILURES_MAX => Err(error),
        Err(error) => {
            tracing::warn!(error = %error.chain(), "step failed; it is tried again");
            Ok(failures + u32::from(error.is_lasting()))
        }
    }
}
