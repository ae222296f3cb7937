//! What of the tenant can be acted on.

use casbah_model::action::{ActionKind, Subject};

use super::apps::{FIXED, role_id};
use super::desk::Desk;
use super::roles::{Principal, ROLES};
use super::simulator::Simulator;
use super::world::Deed;
use crate::governed::{Governed, Ready};

impl Desk<'_> {
    /// Numbers of members who can sign in, hold no role and are kept here, the last first: nobody else is busy with those.
    fn plain_users(&self, count: usize) -> Vec<u64> {
        let held = self.role_assignments();
        let holds_role = |user: u64| {
            held.iter()
                .any(|held| held.principal == Principal::User(user))
        };
        let users = (0..self.tenant.people.count).rev();
        let users = users.filter_map(|user| self.user(user));
        users
            .filter(|user| user.is_enabled && !user.is_guest && !user.is_synced)
            .map(|user| user.index)
            .filter(|user| !holds_role(*user))
            .take(count)
            .collect()
    }

    /// Users with roles other than the one that must not be lost.
    fn role_holders(&self, count: usize) -> Vec<Ready> {
        let held = self.role_assignments().into_iter();
        let users = held.filter_map(|held| match held.principal {
            Principal::User(user) if held.role != 0 => Some((user, held.role)),
            _ => None,
        });
        users
            .take(count)
            .map(|(user, role)| {
                let user = self.tenant.people.id(user);
                Ready::target(&format!("{user}/{}", ROLES[role].id))
            })
            .collect()
    }

    /// Members of groups that are neither kept by Exchange nor able to hold roles.
    fn group_members_ready(&self, count: usize) -> Vec<Ready> {
        let groups = (2..self.tenant.groups.count).filter_map(|group| {
            let found = self.members(group, 0, u64::MAX).into_iter();
            let user = found.into_iter().find(|(kind, _)| *kind == "user")?.1;
            Some((group, user))
        });
        groups
            .take(count)
            .map(|(group, user)| {
                let group = self.tenant.groups.id(group);
                Ready::target(&format!("{group}/{user}"))
            })
            .collect()
    }

    fn apps_ready(&self, kind: ActionKind, count: usize) -> Vec<Ready> {
        let apps = &self.tenant.apps;
        let targets: Vec<String> = match kind {
            ActionKind::RevokeUserGrant => {
                let grants = apps.grants.iter().filter(|grant| grant.user.is_some());
                grants.map(|grant| grant.id.clone()).collect()
            }
            ActionKind::RevokeAppRole => {
                let held = self.app_roles_held().into_iter();
                held.filter(|held| held.app >= FIXED)
                    .map(|held| {
                        let role = role_id(self.plan.seed, &held.role);
                        format!("{}/{role}", apps.id(held.app))
                    })
                    .collect()
            }
            _ => {
                let apps = (FIXED..apps.count).map(|app| apps.app(app));
                apps.filter(|app| app.is_enabled)
                    .map(|app| app.id)
                    .collect()
            }
        };
        let targets = targets.iter().take(count);
        targets.map(|target| Ready::target(target)).collect()
    }
}

impl Governed for Simulator {
    fn ready(&self, kind: ActionKind, count: usize) -> Vec<Ready> {
        match kind {
            ActionKind::RevokeRole => self.at_desk(|desk| desk.role_holders(count)),
            ActionKind::RemoveFromGroup => self.at_desk(|desk| desk.group_members_ready(count)),
            ActionKind::RevokeUserGrant | ActionKind::RevokeAppRole | ActionKind::DisableApp => {
                self.at_desk(|desk| desk.apps_ready(kind, count))
            }
            _ if kind.subject() == Subject::File => {
                self.at_desk(|desk| desk.files_ready(kind, count))
            }
            _ => {
                let users = self.at_desk(|desk| desk.plain_users(count)).into_iter();
                users
                    .map(|user| {
                        if kind == ActionKind::RestoreUser {
                            self.act(Deed::DisableUser { user });
                        }
                        Ready::target(&self.user_id(user))
                    })
                    .collect()
            }
        }
    }

    fn back(&self, kind: ActionKind, ready: &Ready) -> Option<Ready> {
        let target = match kind {
            ActionKind::AdminQuarantine => Simulator::back(self, &ready.target)?,
            _ => ready.target.clone(),
        };
        Some(Ready {
            target,
            ..ready.clone()
        })
    }

    fn meddle(&self, kind: ActionKind, ready: &Ready) -> bool {
        if kind.subject() == Subject::File {
            return self.at_desk(|desk| desk.meddle_with_file(kind, &ready.target));
        }
        let user = self.at_desk(|desk| desk.tenant.people.find(&ready.target.id));
        match (kind, user) {
            (ActionKind::SuspendUser | ActionKind::RestoreUser, Some(user)) => {
                self.act(Deed::DeleteUser { user });
                true
            }
            // There or not: there is no third way.
            _ => false,
        }
    }
}
