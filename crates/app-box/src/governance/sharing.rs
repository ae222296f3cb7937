//! Who sees an item by its own link and collaborations, and the folder it lies in: how it is, how it is to be, and the
//! calls from one to the other.
//!
//! What an item has from the folders above it is theirs, and is taken there.

use casbah_connector::{ConnectorError, Order, Plan, Session, told_apart};
use casbah_model::Timestamp;
use casbah_model::action::{ActionKind, Effect, Image, Undo};
use casbah_model::transport::Method;
use serde_json::json;

use super::custody::{self, Kept, SEEN_BY};
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
pub(super) const PARENT: &str = "parent";
pub(super) const NAME: &str = "name";

/// An item as far as an action is about it.
struct Seen {
    /// As whom it is read and changed.
    place: Place,
    item: Item,
    people: Vec<Person>,
    /// Where it is kept, if our own account keeps it.
    kept: Option<Kept>,
}

impl Seen {
    async fn of(
        session: &Session,
        order: &Order<'_>,
        place: Place,
        item: Item,
    ) -> Result<Seen, ConnectorError> {
        let mut people = match order.kind {
            ActionKind::RemoveLink | ActionKind::NarrowLink | ActionKind::ExpireLink => vec![],
            _ => people::all(session, &place).await?,
        };
        let named = order.parameters.get(PERSON);
        people.retain(|person| match order.kind {
            ActionKind::RemovePerson => named.is_some_and(|named| person.is_named(named)),
            ActionKind::RemoveExternal => person.is_outside,
            _ => true,
        });
        Ok(Seen {
            place,
            item,
            people,
            kept: None,
        })
    }

    /// Reads an item as its owner, or as our own account where that keeps it; else how its absence shows in an image.
    async fn find(
        session: &Session,
        order: &Order<'_>,
    ) -> Result<Result<Seen, Option<Image>>, ConnectorError> {
        let place = Place::of(order)?;
        let may_be_kept = order.kind == ActionKind::AdminQuarantine;
        let other = match item::now(session, &place).await? {
            // Whose it was may see it for as long as they are let into the folder that holds it.
            Ok(item) if may_be_kept && !item.is_of(&place) => None,
            Ok(item) => return Seen::of(session, order, place, item).await.map(Ok),
            Err(other) => other,
        };
        if !may_be_kept {
            return Ok(Err(other));
        }
        let Some((kept, item)) = Kept::find(session, &place).await? else {
            return Ok(Err(other));
        };
        let seen = Seen::of(session, order, place.ours(), item).await?;
        Ok(Ok(Seen {
            kept: Some(kept),
            ..seen
        }))
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
        if matches!(kind, ActionKind::Quarantine | ActionKind::AdminQuarantine) {
            image = match &self.kept {
                Some(kept) => kept.add_to(image),
                None if kind == ActionKind::Quarantine => {
                    image.with(PARENT, quarantine::parent(&self.item))
                }
                None => image.with(PARENT, self.item.folder_id()),
            };
            image = image.with(NAME, self.item.name.as_str());
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
        Err(plan) => return already_kept(session, &order, plan).await,
    };
    let seen = Seen::of(session, &order, place, item).await?;
    let effect = match order.kind {
        // Without them everybody would be a stranger.
        ActionKind::RemoveExternal if session.tenant().domains.is_empty() => refused(
            "domains",
            "nobody knows which mail domains are the enterprise's own",
            "run `casbah test`, or name them in the setting domains",
        ),
        ActionKind::Quarantine => quarantine_effect(session, &order, &seen).await?,
        ActionKind::AdminQuarantine => custody_effect(session, &order, &seen).await?,
        _ => effect(session.now(), &order, &seen),
    };
    Ok(Plan {
        label: seen.item.name,
        effect,
    })
}

/// What is ours already is as it should be, although its owner has it no more.
async fn already_kept(
    session: &Session,
    order: &Order<'_>,
    plan: Plan,
) -> Result<Plan, ConnectorError> {
    if order.kind != ActionKind::AdminQuarantine {
        return Ok(plan);
    }
    Ok(match Seen::find(session, order).await? {
        Ok(Seen {
            item,
            kept: Some(kept),
            ..
        }) if kept.is_closed() => Plan {
            label: item.name,
            effect: Effect::Nothing,
        },
        _ => plan,
    })
}

pub(super) async fn image(
    session: &Session,
    order: Order<'_>,
) -> Result<Option<Image>, ConnectorError> {
    Ok(match Seen::find(session, &order).await? {
        Ok(seen) => Some(seen.image(order.kind)),
        Err(other) => other,
    })
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
    seen: &Seen,
) -> Result<Effect, ConnectorError> {
    let place = &seen.place;
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

/// Its link stays as in [`quarantine_effect`].
async fn custody_effect(
    session: &Session,
    order: &Order<'_>,
    seen: &Seen,
) -> Result<Effect, ConnectorError> {
    if let Some(obstacle) = custody::obstacle(session, &seen.place).await? {
        return Ok(obstacle);
    }
    let before = seen.image(order.kind);
    let after = narrowed(before.clone(), seen.link(), Access::Collaborators);
    let after = custody::goal(seen.without_people(after));
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
    let Ok(seen) = Seen::find(session, &order).await? else {
        return Ok(());
    };
    let image = seen.image(order.kind);
    if !image.is_between(now, to) {
        return Ok(());
    }
    match (order.kind, custody::is_kept(to)) {
        (ActionKind::AdminQuarantine, true) => keep(session, &order, seen, to).await,
        (ActionKind::AdminQuarantine, false) => give_back(session, &order, seen, to).await,
        _ => bring_all(session, &seen, &image, to).await,
    }
}

async fn bring_all(
    session: &Session,
    seen: &Seen,
    image: &Image,
    to: &Image,
) -> Result<(), ConnectorError> {
    let place = &seen.place;
    bring_item(session, place, seen, image, to).await?;
    for person in &seen.people {
        if to.get(&person.key).is_none() {
            people::remove(session, place, person).await?;
        }
    }
    for (key, _) in to.iter().filter(|(key, _)| is_of_person(key)) {
        if image.get(key).is_none() {
            people::let_in(session, place, key, to).await?;
        }
    }
    Ok(())
}

/// The same image where an item lies now.
fn here(to: &Image, image: &Image) -> Image {
    [PARENT, NAME].into_iter().fold(to.clone(), |to, name| {
        to.with(name, image.get(name).unwrap_or_default())
    })
}

/// Takes an item from its owner, and then everybody off it: when it cannot be moved nothing has changed.
async fn keep(
    session: &Session,
    order: &Order<'_>,
    seen: Seen,
    to: &Image,
) -> Result<(), ConnectorError> {
    let seen = match &seen.kept {
        Some(_) => seen,
        None => {
            custody::take(session, &seen.place, &seen.item).await?;
            match Seen::find(session, order).await? {
                Ok(seen) => seen,
                Err(_) => return Ok(()),
            }
        }
    };
    let Some(kept) = &seen.kept else {
        return Ok(());
    };
    kept.close(session).await?;
    let image = seen.image(order.kind);
    bring_all(session, &seen, &image, &here(to, &image)).await
}

/// Gives an item back to its owner, and lets in again whom it was shared with.
async fn give_back(
    session: &Session,
    order: &Order<'_>,
    seen: Seen,
    to: &Image,
) -> Result<(), ConnectorError> {
    let owner = Place::of(order)?;
    let seen = match &seen.kept {
        None => seen,
        Some(kept) => {
            kept.give_back(session, &owner, &seen.item, to).await?;
            match Seen::find(session, order).await? {
                Ok(seen) if seen.kept.is_none() => seen,
                _ => return Ok(()),
            }
        }
    };
    let image = seen.image(order.kind);
    bring_all(session, &seen, &image, to).await
}

/// Whether a name in an image is somebody.
fn is_of_person(key: &str) -> bool {
    !matches!(key, LINK | PARENT | NAME | SEEN_BY) && !key.starts_with(&until_key(""))
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
        Err(ConnectorError::Gone { .. }) if is_moved => Err(folder_gone()),
        Err(error) => Err(error),
    }
}

pub(super) fn folder_gone() -> ConnectorError {
    declined(
        "folder-gone",
        "the folder it is to lie in is not there any more",
        "take the folder out of the trash, or move the item at Box",
    )
}

fn unknown_link() -> ConnectorError {
    declined(
        "unknown-link",
        "the record of the link cannot be read",
        "set the link at Box as the plan shows it",
    )
}
