//! Lists of targets and plans: objects of the lake that are written once, and read a stretch at a time.

use std::ops::Range;
use std::sync::Arc;

use casbah_lake::layout::Place;
use casbah_lake::raw::RawSink;
use casbah_lake::{Line, ObjectEntry, read};
use casbah_model::ports::ObjectStore;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::context::Context;
use crate::error::StageError;

/// Stores some lines as objects at a place.
pub(crate) async fn store<T: Serialize>(
    ctx: &Context,
    place: Place,
    lines: &[T],
) -> Result<Vec<ObjectEntry>, StageError> {
    let objects: Arc<dyn ObjectStore> = ctx.patient_objects();
    let mut sink = RawSink::new(objects, place)?;
    for (number, line) in lines.iter().enumerate() {
        let raw = serde_json::to_vec(line).expect("lines are plain");
        let id = number.to_string();
        sink.line(Line {
            id: &id,
            version: "0",
            kind: "unit",
            of: None,
            raw: &raw,
        })
        .await?;
    }
    sink.accept().await?;
    Ok(sink.finish().await?.records)
}

/// Reads the lines with these numbers, counted over all objects of a list.
pub(crate) async fn load<T: DeserializeOwned>(
    ctx: &Context,
    list: &[ObjectEntry],
    wanted: Range<u64>,
) -> Result<Vec<T>, StageError> {
    let mut found = vec![];
    let mut first = 0;
    for object in list {
        let end = first + object.records;
        if end > wanted.start && first < wanted.end {
            let mut number = first;
            let mut failed = None;
            read::lines(&*ctx.objects, object, |line| {
                if wanted.contains(&number) {
                    match read::vendors(line).map(|raw| serde_json::from_slice(&raw)) {
                        Some(Ok(line)) => found.push(line),
                        Some(Err(error)) => failed = Some(error.to_string()),
                        None => failed = Some("a line is none of ours".into()),
                    }
                }
                number += 1;
            })
            .await?;
            if let Some(why) = failed {
                return Err(StageError::Connector(format!(
                    "object {} cannot be read: {why}",
                    object.name
                )));
            }
        }
        first = end;
    }
    Ok(found)
}
