//! Sites and drives: where files are, and what changed in them.

use super::desk::Desk;
use super::faults::Fault;
use super::library::Place;
use super::paging::{Links, Position, ROUND_DONE};
use super::tenant::Tenant;
use super::wire::{Call, graph_error, graph_page};
use super::world::Step;
use crate::answer::Answer;
use crate::json::object;
use crate::moment::{DAY, seconds};
use crate::seal::unseal;

const PAGE_MAX: usize = 999;

impl Desk<'_> {
    pub fn files(&mut self, call: &Call, path: &[&str]) -> Answer {
        if self.strikes(Fault::SiteLocked).is_some() {
            return site_locked();
        }
        match path {
            ["sites", "getAllSites" | "delta"] => self.sites(call, path),
            ["sites", id] => match self.tenant.library.find_site(id) {
                Some(number) => Answer::json(200, self.site(number)),
                None => item_not_found(),
            },
            ["sites", id, "drives"] => match self.tenant.library.find_site(id) {
                Some(number) => self.collection("drives", &self.drive(number)),
                None => item_not_found(),
            },
            ["sites", _, "sites"] => self.collection("sites", ""),
            ["users", id, "drive"] => self.user_drive(id),
            ["drives", id, rest @ ..] => self.in_drive(call, id, rest),
            _ => item_not_found(),
        }
    }

    fn in_drive(&mut self, call: &Call, id: &str, rest: &[&str]) -> Answer {
        let is_gone = self.strikes(Fault::DriveGone).is_some();
        let Some(drive) = self.tenant.library.find_drive(id).filter(|_| !is_gone) else {
            return item_not_found();
        };
        match rest {
            [] => Answer::json(200, self.drive(drive)),
            ["root", "delta"] => self.drive_delta(call, drive),
            ["root"] => Answer::json(200, self.item_text(Place { drive, item: 0 }, call)),
            ["root", "children"] => self.children(call, Place { drive, item: 0 }),
            ["root:", names @ ..] => self.item_by_path(call, Place { drive, item: 0 }, names),
            ["items", folder, names @ ..] if folder.ends_with(':') => {
                let folder = folder.trim_end_matches(':');
                match self.item_named(drive, folder) {
                    Some(folder) => self.item_by_path(call, folder, names),
                    None => item_not_found(),
                }
            }
            ["items", item, rest @ ..] => match self.item_named(drive, item) {
                Some(place) => self.of_item(call, place, rest),
                None => item_not_found(),
            },
            _ => item_not_found(),
        }
    }

    fn of_item(&mut self, call: &Call, place: Place, rest: &[&str]) -> Answer {
        match rest {
            [] => Answer::json(200, self.item_text(place, call)),
            ["children"] => self.children(call, place),
            ["content"] => self.download(place),
            ["permissions"] => {
                let values = self.permissions(place).into_iter();
                let values: Vec<String> = values.map(|(_, text)| text).collect();
                self.collection("permissions", &values.join(","))
            }
            ["permissions", id] => {
                let mut found = self.permissions(place).into_iter();
                match found.find(|(known, _)| known == id) {
                    Some((_, text)) => Answer::json(200, text),
                    None => item_not_found(),
                }
            }
            _ => item_not_found(),
        }
    }

    /// What lies in a folder (driveItem: List children).
    fn children(&mut self, call: &Call, folder: Place) -> Answer {
        let position = match self.position(call, PAGE_MAX) {
            Ok(position) => position,
            Err(answer) => return answer,
        };
        let inside = self.items_there(folder.drive);
        let inside = inside.filter(|place| self.parent_of(*place) == Some(folder));
        let inside: Vec<Place> = inside.collect();
        let library = &self.tenant.library;
        let (drive, item) = (library.drive_id(folder.drive), library.item_id(folder));
        let path = format!("drives/{drive}/items/{item}/children");
        self.page(
            &path,
            position,
            inside.len(),
            Links::LIST,
            |out, number, select| self.push_item(out, inside[number], call, select, true),
        )
    }

    /// An item by the names that lead to it (Addressing resources in a drive, "Path-based driveItem requests"); the last
    /// one may end with a colon.
    fn item_by_path(&self, call: &Call, root: Place, names: &[&str]) -> Answer {
        let names: Vec<&str> = names
            .iter()
            .map(|name| name.strip_suffix(':').unwrap_or(name))
            .collect();
        match self.descend(root, &names) {
            Some(place) => Answer::json(200, self.item_text(place, call)),
            None => item_not_found(),
        }
    }

    pub fn collection(&self, of: &str, values: &str) -> Answer {
        let graph = self.plan.base.graph.trim_end_matches('/');
        graph_page(&Tenant::context(graph, of), values, None)
    }

    fn sites(&mut self, call: &Call, path: &[&str]) -> Answer {
        let links = if path.last() == Some(&"delta") {
            Links::DELTA
        } else {
            Links::LIST
        };
        let count = self.tenant.library.count() as usize;
        match self.position(call, PAGE_MAX) {
            Ok(position) => {
                let count = if position.from.is_some() { 0 } else { count };
                self.page(&path.join("/"), position, count, links, |out, number, _| {
                    out.push_str(&self.site(number as u64));
                })
            }
            Err(answer) => answer,
        }
    }

    fn site(&self, number: u64) -> String {
        let site = self.tenant.library.site(number, &self.tenant.people);
        let created = seconds(self.plan.started.as_millisecond() - 800 * DAY);
        let host = site.id.split(',').next().unwrap_or_default();
        object(|object| {
            object
                .text("id", &site.id)
                .text("name", &site.name)
                .text("displayName", &site.name)
                .text("webUrl", &site.web_url)
                .text("createdDateTime", &created)
                .flag("isPersonalSite", site.owner.is_some())
                .raw("root", "{}")
                .raw(
                    "siteCollection",
                    &format!(r#"{{"hostname":"{host}","dataLocationCode":"EUR"}}"#),
                );
        })
    }

    fn drive(&self, number: u64) -> String {
        let library = &self.tenant.library;
        let owner = library.owner(number).and_then(|owner| self.user(owner));
        let url = self.web_url(Place {
            drive: number,
            item: 0,
        });
        let is_personal = library.owner(number).is_some();
        object(|drive| {
            drive
                .text("id", &library.drive_id(number))
                .text(
                    "driveType",
                    if is_personal {
                        "business"
                    } else {
                        "documentLibrary"
                    },
                )
                .text("name", if is_personal { "OneDrive" } else { "Documents" })
                .text("webUrl", &url);
            if let Some(owner) = owner {
                let user = object(|user| {
                    user.text("id", &owner.id)
                        .text("displayName", &owner.name)
                        .text("email", &owner.mail);
                });
                drive.raw("owner", &format!(r#"{{"user":{user}}}"#));
            }
        })
    }

    /// A user who never opened OneDrive has none.
    fn user_drive(&self, id: &str) -> Answer {
        let user = self
            .tenant
            .people
            .find(id)
            .filter(|user| self.user(*user).is_some());
        let Some(user) = user else {
            return super::directory::not_found(id);
        };
        match self.tenant.library.drive_of_user(user) {
            Some(drive) => Answer::json(200, self.drive(drive)),
            None => graph_error(404, "ResourceNotFound", "User's mysite not found."),
        }
    }

    /// Items of a drive, deleted ones included.
    pub fn item_count(&self, drive: u64) -> u64 {
        let added = self
            .state
            .world
            .items_added
            .get(&drive)
            .copied()
            .unwrap_or_default();
        self.tenant.library.items(drive) + added
    }

    pub fn has_item(&self, place: Place) -> bool {
        let is_deleted = self
            .state
            .world
            .item(place)
            .is_some_and(|change| change.is_deleted);
        place.item < self.item_count(place.drive) && !is_deleted
    }

    /// driveItem: delta. The first round is the whole tree, later ones the latest state of what changed.
    fn drive_delta(&mut self, call: &Call, drive: u64) -> Answer {
        if call.parameter("$expand").is_some() {
            return graph_error(400, "notSupported", "Expand is not supported here.");
        }
        let position = match self.drive_position(call, drive) {
            Ok(position) => position,
            Err(answer) => return answer,
        };
        let path = format!("drives/{}/root/delta", self.tenant.library.drive_id(drive));
        let changes = position
            .from
            .map(|from| self.changes(drive, from, position.until));
        let length = changes
            .as_ref()
            .map_or(self.item_count(drive) as usize, Vec::len);
        let repeats_root = self.strikes(Fault::RootRepeated).is_some() && position.offset > 0;
        let first = position.offset;
        self.page(
            &path,
            position,
            length,
            Links::DRIVE,
            |out, number, select| {
                if repeats_root && number == first {
                    self.push_item(out, Place { drive, item: 0 }, call, select, false);
                    out.push(',');
                }
                match &changes {
                    None => {
                        let place = Place {
                            drive,
                            item: number as u64,
                        };
                        if self.has_item(place) {
                            self.push_item(out, place, call, select, false);
                        } else if repeats_root && number == first {
                            out.pop();
                        }
                    }
                    Some(changes) => {
                        let (place, is_sharing) = changes[number];
                        self.push_change(out, place, call, select, is_sharing);
                    }
                }
            },
        )
    }

    fn drive_position(&mut self, call: &Call, drive: u64) -> Result<Position, Answer> {
        let until = self.state.world.steps.len();
        let page = self.plan.drive_page.max(1);
        let fresh = Position {
            offset: 0,
            until,
            from: None,
            page,
            select: call.select(),
            oddity: self.page_oddity(call.parameter("token").is_none()),
        };
        let Some(token) = call.parameter("token").filter(|token| !token.is_empty()) else {
            return Ok(fresh);
        };
        if let Some(code) = self.strikes(Fault::Drive410) {
            return Err(self.resync(drive, fresh, &code));
        }
        if token == "latest" {
            return Ok(Position {
                from: Some(until),
                ..fresh
            });
        }
        let bad = || graph_error(400, "invalidRequest", "The token is malformed.");
        let token = unseal(self.plan.seed, token).ok_or_else(bad)?;
        let old = Position::parse(&token).ok_or_else(bad)?;
        let oddity = fresh.oddity;
        if old.offset != ROUND_DONE {
            return Ok(Position { oddity, ..old });
        }
        Ok(Position {
            offset: 0,
            from: Some(old.until.min(until)),
            until,
            oddity,
            ..old
        })
    }

    /// 410 with a link that starts over, in one of the codes that were seen (driveItem: delta, "Response").
    fn resync(&mut self, drive: u64, fresh: Position, code: &str) -> Answer {
        let number = self
            .state
            .switches
            .struck()
            .get(&Fault::Drive410)
            .copied()
            .unwrap_or_default();
        let codes = [
            "resyncChangesApplyDifferences",
            "resyncChangesUploadDifferences",
            "resyncRequired",
        ];
        let code = if code.is_empty() {
            codes[(number % 3) as usize]
        } else {
            code
        };
        let path = format!("drives/{}/root/delta", self.tenant.library.drive_id(drive));
        let link = self.link(&path, "token", &fresh.token());
        graph_error(410, code, "Resync required.").with("Location", link)
    }

    /// The items that changed between two steps, each once.
    fn changes(&self, drive: u64, from: usize, until: usize) -> Vec<(Place, bool)> {
        let hides_sharing = self
            .state
            .switches
            .settings(Fault::SharedChangedMissing)
            .is_some();
        let steps = &self.state.world.steps;
        let until = until.min(steps.len());
        let mut changes: Vec<(Place, bool)> = Vec::new();
        for step in &steps[from.min(until)..until] {
            match step {
                Step::Item { place, is_sharing } if place.drive == drive => {
                    if *is_sharing && hides_sharing {
                        continue;
                    }
                    changes.retain(|(known, _)| known != place);
                    changes.push((*place, *is_sharing));
                }
                _ => {}
            }
        }
        changes
    }
}

pub fn site_locked() -> Answer {
    graph_error(423, "resourceLocked", "The site is locked.")
}

pub fn item_not_found() -> Answer {
    graph_error(404, "itemNotFound", "The resource could not be found.")
}
