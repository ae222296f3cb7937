//! The directory's people and groups, each a function of the seed and a number.

use super::plan::Plan;
use crate::chance::{Draws, Stream, draw, guid, guid_index};
use crate::moment::{DAY, Millis};
use crate::names::{DEPARTMENTS, FAMILY, GIVEN};

/// Where guests come from; none of these is a domain of the tenant.
const PARTNERS: [&str; 3] = ["fabrikam.com", "adatum.com", "northwindtraders.com"];

/// The tenant's verified domains; the second is the one every tenant has.
pub const DOMAINS: [&str; 2] = ["contoso.com", "contoso.onmicrosoft.com"];

/// Members of one entry of a groups delta; larger groups come as several entries.
pub const MEMBERS_PER_ENTRY: u64 = 200;

/// A user as it was at first; deeds change it later.
#[derive(Clone, Debug)]
pub struct Person {
    pub index: u64,
    pub id: String,
    pub upn: String,
    pub name: String,
    pub mail: String,
    pub is_guest: bool,
    pub is_enabled: bool,
    pub department: &'static str,
    pub created: Millis,
    pub last_sign_in: Option<Millis>,
    pub is_synced: bool,
    pub sessions_from: Millis,
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
        let started = plan.started.as_millisecond();
        People {
            seed: plan.seed,
            count: plan.users as u64,
            started,
        }
    }

    pub fn id(&self, index: u64) -> String {
        guid(self.seed, Stream::User, index)
    }

    /// The number of a user by object id or principal name.
    pub fn find(&self, text: &str) -> Option<u64> {
        guid_index(self.seed, Stream::User, text).or_else(|| {
            let front = text.split(['@', '_']).next()?;
            let digits = front.trim_start_matches(|letter: char| !letter.is_ascii_digit());
            let index = digits.parse().ok()?;
            self.person(index)
                .upn
                .eq_ignore_ascii_case(text)
                .then_some(index)
        })
    }

    /// The number of a user by mail address.
    pub fn find_by_mail(&self, mail: &str) -> Option<u64> {
        let front = mail.split('@').next()?;
        let digits = front.trim_start_matches(|letter: char| !letter.is_ascii_digit());
        let index = digits.parse().ok()?;
        self.person(index)
            .mail
            .eq_ignore_ascii_case(mail)
            .then_some(index)
    }

    /// Whether the index is a guest: 5 %, never among the first, who administer.
    pub fn is_guest(&self, index: u64) -> bool {
        index >= 8 && draw(self.seed, Stream::User, index ^ (1 << 40)).is_multiple_of(20)
    }

    /// Whether the index was ever given a OneDrive: most members, no guests.
    pub fn has_drive(&self, index: u64) -> bool {
        !self.is_guest(index) && !draw(self.seed, Stream::User, index ^ (1 << 41)).is_multiple_of(8)
    }

    pub fn push_upn(&self, out: &mut String, index: u64) {
        let mut draws = Draws::new(self.seed, Stream::User, index);
        let (given, family) = (draws.pick(&GIVEN), draws.pick(&FAMILY));
        for part in [given, ".", family] {
            out.extend(part.chars().map(|letter| letter.to_ascii_lowercase()));
        }
        out.push_str(&index.to_string());
        if self.is_guest(index) {
            out.push('_');
            out.push_str(PARTNERS[(index % 3) as usize]);
            out.push_str("#EXT#@");
            out.push_str(DOMAINS[1]);
        } else {
            out.push('@');
            out.push_str(DOMAINS[0]);
        }
    }

    pub fn upn(&self, index: u64) -> String {
        let mut upn = String::with_capacity(48);
        self.push_upn(&mut upn, index);
        upn
    }

    pub fn person(&self, index: u64) -> Person {
        let mut draws = Draws::new(self.seed, Stream::User, index);
        let (given, family) = (draws.pick(&GIVEN), draws.pick(&FAMILY));
        let upn = self.upn(index);
        let is_guest = self.is_guest(index);
        let partner = PARTNERS[(index % 3) as usize];
        let front = upn.split(['@', '_']).next().unwrap_or(&upn);
        let mail = if is_guest {
            format!("{front}@{partner}")
        } else {
            upn.clone()
        };
        let age = DAY + draws.below(1500) as Millis * DAY;
        let idle = draws.below(60 * 24) as Millis * (DAY / 24);
        Person {
            index,
            id: self.id(index),
            mail,
            upn,
            name: format!("{given} {family}"),
            is_guest,
            // 3 %, never among the first, who administer.
            is_enabled: index < 8 || draws.below(100) >= 3,
            department: draws.pick(&DEPARTMENTS),
            created: self.started - age,
            last_sign_in: (draws.below(10) > 0).then_some(self.started - idle),
            is_synced: !is_guest && draws.below(3) == 0,
            sessions_from: self.started - age,
        }
    }

    /// An account of the partner that exists in no directory of ours.
    pub fn stranger(&self, number: u64) -> String {
        let mut draws = Draws::new(self.seed, Stream::User, number | 1 << 50);
        let (given, family) = (draws.pick(&GIVEN), draws.pick(&FAMILY));
        let partner = draws.pick(&PARTNERS);
        format!("{given}.{family}@{partner}").to_ascii_lowercase()
    }
}

/// The groups of a plan; members are named by number.
#[derive(Clone)]
pub struct Groups {
    seed: u64,
    pub count: u64,
    users: u64,
    /// Entries of the delta before each group.
    entries: Vec<u64>,
}

#[derive(Clone, Debug)]
pub struct Group {
    pub id: String,
    pub name: String,
    pub is_team: bool,
    pub is_role_assignable: bool,
    pub members: u64,
    /// A group that is a member as well; always an earlier one.
    pub nested: Option<u64>,
}

impl Groups {
    pub fn new(plan: &Plan) -> Groups {
        let users = plan.users as u64;
        let count = (users / 10).max(5);
        let mut groups = Groups {
            seed: plan.seed,
            count,
            users,
            entries: Vec::new(),
        };
        let mut total = 0;
        for index in 0..count {
            groups.entries.push(total);
            total += groups
                .group(index)
                .members
                .div_ceil(MEMBERS_PER_ENTRY)
                .max(1);
        }
        groups.entries.push(total);
        groups
    }

    pub fn id(&self, index: u64) -> String {
        guid(self.seed, Stream::Group, index)
    }

    pub fn find(&self, id: &str) -> Option<u64> {
        guid_index(self.seed, Stream::Group, id).filter(|index| *index < self.count)
    }

    /// The first group holds everyone, the others a few to a few dozen.
    pub fn group(&self, index: u64) -> Group {
        let mut draws = Draws::new(self.seed, Stream::Group, index);
        let members = if index == 0 {
            self.users
        } else {
            (3 + draws.below(40)).min(self.users)
        };
        let department = DEPARTMENTS[(index % 7) as usize];
        Group {
            id: self.id(index),
            name: if index == 0 {
                "All Company".into()
            } else {
                format!("{department} {index}")
            },
            is_team: index > 0 && draws.below(3) == 0,
            is_role_assignable: index == 1,
            members,
            nested: (index > 4 && draws.below(6) == 0).then(|| draws.below(index)),
        }
    }

    /// The user at one place of a group.
    pub fn member(&self, index: u64, place: u64) -> u64 {
        (draw(self.seed, Stream::Member, index) % self.users.max(1) + place) % self.users.max(1)
    }

    /// Whether a user is one of the plan's members of a group.
    pub fn has(&self, index: u64, user: u64) -> bool {
        let users = self.users.max(1);
        let first = draw(self.seed, Stream::Member, index) % users;
        user < users && (user + users - first) % users < self.group(index).members
    }

    pub fn entry_count(&self) -> u64 {
        self.entries.last().copied().unwrap_or_default()
    }

    /// Group and first member place of one entry of the delta.
    pub fn entry(&self, number: u64) -> (u64, u64) {
        let index = self.entries.partition_point(|before| *before <= number) - 1;
        (
            index as u64,
            (number - self.entries[index]) * MEMBERS_PER_ENTRY,
        )
    }
}
