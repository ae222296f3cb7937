//! Replacing an object that others replace, too.

use casbah_http::retry;
use casbah_model::ports::ObjectError;

use crate::context::Context;
use crate::step::ms_duration;

/// Tries to replace one object, others replacing it as well, or the store being busy.
const REPLACE_TRIES_MAX: u32 = 8;

/// How often an object could not be replaced.
#[derive(Default)]
pub(crate) struct Tries(u32);

impl Tries {
    /// Waits before the next try.
    ///
    /// # Errors
    /// The error, if it does not pass by itself; and when there were too many.
    pub(crate) async fn again(
        &mut self,
        ctx: &Context,
        name: &str,
        error: ObjectError,
    ) -> Result<(), ObjectError> {
        let is_passing = matches!(
            error,
            ObjectError::Different { .. } | ObjectError::Unavailable { .. }
        );
        if !is_passing {
            return Err(error);
        }
        self.0 += 1;
        if self.0 == REPLACE_TRIES_MAX {
            let (name, reason) = (
                name.into(),
                "others replace it all the time, or the store is busy".into(),
            );
            return Err(ObjectError::Unavailable { name, reason });
        }
        let wait = retry::quick_wait(self.0, ctx.rng.fraction());
        ctx.sleep(ms_duration(wait)).await;
        Ok(())
    }
}
