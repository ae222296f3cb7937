//! Items that an event named, read again by themselves: there is no delta of a tree, and a walk takes a call per folder.

use casbah_connector::{ConnectorError, Output, Session};
use casbah_http::{CallError, RefusalKind};
use casbah_model::file::{File, FileChange, Root};
use casbah_model::record::RecordId;
use futures::StreamExt;
use serde_json::value::RawValue;

use super::calls::{FIELDS, as_user, is_hidden, not_documented, standing, unreadable};
use super::collaborations::{self, IN_FLIGHT};
use super::exposure::Owner;
use super::item::{self, Found, Name, Pending};
use crate::wire::ANSWER_BYTES_MAX;

/// A record, and our reading of it.
type Line = (File, Box<RawValue>);

/// Writes what the named items are now. Without any it only makes sure that the user is there.
///
/// What lies in a folder that was moved, restored or copied is found by the next walk; how far it is visible follows
/// from the folder at once.
pub(super) async fn read(
    session: &Session,
    root: &Root,
    items: &[String],
    out: &mut dyn Output<File>,
) -> Result<(), ConnectorError> {
    let mut names: Vec<Name> = items.iter().filter_map(|word| Name::read(word)).collect();
    names.sort_unstable();
    names.dedup();
    let asked = names.into_iter().map(|name| of_name(session, root, name));
    let mut answers = futures::stream::iter(asked).buffered(IN_FLIGHT);
    let mut lines = vec![];
    let mut is_any_hidden = items.is_empty();
    while let Some(answer) = answers.next().await {
        let (found, is_hidden) = answer?;
        lines.extend(found);
        is_any_hidden |= is_hidden;
    }
    // Items are hidden also when it is the user who is gone.
    if is_any_hidden {
        standing(session, root).await?;
    }
    for (file, raw) in lines {
        out.record(file, raw.get().as_bytes()).await?;
    }
    Ok(())
}

/// The lines of one item, and whether it is not for us to see.
async fn of_name(
    session: &Session,
    root: &Root,
    name: Name,
) -> Result<(Vec<Line>, bool), ConnectorError> {
    let path = format!("/{}/{}?fields={FIELDS}", name.kind.path(), name.id);
    let call = as_user(session, root, &path)?;
    let raw = match session.send(&call).await {
        Ok(answer) => answer.json::<Box<RawValue>>(ANSWER_BYTES_MAX).await?,
        Err(CallError::Refused { refusal, .. }) if is_hidden(&refusal) => {
            // What is not found is gone, in the trash, or taken from the user: it is not in the tree any more.
            let change = match refusal.kind {
                RefusalKind::Forbidden => FileChange::Unreadable,
                _ => FileChange::Removed,
            };
            let line = line(name.key(root), change, unreadable(&refusal)?);
            return Ok((vec![line], true));
        }
        Err(error) => return Err(error.into()),
    };
    let domains = &session.tenant().domains;
    let item =
        item::read(root, domains, Found::Alone, raw.get().as_bytes()).map_err(not_documented)?;
    // The tree of its owner has it. Whether it lies in a folder of ours as well is for the walk to say.
    if item.owner == Owner::Inside {
        return Ok((vec![], false));
    }
    let pending = Pending {
        name,
        known: item.known,
    };
    let change = FileChange::Permissions(item.known);
    let reasons = item.reasons.map(|why| line(name.key(root), change, why));
    let mut lines = vec![(item.file, raw)];
    lines.extend(reasons);
    if item.has_collaborations {
        let seen = collaborations::of_item(session, root, pending).await?;
        let pages = seen.pages.into_iter();
        lines.extend(pages.map(|page| line(name.key(root), seen.change, page)));
    }
    Ok((lines, false))
}

fn line(id: RecordId, change: FileChange, raw: Box<RawValue>) -> Line {
    let file = File {
        id,
        parent: None,
        change,
        modified: None,
    };
    (file, raw)
}
