//! One unit: bringing one target from one image to another, never sending blindly what may have been done.

use casbah_connector::{ConnectorError, Governance, Order, Readback, Session, spec};
use casbah_model::SignedDuration;
use casbah_model::action::Image;
use casbah_model::connection::Cause;

use crate::context::Context;

/// Waits between reads after a change, because vendors show it a little later; about 8 seconds in all.
const READ_AGAIN_MS: [i64; 5] = [0, 500, 1_000, 2_000, 4_000];
/// How often a change is sent whose answers were lost and which never showed.
const SENDS_MAX: u32 = 3;
/// Steps of one unit that are taken in one go.
const STEPS_MAX: u32 = 6;

/// Which way a unit goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Apply,
    Undo,
}

pub(crate) struct Unit<'a> {
    pub(crate) order: Order<'a>,
    pub(crate) direction: Direction,
    pub(crate) from: &'a Image,
    pub(crate) to: &'a Image,
    /// Somebody who died may have sent it.
    pub(crate) may_be_sent: bool,
    /// The vendor said that it took it.
    pub(crate) is_taken: bool,
    /// It is read, and nothing is sent.
    pub(crate) only_look: bool,
    /// It was looked at again for as long as the vendor usually takes to show it.
    pub(crate) has_waited: bool,
}

/// How one unit ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is as planned, and was read back.
    Verified,
    /// It was as planned before we did anything.
    Already,
    /// The vendor says that it did it, and shows nothing to read back.
    Sent,
    /// It is not as it was planned from any more: somebody else changed it.
    Changed(Cause),
    /// Nobody knows, and it cannot be read back.
    Unsure(Cause),
    Failed(Cause),
    /// Somebody holds it for now, or the vendor works on a step of it.
    Locked {
        cause: Cause,
        /// Part of it is done, or may be.
        is_begun: bool,
    },
    /// It was sent, or may have been, to a vendor that works on it after it answered.
    Awaited {
        is_taken: bool,
    },
}

impl Outcome {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Outcome::Verified => "verified",
            Outcome::Already => "already",
            Outcome::Sent => "sent",
            Outcome::Changed(_) => "changed",
            Outcome::Unsure(_) => "unsure",
            Outcome::Failed(_) => "failed",
            Outcome::Locked { .. } => "locked",
            Outcome::Awaited { .. } => "awaited",
        }
    }

    pub(crate) fn cause(&self) -> Option<&Cause> {
        match self {
            Outcome::Verified | Outcome::Already | Outcome::Sent | Outcome::Awaited { .. } => None,
            Outcome::Changed(cause)
            | Outcome::Unsure(cause)
            | Outcome::Failed(cause)
            | Outcome::Locked { cause, .. } => Some(cause),
        }
    }
}

/// Carries one unit out.
///
/// # Errors
/// What is not about the unit: the vendor is away, the limit is spent, the credential is refused. Whatever was sent by
/// then shows when the unit is read again.
pub(crate) async fn attempt(
    ctx: &Context,
    session: &Session,
    governance: &dyn Governance,
    unit: Unit<'_>,
) -> Result<Outcome, ConnectorError> {
    match spec(governance, unit.order.kind).map(|spec| spec.readback) {
        Some(Readback::Shown) => shown(ctx, session, governance, unit).await,
        Some(Readback::Late) => late(ctx, session, governance, unit).await,
        Some(Readback::Steps) => steps(ctx, session, governance, unit).await,
        Some(Readback::Hidden(_)) | None => hidden(session, governance, unit).await,
    }
}

/// The target tells how it is: it is read before the first attempt, after each, and instead of a second one.
async fn shown(
    ctx: &Context,
    session: &Session,
    governance: &dyn Governance,
    unit: Unit<'_>,
) -> Result<Outcome, ConnectorError> {
    let mut now = match before(session, governance, &unit).await? {
        Ok(_) if unit.only_look => return Ok(cancelled()),
        Ok(image) => image,
        Err(outcome) => return Ok(outcome),
    };
    for _ in 0..SENDS_MAX {
        let sent = send(session, governance, &unit, &now).await;
        let is_sure = match sent {
            Ok(()) => true,
            Err(ConnectorError::Unsure { .. }) => false,
            Err(error) => return after_refusal(session, governance, &unit, error).await,
        };
        now = match after(ctx, session, governance, &unit, is_sure).await? {
            Ok(image) => image,
            Err(outcome) => return Ok(outcome),
        };
        if is_sure {
            return Ok(Outcome::Failed(not_effective()));
        }
    }
    Ok(Outcome::Failed(no_answer()))
}

/// The target tells how it is, some minutes later: what may have been sent is waited for before it is sent again, and
/// what the vendor took is not sent again at all.
async fn late(
    ctx: &Context,
    session: &Session,
    governance: &dyn Governance,
    unit: Unit<'_>,
) -> Result<Outcome, ConnectorError> {
    let is_taken = unit.is_taken;
    let now = match before(session, governance, &unit).await? {
        Ok(_) if unit.may_be_sent && !unit.has_waited => return Ok(Outcome::Awaited { is_taken }),
        Ok(_) if unit.only_look => return Ok(cancelled()),
        Ok(_) if is_taken => return Ok(Outcome::Failed(not_effective())),
        Ok(image) => image,
        Err(outcome) => return Ok(outcome),
    };
    let is_taken = match send(session, governance, &unit, &now).await {
        Ok(()) => true,
        Err(ConnectorError::Unsure { .. }) if unit.may_be_sent => {
            return Ok(Outcome::Failed(no_answer()));
        }
        Err(ConnectorError::Unsure { .. }) => false,
        Err(error) => return after_refusal(session, governance, &unit, error).await,
    };
    let awaited = Outcome::Awaited { is_taken };
    match after(ctx, session, governance, &unit, is_taken).await {
        Ok(Err(outcome)) => Ok(outcome),
        // Whatever keeps it from being read, it was sent.
        Ok(Ok(_)) | Err(_) => Ok(awaited),
    }
}

/// The target shows each step, so the next one is taken from what the last one made of it. What does not show within
/// seconds is left to the vendor, and looked at again as if somebody held it.
async fn steps(
    ctx: &Context,
    session: &Session,
    governance: &dyn Governance,
    unit: Unit<'_>,
) -> Result<Outcome, ConnectorError> {
    let mut now = match before(session, governance, &unit).await? {
        Ok(image) => image,
        Err(outcome) => return Ok(outcome),
    };
    if unit.only_look && unit.has_waited {
        return Ok(cancelled());
    }
    if unit.may_be_sent && !unit.has_waited {
        // A step that somebody sent before us may be under way.
        return Ok(under_way());
    }
    for _ in 0..STEPS_MAX {
        match send(session, governance, &unit, &now).await {
            Ok(()) | Err(ConnectorError::Unsure { .. }) => {}
            Err(error) => {
                let outcome = after_refusal(session, governance, &unit, error).await?;
                return Ok(match outcome {
                    Outcome::Locked { cause, .. } => Outcome::Locked {
                        is_begun: unit.may_be_sent || now != *unit.from,
                        cause,
                    },
                    outcome => outcome,
                });
            }
        }
        now = match after_step(ctx, session, governance, &unit, &now).await {
            Ok(Ok(image)) if image != now => image,
            Ok(Err(outcome)) => return Ok(outcome),
            // Whatever keeps it from being read, it was sent.
            Ok(Ok(_)) | Err(_) => return Ok(under_way()),
        };
    }
    Ok(under_way())
}

fn cancelled() -> Outcome {
    Outcome::Failed(Cause::new(
        "cancelled",
        "the action was cancelled before this was done, or when a part of it was",
        "undo the action to put back whatever was done, or plan it again",
    ))
}

fn under_way() -> Outcome {
    let cause = Cause::new(
        "under-way",
        "the vendor took a step of it and does not show it yet",
        "it is looked at again; if it stays so, see in the vendor's own log what became of it",
    );
    Outcome::Locked {
        cause,
        is_begun: true,
    }
}

/// How a target is that is still to be changed, or why it is not.
async fn before(
    session: &Session,
    governance: &dyn Governance,
    unit: &Unit<'_>,
) -> Result<Result<Image, Outcome>, ConnectorError> {
    Ok(match read(session, governance, unit).await? {
        Seen::Image(image) if image == *unit.to => Err(match unit.may_be_sent {
            true => Outcome::Verified,
            false => Outcome::Already,
        }),
        Seen::Image(image) if image.is_between(unit.from, unit.to) => Ok(image),
        Seen::Image(image) => Err(changed(unit.from, &image)),
        Seen::Not(outcome) => Err(outcome),
    })
}

/// Reads a target after a change was sent; how it is if it does not show the change, or else what became of it.
async fn after(
    ctx: &Context,
    session: &Session,
    governance: &dyn Governance,
    unit: &Unit<'_>,
    is_sure: bool,
) -> Result<Result<Image, Outcome>, ConnectorError> {
    let mut now = unit.from.clone();
    for wait in READ_AGAIN_MS {
        if wait > 0 || !is_sure {
            ctx.sleep(SignedDuration::from_millis(wait.max(500))).await;
        }
        now = match look(session, governance, unit).await? {
            Ok(image) => image,
            Err(outcome) => return Ok(Err(outcome)),
        };
    }
    Ok(Ok(now))
}

/// Reads a target after a step, until it is another than before.
async fn after_step(
    ctx: &Context,
    session: &Session,
    governance: &dyn Governance,
    unit: &Unit<'_>,
    before: &Image,
) -> Result<Result<Image, Outcome>, ConnectorError> {
    for wait in READ_AGAIN_MS {
        ctx.sleep(SignedDuration::from_millis(wait)).await;
        match look(session, governance, unit).await? {
            Ok(image) if image == *before => {}
            shown => return Ok(shown),
        }
    }
    Ok(Ok(before.clone()))
}

/// How a target is on its way, or what became of it.
async fn look(
    session: &Session,
    governance: &dyn Governance,
    unit: &Unit<'_>,
) -> Result<Result<Image, Outcome>, ConnectorError> {
    Ok(match read(session, governance, unit).await? {
        Seen::Image(image) if image == *unit.to => Err(Outcome::Verified),
        Seen::Image(image) if image.is_between(unit.from, unit.to) => Ok(image),
        Seen::Image(image) => Err(changed(unit.to, &image)),
        Seen::Not(outcome) => Err(outcome),
    })
}

fn not_effective() -> Cause {
    let what = "the vendor took the change and does not show it";
    let fix = "something there may put it back, such as a directory that is synchronised; look at it there";
    Cause::new("not-effective", what, fix)
}

fn no_answer() -> Cause {
    Cause::new(
        "no-answer",
        "the vendor gave no answer to several attempts and shows no change",
        "plan it again when the vendor answers",
    )
}

/// A refusal may be for the very reason that it is done already.
async fn after_refusal(
    session: &Session,
    governance: &dyn Governance,
    unit: &Unit<'_>,
    error: ConnectorError,
) -> Result<Outcome, ConnectorError> {
    let outcome = about_unit(error)?;
    match read(session, governance, unit).await? {
        Seen::Image(image) if image == *unit.to => Ok(Outcome::Verified),
        Seen::Image(_) | Seen::Not(_) => Ok(outcome),
    }
}

/// The target tells nothing: what may have been sent is not sent again.
async fn hidden(
    session: &Session,
    governance: &dyn Governance,
    unit: Unit<'_>,
) -> Result<Outcome, ConnectorError> {
    if unit.may_be_sent {
        return Ok(unsure());
    }
    match send(session, governance, &unit, unit.from).await {
        Ok(()) => Ok(Outcome::Sent),
        Err(ConnectorError::Unsure { .. }) => Ok(unsure()),
        Err(error) => about_unit(error),
    }
}

fn unsure() -> Outcome {
    Outcome::Unsure(Cause::new(
        "unsure",
        "the vendor's answer was lost, and it shows nothing that would tell",
        "look for it in the vendor's own log, and plan it again if it is not there",
    ))
}

enum Seen {
    Image(Image),
    Not(Outcome),
}

async fn read(
    session: &Session,
    governance: &dyn Governance,
    unit: &Unit<'_>,
) -> Result<Seen, ConnectorError> {
    match governance.verify(session, unit.order).await {
        Ok(Some(image)) => Ok(Seen::Image(image)),
        Ok(None) => Ok(Seen::Not(Outcome::Changed(gone()))),
        Err(error) => about_unit(error).map(Seen::Not),
    }
}

async fn send(
    session: &Session,
    governance: &dyn Governance,
    unit: &Unit<'_>,
    now: &Image,
) -> Result<(), ConnectorError> {
    let Unit { order, to, .. } = *unit;
    match unit.direction {
        Direction::Apply => governance.apply(session, order, now, to).await,
        Direction::Undo => governance.undo(session, order, now, to).await,
    }
}

pub(crate) fn gone() -> Cause {
    Cause::new(
        "gone",
        "the target is not there any more",
        "nothing needs to be done to it; plan again to see what is there",
    )
}

fn changed(expected: &Image, found: &Image) -> Outcome {
    let differences: Vec<_> = found
        .differences(expected)
        .take(3)
        .map(|(name, here, there)| {
            let words = |value: Option<&str>| value.unwrap_or("absent").to_string();
            format!("{name} is {} instead of {}", words(here), words(there))
        })
        .collect();
    Outcome::Changed(Cause::new(
        "changed",
        format!("somebody else changed it: {}", differences.join(", ")),
        "plan again to see what would be done now",
    ))
}

/// What an error says of the unit it came with; what is not about the unit stays an error.
pub(crate) fn about_unit(error: ConnectorError) -> Result<Outcome, ConnectorError> {
    match error {
        ConnectorError::Locked { cause } => Ok(Outcome::Locked {
            cause,
            is_begun: false,
        }),
        ConnectorError::Forbidden { cause } | ConnectorError::Declined { cause } => {
            Ok(Outcome::Failed(cause))
        }
        ConnectorError::Gone { .. } => Ok(Outcome::Changed(gone())),
        error @ (ConnectorError::Unexpected { .. }
        | ConnectorError::Unreadable { .. }
        | ConnectorError::BadLink { .. }) => Ok(Outcome::Failed(Cause::new(
            "unexpected-answer",
            error.chain(),
            "plan it again; report it if it stays",
        ))),
        error => Err(error),
    }
}
