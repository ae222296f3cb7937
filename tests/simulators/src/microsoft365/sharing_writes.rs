//! Changes of who can open a file, from outside (permission: Update and Delete; driveItem: invite).

use casbah_model::Timestamp;
use casbah_model::transport::Method;
use serde_json::Value;

use super::changes::not_allowed;
use super::desk::Desk;
use super::drives::item_not_found;
use super::faults::Fault;
use super::grants::{Given, Grant, Recipient, Role};
use super::item_writes::invalid;
use super::library::{Place, Share};
use super::people::DOMAINS;
use super::permissions::NO_EXPIRY;
use super::records::APPLICATION;
use super::wire::{Call, graph_error};
use crate::answer::Answer;
use crate::moment::Millis;

impl Desk<'_> {
    /// `what` is the collection, and the id in it where one is named.
    pub fn change_sharing(
        &mut self,
        call: &Call,
        item: (u64, &str),
        what: (&str, &[&str]),
        body: &Value,
    ) -> Result<Answer, Answer> {
        let place = self.changeable(call, item)?;
        match (call.method, what) {
            (Method::Post, ("invite", [])) => self.invite(place, body),
            (Method::Patch, ("permissions", [id])) => self.patch_permission(place, id, body),
            (Method::Delete, ("permissions", [id])) => {
                let grant = self.own_grant(place, id)?;
                self.take(APPLICATION, &grant);
                Ok(Answer::empty(204))
            }
            _ => Err(not_allowed()),
        }
    }

    /// A permission that stands on the item itself: others cannot be changed there (permission: Delete, introduction).
    fn own_grant(&mut self, place: Place, id: &str) -> Result<Grant, Answer> {
        let grants = self.grants(place).into_iter();
        match grants.into_iter().find(|grant| grant.id == id) {
            Some(grant) if grant.on == place => Ok(grant),
            None if !self.is_of_drive(place.drive, id) => Err(item_not_found()),
            Some(_) | None => match self.strikes(Fault::InheritedInvalid) {
                Some(_) => Err(invalid("Inherited permissions cannot be changed here.")),
                None => Err(graph_error(403, "accessDenied", "Access denied")),
            },
        }
    }

    /// Only links for everybody can end by themselves.
    fn patch_permission(&mut self, place: Place, id: &str, body: &Value) -> Result<Answer, Answer> {
        let grant = self.own_grant(place, id)?;
        let role = match body.get("roles") {
            None => None,
            Some(roles) => Some(asked_role(roles)?),
        };
        let until = match body.get("expirationDateTime") {
            None => None,
            Some(until) => Some(self.asked_end(until)?),
        };
        let is_open = matches!(grant.to, Recipient::Share(Share::AnonymousLink, _));
        match (role, until) {
            (None, None) => return Err(invalid("Nothing that can be changed was named.")),
            (_, Some(_)) if !is_open => return Err(invalid("This permission cannot expire.")),
            _ => {}
        }
        let until = until.unwrap_or(grant.until);
        let grant = self.alter(APPLICATION, &grant, role.unwrap_or(grant.role), until);
        Ok(Answer::json(200, self.permission(place, &grant)))
    }

    /// A time to come, or none, which is said by the first day there is.
    fn asked_end(&self, until: &Value) -> Result<Option<Millis>, Answer> {
        let text = until.as_str().unwrap_or(NO_EXPIRY);
        let at = text.parse().ok().map(Timestamp::as_millisecond);
        match at.filter(|at| *at > self.now) {
            _ if text == NO_EXPIRY => Ok(None),
            Some(at) => Ok(Some(at)),
            None => Err(invalid("The expiration must be a time in the future.")),
        }
    }

    /// Either a sign-in is asked for or a mail is sent, one of the two at least (driveItem: invite, "Request body").
    fn invite(&mut self, place: Place, body: &Value) -> Result<Answer, Answer> {
        let role = asked_role(&body["roles"])?;
        let until = self.asked_end(&body["expirationDateTime"])?;
        let is_true = |name: &str| body[name] == true;
        if !is_true("requireSignIn") && !is_true("sendInvitation") {
            return Err(invalid("Either sign-in or an invitation is needed."));
        }
        let recipients = body["recipients"].as_array().map(Vec::as_slice);
        let recipients = recipients.unwrap_or_default().iter();
        let people: Option<Vec<Recipient>> = recipients.map(|one| self.asked_person(one)).collect();
        let Some(people) = people.filter(|people| !people.is_empty()) else {
            return Err(invalid("A recipient cannot be resolved."));
        };
        let owner = self.tenant.library.owner(place.drive);
        let mut made = Vec::new();
        for to in people {
            // Owners keep what they have.
            if owner.is_some_and(|owner| to == Recipient::User(owner)) {
                made.extend(
                    self.permissions(place)
                        .into_iter()
                        .map(|(_, text)| text)
                        .next(),
                );
                continue;
            }
            let given = Given { to, role, until };
            let grant = self.give(APPLICATION, place, given);
            made.push(self.permission(place, &grant));
        }
        Ok(self.collection("permission", &made.join(",")))
    }

    /// A user of the directory by id or address, or somebody outside by address.
    fn asked_person(&self, recipient: &Value) -> Option<Recipient> {
        let people = &self.tenant.people;
        let mail = recipient["email"].as_str();
        let user = match recipient["objectId"].as_str() {
            Some(id) => Some(people.find(id)?),
            None => people.find_by_mail(mail?),
        };
        if let Some(user) = user {
            return self.user(user).map(|_| Recipient::User(user));
        }
        let mail = mail?;
        let (_, domain) = mail.split_once('@')?;
        (!DOMAINS.contains(&domain)).then(|| Recipient::Invited(mail.into()))
    }
}

/// One role of those that can be given.
fn asked_role(roles: &Value) -> Result<Role, Answer> {
    let role = match roles.as_array().map(Vec::as_slice) {
        Some([role]) => role.as_str().and_then(Role::from_name),
        _ => None,
    };
    role.ok_or_else(|| invalid("The roles are not valid."))
}
