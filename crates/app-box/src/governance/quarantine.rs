//! The folder of each user into which what is quarantined is moved: their own, named `Quarantine`, in their root folder.

use std::ops::ControlFlow;

use casbah_connector::{ConnectorError, Session};
use casbah_model::transport::Method;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;

use super::each;
use super::item::{Folder, Item, Place, write};
use crate::wire::{ANSWER_BYTES_MAX, Content};

/// The folder's name, and what images call it, because it may have to be made first.
pub(super) const QUARANTINE: &str = "Quarantine";

/// Box keeps no longer names (OpenAPI, "Create folder", `name`).
const NAME_CHARS_MAX: usize = 255;
/// What is longer after the last dot is no ending.
const ENDING_BYTES_MAX: usize = 16;

#[derive(Deserialize)]
struct Entry {
    id: String,
    r#type: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    shared_link: Option<IgnoredAny>,
    #[serde(default)]
    has_collaborations: Option<bool>,
}

/// The folder of an owner.
pub(super) struct Quarantine {
    pub(super) id: String,
    /// Others can see what lies in it.
    pub(super) is_shared: bool,
}

/// The folder an item lies in, as images have it.
pub(super) fn parent(item: &Item) -> String {
    match item.folder() {
        (Some(folder), 1) if folder.name.as_deref() == Some(QUARANTINE) => QUARANTINE.into(),
        (Some(folder), _) => folder.id.clone(),
        (None, _) => "0".into(),
    }
}

/// What an item is called there, where things of one name come from many folders: `plan (22).xlsx`.
pub(super) fn name(name: &str, id: u64) -> String {
    let (stem, ending) = match name.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() && ending.len() < ENDING_BYTES_MAX => {
            (stem, format!(".{ending}"))
        }
        _ => (name, String::new()),
    };
    let tail = format!(" ({id}){ending}");
    let room = NAME_CHARS_MAX - tail.chars().count();
    let stem: String = stem.chars().take(room).collect();
    stem + &tail
}

pub(super) async fn find(
    session: &Session,
    place: &Place,
) -> Result<Option<Quarantine>, ConnectorError> {
    let path = "/folders/0/items?fields=id,type,name,shared_link,has_collaborations";
    let mut found = None;
    each(session, path, place.acting(), |entry: Entry| {
        if entry.r#type != "folder" || entry.name != QUARANTINE {
            return ControlFlow::Continue(());
        }
        found = Some(Quarantine {
            is_shared: entry.shared_link.is_some() || entry.has_collaborations == Some(true),
            id: entry.id,
        });
        ControlFlow::Break(())
    })
    .await?;
    Ok(found)
}

/// The id of the folder that an image names; that of the quarantine is made where there is none yet.
pub(super) async fn id_of(
    session: &Session,
    place: &Place,
    parent: &str,
) -> Result<String, ConnectorError> {
    if parent != QUARANTINE {
        return Ok(parent.into());
    }
    if let Some(found) = find(session, place).await? {
        return Ok(found.id);
    }
    let body = Content::Json(json!({ "name": QUARANTINE, "parent": { "id": "0" } }));
    let answer = write(session, place, Method::Post, "/folders", body, None).await?;
    let made: Folder = answer.json(ANSWER_BYTES_MAX).await?;
    Ok(made.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart_and_keep_their_endings() {
        assert_eq!(name("plan.xlsx", 22), "plan (22).xlsx");
        assert_eq!(name(".profile", 22), ".profile (22)");
        assert_eq!(
            name("Dr. Who and the rest of it", 22),
            "Dr. Who and the rest of it (22)"
        );
        let long = name(&format!("{}.pdf", "é".repeat(251)), 22);
        assert_eq!(long.chars().count(), 255);
        assert!(long.ends_with("é (22).pdf"), "{long}");
    }
}
