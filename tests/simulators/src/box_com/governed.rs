//! What of the enterprise can be acted on.

use casbah_model::SignedDuration;
use casbah_model::action::ActionKind;

use super::people::{Role, Status};
use super::sharing::{Access, LABELS};
use super::simulator::Simulator;
use super::world::{Deed, Invitee};
use crate::governed::{Governed, Ready};

/// What sort of item `ready` makes.
struct Case {
    is_folder: bool,
    is_in_root: bool,
    /// Whether it has what the action takes away.
    is_prepared: bool,
}

impl Case {
    /// By kind of action, so that there are files and folders. What changes hands has to come back to where it was, with
    /// whatever it had: those are different from each other.
    fn of(kind: ActionKind, number: usize) -> Case {
        let is_folder = matches!(
            kind,
            ActionKind::NarrowLink
                | ActionKind::RemoveExternal
                | ActionKind::Trash
                | ActionKind::RemoveLabel
        );
        match kind {
            ActionKind::AdminQuarantine => Case {
                is_folder: number % 2 == 1,
                is_in_root: matches!(number % 4, 1 | 2),
                is_prepared: number % 4 != 1,
            },
            _ => Case {
                is_folder,
                is_in_root: false,
                is_prepared: true,
            },
        }
    }
}

impl Simulator {
    /// Numbers of active people without a role, the last first: nobody else is busy with those.
    fn plain_users(&self) -> Vec<u64> {
        let held = self.holds();
        let users = (0..self.plan().users as u64).rev();
        users
            .filter(|user| {
                let person = held.users.get(&self.user_id(*user));
                person.is_some_and(|person| {
                    let is_plain = person.role == Role::User && !person.is_app_user;
                    is_plain && person.status == Status::Active
                })
            })
            .collect()
    }

    fn number_of(&self, id: &str) -> Option<u64> {
        (0..self.plan().users as u64).find(|user| self.user_id(*user) == id)
    }

    fn ready_user(&self, kind: ActionKind, user: u64) -> Ready {
        match kind {
            ActionKind::RestoreUser => drop(self.act(Deed::Suspend { user })),
            ActionKind::RevokeRole => {
                let role = Role::Coadmin;
                self.act(Deed::SetRole { user, role });
            }
            _ => {}
        }
        Ready::target(&self.user_id(user))
    }

    /// A new file or folder in a new folder of the user's, or in the root.
    fn ready_item(&self, kind: ActionKind, user: u64, number: usize) -> Ready {
        let make = |folder: Option<&String>, name: String, is_folder: bool| {
            let folder = folder.cloned();
            let made = match is_folder {
                true => self.act(Deed::CreateFolder { user, folder, name }),
                false => self.act(Deed::Upload { user, folder, name }),
            };
            made.expect("an active user may")
        };
        let within = make(None, format!("Case {number}"), true);
        let Case {
            is_folder,
            is_in_root,
            is_prepared,
        } = Case::of(kind, number);
        let (within, name) = match is_in_root {
            // Nothing else in the root has this name, however often targets are made.
            true => (None, format!("Evidence {number} beside {within}")),
            false => (Some(&within), format!("Evidence {number}")),
        };
        let item = make(within, name, is_folder);
        if is_folder {
            make(Some(&item), "Inside".into(), false);
        }
        let sort = if is_folder { "folder:" } else { "" };
        let ready = Ready::target(&format!("{}/{sort}{item}", self.user_id(user)));
        if is_prepared {
            self.prepare(kind, user, &item);
        }
        match kind {
            ActionKind::NarrowLink => ready.with("access", "company"),
            ActionKind::ExpireLink => {
                let at = self.plan().started + SignedDuration::from_hours(30 * 24);
                ready.with("at", &at.to_string())
            }
            ActionKind::RemovePerson => {
                let held = self.holds();
                let login = &held.users[&self.user_id(colleague(user))].login;
                ready.with("person", login)
            }
            ActionKind::ApplyLabel => ready.with("label", LABELS[2]),
            _ => ready,
        }
    }

    fn prepare(&self, kind: ActionKind, user: u64, item: &str) {
        let invite = |invitee: Invitee| {
            let item = item.to_string();
            self.act(Deed::Invite { item, invitee })
        };
        let share = |access: Access, has_password: bool| {
            let item = item.to_string();
            self.act(Deed::Share {
                item,
                access,
                has_password,
            })
        };
        match kind {
            ActionKind::RemoveLink | ActionKind::ExpireLink => drop(share(Access::Open, true)),
            ActionKind::NarrowLink => drop(share(Access::Open, false)),
            ActionKind::RemovePerson => {
                let collaboration = invite(Invitee::User(colleague(user))).expect("a colleague");
                let at = self.plan().started + SignedDuration::from_hours(60 * 24);
                self.act(Deed::EndCollaborationLater { collaboration, at });
                invite(Invitee::Group(1));
            }
            ActionKind::RemoveExternal => {
                invite(Invitee::Outside(1));
                invite(Invitee::User(colleague(user)));
            }
            ActionKind::MakePrivate | ActionKind::Quarantine | ActionKind::AdminQuarantine => {
                share(Access::Open, false);
                let collaboration = invite(Invitee::User(colleague(user))).expect("a colleague");
                let at = self.plan().started + SignedDuration::from_hours(60 * 24);
                self.act(Deed::EndCollaborationLater { collaboration, at });
                invite(Invitee::Group(1));
                invite(Invitee::Outside(1));
            }
            ActionKind::RestoreFile => {
                let item = item.to_string();
                self.act(Deed::Trash { item });
            }
            ActionKind::RemoveLabel => {
                let (item, label) = (item.to_string(), Some(1));
                self.act(Deed::Classify { item, label });
            }
            _ => {}
        }
    }
}

/// Somebody of the enterprise other than the owner.
fn colleague(owner: u64) -> u64 {
    owner - 1
}

impl Governed for Simulator {
    fn ready(&self, kind: ActionKind, count: usize) -> Vec<Ready> {
        let plain = self.plain_users();
        let users = plain.iter().cycle().take(count).enumerate();
        match kind {
            ActionKind::SuspendUser
            | ActionKind::RestoreUser
            | ActionKind::EndSessions
            | ActionKind::RequireNewPassword
            | ActionKind::RevokeRole => {
                let users = plain.iter().take(count);
                users.map(|user| self.ready_user(kind, *user)).collect()
            }
            _ => users
                .map(|(number, user)| self.ready_item(kind, *user, number))
                .collect(),
        }
    }

    fn meddle(&self, kind: ActionKind, ready: &Ready) -> bool {
        let id = &ready.target.id;
        let item = id.rsplit(':').next().unwrap_or(id).to_string();
        let deed = match kind {
            ActionKind::SuspendUser | ActionKind::RestoreUser | ActionKind::RevokeRole => {
                let user = self.number_of(id).expect("a user");
                Deed::DeleteUser { user }
            }
            // Nothing of these is shown.
            ActionKind::EndSessions | ActionKind::RequireNewPassword => return false,
            ActionKind::RemoveLink | ActionKind::NarrowLink | ActionKind::ExpireLink => {
                let access = Access::Collaborators;
                Deed::Share {
                    item,
                    access,
                    has_password: false,
                }
            }
            ActionKind::Trash | ActionKind::RestoreFile => Deed::Purge { item },
            ActionKind::ApplyLabel | ActionKind::RemoveLabel => {
                let label = Some(0);
                Deed::Classify { item, label }
            }
            _ => match self.collaborations(&item).first().cloned() {
                Some(collaboration) => Deed::SetCollaborationRole {
                    collaboration,
                    role: "co-owner",
                },
                None => Deed::Share {
                    item,
                    access: Access::Company,
                    has_password: false,
                },
            },
        };
        self.act(deed);
        true
    }
}
