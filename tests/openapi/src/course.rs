//! The course of one life: connect, read everything, go on for some hours, be told of changes, leave, come back, be
//! deleted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use casbah_model::app::{App, Components};
use casbah_model::connection::{ConnectionId, ConnectionSettings};
use casbah_model::ports::Clock;
use casbah_model::{SignedDuration, Timestamp};
use casbah_pipeline::webhook::{address, receive};
use casbah_pipeline::{Settings, connect};
use casbah_platform_local::{Durability, LocalSystem, Outside, SeededRng, Until, VirtualClock};
use casbah_simulators::microsoft365::{ContentType, HookSender, Plan};
use casbah_simulators::simulated::FaultSettings;
use serde_json::Map;

use crate::lives::{self, Tenant};
use crate::recorder::{Recorder, Sink};

const STARTED: &str = "2026-05-04T10:02:30Z";
/// How often a fault strikes: often enough to be met by several kinds of calls, seldom enough to get past it.
const STRIKES: u64 = 6;

pub struct Course {
    pub app: App,
    pub credential: &'static str,
    pub fault: Option<&'static str>,
}

/// A tenant and a system that reads it.
struct Reading {
    system: LocalSystem,
    clock: Arc<dyn Clock>,
    settings: ConnectionSettings,
    tenant: Tenant,
}

impl Course {
    pub fn live(&self, sink: &Sink) {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_all().start_paused(true).build();
        let folder = tempfile::tempdir().expect("a folder");
        runtime.expect("a runtime").block_on(async {
            let reading = self.open(folder.path(), sink);
            reading.connect().await;
            if self.fault.is_some() {
                return reading.run_for(lives::WITH_FAULT).await;
            }
            reading.catch_up().await;
            if self.app == App::Microsoft365 {
                reading.be_told().await;
            }
            reading.run_for(lives::ON).await;
            reading.leave_and_come_back().await;
        });
    }

    fn open(&self, folder: &std::path::Path, sink: &Sink) -> Reading {
        let started: Timestamp = STARTED.parse().expect("a valid time");
        let clock: Arc<dyn Clock> = Arc::new(VirtualClock::new(started));
        let tenant = lives::tenant(self, started, Arc::clone(&clock));
        if let Some(fault) = self.fault {
            let settings = FaultSettings::times(STRIKES);
            tenant.simulated.switch(fault, settings).expect("a fault");
        }
        let about = [
            ("app", self.app.name().into()),
            ("credential", self.credential.into()),
            ("fault", self.fault.into()),
        ];
        let recorder = Recorder {
            inner: Arc::clone(&tenant.simulated) as _,
            about: Map::from_iter(about.map(|(name, value)| (name.to_string(), value))),
            sink: Arc::clone(sink),
        };
        let outside = Outside {
            clock: Arc::clone(&clock),
            rng: Arc::new(SeededRng::new(7)),
            transport: Arc::new(recorder),
            settings: Settings::default(),
            durability: Durability::Process,
        };
        let settings = ConnectionSettings {
            id: name(),
            app: self.app,
            components: Components::all(),
            tier: Default::default(),
            app_settings: tenant.app_settings.clone(),
            endpoints: BTreeMap::new(),
        };
        Reading {
            system: LocalSystem::open(folder, outside).expect("a folder that can be used"),
            clock,
            settings,
            tenant,
        }
    }
}

impl Reading {
    async fn connect(&self) {
        let connected = connect::connect(&self.system.ctx, &self.settings, &self.tenant.secret);
        connected.await.expect("connected");
    }

    async fn catch_up(&self) {
        let ended = self.system.run(Until::CaughtUp, std::future::pending());
        ended.await.expect("a run");
    }

    async fn run_for(&self, time: SignedDuration) {
        let stop = self.clock.sleep_until(self.clock.now() + time);
        let ended = self.system.run(Until::Stopped, stop).await;
        ended.expect("a run");
        self.system.ctx.stopping.store(false, Ordering::Relaxed);
    }

    /// A notification that there is something new in every feed.
    async fn be_told(&self) {
        let ctx = &self.system.ctx;
        let hook = address(ctx, &name()).await.expect("an address");
        let addressed = hook.path.strip_prefix("/hooks/").expect("a path");
        let plan = Plan::new(11);
        let sender = HookSender::new(&plan, hook.auth_id.reveal());
        let post = sender.audit_notification(&ContentType::ALL);
        let uri = format!("https://hooks.example/hooks/{addressed}?{}", post.query);
        let mut request = http::Request::post(uri);
        for (name, value) in &post.headers {
            request = request.header(*name, value);
        }
        let request = request.body(Bytes::from(post.body)).expect("a request");
        let answer = receive(ctx, addressed, request).await;
        assert!(answer.status().is_success(), "{}", answer.status());
    }

    async fn leave_and_come_back(&self) {
        let left = connect::disconnect(&self.system.ctx, &name()).await;
        left.expect("disconnected");
        self.run_for(SignedDuration::from_mins(10)).await;
        self.connect().await;
        self.catch_up().await;
        let deleted = connect::delete(&self.system.ctx, &name()).await;
        deleted.expect("deleted");
        self.run_for(SignedDuration::from_mins(10)).await;
    }
}

fn name() -> ConnectionId {
    "judged".parse().expect("a valid name")
}
