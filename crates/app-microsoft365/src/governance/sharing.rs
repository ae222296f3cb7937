//! Who sees an item by access of its own, and the folder it lies in: how it is, how it is to be, and the calls from one to
//! the other.
//!
//! What an item has from the folders above it is theirs, and is taken there ("Delete permission": only what is not
//! inherited can be deleted).

use std::collections::{BTreeMap, BTreeSet};

use casbah_connector::{ConnectorError, Order, Session};
use casbah_model::Timestamp;
use casbah_model::action::{ActionKind, Image, Undo};
use casbah_model::connection::Cause;
use casbah_model::file::Sharing;
use casbah_model::transport::Method;
use serde_json::json;

use super::grants::{Grant, Kind, Scope, recipient, until_key};
use super::item::{self, Item, Place};
use super::quarantine::{self, Lying, NAME, PARENT};
use super::{Change, Seen, send};
use crate::wire::{moment_of, segment};

/// The parameter that says who.
pub(super) const PERSON: &str = "person";
/// The parameter that says when.
pub(super) const AT: &str = "at";

/// What an item has as far as an action is about it.
struct Access {
    item: Item,
    /// Its own, of the kind that the action takes.
    own: Vec<Grant>,
    /// Such as it has from a folder above.
    has_inherited: bool,
    /// Why the person who is meant cannot be taken off alone.
    entangled: Option<String>,
    /// Where it lies, where that is to change.
    lying: Option<Lying>,
}

/// Reads what an item has. What is named already, by one of these images, was its own when it was read last.
async fn access(
    session: &Session,
    order: &Order<'_>,
    place: &Place,
    named: Option<[&Image; 2]>,
) -> Result<Option<Access>, ConnectorError> {
    let Some(item) = item::find(session, place).await? else {
        return Ok(None);
    };
    let Some(grants) = item::grants(session, place).await? else {
        return Ok(None);
    };
    let wanted = order.parameters.get(PERSON).map_or("", String::as_str);
    let entangled = match order.kind {
        ActionKind::RemovePerson => grants
            .iter()
            .find(|grant| !grant.is_inherited && grant.lets_in(wanted) && !grant.is_of(wanted))
            .map(|grant| grant.what.clone()),
        _ => None,
    };
    let mut meant: Vec<_> = grants
        .into_iter()
        .filter(|grant| is_meant(order.kind, grant, wanted))
        .collect();
    if let Some(images) = named {
        for grant in &mut meant {
            grant.is_inherited |= images.iter().all(|image| image.get(&grant.key).is_none());
        }
    } else if !meant.is_empty() {
        // Whether an entry tells that it is inherited differs between tenants; what the folder has as well is.
        let above = above(session, place, &item).await?;
        for grant in &mut meant {
            grant.is_inherited |= above.contains(&grant.id);
        }
    }
    let (inherited, own): (Vec<_>, Vec<_>) =
        meant.into_iter().partition(|grant| grant.is_inherited);
    // Groups of a site see all that lies in it; nobody takes that for a share of this item.
    let has_inherited = inherited.iter().any(|grant| grant.kind != Kind::Claim);
    let lying = match order.kind == ActionKind::Quarantine {
        true => Some(Lying::find(session, place).await?),
        false => None,
    };
    Ok(Some(Access {
        item,
        own,
        has_inherited,
        entangled,
        lying,
    }))
}

/// Ids of the entries of the folder that an item lies in.
async fn above(
    session: &Session,
    place: &Place,
    item: &Item,
) -> Result<BTreeSet<String>, ConnectorError> {
    let Some(parent) = item.parent() else {
        return Ok(BTreeSet::new());
    };
    let entries = item::permissions(session, &place.beside(parent)?).await?;
    let entries = entries.unwrap_or_default().into_iter();
    Ok(entries
        .filter_map(|entry| Some(entry["id"].as_str()?.to_string()))
        .collect())
}

/// Whether an action takes this, where it is the item's own.
fn is_meant(kind: ActionKind, grant: &Grant, wanted: &str) -> bool {
    match kind {
        ActionKind::RemoveLink => matches!(
            grant.kind,
            Kind::Link(Scope::Anonymous | Scope::Organization)
        ),
        // No other end can be set ("Update sharing permission").
        ActionKind::ExpireLink => grant.kind == Kind::Link(Scope::Anonymous),
        ActionKind::RemovePerson => grant.is_of(wanted),
        ActionKind::RemoveExternal => grant.sharing >= Sharing::External,
        _ => true,
    }
}

impl Access {
    fn image(&self) -> Image {
        let lying = self.lying.as_ref().map(|lying| lying.image(&self.item));
        let image = lying.unwrap_or_default();
        self.own
            .iter()
            .fold(image, |image, grant| grant.add_to(image))
    }

    /// With an end for its links, or else without all that is meant.
    fn goal(&self, at: Option<Timestamp>) -> Image {
        let image = self.image();
        match at {
            Some(at) => self.own.iter().fold(image, |image, link| {
                match link.until.is_none_or(|until| until > at) {
                    true => image.with(link.until_key(), at.to_string()),
                    false => image,
                }
            }),
            None => self
                .own
                .iter()
                .fold(image, |image, grant| grant.take_from(image)),
        }
    }

    /// People see the plan by this name, so it says what they have to know beside it.
    fn label(&self, kind: ActionKind) -> String {
        let name = self.item.name();
        let is_about_all = matches!(kind, ActionKind::RemoveExternal | ActionKind::MakePrivate);
        if is_about_all && self.has_inherited {
            return format!("{name} (its folder gives access as well)");
        }
        match kind == ActionKind::Quarantine && self.item.is_of_site() {
            true => format!("{name} (members of the site see what is quarantined there)"),
            false => name.into(),
        }
    }

    fn obstacle(
        &self,
        session: &Session,
        order: &Order<'_>,
        at: Option<Timestamp>,
    ) -> Option<Cause> {
        let kind = order.kind;
        if kind == ActionKind::RemoveExternal && session.tenant().domains.is_empty() {
            // Without them everybody would be a stranger.
            return Some(Cause::new(
                "domains",
                "nobody knows which mail domains are the tenant's own",
                "run `casbah test`, or name them in the setting domains",
            ));
        }
        if kind == ActionKind::ExpireLink && at.is_none_or(|at| at <= session.now()) {
            let at = order.parameters.get(AT).map_or("", String::as_str);
            return Some(Cause::new(
                "parameter",
                format!("\"{at}\" is no time to come"),
                "write a time such as 2026-12-24T18:00:00Z",
            ));
        }
        if let Some(link) = &self.entangled {
            return Some(Cause::new(
                "shared-link",
                format!("a link lets the person in together with others ({link})"),
                "make the item private, and share it with the others again",
            ));
        }
        let leaves_something = !matches!(kind, ActionKind::InheritSharing | ActionKind::Quarantine);
        (self.own.is_empty() && self.has_inherited && leaves_something).then(|| {
            Cause::new(
                "inherited",
                "this access comes from a folder above it",
                "name that folder",
            )
        })
    }

    fn undo(&self, kind: ActionKind) -> Undo {
        if kind == ActionKind::ExpireLink {
            return Undo::Possible;
        }
        let whys: BTreeSet<_> = self.own.iter().filter_map(Grant::obstacle).collect();
        match whys.is_empty() {
            true => Undo::Possible,
            false => Undo::Never(whys.into_iter().collect::<Vec<_>>().join("; ")),
        }
    }
}

pub(super) async fn see(
    session: &Session,
    order: Order<'_>,
) -> Result<Option<Seen>, ConnectorError> {
    let (kind, place) = (order.kind, Place::of(&order)?);
    let Some(access) = access(session, &order, &place, None).await? else {
        return Ok(None);
    };
    let at = end(&order);
    let mut seen = Seen {
        label: access.label(kind),
        image: access.image(),
        goal: access.goal(at.filter(|_| kind == ActionKind::ExpireLink)),
        obstacle: access.obstacle(session, &order, at),
        undo: access.undo(kind),
    };
    if let Some(lying) = &access.lying {
        seen.goal = quarantine::goal(seen.goal, &access.item);
        seen.obstacle = lying.obstacle(session, &place, &access.item).await?;
    } else if seen.obstacle.is_some() {
        // Nothing of it can be had, so it is not "already" so.
        seen.goal = seen.image.clone().with("access", "none");
    }
    Ok(Some(seen))
}

/// When a link is to end; seconds are as fine as Microsoft tells it.
fn end(order: &Order<'_>) -> Option<Timestamp> {
    let at = order.parameters.get(AT).and_then(|at| moment_of(at))?;
    Timestamp::from_second(at.as_second()).ok()
}

/// Brings an item to an image: who is to go, then where it is to lie, then who is to come.
///
/// The item is read first. When it is not as it was a moment ago nothing is sent, and whoever reads next sees what it is.
pub(super) async fn bring(
    session: &Session,
    order: Order<'_>,
    now: &Image,
    to: &Image,
) -> Result<(), ConnectorError> {
    let place = Place::of(&order)?;
    let Some(access) = access(session, &order, &place, Some([now, to])).await? else {
        return Ok(());
    };
    let image = access.image();
    if !image.is_between(now, to) {
        return Ok(());
    }
    for grant in &access.own {
        let path = place.path(&format!("/permissions/{}", segment(&grant.id)?));
        if to.get(&grant.key).is_none() {
            remove(session, path).await?;
        } else if image.get(&grant.until_key()) != to.get(&grant.until_key()) {
            let until = to.get(&grant.until_key()).unwrap_or(NEVER);
            let change = Change::sharing(Method::Patch, path);
            send(session, change.with(json!({ "expirationDateTime": until }))).await?;
        }
    }
    if image.get(PARENT) != to.get(PARENT) || image.get(NAME) != to.get(NAME) {
        quarantine::bring(session, &place, &access.item, to).await?;
    }
    invite(session, &place, &image, to).await
}

/// No end ("permission resource type": DateTime.MinValue indicates that there is no expiration). That it can be written as
/// well as read is not documented.
const NEVER: &str = "0001-01-01T00:00:00Z";

/// Who is gone already is no failure.
async fn remove(session: &Session, path: String) -> Result<(), ConnectorError> {
    match send(session, Change::sharing(Method::Delete, path)).await {
        Ok(()) | Err(ConnectorError::Gone { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Lets everybody in again whom an image has and who is not there, a call for each role and end, without a mail about it.
async fn invite(
    session: &Session,
    place: &Place,
    now: &Image,
    to: &Image,
) -> Result<(), ConnectorError> {
    let mut invited: BTreeMap<(&str, Option<&str>), Vec<_>> = BTreeMap::new();
    for (key, role) in to.iter().filter(|(key, _)| now.get(key).is_none()) {
        if let Some(recipient) = recipient(key) {
            let until = to.get(&until_key(key));
            invited.entry((role, until)).or_default().push(recipient);
        }
    }
    for ((role, until), recipients) in invited {
        let mut body = json!({
            "recipients": recipients,
            "roles": [role],
            "requireSignIn": true,
            "sendInvitation": false,
        });
        if let Some(until) = until {
            body["expirationDateTime"] = json!(until);
        }
        let change = Change::sharing(Method::Post, place.path("/invite"));
        send(session, change.with(body)).await?;
    }
    Ok(())
}
