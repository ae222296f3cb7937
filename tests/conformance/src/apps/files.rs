//! Cases about files: where they live, what there is, and who can see it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use casbah_connector::{ConnectorError, FileSource, Inheritance, PageEnd, Recovery, Sweep};
use casbah_model::cursor::Cursor;
use casbah_model::file::{File, FileChange, Root, Sharing};

use super::outputs::Kept;
use super::{Bench, Case, Situation};

pub const CASES: &[Case] = &[
    (
        "every root is listed, page by page in new sessions",
        |bench| Box::pin(roots_complete(bench)),
    ),
    ("every file is listed with how far it is visible", |bench| {
        Box::pin(complete(bench))
    }),
    ("repeated items change nothing", |bench| {
        Box::pin(repeats(bench))
    }),
    (
        "a drive that caught up goes on with what changed since",
        |bench| Box::pin(quiet(bench)),
    ),
    ("what was read before the limit was spent counts", |bench| {
        Box::pin(throttled(bench))
    }),
    ("a dead cursor lists the drive anew", |bench| {
        Box::pin(dead_cursor(bench))
    }),
    ("a root that is gone is written down as lost", |bench| {
        Box::pin(gone(bench))
    }),
    ("links away or back are not followed", |bench| {
        Box::pin(links(bench))
    }),
    ("a page that is not JSON is an error and no end", |bench| {
        Box::pin(not_json(bench))
    }),
];

/// Pages of one walk; more of them mean that it goes round in circles.
const PAGES_MAX: usize = 5_000;

fn source(bench: &Bench) -> Option<&'static dyn FileSource> {
    bench.connector.files()
}

async fn roots(bench: &Bench) -> Vec<Root> {
    let Some(source) = source(bench) else {
        return Vec::new();
    };
    bench.connect().await;
    let (mut all, mut cursor): (Vec<Root>, Option<Cursor>) = Default::default();
    for _ in 0..PAGES_MAX {
        let listed = bench
            .patiently(async |session| {
                let mut found = Vec::new();
                let next = source.roots(session, cursor.as_ref(), &mut found).await?;
                Ok((found, next))
            })
            .await;
        let (found, next) = listed.unwrap_or_else(|error| panic!("roots: {}", error.chain()));
        all.extend(found);
        match next {
            Some(next) => cursor = Some(next),
            None => return all,
        }
    }
    panic!("the list of roots has no end");
}

async fn page(
    bench: &Bench,
    root: &Root,
    cursor: Option<&Cursor>,
) -> Result<(Kept<File>, PageEnd), ConnectorError> {
    let source = source(bench).expect("the case is about files");
    bench
        .patiently(async |session| {
            let mut kept = Kept::default();
            let end = source.page(session, root, cursor, &mut kept).await?;
            Ok((kept, end))
        })
        .await
}

async fn walk(
    bench: &Bench,
    root: &Root,
    mut cursor: Option<Cursor>,
) -> Result<(Vec<File>, Option<Cursor>), ConnectorError> {
    let mut all = Vec::new();
    for _ in 0..PAGES_MAX {
        let (kept, end) = page(bench, root, cursor.as_ref()).await?;
        assert_eq!(kept.refused, []);
        all.extend(kept.nouns);
        match end {
            PageEnd::More(next) => cursor = Some(next),
            PageEnd::CaughtUp(delta) => return Ok((all, delta)),
        }
    }
    panic!("a root has no end after {PAGES_MAX} pages");
}

fn is_walked(bench: &Bench) -> bool {
    source(bench).is_some_and(|source| source.sweep() == Sweep::Walk)
}

/// How far each file is visible, as the app says that folders hand it down.
fn visible(bench: &Bench, root: &Root, listed: &[File]) -> BTreeMap<String, Sharing> {
    let inheritance = source(bench).map(|source| source.inheritance());
    let (mut own, mut items) = (BTreeMap::new(), BTreeMap::new());
    for file in listed {
        match file.change {
            FileChange::Permissions(sharing) => {
                own.insert(file.id.clone(), sharing);
            }
            FileChange::Removed => {
                items.remove(&file.id);
            }
            FileChange::Unreadable => {}
            FileChange::File
            | FileChange::SharedFile
            | FileChange::Folder
            | FileChange::SharedFolder => {
                items.insert(file.id.clone(), file);
            }
        }
    }
    let of = |file: &File| {
        let mut at = Some(file.id.clone());
        let mut widest = root.unshared;
        // Folders lie in folders; nobody nests them a thousand deep.
        for _ in 0..1_000 {
            let Some(id) = at else { break };
            if let Some(sharing) = own.get(&id) {
                if inheritance == Some(Inheritance::Nearest) {
                    return *sharing;
                }
                widest = widest.max(*sharing);
            }
            at = items.get(&id).and_then(|item| item.parent.clone());
        }
        widest
    };
    let is_file = |file: &&&File| matches!(file.change, FileChange::File | FileChange::SharedFile);
    let last = |file: &File| {
        file.id
            .as_str()
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .to_string()
    };
    items
        .values()
        .filter(is_file)
        .map(|file| (last(file), of(file)))
        .collect()
}

async fn assert_complete(bench: &Bench) {
    let mut found = BTreeMap::new();
    for root in roots(bench).await {
        let walked = walk(bench, &root, None).await;
        let (listed, delta) =
            walked.unwrap_or_else(|error| panic!("{}: {}", root.id, error.chain()));
        assert_eq!(delta.is_none(), is_walked(bench));
        found.extend(visible(bench, &root, &listed));
    }
    let truth = bench.tenant.truth().files;
    let wrong: Vec<_> = truth
        .iter()
        .filter(|(id, sharing)| found.get(*id) != Some(sharing))
        .take(5)
        .collect();
    let shown: Vec<_> = wrong
        .iter()
        .map(|(id, sharing)| (id, sharing, found.get(*id)))
        .collect();
    assert!(
        shown.is_empty(),
        "{} of {} files; expected and found: {shown:?}",
        found.len(),
        truth.len()
    );
    assert_eq!(found.len(), truth.len());
}

async fn roots_complete(bench: &Bench) {
    if source(bench).is_none() {
        return;
    }
    let found: BTreeSet<_> = roots(bench)
        .await
        .iter()
        .map(|root| root.id.to_string())
        .collect();
    assert_eq!(found, bench.tenant.truth().roots);
}

async fn complete(bench: &Bench) {
    if source(bench).is_some() {
        assert_complete(bench).await;
        bench.assert_no_stranger_was_called();
    }
}

async fn repeats(bench: &Bench) {
    if source(bench).is_some() && bench.arrange(Situation::Repeats) {
        assert_complete(bench).await;
    }
}

async fn quiet(bench: &Bench) {
    if is_walked(bench) {
        return;
    }
    for root in roots(bench).await.iter().take(3) {
        let (_, delta) = walk(bench, root, None).await.expect("a walk");
        let (listed, again) = walk(bench, root, delta).await.expect("a second walk");
        assert!(again.is_some());
        let files = listed
            .iter()
            .filter(|file| !matches!(file.change, FileChange::Folder | FileChange::SharedFolder));
        assert_eq!(files.count(), 0, "nothing happened in between");
    }
}

async fn throttled(bench: &Bench) {
    const WAIT: Duration = Duration::from_secs(30);
    for root in roots(bench).await.iter().take(3) {
        let (listed, _) = walk(bench, root, None).await.expect("a walk");
        let whole = visible(bench, root, &listed);
        let mut cursor = None;
        let mut again = Vec::new();
        let mut is_over = false;
        for _ in 0..PAGES_MAX {
            // One refusal in every page: it must go on nevertheless.
            if !bench.arrange(Situation::Throttled(WAIT)) {
                return;
            }
            let (kept, end) = page(bench, root, cursor.as_ref())
                .await
                .expect("a page after a wait");
            again.extend(kept.nouns);
            match end {
                PageEnd::More(next) => cursor = Some(next),
                PageEnd::CaughtUp(_) => {
                    is_over = true;
                    break;
                }
            }
        }
        bench.tenant.relax();
        assert!(is_over, "the walk does not get on");
        assert_eq!(visible(bench, root, &again), whole);
    }
}

async fn dead_cursor(bench: &Bench) {
    if is_walked(bench) {
        return;
    }
    for root in roots(bench).await.iter().take(3) {
        let (listed, delta) = walk(bench, root, None).await.expect("a walk");
        if !bench.arrange(Situation::DeadFileCursor) {
            return;
        }
        let error = page(bench, root, delta.as_ref())
            .await
            .expect_err("the cursor is dead");
        let Recovery::Resync(resume) = error.recovery() else {
            panic!("{}", error.chain())
        };
        bench.tenant.relax();
        let (anew, _) = walk(bench, root, resume)
            .await
            .expect("a walk from the start");
        assert_eq!(visible(bench, root, &anew), visible(bench, root, &listed));
    }
}

async fn gone(bench: &Bench) {
    let roots = roots(bench).await;
    let Some(root) = roots
        .first()
        .filter(|_| bench.arrange(Situation::RootsGone))
    else {
        return;
    };
    let error = walk(bench, root, None).await.expect_err("the root is gone");
    assert!(
        matches!(error.recovery(), Recovery::Lose(_)),
        "{}",
        error.chain()
    );
}

async fn links(bench: &Bench) {
    let roots = roots(bench).await;
    for situation in [Situation::NextLinkCircle, Situation::ForeignNextLink] {
        if !bench.arrange(situation) {
            continue;
        }
        let mut refused = 0;
        for root in &roots {
            if let Err(error) = walk(bench, root, None).await {
                assert!(
                    matches!(error, ConnectorError::BadLink { .. }),
                    "{}",
                    error.chain()
                );
                refused += 1;
            }
        }
        assert!(refused > 0, "some root must have several pages");
        bench.tenant.relax();
    }
    bench.assert_no_stranger_was_called();
}

async fn not_json(bench: &Bench) {
    let roots = roots(bench).await;
    let Some(root) = roots.first().filter(|_| bench.arrange(Situation::NotJson)) else {
        return;
    };
    let error = page(bench, root, None)
        .await
        .expect_err("markup is no page");
    assert_eq!(error.recovery(), Recovery::Count, "{}", error.chain());
}
