//! Where the walk of a folder tree stands: the way down to the folders that are read next, and what waits beside it.
//!
//! Box lists folders only, so a sweep reads each folder once, page by page, children before the next page. The place is
//! a stack of frames, one for each folder that was begun and is not done, that holds the subfolders of one page of it.
//! Subfolders that wait are read a few at a time; those in which nothing is left to do need no frame.
//!
//! **Bounded.** A page may name a thousand subfolders and a tree has hundreds of levels, so not all of them are kept:
//! beyond `WAITING_MAX` the lowest frames of the stack let go of theirs and remember only up to which id they are done.
//! When the walk comes back to such a frame, it lists that page once more. Until then all folders that wait above it
//! are read, more than `WAITING_MAX - PAGE_MAX` of them, so this is at most one call more for a thousand others.
//!
//! **Exact.** Subfolders are read in the order of their ids, whatever order a page has. So "up to this id" says what is
//! left also when the page has changed meanwhile: what was taken away is not missed, what was put in with a smaller id
//! is found by the next sweep or by the event that tells of it. A folder that is gone when its turn comes is passed
//! over; one that was moved is still read by its id.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// The id of a folder: Box writes numbers as texts.
pub(super) type FolderId = u64;

/// The root folder of every user.
pub(super) const ROOT: FolderId = 0;
/// Items of one page, as asked for; a page that names more subfolders is listed again for the rest of them.
pub(super) const PAGE_MAX: usize = 1_000;
/// Subfolders that wait, of all frames together: some 30 KB.
const WAITING_MAX: usize = 2 * PAGE_MAX;
/// First pages that are read at the same time.
const SIDE_BY_SIDE: usize = 6;
/// With more frames than this only one folder is begun at a time: a frame is some 45 bytes.
const FRAMES_MAX: usize = 800;
/// Folders in folders. Nobody documents a limit; a way that is longer is no tree.
const DEPTH_MAX: u64 = 400;
/// Pages of one folder: ten million items.
const PAGES_MAX: u64 = 10_000;
/// Pages of one walk, so that folders that lie in each other in many ways come to an end.
const CALLS_MAX: u64 = 20_000_000;

/// A page to be listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) folder: FolderId,
    /// None for the first page.
    pub(super) marker: Option<String>,
    /// The items of the page were written before: only the subfolders behind this id are wanted.
    pub(super) is_again: bool,
    /// Its own frame or, of a folder that is not begun, the one of the folder it lies in.
    frame: usize,
}

/// Why a walk cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endless {
    SamePage,
    Pages,
    Calls,
}

impl Endless {
    pub(super) fn what(self) -> String {
        match self {
            Endless::SamePage => "the marker of a folder leads back to the same page".into(),
            Endless::Pages => format!("a folder has more than {PAGES_MAX} pages"),
            Endless::Calls => format!("a folder tree has more than {CALLS_MAX} pages"),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(super) struct Walk {
    /// The folder that is read next on top; empty when all was read.
    #[serde(rename = "w", default, skip_serializing_if = "Vec::is_empty")]
    stack: Vec<Frame>,
    /// Pages that were listed.
    #[serde(rename = "c", default)]
    calls: u64,
}

/// A folder, and what is left to do in it. Names are short because a cursor holds hundreds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
struct Frame {
    #[serde(rename = "f")]
    folder: FolderId,
    /// Folders above it. Frames of folders side by side lie on each other, so the place in the stack does not tell.
    #[serde(rename = "d", default, skip_serializing_if = "is_zero")]
    depth: u64,
    /// The page that is listed next; empty for the first, none when there is no more.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    /// The page whose subfolders wait; empty for the first.
    #[serde(rename = "p", default, skip_serializing_if = "String::is_empty")]
    page: String,
    /// Subfolders of that page, the greatest first.
    #[serde(rename = "s", default, skip_serializing_if = "Vec::is_empty")]
    waiting: Vec<FolderId>,
    /// The last of them that was taken.
    #[serde(rename = "a", default, skip_serializing_if = "is_zero")]
    after: FolderId,
    /// That page has subfolders behind those that wait.
    #[serde(rename = "m", default, skip_serializing_if = "is_false")]
    has_more: bool,
    /// Pages that were listed.
    #[serde(rename = "g", default, skip_serializing_if = "is_zero")]
    pages: u64,
    /// Its marker died once, and it was begun anew.
    #[serde(rename = "r", default, skip_serializing_if = "is_false")]
    is_restarted: bool,
}

impl Frame {
    /// Whether there is nothing left to do in it.
    fn is_done(&self) -> bool {
        self.waiting.is_empty() && !self.has_more && self.next.is_none()
    }

    /// Takes a subfolder from those that wait: it is the next.
    fn took(&mut self, folder: FolderId) {
        self.waiting.retain(|waiting| *waiting != folder);
        self.after = folder;
        // What is not needed any more takes no room.
        if self.waiting.is_empty() && !self.has_more {
            self.page = String::new();
        }
    }

    /// Goes behind a page of the folder.
    fn went(&mut self, found: Subfolders, next: Option<String>) -> Result<(), Endless> {
        if !self.has_more {
            let listed = self.next.take().unwrap_or_default();
            let next = next.filter(|marker| !marker.is_empty());
            if next.as_ref() == Some(&listed) {
                return Err(Endless::SamePage);
            }
            self.pages += 1;
            if next.is_some() && self.pages >= PAGES_MAX {
                return Err(Endless::Pages);
            }
            (self.page, self.next, self.after) = (listed, next, 0);
        }
        self.has_more = found.has_more;
        self.waiting = found.least.into_iter().rev().collect();
        Ok(())
    }
}

impl Walk {
    /// The place before a folder and all below it.
    pub(super) fn of(folder: FolderId) -> Walk {
        let first = Frame {
            folder,
            next: Some(String::new()),
            ..Frame::default()
        };
        Walk {
            stack: vec![first],
            calls: 0,
        }
    }

    /// The pages to be listed next, which may be listed at the same time; none when all was read.
    ///
    /// What became of each is told by `went` or `pass_over`, in this order; those behind one that failed stay.
    pub(super) fn pages(&self) -> Vec<Page> {
        let Some(top) = self.stack.last() else {
            return vec![];
        };
        let frame = self.stack.len() - 1;
        let page = |folder, marker: &str, is_again| Page {
            folder,
            marker: Some(marker)
                .filter(|text| !text.is_empty())
                .map(String::from),
            is_again,
            frame,
        };
        let at_once = match self.stack.len() < FRAMES_MAX {
            true => SIDE_BY_SIDE,
            false => 1,
        };
        let least = top.waiting.iter().rev().take(at_once);
        let begun: Vec<Page> = least.map(|folder| page(*folder, "", false)).collect();
        match (begun.is_empty(), top.has_more, &top.next) {
            (false, _, _) => begun,
            (true, true, _) => vec![page(top.folder, &top.page, true)],
            (true, false, Some(next)) => vec![page(top.folder, next, false)],
            (true, false, None) => vec![],
        }
    }

    /// Why a folder that a page names is not walked, if it is not.
    pub(super) fn refuses(&self, page: &Page, folder: FolderId) -> Option<&'static str> {
        let mut depth = u64::MAX;
        let mut way = self
            .stack
            .iter()
            .take(page.frame + 1)
            .rev()
            .filter(|frame| {
                let is_above = frame.depth < depth;
                if is_above {
                    depth = frame.depth;
                }
                is_above
            });
        let own = self.stack.get(page.frame)?;
        let page_depth = own.depth + u64::from(own.folder != page.folder);
        if folder == page.folder || way.any(|frame| frame.folder == folder) {
            return Some("folder-in-itself");
        }
        (page_depth + 1 >= DEPTH_MAX).then_some("nested-too-deep")
    }

    /// Subfolders of a page, to be filled while it is read.
    pub(super) fn subfolders(&self, page: &Page) -> Subfolders {
        let frame = self.stack.get(page.frame).filter(|_| page.is_again);
        Subfolders {
            after: frame.map(|frame| frame.after),
            ..Subfolders::default()
        }
    }

    /// Goes on behind a page that was read, which says where the next one of its folder is.
    pub(super) fn went(
        &mut self,
        page: &Page,
        found: Subfolders,
        next: Option<String>,
    ) -> Result<(), Endless> {
        self.calls += 1;
        if self.calls > CALLS_MAX {
            return Err(Endless::Calls);
        }
        let Some(own) = self.stack.get_mut(page.frame) else {
            return Ok(());
        };
        if own.folder == page.folder {
            own.went(found, next)?;
        } else {
            let mut begun = Frame {
                folder: page.folder,
                depth: own.depth + 1,
                ..Frame::default()
            };
            begun.went(found, next)?;
            own.took(page.folder);
            if !begun.is_done() {
                // Below those that lie beside it and were begun before.
                self.stack.insert(page.frame + 1, begun);
            }
        }
        self.settle();
        self.let_go();
        Ok(())
    }

    /// Passes over the folder of a page: it is gone, or not for us to see.
    pub(super) fn pass_over(&mut self, page: &Page) {
        self.calls += 1;
        let Some(own) = self.stack.get_mut(page.frame) else {
            return;
        };
        match own.folder == page.folder {
            true => drop(self.stack.remove(page.frame)),
            false => own.took(page.folder),
        }
        self.settle();
    }

    /// Begins the folder of a page anew, because its marker died; false when that was tried before.
    pub(super) fn restart(&mut self, page: &Page) -> bool {
        self.calls += 1;
        let own = self.stack.get_mut(page.frame);
        let Some(own) = own.filter(|own| own.folder == page.folder && !own.is_restarted) else {
            return false;
        };
        *own = Frame {
            folder: own.folder,
            depth: own.depth,
            next: Some(String::new()),
            is_restarted: true,
            ..Frame::default()
        };
        true
    }

    pub(super) fn is_over(&self) -> bool {
        self.stack.is_empty()
    }

    /// Takes away what is done at the top.
    fn settle(&mut self) {
        while self.stack.last().is_some_and(Frame::is_done) {
            self.stack.pop();
        }
    }

    /// Lets the lowest frames forget what waits in them, as far as there is too much.
    fn let_go(&mut self) {
        let mut waiting: usize = self.stack.iter().map(|frame| frame.waiting.len()).sum();
        for frame in &mut self.stack {
            if waiting <= WAITING_MAX {
                return;
            }
            if !frame.waiting.is_empty() {
                waiting -= frame.waiting.len();
                frame.waiting = vec![];
                frame.has_more = true;
            }
        }
    }
}

/// The subfolders of a page: the least ids of it, as many as a page has.
#[derive(Debug, Default)]
pub(super) struct Subfolders {
    /// Those up to this one were read.
    after: Option<FolderId>,
    least: BTreeSet<FolderId>,
    has_more: bool,
}

impl Subfolders {
    pub(super) fn add(&mut self, folder: FolderId) {
        if self.after.is_some_and(|after| folder <= after) {
            return;
        }
        self.least.insert(folder);
        if self.least.len() > PAGE_MAX {
            self.least.pop_last();
            self.has_more = true;
        }
    }
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn is_false(flag: &bool) -> bool {
    !flag
}

#[cfg(test)]
mod tests;
