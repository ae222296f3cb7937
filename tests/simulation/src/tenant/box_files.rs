//! What must have been found of the files of an enterprise of Box: in each tree what its owner has, as far visible as it is.

use std::collections::BTreeMap;

use casbah_model::collection::Collection;
use casbah_pipeline::StageError;
use casbah_pipeline::view::{Answer, Filter, Question, page};
use casbah_simulators::box_com::{Holdings, Simulator, Status};
use serde_json::Value;

use super::{Reader, sets};

/// Rows of one answer.
const LIMIT: usize = 1000;

/// How far things are visible, by their names.
type Classes = BTreeMap<String, String>;

/// Compares how far each file is visible, by `root item`, and by `item` where somebody outside owns it.
pub async fn difference(
    seen: &Reader<'_>,
    simulator: &Simulator,
    holds: &Holdings,
) -> Result<Option<String>, StageError> {
    let (mut there, mut outside) = (Classes::new(), Classes::new());
    simulator.each_item(|item| {
        let id = match item.kind {
            "folder" => return,
            "file" => item.id,
            kind => format!("{kind}:{}", item.id),
        };
        let class = item.sharing.name().to_string();
        match item.owner_status {
            _ if item.is_trashed => {}
            Some(Status::Inactive) => {}
            Some(_) => drop(there.insert(format!("{} {id}", item.owner), class)),
            None if item.is_in_reach => drop(outside.insert(id, class)),
            None => {}
        }
    });
    let is_inactive = |root: &str| {
        let user = holds.users.get(root);
        user.is_some_and(|user| user.status == Status::Inactive)
    };
    let (mut found, mut found_outside) = (Classes::new(), Classes::new());
    for (root, id, class) in files(seen).await? {
        // What was known of somebody stays when nobody may look any more.
        if is_inactive(&root) {
            continue;
        }
        match outside.contains_key(&id) {
            true => drop(found_outside.insert(id, class)),
            false => drop(found.insert(format!("{root} {id}"), class)),
        }
    }
    let differs = classes("files", &found, &there);
    Ok(differs.or_else(|| classes("files of others", &found_outside, &outside)))
}

fn classes(what: &str, found: &Classes, there: &Classes) -> Option<String> {
    if let Some(what) = sets(what, found.keys(), there.keys()) {
        return Some(what);
    }
    let mut pairs = found.iter().zip(there.values());
    let wrong = pairs.find(|((_, found), there)| found != there);
    wrong.map(|((id, found), there)| format!("{what}: {id} is {found} instead of {there}"))
}

/// Root, item and class of every file that is listed to those who ask.
async fn files(seen: &Reader<'_>) -> Result<Vec<(String, String, String)>, StageError> {
    let mut files = vec![];
    let mut question = Question {
        collection: Collection::Files,
        filter: Filter::default(),
        after: None,
        limit: LIMIT,
    };
    loop {
        let answer = page(seen.ctx, seen.connection, &question).await?;
        // Trees this small are there at once; one that is being built is looked at again at the next check.
        let Answer::Ready { items, next, .. } = answer else {
            return Ok(files);
        };
        files.extend(items.iter().filter_map(file));
        match next {
            Some(next) => question.after = Some(next),
            None => return Ok(files),
        }
    }
}

fn file(row: &Value) -> Option<(String, String, String)> {
    let text = |name: &str| row[name].as_str();
    let (root, id) = text("id")?.rsplit_once('/')?;
    let is_file = text("kind") == Some("file");
    is_file.then(|| (root.into(), id.into(), text("sharing").unwrap_or("").into()))
}
