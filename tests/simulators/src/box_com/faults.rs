//! Awkward behaviour, each piece with a name and a switch.

use std::str::FromStr;

/// What can go wrong, or be merely odd.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// 401 for a token that has not expired, for good.
    TokenExpiresMidway,
    /// The client secret is refused: 400 invalid_client.
    SecretRotated,
    /// The administrator took the authorisation back: 400 at the token endpoint.
    AppUnauthorized,
    /// New tokens lack the scope in `value`, or all scopes but the first.
    ScopesShrink,
    /// The clock of the token endpoint and of `Date` is `value` seconds ahead (else 120).
    SkewedClock,
    /// 403 access_denied_insufficient_permissions for the family of calls in `value` (`users`, `events`, …), or for all.
    PermissionDenied,
    /// 403 for `as-user` with the user whose id is `value`, or with any.
    ActingRefused,
    /// 429 as of an empty bucket; `value` is its `Retry-After`.
    RateLimit429,
    /// A 429 does not say when to come again.
    NoRetryAfter,
    /// 500 internal_server_error.
    Plain500,
    /// 502 with a page of HTML.
    Plain502,
    /// 503 unavailable; with a `value` that is its `Retry-After`.
    Plain503,
    /// A page of HTML with status 200.
    NotJson,
    /// The connection breaks off in the middle of a body.
    TruncatedBody,
    /// Answers take `value` seconds, or 30.
    SlowAnswers,
    /// No answer at all.
    Timeout,
    /// Pages hold fewer entries than asked for although others follow.
    ShortPages,
    /// An empty page comes before the page asked for.
    EmptyPage,
    /// A page repeats its first entries at its end.
    RepeatedItems,
    /// A next marker leads back to its own page.
    MarkerCircle,
    /// 400 for a marker of the list in `value` (`users`, `items`, `trash`, `collaborations`, …), or of any.
    ExpiredMarker,
    /// A folder or file that was listed is not found when it is asked for.
    ItemVanishes,
    /// A folder or file is in the trash when it is asked for.
    ItemTrashed,
    /// The owners of the items of an answer are not told.
    NullOwner,
    /// Keys in users, items and events that no document names.
    UnknownKeys,
    /// A page of events is empty although more exist; its position stays.
    EmptyEvents,
    /// A page of events holds fewer than `limit` although more exist.
    ShortEvents,
    /// A page of events repeats its first ones.
    RepeatedEvents,
    /// The next position leads back to its own page.
    PositionCircle,
    /// An empty page of `admin_logs` sends back to position 0.
    ZeroPosition,
    /// 400 for a `stream_position`.
    DeadPosition,
    /// Events that happen from now on come `value` minutes later than usual in `admin_logs`, or 240.
    LateEvents,
    /// Events that happen from now on come `value` minutes later than usual in `admin_logs_streaming`, or 30.
    LateStream,
    /// Events that happen from now on are missing in `admin_logs_streaming`.
    LostInStream,
    /// Events without `event_id`.
    NoEventId,
    /// Events whose `source` is null.
    NullSource,
    /// Events without `source`.
    NoSource,
    /// Events whose `created_by` is null.
    NullCreator,
    /// Events of a type that no catalogue lists.
    UnknownEventTypes,
    /// `additional_details` is JSON in a text (panther-analysis, box rules).
    DetailsAsText,
    /// An event of a megabyte.
    EventOf1mb,
    /// 503 unavailable for a change that was made.
    ErrorAfterWrite,
    /// 409 operation_blocked_temporary for a change.
    WriteBlocked,
    /// 403 access_denied_item_locked for a change of a file.
    ItemLocked,
    /// 403 forbidden_by_policy for a change of a link.
    PolicyForbids,
    /// A colleague who is invited is pending until the invitation is accepted.
    InvitationPending,
    /// 403 access_denied_insufficient_permissions for a move into what another one owns.
    MoveRefused,
    /// 403 forbidden_by_policy for the content of a file.
    DownloadBlocked,
    /// 202 for the content of a file; `value` is its `Retry-After`.
    DownloadNotReady,
    /// The address that the content of a file is handed out at is good no more.
    DownloadExpired,
    /// That address is somebody else's.
    DownloadForeign,
    /// The content of a file breaks off.
    DownloadTruncated,
}

impl Fault {
    pub const ALL: [Fault; 52] = [
        Fault::TokenExpiresMidway,
        Fault::SecretRotated,
        Fault::AppUnauthorized,
        Fault::ScopesShrink,
        Fault::SkewedClock,
        Fault::PermissionDenied,
        Fault::ActingRefused,
        Fault::RateLimit429,
        Fault::NoRetryAfter,
        Fault::Plain500,
        Fault::Plain502,
        Fault::Plain503,
        Fault::NotJson,
        Fault::TruncatedBody,
        Fault::SlowAnswers,
        Fault::Timeout,
        Fault::ShortPages,
        Fault::EmptyPage,
        Fault::RepeatedItems,
        Fault::MarkerCircle,
        Fault::ExpiredMarker,
        Fault::DownloadBlocked,
        Fault::DownloadNotReady,
        Fault::DownloadExpired,
        Fault::DownloadForeign,
        Fault::DownloadTruncated,
        Fault::ItemVanishes,
        Fault::ItemTrashed,
        Fault::NullOwner,
        Fault::UnknownKeys,
        Fault::EmptyEvents,
        Fault::ShortEvents,
        Fault::RepeatedEvents,
        Fault::PositionCircle,
        Fault::ZeroPosition,
        Fault::DeadPosition,
        Fault::LateEvents,
        Fault::LateStream,
        Fault::LostInStream,
        Fault::NoEventId,
        Fault::NullSource,
        Fault::NoSource,
        Fault::NullCreator,
        Fault::UnknownEventTypes,
        Fault::DetailsAsText,
        Fault::EventOf1mb,
        Fault::ErrorAfterWrite,
        Fault::WriteBlocked,
        Fault::ItemLocked,
        Fault::PolicyForbids,
        Fault::InvitationPending,
        Fault::MoveRefused,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Fault::TokenExpiresMidway => "token-expires-midway",
            Fault::SecretRotated => "secret-rotated",
            Fault::AppUnauthorized => "app-unauthorized",
            Fault::ScopesShrink => "scopes-shrink",
            Fault::SkewedClock => "skewed-clock",
            Fault::PermissionDenied => "permission-denied",
            Fault::ActingRefused => "acting-refused",
            Fault::RateLimit429 => "rate-limit-429",
            Fault::NoRetryAfter => "no-retry-after",
            Fault::Plain500 => "plain-500",
            Fault::Plain502 => "plain-502",
            Fault::Plain503 => "plain-503",
            Fault::NotJson => "not-json",
            Fault::TruncatedBody => "truncated-body",
            Fault::SlowAnswers => "slow-answers",
            Fault::Timeout => "timeout",
            Fault::ShortPages => "short-pages",
            Fault::EmptyPage => "empty-page",
            Fault::RepeatedItems => "repeated-items",
            Fault::MarkerCircle => "marker-circle",
            Fault::ExpiredMarker => "expired-marker",
            Fault::DownloadBlocked => "download-blocked",
            Fault::DownloadNotReady => "download-not-ready",
            Fault::DownloadExpired => "download-expired",
            Fault::DownloadForeign => "download-foreign",
            Fault::DownloadTruncated => "download-truncated",
            Fault::ItemVanishes => "item-vanishes",
            Fault::ItemTrashed => "item-trashed",
            Fault::NullOwner => "null-owner",
            Fault::UnknownKeys => "unknown-keys",
            Fault::EmptyEvents => "empty-events",
            Fault::ShortEvents => "short-events",
            Fault::RepeatedEvents => "repeated-events",
            Fault::PositionCircle => "position-circle",
            Fault::ZeroPosition => "zero-position",
            Fault::DeadPosition => "dead-position",
            Fault::LateEvents => "late-events",
            Fault::LateStream => "late-stream",
            Fault::LostInStream => "lost-in-stream",
            Fault::NoEventId => "no-event-id",
            Fault::NullSource => "null-source",
            Fault::NoSource => "no-source",
            Fault::NullCreator => "null-creator",
            Fault::UnknownEventTypes => "unknown-event-types",
            Fault::DetailsAsText => "details-as-text",
            Fault::EventOf1mb => "event-of-1mb",
            Fault::ErrorAfterWrite => "error-after-write",
            Fault::WriteBlocked => "write-blocked",
            Fault::ItemLocked => "item-locked",
            Fault::PolicyForbids => "policy-forbids",
            Fault::InvitationPending => "invitation-pending",
            Fault::MoveRefused => "move-refused",
        }
    }
}

impl From<Fault> for u64 {
    fn from(fault: Fault) -> u64 {
        fault as u64
    }
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Fault, String> {
        let found = Fault::ALL.into_iter().find(|fault| fault.name() == text);
        found.ok_or_else(|| format!("there is no fault named {text}"))
    }
}
