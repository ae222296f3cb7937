use std::collections::BTreeMap;

use super::*;

/// Folders by id, each with its subfolders in the order of its pages.
struct Tree {
    folders: BTreeMap<FolderId, Vec<FolderId>>,
    per_page: usize,
}

/// What a walk did.
#[derive(Default)]
struct Went {
    walked: Vec<FolderId>,
    calls: usize,
    again: usize,
    cursor_bytes_max: usize,
}

impl Tree {
    fn new(folders: impl IntoIterator<Item = (FolderId, Vec<FolderId>)>) -> Tree {
        Tree {
            folders: folders.into_iter().collect(),
            per_page: PAGE_MAX,
        }
    }

    /// One page: its subfolders, and the marker of the next.
    fn page(&self, folder: FolderId, marker: Option<&str>) -> (&[FolderId], Option<String>) {
        let all = self.folders.get(&folder).map_or(&[][..], Vec::as_slice);
        let from: usize = marker.map_or(0, |marker| marker.parse().expect("our marker"));
        let to = all.len().min(from + self.per_page);
        let next = (to < all.len()).then(|| to.to_string());
        (&all[from..to], next)
    }

    /// Goes on by the pages that may be listed at the same time.
    fn step(&self, walk: &mut Walk, went: &mut Went) -> bool {
        let pages = walk.pages();
        for page in &pages {
            let (listed, next) = self.page(page.folder, page.marker.as_deref());
            let mut subfolders = walk.subfolders(page);
            for folder in listed {
                if walk.refuses(page, *folder).is_none() {
                    subfolders.add(*folder);
                }
            }
            went.calls += 1;
            went.again += usize::from(page.is_again);
            if page.marker.is_none() && !page.is_again {
                went.walked.push(page.folder);
            }
            walk.went(page, subfolders, next).expect("no circle");
        }
        !pages.is_empty()
    }

    /// Goes on by one page, as if those beside it had failed.
    fn step_one(&self, walk: &mut Walk, went: &mut Went) {
        let page = walk.pages().remove(0);
        let (listed, next) = self.page(page.folder, page.marker.as_deref());
        let mut subfolders = walk.subfolders(&page);
        listed.iter().for_each(|folder| subfolders.add(*folder));
        went.walked.push(page.folder);
        walk.went(&page, subfolders, next).expect("no circle");
    }

    fn walk(&self) -> Went {
        let mut went = Went::default();
        let mut walk = Walk::of(ROOT);
        while self.step(&mut walk, &mut went) {
            // Often enough to see how large it gets, and not each time: it is slow for a test.
            if went.calls % 53 == 0 || went.calls < 500 {
                let cursor = serde_json::to_string(&walk).expect("plain");
                went.cursor_bytes_max = went.cursor_bytes_max.max(cursor.len());
                assert_eq!(serde_json::from_str::<Walk>(&cursor).ok(), Some(walk));
                walk = serde_json::from_str(&cursor).expect("a place");
            }
        }
        went
    }
}

fn sorted(mut folders: Vec<FolderId>) -> Vec<FolderId> {
    folders.sort_unstable();
    folders
}

#[test]
fn each_folder_is_read_once_and_costs_a_call_per_page() {
    let mut tree = Tree::new([
        (ROOT, vec![5, 3, 9, 1]),
        (3, vec![30, 31, 32]),
        (31, vec![310]),
        (9, vec![90]),
    ]);
    tree.per_page = 2;
    let went = tree.walk();
    assert_eq!(
        went.walked,
        [ROOT, 3, 5, 30, 31, 310, 32, 1, 9, 90],
        "side by side, and children before the next page"
    );
    assert_eq!((went.calls, went.again), (12, 0));
}

#[test]
fn a_tree_of_any_size_has_a_small_cursor_and_few_calls_more_than_folders() {
    // 300 levels, each with a thousand folders of which the first goes on: none could wait without being let go of.
    let id = |level: u64, number: u64| 100_000_000_000 + level * 1_000 + number;
    let level = |level| (0..1_000).map(move |number| id(level, number)).collect();
    let mut folders = BTreeMap::from([(ROOT, level(0))]);
    folders.extend((0..299).map(|above| (id(above, 0), level(above + 1))));
    let went = Tree::new(folders).walk();
    assert_eq!(went.walked.len(), 300_001);
    let once: BTreeSet<_> = went.walked.iter().collect();
    assert_eq!(once.len(), went.walked.len());
    assert!((1..=300).contains(&went.again), "{}", went.again);
    assert_eq!(went.calls, went.walked.len() + went.again);
    assert!(
        went.cursor_bytes_max < 48 << 10,
        "{}",
        went.cursor_bytes_max
    );
}

#[test]
fn a_folder_of_a_hundred_thousand_is_read_page_by_page() {
    let went = Tree::new([(ROOT, (1..=100_000).rev().collect())]).walk();
    assert_eq!(sorted(went.walked), (0..=100_000).collect::<Vec<_>>());
    assert_eq!((went.calls, went.again), (100_100, 0));
    assert!(
        went.cursor_bytes_max < 16 << 10,
        "{}",
        went.cursor_bytes_max
    );
}

#[test]
fn a_page_with_more_than_was_asked_for_is_listed_again_for_the_rest() {
    let mut tree = Tree::new([(ROOT, (1..=3_500).rev().collect())]);
    tree.per_page = 1_000_000;
    let went = tree.walk();
    assert_eq!(sorted(went.walked), (0..=3_500).collect::<Vec<_>>());
    assert_eq!(went.again, 3);
}

#[test]
fn a_page_that_is_listed_again_may_have_changed() {
    let mut tree = Tree::new([(ROOT, (1..=2_500).collect())]);
    tree.per_page = 10_000;
    let (mut walk, mut went) = (Walk::of(ROOT), Went::default());
    while went.walked.len() < 500 {
        tree.step(&mut walk, &mut went);
    }
    // Some that were read are gone, others came, and the order is another one.
    let root = tree.folders.get_mut(&ROOT).expect("the root");
    root.retain(|folder| !(400..600).contains(folder) && *folder != 2_000);
    root.extend([7_000, 9_999]);
    root.reverse();
    while tree.step(&mut walk, &mut went) {}
    // What waits is asked for also when it is gone by then.
    let mut expected: Vec<_> = (0..=2_500).filter(|folder| *folder != 2_000).collect();
    expected.extend([7_000, 9_999]);
    assert_eq!(sorted(went.walked), expected);
}

#[test]
fn pages_that_failed_beside_others_are_asked_for_again() {
    let tree = Tree::new([
        (ROOT, vec![1, 2, 3, 4]),
        (1, vec![10, 11]),
        (2, vec![20]),
        (10, vec![100]),
    ]);
    let (mut walk, mut went) = (Walk::of(ROOT), Went::default());
    while !walk.is_over() {
        tree.step_one(&mut walk, &mut went);
    }
    assert_eq!(went.walked, [ROOT, 1, 10, 100, 11, 2, 20, 3, 4]);
}

#[test]
fn folders_beside_each_other_are_not_on_the_way() {
    // 1 and 2 are begun side by side; 3 was moved from below 1 to below 2 in between.
    let tree = Tree::new([
        (ROOT, vec![1, 2]),
        (1, vec![3, 4]),
        (2, vec![3, 1]),
        (3, vec![5]),
    ]);
    let went = tree.walk();
    assert_eq!(went.walked, [ROOT, 1, 2, 3, 4, 5, 1, 3, 3, 4, 5, 5]);
    let went = Tree::new([(ROOT, vec![1, 2]), (1, vec![2]), (2, vec![1])]).walk();
    assert_eq!(went.walked, [ROOT, 1, 2, 2, 1], "each circle is found");
}

#[test]
fn a_folder_that_is_gone_is_passed_over() {
    let tree = Tree::new([(ROOT, vec![1, 2, 3]), (2, vec![20])]);
    let (mut walk, mut went) = (Walk::of(ROOT), Went::default());
    while let Some(page) = walk.pages().first() {
        match page.folder {
            2 => walk.pass_over(page),
            _ => tree.step_one(&mut walk, &mut went),
        }
    }
    assert_eq!(went.walked, [ROOT, 1, 3]);
    let mut walk = Walk::of(ROOT);
    let page = walk.pages().remove(0);
    walk.pass_over(&page);
    assert!(walk.is_over());
}

#[test]
fn folders_in_themselves_and_ways_without_end_are_refused() {
    let went = Tree::new([(ROOT, vec![1]), (1, vec![1, 2]), (2, vec![1, ROOT])]).walk();
    assert_eq!(went.walked, [ROOT, 1, 2]);
    let went = Tree::new((0..1_000).map(|folder| (folder, vec![folder + 1]))).walk();
    assert_eq!(went.walked.len() as u64, DEPTH_MAX);
    assert!(
        went.cursor_bytes_max < 16 << 10,
        "{}",
        went.cursor_bytes_max
    );
}

#[test]
fn a_tree_that_forks_everywhere_has_a_small_cursor() {
    // Each folder has six, all of which go on: as many frames as there can be. The walk is not followed to its end.
    let (mut walk, mut went) = (Walk::of(ROOT), Went::default());
    for _ in 0..20_000 {
        for page in walk.pages() {
            let mut subfolders = walk.subfolders(&page);
            for number in 1..=6 {
                let folder = 100_000_000_000 + went.calls as u64 * 10 + number;
                if walk.refuses(&page, folder).is_none() {
                    subfolders.add(folder);
                }
            }
            went.calls += 1;
            walk.went(&page, subfolders, None).expect("no circle");
        }
        if went.calls % 50 == 0 {
            let cursor = serde_json::to_string(&walk).expect("plain");
            went.cursor_bytes_max = went.cursor_bytes_max.max(cursor.len());
        }
    }
    assert!(
        went.cursor_bytes_max < 128 << 10,
        "{}",
        went.cursor_bytes_max
    );
    assert!(
        went.cursor_bytes_max > 32 << 10,
        "{}",
        went.cursor_bytes_max
    );
}

#[test]
fn markers_that_lead_nowhere_end_the_walk() {
    let more = |walk: &mut Walk, marker: &str| {
        let page = walk.pages().remove(0);
        let subfolders = walk.subfolders(&page);
        walk.went(&page, subfolders, Some(marker.into()))
    };
    let mut walk = Walk::of(ROOT);
    more(&mut walk, "a").expect("a page");
    assert_eq!(more(&mut walk, "a"), Err(Endless::SamePage));
    let mut walk = Walk::of(ROOT);
    let pages = (0..).map(|number| more(&mut walk, &format!("m{number}")));
    let failed = pages
        .enumerate()
        .find_map(|(page, went)| Some((page as u64, went.err()?)));
    assert_eq!(failed, Some((PAGES_MAX - 1, Endless::Pages)));
    let mut walk = Walk::of(ROOT);
    more(&mut walk, "").expect("a page");
    assert!(walk.is_over(), "an empty marker is the end");
}

#[test]
fn a_folder_whose_marker_died_begins_anew_once() {
    let mut tree = Tree::new([(ROOT, vec![1, 2, 3])]);
    tree.per_page = 1;
    let (mut walk, mut went) = (Walk::of(ROOT), Went::default());
    tree.step(&mut walk, &mut went);
    tree.step(&mut walk, &mut went);
    let page = walk.pages().remove(0);
    assert_eq!((page.folder, page.marker.as_deref()), (ROOT, Some("1")));
    assert!(walk.restart(&page));
    let page = walk.pages().remove(0);
    assert_eq!((page.folder, page.marker), (ROOT, None));
    tree.step(&mut walk, &mut went);
    tree.step(&mut walk, &mut went);
    let page = walk.pages().remove(0);
    assert!(!walk.restart(&page));
    while tree.step(&mut walk, &mut went) {}
    assert_eq!(went.walked, [ROOT, 1, ROOT, 1, 2, 3]);
}
