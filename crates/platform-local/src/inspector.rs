//! Looking inside documents in this process, on a thread of its own.

use std::sync::Arc;

use async_trait::async_trait;
use casbah_inspect::{Detectors, Limits};
use casbah_model::inspection::Inspection;
use casbah_model::ports::Inspector;

/// What is looked for, and how far.
pub struct ThreadInspector {
    detectors: Arc<Detectors>,
    limits: Limits,
    edition: String,
}

impl ThreadInspector {
    pub fn new(detectors: Detectors, limits: Limits) -> ThreadInspector {
        ThreadInspector {
            edition: detectors.edition().into(),
            detectors: Arc::new(detectors),
            limits,
        }
    }
}

#[async_trait]
impl Inspector for ThreadInspector {
    fn bytes_max(&self) -> u64 {
        self.limits.bytes_max
    }

    fn edition(&self) -> &str {
        &self.edition
    }

    async fn inspect(&self, name: &str, document: Vec<u8>) -> Inspection {
        let (detectors, limits) = (Arc::clone(&self.detectors), self.limits.clone());
        let name = name.to_string();
        #[expect(
            clippy::disallowed_methods,
            reason = "joined below, and there are as many as lanes"
        )]
        let looking = tokio::task::spawn_blocking(move || {
            casbah_inspect::inspect(&detectors, &limits, &name, &document).into()
        });
        // A thread that panicked has said why by then.
        looking
            .await
            .unwrap_or_else(|_| Inspection::not("failed", None))
    }
}
