//! Permissions of items, as Graph shows them (permission resource type).

use super::desk::Desk;
use super::grants::{Grant, Recipient};
use super::library::{Place, Share};
use crate::chance::{Stream, guid};
use crate::json::{Object, object};
use crate::moment::seconds;

/// What "no expiry" looks like (permission resource type, "expirationDateTime").
pub const NO_EXPIRY: &str = "0001-01-01T00:00:00Z";
/// The id of the one permission that the owner of a personal drive has.
const OWNER: &str = "b3duZXI";
/// The groups that every team site has: number, name and role.
const SITE_GROUPS: [(&str, &str, &str); 3] = [
    ("3", "Owners", "owner"),
    ("5", "Members", "write"),
    ("4", "Visitors", "read"),
];

impl Desk<'_> {
    /// All permissions of an item, own and inherited, with their ids.
    pub fn permissions(&self, place: Place) -> Vec<(String, String)> {
        let library = &self.tenant.library;
        let mut found = match library.owner(place.drive) {
            Some(owner) => vec![(OWNER.into(), self.owner_permission(owner))],
            None => site_groups(&library.site(place.drive, &self.tenant.people).name),
        };
        for grant in self.grants(place) {
            let text = self.permission(place, &grant);
            found.push((grant.id, text));
        }
        found
    }

    /// Whether inheritance is shown differs between tenants and documents, so here it differs between drives.
    pub fn shows_inheritance(&self, drive: u64) -> bool {
        drive.is_multiple_of(2)
    }

    /// Whether an id is of a permission that comes with the drive.
    pub fn is_of_drive(&self, drive: u64, id: &str) -> bool {
        match self.tenant.library.owner(drive) {
            Some(_) => id == OWNER,
            None => SITE_GROUPS
                .iter()
                .any(|(group, _, _)| id == site_group_id(group)),
        }
    }

    fn owner_permission(&self, owner: u64) -> String {
        let granted = self.identity(owner);
        object(|permission| {
            permission
                .text("id", OWNER)
                .raw("roles", r#"["owner"]"#)
                .raw("grantedToV2", &granted);
        })
    }

    /// A user as directory entry and as SharePoint account.
    fn identity(&self, user: u64) -> String {
        let person = self.tenant.people.person(user);
        let login = self.tenant.login_name(user);
        identity(&person.id, &person.name, &person.mail, &login)
    }

    /// A person of another company, who has an account with `#ext#` here or none.
    fn stranger(&self, number: u64) -> (String, String) {
        let mail = self.tenant.people.stranger(number);
        let login = outside_login(&mail);
        let id = guid(self.plan.seed, Stream::Domain, number & 0xFFFF_FFFF);
        (identity(&id, &mail, &mail, &login), mail)
    }

    /// A grant, as the item at `place` shows it.
    pub fn permission(&self, place: Place, grant: &Grant) -> String {
        let until = grant.until.map(seconds);
        object(|permission| {
            let roles = format!(r#"["{}"]"#, grant.role.name());
            permission.text("id", &grant.id).raw("roles", &roles);
            self.write_recipient(permission, grant);
            permission.text("expirationDateTime", until.as_deref().unwrap_or(NO_EXPIRY));
            if grant.on != place && self.shows_inheritance(place.drive) {
                let library = &self.tenant.library;
                let (drive, item) = (library.drive_id(place.drive), library.item_id(grant.on));
                permission.raw(
                    "inheritedFrom",
                    &format!(r#"{{"driveId":"{drive}","id":"{item}"}}"#),
                );
            }
        })
    }

    fn write_recipient(&self, permission: &mut Object<'_>, grant: &Grant) {
        match &grant.to {
            Recipient::Share(share, number) => {
                self.write_share(permission, &grant.id, grant.on, *share, *number);
            }
            Recipient::User(user) => {
                permission.raw("grantedToV2", &self.identity(*user));
            }
            Recipient::Invited(mail) => {
                permission.raw("invitation", &invitation(mail));
            }
        }
    }

    /// Who may open what a share opens (permission resource type, "Examples").
    fn write_share(
        &self,
        permission: &mut Object<'_>,
        id: &str,
        place: Place,
        share: Share,
        number: u64,
    ) {
        let colleague = || {
            self.person_like(number, place, false)
                .map(|user| self.identity(user))
        };
        match share {
            Share::AnonymousLink => {
                permission
                    .raw("link", &link("anonymous", id))
                    .flag("hasPassword", false);
            }
            Share::OrganizationLink => {
                permission.raw("link", &link("organization", id));
            }
            Share::ColleagueLink => {
                let people = format!("[{}]", colleague().unwrap_or_default());
                permission
                    .raw("link", &link("users", id))
                    .raw("grantedToIdentitiesV2", &people);
            }
            // There is no colleague, or it would be a grant to one.
            Share::ColleagueDirect => {
                permission.raw("grantedToV2", "null");
            }
            Share::EveryoneInside => {
                let tenant = &self.plan.tenant_id;
                let everyone = object(|user| {
                    user.text("displayName", "Everyone except external users")
                        .text(
                            "loginName",
                            &format!("c:0-.f|rolemanager|spo-grid-all-users/{tenant}"),
                        );
                });
                permission.raw("grantedToV2", &format!(r#"{{"siteUser":{everyone}}}"#));
            }
            Share::PartnerLink => {
                let people = format!("[{}]", self.stranger(number).0);
                permission
                    .raw("link", &link("users", id))
                    .raw("grantedToIdentitiesV2", &people);
            }
            // There is no guest, or it would be a grant to one.
            Share::GuestDirect => {
                permission.raw("grantedToV2", &self.stranger(number).0);
            }
            Share::Invitation => {
                let (_, mail) = self.stranger(number);
                permission.raw("invitation", &invitation(&mail));
            }
        }
    }
}

/// The account name of somebody who is a member of another company.
pub fn outside_login(mail: &str) -> String {
    let front = mail.replace('@', "_");
    format!("i:0#.f|membership|{front}#ext#@contoso.onmicrosoft.com")
}

fn invitation(mail: &str) -> String {
    object(|invitation| {
        invitation.text("email", mail).flag("signInRequired", true);
    })
}

fn link(scope: &str, id: &str) -> String {
    object(|link| {
        link.text("scope", scope)
            .text("type", "view")
            .text(
                "webUrl",
                &format!("https://contoso.sharepoint.com/:w:/s/{id}"),
            )
            .flag("preventsDownload", false);
    })
}

fn identity(id: &str, name: &str, mail: &str, login: &str) -> String {
    let user = object(|user| {
        user.text("id", id)
            .text("displayName", name)
            .text("email", mail);
    });
    let site_user = object(|user| {
        user.text("displayName", name).text("loginName", login);
    });
    format!(r#"{{"user":{user},"siteUser":{site_user}}}"#)
}

fn site_group_id(group: &str) -> String {
    format!("c2l0ZQ{group}")
}

fn site_groups(site: &str) -> Vec<(String, String)> {
    let permission = |(id, name, role): (&str, &str, &str)| {
        let group = object(|group| {
            let name = format!("{site} {name}");
            group
                .text("id", id)
                .text("displayName", &name)
                .text("loginName", &name);
        });
        let id = site_group_id(id);
        let text = object(|permission| {
            permission
                .text("id", &id)
                .raw("roles", &format!(r#"["{role}"]"#))
                .raw("grantedToV2", &format!(r#"{{"siteGroup":{group}}}"#));
        });
        (id, text)
    };
    SITE_GROUPS.map(permission).to_vec()
}
