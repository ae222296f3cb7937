//! Awkward behaviour, each piece with a name and a switch.

use std::str::FromStr;

/// What can go wrong, or be merely odd.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// 401 for an OAuth token that has not expired, for good.
    TokenExpiresMidway,
    /// The API token is refused: it was revoked.
    ApiTokenRevoked,
    /// New OAuth tokens lack the scope in `value`, or all scopes but one.
    ScopesShrink,
    /// The service app is gone: 401 invalid_client.
    ClientRemoved,
    /// 403 access_denied at the token endpoint: a network zone.
    NetworkZone,
    /// 403 E0000006 for the family of calls in `value` (`users`, `groups`, `iam`, `logs`, …), or for all.
    PermissionDenied,
    /// A resource call is asked for a nonce in its proof.
    ResourceNonce,
    /// A nonce is refused although it is fresh, with a new one.
    NonceRotated,
    /// 429 as of an empty bucket; `value` is the seconds until it is full again.
    RateLimit429,
    /// 429 with a limit of 0: too many calls at one time.
    Concurrency429,
    /// `Date` and `X-Rate-Limit-Reset` are of a clock that is `value` seconds ahead (else 120).
    SkewedClock,
    /// No answer carries rate limit headers.
    NoRateHeaders,
    /// 500 E0000009.
    Plain500,
    /// 502 with a page of HTML.
    Plain502,
    /// 503 with a page of HTML.
    Plain503,
    /// A page of HTML with status 200.
    NotJson,
    /// The connection breaks off in the middle of a body.
    TruncatedBody,
    /// Answers take `value` seconds, or 30.
    SlowAnswers,
    /// No answer at all.
    Timeout,
    /// 411 for a POST or PUT without body that has no `Content-Length: 0`.
    LengthRequired,
    /// Changes of users that Active Directory or LDAP masters are refused (uncertain).
    MasteredUser,
    /// A page repeats its first items at its end.
    RepeatedItems,
    /// An empty page with a next link comes before the page asked for.
    EmptyPage,
    /// A next link leads back to its own page.
    NextLinkCircle,
    /// A next link points to another host.
    ForeignNextLink,
    /// Self and next link share one header line.
    JoinedLinks,
    /// 400 for the `after` of a list.
    ExpiredPage,
    /// A list of users by search or filter does not know what changed in the last `value` such lists (else 3).
    SearchLag,
    /// 500 E0000009 for the system log unless `limit` is at most `value` (else 100): the query took 30 s.
    LogTimeout,
    /// 500 with E0000053 for the system log.
    LogInternalError,
    /// 400 for the `after` of the system log.
    DeadCursor,
    /// A polling page without next link.
    NextMissing,
    /// `ne` works in filters of the system log (a document's example and its error text contradict each other).
    LogFilterNe,
    /// Objects in events are null or empty.
    NullObjects,
    /// Events of a type that no catalogue lists.
    UnknownEventTypes,
    /// Targets of an event in another order.
    ShuffledTargets,
    /// Keys in events that no document names.
    UnknownKeys,
    /// Events without `uuid`.
    EventWithoutUuid,
    /// An event of a megabyte.
    EventOf1mb,
    /// Events that happen from now on are stored `value` minutes later than usual, or 240.
    LateEvents,
    /// A delivery to a hook comes twice.
    HookDuplicate,
    /// A delivery to a hook is lost.
    HookDrop,
    /// A delivery to a hook comes after the next one, its events turned round.
    HookReorder,
    /// A delivery to a hook comes `value` minutes late, or 60.
    HookDelay,
}

impl Fault {
    pub const ALL: [Fault; 44] = [
        Fault::TokenExpiresMidway,
        Fault::ApiTokenRevoked,
        Fault::ScopesShrink,
        Fault::ClientRemoved,
        Fault::NetworkZone,
        Fault::PermissionDenied,
        Fault::ResourceNonce,
        Fault::NonceRotated,
        Fault::RateLimit429,
        Fault::Concurrency429,
        Fault::SkewedClock,
        Fault::NoRateHeaders,
        Fault::Plain500,
        Fault::Plain502,
        Fault::Plain503,
        Fault::NotJson,
        Fault::TruncatedBody,
        Fault::SlowAnswers,
        Fault::Timeout,
        Fault::LengthRequired,
        Fault::MasteredUser,
        Fault::RepeatedItems,
        Fault::EmptyPage,
        Fault::NextLinkCircle,
        Fault::ForeignNextLink,
        Fault::JoinedLinks,
        Fault::ExpiredPage,
        Fault::SearchLag,
        Fault::LogTimeout,
        Fault::LogInternalError,
        Fault::DeadCursor,
        Fault::NextMissing,
        Fault::LogFilterNe,
        Fault::NullObjects,
        Fault::UnknownEventTypes,
        Fault::ShuffledTargets,
        Fault::UnknownKeys,
        Fault::EventWithoutUuid,
        Fault::EventOf1mb,
        Fault::LateEvents,
        Fault::HookDuplicate,
        Fault::HookDrop,
        Fault::HookReorder,
        Fault::HookDelay,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Fault::TokenExpiresMidway => "token-expires-midway",
            Fault::ApiTokenRevoked => "api-token-revoked",
            Fault::ScopesShrink => "scopes-shrink",
            Fault::ClientRemoved => "client-removed",
            Fault::NetworkZone => "network-zone",
            Fault::PermissionDenied => "permission-denied",
            Fault::ResourceNonce => "resource-nonce",
            Fault::NonceRotated => "nonce-rotated",
            Fault::RateLimit429 => "rate-limit-429",
            Fault::Concurrency429 => "concurrency-429",
            Fault::SkewedClock => "skewed-clock",
            Fault::NoRateHeaders => "no-rate-headers",
            Fault::Plain500 => "plain-500",
            Fault::Plain502 => "plain-502",
            Fault::Plain503 => "plain-503",
            Fault::NotJson => "not-json",
            Fault::TruncatedBody => "truncated-body",
            Fault::SlowAnswers => "slow-answers",
            Fault::Timeout => "timeout",
            Fault::LengthRequired => "length-required",
            Fault::MasteredUser => "mastered-user",
            Fault::RepeatedItems => "repeated-items",
            Fault::EmptyPage => "empty-page",
            Fault::NextLinkCircle => "next-link-circle",
            Fault::ForeignNextLink => "foreign-next-link",
            Fault::JoinedLinks => "joined-links",
            Fault::ExpiredPage => "expired-page",
            Fault::SearchLag => "search-lag",
            Fault::LogTimeout => "log-timeout",
            Fault::LogInternalError => "log-internal-error",
            Fault::DeadCursor => "dead-cursor",
            Fault::NextMissing => "next-missing",
            Fault::LogFilterNe => "log-filter-ne",
            Fault::NullObjects => "null-objects",
            Fault::UnknownEventTypes => "unknown-event-types",
            Fault::ShuffledTargets => "shuffled-targets",
            Fault::UnknownKeys => "unknown-keys",
            Fault::EventWithoutUuid => "event-without-uuid",
            Fault::EventOf1mb => "event-of-1mb",
            Fault::LateEvents => "late-events",
            Fault::HookDuplicate => "hook-duplicate",
            Fault::HookDrop => "hook-drop",
            Fault::HookReorder => "hook-reorder",
            Fault::HookDelay => "hook-delay",
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
