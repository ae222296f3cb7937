//! Directory roles, and who holds which.

use super::apps::FIXED;
use super::plan::Plan;
use crate::chance::{Stream, draw};

/// A directory role: name, template id and whether it can change who may do what.
pub struct Role {
    pub name: &'static str,
    pub id: &'static str,
    pub is_privileged: bool,
}

/// Built-in roles; a built-in role's definition has the id of its template.
pub const ROLES: [Role; 12] = [
    role(
        "Global Administrator",
        "62e90394-69f5-4237-9190-012177145e10",
        true,
    ),
    role(
        "User Administrator",
        "fe930be7-5e62-47db-91af-98c3a49a38b1",
        true,
    ),
    role(
        "Privileged Role Administrator",
        "e8611ab8-c189-46e8-94e1-60213ab1f814",
        true,
    ),
    role(
        "Privileged Authentication Administrator",
        "7be44c8a-adaf-4e2a-84d6-ab2649e08a13",
        true,
    ),
    role(
        "Exchange Administrator",
        "29232cdf-9323-42fd-ade2-1d097af3e4de",
        true,
    ),
    role(
        "SharePoint Administrator",
        "f28a1f50-f6e7-4571-818b-6a12f2af6b6c",
        true,
    ),
    role(
        "Security Administrator",
        "194ae4cb-b126-40b2-bd5b-6091b380977d",
        true,
    ),
    role(
        "Application Administrator",
        "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3",
        true,
    ),
    role(
        "Cloud Application Administrator",
        "158c047a-c907-4556-b7ef-446551a6b5f7",
        true,
    ),
    role(
        "Message Center Reader",
        "790c1fb9-7f7d-4f88-86a1-ef1f95c05c1b",
        false,
    ),
    role(
        "Reports Reader",
        "4a5d8f65-41da-4de4-8968-e035b65339cf",
        false,
    ),
    role(
        "Usage Summary Reports Reader",
        "75934031-6c7e-415a-99d7-48dbd49e875e",
        false,
    ),
];

const fn role(name: &'static str, id: &'static str, is_privileged: bool) -> Role {
    Role {
        name,
        id,
        is_privileged,
    }
}

/// Who a role is assigned to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Principal {
    User(u64),
    Group(u64),
    App(u64),
}

#[derive(Clone, Debug)]
pub struct RoleHeld {
    pub id: String,
    pub role: usize,
    pub principal: Principal,
}

/// Two global administrators, a handful of others, one group and one application.
pub fn roles_held(plan: &Plan) -> Vec<RoleHeld> {
    let users = plan.users.max(1) as u64;
    let admins = (4 + users / 200).min(40);
    let mut held = vec![
        (0, Principal::User(0)),
        (0, Principal::User(1 % users)),
        (1, Principal::Group(1)),
        (10, Principal::App(FIXED + 1)),
    ];
    for number in 0..admins {
        let role = draw(plan.seed, Stream::RoleAssignment, number) as usize % (ROLES.len() - 1) + 1;
        held.push((role, Principal::User((2 + number) % users)));
    }
    let numbered = held.into_iter().enumerate();
    let with_id = numbered.map(|(number, (role, principal))| RoleHeld {
        id: format!(
            "{:016x}-1",
            draw(plan.seed, Stream::RoleAssignment, number as u64 | 1 << 32)
        ),
        role,
        principal,
    });
    with_id.collect()
}
