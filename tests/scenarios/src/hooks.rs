//! Vendors call us, and so does anybody else: what is wrong learns nothing and changes nothing, and what is right makes
//! something due sooner, once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use casbah_model::SignedDuration;
use casbah_model::ports::{Query, StateStore, StoreError};
use casbah_model::state::{Item, Key, Keyed, Write};
use casbah_pipeline::items::{self, Scope, StreamItem, StreamState};
use casbah_pipeline::webhook::{HookAddress, address, receive, secret_name};
use casbah_pipeline::{StageError, connect};
use casbah_platform_local::LocalSystem;
use casbah_simulators::microsoft365::{ContentType, HookPost, HookSender};
use http::{Request, Response};

use crate::world::{World, in_virtual_time, name, small};

/// Counts what is asked of the table.
struct Counted {
    inner: Arc<dyn StateStore>,
    reads: AtomicU64,
    writes: AtomicU64,
}

impl Counted {
    fn take(&self) -> (u64, u64) {
        let take = |counter: &AtomicU64| counter.swap(0, Ordering::Relaxed);
        (take(&self.reads), take(&self.writes))
    }

    fn reads(&self) -> &dyn StateStore {
        self.reads.fetch_add(1, Ordering::Relaxed);
        &*self.inner
    }

    fn writes(&self) -> &dyn StateStore {
        self.writes.fetch_add(1, Ordering::Relaxed);
        &*self.inner
    }
}

#[async_trait]
impl StateStore for Counted {
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, StoreError> {
        self.reads().get(keys).await
    }

    async fn write(&self, write: Write) -> Result<Option<Item>, StoreError> {
        self.writes().write(write).await
    }

    async fn transact(&self, token: &str, writes: Vec<Write>) -> Result<(), StoreError> {
        self.writes().transact(token, writes).await
    }

    async fn query(&self, query: Query) -> Result<Vec<Keyed>, StoreError> {
        self.reads().query(query).await
    }

    async fn due(
        &self,
        partition: &str,
        up_to: i64,
        limit: usize,
    ) -> Result<Vec<Keyed>, StoreError> {
        self.reads().due(partition, up_to, limit).await
    }
}

/// A tenant that was read, its webhook, and a sender that knows it.
struct Hooked {
    world: World,
    system: LocalSystem,
    table: Arc<Counted>,
    addressed: String,
    sender: HookSender,
}

impl Hooked {
    async fn new(seed: u64) -> Hooked {
        let world = World::new(small(seed));
        let mut system = world.caught_up().await;
        let HookAddress { path, auth_id } =
            address(&system.ctx, &name()).await.expect("an address");
        let sender = HookSender::new(world.simulator.plan(), auth_id.reveal());
        let addressed = path.strip_prefix("/hooks/").expect("a path").to_string();
        let table = Arc::new(Counted {
            inner: system.ctx.state,
            reads: AtomicU64::new(0),
            writes: AtomicU64::new(0),
        });
        system.ctx.state = Arc::clone(&table) as _;
        Hooked {
            world,
            system,
            table,
            addressed,
            sender,
        }
    }

    async fn post_to(&self, addressed: &str, post: &HookPost) -> Response<Bytes> {
        let uri = format!("https://hooks.example/hooks/{addressed}?{}", post.query);
        let mut request = Request::post(uri);
        for (name, value) in &post.headers {
            request = request.header(*name, value);
        }
        let body = Bytes::from(post.body.clone());
        receive(
            &self.system.ctx,
            addressed,
            request.body(body).expect("a request"),
        )
        .await
    }

    async fn post(&self, post: &HookPost) -> Response<Bytes> {
        self.post_to(&self.addressed, post).await
    }

    async fn status(&self, post: &HookPost) -> u16 {
        self.post(post).await.status().as_u16()
    }

    /// Everything that can be due: streams and roots, by key.
    async fn streams(&self) -> Vec<(Key, Item)> {
        let scope = self.scope().await;
        let mut all = vec![];
        for (pk, sk) in [(scope.pk(), "S#"), (scope.units("files"), "U#")] {
            let found = self.table.inner.query(Query::prefix(pk, sk)).await;
            let found = found.expect("a table");
            all.extend(found.into_iter().map(|found| (found.key, found.item)));
        }
        all
    }

    async fn scope(&self) -> Scope {
        let found = connect::find(&self.system.ctx, &name()).await;
        found.expect("a table").expect("a connection").scope()
    }

    /// The streams that differ from before, and that they differ in nothing but when they are looked at.
    async fn moved_since(&self, before: &[(Key, Item)]) -> Vec<String> {
        const MAY_MOVE: [&str; 8] = ["v", "wake", "gw", "gk", "caught_up", "own", "lease", "st"];
        let mut moved = vec![];
        for ((key, before), (same, after)) in before.iter().zip(self.streams().await) {
            assert_eq!(*key, same);
            if *before == after {
                continue;
            }
            let rest = |item: &Item| {
                let mut item = item.clone();
                item.retain(|name, _| !MAY_MOVE.contains(&name.as_str()));
                item
            };
            assert_eq!(rest(before), rest(&after), "{key}");
            let after: StreamItem = items::read(key, &after).expect("a stream");
            let soon = self.system.ctx.now() + SignedDuration::from_secs(60);
            assert!(after.wake <= soon.as_millisecond() && after.st == StreamState::Run);
            moved.push(key.sk.clone());
        }
        moved
    }

    async fn a_drive(&self) -> String {
        let all = self.streams().await;
        let unit = all.iter().find_map(|(key, _)| key.sk.strip_prefix("U#"));
        unit.expect("a root").to_string()
    }

    /// Lets time pass without anybody working, so that what was due a moment ago is not any more.
    async fn wait(&self, time: SignedDuration) {
        let until = self.world.clock.now() + time;
        self.world.clock.sleep_until(until).await;
    }
}

fn assert_silent(answer: &Response<Bytes>, status: u16) {
    assert_eq!(answer.status(), status);
    assert!(
        answer.body().is_empty() && answer.headers().is_empty(),
        "{answer:?}"
    );
}

#[test]
fn the_address_stays_the_same_and_its_secret_is_in_the_secret_store_only() {
    in_virtual_time(async {
        let hooked = Hooked::new(41).await;
        let again = address(&hooked.system.ctx, &name())
            .await
            .expect("an address");
        assert_eq!(again.path, format!("/hooks/{}", hooked.addressed));
        assert_eq!(again.auth_id.reveal(), hooked.sender.secret);
        assert!(again.auth_id.reveal().len() <= 128, "Graph takes no more");
        let random = hooked.system.ctx.secrets.get(&secret_name(&name())).await;
        let random = random.expect("a secret");
        let all = hooked
            .table
            .inner
            .query(Query::prefix("C#contoso", ""))
            .await;
        let table = format!("{:?}", all.expect("a table"));
        let (_, token) = hooked.addressed.split_once('.').expect("a token");
        for secret in [random.reveal(), again.auth_id.reveal(), token] {
            assert!(!table.contains(secret));
        }
        let nobody = "nobody".parse().expect("a name");
        let refused = address(&hooked.system.ctx, &nobody).await;
        assert!(matches!(refused, Err(StageError::UnknownConnection { .. })));
    });
}

#[test]
fn handshakes_are_answered_as_each_sender_wants_it_and_markup_stays_text() {
    in_virtual_time(async {
        let hooked = Hooked::new(42).await;
        let sender = &hooked.sender;
        for token in [
            "Validation: Testing client application reachability for subscription Request-Id: 1",
            "a+b%2Bc%",
            "<script>alert(document.domain)</script>",
        ] {
            let answer = hooked.post(&sender.graph_validation(token)).await;
            assert_eq!(answer.status(), 200);
            assert_eq!(answer.body(), token.as_bytes());
            let header = |name: &str| answer.headers()[name].to_str().expect("plain");
            assert_eq!(header("content-type"), "text/plain; charset=utf-8");
            assert_eq!(header("x-content-type-options"), "nosniff");
        }
        assert_silent(&hooked.post(&sender.audit_validation("X")).await, 200);
        let guess = sender.guessing().audit_validation("X");
        assert_silent(&hooked.post(&guess).await, 404);
        for token in ["a\r\nb", "\u{0}", "ü", &"a".repeat(3_000), ""] {
            let post = sender.graph_validation(token);
            assert_silent(&hooked.post(&post).await, 400);
        }
    });
}

#[test]
fn what_is_not_addressed_to_a_connection_gets_one_answer_at_one_cost() {
    in_virtual_time(async {
        let hooked = Hooked::new(43).await;
        let (system, sender) = (&hooked.system, &hooked.sender);
        let (known, token) = hooked.addressed.split_once('.').expect("a token");
        let wrong_token = "0".repeat(token.len());
        let posts = [
            sender.audit_notification(&ContentType::ALL),
            sender.graph_validation("x"),
            sender.graph_notification(&["b!x"]),
        ];
        let strangers = [format!("nobody.{token}"), format!("{known}.{wrong_token}")];
        for addressed in &strangers {
            for post in &posts {
                hooked.table.take();
                assert_silent(&hooked.post_to(addressed, post).await, 404);
                assert_eq!(hooked.table.take(), (1, 0), "{addressed}");
            }
        }
        // These cannot be addresses at all.
        let long = format!("{}.{token}", "a".repeat(41));
        for addressed in [
            known,
            "",
            ".",
            "../x",
            &long,
            "UPPER.0",
            &format!("{known}."),
        ] {
            hooked.table.take();
            assert_silent(&hooked.post_to(addressed, &posts[1]).await, 404);
            assert_eq!(hooked.table.take(), (0, 0), "{addressed}");
        }
        connect::pause(&system.ctx, &name()).await.expect("paused");
        for post in &posts {
            hooked.table.take();
            assert_silent(&hooked.post(post).await, 404);
            assert_eq!(hooked.table.take(), (1, 0));
        }
    });
}

#[test]
fn bad_input_changes_nothing_and_is_told_nothing() {
    in_virtual_time(async {
        let hooked = Hooked::new(44).await;
        let sender = &hooked.sender;
        let before = hooked.streams().await;
        hooked.table.take();
        let with_body = |body: &str| HookPost {
            body: body.into(),
            ..sender.audit_notification(&[])
        };
        let typed = |content_type: &str| {
            let mut post = sender.graph_notification(&["b!x"]);
            post.headers = vec![("Content-Type", content_type.into())];
            post
        };
        let mut many_headers = sender.graph_notification(&["b!x"]);
        for _ in 0..101 {
            many_headers.headers.push(("X-More", "x".into()));
        }
        let mut large_header = sender.graph_notification(&["b!x"]);
        large_header.headers.push(("X-Large", "x".repeat(17 << 10)));
        let mut long_query = sender.graph_notification(&["b!x"]);
        long_query.query = "x".repeat(9 << 10);
        let mut bare = sender.graph_notification(&["b!x"]);
        bare.headers.clear();
        for (what, post, status) in [
            (
                "wrong secret",
                sender.guessing().audit_notification(&ContentType::ALL),
                404,
            ),
            (
                "wrong state",
                sender.guessing().graph_notification(&["b!x"]),
                404,
            ),
            ("oversized", with_body(&" ".repeat((256 << 10) + 1)), 413),
            ("no JSON", with_body("hunter2"), 400),
            ("half a JSON", with_body("[{"), 400),
            ("deep JSON", with_body(&"[".repeat(100_000)), 400),
            ("other types", with_body("[{\"contentType\":[]}]"), 400),
            ("not text", with_body("[\"\\ud800\"]"), 400),
            ("wrong content type", typed("text/html"), 400),
            ("form", typed("application/x-www-form-urlencoded"), 400),
            ("no content type", bare, 400),
            ("many headers", many_headers, 400),
            ("a large header", large_header, 400),
            ("a long query", long_query, 400),
        ] {
            let answer = hooked.post(&post).await;
            assert_eq!(answer.status(), status, "{what}");
            assert_silent(&answer, status);
        }
        let get = Request::get("/hooks/x")
            .body(Bytes::new())
            .expect("a request");
        let answer = receive(&hooked.system.ctx, &hooked.addressed, get).await;
        assert_silent(&answer, 405);
        assert_eq!(hooked.table.take().1, 0, "nothing is written");
        assert_eq!(hooked.streams().await, before);
    });
}

#[test]
fn a_notification_makes_its_feed_due_and_changes_nothing_else() {
    in_virtual_time(async {
        let hooked = Hooked::new(45).await;
        let before = hooked.streams().await;
        let two = [ContentType::Exchange, ContentType::SharePoint];
        let post = hooked.sender.audit_notification(&two);
        assert_eq!(hooked.status(&post).await, 200);
        let moved = hooked.moved_since(&before).await;
        assert_eq!(moved, ["S#live-exchange", "S#live-sharepoint"]);
    });
}

#[test]
fn a_notification_makes_its_root_due_and_wakes_a_lane() {
    in_virtual_time(async {
        let hooked = Hooked::new(46).await;
        let drive = hooked.a_drive().await;
        // Lanes that have just caught up are not woken within a second.
        hooked.wait(SignedDuration::from_secs(40)).await;
        let before = hooked.streams().await;
        let posts = [
            hooked
                .sender
                .graph_notification(&[&drive, &drive, "b!unknown"]),
            hooked.sender.graph_mixed(&drive, "b!strange"),
            hooked.sender.graph_lifecycle(&drive),
        ];
        for post in &posts {
            assert_eq!(hooked.status(post).await, 200);
        }
        let moved = hooked.moved_since(&before).await;
        let expected = [format!("U#{drive}")];
        let (lanes, roots): (Vec<_>, Vec<_>) = moved
            .into_iter()
            .partition(|name| name.starts_with("S#files-"));
        assert_eq!(roots, expected);
        assert!(lanes.len() <= 1, "{lanes:?}");
    });
}

#[test]
fn a_flood_makes_a_few_writes_and_replays_are_harmless() {
    in_virtual_time(async {
        let hooked = Hooked::new(47).await;
        let drive = hooked.a_drive().await;
        hooked.wait(SignedDuration::from_secs(40)).await;
        hooked.table.take();
        let feeds = hooked.sender.audit_notification(&[ContentType::Exchange]);
        let roots = hooked.sender.graph_notification(&[&drive]);
        for _ in 0..500 {
            assert_eq!(hooked.status(&feeds).await, 200);
            assert_eq!(hooked.status(&roots).await, 200);
        }
        let (reads, writes) = hooked.table.take();
        // The hook's item, the feed's stream, the root, and a lane.
        assert!(writes <= 4, "{writes} writes");
        assert!(reads <= 1_510, "{reads} reads");
    });
}

#[test]
fn one_call_about_very_many_roots_makes_no_more_than_sixteen_due() {
    in_virtual_time(async {
        let hooked = Hooked::new(48).await;
        let drives: Vec<String> = (0..2_000).map(|number| format!("b!{number:05}")).collect();
        let mut names: Vec<&str> = drives.iter().map(String::as_str).collect();
        names.truncate(500);
        hooked.table.take();
        assert_eq!(
            hooked
                .status(&hooked.sender.graph_notification(&names))
                .await,
            200
        );
        assert_eq!(hooked.table.take(), (2, 0), "they are no roots of ours");
    });
}
