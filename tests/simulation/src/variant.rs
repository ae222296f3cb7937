//! Wrong variants of the protocol: the tests of the tests. Each is made at the border of the ports, so that the code
//! that is shipped knows nothing of them: a write loses its condition, a transaction falls into two.

use casbah_model::app::App;

/// What is done wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Variant {
    CursorBeforeObject,
    CommitWithoutFence,
    /// Commits are conditional on the sequence number instead of the version.
    CommitFencedBySequence,
    ObjectNameWithoutFence,
    LeaseWithoutFence,
    LostAnswerIsFailure,
    LostAnswerIsSuccess,
    HintBeforeRelease,
    MessageDeletedFirst,
    NoSweeper,
    HintWithoutVersion,
    UnfencedResync,
    CounterBeforeUnit,
    UnitBeforeCounter,
    TotalBeforeUnits,
    GateWithoutCondition,
    GateBeforeStreams,
    /// Nobody but the one who finished the last unit ends a run.
    OnlyLastFunctionClosesRun,
    UnitsCreatedAgain,
    SinglePassOverWindows,
    LargestTimeAsCursor,
    PauseIgnored,
    /// A name that was deleted gets the keys again that it had.
    SameIncarnationAgain,
    /// The cursor moves past events that are put into tables afterwards.
    CursorBeforeTable,
    /// What ended is put away after the edition that leaves it out.
    EditionBeforeEnded,
    /// Nobody reads the page that goes on where another one of a log ends.
    PageDropped,
    /// The cursor of an inventory moves past a page whose records are forgotten.
    RecordsForgotten,
    /// What is about to be sent is not marked before.
    MarkForgotten,
}

impl Variant {
    pub const ALL: [Variant; 28] = [
        Variant::CursorBeforeObject,
        Variant::CommitWithoutFence,
        Variant::CommitFencedBySequence,
        Variant::ObjectNameWithoutFence,
        Variant::LeaseWithoutFence,
        Variant::LostAnswerIsFailure,
        Variant::LostAnswerIsSuccess,
        Variant::HintBeforeRelease,
        Variant::MessageDeletedFirst,
        Variant::NoSweeper,
        Variant::HintWithoutVersion,
        Variant::UnfencedResync,
        Variant::CounterBeforeUnit,
        Variant::UnitBeforeCounter,
        Variant::TotalBeforeUnits,
        Variant::GateWithoutCondition,
        Variant::GateBeforeStreams,
        Variant::OnlyLastFunctionClosesRun,
        Variant::UnitsCreatedAgain,
        Variant::SinglePassOverWindows,
        Variant::LargestTimeAsCursor,
        Variant::PauseIgnored,
        Variant::SameIncarnationAgain,
        Variant::CursorBeforeTable,
        Variant::EditionBeforeEnded,
        Variant::PageDropped,
        Variant::RecordsForgotten,
        Variant::MarkForgotten,
    ];

    /// Those that an app can meet. Mistakes of the protocol are looked for with one app; with each other one those that show
    /// whether what it must have found is looked at.
    pub fn of(app: App) -> impl Iterator<Item = Variant> {
        Variant::ALL.into_iter().filter(move |variant| match app {
            App::Microsoft365 => !matches!(variant, Variant::PageDropped | Variant::MarkForgotten),
            App::Okta => variant.is_general() || *variant == Variant::MarkForgotten,
            App::Box => variant.is_general(),
        })
    }

    fn is_general(self) -> bool {
        matches!(
            self,
            Variant::CursorBeforeObject
                | Variant::CommitFencedBySequence
                | Variant::LostAnswerIsSuccess
                | Variant::NoSweeper
                | Variant::SinglePassOverWindows
                | Variant::PageDropped
                | Variant::RecordsForgotten
        )
    }

    pub fn name(self) -> &'static str {
        match self {
            Variant::CursorBeforeObject => "cursor-before-object",
            Variant::CommitWithoutFence => "commit-without-fence",
            Variant::CommitFencedBySequence => "commit-fenced-by-sequence",
            Variant::ObjectNameWithoutFence => "object-name-without-fence",
            Variant::LeaseWithoutFence => "lease-without-fence",
            Variant::LostAnswerIsFailure => "lost-answer-is-failure",
            Variant::LostAnswerIsSuccess => "lost-answer-is-success",
            Variant::HintBeforeRelease => "hint-before-release",
            Variant::MessageDeletedFirst => "message-deleted-first",
            Variant::NoSweeper => "no-sweeper",
            Variant::HintWithoutVersion => "hint-without-version",
            Variant::UnfencedResync => "unfenced-resync",
            Variant::CounterBeforeUnit => "counter-before-unit",
            Variant::UnitBeforeCounter => "unit-before-counter",
            Variant::TotalBeforeUnits => "total-before-units",
            Variant::GateWithoutCondition => "gate-without-condition",
            Variant::GateBeforeStreams => "gate-before-streams",
            Variant::OnlyLastFunctionClosesRun => "only-last-function-closes-run",
            Variant::UnitsCreatedAgain => "units-created-again",
            Variant::SinglePassOverWindows => "single-pass-over-windows",
            Variant::LargestTimeAsCursor => "largest-time-as-cursor",
            Variant::PauseIgnored => "pause-ignored",
            Variant::SameIncarnationAgain => "same-incarnation-again",
            Variant::CursorBeforeTable => "cursor-before-table",
            Variant::EditionBeforeEnded => "edition-before-ended",
            Variant::PageDropped => "page-dropped",
            Variant::RecordsForgotten => "records-forgotten",
            Variant::MarkForgotten => "mark-forgotten",
        }
    }

    pub fn named(name: &str) -> Option<Variant> {
        Variant::ALL
            .into_iter()
            .find(|variant| variant.name() == name)
    }
}
