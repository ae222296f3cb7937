//! What becomes of a finding: of one policy and one file there is one, however often it is come by.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It was not so before; for a day.
    New,
    /// It has been so for longer, and nobody has done anything.
    Open,
    /// It is not so any more, and an action of ours was verified in between.
    FixedByUs,
    /// It is not so any more, whoever has done it.
    FixedByOwner,
    /// Somebody has said that it may be so.
    Accepted,
    /// Nobody asks any more: the policy was taken away.
    Withdrawn,
}

/// What an evaluation saw of a policy and a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    Broken {
        /// Somebody has said that it may be so.
        is_accepted: bool,
        /// It has been so for a day.
        is_old: bool,
    },
    Kept {
        /// An action of ours on this file was verified since it was found.
        by_us: bool,
    },
    /// There is no such policy any more.
    Withdrawn,
}

impl Standing {
    pub const ALL: [Standing; 6] = [
        Standing::New,
        Standing::Open,
        Standing::FixedByUs,
        Standing::FixedByOwner,
        Standing::Accepted,
        Standing::Withdrawn,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Standing::New => "new",
            Standing::Open => "open",
            Standing::FixedByUs => "fixed-by-us",
            Standing::FixedByOwner => "fixed-by-owner",
            Standing::Accepted => "accepted",
            Standing::Withdrawn => "withdrawn",
        }
    }

    /// How it stands after an evaluation; `None` where there is no finding and has been none.
    pub fn after(before: Option<Standing>, seen: Seen) -> Option<Standing> {
        use Standing::{Accepted, FixedByOwner, FixedByUs, New, Open, Withdrawn};
        let is_over = before.is_none_or(Standing::is_over);
        match seen {
            Seen::Broken {
                is_accepted: true, ..
            } => Some(Accepted),
            Seen::Broken { .. } if is_over => Some(New),
            Seen::Broken { is_old: false, .. } if before == Some(New) => Some(New),
            Seen::Broken { .. } => Some(Open),
            _ if is_over => before,
            Seen::Kept { by_us: true } => Some(FixedByUs),
            Seen::Kept { by_us: false } => Some(FixedByOwner),
            Seen::Withdrawn => Some(Withdrawn),
        }
    }

    /// Whether somebody should look at it.
    pub fn is_open(self) -> bool {
        matches!(self, Standing::New | Standing::Open)
    }

    /// Whether it is so no more, or nobody asks.
    pub fn is_over(self) -> bool {
        matches!(
            self,
            Standing::FixedByUs | Standing::FixedByOwner | Standing::Withdrawn
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_new_once_and_fixed_once() {
        use Standing::{Accepted, FixedByOwner, FixedByUs, New, Open, Withdrawn};
        let broken = Seen::Broken {
            is_accepted: false,
            is_old: false,
        };
        let old = Seen::Broken {
            is_accepted: false,
            is_old: true,
        };
        let accepted = Seen::Broken {
            is_accepted: true,
            is_old: true,
        };
        let ours = Seen::Kept { by_us: true };
        let theirs = Seen::Kept { by_us: false };
        for (before, seen, after) in [
            (None, broken, Some(New)),
            (None, accepted, Some(Accepted)),
            (None, theirs, None),
            (None, ours, None),
            (None, Seen::Withdrawn, None),
            (Some(New), broken, Some(New)),
            (Some(New), old, Some(Open)),
            (Some(Open), old, Some(Open)),
            (Some(Open), broken, Some(Open)),
            (Some(Open), accepted, Some(Accepted)),
            (Some(Open), ours, Some(FixedByUs)),
            (Some(New), theirs, Some(FixedByOwner)),
            (Some(New), Seen::Withdrawn, Some(Withdrawn)),
            (Some(FixedByUs), theirs, Some(FixedByUs)),
            (Some(FixedByUs), Seen::Withdrawn, Some(FixedByUs)),
            (Some(FixedByOwner), ours, Some(FixedByOwner)),
            (Some(FixedByUs), broken, Some(New)),
            (Some(FixedByOwner), old, Some(New)),
            (Some(Withdrawn), broken, Some(New)),
            (Some(Accepted), accepted, Some(Accepted)),
            (Some(Accepted), old, Some(Open)),
            (Some(Accepted), theirs, Some(FixedByOwner)),
        ] {
            assert_eq!(Standing::after(before, seen), after, "{before:?} {seen:?}");
        }
    }
}
