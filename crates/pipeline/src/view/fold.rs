//! What is current, of all that was ever said: the last line of each id, and the folders above a file.
//!
//! Lines are known by their number in the order of commits. An id costs about 60 bytes, whatever its records hold.

use casbah_connector::Inheritance;
use casbah_lake::read::Marks;
use casbah_lake::view::{IdKey, IdMap};
use casbah_model::Timestamp;
use casbah_model::file::Sharing;

const NONE: u32 = u32::MAX;
/// Folders lie in folders this deep at the most: SharePoint limits addresses to 400 characters, of Box 400 folders are
/// read.
const DEPTH_MAX: usize = 500;

/// The ids of a view and what is known of each.
#[derive(Default)]
pub(super) struct Fold {
    ids: IdMap<u32>,
    slots: Vec<Slot>,
    lines: u32,
}

#[derive(Clone, Copy)]
struct Slot {
    /// The line that shows it; none when it is not there.
    line: u32,
    /// The slot of the folder it lies in.
    above: u32,
    /// Epoch seconds of the last sign-in; 0 when it is not known.
    last_sign_in: u32,
    own: Option<Sharing>,
}

const UNKNOWN: Slot = Slot {
    line: NONE,
    above: NONE,
    last_sign_in: 0,
    own: None,
};

impl Fold {
    /// Notes the next line of a list; lists whose ids are not of one kind have numbers of their own.
    pub(super) fn note_entity(&mut self, list: usize, marks: Option<&Marks<'_>>) {
        let line = self.next_line();
        let Some(marks) = marks else { return };
        let slot = self.slot(key(list, &marks.id));
        self.slots[slot as usize].line = if marks.kind == "removed" { NONE } else { line };
    }

    /// Notes the next line of a root: listings, removals, and who can see what is shared.
    pub(super) fn note_file(&mut self, marks: Option<&Marks<'_>>) {
        let line = self.next_line();
        let Some(marks) = marks else { return };
        let slot = self.slot(key(0, &marks.id));
        match &*marks.kind {
            "removed" => self.slots[slot as usize] = UNKNOWN,
            "unreadable" => {}
            kind @ ("file" | "file-shared" | "folder" | "folder-shared") => {
                let above = match &marks.of {
                    Some(of) => self.slot(key(0, of)),
                    None => NONE,
                };
                let item = &mut self.slots[slot as usize];
                (item.line, item.above) = (line, above);
                if !kind.ends_with("-shared") {
                    item.own = None;
                }
            }
            kind => {
                let mut all = Sharing::ALL.into_iter();
                self.slots[slot as usize].own = all.find(|sharing| sharing.name() == kind);
            }
        }
    }

    fn next_line(&mut self) -> u32 {
        let line = self.lines;
        self.lines += 1;
        line
    }

    fn slot(&mut self, key: IdKey) -> u32 {
        let next = self.slots.len() as u32;
        let slot = *self.ids.entry(key).or_insert(next);
        if slot == next {
            self.slots.push(UNKNOWN);
        }
        slot
    }

    /// Notes when somebody was seen last, if it is somebody of the list.
    pub(super) fn note_sign_in(&mut self, id: &str, at: Timestamp) {
        if let Some(slot) = self.ids.get(&key(0, id)) {
            let seconds = u32::try_from(at.as_second()).unwrap_or(0);
            self.slots[*slot as usize].last_sign_in = seconds;
        }
    }

    pub(super) fn last_sign_in(&self, id: &str) -> Option<Timestamp> {
        let slot = self.ids.get(&key(0, id))?;
        let seconds = self.slots[*slot as usize].last_sign_in;
        Timestamp::from_second(seconds.into())
            .ok()
            .filter(|_| seconds > 0)
    }

    /// The sharing of an item, as it comes down from the folders above.
    pub(super) fn sharing(&self, id: &str, unshared: Sharing, inheritance: Inheritance) -> Sharing {
        let mut slot = self.ids.get(&key(0, id)).copied().unwrap_or(NONE);
        let mut widest = unshared;
        for _ in 0..DEPTH_MAX {
            let Some(item) = self.slots.get(slot as usize) else {
                return widest;
            };
            if let Some(own) = item.own {
                widest = widest.max(own);
                if inheritance == Inheritance::Nearest {
                    return widest;
                }
            }
            slot = item.above;
        }
        widest
    }

    /// The number under which an item is known here.
    pub(super) fn number(&self, id: &str) -> Option<u32> {
        self.ids.get(&key(0, id)).copied()
    }

    /// Numbers of the items whose own sharing counts for one: itself and folders above, from the nearest on.
    pub(super) fn givers(&self, id: &str, inheritance: Inheritance) -> Vec<u32> {
        let mut givers = vec![];
        let mut slot = self.number(id).unwrap_or(NONE);
        for _ in 0..DEPTH_MAX {
            let Some(item) = self.slots.get(slot as usize) else {
                break;
            };
            if item.own.is_some() {
                givers.push(slot);
                if inheritance == Inheritance::Nearest {
                    break;
                }
            }
            slot = item.above;
        }
        givers
    }

    /// Which lines are rows.
    pub(super) fn rows(&self) -> Rows {
        let mut words = vec![0_u64; self.lines as usize / 64 + 1];
        for slot in self.slots.iter().filter(|slot| slot.line != NONE) {
            words[slot.line as usize / 64] |= 1 << (slot.line % 64);
        }
        let mut before = Vec::with_capacity(words.len());
        let mut count = 0;
        for word in &words {
            before.push(count);
            count += word.count_ones();
        }
        Rows {
            words,
            before,
            count,
        }
    }

    /// The rows by the first half of their keys, sorted.
    pub(super) fn places(&self, rows: &Rows) -> Vec<(u64, u32)> {
        let shown = self.ids.iter().filter_map(|(IdKey(key, _), slot)| {
            let line = self.slots[*slot as usize].line;
            (line != NONE).then(|| (*key, rows.before(line)))
        });
        let mut places: Vec<_> = shown.collect();
        places.sort_unstable();
        places
    }
}

/// The first half is the id's own, for looking it up; the second keeps ids of two lists apart.
fn key(list: usize, id: &str) -> IdKey {
    let IdKey(first, second) = IdKey::of(id);
    IdKey(first, second ^ list as u64)
}

/// A set of lines that can tell how many of it come before one.
pub(super) struct Rows {
    words: Vec<u64>,
    before: Vec<u32>,
    count: u32,
}

impl Rows {
    pub(super) fn count(&self) -> u32 {
        self.count
    }

    pub(super) fn has(&self, line: u32) -> bool {
        self.words[line as usize / 64] >> (line % 64) & 1 == 1
    }

    /// Rows before a line; the line may be the one behind the last.
    pub(super) fn before(&self, line: u32) -> u32 {
        let below = (1_u64 << (line % 64)) - 1;
        self.before[line as usize / 64] + (self.words[line as usize / 64] & below).count_ones()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(fold: &mut Fold, id: &str, kind: &str, of: Option<&str>) {
        let marks = Marks {
            id: id.into(),
            kind: kind.into(),
            of: of.map(Into::into),
            at: "".into(),
        };
        fold.note_file(Some(&marks));
    }

    fn nearest(fold: &Fold, id: &str, unshared: Sharing) -> Sharing {
        fold.sharing(id, unshared, Inheritance::Nearest)
    }

    #[test]
    fn a_file_is_as_visible_as_the_nearest_shared_folder() {
        let mut fold = Fold::default();
        note(&mut fold, "a", "file", Some("inner"));
        note(&mut fold, "inner", "folder", Some("outer"));
        note(&mut fold, "outer", "folder-shared", Some("root"));
        note(&mut fold, "outer", "external", None);
        assert_eq!(nearest(&fold, "a", Sharing::Private), Sharing::External);
        note(&mut fold, "inner", "folder-shared", Some("outer"));
        note(&mut fold, "inner", "internal", None);
        assert_eq!(nearest(&fold, "a", Sharing::Private), Sharing::Internal);
        assert_eq!(nearest(&fold, "a", Sharing::Public), Sharing::Public);
        note(&mut fold, "outer", "removed", None);
        note(&mut fold, "inner", "folder", Some("outer"));
        assert_eq!(nearest(&fold, "a", Sharing::Private), Sharing::Private);
    }

    #[test]
    fn where_folders_only_widen_the_widest_above_holds() {
        let mut fold = Fold::default();
        note(&mut fold, "a", "file-shared", Some("inner"));
        note(&mut fold, "a", "internal", None);
        note(&mut fold, "inner", "folder", Some("outer"));
        note(&mut fold, "outer", "folder-shared", Some("root"));
        note(&mut fold, "outer", "external", None);
        let of = |fold: &Fold| fold.sharing("a", Sharing::Private, Inheritance::Widest);
        assert_eq!(of(&fold), Sharing::External);
        note(&mut fold, "outer", "folder", Some("root"));
        assert_eq!(of(&fold), Sharing::Internal);
        note(&mut fold, "outer", "folder", Some("a"));
        assert_eq!(of(&fold), Sharing::Internal, "a way in a circle ends");
    }

    #[test]
    fn folders_that_lie_in_each_other_end_the_walk() {
        let mut fold = Fold::default();
        note(&mut fold, "a", "folder", Some("b"));
        note(&mut fold, "b", "folder", Some("a"));
        assert_eq!(nearest(&fold, "a", Sharing::Internal), Sharing::Internal);
    }

    #[test]
    fn the_last_line_of_an_id_is_its_row() {
        let mut fold = Fold::default();
        for (id, kind) in [
            ("a", "file"),
            ("b", "file"),
            ("a", "file"),
            ("b", "removed"),
        ] {
            note(&mut fold, id, kind, None);
        }
        fold.note_file(None);
        let rows = fold.rows();
        let shown: Vec<u32> = (0..5).filter(|line| rows.has(*line)).collect();
        assert_eq!((shown, rows.count()), (vec![2], 1));
        assert_eq!((rows.before(2), rows.before(3), rows.before(5)), (0, 1, 1));
        assert_eq!(fold.places(&rows), [(IdKey::of("a").0, 0)]);
    }
}
