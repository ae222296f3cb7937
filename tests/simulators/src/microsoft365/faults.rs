//! Awkward behaviour, each piece with a name and a switch.

use std::collections::BTreeMap;
use std::str::FromStr;

use super::chance::{Stream, draw, fraction};

/// What can go wrong, or be merely odd.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// A blob repeats records of the blob before it.
    DuplicateRecords,
    /// A listing names a blob twice.
    DuplicateListing,
    /// A listed blob answers AF20051, for good.
    BlobExpired,
    /// A listed blob answers AF20050, for good.
    BlobVanished,
    /// NextPageUrl in another case, with the path /api/v1/.
    NextPageAlias,
    /// An empty page with a next link comes before the page asked for.
    EmptyPage,
    /// subscriptions/list leaves out enabled feeds, so that a start meets AF20024.
    AlreadyEnabled,
    /// AF20023 for the content type in `value`, or for all.
    FeedDisabled,
    /// AF429 with status 403.
    Throttle403,
    /// AF429 with status 429.
    Throttle429,
    /// A window over 24 h gets the last 24 h instead of AF20030.
    WindowPartial,
    /// 401 for a token that has not expired.
    TokenExpiresMidway,
    /// New tokens lack the role in `value`, or all roles.
    RolesShrink,
    /// AADSTS7000222.
    SecretExpired,
    /// AADSTS700016.
    AppRemoved,
    /// AADSTS7000112.
    AppDisabled,
    /// AF20012 for every management call.
    NoLicence,
    /// The tenant does not exist, says the audit service.
    AuditOff,
    /// 429; `value` is Retry-After in seconds, `none`, or `date`.
    Graph429,
    /// 503; `value` is Retry-After in seconds.
    Unavailable503,
    /// 500 without a useful body.
    Plain500,
    /// 502 with a page of HTML.
    Plain502,
    /// 410 with a Location that starts over, for a directory delta token.
    Directory410,
    /// 400 with 'DeltaLink older than 30 days is not supported.'
    DeltaTooOld,
    /// 400 syncStateNotFound for a directory delta token.
    SyncStateNotFound,
    /// 400 Directory_ExpiredPageToken for a skip token.
    ExpiredPageToken,
    /// 410 for a drive token; `value` is the code, else the codes take turns.
    Drive410,
    /// A page repeats its first items at its end.
    RepeatedItems,
    /// Every page of a drive names the root again.
    RootRepeated,
    /// A next link leads back to its own page.
    NextLinkCircle,
    /// A next link points to another host.
    ForeignNextLink,
    /// A page of HTML with status 200.
    NotJson,
    /// The connection breaks off in the middle of a body.
    TruncatedBody,
    /// Audit records without Id.
    RecordWithoutId,
    /// An audit record of a megabyte.
    RecordOf1mb,
    /// One extra blob of `Plan::huge_blob_bytes` in the SharePoint feed.
    HugeBlob,
    /// 404 itemNotFound for a drive.
    DriveGone,
    /// 423 for a site or drive.
    SiteLocked,
    /// 403 for sign-in data.
    NoPremium,
    /// Audit records of a type that no table lists.
    UnknownRecordTypes,
    /// Delta does not show changes of sharing.
    SharedChangedMissing,
    /// Answers take `value` seconds, or 30.
    SlowAnswers,
    /// No answer at all.
    Timeout,
    /// A feed lists nothing in the 12 h after it was started.
    SilentFirstHours,
    /// A blob is listed only `value` minutes (else 30, at most 60) after its contentCreated; uncertain,
    /// for readers of the service tell of it and no document does. Whether a blob is late is drawn from
    /// the blob itself: `probability` is the share of late ones, and `count` has no meaning.
    LateListing,
}

impl Fault {
    pub const ALL: [Fault; 45] = [
        Fault::DuplicateRecords,
        Fault::DuplicateListing,
        Fault::BlobExpired,
        Fault::BlobVanished,
        Fault::NextPageAlias,
        Fault::EmptyPage,
        Fault::AlreadyEnabled,
        Fault::FeedDisabled,
        Fault::Throttle403,
        Fault::Throttle429,
        Fault::WindowPartial,
        Fault::TokenExpiresMidway,
        Fault::RolesShrink,
        Fault::SecretExpired,
        Fault::AppRemoved,
        Fault::AppDisabled,
        Fault::NoLicence,
        Fault::AuditOff,
        Fault::Graph429,
        Fault::Unavailable503,
        Fault::Plain500,
        Fault::Plain502,
        Fault::Directory410,
        Fault::DeltaTooOld,
        Fault::SyncStateNotFound,
        Fault::ExpiredPageToken,
        Fault::Drive410,
        Fault::RepeatedItems,
        Fault::RootRepeated,
        Fault::NextLinkCircle,
        Fault::ForeignNextLink,
        Fault::NotJson,
        Fault::TruncatedBody,
        Fault::RecordWithoutId,
        Fault::RecordOf1mb,
        Fault::HugeBlob,
        Fault::DriveGone,
        Fault::SiteLocked,
        Fault::NoPremium,
        Fault::UnknownRecordTypes,
        Fault::SharedChangedMissing,
        Fault::SlowAnswers,
        Fault::Timeout,
        Fault::SilentFirstHours,
        Fault::LateListing,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Fault::DuplicateRecords => "duplicate-records",
            Fault::DuplicateListing => "duplicate-listing",
            Fault::BlobExpired => "blob-expired",
            Fault::BlobVanished => "blob-vanished",
            Fault::NextPageAlias => "next-page-alias",
            Fault::EmptyPage => "empty-page",
            Fault::AlreadyEnabled => "already-enabled",
            Fault::FeedDisabled => "feed-disabled",
            Fault::Throttle403 => "throttle-403",
            Fault::Throttle429 => "throttle-429",
            Fault::WindowPartial => "window-partial",
            Fault::TokenExpiresMidway => "token-expires-midway",
            Fault::RolesShrink => "roles-shrink",
            Fault::SecretExpired => "secret-expired",
            Fault::AppRemoved => "app-removed",
            Fault::AppDisabled => "app-disabled",
            Fault::NoLicence => "no-licence",
            Fault::AuditOff => "audit-off",
            Fault::Graph429 => "graph-429",
            Fault::Unavailable503 => "503-with-retry-after",
            Fault::Plain500 => "plain-500",
            Fault::Plain502 => "plain-502",
            Fault::Directory410 => "directory-410",
            Fault::DeltaTooOld => "delta-too-old",
            Fault::SyncStateNotFound => "sync-state-not-found",
            Fault::ExpiredPageToken => "expired-page-token",
            Fault::Drive410 => "drive-410",
            Fault::RepeatedItems => "repeated-items",
            Fault::RootRepeated => "root-repeated",
            Fault::NextLinkCircle => "next-link-circle",
            Fault::ForeignNextLink => "foreign-next-link",
            Fault::NotJson => "not-json",
            Fault::TruncatedBody => "truncated-body",
            Fault::RecordWithoutId => "record-without-id",
            Fault::RecordOf1mb => "record-of-1mb",
            Fault::HugeBlob => "huge-blob",
            Fault::DriveGone => "drive-gone",
            Fault::SiteLocked => "site-locked",
            Fault::NoPremium => "no-premium",
            Fault::UnknownRecordTypes => "unknown-record-types",
            Fault::SharedChangedMissing => "shared-changed-missing",
            Fault::SlowAnswers => "slow-answers",
            Fault::Timeout => "timeout",
            Fault::SilentFirstHours => "silent-first-hours",
            Fault::LateListing => "late-listing",
        }
    }
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Fault, String> {
        let found = Fault::ALL.into_iter().find(|fault| fault.name() == text);
        found.ok_or_else(|| format!("there is no fault named {text}"))
    }
}

/// How often a fault strikes, and its detail.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultSettings {
    /// Of the occasions, between 0 and 1.
    pub probability: f64,
    /// How many times at most; `None` is for ever.
    pub count: Option<u64>,
    /// What the fault's description calls `value`.
    pub value: Option<String>,
}

impl FaultSettings {
    pub fn always() -> FaultSettings {
        FaultSettings {
            probability: 1.0,
            count: None,
            value: None,
        }
    }

    pub fn times(count: u64) -> FaultSettings {
        FaultSettings {
            count: Some(count),
            ..FaultSettings::always()
        }
    }

    pub fn probability(probability: f64) -> FaultSettings {
        FaultSettings {
            probability,
            ..FaultSettings::always()
        }
    }

    pub fn with_value(mut self, value: &str) -> FaultSettings {
        self.value = Some(value.into());
        self
    }
}

/// The switches and how often each was tried.
pub struct Switches {
    seed: u64,
    on: BTreeMap<Fault, FaultSettings>,
    tried: BTreeMap<Fault, u64>,
    struck: BTreeMap<Fault, u64>,
}

impl Switches {
    pub fn new(seed: u64) -> Switches {
        let (on, tried, struck) = Default::default();
        Switches {
            seed,
            on,
            tried,
            struck,
        }
    }

    pub fn set(&mut self, fault: Fault, settings: Option<FaultSettings>) {
        match settings {
            Some(settings) => drop(self.on.insert(fault, settings)),
            None => drop(self.on.remove(&fault)),
        }
    }

    pub fn struck(&self) -> BTreeMap<Fault, u64> {
        self.struck.clone()
    }

    /// Whether the fault strikes at this occasion; its value if so (empty when it has none).
    pub fn strikes(&mut self, fault: Fault) -> Option<String> {
        let tried = self.tried.entry(fault).or_default();
        *tried += 1;
        let occasion = (fault as u64) << 32 | *tried;
        self.strikes_at(fault, occasion)
    }

    /// The same, with the occasion named: the same record is always hit or always spared.
    pub fn strikes_at(&mut self, fault: Fault, occasion: u64) -> Option<String> {
        let is_picked = self.picks(fault, occasion);
        let settings = self.on.get_mut(&fault)?;
        if settings.count == Some(0) || !is_picked {
            return None;
        }
        if let Some(count) = &mut settings.count {
            *count -= 1;
        }
        let value = settings.value.clone().unwrap_or_default();
        self.note(fault);
        Some(value)
    }

    /// Whether the fault's probability picks this occasion, without counting.
    pub fn picks(&self, fault: Fault, occasion: u64) -> bool {
        self.settings(fault).is_some_and(|settings| {
            let chance = fraction(draw(self.seed ^ fault as u64, Stream::Fault, occasion));
            chance < settings.probability
        })
    }

    /// Counts a strike that `picks` decided.
    pub fn note(&mut self, fault: Fault) {
        *self.struck.entry(fault).or_default() += 1;
    }

    /// Whether the switch is on at all, without counting.
    pub fn settings(&self, fault: Fault) -> Option<&FaultSettings> {
        self.on.get(&fault)
    }
}
