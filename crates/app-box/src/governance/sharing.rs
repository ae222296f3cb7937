//! Who sees an item by its own link and collaborations, and the folder it lies in: how it is, how it is to be, and the
//! calls from one to the other.
//!
//! What an item has from the folders above it is theirs, and is taken there.

use casbah_connector::{ConnectorError, Order, Plan, Session, told_apart};
use casbah_model::Timestamp;
use casbah_model::action::{ActionKind, Effect, Image, Undo};
use casbah_model::transport::Method;
use serde_json::json;

use super::item::{self, Item, Place, there, write};
use super::link::{Access, Link, NO_PASSWORD, NO_WAY_BACK};
use super::people::{self, PERSON, Person, until_key};
use super::quarantine::{self, NAME_CHARS_MAX, QUARANTINE};
use super::{declined, refused};
use crate::wire::{Content, moment};

/// The parameters that say for whom a link is to be, and until when.
pub(super) const ACCESS: &str = "access";
pub(super) const AT: &str = "at";

const LINK: &str = "link";
const PARENT: &str = "parent";
const NAME: &str = "name";

/// An item as far as an action is about it.
struct Seen {
    item: Item,
    people: Vec<Person>,
}

impl Seen {
    async fn of(
        session: &Session,
        order: &Order<'_>,
        place: &Place,
        item: Item,
    ) -> Result<Seen, ConnectorError> {
        let mut people = match order.kind {
            ActionKind::RemoveLink | ActionKind::NarrowLink | ActionKind::ExpireLink => vec![],
            _ => people::all(session, place).await?,
        };
        let named = order.parameters.get(PERSON);
        people.retain(|person| match order.kind {
            ActionKind::RemovePerson => named.is_some_and(|named| person.is_named(named)),
            ActionKind::RemoveExternal => person.is_outside,
            _ => true,
        });
        Ok(Seen { item, people })
    }

    fn link(&self) -> Option<Link> {
        self.item.shared_link.as_ref().map(Link::told)
    }

    fn image(&self, kind: ActionKind) -> Image {
        let mut image = Image::default();
        let is_of_people = matches!(kind, ActionKind::RemovePerson | ActionKind::RemoveExternal);
        if let Some(link) = self.link().filter(|_| !is_of_people) {
            image = image.with(LINK, link.to_string());
        }
        if kind == ActionKind::Quarantine {
            image = image
                .with(PARENT, quarantine::parent(&self.item))
                .with(NAME, self.item.name.as_str());
        }
        for person in &self.people {
            image = image.with(person.key.as_str(), person.role.as_str());
            if let Some(until) = person.until {
                image = image.with(person.until_key(), until.to_string());
            }
        }
        image
    }

    fn without_people(&self, mut image: Image) -> Image {
        for person in &self.people {
            image = image.without(&person.key).without(&person.until_key());
        }
        image
    }
}

pub(super) async fn plan(session: &Session, order: Order<'_>) -> Result<Plan, ConnectorError> {
    let place = Place::of(&order)?;
    let item = match there(session, &order, &place).await? {
        Ok(item) => item,
        Err(plan) => return Ok(plan),
    };
    let seen = Seen::of(session, &order, &place, item).await?;
    let effect = match order.kind {
        // Without them everybody would be a stranger.
        ActionKind::RemoveExternal if session.tenant().domains.is_empty() => refused(
            "domains",
            "nobody knows which mail domains are the enterprise's own",
            "run `casbah test`, or name them in the setting domains",
        ),
        ActionKind::Quarantine => quarantine_effect(session, &order, &place, &seen).await?,
        _ => effect(session.now(), &order, &seen),
    };
    Ok(Plan {
        label: seen.item.name,
        effect,
    })
}

pub(super) async fn image(
    session: &Session,
    order: Order<'_>,
) -> Result<Option<Image>, ConnectorError> {
    let place = Place::of(&order)?;
    match item::now(session, &place).await? {
        Ok(item) => {
            let seen = Seen::of(session, &order, &place, item).await?;
            Ok(Some(seen.image(order.kind)))
        }
        Err(other) => Ok(other),
    }
}

fn effect(now: Timestamp, order: &Order<'_>, seen: &Seen) -> Effect {
    let before = seen.image(order.kind);
    let parameter = |name: &str| order.parameters.get(name).map_or("", String::as_str);
    let link = seen.link();
    let after = match order.kind {
        ActionKind::RemoveLink => before.clone().without(LINK),
        ActionKind::NarrowLink => match Access::of(parameter(ACCESS)) {
            Some(access) if access != Access::Open => narrowed(before.clone(), link, access),
            _ => {
                let what = format!("a link cannot be narrowed to \"{}\"", parameter(ACCESS));
                return refused("parameter", what, "write company or collaborators");
            }
        },
        ActionKind::ExpireLink => match moment(parameter(AT)).filter(|at| *at > now) {
            Some(at) => ending(before.clone(), link, at),
            None => {
                let what = format!("\"{}\" is no time to come", parameter(AT));
                let fix = "write a time such as 2026-12-24T18:00:00Z";
                return refused("parameter", what, fix);
            }
        },
        ActionKind::MakePrivate => {
            seen.without_people(narrowed(before.clone(), link, Access::Collaborators))
        }
        _ => seen.without_people(before.clone()),
    };
    change(seen, before, after)
}

/// The change from one image to the other, and whether all of it can be put back.
fn change(seen: &Seen, before: Image, after: Image) -> Effect {
    if before == after {
        return Effect::Nothing;
    }
    let mut whys = vec![];
    let link = |image: &Image| image.get(LINK).and_then(Link::of);
    match (link(&before), link(&after)) {
        (Some(_), None) => whys.push(NO_WAY_BACK),
        (Some(old), Some(new)) if old.has_password && !new.has_password => whys.push(NO_PASSWORD),
        _ => {}
    }
    let mut removed = seen.people.iter();
    whys.extend(removed.find_map(Person::obstacle));
    let undo = match whys.is_empty() {
        true => Undo::Possible,
        false => Undo::Never(whys.join("; ")),
    };
    Effect::Change {
        before,
        after,
        undo,
    }
}

/// A link for fewer people, at the address it has.
fn narrowed(image: Image, link: Option<Link>, access: Access) -> Image {
    match link.filter(|link| link.access > access) {
        Some(link) => image.with(LINK, link.with_access(access).to_string()),
        None => image,
    }
}

/// A link that ends no later than asked for. Seconds are as fine as Box tells it.
fn ending(image: Image, link: Option<Link>, at: Timestamp) -> Image {
    let at = Timestamp::from_second(at.as_second()).unwrap_or(at);
    match link.filter(|link| link.until.is_none_or(|until| until > at)) {
        Some(link) => image.with(LINK, link.with_end(at).to_string()),
        None => image,
    }
}

/// Its link stays, for nobody but who works on it, because a link that is made again has another address.
async fn quarantine_effect(
    session: &Session,
    order: &Order<'_>,
    place: &Place,
    seen: &Seen,
) -> Result<Effect, ConnectorError> {
    let folder = quarantine::find(session, place).await?;
    if let Some(folder) = folder {
        if place.is_folder() && folder.id == place.name.id.to_string() {
            let what = "it is the folder that things are quarantined in";
            let fix = "name what lies in it";
            return Ok(refused("quarantine", what, fix));
        }
        if folder.is_shared {
            let what = format!("the owner's folder {QUARANTINE} is shared");
            let fix = "make it private first, by make-private";
            return Ok(refused("quarantine-shared", what, fix));
        }
    }
    let before = seen.image(order.kind);
    let after = match before.get(PARENT) {
        Some(QUARANTINE) => before.clone(),
        _ => before.clone().with(PARENT, QUARANTINE).with(
            NAME,
            told_apart(&seen.item.name, place.name.id, NAME_CHARS_MAX),
        ),
    };
    let after = narrowed(after, seen.link(), Access::Collaborators);
    let after = seen.without_people(after);
    Ok(change(seen, before, after))
}

/// Brings an item to an image, each call once: link and folder in one, then who is to go, then who is to come.
///
/// The item is read first, because a change is made only to the etag that was read. When it is not as it was a moment
/// ago nothing is sent, and whoever reads next sees what it is.
pub(super) async fn bring(
    session: &Session,
    order: Order<'_>,
    now: &Image,
    to: &Image,
) -> Result<(), ConnectorError> {
    let place = Place::of(&order)?;
    let Ok(item) = item::now(session, &place).await? else {
        return Ok(());
    };
    let seen = Seen::of(session, &order, &place, item).await?;
    let image = seen.image(order.kind);
    if !image.is_between(now, to) {
        return Ok(());
    }
    bring_item(session, &place, &seen, &image, to).await?;
    for person in &seen.people {
        if to.get(&person.key).is_none() {
            people::remove(session, &place, person).await?;
        }
    }
    for (key, _) in to.iter().filter(|(key, _)| is_of_person(key)) {
        if image.get(key).is_none() {
            people::let_in(session, &place, key, to).await?;
        }
    }
    Ok(())
}

/// Whether a name in an image is somebody.
fn is_of_person(key: &str) -> bool {
    !matches!(key, LINK | PARENT | NAME) && !key.starts_with(&until_key(""))
}

async fn bring_item(
    session: &Session,
    place: &Place,
    seen: &Seen,
    now: &Image,
    to: &Image,
) -> Result<(), ConnectorError> {
    let mut body = json!({});
    if now.get(LINK) != to.get(LINK) {
        body["shared_link"] = match to.get(LINK) {
            None => json!(null),
            Some(text) => {
                let link = Link::of(text).ok_or_else(unknown_link)?;
                link.body(seen.link().as_ref(), place.name.kind)
            }
        };
    }
    if let Some(parent) = to.get(PARENT).filter(|_| now.get(PARENT) != to.get(PARENT)) {
        let id = quarantine::id_of(session, place, parent).await?;
        body["parent"] = json!({ "id": id });
    }
    if let Some(name) = to.get(NAME).filter(|_| now.get(NAME) != to.get(NAME)) {
        body["name"] = json!(name);
    }
    if body == json!({}) {
        return Ok(());
    }
    let path = format!("{}?fields=shared_link,parent", place.path());
    let etag = seen.item.etag.as_deref();
    let is_moved = body.get("parent").is_some();
    let body = Content::Json(body);
    match write(session, place, Method::Put, &path, body, etag).await {
        Ok(_) => Ok(()),
        // The item was there a moment ago.
        Err(ConnectorError::Gone { .. }) if is_moved => Err(declined(
            "folder-gone",
            "the folder it is to lie in is not there any more",
            "take the folder out of the trash, or move the item at Box",
        )),
        Err(error) => Err(error),
    }
}

fn unknown_link() -> ConnectorError {
    declined(
        "unknown-link",
        "the record of the link cannot be read",
        "set the link at Box as the plan shows it",
    )
}
