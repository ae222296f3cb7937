//! Thousands of public links that one plan removes, by a process that dies on the way: each link by one call, each object
//! looked at after it, and nothing of what Box allows left over.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use casbah_lake::read;
use casbah_model::action::{ActionId, ActionKind, ActionState};
use casbah_model::file::Sharing;
use casbah_model::permission::Tier;
use casbah_model::ports::{Clock, Transport};
use casbah_model::transport::{Method, Request, Response, TransportError};
use casbah_model::{SignedDuration, Timestamp};
use casbah_pipeline::connect;
use casbah_pipeline::govern::{self, Approval, Asked, Policy, Selection, Wish};
use casbah_pipeline::inventory::{Reading, lines};
use casbah_platform_local::LocalSystem;
use casbah_simulators::box_com::{Access, Deed, Plan, Simulator};
use casbah_simulators::simulated::Simulated;

use crate::box_com::enterprise;
use crate::deaths::{Fate, mortal};
use crate::govern::asked;
use crate::world::{World, in_virtual_time, name, run, started};

const LINKS: usize = 5_000;
/// Box's limit for the calls that are made as one user: 1,000 a minute, all of which are ours here.
const CALLS_A_MINUTE: f64 = 1_000.0;
/// Whose links they are: one user's, because more users have more limits.
const OWNER: u64 = 5;

/// Notes when each call was made as the owner.
struct Watcher {
    inner: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    owner: String,
    calls: Mutex<Vec<(Timestamp, bool)>>,
    /// How often each link was removed.
    removed: Mutex<BTreeMap<String, u64>>,
}

#[async_trait]
impl Transport for Watcher {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let user = request.headers.get("As-User");
        if user == Some(self.owner.as_str()) {
            let is_change = request.method == Method::Put;
            let call = (self.clock.now(), is_change);
            self.calls.lock().expect("no panic").push(call);
            if is_change {
                let mut removed = self.removed.lock().expect("no panic");
                *removed.entry(request.url.clone()).or_default() += 1;
            }
        }
        self.inner.send(request).await
    }
}

fn busy() -> World<Simulator> {
    let mut plan = Plan {
        history: SignedDuration::from_hours(1),
        started: started(),
        external_folders: 0,
        ..Plan::new(5).sized(10, 1, 6, 20)
    };
    plan.client.scopes.push("root_readwrite".into());
    let enterprise = enterprise(plan);
    let act = |deed| enterprise.simulator.act(deed).expect("it is done");
    let (user, folder, name) = (OWNER, None, "Campaign".to_string());
    let folder = act(Deed::CreateFolder { user, folder, name });
    for number in 0..LINKS {
        let item = act(Deed::Upload {
            user,
            folder: Some(folder.clone()),
            name: format!("Leaflet {number}"),
        });
        let (access, has_password) = (Access::Open, false);
        enterprise.simulator.act(Deed::Share {
            item,
            access,
            has_password,
        });
    }
    enterprise
}

/// Opens the folder as the next process would, with leave for so many objects, by one who asks.
fn opened(world: &World<Simulator>, watcher: &Arc<Watcher>) -> LocalSystem {
    let mut system = world.open_with(Arc::clone(watcher) as _);
    system.ctx.policy = Policy {
        approval: Approval::Never,
        objects_max: 2 * LINKS as u64,
        ..Policy::default()
    };
    system
}

async fn ask(system: &LocalSystem) -> ActionId {
    let words = BTreeMap::from([("sharing".to_string(), "public-by-link".to_string())]);
    let asked = Asked {
        targets: vec![],
        selection: Some(Selection::try_from(words).expect("a filter")),
        ..asked("all-1", ActionKind::RemoveLink, &[], Wish::Apply)
    };
    let asked = govern::ask(&system.ctx, &name(), asked).await;
    asked.expect("taken in").id
}

async fn until_over(world: &World<Simulator>, system: &LocalSystem, id: &ActionId) {
    loop {
        world.run_for(system, SignedDuration::from_mins(1)).await;
        let action = govern::find(&system.ctx, &name(), id).await;
        if !action.expect("an action").state.is_open() {
            return;
        }
    }
}

/// How often the trail tells of each object.
async fn told(system: &LocalSystem) -> BTreeMap<String, u64> {
    let connection = connect::find(&system.ctx, &name()).await.expect("a table");
    let scope = connection.expect("a connection").scope();
    let mut told = BTreeMap::new();
    lines(&system.ctx, &scope, "actions", Reading::All, |_, line| {
        let id = read::marks(line).map(|marks| marks.id.into_owned());
        if let Some(id) = id.filter(|id| id.starts_with("all-1-applied-")) {
            *told.entry(id).or_default() += 1;
        }
    })
    .await
    .expect("the lake");
    told
}

/// Items that anybody can open who has their address.
fn public(world: &World<Simulator>) -> usize {
    let mut count = 0;
    world.simulator.each_item(|item| {
        count += usize::from(item.sharing == Sharing::PublicByLink && !item.is_trashed);
    });
    count
}

/// The part of what was allowed that was used, from the first change to the last, but for the time after each death until
/// the dead one's lease is over.
fn used(calls: &[(Timestamp, bool)], deaths: &[Timestamp]) -> f64 {
    let changes = || calls.iter().filter(|(_, is_change)| *is_change);
    let (first, last) = (changes().next(), changes().next_back());
    let (first, last) = (first.expect("a change").0, last.expect("a change").0);
    let within = calls.iter().filter(|(at, _)| *at >= first && *at <= last);
    let mut time = last.duration_since(first);
    for death in deaths {
        let next = calls.iter().find(|(at, _)| at > death).expect("a call").0;
        time -= next.duration_since(*death);
    }
    within.count() as f64 / (time.as_secs_f64() / 60.0 * CALLS_A_MINUTE)
}

#[test]
fn thousands_of_public_links_go_at_the_pace_that_is_allowed_though_the_process_dies_twice() {
    in_virtual_time(async {
        let world = busy();
        let watcher = Arc::new(Watcher {
            inner: Arc::clone(&world.simulator) as _,
            clock: Arc::clone(&world.clock),
            owner: world.simulator.user_id(OWNER),
            calls: Mutex::default(),
            removed: Mutex::default(),
        });
        let system = opened(&world, &watcher);
        let mut settings = world.settings(&["users", "activities", "files"]);
        settings.tier = Tier::Act;
        settings
            .app_settings
            .insert("share_percent".into(), "100".into());
        let secret = world.simulator.secret();
        connect::connect(&system.ctx, &settings, &secret)
            .await
            .expect("connected");
        run(&system).await;
        let id = ask(&system).await;
        drop(system);
        let mut deaths = vec![];
        for calls in [9_000, 6_000] {
            let fate = Fate::after(calls);
            let system = mortal(opened(&world, &watcher), &fate);
            tokio::select! {
                biased;
                () = fate.died.notified() => deaths.push(world.clock.now()),
                () = until_over(&world, &system, &id) => panic!("nobody died"),
            }
        }
        let system = opened(&world, &watcher);
        until_over(&world, &system, &id).await;
        let action = govern::find(&system.ctx, &name(), &id).await;
        let action = action.expect("an action");
        assert_eq!(action.state, ActionState::Verified, "{:?}", action.cause);
        let removed = watcher.removed.lock().expect("no panic").clone();
        assert_eq!(removed.len(), LINKS);
        assert!(removed.values().all(|times| *times == 1), "{removed:?}");
        let told = told(&system).await;
        assert_eq!(told.len() as u64, action.counts.verified);
        assert!(told.values().all(|times| *times == 1), "{told:?}");
        assert_eq!(public(&world), 0);
        assert_eq!(world.simulator.traffic().refused, BTreeMap::new());
        let calls = watcher.calls.lock().expect("no panic").clone();
        let (used, with_leases) = (used(&calls, &deaths), used(&calls, &[]));
        println!(
            "{:.1} % of the limit in {} calls, {:.1} % with the leases of the dead",
            used * 100.0,
            calls.len(),
            with_leases * 100.0
        );
        assert!(used >= 0.98, "{used}");
    });
}
