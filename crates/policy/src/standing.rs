//! What becomes of a finding: of one policy and one file there is one, however often it is come by.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It was not so before.
    New,
    /// It was so before, and nobody has done anything.
    Open,
    /// It is not so any more, and an action of ours was verified in between.
    FixedByUs,
    /// It is not so any more, whoever has done it.
    FixedByOwner,
    /// Somebody has said that it may be so.
    Accepted,
}

/// What an evaluation saw of a policy and a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    Broken,
    Kept {
        /// An action of ours on this file was verified since the last evaluation.
        by_us: bool,
    },
}

impl Standing {
    /// How it stands after an evaluation; `None` where there is no finding and has been none.
    pub fn after(before: Option<Standing>, seen: Seen) -> Option<Standing> {
        use Standing::{Accepted, FixedByOwner, FixedByUs, New, Open};
        match (before, seen) {
            (None | Some(FixedByUs | FixedByOwner), Seen::Broken) => Some(New),
            (Some(New | Open), Seen::Broken) => Some(Open),
            (Some(Accepted), Seen::Broken) => Some(Accepted),
            (None, Seen::Kept { .. }) => None,
            (Some(fixed @ (FixedByUs | FixedByOwner)), Seen::Kept { .. }) => Some(fixed),
            (Some(New | Open | Accepted), Seen::Kept { by_us: true }) => Some(FixedByUs),
            (Some(New | Open | Accepted), Seen::Kept { by_us: false }) => Some(FixedByOwner),
        }
    }

    /// Whether somebody should look at it.
    pub fn is_open(self) -> bool {
        matches!(self, Standing::New | Standing::Open)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_new_once_and_fixed_once() {
        use Standing::{Accepted, FixedByOwner, FixedByUs, New, Open};
        let ours = Seen::Kept { by_us: true };
        let theirs = Seen::Kept { by_us: false };
        for (before, seen, after) in [
            (None, Seen::Broken, Some(New)),
            (None, theirs, None),
            (None, ours, None),
            (Some(New), Seen::Broken, Some(Open)),
            (Some(Open), Seen::Broken, Some(Open)),
            (Some(Open), ours, Some(FixedByUs)),
            (Some(New), theirs, Some(FixedByOwner)),
            (Some(FixedByUs), theirs, Some(FixedByUs)),
            (Some(FixedByOwner), ours, Some(FixedByOwner)),
            (Some(FixedByUs), Seen::Broken, Some(New)),
            (Some(FixedByOwner), Seen::Broken, Some(New)),
            (Some(Accepted), Seen::Broken, Some(Accepted)),
            (Some(Accepted), theirs, Some(FixedByOwner)),
        ] {
            assert_eq!(Standing::after(before, seen), after, "{before:?} {seen:?}");
        }
    }
}
