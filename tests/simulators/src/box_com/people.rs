//! Users inside and outside, and groups, each a function of the seed and a number.

use super::ids::{Type, id, index};
use super::plan::Plan;
use crate::chance::{Draws, Stream, draw};
use crate::moment::{DAY, Millis};
use crate::names::{DEPARTMENTS, FAMILY, GIVEN};

/// Users from this number on belong to nobody we know: they collaborate from outside.
pub const EXTERNAL: u64 = 1 << 20;
/// The app's service account.
pub const SERVICE: u64 = EXTERNAL - 1;
/// The main administrator, and the co-administrators after it.
pub const ADMIN: u64 = 0;
const COADMINS: std::ops::Range<u64> = 1..4;
/// Domains of the enterprise, the commonest first.
pub const DOMAINS: [&str; 2] = ["acme.example", "acme-labs.example"];
/// Domains outside; the first two are allowed ones.
pub const OUTSIDE: [&str; 4] = [
    "globex.example",
    "initech.example",
    "freemail.example",
    "umbrella.example",
];

/// The statuses of a user (OpenAPI, "User").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    Active,
    Inactive,
    CannotDeleteEdit,
    CannotDeleteEditUpload,
}

impl Status {
    pub const ALL: [Status; 4] = [
        Status::Active,
        Status::Inactive,
        Status::CannotDeleteEdit,
        Status::CannotDeleteEditUpload,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Status::Active => "active",
            Status::Inactive => "inactive",
            Status::CannotDeleteEdit => "cannot_delete_edit",
            Status::CannotDeleteEditUpload => "cannot_delete_edit_upload",
        }
    }
}

/// The roles of a user (OpenAPI, "User (Full)").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    Admin,
    Coadmin,
    User,
}

impl Role {
    pub fn name(self) -> &'static str {
        match self {
            Role::Admin => "admin",
            Role::Coadmin => "coadmin",
            Role::User => "user",
        }
    }
}

/// A user as it was at first; deeds change it later.
#[derive(Clone, Debug)]
pub struct Person {
    pub index: u64,
    pub id: String,
    pub name: String,
    pub login: String,
    pub status: Status,
    pub role: Role,
    /// App users and service accounts.
    pub is_app_user: bool,
    pub department: &'static str,
    pub created: Millis,
    pub modified: Millis,
}

/// The people of a plan.
#[derive(Clone)]
pub struct People {
    pub seed: u64,
    pub count: u64,
    /// People outside.
    pub externals: u64,
    started: Millis,
}

impl People {
    pub fn new(plan: &Plan) -> People {
        People {
            seed: plan.seed,
            count: (plan.users as u64).min(SERVICE),
            externals: (plan.external_folders as u64).max(12),
            started: plan.started.as_millisecond(),
        }
    }

    pub fn id(&self, index: u64) -> String {
        id(self.seed, Type::User, index)
    }

    pub fn find(&self, text: &str) -> Option<u64> {
        index(self.seed, Type::User, text)
    }

    /// The first users show every status; of the others most are active.
    fn status(&self, index: u64) -> Status {
        match index {
            4..7 => Status::ALL[(index - 3) as usize],
            0..8 | SERVICE.. => Status::Active,
            _ => match draw(self.seed, Stream::User, index ^ (1 << 40)) % 100 {
                0..6 => Status::Inactive,
                6 => Status::CannotDeleteEdit,
                7 => Status::CannotDeleteEditUpload,
                _ => Status::Active,
            },
        }
    }

    fn is_app_user(&self, index: u64) -> bool {
        let is_drawn = draw(self.seed, Stream::User, index ^ (1 << 41)).is_multiple_of(25);
        index == SERVICE || index == 7 || (index > 7 && index < EXTERNAL && is_drawn)
    }

    pub fn login(&self, index: u64) -> String {
        if self.is_app_user(index) {
            let kind = if index == SERVICE {
                "AutomationUser"
            } else {
                "AppUser"
            };
            let tail = draw(self.seed, Stream::User, index ^ (1 << 42)) as u32;
            return format!("{kind}_1001_{tail:08x}@boxdevedition.com");
        }
        let mut draws = Draws::new(self.seed, Stream::User, index);
        let (given, family) = (draws.pick(&GIVEN), draws.pick(&FAMILY));
        let (domain, number) = match index.checked_sub(EXTERNAL) {
            Some(outside) => (OUTSIDE[(outside % 4) as usize], outside),
            None => (DOMAINS[usize::from(index % 9 == 8)], index),
        };
        format!("{given}.{family}{number}@{domain}").to_ascii_lowercase()
    }

    pub fn name(&self, index: u64) -> String {
        if index == SERVICE {
            return "Access review".into();
        }
        let mut draws = Draws::new(self.seed, Stream::User, index);
        let (given, family) = (draws.pick(&GIVEN), draws.pick(&FAMILY));
        format!("{given} {family}")
    }

    /// The enterprise of somebody outside, if the person has one.
    pub fn enterprise(&self, index: u64) -> Option<u64> {
        match index.checked_sub(EXTERNAL) {
            None => Some(0),
            Some(outside) if outside % 4 == 2 => None,
            Some(outside) => Some(1 + outside % 4),
        }
    }

    pub fn person(&self, index: u64) -> Person {
        let mut draws = Draws::new(self.seed, Stream::User, index ^ (1 << 43));
        let created = self.started - DAY - draws.below(1500) as Millis * DAY;
        let age = (self.started - created) as u64;
        Person {
            index,
            id: self.id(index),
            name: self.name(index),
            login: self.login(index),
            status: self.status(index),
            role: match index {
                ADMIN => Role::Admin,
                index if COADMINS.contains(&index) => Role::Coadmin,
                _ => Role::User,
            },
            is_app_user: self.is_app_user(index),
            department: draws.pick(&DEPARTMENTS),
            created,
            modified: created + draws.below(age) as Millis,
        }
    }
}

#[derive(Clone, Debug)]
pub struct Group {
    pub id: String,
    pub name: String,
    pub group_type: &'static str,
    /// Where a group of a directory comes from.
    pub provenance: Option<&'static str>,
    pub created: Millis,
}

/// The groups of a plan. Number 0 is that of all users.
#[derive(Clone)]
pub struct Groups {
    seed: u64,
    pub count: u64,
    users: u64,
    started: Millis,
}

impl Groups {
    pub fn new(plan: &Plan) -> Groups {
        Groups {
            seed: plan.seed,
            count: plan.groups as u64 + 1,
            users: plan.users as u64,
            started: plan.started.as_millisecond(),
        }
    }

    pub fn id(&self, index: u64) -> String {
        id(self.seed, Type::Group, index)
    }

    pub fn find(&self, text: &str) -> Option<u64> {
        index(self.seed, Type::Group, text).filter(|index| *index < self.count)
    }

    pub fn membership_id(&self, group: u64, user: u64) -> String {
        id(self.seed, Type::Membership, group << 24 | user)
    }

    pub fn name(&self, index: u64) -> String {
        match index {
            0 => "All Users".into(),
            _ => format!("{} {index}", DEPARTMENTS[(index % 7) as usize]),
        }
    }

    pub fn group(&self, index: u64) -> Group {
        let mut draws = Draws::new(self.seed, Stream::Group, index);
        let created = self.started - DAY - draws.below(1500) as Millis * DAY;
        Group {
            id: self.id(index),
            name: self.name(index),
            group_type: match index {
                0 => "all_users_group",
                _ => "managed_group",
            },
            provenance: (index > 0 && draws.below(3) == 0).then_some("Active Directory"),
            created,
        }
    }

    fn first(&self, index: u64) -> u64 {
        draw(self.seed, Stream::Member, index) % self.users.max(1)
    }

    fn size(&self, index: u64) -> u64 {
        match index {
            0 => self.users,
            _ => (2 + draw(self.seed, Stream::Member, index | 1 << 40) % 30).min(self.users),
        }
    }

    /// Whether the plan puts this user into this group.
    pub fn has(&self, index: u64, user: u64) -> bool {
        if user >= self.users || index >= self.count {
            return false;
        }
        let place = (user + self.users - self.first(index)) % self.users;
        index == 0 || place < self.size(index)
    }

    /// Whether a member of the plan administers the group: the first one does.
    pub fn is_admin(&self, index: u64, user: u64) -> bool {
        index > 0 && user == self.first(index)
    }

    /// The users that the plan puts into a group.
    pub fn members(&self, index: u64) -> impl Iterator<Item = u64> {
        let first = if index == 0 { 0 } else { self.first(index) };
        let users = self.users.max(1);
        (0..self.size(index)).map(move |place| (first + place) % users)
    }
}
