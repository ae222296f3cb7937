//! Into the recycle bin ("Delete driveItem"). There is no way out of it for applications ("driveItem: restore" is for
//! personal accounts), so nothing is promised.

use casbah_connector::{ConnectorError, Order, Session};
use casbah_model::action::{Image, Undo};
use casbah_model::connection::Cause;
use casbah_model::transport::Method;

use super::item::{self, Item, Place};
use super::{Change, Seen, send};

pub(super) const NO_WAY_BACK: &str =
    "only people take things out of a recycle bin, within 93 days in SharePoint and OneDrive";

const ID: &str = "id";
const STATUS: &str = "status";

fn image(id: &str, status: &str) -> Image {
    Image::default().with(ID, id).with(STATUS, status)
}

/// What is not there is in the recycle bin or gone for good, which looks the same.
pub(super) async fn see(
    session: &Session,
    order: Order<'_>,
) -> Result<Option<Seen>, ConnectorError> {
    let place = Place::of(&order)?;
    let id = &order.target.id;
    let goal = image(id, "gone");
    let Some(item) = item::find(session, &place).await? else {
        return Ok(Some(Seen {
            label: order.target.to_string(),
            image: goal.clone(),
            goal,
            obstacle: None,
            undo: Undo::Never(NO_WAY_BACK.into()),
        }));
    };
    let obstacle = item.is_root().then(|| {
        let what = "it is the drive's topmost folder";
        Cause::new("root", what, "name what lies in it")
    });
    Ok(Some(Seen {
        label: item.name().into(),
        image: image(id, "there"),
        goal,
        obstacle,
        undo: Undo::Never(NO_WAY_BACK.into()),
    }))
}

/// Throws an item away with all that lies in it, if it still is what was read.
pub(super) async fn bring(session: &Session, order: Order<'_>) -> Result<(), ConnectorError> {
    let place = Place::of(&order)?;
    match item::find(session, &place).await? {
        Some(item) => remove(session, &place, &item).await,
        None => Ok(()),
    }
}

/// Throws an item away, if it still is what was read; what is gone is no failure.
pub(super) async fn remove(
    session: &Session,
    place: &Place,
    item: &Item,
) -> Result<(), ConnectorError> {
    let change = Change::file(Method::Delete, place.path("")).if_still(item.e_tag.clone());
    match send(session, change).await {
        Ok(()) | Err(ConnectorError::Gone { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}
