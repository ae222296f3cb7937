//! Inviting people to items, changing what they may do, and taking them off (OpenAPI, "Create collaboration").

use casbah_model::transport::Method;
use serde_json::Value;

use super::collaborations::FIELDS;
use super::desk::Desk;
use super::faults::Fault;
use super::folders::kind_of;
use super::people::EXTERNAL;
use super::sharing::{Answered, Collaboration, Party, ROLES};
use super::wire::{Call, api_error, not_found};
use super::world::Deed;
use super::writes::{DENIED, invalid};
use crate::answer::Answer;
use crate::moment::Millis;

impl Desk<'_> {
    pub fn write_collaboration(&mut self, call: &Call, viewer: u64, body: &Value) -> Answer {
        let path = call.segments();
        let answer = match (call.method, &path[1..]) {
            (Method::Post, &["collaborations"]) => self.invite_party(call, viewer, body),
            (Method::Put, &["collaborations", id]) => {
                self.change_collaboration(call, viewer, id, body)
            }
            (Method::Delete, &["collaborations", id]) => self.end_collaboration(viewer, id),
            _ => Err(api_error("method_not_allowed")),
        };
        answer.unwrap_or_else(|refusal| refusal)
    }

    /// Colleagues and groups are in at once, people outside when they accept; some colleagues too, which is a fault here.
    fn invite_party(&mut self, call: &Call, viewer: u64, body: &Value) -> Result<Answer, Answer> {
        let item = &body["item"];
        let kind = format!("{}s", item["type"].as_str().unwrap_or_default());
        let id = item["id"].as_str().unwrap_or_default();
        let item = self.own_item(call, viewer, (kind_of(&kind), id))?;
        let role = asked_role(body)?.ok_or_else(|| invalid("role"))?;
        let party = self
            .asked_party(&body["accessible_by"])
            .ok_or_else(not_found)?;
        let is_in = |one: &Collaboration| one.party == party && one.answered != Answered::Rejected;
        let all = self.collaborations(item.place);
        if party == Party::User(viewer) || all.iter().any(is_in) {
            return Err(api_error("user_already_collaborator"));
        }
        let answered = match party {
            Party::User(user) if user >= EXTERNAL => Answered::Pending,
            Party::User(_) if self.strikes(Fault::InvitationPending).is_some() => Answered::Pending,
            Party::User(_) | Party::Group(_) => Answered::Accepted,
        };
        let expires = match body.get("expires_at") {
            None => None,
            Some(until) => self.asked_end(until)?,
        };
        let mut one = self.collaborate(item.place, party, role, answered);
        self.set_end(&mut one, expires);
        Ok(self.told_collaboration(call, &one, 201))
    }

    fn asked_party(&self, who: &Value) -> Option<Party> {
        let (people, groups) = (&self.tenant.people, &self.tenant.groups);
        let (id, login) = (who["id"].as_str(), who["login"].as_str());
        match (who["type"].as_str()?, id, login) {
            ("group", Some(id), _) => groups.find(id).map(Party::Group),
            ("user", Some(id), _) => self.find_user(id).map(Party::User),
            ("user", None, Some(login)) => {
                let outside = EXTERNAL..EXTERNAL + people.externals;
                let mut all = self.listed_users().chain(outside);
                all.find(|user| people.login(*user) == login)
                    .map(Party::User)
            }
            _ => None,
        }
    }

    fn change_collaboration(
        &mut self,
        call: &Call,
        viewer: u64,
        id: &str,
        body: &Value,
    ) -> Result<Answer, Answer> {
        if let Some(status) = body["status"].as_str() {
            return self.answer_invitation(call, viewer, id, status);
        }
        let mut one = self.own_collaboration(viewer, id)?;
        let role = asked_role(body)?;
        let expires = match body.get("expires_at") {
            None => None,
            Some(until) => Some(self.asked_end(until)?),
        };
        if let Some(role) = role.filter(|role| *role != one.role) {
            one.role = role;
            let collaboration = id.into();
            self.act(Deed::SetCollaborationRole {
                collaboration,
                role,
            });
        }
        if let Some(expires) = expires {
            self.set_end(&mut one, expires);
        }
        Ok(self.told_collaboration(call, &one, 200))
    }

    /// Whoever was invited accepts, once or again (uncertain); rejecting is left out.
    fn answer_invitation(
        &mut self,
        call: &Call,
        viewer: u64,
        id: &str,
        status: &str,
    ) -> Result<Answer, Answer> {
        let found = self.find_collaboration(id);
        let is_asked = |one: &Collaboration| {
            one.party == Party::User(viewer) && one.answered != Answered::Rejected
        };
        let invited = found.filter(is_asked);
        let mut one = invited.ok_or_else(not_found)?;
        if status != Answered::Accepted.name() {
            return Err(invalid("status"));
        }
        if one.answered != Answered::Accepted {
            one.answered = Answered::Accepted;
            let collaboration = id.into();
            self.act(Deed::Accept { collaboration });
        }
        Ok(self.told_collaboration(call, &one, 200))
    }

    fn set_end(&mut self, one: &mut Collaboration, expires: Option<Millis>) {
        one.expires = expires;
        let change = self.state.world.collaborations.entry(one.number);
        change.or_default().expires = Some(expires);
    }

    fn end_collaboration(&mut self, viewer: u64, id: &str) -> Result<Answer, Answer> {
        self.own_collaboration(viewer, id)?;
        self.act(Deed::RemoveCollaboration {
            collaboration: id.into(),
        });
        Ok(Answer::empty(204))
    }

    /// A collaboration of an item of the viewer's. People may leave by themselves, which is left out.
    fn own_collaboration(&self, viewer: u64, id: &str) -> Result<Collaboration, Answer> {
        let found = self.find_collaboration(id);
        let visible = found.filter(|one| self.is_visible(viewer, one.place));
        let one = visible.ok_or_else(not_found)?;
        match self.owner(one.place) == viewer {
            true => Ok(one),
            false => Err(api_error(DENIED)),
        }
    }

    fn told_collaboration(&mut self, call: &Call, one: &Collaboration, status: u16) -> Answer {
        let fields = self.fields(call, &FIELDS[..2], &FIELDS);
        Answer::json(status, self.collaboration_text(one, &fields))
    }
}

/// A role of collaborators; owners are made in another way.
fn asked_role(body: &Value) -> Result<Option<&'static str>, Answer> {
    let Some(asked) = body["role"].as_str() else {
        return Ok(None);
    };
    let found = ROLES.into_iter().find(|role| *role == asked);
    found.map(Some).ok_or_else(|| invalid("role"))
}
