//! What a simulated enterprise contains and how it is reached; everything else follows from it and the clock.

use std::time::Duration;

use casbah_model::{SignedDuration, Timestamp};

use super::ids::{Type, id};
use super::limits::Limits;
use crate::chance::{Stream, draw};
use crate::latency::Latency;

/// The settings of one enterprise. Two simulators of the same plan give the same answers.
#[derive(Clone, Debug)]
pub struct Plan {
    pub seed: u64,
    /// Managed users of every status, app users included, below a million.
    pub users: usize,
    /// Groups besides the one of all users.
    pub groups: usize,
    /// Files and links to the web that managed users own, in the trash or not.
    pub files: usize,
    /// Folders that people outside own and managed users can see.
    pub external_folders: usize,
    /// Events before `started`.
    pub activities: usize,
    /// How far the history reaches back.
    pub history: SignedDuration,
    /// Events that go on after `started`.
    pub live_activities_per_hour: u64,
    /// Share of the events that come hours late in `admin_logs`.
    pub late_share: f64,
    pub late_max: SignedDuration,
    /// Share of the events that come twice in `admin_logs_streaming`.
    pub duplicate_share: f64,
    /// How long after it happened an event is streamed, in the mean; half to one and a half times that for each.
    pub stream_delay: SignedDuration,
    /// How long after it happened an event is in `admin_logs` at least; up to twice that for each.
    pub log_delay: SignedDuration,
    /// Whether the enterprise has classifications.
    pub has_classifications: bool,
    /// Where the API answers, `https://api.box.com`.
    pub base: String,
    pub client: Client,
    /// How long access tokens live. About an hour; a guide's sample shows 4123 s (guides, "Client credentials grant").
    pub token_life: SignedDuration,
    /// When the enterprise is connected; its history lies before.
    pub started: Timestamp,
    pub latency: Latency,
    pub limits: Limits,
    /// Entries of one page by marker and of events at most, whatever `limit` asks for: pages may have fewer although more
    /// follow (guides, "Enterprise events").
    pub page_max: usize,
    pub choices: Choices,
}

/// The platform app that a reader signs in with.
#[derive(Clone, Debug)]
pub struct Client {
    pub id: String,
    pub secret: String,
    /// `publicKeyID` of the registered key.
    pub key_id: String,
    pub scopes: Vec<String>,
    pub access: AppAccess,
    /// Whether the enterprise's administrator authorised the app.
    pub is_authorized: bool,
    /// "Make API calls using the as-user header".
    pub may_act_as_users: bool,
    /// "Generate user access tokens".
    pub may_make_user_tokens: bool,
}

/// The access level of the app.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AppAccess {
    #[default]
    Enterprise,
    /// "App access only".
    App,
}

/// What Box's documents leave open. The first value of each is the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Choices {
    pub refused_scope: RefusedScope,
    pub unauthorized_app: UnauthorizedApp,
    pub unauthorized_body: UnauthorizedBody,
    pub missing_scope: MissingScope,
    pub acting_inactive: ActingInactive,
    pub acting_gone: ActingGone,
    pub service_account: ServiceAccount,
    pub end_marker: EndMarker,
    pub fields_beside: FieldsBeside,
    pub position_form: PositionForm,
    pub now_in_logs: NowInLogs,
    pub old_position: OldPosition,
    pub stream_times: StreamTimes,
}

/// A token exchange to a scope that the token does not have (the OpenAPI text speaks of 401).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RefusedScope {
    /// 400 invalid_scope.
    #[default]
    BadRequest,
    /// 401 unauthorized.
    Unauthorized,
}

/// A token request of an app that no administrator authorised; always 400.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnauthorizedApp {
    #[default]
    UnauthorizedClient,
    /// As for a wrong subject.
    InvalidGrant,
}

/// The body of a 401.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnauthorizedBody {
    #[default]
    Empty,
    Error,
}

/// A call whose token lacks the scope; always 403.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingScope {
    #[default]
    InsufficientScope,
    AccessDenied,
}

/// `as-user` with a suspended user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ActingInactive {
    #[default]
    Forbidden,
    BadRequest,
    Allowed,
}

/// `as-user` with a user who is not there, or no more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ActingGone {
    #[default]
    Forbidden,
    NotFound,
}

/// Whether lists of users name the app's service account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ServiceAccount {
    #[default]
    Listed,
    Hidden,
}

/// `next_marker` of the last page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EndMarker {
    #[default]
    ByTurns,
    Null,
    Empty,
    Absent,
}

/// What comes beside the fields that were asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FieldsBeside {
    /// The fields of the mini form.
    #[default]
    Mini,
    /// Type and id only.
    Least,
}

/// `next_stream_position` is a text or a number (OpenAPI).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PositionForm {
    #[default]
    ByTurns,
    Text,
    Number,
}

/// `stream_position=now` of `admin_logs`: documented, and reported not to work (box-windows-sdk-v2, issue 371).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NowInLogs {
    #[default]
    Tail,
    /// An empty page at position 0.
    Zero,
    Refused,
}

/// A position of `admin_logs_streaming` that is older than its history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OldPosition {
    /// Goes on with the oldest event there is.
    #[default]
    FromOldest,
    Refused,
}

/// `created_after` and `created_before` of `admin_logs_streaming`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StreamTimes {
    #[default]
    Ignored,
    Refused,
}

/// Scopes that a reader needs (guides, "Scopes").
pub const READ_SCOPES: [&str; 4] = [
    "root_readonly",
    "manage_managed_users",
    "manage_groups",
    "manage_enterprise_properties",
];

/// What it takes to act on files, beside those; what lets one read accounts lets one change them, too.
pub const ACT_SCOPE: &str = "root_readwrite";

impl Plan {
    /// A company of 250 people with 5000 files and a week of history.
    pub fn new(seed: u64) -> Plan {
        Plan {
            seed,
            users: 250,
            groups: 25,
            files: 5000,
            external_folders: 20,
            activities: 5000,
            history: SignedDuration::from_hours(7 * 24),
            live_activities_per_hour: 0,
            late_share: 0.002,
            late_max: SignedDuration::from_hours(6),
            duplicate_share: 0.02,
            stream_delay: SignedDuration::from_secs(12),
            log_delay: SignedDuration::from_mins(5),
            has_classifications: true,
            base: "https://api.box.com".into(),
            client: Client {
                id: format!("{:032x}", draw(seed, Stream::Application, 0)),
                secret: format!("simulated{seed:023x}"),
                key_id: format!("{:08x}", draw(seed, Stream::Application, 1) as u32),
                scopes: READ_SCOPES.map(String::from).to_vec(),
                access: AppAccess::Enterprise,
                is_authorized: true,
                may_act_as_users: true,
                may_make_user_tokens: true,
            },
            token_life: SignedDuration::from_secs(4123),
            started: Timestamp::from_second(1_777_881_600).expect("4 May 2026, 08:00 UTC"),
            latency: Latency {
                min: Duration::from_millis(20),
                max: Duration::from_millis(80),
            },
            limits: Limits::default(),
            page_max: usize::MAX,
            choices: Choices::default(),
        }
    }

    /// The sizes a load test varies.
    pub fn sized(mut self, users: usize, groups: usize, files: usize, activities: usize) -> Plan {
        (self.users, self.groups) = (users, groups);
        (self.files, self.activities) = (files, activities);
        self
    }

    /// The enterprise's id, which `box_subject_id` names.
    pub fn enterprise(&self) -> String {
        id(self.seed, Type::Enterprise, 0)
    }

    /// The address of the token endpoint, which assertions must name.
    pub fn token_url(&self) -> String {
        format!("{}/oauth2/token", self.base.trim_end_matches('/'))
    }
}
