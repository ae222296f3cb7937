//! What a simulated tenant contains and how it is reached; everything else follows from it and the clock.

use std::time::Duration;

use casbah_model::{SignedDuration, Timestamp};

use super::limits::Limits;
use crate::chance::{Stream, guid};
use crate::latency::Latency;

/// The settings of one tenant. Two simulators of the same plan give the same answers.
#[derive(Clone, Debug)]
pub struct Plan {
    pub seed: u64,
    /// Entries of the directory: members, guests and disabled ones.
    pub users: usize,
    /// Files over all drives, folders not counted.
    pub files: usize,
    /// Audit events of the week before `started`, all of them in feeds that are on.
    pub activities: usize,
    /// Audit events that go on after `started`.
    pub live_activities_per_hour: u64,
    /// How long after a deed its audit records are published; fixed, so that demonstrations need no luck.
    pub deed_delay: SignedDuration,
    pub tenant_id: String,
    pub client_id: String,
    pub client_secret: String,
    /// `x5t#S256` of the certificate that client assertions must name; `None` refuses assertions.
    pub certificate_thumbprint: Option<String>,
    /// When the tenant is connected; its history lies before.
    pub started: Timestamp,
    pub base: BaseUrls,
    /// Application roles granted to the client, of Graph and of the Management API.
    pub roles: Vec<String>,
    pub latency: Latency,
    /// Assigned licences; they scale the limits.
    pub seats: u64,
    pub limits: Limits,
    /// How long after `started` the oldest blob of the history expires; no blob is older than 7 days minus this.
    pub headroom: SignedDuration,
    /// Feeds that are on since long before `started`.
    pub feeds_on: Vec<ContentType>,
    pub blob_records_mean: u64,
    /// Items of one page of a content listing; no source gives the vendor's number.
    pub listing_page: usize,
    /// Entries of one page of the directory services and of the list of sites at most, whatever `$top` asks for:
    /// a service may give fewer (Paging Microsoft Graph data in your app). Drives have `drive_page`.
    pub directory_page_max: usize,
    /// Items of one page of a drive's delta.
    pub drive_page: usize,
    /// Size of the one extra blob that the fault `huge-blob` adds to the SharePoint feed.
    pub huge_blob_bytes: u64,
}

/// Where the services answer; they may be one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrls {
    pub login: String,
    pub graph: String,
    pub management: String,
    /// Only for what takes a while: addresses where it is told how that stands.
    pub sharepoint: String,
}

impl BaseUrls {
    /// All services behind one address, told apart by their paths.
    pub fn one(base: &str) -> BaseUrls {
        let base = base.trim_end_matches('/').to_string();
        BaseUrls {
            login: base.clone(),
            graph: base.clone(),
            management: base.clone(),
            sharepoint: base,
        }
    }
}

/// The five feeds (Management Activity API reference, "Start a subscription").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContentType {
    AzureActiveDirectory,
    Exchange,
    SharePoint,
    General,
    Dlp,
}

impl ContentType {
    pub const ALL: [ContentType; 5] = [
        ContentType::AzureActiveDirectory,
        ContentType::Exchange,
        ContentType::SharePoint,
        ContentType::General,
        ContentType::Dlp,
    ];

    pub fn name(self) -> &'static str {
        match self {
            ContentType::AzureActiveDirectory => "Audit.AzureActiveDirectory",
            ContentType::Exchange => "Audit.Exchange",
            ContentType::SharePoint => "Audit.SharePoint",
            ContentType::General => "Audit.General",
            ContentType::Dlp => "DLP.All",
        }
    }

    /// The two last parts of a content id.
    pub(super) fn id_parts(self) -> &'static str {
        match self {
            ContentType::AzureActiveDirectory => {
                "audit_azureactivedirectory$Audit_AzureActiveDirectory"
            }
            ContentType::Exchange => "audit_exchange$Audit_Exchange",
            ContentType::SharePoint => "audit_sharepoint$Audit_SharePoint",
            ContentType::General => "audit_general$Audit_General",
            ContentType::Dlp => "dlp_all$DLP_ALL",
        }
    }

    pub fn from_name(name: &str) -> Option<ContentType> {
        ContentType::ALL
            .into_iter()
            .find(|known| known.name().eq_ignore_ascii_case(name))
    }
}

/// What a reader needs for every component that only observes.
pub const OBSERVE_ROLES: [&str; 13] = [
    "ActivityFeed.Read",
    "ActivityFeed.ReadDlp",
    "User.Read.All",
    "GroupMember.Read.All",
    "Directory.Read.All",
    "RoleManagement.Read.Directory",
    "Organization.Read.All",
    "Domain.Read.All",
    "LicenseAssignment.Read.All",
    "AuditLog.Read.All",
    "Application.Read.All",
    "Sites.Read.All",
    "Files.Read.All",
];

/// What it takes to act on accounts, applications and files, beside `OBSERVE_ROLES`.
pub const ACT_ROLES: [&str; 11] = [
    "User.EnableDisableAccount.All",
    "User.RevokeSessions.All",
    "User-PasswordProfile.ReadWrite.All",
    "IdentityRiskyUser.ReadWrite.All",
    "RoleManagement.ReadWrite.Directory",
    "GroupMember.ReadWrite.All",
    "DelegatedPermissionGrant.ReadWrite.All",
    "AppRoleAssignment.ReadWrite.All",
    "Application.ReadWrite.All",
    "Files.ReadWrite.All",
    "SensitivityLabels.Read.All",
];

impl Plan {
    /// A company of 250 people with a week of history, on the vendor's public hosts.
    pub fn new(seed: u64) -> Plan {
        Plan {
            seed,
            users: 250,
            files: 2000,
            activities: 5000,
            live_activities_per_hour: 0,
            deed_delay: SignedDuration::from_hours(1),
            tenant_id: guid(seed, Stream::Tenant, 0),
            client_id: guid(seed, Stream::Tenant, 1),
            client_secret: format!("simulated~{seed:016x}"),
            certificate_thumbprint: None,
            started: Timestamp::from_second(1_777_881_600).expect("4 May 2026, 08:00 UTC"),
            base: BaseUrls {
                login: "https://login.microsoftonline.com".into(),
                graph: "https://graph.microsoft.com".into(),
                management: "https://manage.office.com".into(),
                sharepoint: "https://contoso.sharepoint.com".into(),
            },
            roles: OBSERVE_ROLES.map(String::from).to_vec(),
            latency: Latency {
                min: Duration::from_millis(20),
                max: Duration::from_millis(80),
            },
            seats: 250,
            limits: Limits::default(),
            headroom: SignedDuration::from_hours(6),
            feeds_on: ContentType::ALL
                .into_iter()
                .filter(|feed| *feed != ContentType::Dlp)
                .collect(),
            blob_records_mean: 100,
            listing_page: 100,
            directory_page_max: 999,
            drive_page: 200,
            huge_blob_bytes: 200_000_000,
        }
    }

    /// The sizes a load test varies; seats follow the users.
    pub fn sized(mut self, users: usize, files: usize, activities: usize) -> Plan {
        (self.users, self.files, self.activities) = (users, files, activities);
        self.seats = users as u64;
        self
    }
}
