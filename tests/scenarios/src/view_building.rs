//! Views while they are built: in the background, by several at once, by builders that die, and out of many small commits.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use casbah_lake::layout::Place;
use casbah_lake::{Line, ManifestEntry, RawSink};
use casbah_model::app::App;
use casbah_model::message::Stage;
use casbah_model::ports::{ObjectError, ObjectStore};
use casbah_model::state::{Key, Write};
use casbah_model::tally::Tallies;
use casbah_pipeline::items::{self, Position, StreamItem};
use casbah_pipeline::view::{Answer, Collection, Filter};
use casbah_pipeline::{StageError, handle};
use casbah_platform_local::{LocalSystem, Until};
use serde_json::Value;

use crate::views::{all, ask, connection, ids, rest, serve_views, text};
use crate::world::{World, in_virtual_time, small};

/// Objects of views by name.
pub(crate) async fn objects(system: &LocalSystem) -> BTreeMap<String, Bytes> {
    let names = system
        .ctx
        .objects
        .list("view/", None, 10_000)
        .await
        .expect("names");
    let mut found = BTreeMap::new();
    for name in names {
        let content = system.ctx.objects.get(&name).await.expect("an object");
        found.insert(name, content);
    }
    found
}

async fn forget(system: &LocalSystem, names: impl IntoIterator<Item = &String>) {
    for name in names {
        system.ctx.objects.delete(name).await.expect("deleted");
    }
}

/// A tenant whose users are several parts of a view, and which is large by its settings.
async fn large(seed: u64) -> (World, LocalSystem) {
    let mut plan = small(seed);
    plan.users = 4_500;
    plan.files = 10;
    plan.activities = 0;
    let world = World::new(plan);
    let mut system = world.open();
    system.ctx.settings.view_records = 100;
    world.connect(&system, &["users"]).await;
    system.run(Until::CaughtUp, pending()).await.expect("a run");
    (world, system)
}

/// A store that breaks after some puts, as if the function had died.
struct Breaking {
    inner: Arc<dyn ObjectStore>,
    puts_left: AtomicU64,
}

#[async_trait]
impl ObjectStore for Breaking {
    async fn put(&self, name: &str, content: Bytes) -> Result<(), ObjectError> {
        let left = &self.puts_left;
        if left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(1)
            })
            .is_err()
        {
            let reason = "the function is over".into();
            return Err(ObjectError::Unusable { reason });
        }
        self.inner.put(name, content).await
    }

    async fn get(&self, name: &str) -> Result<Bytes, ObjectError> {
        self.inner.get(name).await
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, ObjectError> {
        self.inner.list(prefix, after, limit).await
    }

    async fn delete(&self, name: &str) -> Result<(), ObjectError> {
        self.inner.delete(name).await
    }
}

#[test]
fn a_large_view_is_built_in_the_background_once_and_by_anyone_in_the_same_way() {
    in_virtual_time(async {
        let (world, mut system) = large(69).await;
        let any = Filter::default();
        let first = ask(&system, Collection::Users, &any, None, 1000)
            .await
            .expect("an answer");
        let Answer::Building { next, .. } = first else {
            panic!("{first:?}");
        };
        // Whoever asks again meanwhile starts no second one.
        for after in [None, Some(next)] {
            let again = ask(&system, Collection::Users, &any, after, 1000).await;
            assert!(matches!(again, Ok(Answer::Building { .. })), "{again:?}");
        }
        let waiting = system
            .ctx
            .queue
            .receive(Stage::Connect, 10)
            .await
            .expect("a queue");
        let [delivery] = &waiting[..] else {
            panic!("{waiting:?}");
        };
        let (one, other) = futures::join!(
            handle(&system.ctx, &delivery.message),
            handle(&system.ctx, &delivery.message)
        );
        assert!(one.is_ok() && other.is_ok(), "{one:?} {other:?}");
        let whole = objects(&system).await;
        assert_eq!(
            ids(&all(&system, Collection::Users, any.clone()).await),
            world.simulator.holds().user_ids
        );

        // Killed after every number of puts, and gone on with: the same objects.
        let inner = Arc::clone(&system.ctx.objects);
        for puts in 0..whole.len() as u64 {
            forget(&system, whole.keys()).await;
            system.ctx.objects = Arc::new(Breaking {
                inner: Arc::clone(&inner),
                puts_left: AtomicU64::new(puts),
            });
            let died = handle(&system.ctx, &delivery.message).await;
            assert!(died.is_err(), "after {puts}");
            system.ctx.objects = Arc::clone(&inner);
            handle(&system.ctx, &delivery.message)
                .await
                .expect("a view");
            assert_eq!(objects(&system).await, whole, "after {puts}");
        }

        // Time over after each object: the rest goes on with another message.
        forget(&system, whole.keys()).await;
        system.ctx.stopping.store(true, Ordering::Relaxed);
        handle(&system.ctx, &delivery.message)
            .await
            .expect("a part");
        let mut rounds = 1;
        while serve_views(&system).await > 0 {
            rounds += 1;
        }
        system.ctx.stopping.store(false, Ordering::Relaxed);
        assert!(rounds > 1, "it was built at once");
        assert_eq!(objects(&system).await, whole);

        for row in all(&system, Collection::Users, any.clone())
            .await
            .iter()
            .step_by(997)
        {
            let filter = Filter {
                id: Some(text(row, "id").into()),
                ..any.clone()
            };
            assert_eq!(
                all(&system, Collection::Users, filter).await,
                std::slice::from_ref(row)
            );
        }
    });
}

#[test]
fn a_damaged_object_of_a_view_is_named_and_a_lost_one_is_made_again() {
    in_virtual_time(async {
        let (_world, system) = large(70).await;
        let any = Filter::default();
        let rows = all(&system, Collection::Users, any.clone()).await;
        let id = Filter {
            id: Some(text(&rows[4_200], "id").into()),
            ..any.clone()
        };
        let whole = objects(&system).await;
        assert!(whole.len() > 4, "{:?}", whole.keys());
        for (name, content) in &whole {
            let filter = if name.contains("table-") { &id } else { &any };
            let mut damaged = content.to_vec();
            let middle = damaged.len() / 2;
            damaged[middle] ^= 0x10;
            forget(&system, [name]).await;
            system
                .ctx
                .objects
                .put(name, damaged.into())
                .await
                .expect("put");
            let mut answer = ask(&system, Collection::Users, filter, None, 1000).await;
            while let Ok(Answer::Ready {
                next: Some(next), ..
            }) = answer
            {
                answer = ask(&system, Collection::Users, filter, Some(next), 1000).await;
            }
            match &answer {
                Err(error @ StageError::Read(_)) => {
                    assert!(error.chain().contains(name.as_str()), "{}", error.chain());
                }
                other => panic!("{name}: {other:?}"),
            }
            // Lost, as when the lifecycle rule was there first: made again, and never a gap.
            forget(&system, [name]).await;
            let again = rest(&system, Collection::Users, &any, None, 1000).await;
            assert_eq!(again, rows, "{name}");
            assert_eq!(all(&system, Collection::Users, id.clone()).await.len(), 1);
            assert_eq!(objects(&system).await, whole, "{name}");
        }
    });
}

#[test]
fn a_listing_goes_on_after_its_view_expired() {
    in_virtual_time(async {
        let world = World::new(small(71));
        let system = world.caught_up().await;
        let any = Filter::default();
        for collection in Collection::ALL {
            let whole = all(&system, collection, any.clone()).await;
            let first = ask(&system, collection, &any, None, 2).await;
            let Ok(Answer::Ready {
                mut items, next, ..
            }) = first
            else {
                panic!("{first:?}");
            };
            let there = objects(&system).await;
            forget(&system, there.keys()).await;
            items.extend(rest(&system, collection, &any, next, 2).await);
            assert_eq!(items, whole);
        }
    });
}

/// A store that counts what is fetched.
struct Counting {
    inner: Arc<dyn ObjectStore>,
    gets: AtomicU64,
}

#[async_trait]
impl ObjectStore for Counting {
    async fn put(&self, name: &str, content: Bytes) -> Result<(), ObjectError> {
        self.inner.put(name, content).await
    }

    async fn get(&self, name: &str) -> Result<Bytes, ObjectError> {
        self.gets.fetch_add(1, Ordering::Relaxed);
        self.inner.get(name).await
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, ObjectError> {
        self.inner.list(prefix, after, limit).await
    }

    async fn delete(&self, name: &str) -> Result<(), ObjectError> {
        self.inner.delete(name).await
    }
}

/// Commits rounds of changes to the list of users, one user a round, as a scan would; publishes the last.
async fn rounds(system: &LocalSystem, users: &[String], rounds: std::ops::Range<u64>) {
    let ctx = &system.ctx;
    let scope = connection(system).await.scope();
    let key = scope.stream("users");
    let found = ctx
        .state
        .get(std::slice::from_ref(&key))
        .await
        .expect("a table");
    let item = found[0].as_ref().expect("a stream");
    let mut stream: StreamItem = items::read(&key, item).expect("a stream");
    for round in rounds {
        let place = Place {
            app: App::Microsoft365,
            scope: scope.to_string(),
            family: "users".into(),
            stream: "users".into(),
            epoch: stream.ep,
            sequence: stream.seq,
            fence: stream.v,
            begun: ctx.now(),
        };
        let mut sink = RawSink::new(Arc::clone(&ctx.objects), place.clone()).expect("a sink");
        let id = &users[round as usize % users.len()];
        let raw = format!(r#"{{"id":"{id}","displayName":"round {round}"}}"#);
        let line = Line {
            id,
            version: "",
            kind: "member",
            of: None,
            raw: raw.as_bytes(),
        };
        sink.line(line).await.expect("a line");
        sink.accept().await.expect("a page");
        let written = sink.finish().await.expect("stored");
        let entry = ManifestEntry::new(place, written, Tallies::default());
        let sk = items::manifest_sk(entry.epoch, entry.sequence);
        let write = Write::create(Key::new(scope.manifest("users"), sk), items::write(&entry));
        ctx.state.write(write).await.expect("an entry");
        stream.published = Some(Position {
            ep: stream.ep,
            seq: stream.seq,
        });
        stream.seq += 1;
    }
    let write = Write::put(key, items::write(&stream));
    ctx.state.write(write).await.expect("a stream");
}

#[test]
fn a_list_that_fills_its_parts_exactly_is_whole() {
    for users in [1_999, 2_000, 2_001, 4_000] {
        in_virtual_time(async {
            let mut plan = small(74);
            (plan.users, plan.files, plan.activities) = (users, 10, 0);
            let world = World::new(plan);
            let system = world.open();
            world.connect(&system, &["users"]).await;
            system.run(Until::CaughtUp, pending()).await.expect("a run");
            let rows = all(&system, Collection::Users, Filter::default()).await;
            assert_eq!(ids(&rows).len(), users);
        });
    }
}

#[test]
fn years_of_small_changes_are_joined_once() {
    in_virtual_time(async {
        let world = World::new(small(72));
        let mut system = world.open();
        world.connect(&system, &["users"]).await;
        system.run(Until::CaughtUp, pending()).await.expect("a run");
        let any = Filter::default();
        let list =
            async |system: &LocalSystem| all(system, Collection::Users, Filter::default()).await;
        let users: Vec<String> = ids(&list(&system).await).into_iter().collect();
        rounds(&system, &users, 0..1_300).await;
        // Somebody has to join them first.
        let answer = ask(&system, Collection::Users, &any, None, 9).await;
        assert!(matches!(answer, Ok(Answer::Building { .. })), "{answer:?}");
        let names = |rows: &[Value]| -> BTreeMap<String, String> {
            let named = |row: &Value| (text(row, "id").to_string(), text(row, "name").to_string());
            rows.iter().map(named).collect()
        };
        let expected = |rounds: u64| -> BTreeMap<String, String> {
            let last = |place: u64| {
                let count = users.len() as u64;
                let rest = (rounds - 1 - place) % count;
                format!("round {}", rounds - 1 - rest)
            };
            let last = |place: usize| last(place as u64);
            users
                .iter()
                .enumerate()
                .map(|(place, id)| (id.clone(), last(place)))
                .collect()
        };
        assert_eq!(names(&list(&system).await), expected(1_300));
        let counting = Arc::new(Counting {
            inner: Arc::clone(&system.ctx.objects),
            gets: AtomicU64::new(0),
        });
        system.ctx.objects = Arc::clone(&counting) as _;
        rounds(&system, &users, 1_300..1_310).await;
        let answer = ask(&system, Collection::Users, &any, None, 1000).await;
        let Ok(Answer::Ready { items, .. }) = answer else {
            panic!("{answer:?}");
        };
        assert_eq!(names(&items), expected(1_310));
        let gets = counting.gets.load(Ordering::Relaxed);
        assert!(gets < 600, "{gets} objects were read again");
        // From nothing, the same bytes.
        let there = objects(&system).await;
        forget(&system, there.keys()).await;
        assert_eq!(list(&system).await, items);
        let again = objects(&system).await;
        assert!(
            again
                .iter()
                .all(|(name, content)| there.get(name) == Some(content))
        );
        assert!(again.keys().any(|name| name.contains("/lines=2/users/")));
    });
}
