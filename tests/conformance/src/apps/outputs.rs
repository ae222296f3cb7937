//! Where the suite puts what a connector reads: everything in a list, or nothing but counts.

use std::sync::Arc;

use async_trait::async_trait;
use casbah_connector::{ActivityOutput, Output, OutputError, RefusedRecord};
use casbah_model::activity::Activity;
use casbah_model::event::Event;
use casbah_model::record::Noun;

use super::observed::Flow;

/// Keeps all nouns.
#[derive(Debug)]
pub struct Kept<T> {
    pub nouns: Vec<T>,
    pub raw_bytes_max: usize,
    pub refused: Vec<(String, u64)>,
}

impl<T> Default for Kept<T> {
    fn default() -> Kept<T> {
        Kept {
            nouns: Vec::new(),
            raw_bytes_max: 0,
            refused: Vec::new(),
        }
    }
}

impl<T: Noun> Kept<T> {
    pub fn ids(&self) -> impl Iterator<Item = String> + '_ {
        self.nouns.iter().map(|noun| noun.id().to_string())
    }
}

#[async_trait]
impl<T: Noun> Output<T> for Kept<T> {
    async fn record(&mut self, noun: T, raw: &[u8]) -> Result<(), OutputError> {
        self.raw_bytes_max = self.raw_bytes_max.max(raw.len());
        self.nouns.push(noun);
        Ok(())
    }

    async fn refuse(&mut self, refused: RefusedRecord<'_>) -> Result<(), OutputError> {
        self.refused.push((refused.reason.into(), refused.bytes));
        Ok(())
    }
}

#[async_trait]
impl ActivityOutput for Kept<Activity> {
    async fn record(
        &mut self,
        activity: Activity,
        event: &Event<'_>,
        raw: &[u8],
    ) -> Result<(), OutputError> {
        assert_eq!(event.id.as_deref(), Some(activity.id.as_str()));
        assert_eq!(event.occurred, activity.occurred);
        Output::record(self, activity, raw).await
    }

    async fn refuse(&mut self, refused: RefusedRecord<'_>) -> Result<(), OutputError> {
        Output::refuse(self, refused).await
    }
}

/// Keeps nothing: whatever is in memory then is the connector's.
pub struct Counted {
    pub records: u64,
    pub flow: Arc<Flow>,
}

#[async_trait]
impl ActivityOutput for Counted {
    async fn record(
        &mut self,
        _activity: Activity,
        _event: &Event<'_>,
        raw: &[u8],
    ) -> Result<(), OutputError> {
        self.records += 1;
        self.flow.hand_on(raw.len() as u64);
        Ok(())
    }

    async fn refuse(&mut self, refused: RefusedRecord<'_>) -> Result<(), OutputError> {
        self.flow.hand_on(refused.bytes);
        Ok(())
    }
}
