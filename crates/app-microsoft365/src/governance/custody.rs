//! Custody by administrators: a file is copied into a folder of another drive, the copy is compared with it, it is thrown
//! away as it was compared, and a note lies where it was. The way back is the same with the copy.
//!
//! Nothing is moved to another drive ("driveItem: move"), so what comes back is another item: it is known by its folder,
//! its name and its content. The copy's monitor is at a host that differs between tenants ("Working with long running
//! actions") and is not asked: the copy itself is looked for.

use casbah_connector::{ConnectorError, Order, Session, told_apart};
use casbah_model::action::{Image, Undo};
use casbah_model::connection::Cause;
use casbah_model::file::Sharing;
use casbah_model::transport::Method;
use serde_json::json;

use super::item::{self, Item, Place};
use super::quarantine::{NAME, NAME_CHARS_MAX, PARENT, folder_gone};
use super::trash::remove;
use super::{Change, Seen, declined, send};
use crate::wire::segment;

/// The parameter that says where to.
pub(super) const TO: &str = "to";

/// The content by its hash, where the file belongs and in custody.
const CONTENT: &str = "content";
const KEPT: &str = "kept";
/// Whether the note lies where the file lay.
const NOTE: &str = "note";
const THERE: &str = "there";

/// A folder as calls name it in their path, and in their body.
struct Folder {
    place: Place,
    drive: String,
    id: String,
}

impl Folder {
    fn of(drive: &str, id: &str) -> Result<Folder, ConnectorError> {
        Ok(Folder {
            place: Place::at(drive, id)?,
            drive: drive.into(),
            id: id.into(),
        })
    }

    /// The administrators' folder.
    fn named(order: &Order<'_>) -> Result<Folder, ConnectorError> {
        let to = order.parameters.get(TO).map_or("", String::as_str);
        match to.split_once('/') {
            Some((drive, id)) => Folder::of(drive, id),
            None => Err(declined(
                "parameter",
                format!("\"{to}\" is no folder"),
                item::HOW_TO_NAME,
            )),
        }
    }
}

/// The file that is meant: as it was planned, or as it is while it is planned.
struct Meant {
    parent: String,
    name: String,
    content: String,
}

impl Meant {
    fn of_plan(image: &Image) -> Option<Meant> {
        Some(Meant {
            parent: image.get(PARENT)?.into(),
            name: image.get(NAME)?.into(),
            content: image.get(CONTENT)?.into(),
        })
    }

    fn of_item(item: &Item) -> Meant {
        Meant {
            parent: item.parent().unwrap_or_default().into(),
            name: item.name().into(),
            content: item.content().unwrap_or_default().into(),
        }
    }

    /// What the copy is called: files of one name come from many folders, and one file may come twice.
    fn copy(&self, id: &str) -> String {
        let letters = self.content.chars().filter(char::is_ascii_alphanumeric);
        let content: String = letters.take(8).collect();
        told_apart(&self.name, format!("{id} {content}"), NAME_CHARS_MAX)
    }

    fn note(&self, id: &str) -> String {
        let tail = format!(" (in quarantine, {id}).txt");
        let room = NAME_CHARS_MAX.saturating_sub(tail.chars().count());
        let stem: String = self.name.chars().take(room).collect();
        stem + &tail
    }
}

/// All that an action is about, as it is now.
struct Custody {
    folder: Folder,
    parent: Folder,
    meant: Meant,
    /// The file, or what came back in its place.
    file: Option<Item>,
    copy: Option<Item>,
    note: Option<Item>,
}

impl Custody {
    /// Reads a file and what became of it; `None` where nothing tells which is meant.
    async fn read(session: &Session, order: &Order<'_>) -> Result<Option<Custody>, ConnectorError> {
        let place = Place::of(order)?;
        let folder = Folder::named(order)?;
        let target = order.target;
        let original = item::find(session, &place).await?;
        let planned = order.planned_from.and_then(Meant::of_plan);
        let Some(meant) = planned.or_else(|| original.as_ref().map(Meant::of_item)) else {
            return Ok(None);
        };
        let drive = target.within.as_deref().unwrap_or_default();
        let parent = Folder::of(drive, &meant.parent)?;
        let copy = item::find_in(session, &folder.place, &meant.copy(&target.id)).await?;
        let note = item::find_in(session, &parent.place, &meant.note(&target.id)).await?;
        let file = match original {
            Some(item) => Some(item),
            None => item::find_in(session, &parent.place, &meant.name)
                .await?
                .filter(|back| back.content() == Some(meant.content.as_str())),
        };
        Ok(Some(Custody {
            folder,
            parent,
            meant,
            file,
            copy,
            note,
        }))
    }

    fn image(&self) -> Image {
        let mut image = Image::default();
        if let Some(file) = &self.file {
            let now = Meant::of_item(file);
            image = image
                .with(PARENT, now.parent)
                .with(NAME, now.name)
                .with(CONTENT, now.content);
        }
        let kept = self.copy.as_ref().and_then(Item::content);
        // A copy that is being made is none, nor is one that is not the same.
        if let Some(kept) = kept.filter(|kept| self.file.is_none() || *kept == self.meant.content) {
            image = image.with(KEPT, kept);
        }
        match self.note {
            Some(_) => image.with(NOTE, THERE),
            None => image,
        }
    }

    fn goal(&self) -> Image {
        let image = Image::default();
        let kept = self.meant.content.as_str();
        image.with(KEPT, kept).with(NOTE, THERE)
    }
}

pub(super) async fn see(
    session: &Session,
    order: Order<'_>,
) -> Result<Option<Seen>, ConnectorError> {
    let Some(custody) = Custody::read(session, &order).await? else {
        return seen_kept(session, &order).await;
    };
    let Some(file) = &custody.file else {
        return Ok(None);
    };
    let obstacle = match obstacle(file, &custody.folder) {
        Some(cause) => Some(cause),
        None => obstacle_of_folder(session, &custody.folder).await?,
    };
    Ok(Some(Seen {
        label: format!("{} (without its sharing)", file.name()),
        image: custody.image(),
        goal: custody.goal(),
        obstacle,
        undo: Undo::Possible,
    }))
}

/// A file that is kept already: nobody tells what it was called, but its copy has its id in its name.
async fn seen_kept(session: &Session, order: &Order<'_>) -> Result<Option<Seen>, ConnectorError> {
    let folder = Folder::named(order)?;
    let items = item::children(session, &folder.place).await?;
    let mark = format!("({} ", order.target.id);
    let kept = items.iter().find(|item| item.name().contains(&mark));
    Ok(kept.map(|copy| {
        let image = Image::default().with(KEPT, copy.content().unwrap_or_default());
        Seen {
            label: copy.name().into(),
            goal: image.clone(),
            image,
            obstacle: None,
            undo: Undo::Possible,
        }
    }))
}

pub(super) async fn verify(
    session: &Session,
    order: Order<'_>,
) -> Result<Option<Image>, ConnectorError> {
    let custody = Custody::read(session, &order).await?;
    Ok(custody.map(|custody| custody.image()))
}

/// Why an item cannot be kept.
fn obstacle(item: &Item, folder: &Folder) -> Option<Cause> {
    if item.is_root() || item.is_folder() {
        let what = "folders are not copied, compared and thrown away as one";
        return Some(Cause::new("folder", what, "name the files that lie in it"));
    }
    if item.content().is_none_or(str::is_empty) {
        let what = "Microsoft 365 tells no hash of it, so that a copy cannot be compared";
        let fix = "quarantine it within its drive, by quarantine";
        return Some(Cause::new("no-hash", what, fix));
    }
    (item.parent() == Some(folder.id.as_str())).then(|| {
        let what = "it lies in the administrators' folder";
        Cause::new("quarantine", what, "name a file that lies elsewhere")
    })
}

/// Why nothing can be kept in a folder.
async fn obstacle_of_folder(
    session: &Session,
    folder: &Folder,
) -> Result<Option<Cause>, ConnectorError> {
    let to = format!("{}/{}", folder.drive, folder.id);
    let found = item::find(session, &folder.place).await?;
    if !found.as_ref().is_some_and(Item::is_folder) {
        let what = format!("there is no folder {to}");
        let fix = "make one in a site that only administrators see, and write DRIVE/ITEM as the records of files have it";
        return Ok(Some(Cause::new("parameter", what, fix)));
    }
    let grants = item::grants(session, &folder.place).await?;
    let mut grants = grants.unwrap_or_default().into_iter();
    let is_open = grants.any(|grant| grant.is_link() || grant.sharing >= Sharing::External);
    Ok(is_open.then(|| {
        let what = format!("the folder {to} is shared by a link or with people outside");
        Cause::new("quarantine-shared", what, "make it private first")
    }))
}

/// Takes the next step to an image: a copy, or the end of what was copied and is the same.
///
/// What is there is read first. When it is not as it was a moment ago nothing is sent, and whoever reads next sees what it
/// is.
pub(super) async fn bring(
    session: &Session,
    order: Order<'_>,
    now: &Image,
    to: &Image,
) -> Result<(), ConnectorError> {
    let Some(custody) = Custody::read(session, &order).await? else {
        return Ok(());
    };
    let image = custody.image();
    if !image.is_between(now, to) {
        return Ok(());
    }
    let id = &order.target.id;
    match to.get(KEPT) {
        Some(_) => custody.take(session, &Place::of(&order)?, id, &image).await,
        None => custody.give_back(session, &image).await,
    }
}

impl Custody {
    async fn take(
        &self,
        session: &Session,
        place: &Place,
        id: &str,
        image: &Image,
    ) -> Result<(), ConnectorError> {
        if image.get(KEPT).is_none() {
            if self.copy.is_some() {
                return Err(differs(
                    "the copy in the administrators' folder is not the same, or is being made",
                ));
            }
            return copy(session, place, &self.folder, &self.meant.copy(id)).await;
        }
        // What came back from custody, or was put there by somebody, is not the file that is meant.
        if let Some(file) = self.file.as_ref().filter(|file| file.id == *id) {
            remove(session, place, file).await?;
        }
        if self.note.is_some() {
            return Ok(());
        }
        let name = segment(&self.meant.note(id))?;
        let path = format!(":/{name}:/content?@microsoft.graph.conflictBehavior=fail");
        let text = format!(
            "\"{}\" was moved to quarantine by an administrator.\r\nAsk your security team for it, and tell them this: {id}\r\n",
            self.meant.name
        );
        let change = Change::file(Method::Put, self.parent.place.path(&path));
        send(session, change.with_text(text)).await
    }

    async fn give_back(&self, session: &Session, image: &Image) -> Result<(), ConnectorError> {
        if image.get(CONTENT).is_none() {
            return self.copy_back(session).await;
        }
        if let Some(kept) = &self.copy {
            remove(session, &self.folder.place.beside(&kept.id)?, kept).await?;
        }
        if let Some(note) = &self.note {
            remove(session, &self.parent.place.beside(&note.id)?, note).await?;
        }
        Ok(())
    }

    async fn copy_back(&self, session: &Session) -> Result<(), ConnectorError> {
        let Some(kept) = &self.copy else {
            return Err(declined(
                "copy-gone",
                "the copy is not in the administrators' folder any more",
                "take it out of the recycle bin of that site",
            ));
        };
        let name = &self.meant.name;
        let parent = &self.parent.place;
        if item::find_in(session, parent, name).await?.is_some() {
            let what = "something else of its name lies where it was, or it is being copied back";
            return Err(differs(what));
        }
        let place = self.folder.place.beside(&kept.id)?;
        match copy(session, &place, &self.parent, name).await {
            Err(ConnectorError::Gone { .. }) => Err(folder_gone()),
            done => done,
        }
    }
}

fn differs(what: &str) -> ConnectorError {
    ConnectorError::Locked {
        cause: Cause::new(
            "copy-differs",
            what,
            "it is looked at again; SharePoint rewrites some Office files when it copies them, which then have to be moved by hand",
        ),
    }
}

/// Has a file copied, with its versions, unless there is something of this name ("driveItem: copy").
async fn copy(
    session: &Session,
    from: &Place,
    folder: &Folder,
    name: &str,
) -> Result<(), ConnectorError> {
    let path = from.path("/copy?@microsoft.graph.conflictBehavior=fail");
    let body = json!({
        "parentReference": { "driveId": folder.drive, "id": folder.id },
        "name": name,
        "includeAllVersionHistory": true,
    });
    send(session, Change::file(Method::Post, path).with(body)).await
}
