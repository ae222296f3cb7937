//! The classification of a file or folder, which is metadata of a template of Box's own (developer guides,
//! "Classifications"). Enterprises have it with Box Governance or Box Shield.

use casbah_connector::{ConnectorError, Order, Plan, Session};
use casbah_model::action::{ActionKind, Effect, Image, Undo};
use casbah_model::transport::Method;
use serde::Deserialize;
use serde_json::json;

use super::item::{Place, now, there, write};
use super::{Found, read, refused};
use crate::files::item::Kind;
use crate::permissions::CLASSIFICATION_SCHEMA;
use crate::wire::{Acting, Content};

/// The parameter that says which.
pub(super) const LABEL: &str = "label";

const KEY: &str = "Box__Security__Classification__Key";
const METADATA: &str = "metadata/enterprise/securityClassification-6VMVochwUWo";
const PATH: &str = "/Box__Security__Classification__Key";

#[derive(Deserialize)]
struct Instance {
    #[serde(rename = "Box__Security__Classification__Key", default)]
    label: Option<String>,
}

#[derive(Deserialize)]
struct Template {
    #[serde(default)]
    fields: Vec<Field>,
}

#[derive(Deserialize)]
struct Field {
    key: String,
    #[serde(default)]
    options: Vec<Choice>,
}

#[derive(Deserialize)]
struct Choice {
    key: String,
}

fn path(place: &Place) -> String {
    format!("{}/{METADATA}", place.path())
}

/// The metadata of an item, if it has any of this template.
async fn instance(session: &Session, place: &Place) -> Result<Option<Instance>, ConnectorError> {
    Ok(match read(session, &path(place), place.acting()).await? {
        Found::There(instance) => Some(instance),
        Found::Not(_) => None,
    })
}

fn image_of(instance: Option<&Instance>) -> Image {
    let label = instance.and_then(|instance| instance.label.as_deref());
    label.map_or_else(Image::default, |label| Image::default().with(LABEL, label))
}

pub(super) async fn image(
    session: &Session,
    order: Order<'_>,
) -> Result<Option<Image>, ConnectorError> {
    let place = Place::of(&order)?;
    match now(session, &place).await? {
        Ok(_) => Ok(Some(image_of(instance(session, &place).await?.as_ref()))),
        Err(other) => Ok(other),
    }
}

/// The names of the enterprise's classifications; none where there is no template.
async fn labels(session: &Session) -> Result<Option<Vec<String>>, ConnectorError> {
    let found = read::<Template>(session, CLASSIFICATION_SCHEMA, Acting::Ourselves).await?;
    let Found::There(template) = found else {
        return Ok(None);
    };
    let mut fields = template.fields.into_iter();
    let field = fields.find(|field| field.key == KEY);
    let options = field.map(|field| field.options).unwrap_or_default();
    Ok(Some(options.into_iter().map(|option| option.key).collect()))
}

pub(super) async fn plan(session: &Session, order: Order<'_>) -> Result<Plan, ConnectorError> {
    let place = Place::of(&order)?;
    let item = match there(session, &order, &place).await? {
        Ok(item) => item,
        Err(plan) => return Ok(plan),
    };
    let effect = effect(session, &order, &place).await?;
    Ok(Plan {
        label: item.name,
        effect,
    })
}

async fn effect(
    session: &Session,
    order: &Order<'_>,
    place: &Place,
) -> Result<Effect, ConnectorError> {
    if place.name.kind == Kind::WebLink {
        let what = "links to the web have no classification";
        return Ok(refused("web-link", what, "name a file or a folder"));
    }
    let Some(known) = labels(session).await? else {
        let what = "the enterprise has no classifications";
        let fix = "make some in the Admin Console; they come with Box Governance and Box Shield";
        return Ok(refused("not-licensed", what, fix));
    };
    let before = image_of(instance(session, place).await?.as_ref());
    let after = match (order.kind, order.parameters.get(LABEL)) {
        (ActionKind::ApplyLabel, Some(label)) if known.contains(label) => {
            Image::default().with(LABEL, label.as_str())
        }
        (ActionKind::ApplyLabel, label) => {
            let label = label.map_or("", String::as_str);
            let what = format!("\"{label}\" is no classification of the enterprise");
            let fix = format!("write one of {}", known.join(", "));
            return Ok(refused("parameter", what, fix));
        }
        _ => Image::default(),
    };
    if before == after {
        return Ok(Effect::Nothing);
    }
    Ok(Effect::Change {
        before,
        after,
        undo: Undo::Possible,
    })
}

/// Puts a label, another one, or none. A patch of a classification can replace and nothing else, so it is not tested by
/// the same call that it still is the label that was read (OpenAPI, "Update classification on file").
pub(super) async fn bring(
    session: &Session,
    order: Order<'_>,
    now: &Image,
    to: &Image,
) -> Result<(), ConnectorError> {
    let place = Place::of(&order)?;
    let found = instance(session, &place).await?;
    if !image_of(found.as_ref()).is_between(now, to) {
        return Ok(());
    }
    let (method, content) = match (found, to.get(LABEL)) {
        (None, None) => return Ok(()),
        (Some(_), None) => (Method::Delete, Content::Nothing),
        (None, Some(label)) => (Method::Post, Content::Json(json!({ KEY: label }))),
        (Some(_), Some(label)) => {
            let patch = json!([{ "op": "replace", "path": PATH, "value": label }]);
            (Method::Put, Content::Patch(patch))
        }
    };
    write(session, &place, method, &path(&place), content, None)
        .await
        .map(|_| ())
}
