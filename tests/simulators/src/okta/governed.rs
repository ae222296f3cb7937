//! What of the org can be acted on.

use casbah_model::action::ActionKind;

use super::holdings::Holder;
use super::people::{GroupType, Status};
use super::simulator::Simulator;
use super::world::Deed;
use crate::governed::{Governed, Ready};

const ROLE: &str = "APP_ADMIN";
/// Okta itself, as it is told of an account's provider.
const OURS: &str = "OKTA";

impl Simulator {
    /// Numbers of active users of Okta's own who hold no role, the last first: nobody else is busy with those.
    fn plain_users(&self, count: usize) -> Vec<u64> {
        let held = self.holds();
        let holds_role = |id: &String| {
            held.assignees.contains(id)
                || held
                    .roles
                    .iter()
                    .any(|role| role.holder == Holder::User(id.clone()))
        };
        let users = (0..held.users.len() as u64).rev();
        users
            .filter(|user| {
                let id = self.user_id(*user);
                let is_ours = self.provider(*user) == OURS;
                is_ours && held.users.get(&id) == Some(&Status::Active) && !holds_role(&id)
            })
            .take(count)
            .collect()
    }

    fn number_of(&self, id: &str) -> Option<u64> {
        let users = self.holds().users.len() as u64;
        (0..users).find(|user| self.user_id(*user) == id)
    }
}

impl Governed for Simulator {
    fn ready(&self, kind: ActionKind, count: usize) -> Vec<Ready> {
        match kind {
            ActionKind::RevokeRole => {
                let users = self.plain_users(count).into_iter();
                users
                    .map(|user| {
                        let role = ROLE.to_string();
                        self.act(Deed::GrantRole { user, role });
                        Ready::target(&format!("{}/{ROLE}", self.user_id(user)))
                    })
                    .collect()
            }
            ActionKind::RemoveFromGroup => {
                let held = self.holds();
                let is_ours =
                    |group: &String| held.groups.get(group) == Some(&GroupType::OktaGroup);
                let members = held.memberships.iter().filter(|(group, _)| is_ours(group));
                members
                    .take(count)
                    .map(|(group, user)| Ready::target(&format!("{group}/{user}")))
                    .collect()
            }
            ActionKind::RevokeUserGrant => {
                let held = self.holds();
                let grants = held.user_grants.iter().take(count);
                grants
                    .map(|(grant, user)| Ready::target(&format!("{user}/{grant}")))
                    .collect()
            }
            kind => {
                let users = self.plain_users(count).into_iter();
                users
                    .map(|user| {
                        if kind == ActionKind::RestoreUser {
                            self.act(Deed::Suspend { user });
                        }
                        Ready::target(&self.user_id(user))
                    })
                    .collect()
            }
        }
    }

    fn meddle(&self, kind: ActionKind, ready: &Ready) -> bool {
        let Some(user) = self.number_of(&ready.target.id) else {
            return false;
        };
        match kind {
            ActionKind::SuspendUser | ActionKind::RestoreUser | ActionKind::RequireNewPassword => {
                self.act(Deed::Deactivate { user });
                true
            }
            ActionKind::DeactivateUser => {
                self.act(Deed::Suspend { user });
                true
            }
            // Held or not: there is no third way.
            _ => false,
        }
    }
}
