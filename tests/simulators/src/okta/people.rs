//! Users and groups of an org, each a function of the seed and a number.

use super::ids::{Type, id, index};
use super::plan::Plan;
use crate::chance::{Draws, Stream, draw};
use crate::moment::{DAY, HOUR, Millis};
use crate::names::{DEPARTMENTS, FAMILY, GIVEN};

const DOMAIN: &str = "acme.example";

/// The first users administer; all of them are active.
pub const ADMINS: u64 = 8;
/// Types of `credentials.provider`, the commonest first.
const PROVIDERS: [&str; 6] = [
    "OKTA",
    "ACTIVE_DIRECTORY",
    "LDAP",
    "FEDERATION",
    "SOCIAL",
    "IMPORT",
];

/// The statuses of a user (Users API, "User status").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    Active,
    PasswordExpired,
    Recovery,
    LockedOut,
    Suspended,
    Deprovisioned,
    Staged,
    Provisioned,
}

impl Status {
    pub const ALL: [Status; 8] = [
        Status::Active,
        Status::PasswordExpired,
        Status::Recovery,
        Status::LockedOut,
        Status::Suspended,
        Status::Deprovisioned,
        Status::Staged,
        Status::Provisioned,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Status::Active => "ACTIVE",
            Status::PasswordExpired => "PASSWORD_EXPIRED",
            Status::Recovery => "RECOVERY",
            Status::LockedOut => "LOCKED_OUT",
            Status::Suspended => "SUSPENDED",
            Status::Deprovisioned => "DEPROVISIONED",
            Status::Staged => "STAGED",
            Status::Provisioned => "PROVISIONED",
        }
    }

    /// Whether somebody may act with an account of this status.
    pub fn can_sign_in(self) -> bool {
        matches!(
            self,
            Status::Active | Status::PasswordExpired | Status::Recovery
        )
    }
}

/// A user as it was at first; deeds change it later.
#[derive(Clone, Debug)]
pub struct Person {
    pub index: u64,
    pub id: String,
    pub login: String,
    pub given: &'static str,
    pub family: &'static str,
    pub status: Status,
    /// The status that a change under way leads to.
    pub transition: Option<Status>,
    pub department: &'static str,
    pub provider: &'static str,
    pub created: Millis,
    pub last_login: Option<Millis>,
    pub last_updated: Millis,
    pub status_changed: Option<Millis>,
}

/// The people of a plan.
#[derive(Clone)]
pub struct People {
    pub seed: u64,
    pub count: u64,
    started: Millis,
}

impl People {
    pub fn new(plan: &Plan) -> People {
        People {
            seed: plan.seed,
            count: plan.users as u64,
            started: plan.started.as_millisecond(),
        }
    }

    pub fn id(&self, index: u64) -> String {
        id(self.seed, Type::User, index)
    }

    /// The number of a user by id or login.
    pub fn find(&self, text: &str) -> Option<u64> {
        index(self.seed, Type::User, text).or_else(|| {
            let front = text.split('@').next()?;
            let digits = front.trim_start_matches(|letter: char| !letter.is_ascii_digit());
            let index = digits.parse().ok()?;
            self.login(index)
                .eq_ignore_ascii_case(text)
                .then_some(index)
        })
    }

    /// Administrators are active, the next users show every other status, and of the rest most are active.
    pub fn status(&self, index: u64) -> Status {
        match index {
            0..ADMINS => Status::Active,
            8..16 => Status::ALL[(index - ADMINS) as usize],
            _ => match draw(self.seed, Stream::User, index ^ (1 << 40)) % 100 {
                0..5 => Status::Deprovisioned,
                5..8 => Status::Suspended,
                8..11 => Status::Staged,
                11..13 => Status::LockedOut,
                13..15 => Status::Provisioned,
                15..17 => Status::PasswordExpired,
                17 => Status::Recovery,
                _ => Status::Active,
            },
        }
    }

    pub fn login(&self, index: u64) -> String {
        let mut draws = Draws::new(self.seed, Stream::User, index);
        let (given, family) = (draws.pick(&GIVEN), draws.pick(&FAMILY));
        format!("{given}.{family}{index}@{DOMAIN}").to_ascii_lowercase()
    }

    pub fn name(&self, index: u64) -> String {
        let mut draws = Draws::new(self.seed, Stream::User, index);
        let (given, family) = (draws.pick(&GIVEN), draws.pick(&FAMILY));
        format!("{given} {family}")
    }

    pub fn person(&self, index: u64) -> Person {
        let mut draws = Draws::new(self.seed, Stream::User, index);
        let (given, family) = (draws.pick(&GIVEN), draws.pick(&FAMILY));
        let status = self.status(index);
        let created = self.started - DAY - draws.below(1500) as Millis * DAY;
        let age = (self.started - created) as u64;
        let last_updated = created + draws.below(age) as Millis;
        let idle = draws.below(60 * 24) as Millis * HOUR;
        let has_signed_in = !matches!(status, Status::Staged | Status::Provisioned);
        let is_changed = !matches!(status, Status::Staged);
        Person {
            index,
            id: self.id(index),
            login: self.login(index),
            given,
            family,
            status,
            transition: None,
            department: draws.pick(&DEPARTMENTS),
            provider: match draws.below(10) {
                0..6 => PROVIDERS[0],
                6..8 => PROVIDERS[1],
                other => PROVIDERS[(2 + (other + index) % 4) as usize],
            },
            created,
            last_login: has_signed_in.then(|| (self.started - idle).max(created)),
            last_updated,
            status_changed: is_changed.then_some(last_updated),
        }
    }
}

/// The types of a group (Groups API, "Group type").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GroupType {
    OktaGroup,
    AppGroup,
    BuiltIn,
}

impl GroupType {
    pub fn name(self) -> &'static str {
        match self {
            GroupType::OktaGroup => "OKTA_GROUP",
            GroupType::AppGroup => "APP_GROUP",
            GroupType::BuiltIn => "BUILT_IN",
        }
    }
}

#[derive(Clone, Debug)]
pub struct Group {
    pub id: String,
    pub kind: GroupType,
    pub name: String,
    pub description: Option<&'static str>,
    pub created: Millis,
    pub last_updated: Millis,
    pub last_membership_updated: Millis,
}

/// The groups of a plan. Number 0 is Everyone, number 1 holds an admin role.
#[derive(Clone)]
pub struct Groups {
    seed: u64,
    pub count: u64,
    users: u64,
    started: Millis,
}

/// The group that a standard admin role is assigned to.
pub const ADMIN_GROUP: u64 = 1;

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

    pub fn group(&self, index: u64) -> Group {
        let mut draws = Draws::new(self.seed, Stream::Group, index);
        let kind = match index {
            0 => GroupType::BuiltIn,
            ADMIN_GROUP => GroupType::OktaGroup,
            _ if draws.below(3) == 0 => GroupType::AppGroup,
            _ => GroupType::OktaGroup,
        };
        let created = self.started - DAY - draws.below(1500) as Millis * DAY;
        let age = (self.started - created) as u64;
        Group {
            id: self.id(index),
            kind,
            name: match index {
                0 => "Everyone".into(),
                ADMIN_GROUP => "Directory administrators".into(),
                _ => format!("{} {index}", DEPARTMENTS[(index % 7) as usize]),
            },
            description: match index {
                0 => Some("All users in your organization"),
                _ if draws.below(2) == 0 => Some("Made for a \"project\" and kept."),
                _ => None,
            },
            created,
            last_updated: created + draws.below(age) as Millis,
            last_membership_updated: created + draws.below(age) as Millis,
        }
    }

    fn first(&self, index: u64) -> u64 {
        draw(self.seed, Stream::Member, index) % self.users.max(1)
    }

    /// How many users the plan puts into a group: everyone, a few administrators, or a few dozen.
    fn size(&self, index: u64) -> u64 {
        match index {
            0 => self.users,
            ADMIN_GROUP => 4.min(self.users),
            _ => (2 + draw(self.seed, Stream::Member, index | 1 << 40) % 40).min(self.users),
        }
    }

    /// Whether the plan puts this user into this group.
    pub fn has(&self, index: u64, user: u64) -> bool {
        if user >= self.users {
            return false;
        }
        match index {
            0 => true,
            ADMIN_GROUP => (2..2 + self.size(index)).contains(&user),
            _ => (user + self.users - self.first(index)) % self.users < self.size(index),
        }
    }

    /// The users that the plan puts into a group, in order.
    pub fn members(&self, index: u64) -> Vec<u64> {
        let mut members: Vec<u64> = match index {
            0 => (0..self.users).collect(),
            ADMIN_GROUP => (2..2 + self.size(index))
                .filter(|user| *user < self.users)
                .collect(),
            _ => {
                let first = self.first(index);
                let places = 0..self.size(index);
                places.map(|place| (first + place) % self.users).collect()
            }
        };
        members.sort_unstable();
        members
    }
}
