//! Situations that must have happened over all seeds: a suite that never meets them proves nothing about them.

use std::fmt;

use casbah_model::app::App;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mark {
    /// A commit was refused because somebody else had moved the stream.
    CommitRefused,
    LostAnswerApplied,
    LostAnswerNotApplied,
    /// A request was done after the function that made it was told, or died.
    LateRequestRefused,
    LateRequestApplied,
    /// A message was delivered that is one of a chain which went on without it.
    StaleMessage,
    /// The sweeper found a stream whose function had died.
    DeadLeaseSwept,
    /// The same object was put again.
    ObjectPutAgain,
    /// An object was put that no manifest will ever name.
    OrphanObject,
    /// The vendor forgot a cursor, and a pass began anew.
    CursorGone,
    /// A backlog was read in wider windows.
    WindowWidened,
    /// The second reading found what the first had not been shown.
    LateLevelFound,
    /// The connection was paused while a function had put an object and not committed it.
    PauseDuringCommit,
    GateCommitAnswerLost,
    /// A stream was added behind the gate when it was open.
    GateOpenAtCreation,
    DeadLetter,
    /// The vendor's budget of the day was used up.
    DayUsedUp,
    /// The vendor refused a call while another function asked for a slice.
    RefusedDuringAcquire,
    UnitSetAside,
    BundleLost,
    /// The sweeper ended a run whose last function could not.
    RunClosedBySweeper,
    /// A function ran into its time limit.
    TimeLimit,
    ConnectionFailed,
    /// The connection was disconnected while a function was at work.
    DisconnectedAtWork,
    /// The deletion of the connection began while a function was at work.
    DeletedAtWork,
    /// Everything of an incarnation was gone.
    Deleted,
    /// The name of a connection that was deleted was connected again.
    ConnectedAnew,
    /// A page of a log ended between two events of the same time.
    TieAtBorder,
    /// An event that the vendor told of most of a day late was found.
    FoundADayLate,
    /// Somebody was deleted while a tree of files was being read.
    OwnerDeletedAtScan,
    /// What somebody had changed was as planned in the end.
    ActionVerified,
    ActionUndone,
    /// Something came in between, and it is told.
    ActionFailed,
}

impl Mark {
    pub const ALL: [Mark; 33] = [
        Mark::CommitRefused,
        Mark::LostAnswerApplied,
        Mark::LostAnswerNotApplied,
        Mark::LateRequestRefused,
        Mark::LateRequestApplied,
        Mark::StaleMessage,
        Mark::DeadLeaseSwept,
        Mark::ObjectPutAgain,
        Mark::OrphanObject,
        Mark::CursorGone,
        Mark::WindowWidened,
        Mark::LateLevelFound,
        Mark::PauseDuringCommit,
        Mark::GateCommitAnswerLost,
        Mark::GateOpenAtCreation,
        Mark::DeadLetter,
        Mark::DayUsedUp,
        Mark::RefusedDuringAcquire,
        Mark::UnitSetAside,
        Mark::BundleLost,
        Mark::RunClosedBySweeper,
        Mark::TimeLimit,
        Mark::ConnectionFailed,
        Mark::DisconnectedAtWork,
        Mark::DeletedAtWork,
        Mark::Deleted,
        Mark::ConnectedAnew,
        Mark::TieAtBorder,
        Mark::FoundADayLate,
        Mark::OwnerDeletedAtScan,
        Mark::ActionVerified,
        Mark::ActionUndone,
        Mark::ActionFailed,
    ];

    /// Those that many seeds of an app must meet.
    pub fn of(app: App) -> impl Iterator<Item = Mark> {
        Mark::ALL
            .into_iter()
            .filter(move |mark| mark.can_be_in(app))
    }

    fn can_be_in(self, app: App) -> bool {
        match self {
            // Only Microsoft 365 has a budget for the day, and bundles that can be lost.
            Mark::DayUsedUp | Mark::BundleLost => app == App::Microsoft365,
            Mark::TieAtBorder | Mark::FoundADayLate => app != App::Microsoft365,
            // Okta has no files, and its API token, once refused, stays refused.
            Mark::UnitSetAside | Mark::RunClosedBySweeper | Mark::ConnectionFailed => {
                app != App::Okta
            }
            Mark::OwnerDeletedAtScan => app == App::Box,
            Mark::ActionVerified | Mark::ActionUndone | Mark::ActionFailed => app == App::Okta,
            _ => true,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Mark::CommitRefused => "commit-refused",
            Mark::LostAnswerApplied => "lost-answer-applied",
            Mark::LostAnswerNotApplied => "lost-answer-not-applied",
            Mark::LateRequestRefused => "late-request-refused",
            Mark::LateRequestApplied => "late-request-applied",
            Mark::StaleMessage => "stale-message",
            Mark::DeadLeaseSwept => "dead-lease-swept",
            Mark::ObjectPutAgain => "object-put-again",
            Mark::OrphanObject => "orphan-object",
            Mark::CursorGone => "cursor-gone",
            Mark::WindowWidened => "window-widened",
            Mark::LateLevelFound => "late-level-found",
            Mark::PauseDuringCommit => "pause-during-commit",
            Mark::GateCommitAnswerLost => "gate-commit-answer-lost",
            Mark::GateOpenAtCreation => "gate-open-at-creation",
            Mark::DeadLetter => "dead-letter",
            Mark::DayUsedUp => "day-used-up",
            Mark::RefusedDuringAcquire => "refused-during-acquire",
            Mark::UnitSetAside => "unit-set-aside",
            Mark::BundleLost => "bundle-lost",
            Mark::RunClosedBySweeper => "run-closed-by-sweeper",
            Mark::TimeLimit => "time-limit",
            Mark::ConnectionFailed => "connection-failed",
            Mark::DisconnectedAtWork => "disconnected-at-work",
            Mark::DeletedAtWork => "deleted-at-work",
            Mark::Deleted => "deleted",
            Mark::ConnectedAnew => "connected-anew",
            Mark::TieAtBorder => "tie-at-border",
            Mark::FoundADayLate => "found-a-day-late",
            Mark::OwnerDeletedAtScan => "owner-deleted-at-scan",
            Mark::ActionVerified => "action-verified",
            Mark::ActionUndone => "action-undone",
            Mark::ActionFailed => "action-failed",
        }
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
