//! Notices as lines of the log: on one machine, who runs the command reads it.

use async_trait::async_trait;
use casbah_model::ports::{Notice, Notifier, NotifyError};

pub struct LogNotifier;

#[async_trait]
impl Notifier for LogNotifier {
    async fn notify(&self, notice: &Notice) -> Result<(), NotifyError> {
        let connection = notice.connection.as_ref().map(|name| name.as_str());
        tracing::warn!(code = %notice.code, connection, text = %notice.text, "{}", notice.subject);
        Ok(())
    }
}
