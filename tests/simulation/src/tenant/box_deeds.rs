//! What people do in an enterprise of Box.

use std::collections::{BTreeMap, BTreeSet};

use casbah_simulators::box_com::{self, Access, Invitee, ItemHeld, Simulator};

/// What somebody does, to whatever there is then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    AddUser,
    Suspend,
    Restore,
    DeleteUser,
    AddMember,
    RemoveMember,
    MakeGroupAdmin,
    SignIn,
    FailSignIn,
    Upload,
    CreateFolder,
    Edit,
    Rename,
    Move,
    Share,
    ShareInside,
    Unshare,
    Trash,
    Undelete,
    Purge,
    Download,
    PreviewAnonymously,
    InviteColleague,
    InviteGroup,
    InviteOutside,
}

impl What {
    pub const ALL: [What; 25] = [
        What::AddUser,
        What::Suspend,
        What::Restore,
        What::DeleteUser,
        What::AddMember,
        What::RemoveMember,
        What::MakeGroupAdmin,
        What::SignIn,
        What::FailSignIn,
        What::Upload,
        What::CreateFolder,
        What::Edit,
        What::Rename,
        What::Move,
        What::Share,
        What::ShareInside,
        What::Unshare,
        What::Trash,
        What::Undelete,
        What::Purge,
        What::Download,
        What::PreviewAnonymously,
        What::InviteColleague,
        What::InviteGroup,
        What::InviteOutside,
    ];

    /// Whether it changes who is in a group, which is asked for group by group.
    pub fn is_slow(self) -> bool {
        matches!(
            self,
            What::DeleteUser | What::AddMember | What::RemoveMember | What::MakeGroupAdmin
        )
    }
}

pub fn deed_names() -> Vec<String> {
    let all = What::ALL.into_iter();
    all.map(|what| format!("{what:?}")).collect()
}

/// Something that somebody does in an enterprise. Which item it is about is known when it happens.
#[derive(Clone, Debug)]
pub struct Deed {
    pub what: What,
    pub user: u64,
    pub group: u64,
    /// Of the items there are, those at these places.
    pub item: u64,
    pub folder: u64,
    /// The first so many users do such things, with what is theirs.
    pub users: u64,
    /// Not at once, but when so many more calls were answered.
    pub after_calls: Option<u64>,
}

impl Deed {
    /// What the enterprise is asked to do; `None` if there is nothing to do it to.
    pub fn of(&self, simulator: &Simulator) -> Option<box_com::Deed> {
        use box_com::Deed as Does;
        let (user, group) = (self.user, self.group);
        let beside: BTreeSet<String> = (self.users..simulator.plan().users as u64)
            .map(|user| simulator.user_id(user))
            .collect();
        let pick = |mut items: BTreeMap<String, ItemHeld>, place: u64| {
            items.retain(|_, held| !beside.contains(&held.owner));
            let count = items.len().max(1) as u64;
            items.into_keys().nth((place % count) as usize)
        };
        let item = || match self.item % 4 {
            0 => pick(simulator.folders(), self.item / 4),
            _ => pick(simulator.files(), self.item / 4),
        };
        // A folder of this owner, or the root.
        let folder = || {
            let owner = simulator.user_id(user);
            let mut folders = simulator.folders();
            folders.retain(|_, held| held.owner == owner && !held.is_trashed);
            pick(folders, self.folder).filter(|_| self.folder.is_multiple_of(2))
        };
        let name = format!("made {}", self.item);
        let share = |access, has_password| {
            Some(Does::Share {
                item: item()?,
                access,
                has_password,
            })
        };
        let invite = |invitee| {
            Some(Does::Invite {
                item: item()?,
                invitee,
            })
        };
        Some(match self.what {
            What::AddUser => Does::AddUser,
            What::Suspend => Does::Suspend { user },
            What::Restore => Does::Restore { user },
            What::DeleteUser => Does::DeleteUser { user },
            What::AddMember => Does::AddMember { group, user },
            What::RemoveMember => Does::RemoveMember { group, user },
            What::MakeGroupAdmin => Does::MakeGroupAdmin { group, user },
            What::SignIn => Does::SignIn { user },
            What::FailSignIn => Does::FailSignIn { user },
            What::Upload => Does::Upload {
                user,
                folder: folder(),
                name,
            },
            What::CreateFolder => Does::CreateFolder {
                user,
                folder: folder(),
                name,
            },
            What::Edit => Does::Edit { item: item()? },
            What::Rename => Does::Rename {
                item: item()?,
                name,
            },
            What::Move => Does::Move {
                item: item()?,
                folder: folder(),
            },
            What::Share => share(Access::Open, self.folder.is_multiple_of(3))?,
            What::ShareInside => share(Access::Company, false)?,
            What::Unshare => Does::Unshare { item: item()? },
            What::Trash => Does::Trash { item: item()? },
            What::Undelete => Does::Undelete { item: item()? },
            What::Purge => Does::Purge { item: item()? },
            What::Download => Does::Download { item: item()? },
            What::PreviewAnonymously => Does::PreviewAnonymously { item: item()? },
            What::InviteColleague => invite(Invitee::User(user))?,
            What::InviteGroup => invite(Invitee::Group(group))?,
            What::InviteOutside => invite(Invitee::Outside(self.folder))?,
        })
    }
}
