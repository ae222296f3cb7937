//! Audit records as text: what happened (a scene), and the frame that all records share.
//!
//! Fields follow the Management Activity API schema; the shapes of the single kinds are in `records_entra`,
//! `records_exchange` and `records_sharepoint`.

use casbah_model::activity::ActivityKind;

use super::library::Place;
use super::plan::{ContentType, Plan};
use super::tenant::Tenant;
use crate::chance::{Draws, Stream, draw, push_guid_bits};
use crate::json::push_text;
use crate::moment::{Millis, push_bare};

/// What a record is about; the operation is inside where several look alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deal {
    SignIn,
    SilentSignIn,
    FailedSignIn,
    Directory(&'static str),
    AddMemberToRole,
    Consent,
    SystemCmdlet,
    AdminCmdlet,
    InboxRule,
    Mailbox(&'static str),
    MailItemsAccessed,
    File(&'static str),
    Sharing(&'static str),
    Team(&'static str),
    Alert,
    PowerBi,
    Unknown,
    Dlp,
}

/// One event, as far as its record depends on it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scene {
    pub number: u64,
    pub at: Millis,
    pub deal: Deal,
    /// The user who did it.
    pub actor: u64,
    /// The user it was done to.
    pub other: u64,
    pub place: Option<Place>,
}

/// Who did something where nobody but our own application did it.
pub const APPLICATION: u64 = u64::MAX;

/// How an item was called when something happened to it, where that is no function of the seed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Names of the folders above it, each followed by a slash.
    pub folders: String,
    pub name: String,
    pub is_folder: bool,
    /// Whom it was shared with, where that is nobody with a number.
    pub target: Option<String>,
    /// Where it was moved or copied to.
    pub moved_to: Option<Destination>,
}

/// Where an item lies after a move, or its copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    pub drive: u64,
    pub folders: String,
    pub name: String,
}

impl Destination {
    pub fn of(place: Place, told: Told) -> Destination {
        let (drive, folders, name) = (place.drive, told.folders, told.name);
        Destination {
            drive,
            folders,
            name,
        }
    }
}

/// The first users administer; none of them is a guest or disabled.
const ADMINS: u64 = 8;

const DIRECTORY: [&str; 10] = [
    "Add user.",
    "Update user.",
    "Update user.",
    "Delete user.",
    "Reset user password.",
    "Add member to group.",
    "Remove member from group.",
    "Add service principal.",
    "Add owner to application.",
    // An en dash, and a space at the end.
    "Update application – Certificates and secrets management ",
];
const FILES: [&str; 12] = [
    "FileAccessed",
    "FileAccessed",
    "FileAccessed",
    "FilePreviewed",
    "FileDownloaded",
    "FileModified",
    "FileModified",
    "FileModifiedExtended",
    "FileUploaded",
    "FileSyncDownloadedFull",
    "FileRenamed",
    "FileRecycled",
];
const SHARING: [&str; 8] = [
    "SharingSet",
    "SharingSet",
    "AnonymousLinkCreated",
    "AnonymousLinkUsed",
    "CompanyLinkCreated",
    "AddedToSecureLink",
    "SharingInvitationCreated",
    "SharingRevoked",
];
const TEAMS: [&str; 5] = [
    "MemberAdded",
    "MemberRemoved",
    "MemberRoleChanged",
    "TeamCreated",
    "ChannelAdded",
];
const MAILBOX: [&str; 5] = [
    "Send",
    "MoveToDeletedItems",
    "SoftDelete",
    "HardDelete",
    "UpdateInboxRules",
];

impl Scene {
    /// The scene of an event that no deed caused.
    pub fn of(tenant: &Tenant, number: u64, feed: ContentType, at: Millis) -> Scene {
        let mut draws = Draws::new(tenant.seed, Stream::EventText, number);
        let users = tenant.people.count.max(1);
        let (mut actor, other) = (draws.below(users), draws.below(users));
        let mut place = None;
        let hundredths = draws.below(100);
        let deal = match feed {
            ContentType::AzureActiveDirectory => match hundredths {
                0..55 => Deal::SignIn,
                55..70 => Deal::SilentSignIn,
                70..82 => Deal::FailedSignIn,
                82..84 => Deal::AddMemberToRole,
                84..86 => Deal::Consent,
                _ => Deal::Directory(draws.pick(&DIRECTORY)),
            },
            ContentType::Exchange => match hundredths {
                0..50 => Deal::SystemCmdlet,
                50..53 => Deal::AdminCmdlet,
                53..55 => Deal::InboxRule,
                55..80 => Deal::MailItemsAccessed,
                _ => Deal::Mailbox(draws.pick(&MAILBOX)),
            },
            ContentType::SharePoint => {
                place = tenant
                    .library
                    .place_of_file(draws.below(tenant.files.max(1)));
                match hundredths {
                    0..88 => Deal::File(draws.pick(&FILES)),
                    _ => Deal::Sharing(draws.pick(&SHARING)),
                }
            }
            ContentType::General => match hundredths {
                0..70 => Deal::Team(draws.pick(&TEAMS)),
                70..75 => Deal::Alert,
                75..90 => Deal::PowerBi,
                _ => Deal::Unknown,
            },
            ContentType::Dlp => {
                place = tenant
                    .library
                    .place_of_file(draws.below(tenant.files.max(1)));
                Deal::Dlp
            }
        };
        // Administration is done by the few who may.
        if matches!(
            deal,
            Deal::Directory(_) | Deal::AddMemberToRole | Deal::AdminCmdlet
        ) {
            actor %= ADMINS.min(users);
        }
        if place.is_none() && matches!(deal, Deal::File(_) | Deal::Sharing(_)) {
            return Scene {
                number,
                at,
                deal: Deal::Unknown,
                actor,
                other,
                place,
            };
        }
        if let Some(owner) = place.and_then(|place| tenant.library.owner(place.drive)) {
            actor = owner;
        }
        Scene {
            number,
            at,
            deal,
            actor,
            other,
            place,
        }
    }

    /// The kind by record type: 15 is a sign-in, 8 and 1 are administration, everything else is use.
    pub fn kind(&self) -> ActivityKind {
        match self.deal {
            Deal::SignIn | Deal::SilentSignIn | Deal::FailedSignIn => ActivityKind::SignIn,
            Deal::Directory(_)
            | Deal::AddMemberToRole
            | Deal::Consent
            | Deal::SystemCmdlet
            | Deal::AdminCmdlet
            | Deal::InboxRule => ActivityKind::Admin,
            _ => ActivityKind::User,
        }
    }
}

/// The `Id` of an event's record.
pub fn push_event_id(out: &mut String, seed: u64, number: u64) {
    let high = draw(seed, Stream::EventId, number);
    push_guid_bits(out, high, draw(high, Stream::EventId, number));
}

pub fn event_id(seed: u64, number: u64) -> String {
    let mut id = String::with_capacity(36);
    push_event_id(&mut id, seed, number);
    id
}

/// Records of events that no deed caused, as a feed has them; for those who need records without a tenant.
pub fn sample(plan: &Plan, feed: ContentType, count: u64) -> Vec<String> {
    let tenant = Tenant::new(plan);
    let at = plan.started.as_millisecond();
    let record = |number| {
        let mut out = String::new();
        let scene = Scene::of(&tenant, number, feed, at + number as Millis);
        push_record(&mut out, &tenant, &scene, None, Oddity::default());
        out
    };
    (0..count).map(record).collect()
}

/// Oddities of a record that faults ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Oddity {
    pub is_without_id: bool,
    pub is_of_unknown_type: bool,
    /// Bytes of text to add.
    pub padding: usize,
}

/// A record being written: fields in any order, the object closed by `end`.
pub struct Record<'a> {
    pub out: &'a mut String,
    pub tenant: &'a Tenant,
    pub draws: Draws,
}

impl Record<'_> {
    fn name(&mut self, name: &str) {
        self.out.push_str(",\"");
        self.out.push_str(name);
        self.out.push_str("\":");
    }

    /// A field whose text needs no escaping.
    pub fn plain(&mut self, name: &str, value: &str) {
        self.name(name);
        self.out.push('"');
        self.out.push_str(value);
        self.out.push('"');
    }

    pub fn text(&mut self, name: &str, value: &str) {
        self.name(name);
        push_text(self.out, value);
    }

    /// A field whose value is JSON already.
    pub fn raw(&mut self, name: &str, value: &str) {
        self.name(name);
        self.out.push_str(value);
    }

    /// A field whose text `write` puts out.
    pub fn with(&mut self, name: &str, write: impl FnOnce(&mut String, &Tenant, &mut Draws)) {
        self.name(name);
        self.out.push('"');
        write(self.out, self.tenant, &mut self.draws);
        self.out.push('"');
    }

    /// A GUID that means nothing.
    pub fn guid(&mut self, name: &str) {
        self.with(name, |out, _, draws| {
            push_guid_bits(out, draws.next(), draws.next())
        });
    }

    pub fn upn(&mut self, name: &str, user: u64) {
        self.with(name, |out, tenant, _| tenant.people.push_upn(out, user));
    }

    /// The session the action belongs to.
    pub fn access_context(&mut self, scene: &Scene) {
        self.raw("AppAccessContext", "{\"APIId\":\"\"");
        let is_ours = scene.actor == APPLICATION;
        for name in [
            "AADSessionId",
            "ClientAppId",
            "CorrelationId",
            "UniqueTokenId",
        ] {
            match is_ours && name == "ClientAppId" {
                true => self.plain(name, &self.tenant.client_id),
                false => self.guid(name),
            }
        }
        let name = if is_ours {
            "Casbah"
        } else {
            "Contoso Workplace"
        };
        self.plain("ClientAppName", name);
        self.out.push('}');
    }
}

pub const USER_AGENTS: [&str; 4] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Microsoft SkyDriveSync 25.070.0413.0001 ship; Windows NT 10.0 (26100)",
];

/// An address of the documentation ranges; a tenth are of version 6.
pub fn push_ip(out: &mut String, draws: &mut Draws) {
    let number = draws.next();
    if number.is_multiple_of(10) {
        out.push_str("2001:db8:");
        push_hex(out, number >> 16);
        out.push_str("::");
        push_hex(out, number >> 32);
        return;
    }
    out.push_str(["192.0.2.", "198.51.100.", "203.0.113."][(number % 3) as usize]);
    push_number(out, (number >> 8) % 254 + 1);
}

fn push_hex(out: &mut String, number: u64) {
    for place in (0..4).rev() {
        out.push(char::from(
            b"0123456789abcdef"[(number >> (4 * place) & 15) as usize],
        ));
    }
}

pub fn push_number(out: &mut String, number: u64) {
    if number >= 10 {
        push_number(out, number / 10);
    }
    out.push(char::from(b'0' + (number % 10) as u8));
}

/// What the frame of a record says.
pub struct Frame {
    pub operation: &'static str,
    pub record_type: u64,
    pub user_type: u64,
    pub workload: &'static str,
    pub result: Option<&'static str>,
}

/// Opens a record with the fields that all have (schema, "Common schema").
pub fn open(record: &mut Record<'_>, scene: &Scene, frame: &Frame, oddity: Oddity) {
    record.out.push_str("{\"CreationTime\":\"");
    push_bare(record.out, scene.at);
    record.out.push('"');
    if !oddity.is_without_id {
        record.with("Id", |out, tenant, _| {
            push_event_id(out, tenant.seed, scene.number)
        });
    }
    record.plain("Operation", frame.operation);
    record.with("OrganizationId", |out, tenant, _| {
        out.push_str(&tenant.tenant_id)
    });
    let record_type = if oddity.is_of_unknown_type {
        9002
    } else {
        frame.record_type
    };
    record.name("RecordType");
    push_number(record.out, record_type);
    if let Some(result) = frame.result {
        record.plain("ResultStatus", result);
    }
    record.name("UserType");
    push_number(record.out, frame.user_type);
    record.raw("Version", "1");
    record.plain("Workload", frame.workload);
    if oddity.padding > 0 {
        record.with("SimulatedPadding", |out, _, _| {
            out.extend(std::iter::repeat_n('x', oddity.padding));
        });
    }
}

/// Writes the record of a scene.
pub fn push_record(
    out: &mut String,
    tenant: &Tenant,
    scene: &Scene,
    told: Option<&Told>,
    oddity: Oddity,
) {
    let draws = Draws::new(tenant.seed, Stream::EventText, scene.number | 1 << 50);
    let mut record = Record { out, tenant, draws };
    let record = &mut record;
    match scene.deal {
        Deal::SignIn | Deal::SilentSignIn | Deal::FailedSignIn => {
            super::records_entra::sign_in(record, scene, oddity);
        }
        Deal::Directory(_) | Deal::AddMemberToRole | Deal::Consent => {
            super::records_entra::directory(record, scene, oddity);
        }
        Deal::SystemCmdlet | Deal::AdminCmdlet | Deal::InboxRule => {
            super::records_exchange::cmdlet(record, scene, oddity);
        }
        Deal::Mailbox(_) | Deal::MailItemsAccessed => {
            super::records_exchange::mailbox(record, scene, oddity);
        }
        Deal::File(_) | Deal::Sharing(_) | Deal::Dlp => {
            super::records_sharepoint::document(record, scene, told, oddity);
        }
        Deal::Team(_) | Deal::Alert | Deal::PowerBi | Deal::Unknown => {
            super::records_exchange::general(record, scene, oddity);
        }
    }
    record.out.push('}');
}
