//! Awkward behaviour, each piece with a name and a switch.

use std::str::FromStr;

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
    /// 423 for a change of an item.
    ItemLocked,
    /// 400 for whoever wants to take an inherited permission back, instead of 403: no document tells the status.
    InheritedInvalid,
    /// 412 says preconditionFailed instead of resourceModified: documents name the one, answers that were seen the other.
    PreconditionFailed,
    /// The cTag moves with names, folders and sharing, too; documented is that it does not.
    CtagMoves,
    /// A change is made, and answered with 429.
    DoneThough429,
    /// A change is made, and its answer never comes.
    AnswerLost,
    /// Labels of a file come inside of `value`.
    LabelsNested,
    /// 402 for a label: nobody pays for it.
    LabelsUnpaid,
    /// 423 for a label; `value` is the code, else fileDecryptionDeferred.
    LabelLocked,
    /// A label is accepted, and fails later.
    LabellingFails,
    /// A copy is accepted, and fails later for no reason that is told.
    CopyFails,
    /// A copy takes `value` seconds, or 600.
    CopySlow,
    /// A copy has another hash and size than its file, for properties are written into documents on the way.
    CopyDiffers,
    /// 404 for who asks how a copy stands, though it goes on.
    MonitorGone,
    /// 403 malwareDetected for the content of a file.
    DownloadMalware,
    /// 403 accessDenied for the content of a file.
    DownloadDenied,
    /// The address that the content of a file is handed out at is good no more.
    DownloadExpired,
    /// That address is somebody else's.
    DownloadForeign,
    /// The content of a file breaks off.
    DownloadTruncated,
}

impl Fault {
    pub const ALL: [Fault; 64] = [
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
        Fault::DownloadMalware,
        Fault::DownloadDenied,
        Fault::DownloadExpired,
        Fault::DownloadForeign,
        Fault::DownloadTruncated,
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
        Fault::ItemLocked,
        Fault::InheritedInvalid,
        Fault::PreconditionFailed,
        Fault::CtagMoves,
        Fault::DoneThough429,
        Fault::AnswerLost,
        Fault::LabelsNested,
        Fault::LabelsUnpaid,
        Fault::LabelLocked,
        Fault::LabellingFails,
        Fault::CopyFails,
        Fault::CopySlow,
        Fault::CopyDiffers,
        Fault::MonitorGone,
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
            Fault::DownloadMalware => "download-malware",
            Fault::DownloadDenied => "download-denied",
            Fault::DownloadExpired => "download-expired",
            Fault::DownloadForeign => "download-foreign",
            Fault::DownloadTruncated => "download-truncated",
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
            Fault::ItemLocked => "item-locked",
            Fault::InheritedInvalid => "inherited-invalid",
            Fault::PreconditionFailed => "precondition-failed",
            Fault::CtagMoves => "ctag-moves",
            Fault::DoneThough429 => "done-though-429",
            Fault::AnswerLost => "answer-lost",
            Fault::LabelsNested => "labels-nested",
            Fault::LabelsUnpaid => "labels-unpaid",
            Fault::LabelLocked => "label-locked",
            Fault::LabellingFails => "labelling-fails",
            Fault::CopyFails => "copy-fails",
            Fault::CopySlow => "copy-slow",
            Fault::CopyDiffers => "copy-differs",
            Fault::MonitorGone => "monitor-gone",
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

impl From<Fault> for u64 {
    fn from(fault: Fault) -> u64 {
        fault as u64
    }
}
