//! One process of a function: the ports, made once, and what is kept from one invocation to the next.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use casbah_model::ports::{
    Clock, Metrics, Notifier, ObjectStore, Queue, Rng, SecretStore, StateStore, Transport,
};
use casbah_model::{SignedDuration, Timestamp};
use casbah_pipeline::govern::Policy;
use casbah_pipeline::{Context, Curated, Settings as Times};
use casbah_policy::Policies;

use crate::clients::Clients;
use crate::clock::{SystemClock, SystemRng};
use crate::dynamodb_state::DynamodbState;
use crate::lazy_internet::LazyInternet;
use crate::metrics::EmbeddedMetrics;
use crate::s3_objects::S3Objects;
use crate::secrets_manager::SecretsManager;
use crate::settings::{Loopback, Settings};
use crate::sns_notifier::SnsNotifier;
use crate::sqs_queue::SqsQueue;

/// Everything outside of a process.
#[derive(Clone)]
pub struct Ports {
    pub state: Arc<dyn StateStore>,
    pub queue: Arc<dyn Queue>,
    pub objects: Arc<dyn ObjectStore>,
    pub secrets: Arc<dyn SecretStore>,
    pub transport: Arc<dyn Transport>,
    pub clock: Arc<dyn Clock>,
    pub rng: Arc<dyn Rng>,
    pub notifier: Arc<dyn Notifier>,
    pub metrics: Arc<dyn Metrics>,
    pub curated: Curated,
    /// Only who makes tables has them.
    pub policies: Option<Arc<Policies>>,
}

impl Ports {
    /// The ports on AWS. Nothing is called here: a cold start waits for no network.
    pub fn on_aws(settings: &Settings) -> Ports {
        let clients = Clients::new(&settings.aws);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let rng: Arc<dyn Rng> = Arc::new(SystemRng);
        let state = DynamodbState::new(
            &clients,
            &settings.table,
            Arc::clone(&clock),
            Arc::clone(&rng),
        );
        let objects = Arc::new(S3Objects::new(&clients, &settings.bucket));
        let (prefix, kms_key) = (&settings.secrets_prefix, settings.kms_key.as_deref());
        Ports {
            state: Arc::new(state),
            queue: Arc::new(SqsQueue::new(&clients, &settings.queues)),
            objects: Arc::clone(&objects) as _,
            secrets: Arc::new(SecretsManager::new(&clients, prefix, kms_key)),
            transport: Arc::new(LazyInternet::new(settings.loopback)),
            notifier: Arc::new(SnsNotifier::new(&clients, settings.topic.as_deref())),
            metrics: Arc::new(EmbeddedMetrics::new(
                &settings.metrics_namespace,
                Arc::clone(&clock),
            )),
            curated: Curated {
                region: settings.aws.region.clone(),
                store: objects,
                tables: None,
            },
            policies: None,
            clock,
            rng,
        }
    }
}

/// One call of a function by Lambda.
#[derive(Clone, Debug)]
pub struct Invocation {
    pub request_id: String,
    /// Lambda kills the process then.
    pub deadline: Timestamp,
    /// The X-Ray trace this belongs to.
    pub trace: Option<String>,
}

/// A process, which Lambda gives one invocation at a time.
pub struct Process {
    pub ports: Ports,
    pub function: String,
    times: Times,
    policy: Policy,
    /// The context of the invocation before: its caches are worth keeping, and may be lost.
    idle: Mutex<Option<Context>>,
}

impl Process {
    pub fn new(settings: &Settings, ports: Ports) -> Process {
        let function_limit = settings.function_limit;
        let times = Times {
            function_limit,
            // A live function never outlives its lease (pipeline design, section 7).
            lease: function_limit + SignedDuration::from_secs(20),
            loopback_vendors: settings.loopback == Loopback::Allowed,
            ocsf: settings.ocsf,
            judges_files: true,
            ..Times::default()
        };
        Process {
            ports,
            function: settings.function.clone(),
            times,
            policy: settings.policy.clone(),
            idle: Mutex::new(None),
        }
    }

    /// The context of an invocation that has until `end`. Steps plan by it, so that they end before they are killed.
    pub fn context(&self, end: Timestamp) -> Context {
        let mut ctx = self.lock().take().unwrap_or_else(|| self.fresh());
        let left = self.ports.clock.now().duration_until(end);
        ctx.settings.function_limit = left.clamp(SignedDuration::ZERO, self.times.function_limit);
        ctx.stopping = AtomicBool::new(false);
        ctx
    }

    /// Keeps what an invocation learned for the next one.
    pub fn give_back(&self, ctx: Context) {
        *self.lock() = Some(ctx);
    }

    fn fresh(&self) -> Context {
        let ports = self.ports.clone();
        Context {
            state: ports.state,
            queue: ports.queue,
            objects: ports.objects,
            secrets: ports.secrets,
            transport: ports.transport,
            clock: ports.clock,
            rng: ports.rng,
            notifier: ports.notifier,
            metrics: ports.metrics,
            curated: ports.curated,
            settings: self.times,
            inspector: None,
            policies: ports.policies,
            policy: self.policy.clone(),
            tokens: Arc::default(),
            roots: Default::default(),
            meter: Default::default(),
            stopping: AtomicBool::new(false),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Context>> {
        // There is a whole context in it, or none.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
