//! Everything about a tenant that never changes: who and what is there at first.

use super::apps::Apps;
use super::library::Library;
use super::people::{Groups, People};
use super::plan::Plan;
use super::roles::{RoleHeld, roles_held};
use crate::address::encode;

pub struct Tenant {
    pub seed: u64,
    pub tenant_id: String,
    pub client_id: String,
    pub files: u64,
    pub people: People,
    pub groups: Groups,
    pub apps: Apps,
    pub roles_held: Vec<RoleHeld>,
    pub library: Library,
}

impl Tenant {
    pub fn new(plan: &Plan) -> Tenant {
        let people = People::new(plan);
        Tenant {
            seed: plan.seed,
            tenant_id: plan.tenant_id.clone(),
            client_id: plan.client_id.clone(),
            files: plan.files as u64,
            groups: Groups::new(plan),
            apps: Apps::new(plan, &people),
            roles_held: roles_held(plan),
            library: Library::new(plan, &people),
            people,
        }
    }

    pub fn push_site_url(&self, out: &mut String, drive: u64) {
        match self.library.owner(drive) {
            Some(owner) => {
                out.push_str("https://contoso-my.sharepoint.com/personal/");
                let upn = self.people.upn(owner);
                out.extend(upn.chars().map(|letter| match letter {
                    '.' | '@' => '_',
                    letter => letter,
                }));
            }
            None => out.push_str(&self.library.site(drive, &self.people).web_url),
        }
    }

    /// The address of a drive's root, with plain spaces.
    pub fn push_library_url(&self, out: &mut String, drive: u64) {
        self.push_site_url(out, drive);
        out.push('/');
        out.push_str(self.library.library_name(drive));
    }

    /// The account name that SharePoint gives a user ("claims" form).
    pub fn login_name(&self, user: u64) -> String {
        format!("i:0#.f|membership|{}", self.people.upn(user).to_lowercase())
    }

    /// The address of a collection's description, as `@odata.context` shows it.
    pub fn context(graph: &str, of: &str) -> String {
        format!("{graph}/v1.0/$metadata#{}", encode(of))
    }
}
