//! Applications of the directory and what they were granted.

use super::people::People;
use super::plan::Plan;
use crate::chance::{Draws, Stream, draw, guid, guid_index, push_guid_bits};

/// The resource applications whose permissions others are granted.
pub const GRAPH_APP: &str = "00000003-0000-0000-c000-000000000000";
pub const MANAGEMENT_APP: &str = "c5393580-f805-4401-95e8-94b7a6ef2fc2";
const EXCHANGE_APP: &str = "00000002-0000-0ff1-ce00-000000000000";
const SHAREPOINT_APP: &str = "00000003-0000-0ff1-ce00-000000000000";
/// Owner of Microsoft's own applications.
pub const FIRST_PARTY_OWNER: &str = "f8cdef31-a31e-4b4a-93e4-5f571e91255a";

/// Places of the applications that every tenant has: four resources and the reader itself.
pub const GRAPH: u64 = 0;
pub const MANAGEMENT: u64 = 1;
pub const OURS: u64 = 4;
/// The first application that is not one of those.
pub const FIXED: u64 = 5;

/// Application role ids (Microsoft Graph permissions reference; Management APIs' service principal).
const ROLE_IDS: [(&str, &str); 18] = [
    ("ActivityFeed.Read", "594c1fb6-4f81-4475-ae41-0c394909246c"),
    (
        "ActivityFeed.ReadDlp",
        "4807a72c-ad38-4250-94c9-4eabfe26cd55",
    ),
    ("ServiceHealth.Read", "e2cea78f-e743-4d8f-a16a-75b629a038ae"),
    ("AuditLog.Read.All", "b0afded3-3588-46d8-8b3d-9842eff778da"),
    ("User.Read.All", "df021288-bdef-4463-88db-98f22de89214"),
    (
        "GroupMember.Read.All",
        "98830695-27a2-44f7-8c18-0c3ebc9698f6",
    ),
    ("Directory.Read.All", "7ab1d382-f21e-4acd-a863-ba3e13f7da61"),
    (
        "RoleManagement.Read.Directory",
        "483bed4a-2ad3-4361-a73b-c83ccdbdc53c",
    ),
    ("Sites.Read.All", "332a536c-c7ef-4017-ab91-336970924f0d"),
    (
        "Sites.FullControl.All",
        "a82116e5-55eb-4c41-a434-62fe8a61c773",
    ),
    ("Files.Read.All", "01d4889c-1287-42c6-ac1f-5d1e02578ef6"),
    (
        "Files.ReadWrite.All",
        "75359482-378d-4052-8f01-80520e7db3cd",
    ),
    (
        "Application.Read.All",
        "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30",
    ),
    (
        "Application.ReadWrite.All",
        "1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9",
    ),
    (
        "RoleManagement.ReadWrite.Directory",
        "9e3f62cf-ca93-4989-b6ce-bf83c28f9fe8",
    ),
    (
        "InformationProtectionPolicy.Read.All",
        "19da66cb-0fb0-4390-b071-ebc76a349482",
    ),
    (
        "Organization.Read.All",
        "498476ce-e0fe-48b0-b801-37ba7e2685c6",
    ),
    ("User.ReadWrite.All", "741f803b-c850-494e-b5df-cde7c675a1ca"),
];
/// Further roles of Graph; their ids are the simulator's own.
const OTHER_ROLES: [&str; 5] = [
    "Mail.Read",
    "Mail.ReadWrite",
    "Directory.ReadWrite.All",
    "Domain.Read.All",
    "LicenseAssignment.Read.All",
];

const APP_NAMES: [&str; 12] = [
    "Calendar Planner",
    "Signature Maker",
    "Expense Desk",
    "Survey Builder",
    "Backup Vault",
    "Mail Merge Studio",
    "CRM Connect",
    "Time Tracker",
    "Contract Flow",
    "Chart Wizard",
    "Ticket Bridge",
    "Travel Assistant",
];
const MILD_SCOPES: [&str; 4] = [
    " User.Read",
    "openid profile User.Read",
    " Calendars.Read User.Read",
    "User.Read offline_access",
];
const RISKY_SCOPES: [&str; 4] = [
    " Mail.ReadWrite User.Read",
    "Files.ReadWrite.All offline_access User.Read",
    " Directory.ReadWrite.All",
    "Mail.Read Mail.Send Contacts.ReadWrite",
];

/// The id of an application role by its name.
pub fn role_id(seed: u64, name: &str) -> String {
    if let Some((_, id)) = ROLE_IDS.iter().find(|(known, _)| *known == name) {
        return (*id).to_string();
    }
    let index = name
        .bytes()
        .fold(0, |sum: u64, byte| sum.wrapping_mul(31) + u64::from(byte));
    let mut id = String::new();
    push_guid_bits(&mut id, index, draw(seed, Stream::AppRole, index));
    id
}

/// Every application role that the resource applications offer.
pub fn role_names(resource: u64) -> Vec<&'static str> {
    let all = ROLE_IDS.iter().map(|(name, _)| *name).chain(OTHER_ROLES);
    all.filter(|name| resource_of(name) == resource).collect()
}

/// Which resource an application role belongs to.
pub fn resource_of(role: &str) -> u64 {
    let is_management = role.starts_with("ActivityFeed.") || role.starts_with("ServiceHealth.Read");
    if is_management { MANAGEMENT } else { GRAPH }
}

#[derive(Clone, Debug)]
pub struct App {
    pub id: String,
    pub app_id: String,
    pub name: String,
    pub is_enabled: bool,
    pub is_first_party: bool,
    pub is_verified: bool,
}

/// A delegated grant, as it stands in `oauth2PermissionGrants`.
#[derive(Clone, Debug)]
pub struct Grant {
    pub id: String,
    pub app: u64,
    /// `None` is consent for everyone.
    pub user: Option<u64>,
    pub scope: &'static str,
}

/// An application role held by an application.
#[derive(Clone, Debug)]
pub struct AppRoleHeld {
    pub id: String,
    pub app: u64,
    pub resource: u64,
    pub role: String,
}

/// The applications of a plan, with the two tables of what they hold.
pub struct Apps {
    seed: u64,
    pub count: u64,
    client_id: String,
    pub grants: Vec<Grant>,
    pub roles_held: Vec<AppRoleHeld>,
}

impl Apps {
    pub fn new(plan: &Plan, people: &People) -> Apps {
        let seed = plan.seed;
        let count = FIXED + 25 + (plan.users as u64 / 20).min(2000);
        let (mut grants, mut roles_held) = (Vec::new(), Vec::new());
        for app in FIXED..count {
            let mut draws = Draws::new(seed, Stream::Grant, app);
            let is_risky = draws.below(5) == 0;
            for _ in 0..draws.below(3) {
                let scope = draws.pick(if is_risky {
                    &RISKY_SCOPES
                } else {
                    &MILD_SCOPES
                });
                let user = (!draws.is_one_in(3)).then(|| draws.below(people.count.max(1)));
                let id = format!(
                    "grant-{:012x}",
                    draw(seed, Stream::Grant, grants.len() as u64 | 1 << 40) >> 16
                );
                grants.push(Grant {
                    id,
                    app,
                    user,
                    scope,
                });
            }
            if draws.is_one_in(4) {
                let names = role_names(GRAPH);
                let role = if is_risky {
                    "Mail.ReadWrite"
                } else {
                    draws.pick(&names)
                };
                let id = guid(seed, Stream::AppRole, roles_held.len() as u64);
                roles_held.push(AppRoleHeld {
                    id,
                    app,
                    resource: GRAPH,
                    role: role.into(),
                });
            }
        }
        for role in &plan.roles {
            let id = guid(seed, Stream::AppRole, roles_held.len() as u64);
            let resource = resource_of(role);
            roles_held.push(AppRoleHeld {
                id,
                app: OURS,
                resource,
                role: role.clone(),
            });
        }
        Apps {
            seed,
            count,
            client_id: plan.client_id.clone(),
            grants,
            roles_held,
        }
    }

    pub fn id(&self, index: u64) -> String {
        guid(self.seed, Stream::Application, index)
    }

    pub fn app(&self, index: u64) -> App {
        let mut draws = Draws::new(self.seed, Stream::Application, index);
        let own_id = guid(self.seed, Stream::Application, index | 1 << 24);
        let (app_id, name) = match index {
            GRAPH => (GRAPH_APP.into(), "Microsoft Graph".into()),
            MANAGEMENT => (MANAGEMENT_APP.into(), "Office 365 Management APIs".into()),
            2 => (EXCHANGE_APP.into(), "Office 365 Exchange Online".into()),
            3 => (SHAREPOINT_APP.into(), "Office 365 SharePoint Online".into()),
            OURS => (self.client_id.clone(), "Casbah".into()),
            _ => (own_id, format!("{} {index}", draws.pick(&APP_NAMES))),
        };
        App {
            id: self.id(index),
            app_id,
            name,
            is_enabled: index < FIXED || !draws.is_one_in(25),
            is_first_party: index < OURS,
            is_verified: draws.is_one_in(2),
        }
    }

    /// An application by the object id of its service principal.
    pub fn find(&self, id: &str) -> Option<u64> {
        guid_index(self.seed, Stream::Application, id).filter(|index| *index < self.count)
    }

    pub fn find_by_app_id(&self, app_id: &str) -> Option<u64> {
        (0..self.count).find(|index| self.app(*index).app_id.eq_ignore_ascii_case(app_id))
    }
}
