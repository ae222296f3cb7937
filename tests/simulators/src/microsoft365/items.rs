//! Items of a drive and their permissions, as Graph shows them.

use super::desk::Desk;
use super::library::{Place, Share};
use super::wire::Call;
use crate::chance::{Draws, Stream, draw};
use crate::json::{Object, Select, object};
use crate::moment::{HOUR, Millis, seconds};

/// How long ago the oldest change of a file may be, in hours.
const AGE_HOURS: u64 = 400 * 24;
/// What "no expiry" looks like (permission resource type, "expirationDateTime").
const NO_EXPIRY: &str = "0001-01-01T00:00:00Z";

impl Desk<'_> {
    pub fn own_share(&self, place: Place) -> Option<Share> {
        let changed = self.state.world.item(place).and_then(|change| change.share);
        changed.unwrap_or_else(|| self.tenant.library.own_share(place))
    }

    /// The item's own share and those of the folders above it, nearest first.
    pub fn shares(&self, place: Place) -> Vec<(Place, Share)> {
        let mut found = Vec::new();
        let mut at = Some(place);
        while let Some(place) = at {
            found.extend(self.own_share(place).map(|share| (place, share)));
            at = self
                .tenant
                .library
                .parent(place)
                .map(|item| Place { item, ..place });
        }
        found
    }

    pub fn item_text(&self, place: Place, call: &Call) -> String {
        let mut out = String::new();
        self.push_item(&mut out, place, call, call.select().as_deref(), true);
        out
    }

    pub fn push_change(
        &self,
        out: &mut String,
        place: Place,
        call: &Call,
        select: Option<&[String]>,
        is_sharing: bool,
    ) {
        if self.has_item(place) {
            self.push_item(out, place, call, select, false);
            if is_sharing && call.prefers("deltashowsharingchanges") {
                out.pop();
                out.push_str(r#","@microsoft.graph.sharedChanged":"True"}"#);
            }
            return;
        }
        // A deleted item has no name.
        let id = self.tenant.library.item_id(place);
        let parent = self.parent_reference(place);
        out.push_str(&object(|item| {
            item.text("id", &id)
                .raw("deleted", r#"{"state":"deleted"}"#)
                .raw("parentReference", &parent);
        }));
    }

    /// With `hierarchicalsharing` only items with a share of their own carry the facet (driveItem: delta, "Request headers").
    pub fn push_item(
        &self,
        out: &mut String,
        place: Place,
        call: &Call,
        select: Option<&[String]>,
        has_ctag: bool,
    ) {
        let library = &self.tenant.library;
        let id = library.item_id(place);
        let change = self.state.world.item(place);
        let edits = change.map_or(0, |change| change.edits);
        let number = draw(
            self.plan.seed,
            Stream::Item,
            place.drive << 32 | place.item | 1 << 63,
        );
        let modified = change
            .and_then(|change| change.edited)
            .unwrap_or(self.plan.started.as_millisecond() - (number % AGE_HOURS) as Millis * HOUR);
        let mut name = String::new();
        library.push_name(&mut name, place);
        let author = self.author(place);
        let mut item = Object::new(out, Select(select));
        item.text("id", &id)
            .text("name", if place.item == 0 { "root" } else { &name })
            .text("webUrl", &self.tenant.web_url(place))
            .text("eTag", &format!("\"{{{id}}},{}\"", edits + 1))
            .text("createdDateTime", &seconds(modified - HOUR))
            .text("lastModifiedDateTime", &seconds(modified))
            .raw("createdBy", &author)
            .raw("lastModifiedBy", &author)
            .raw("parentReference", &self.parent_reference(place));
        if has_ctag {
            item.text("cTag", &format!("\"c:{{{id}}},{}\"", edits + 1));
        }
        if place.item == 0 {
            item.raw("root", "{}");
        }
        if library.is_folder(place) {
            item.number("size", 0).raw("folder", r#"{"childCount":0}"#);
        } else {
            let hash = draw(self.plan.seed, Stream::Item, number ^ edits);
            let (_, mime) = library.extension(place);
            item.number("size", 1000 + (number >> 20) % 5_000_000 + edits)
                .raw(
                    "file",
                    &format!(
                        r#"{{"mimeType":"{mime}","hashes":{{"quickXorHash":"{hash:016x}AAAA="}}}}"#
                    ),
                );
        }
        if let Some(scope) = self.scope(place, call.prefers("hierarchicalsharing")) {
            item.raw("shared", &format!(r#"{{"scope":"{scope}"}}"#));
        }
        item.end();
    }

    fn scope(&self, place: Place, own_only: bool) -> Option<&'static str> {
        if own_only {
            return self.own_share(place).map(Share::scope);
        }
        let widest = self
            .shares(place)
            .into_iter()
            .max_by_key(|(_, share)| share.level());
        widest.map(|(_, share)| share.scope())
    }

    fn parent_reference(&self, place: Place) -> String {
        let library = &self.tenant.library;
        let drive_type = if library.owner(place.drive).is_some() {
            "business"
        } else {
            "documentLibrary"
        };
        object(|parent| {
            parent
                .text("driveId", &library.drive_id(place.drive))
                .text("driveType", drive_type);
            if let Some(item) = library.parent(place) {
                parent.text("id", &library.item_id(Place { item, ..place }));
            }
        })
    }

    fn author(&self, place: Place) -> String {
        let owner = self.tenant.library.owner(place.drive);
        let users = self.tenant.people.count.max(1);
        let person = self
            .tenant
            .people
            .person(owner.unwrap_or(place.item % users));
        let user = object(|user| {
            user.text("id", &person.id)
                .text("displayName", &person.name)
                .text("email", &person.mail);
        });
        format!(r#"{{"user":{user}}}"#)
    }

    /// All permissions of an item, own and inherited, separated by commas.
    pub fn permissions(&self, place: Place) -> String {
        let library = &self.tenant.library;
        let mut found = match library.owner(place.drive) {
            Some(owner) => vec![self.owner_permission(owner)],
            None => site_groups(&library.site(place.drive, &self.tenant.people).name),
        };
        // Whether inheritance is shown differs between tenants and documents, so here it differs between drives.
        let shows_inheritance = place.drive.is_multiple_of(2);
        for (from, share) in self.shares(place) {
            let inherited = (from != place && shows_inheritance).then_some(from);
            found.push(self.permission(from, share, inherited));
        }
        found.join(",")
    }

    fn owner_permission(&self, owner: u64) -> String {
        let granted = self.identity(owner);
        object(|permission| {
            permission
                .text("id", "b3duZXI")
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
        let login = format!(
            "i:0#.f|membership|{}#ext#@contoso.onmicrosoft.com",
            mail.replace('@', "_")
        );
        let id = crate::chance::guid(self.plan.seed, Stream::Domain, number & 0xFFFF_FFFF);
        (identity(&id, &mail, &mail, &login), mail)
    }

    fn permission(&self, place: Place, share: Share, inherited: Option<Place>) -> String {
        let number = place.drive << 32 | place.item;
        let mut draws = Draws::new(self.plan.seed, Stream::Grant, number | 1 << 62);
        let id = format!("aTow{:016x}", draws.next());
        let roles = draws.pick(&[r#"["read"]"#, r#"["write"]"#]);
        object(|permission| {
            permission.text("id", &id).raw("roles", roles);
            self.write_share(permission, &id, place, share, draws.next());
            permission.text("expirationDateTime", NO_EXPIRY);
            if let Some(from) = inherited {
                let library = &self.tenant.library;
                let (drive, item) = (library.drive_id(from.drive), library.item_id(from));
                permission.raw(
                    "inheritedFrom",
                    &format!(r#"{{"driveId":"{drive}","id":"{item}"}}"#),
                );
            }
        })
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
            Share::ColleagueDirect => {
                permission.raw("grantedToV2", colleague().as_deref().unwrap_or("null"));
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
            Share::GuestDirect => {
                let guest = self
                    .person_like(number, place, true)
                    .map(|user| self.identity(user));
                permission.raw(
                    "grantedToV2",
                    &guest.unwrap_or_else(|| self.stranger(number).0),
                );
            }
            Share::Invitation => {
                let (_, mail) = self.stranger(number);
                let invitation = format!(r#"{{"email":"{mail}","signInRequired":true}}"#);
                permission.raw("invitation", &invitation);
            }
        }
    }

    /// A guest or a member other than the drive's owner, near a number; `None` if there is nobody like that.
    fn person_like(&self, number: u64, place: Place, is_guest: bool) -> Option<u64> {
        let people = &self.tenant.people;
        let owner = self.tenant.library.owner(place.drive);
        let users = people.count.max(1);
        let candidates = (0..users.min(512)).map(|step| (number % users + step) % users);
        let mut fitting =
            candidates.filter(|user| people.is_guest(*user) == is_guest && Some(*user) != owner);
        fitting.next()
    }
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

/// The three groups that every team site has.
fn site_groups(site: &str) -> Vec<String> {
    let groups = [
        ("3", "Owners", "owner"),
        ("5", "Members", "write"),
        ("4", "Visitors", "read"),
    ];
    let permission = |(id, name, role): (&str, &str, &str)| {
        let group = object(|group| {
            let name = format!("{site} {name}");
            group
                .text("id", id)
                .text("displayName", &name)
                .text("loginName", &name);
        });
        object(|permission| {
            permission
                .text("id", &format!("c2l0ZQ{id}"))
                .raw("roles", &format!(r#"["{role}"]"#))
                .raw("grantedToV2", &format!(r#"{{"siteGroup":{group}}}"#));
        })
    };
    groups.map(permission).to_vec()
}
