//! Files that break a policy: which do is held against what the simulator knows, and each change is told once.

use std::collections::{BTreeMap, BTreeSet};

use casbah_lake::read;
use casbah_model::SignedDuration;
use casbah_model::action::{ActionKind, ActionState, Target};
use casbah_model::file::Sharing;
use casbah_pipeline::findings::{self, FAMILY, Finding, FindingsStatus};
use casbah_pipeline::inventory::{Reading, events, lines};
use casbah_pipeline::ledger::verify;
use casbah_platform_local::LocalSystem;
use casbah_policy::{Detectable, Policies, Severity, Standing};
use casbah_simulators::box_com::{self, Access, Deed, Fault, FaultSettings, Simulator};
use casbah_simulators::documents::Held;
use casbah_simulators::governed::Ready;
use serde_json::Value;

use crate::box_com::enterprise;
use crate::contents::{look_inside, sweep};
use crate::deaths::live_and_die_in;
use crate::govern::Stage;
use crate::views::connection;
use crate::world::{World, books, in_virtual_time, run, state};

pub const CARDS: &str = r#"
shipped = []
[[policy]]
name = "public-cards"
title = "Anyone can read payment cards"
severity = "critical"
sharing = ["public-by-link", "public"]
propose = "remove-link"
finds = { detectors = ["payment-card"] }
"#;

pub const PUBLIC: &str = r#"
[[policy]]
name = "public"
title = "Anyone can open it"
severity = "low"
sharing = ["public-by-link", "public"]
"#;

fn policies(text: &str) -> Policies {
    let known = Detectable {
        name: "payment-card".into(),
        kind: "financial".into(),
    };
    Policies::read(text, &[known]).expect("policies")
}

pub fn judged(system: LocalSystem, text: &str) -> LocalSystem {
    let mut system = look_inside(system);
    system.judge_by(policies(text));
    system
}

fn small(seed: u64) -> World<Simulator> {
    enterprise(box_com::Plan::new(seed).sized(6, 2, 100, 10))
}

async fn begun(world: &World<Simulator>, text: &str) -> LocalSystem {
    let system = judged(world.open(), text);
    world
        .connect(&system, &["users", "activities", "files"])
        .await;
    run(&system).await;
    system
}

pub async fn found(system: &LocalSystem) -> Vec<Finding> {
    let connection = connection(system).await;
    let mut all = vec![];
    findings::each(&system.ctx, &connection, |finding| all.push(finding))
        .await
        .expect("readable");
    all
}

/// The id that the vendor knows a file by.
pub fn own_id(finding: &Finding) -> String {
    let id = finding.file.as_str().rsplit(['/', ':']).next();
    id.expect("an id").into()
}

async fn standing(system: &LocalSystem, file: &str) -> Finding {
    let all = found(system).await;
    let mut of_it = all.into_iter().filter(|one| own_id(one) == file);
    let finding = of_it.next().expect("a finding");
    assert_eq!(of_it.next(), None, "one of a file");
    finding
}

/// What the lake tells of a finding, in its order; no line of it twice, and an event for each.
async fn told(system: &LocalSystem, id: &str) -> Vec<Standing> {
    let scope = connection(system).await.scope();
    let (mut told, mut ids) = (vec![], BTreeSet::new());
    lines(&system.ctx, &scope, FAMILY, Reading::All, |_, line| {
        let marks = read::marks(line).expect("an envelope");
        assert!(ids.insert(marks.id.to_string()), "{} twice", marks.id);
        let record = read::vendors(line).expect("a record");
        let finding: Finding = serde_json::from_slice(&record).expect("a finding");
        if finding.id == id {
            told.push(finding.standing);
        }
    })
    .await
    .expect("readable");
    let mut uids = BTreeSet::new();
    events(&system.ctx, &scope, FAMILY, |event| {
        let event: Value = serde_json::from_slice(event).expect("an event");
        assert_eq!(event["class_uid"], 2006, "{event}");
        uids.insert(
            event["metadata"]["uid"]
                .as_str()
                .expect("an id")
                .to_string(),
        );
    })
    .await
    .expect("readable");
    assert_eq!(uids, ids, "an event of each record");
    told
}

async fn status(system: &LocalSystem) -> FindingsStatus {
    state(system).await.findings.expect("somebody judges")
}

const LARGE: u64 = 1 << 20;

/// Files that hold cards and can be read, by their ids.
fn with_cards(simulator: &Simulator) -> Vec<String> {
    let files = simulator.files().into_iter();
    let files = files.filter(|(_, file)| {
        file.kind == "file" && file.is_in_reach && !file.is_trashed && file.bytes <= LARGE
    });
    let ids = files.map(|(id, _)| id);
    ids.filter(|id| matches!(simulator.held_in(id), Some(Held::PaymentCards(_))))
        .collect()
}

fn is_public(simulator: &Simulator, id: &str) -> bool {
    let sharing = simulator.item(id).expect("it is there").sharing;
    matches!(sharing, Sharing::Public | Sharing::PublicByLink)
}

pub fn publish(world: &World<Simulator>, id: &str) {
    world.simulator.act(Deed::Share {
        item: id.into(),
        access: Access::Open,
        has_password: false,
    });
}

fn unpublish(world: &World<Simulator>, id: &str) {
    world.simulator.act(Deed::Unshare { item: id.into() });
}

/// Files that nobody else can see.
pub fn private_files(world: &World<Simulator>) -> Vec<String> {
    let files = world.simulator.files().into_iter();
    let private = files
        .filter(|(_, file)| file.kind == "file" && file.is_in_reach && !file.is_trashed)
        .filter(|(_, file)| file.sharing == Sharing::Private && file.bytes <= LARGE);
    private.map(|(id, _)| id).collect()
}

/// Puts a card into a file that nobody else can see, and a link to it for everybody.
fn leak(world: &World<Simulator>) -> String {
    let id = private_files(world).remove(0);
    world
        .simulator
        .put_content(&id, "my card: 4929 1234 5678 9015");
    publish(world, &id);
    id
}

#[test]
fn every_file_that_breaks_a_policy_is_found_and_no_other() {
    in_virtual_time(async {
        for seed in [3, 4] {
            let world = small(seed);
            let leaked = leak(&world);
            let system = begun(&world, &format!("{CARDS}{PUBLIC}")).await;
            let all = found(&system).await;
            let of = |policy: &str| -> BTreeSet<String> {
                let of_it = all.iter().filter(|one| one.policy == policy);
                of_it.map(own_id).collect()
            };
            let cards = with_cards(&world.simulator).into_iter();
            let mut cards: BTreeSet<String> =
                cards.filter(|id| is_public(&world.simulator, id)).collect();
            cards.insert(leaked);
            assert_eq!(of("public-cards"), cards);
            let files = world.simulator.files().into_iter();
            let public = files.filter(|(id, file)| {
                file.is_in_reach && !file.is_trashed && is_public(&world.simulator, id)
            });
            let public: BTreeSet<String> = public.map(|(id, _)| id).collect();
            assert_eq!(of("public"), public);
            assert!(public.len() > cards.len(), "{public:?}");

            let counts = status(&system).await;
            assert_eq!(counts.roots_done, counts.roots);
            let open = &counts.counts.open;
            assert_eq!(open[&Severity::Critical], cards.len() as u64);
            assert_eq!(open[&Severity::Low], public.len() as u64);
            let connection = connection(&system).await;
            let mut would_be = BTreeSet::new();
            let policies = policies(&format!("{CARDS}{PUBLIC}"));
            findings::would_be(&system.ctx, &connection, &policies, |finding| {
                would_be.insert(finding.id);
            })
            .await
            .expect("readable");
            let ids: BTreeSet<String> = all.iter().map(|one| one.id.clone()).collect();
            assert_eq!(would_be, ids, "asking again says the same");

            let ledger = books(&system).await;
            assert!(ledger.closes, "{:?}", ledger.totals);
            let verified = verify(&system.ctx, None).await.expect("objects");
            assert_eq!(
                (verified.repeated, &verified.faults),
                (0, &vec![]),
                "{verified:?}"
            );
        }
    });
}

const LABELLED: &str = r#"
shipped = []
[[policy]]
name = "labelled"
title = "A labelled file that everybody inside can open"
severity = "medium"
labels = "any"
link = "organisation"
[[policy]]
name = "anns"
title = "Files of one owner"
severity = "informational"
owners = ["OWNER"]
"#;

#[test]
fn labels_and_owners_count_where_listings_tell_them() {
    in_virtual_time(async {
        let world = small(3);
        let files = private_files(&world);
        let [labelled, unlabelled, private] = &files[..3] else {
            panic!("three files: {files:?}");
        };
        for file in [labelled, private] {
            world.simulator.act(Deed::Classify {
                item: file.clone(),
                label: Some(0),
            });
        }
        for file in [labelled, unlabelled] {
            world.simulator.act(Deed::Share {
                item: file.clone(),
                access: Access::Company,
                has_password: false,
            });
        }
        let owner = &world.simulator.files()[private].owner;
        let login = &world.simulator.holds().users[owner].login;
        let system = begun(&world, &LABELLED.replace("OWNER", login)).await;
        let all = found(&system).await;
        let of = |policy: &str| -> BTreeSet<String> {
            let of_it = all.iter().filter(|one| one.policy == policy);
            of_it.map(own_id).collect()
        };
        let by_link = of("labelled");
        assert!(by_link.contains(labelled), "{by_link:?}");
        assert!(!by_link.contains(unlabelled) && !by_link.contains(private));
        let files = world.simulator.files().into_iter();
        let theirs =
            files.filter(|(_, file)| file.owner == *owner && file.is_in_reach && !file.is_trashed);
        assert_eq!(of("anns"), theirs.map(|(id, _)| id).collect());
    });
}

#[test]
fn a_finding_is_new_then_open_then_fixed_and_new_again() {
    in_virtual_time(async {
        use Standing::{FixedByOwner, New, Open};
        let world = small(3);
        let file = leak(&world);
        let system = begun(&world, CARDS).await;
        let first = standing(&system, &file).await;
        assert_eq!((first.standing, first.severity), (New, Severity::Critical));

        sweep(&world, &system).await;
        assert_eq!(standing(&system, &file).await, first, "nothing has changed");

        world.run_for(&system, SignedDuration::from_hours(37)).await;
        let open = standing(&system, &file).await;
        assert_eq!((open.standing, open.since), (Open, first.since));

        unpublish(&world, &file);
        world.run_for(&system, SignedDuration::from_mins(30)).await;
        let fixed = standing(&system, &file).await;
        assert_eq!(fixed.standing, FixedByOwner);
        assert!(status(&system).await.counts.standing[&FixedByOwner] >= 1);

        publish(&world, &file);
        world.run_for(&system, SignedDuration::from_mins(30)).await;
        let again = standing(&system, &file).await;
        assert_eq!(again.standing, New);
        assert!(again.since > fixed.changed, "{again:?}");
        assert_eq!(again.id, first.id);
        assert_eq!(
            told(&system, &first.id).await,
            [New, Open, FixedByOwner, New]
        );
    });
}

#[test]
fn what_an_action_of_ours_has_repaired_is_fixed_by_us() {
    in_virtual_time(async {
        let world = crate::box_acting::acted_on();
        let file = private_files(&world).remove(0);
        publish(&world, &file);
        let mut stage = Stage::set(world).await;
        stage
            .system
            .judge_by(policies(&format!("shipped = []{PUBLIC}")));
        // The next test of the connection begins what is asked for since.
        let world = &stage.world;
        world
            .run_for(&stage.system, SignedDuration::from_hours(13))
            .await;
        let finding = standing(&stage.system, &file).await;
        let (owner, id) = finding.file.as_str().split_once('/').expect("an owner");
        let target: Target = format!("{owner}/{id}").parse().expect("a target");
        let parameters = BTreeMap::new();
        let ready = Ready { target, parameters };
        let done = stage
            .carry_out("close-1", ActionKind::RemoveLink, &[ready])
            .await;
        assert_eq!(done.state, ActionState::Verified, "{done:?}");
        world
            .run_for(&stage.system, SignedDuration::from_hours(13))
            .await;
        let fixed = standing(&stage.system, &file).await;
        assert_eq!(fixed.standing, Standing::FixedByUs, "{fixed:?}");
    });
}

#[test]
fn what_is_accepted_is_open_no_more_until_it_is_reopened() {
    in_virtual_time(async {
        let world = small(3);
        let file = leak(&world);
        let system = begun(&world, CARDS).await;
        let finding = standing(&system, &file).await;
        let at = connection(&system).await;
        let accept = |id: String, reason: &'static str| {
            let (ctx, at) = (&system.ctx, &at);
            async move { findings::accept(ctx, at, &id, "ann", reason).await }
        };
        for (id, reason) in [
            (finding.id.clone(), "  "),
            ("nonsense".into(), "test cards"),
            ("0123456789abcdef-0123456789abcdef".into(), "test cards"),
        ] {
            assert!(accept(id, reason).await.is_err());
        }
        let open = status(&system).await.counts.open[&Severity::Critical];
        let shown = accept(finding.id.clone(), "test cards").await;
        assert_eq!(shown.expect("accepted").standing, Standing::Accepted);
        run(&system).await;
        let accepted = standing(&system, &file).await;
        assert_eq!(accepted.standing, Standing::Accepted);
        assert_eq!(accepted.accepted.expect("by somebody").reason, "test cards");
        let counts = status(&system).await.counts;
        let critical = counts.open.get(&Severity::Critical).copied();
        assert_eq!(critical.unwrap_or(0), open - 1);
        sweep(&world, &system).await;
        assert_eq!(standing(&system, &file).await.standing, Standing::Accepted);

        let reopened = findings::reopen(&system.ctx, &at, &finding.id).await;
        assert_eq!(reopened.expect("reopened").standing, Standing::Open);
        run(&system).await;
        assert_eq!(standing(&system, &file).await.standing, Standing::Open);
        assert_eq!(
            told(&system, &finding.id).await,
            [Standing::New, Standing::Accepted, Standing::Open]
        );
    });
}

#[test]
fn other_policies_judge_everything_anew() {
    in_virtual_time(async {
        let world = small(3);
        let file = leak(&world);
        let id = {
            let system = begun(&world, CARDS).await;
            standing(&system, &file).await.id
        };
        let system = judged(world.open(), &format!("shipped = []{PUBLIC}"));
        world.run_for(&system, SignedDuration::from_mins(20)).await;
        let all = found(&system).await;
        let before = all.iter().find(|one| one.id == id);
        assert_eq!(before.expect("it is kept").standing, Standing::Withdrawn);
        let open = all.iter().filter(|one| one.standing.is_open());
        let open: BTreeSet<&str> = open.map(|one| one.policy.as_str()).collect();
        assert_eq!(open, BTreeSet::from(["public"]));
        assert_eq!(
            told(&system, &id).await,
            [Standing::New, Standing::Withdrawn]
        );
    });
}

#[test]
fn what_nobody_can_look_into_any_more_stays_as_it_was_found() {
    in_virtual_time(async {
        let world = small(3);
        let file = leak(&world);
        let system = begun(&world, CARDS).await;
        let before = standing(&system, &file).await;
        let fault = Fault::DownloadBlocked;
        world.simulator.switch(fault, Some(FaultSettings::always()));
        world
            .simulator
            .put_content(&file, "my card: 4929 1234 5678 9015");
        sweep(&world, &system).await;
        let after = standing(&system, &file).await;
        assert_eq!(after.standing, Standing::New);
        assert_eq!(after.because, before.because);

        world.simulator.switch(fault, None);
        world.simulator.put_content(&file, "nothing of that kind");
        world.run_for(&system, SignedDuration::from_hours(30)).await;
        let fixed = standing(&system, &file).await;
        assert_eq!(fixed.standing, Standing::FixedByOwner);
    });
}

#[test]
fn whoever_dies_tells_each_finding_once() {
    in_virtual_time(async {
        for seed in 1..=3 {
            let world = small(seed);
            leak(&world);
            let text = format!("{CARDS}{PUBLIC}");
            let undisturbed: BTreeMap<String, Standing> = {
                let world = small(seed);
                leak(&world);
                let system = begun(&world, &text).await;
                let all = found(&system).await.into_iter();
                all.map(|one| (one.id, one.standing)).collect()
            };
            let chosen = ["users", "activities", "files"];
            let open = || judged(world.open(), &text);
            let lives = live_and_die_in(&world, open, &chosen, seed, 300).await;
            assert!(lives >= 2, "{lives} died");
            let system = open();
            // Who died before a root was due left it to the next sweep.
            sweep(&world, &system).await;
            let all = found(&system).await;
            let found: BTreeMap<String, Standing> = all
                .iter()
                .map(|one| (one.id.clone(), one.standing))
                .collect();
            assert_eq!(found, undisturbed);
            for finding in &all {
                assert_eq!(told(&system, &finding.id).await, [Standing::New]);
            }
            let verified = verify(&system.ctx, None).await.expect("objects");
            assert!(verified.faults.is_empty(), "{:?}", verified.faults);
        }
    });
}
