//! Into the trash and out of it, where it was.

use casbah_connector::{ConnectorError, Order, Plan, Session};
use casbah_model::action::{ActionKind, Effect, Image, Undo};
use casbah_model::transport::Method;
use serde_json::json;

use super::item::{Place, Standing, find, gone, there, write};
use super::refused;
use crate::wire::Content;

const STATUS: &str = "status";
const ACTIVE: &str = "active";
const TRASHED: &str = "trashed";
const WITH_FOLDER: &str = "trashed with its folder";

fn image_of(status: &str) -> Image {
    Image::default().with(STATUS, status)
}

pub(super) async fn image(
    session: &Session,
    order: Order<'_>,
) -> Result<Option<Image>, ConnectorError> {
    let place = Place::of(&order)?;
    let status = match find(session, &place).await? {
        Standing::There(_) => ACTIVE,
        Standing::Trashed(_) => TRASHED,
        Standing::WithFolder => WITH_FOLDER,
        Standing::Gone => return Ok(None),
    };
    Ok(Some(image_of(status)))
}

pub(super) async fn plan(session: &Session, order: Order<'_>) -> Result<Plan, ConnectorError> {
    let place = Place::of(&order)?;
    let change = |before: &str, after: &str| Effect::Change {
        before: image_of(before),
        after: image_of(after),
        undo: Undo::Possible,
    };
    let is_trash = order.kind == ActionKind::Trash;
    let (label, effect) = match find(session, &place).await? {
        Standing::There(_) if is_trash => match there(session, &order, &place).await? {
            Ok(item) => (item.name, change(ACTIVE, TRASHED)),
            Err(plan) => return Ok(plan),
        },
        Standing::There(item) => (item.name, Effect::Nothing),
        Standing::Trashed(item) if is_trash => (item.name, Effect::Nothing),
        Standing::Trashed(item) => (item.name, change(TRASHED, ACTIVE)),
        Standing::WithFolder => {
            let what = "it lies in a folder that is in the trash";
            let fix = "restore that folder, which brings it back";
            let effect = match is_trash {
                true => Effect::Nothing,
                false => refused("trashed-with-folder", what, fix),
            };
            (order.target.to_string(), effect)
        }
        Standing::Gone => return Ok(gone(&order)),
    };
    Ok(Plan { label, effect })
}

/// Throws an item away with all that lies in it, or takes it out again, as whatever it is to be. Nothing is sent where
/// it is neither there nor in the trash by itself.
pub(super) async fn bring(
    session: &Session,
    order: Order<'_>,
    to: &Image,
) -> Result<(), ConnectorError> {
    let place = Place::of(&order)?;
    let path = place.path();
    match (find(session, &place).await?, to.get(STATUS)) {
        (Standing::There(item), Some(TRASHED)) => {
            let path = match place.is_folder() {
                true => format!("{path}?recursive=true"),
                false => path,
            };
            let (etag, nothing) = (item.etag.as_deref(), Content::Nothing);
            write(session, &place, Method::Delete, &path, nothing, etag).await?;
        }
        (Standing::Trashed(_), Some(ACTIVE)) => {
            let body = Content::Json(json!({}));
            write(session, &place, Method::Post, &path, body, None).await?;
        }
        _ => {}
    }
    Ok(())
}
