//! What lists of a large tenant cost: building their views, reading them page by page, and making tables of them.
//!
//! A tenant is read into a folder by one process; another builds and reads the views, so that memory is its own.

#![allow(clippy::disallowed_methods, reason = "a bench measures real time")]

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use async_trait::async_trait;
use casbah_bench::{cpu_seconds, open, peak_megabytes, scan_into};
use casbah_model::message::Stage;
use casbah_model::ports::{ObjectError, ObjectStore};
use casbah_model::transport::Bytes;
use casbah_pipeline::connect::find;
use casbah_pipeline::status::streams;
use casbah_pipeline::view::{Answer, Collection, Filter, Question, page};
use casbah_pipeline::{editions, handle};
use casbah_platform_local::LocalSystem;
use casbah_simulators::microsoft365::Plan;

/// Users and files of the tenants; few people have large drives.
const TENANTS: [(usize, usize); 3] = [(100_000, 0), (1_000_000, 0), (8, 300_000)];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "scan") {
        let number = |place: usize| arguments[at + place].parse().expect("a number");
        scan(Path::new(&arguments[at + 1]), number(2), number(3));
        return;
    }
    if let Some(at) = arguments.iter().position(|argument| argument == "read") {
        read(
            Path::new(&arguments[at + 1]),
            arguments[at + 2].parse().expect("a list"),
        );
        return;
    }
    if let Some(at) = arguments.iter().position(|argument| argument == "make") {
        make(Path::new(&arguments[at + 1]));
        return;
    }
    println!(
        "| list | rows | build CPU s | rows / CPU s | peak MB | objects put | MB put | gets | pages of 1000 | CPU ms / page |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for (users, files) in TENANTS {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().to_str().expect("a path");
        again(&["scan", path, &users.to_string(), &files.to_string()]);
        let list = if files > 0 { "files" } else { "users" };
        again(&["read", path, list]);
        again(&["make", path]);
    }
}

fn again(arguments: &[&str]) {
    let this = std::env::current_exe().expect("this program");
    let status = Command::new(this).args(arguments).status();
    assert!(status.expect("it runs again").success(), "{arguments:?}");
}

fn scan(folder: &Path, users: usize, files: usize) {
    let mut plan = Plan::new(1);
    (plan.users, plan.files, plan.activities) = (users, files, 0);
    let components: &[&str] = if files > 0 {
        &["users", "activities", "files"]
    } else {
        &["users"]
    };
    scan_into(folder, plan, components);
}

/// Counts what is stored and fetched.
struct Counting {
    inner: Arc<dyn ObjectStore>,
    puts: AtomicU64,
    bytes: AtomicU64,
    gets: AtomicU64,
}

#[async_trait]
impl ObjectStore for Counting {
    async fn put(&self, name: &str, content: Bytes) -> Result<(), ObjectError> {
        self.puts.fetch_add(1, Ordering::Relaxed);
        self.bytes
            .fetch_add(content.len() as u64, Ordering::Relaxed);
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

fn read(folder: &Path, collection: Collection) {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().start_paused(true).build();
    runtime.expect("a runtime").block_on(async {
        let mut system = open(folder, Plan::new(1));
        let counting = Arc::new(Counting {
            inner: Arc::clone(&system.ctx.objects),
            puts: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            gets: AtomicU64::new(0),
        });
        system.ctx.objects = Arc::clone(&counting) as _;
        let (before, began) = (cpu_seconds(), Instant::now());
        let (rows, _) = list(&system, collection).await;
        let both = cpu_seconds() - before;
        let gets = counting.gets.load(Ordering::Relaxed);
        eprintln!("first listing: {:.1} s", began.elapsed().as_secs_f64());
        let before = cpu_seconds();
        let (_, pages) = list(&system, collection).await;
        let reading = cpu_seconds() - before;
        let gets = gets - (counting.gets.load(Ordering::Relaxed) - gets);
        let building = both - reading;
        println!(
            "| {collection} | {rows} | {building:.1} | {:.0} | {:.0} | {} | {:.1} | {gets} | {pages} | {:.1} |",
            rows as f64 / building,
            peak_megabytes(),
            counting.puts.load(Ordering::Relaxed),
            counting.bytes.load(Ordering::Relaxed) as f64 / 1e6,
            reading * 1000.0 / pages as f64,
        );
    });
}

/// Makes the first editions of the inventories.
fn make(folder: &Path) {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().start_paused(true).build();
    runtime.expect("a runtime").block_on(async {
        std::fs::remove_dir_all(folder.join("lake/inventory")).expect("inventories");
        let system = open(folder, Plan::new(1));
        let id = "contoso".parse().expect("a valid name");
        let found = find(&system.ctx, &id).await.expect("a table");
        let connection = found.expect("a connection");
        let before = cpu_seconds();
        editions::to_the_end(&system.ctx, &connection)
            .await
            .expect("editions");
        let making = cpu_seconds() - before;
        let streams = streams(&system.ctx, &connection.scope()).await;
        let all = editions::inventories(&streams.expect("streams")).expect("a cursor");
        let rows: u64 = all.iter().map(|one| one.rows).sum();
        let names = system.ctx.objects.list("inventory/", None, 1000).await;
        let mut bytes = 0;
        for name in names.expect("a listing") {
            bytes += system.ctx.objects.get(&name).await.expect("it").len();
        }
        println!(
            "| as tables | {rows} | {making:.1} | {:.0} | {:.0} | - | {:.1} | - | - | - |",
            rows as f64 / making,
            peak_megabytes(),
            bytes as f64 / 1e6,
        );
    });
}

/// Lists everything, and has built what is not there; returns rows and pages.
async fn list(system: &LocalSystem, collection: Collection) -> (usize, usize) {
    let ctx = &system.ctx;
    let id = "contoso".parse().expect("a valid name");
    let connection = find(ctx, &id)
        .await
        .expect("a table")
        .expect("a connection");
    let (mut rows, mut pages, mut after) = (0, 0, None);
    loop {
        let question = Question {
            collection,
            filter: Filter::default(),
            after,
            limit: 1000,
        };
        match page(ctx, &connection, &question).await.expect("a page") {
            Answer::Ready { items, next, .. } => {
                rows += items.len();
                pages += 1;
                after = next;
                if after.is_none() {
                    return (rows, pages);
                }
            }
            Answer::Building { next, .. } => {
                for delivery in ctx
                    .queue
                    .receive(Stage::Connect, 10)
                    .await
                    .expect("a queue")
                {
                    handle(ctx, &delivery.message).await.expect("a view");
                    ctx.queue.delete(&delivery.receipt).await.expect("a queue");
                }
                after = Some(next);
            }
            Answer::Unknown => panic!("{collection} are not known"),
        }
    }
}
