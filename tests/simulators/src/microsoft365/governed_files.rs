//! Which files of the tenant can be acted on: new ones, each in a folder of its own, shared as the action needs it.

use casbah_model::action::{ActionKind, Target};

use super::desk::Desk;
use super::grants::{Given, Recipient, Role};
use super::labels::LABELS;
use super::library::{Place, Share};
use super::records::Deal;
use crate::governed::Ready;
use crate::moment::{DAY, SECOND, timestamp};

/// How long after now a link is to end.
const LINK_LIFE: i64 = 30 * DAY;

impl Desk<'_> {
    pub fn files_ready(&mut self, kind: ActionKind, count: usize) -> Vec<Ready> {
        (0..count)
            .filter_map(|number| self.file_ready(kind, number as u64))
            .collect()
    }

    fn file_ready(&mut self, kind: ActionKind, number: u64) -> Option<Ready> {
        let drive = self.drive_for(kind, number)?;
        let root = Place { drive, item: 0 };
        let actor = self.keeper(root);
        let others = self.colleagues(actor, number as usize)?;
        let case = format!("Case {}", self.item_count(drive));
        let folder = self.add(actor, root, Some(case), true);
        // Not every type can be labelled.
        let is_about_label = matches!(kind, ActionKind::ApplyLabel | ActionKind::RemoveLabel);
        let name = is_about_label.then(|| "Evidence.docx".to_string());
        let file = self.add(actor, folder, name, false);
        self.prepare(kind, (folder, file), &others);
        let library = &self.tenant.library;
        let (drive, item) = (library.drive_id(drive), library.item_id(file));
        let ready = Ready::target(&format!("{drive}/{item}"));
        Some(match kind {
            ActionKind::ExpireLink => {
                let at = (self.now + LINK_LIFE).div_euclid(SECOND) * SECOND;
                ready.with("at", &timestamp(at).to_string())
            }
            ActionKind::RemovePerson => {
                let person = self.tenant.people.person(others[0]);
                // Either way to name somebody will do.
                let is_mail = number.is_multiple_of(2);
                ready.with("person", if is_mail { &person.mail } else { &person.id })
            }
            ActionKind::ApplyLabel => ready.with("label", LABELS[2]),
            ActionKind::AdminQuarantine => {
                let folder = self.quarantine_folder();
                let library = &self.tenant.library;
                let (drive, item) = (library.drive_id(folder.drive), library.item_id(folder));
                ready.with("to", &format!("{drive}/{item}"))
            }
            _ => ready,
        })
    }

    /// Shares a new file as far as an action is about it.
    fn prepare(&mut self, kind: ActionKind, (folder, file): (Place, Place), others: &[u64; 3]) {
        match kind {
            ActionKind::RemoveLink | ActionKind::NarrowLink | ActionKind::ExpireLink => {
                self.open_to_all(file);
            }
            ActionKind::RemoveExternal => {
                let guest = self.guest();
                self.give_to(file, guest, Role::Read);
                self.give_to(file, others[0], Role::Write);
            }
            ActionKind::RemovePerson
            | ActionKind::MakePrivate
            | ActionKind::InheritSharing
            | ActionKind::Quarantine
            | ActionKind::AdminQuarantine => {
                self.give_to(file, others[0], Role::Write);
                self.give_to(file, others[1], Role::Read);
            }
            ActionKind::RemoveLabel => self.set_label(self.keeper(file), file, Some(1)),
            _ => {}
        }
        // Where inheritance is not shown, what the folder gives looks like the file's own.
        if kind == ActionKind::InheritSharing && self.shows_inheritance(file.drive) {
            self.give_to(folder, others[2], Role::Read);
        }
    }

    /// Personal drives and those of sites take turns. What takes everybody's access is done to personal ones only: the
    /// groups of a site keep theirs.
    fn drive_for(&self, kind: ActionKind, number: u64) -> Option<u64> {
        let takes_all = matches!(
            kind,
            ActionKind::MakePrivate | ActionKind::InheritSharing | ActionKind::Quarantine
        );
        let library = &self.tenant.library;
        if !takes_all && !number.is_multiple_of(2) {
            let sites = match kind {
                ActionKind::AdminQuarantine => self.quarantine_drive(),
                _ => library.team_sites,
            };
            return Some(number / 2 % sites);
        }
        let is_active = |drive: &u64| {
            let owner = library.owner(*drive).and_then(|owner| self.user(owner));
            owner.is_some_and(|owner| owner.is_enabled)
        };
        let drives = library.team_sites..library.count();
        let active: Vec<u64> = drives.filter(is_active).collect();
        let turn = if takes_all { number } else { number / 2 };
        let turns = active.len().max(1);
        active.get(turn as usize % turns).copied()
    }

    /// Three members other than one, of those who can sign in; others each time.
    fn colleagues(&self, but: u64, turn: usize) -> Option<[u64; 3]> {
        let users = (0..self.tenant.people.count).filter_map(|user| self.user(user));
        let fitting = users.filter(|user| user.is_enabled && !user.is_guest && user.index != but);
        let fitting: Vec<u64> = fitting.map(|user| user.index).collect();
        let all = fitting.iter().cycle().skip(turn);
        let found: Vec<u64> = all.take(fitting.len().min(3)).copied().collect();
        found.try_into().ok()
    }

    /// A guest of the directory; one is asked in where there is none.
    fn guest(&mut self) -> u64 {
        let mut all = (0..self.user_count()).filter_map(|place| self.user_at(place));
        let known = all.find(|user| user.is_guest && user.is_enabled);
        match known {
            Some(guest) => guest.index,
            None => self.add_user(true),
        }
    }

    fn give_to(&mut self, place: Place, user: u64, role: Role) {
        let to = Recipient::User(user);
        let until = None;
        self.give(self.keeper(place), place, Given { to, role, until });
    }

    /// Makes a link for everybody, as people do: two records, of which the first is of a group.
    fn open_to_all(&mut self, place: Place) {
        self.replace_share(place, Some(Share::AnonymousLink));
        for operation in ["SharingSet", "AnonymousLinkCreated"] {
            self.tell_of_file(Deal::Sharing(operation), u64::MAX, place);
        }
    }

    fn place_of(&self, target: &Target) -> Option<Place> {
        let drive = self.tenant.library.find_drive(target.within.as_deref()?)?;
        self.item_named(drive, &target.id)
    }

    /// Does to a file what its owner might do meanwhile.
    pub fn meddle_with_file(&mut self, kind: ActionKind, target: &Target) -> bool {
        let Some(place) = self.place_of(target) else {
            return false;
        };
        let actor = self.keeper(place);
        let own = self.own_grants(place);
        match (kind, own.first()) {
            (ActionKind::RemoveLink, _) => {
                self.recycle(actor, place);
                true
            }
            (ActionKind::ExpireLink, Some(link)) => {
                self.take(actor, link);
                true
            }
            (ActionKind::RemovePerson | ActionKind::RemoveExternal, Some(_)) => {
                for grant in own {
                    let role = match grant.role {
                        Role::Read => Role::Write,
                        Role::Write => Role::Read,
                    };
                    self.alter(actor, &grant, role, grant.until);
                }
                true
            }
            (
                ActionKind::MakePrivate | ActionKind::InheritSharing | ActionKind::Quarantine,
                Some(_),
            ) => {
                let guest = self.guest();
                self.give_to(place, guest, Role::Read);
                true
            }
            (ActionKind::ApplyLabel | ActionKind::RemoveLabel, _) => {
                self.set_label(actor, place, Some(0));
                true
            }
            // The files of a drive take turns; each is added after a folder of its own.
            (ActionKind::AdminQuarantine, _) if (place.item / 2).is_multiple_of(2) => {
                let name = format!("Final {}", self.name_of(place));
                let parent = self.parent_of(place);
                self.relocate(actor, place, parent.unwrap_or(place), name);
                true
            }
            (ActionKind::AdminQuarantine, _) => {
                self.rewrite(place);
                true
            }
            // There or in the recycle bin: there is no third way.
            _ => false,
        }
    }
}
