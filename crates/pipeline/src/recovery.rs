//! How a step ends after an error of the vendor's world.

use casbah_connector::{ConnectorError, OutputError, PARKED, Recovery};
use casbah_http::retry;
use casbah_model::connection::{Cause, ConnectionId, ConnectionState};
use casbah_model::message::Ticket;
use casbah_model::ports::{ObjectError, StoreError};
use casbah_model::state::{Condition, Set, Value, Write};
use casbah_model::{SignedDuration, Timestamp};

use crate::context::Context;
use crate::error::StageError;
use crate::hint::nudge;
use crate::items::{self, ConnectionItem, Scope, StreamState, connection_key};
use crate::step::{ATTEMPTS_MAX, Committed, Next, Step, ms_duration};

/// A test is believed for this long.
const TEST_FRESH: SignedDuration = SignedDuration::from_mins(10);

impl Step<'_> {
    /// Ends the step after an error of the vendor's world; says whether the stream should be tried again.
    pub async fn recover(
        mut self,
        error: ConnectorError,
        ticket: Option<Ticket>,
    ) -> Result<(), StageError> {
        let now = self.ctx.now();
        let fraction = self.ctx.rng.fraction();
        let wait = |failures| now + ms_duration(retry::step_wait(failures, fraction));
        tracing::debug!(stream = %self.key, error = %error.chain(), "step broke off");
        match error.recovery() {
            Recovery::Wait(until) => self.release(Next::Wait(until), ticket).await,
            Recovery::Retry => {
                self.stream.fails += 1;
                self.stream.trouble = Some(unavailable(&error));
                let at = wait(self.stream.fails);
                self.release(Next::Wait(at), None).await
            }
            Recovery::Count | Recovery::Lose(_) => {
                self.stream.trouble = Some(unexpected(&error));
                let at = wait(self.stream.att);
                self.count_attempt(at).await
            }
            Recovery::Park(cause) => {
                self.stream.trouble = Some(cause);
                self.ask_for_test().await?;
                self.release(Next::Wait(now + ms_duration(PARKED)), None)
                    .await
            }
            Recovery::FailConnection(cause) => {
                fail_connection(self.ctx, &self.scope, cause).await?;
                self.release(Next::Wait(now + ms_duration(PARKED)), None)
                    .await
            }
            Recovery::Resync(resume) => {
                self.stream.ep += 1;
                self.stream.cur = resume.map(|cursor| Value::from(cursor.as_str()));
                self.stream.removed = 0;
                // The first time at once; a cursor that dies again and again must not go round in circles.
                let attempts = self.stream.att;
                if self.commit(None, vec![]).await? != Committed::Yes {
                    return Ok(());
                }
                self.stream.att = attempts;
                let at = if attempts <= 1 { now } else { wait(attempts) };
                self.count_attempt(at).await
            }
            Recovery::Rewind => {
                self.stream.trouble = Some(unexpected(&error));
                let attempts = self.stream.att;
                let at = if attempts <= 1 { now } else { wait(attempts) };
                self.count_attempt(at).await
            }
            Recovery::Abort => {
                let failed = StageError::Connector(error.chain());
                self.release(Next::Wait(wait(1)), None).await?;
                Err(abort(error).unwrap_or(failed))
            }
        }
    }

    /// A right may have been taken away: the next test says so for the whole component, and opens the gate if nobody
    /// can be waited for. A test that was made lately knows already.
    async fn ask_for_test(&self) -> Result<(), StageError> {
        let tested = self.connection.report.as_ref().map(|report| report.tested);
        let is_fresh = tested.is_some_and(|at| self.ctx.now() < at + TEST_FRESH);
        if is_fresh {
            Ok(())
        } else {
            nudge(self.ctx, &self.scope.stream("test")).await
        }
    }

    /// Ends the step and keeps the attempt; the wait grows with their number.
    async fn count_attempt(mut self, at: Timestamp) -> Result<(), StageError> {
        if self.stream.run.is_some() && self.stream.att > ATTEMPTS_MAX {
            self.finish(StreamState::Failed, None, vec![]).await?;
            return Ok(());
        }
        self.stream.caught_up = false;
        self.stream.wake = at.as_millisecond();
        self.give_back(None).await
    }
}

/// What a connection without a credential needs.
pub fn no_credential(connection: &ConnectionId) -> Cause {
    Cause::new(
        "credential",
        format!("the secret store has no credential of \"{connection}\""),
        "connect it again with its credential",
    )
}

/// Stops a connection with a cause; its test stream goes on probing.
pub async fn fail_connection(ctx: &Context, scope: &Scope, cause: Cause) -> Result<(), StageError> {
    let key = connection_key(&scope.connection);
    let found = ctx.state.get(std::slice::from_ref(&key)).await?;
    let Some(Some(item)) = found.first() else {
        return Ok(());
    };
    let connection: ConnectionItem = items::read(&key, item)?;
    if !connection.state.is_active() || connection.incarnation != scope.incarnation {
        return Ok(());
    }
    tracing::error!(connection = %scope.connection, cause = %cause, "connection stopped");
    let state = serde_json::to_value(ConnectionState::Failed { cause }).expect("states are plain");
    let sets = vec![Set::Add("v", 1.into()), Set::To("state", state)];
    let write = Write::update(key, Condition::Equal("v", connection.v.into()), sets);
    match ctx.state.write(write).await {
        Ok(_) | Err(StoreError::Refused { .. } | StoreError::Unknown | StoreError::Busy) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn unavailable(error: &ConnectorError) -> Cause {
    Cause::new(
        "unavailable",
        error.chain(),
        "it is tried again by itself with growing waits",
    )
}

fn unexpected(error: &ConnectorError) -> Cause {
    Cause::new(
        "unexpected-answer",
        error.chain(),
        "it is tried again by itself; report it if it stays",
    )
}

/// The fault on our side that is inside a connector's error, so that it keeps its own words.
fn abort(error: ConnectorError) -> Option<StageError> {
    match error {
        ConnectorError::Output(OutputError::Unusable { reason }) => {
            Some(StageError::Object(ObjectError::Unusable { reason }))
        }
        _ => None,
    }
}
