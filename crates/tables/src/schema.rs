//! The columns of each class: what our events of that class may hold, in the order of the table.
//!
//! A column is only ever added: objects that were written before are read as if they had it, empty.

use casbah_model::collection::Collection;
use casbah_ocsf::class::Class;

/// One attribute.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    pub name: &'static str,
    pub shape: Shape,
}

/// What an attribute holds.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    Text,
    /// `integer_t`.
    Int,
    /// `long_t` and `timestamp_t`, in milliseconds.
    Long,
    Flag,
    /// Whatever it is, as JSON in a text.
    Json,
    /// The event's time once more, as engines have it. Not in the event: it is made from `time`.
    Moment,
    /// A time as RFC 3339 has it.
    When,
    Object(&'static [Field]),
    List(&'static Shape),
}

use Shape::{Flag, Int, Json, List, Long, Moment, Object, Text, When};

const fn field(name: &'static str, shape: Shape) -> Field {
    Field { name, shape }
}

const TEXT: Shape = Text;
const TEXTS: Shape = List(&TEXT);

const PERSON: &[Field] = &[
    field("uid", Text),
    field("name", Text),
    field("email_addr", Text),
    field("full_name", Text),
    field("uid_alt", Text),
    field("type_id", Int),
    field("type", Text),
];
const NAMED: &[Field] = &[field("uid", Text), field("name", Text)];
const RESOURCE_FIELDS: &[Field] = &[
    field("uid", Text),
    field("name", Text),
    field("type", Text),
    field("url_string", Text),
];
const RESOURCE: Shape = Object(RESOURCE_FIELDS);
const FILE: &[Field] = &[
    field("name", Text),
    field("type_id", Int),
    field("type", Text),
    field("uid", Text),
    field("path", Text),
    field("ext", Text),
    field("size", Long),
    field("confidentiality_id", Int),
    field("confidentiality", Text),
];
const OBSERVABLE: Shape = Object(&[
    field("name", Text),
    field("type_id", Int),
    field("type", Text),
    field("value", Text),
]);
const METADATA: &[Field] = &[
    field("version", Text),
    field(
        "product",
        Object(&[field("name", Text), field("vendor_name", Text)]),
    ),
    field("uid", Text),
    field("event_code", Text),
    field("correlation_uid", Text),
    field("tenant_uid", Text),
    field("log_name", Text),
    field("log_provider", Text),
    field("log_version", Text),
    field("loggers", List(&Object(&[field("name", Text)]))),
    field("logged_time", Long),
    field("processed_time", Long),
    field("profiles", TEXTS),
];
const ENDPOINT: &[Field] = &[
    field("ip", Text),
    field("port", Int),
    field("name", Text),
    field("os", Object(&[field("name", Text), field("type_id", Int)])),
];
const ACTOR: &[Field] = &[
    field("user", Object(PERSON)),
    field("session", Object(&[field("uid", Text)])),
    field("app_uid", Text),
    field("app_name", Text),
];

/// What every class has.
pub(crate) const FRAME: &[Field] = &[
    field("time", Long),
    field("time_dt", Moment),
    field("class_uid", Int),
    field("class_name", Text),
    field("category_uid", Int),
    field("category_name", Text),
    field("activity_id", Int),
    field("activity_name", Text),
    field("type_uid", Long),
    field("type_name", Text),
    field("severity_id", Int),
    field("severity", Text),
    field("status_id", Int),
    field("status", Text),
    field("status_code", Text),
    field("status_detail", Text),
    field("metadata", Object(METADATA)),
    field("actor", Object(ACTOR)),
    field("src_endpoint", Object(ENDPOINT)),
    field("http_request", Object(&[field("user_agent", Text)])),
    field("cloud", Object(&[field("provider", Text)])),
    field("observables", List(&OBSERVABLE)),
    field("unmapped", Json),
];

const AUTHENTICATION: &[Field] = &[
    field("user", Object(PERSON)),
    field("service", Object(NAMED)),
    field("logon_type_id", Int),
    field("logon_type", Text),
    field("auth_protocol_id", Int),
    field("auth_protocol", Text),
    field("is_mfa", Flag),
];
const ACCOUNT_CHANGE: &[Field] = &[field("user", Object(PERSON))];
const AUTHORIZE_SESSION: &[Field] = &[field("user", Object(PERSON)), field("privileges", TEXTS)];
const ENTITY_MANAGEMENT: &[Field] = &[field(
    "entity",
    Object(&[
        field("uid", Text),
        field("name", Text),
        field("type_id", Int),
        field("type", Text),
        field("user", Object(PERSON)),
    ]),
)];
const USER_ACCESS: &[Field] = &[
    field("user", Object(PERSON)),
    field("privileges", TEXTS),
    field("resource", RESOURCE),
];
const GROUP_MANAGEMENT: &[Field] = &[
    field("group", Object(NAMED)),
    field("user", Object(PERSON)),
    field("privileges", TEXTS),
];
const EMAIL_ACTIVITY: &[Field] = &[
    field("direction_id", Int),
    field(
        "email",
        Object(&[
            field("from", Text),
            field("to", TEXTS),
            field("uid", Text),
            field("message_uid", Text),
            field("subject", Text),
            field("size", Long),
        ]),
    ),
];
const WEB_RESOURCES: &[Field] = &[field("web_resources", List(&RESOURCE))];
const API_ACTIVITY: &[Field] = &[
    field(
        "api",
        Object(&[
            field("operation", Text),
            field("service", Object(&[field("name", Text)])),
        ]),
    ),
    field("resources", List(&RESOURCE)),
];
const FILE_HOSTING: &[Field] = &[
    field("file", Object(FILE)),
    field("file_result", Object(FILE)),
];
const COMMAND: Field = field("command_uid", Text);
const REMEDY: Field = field("remediation", Object(&[field("desc", Text)]));
const REMEDIATION: &[Field] = &[COMMAND, REMEDY];
const FILE_REMEDIATION: &[Field] = &[COMMAND, REMEDY, field("file", Object(FILE))];
const FINDING: Field = field(
    "finding_info",
    Object(&[
        field("uid", Text),
        field("title", Text),
        field("src_url", Text),
        field("types", TEXTS),
        field(
            "analytic",
            Object(&[
                field("uid", Text),
                field("name", Text),
                field("type_id", Int),
            ]),
        ),
    ]),
);
const DETECTION_FINDING: &[Field] = &[FINDING, field("resources", List(&RESOURCE))];
const DATA_SECURITY_FINDING: &[Field] = &[
    FINDING,
    field("file", Object(FILE)),
    field("data_security", Object(&[field("policy", Object(NAMED))])),
];

/// The attributes of a class, those of all classes first.
pub fn fields(class: Class) -> Vec<Field> {
    let own = match class {
        Class::DetectionFinding => DETECTION_FINDING,
        Class::DataSecurityFinding => DATA_SECURITY_FINDING,
        Class::AccountChange => ACCOUNT_CHANGE,
        Class::Authentication => AUTHENTICATION,
        Class::AuthorizeSession => AUTHORIZE_SESSION,
        Class::EntityManagement => ENTITY_MANAGEMENT,
        Class::UserAccess => USER_ACCESS,
        Class::GroupManagement => GROUP_MANAGEMENT,
        Class::EmailActivity => EMAIL_ACTIVITY,
        Class::WebResources => WEB_RESOURCES,
        Class::ApiActivity => API_ACTIVITY,
        Class::FileHosting => FILE_HOSTING,
        Class::Remediation => REMEDIATION,
        Class::FileRemediation => FILE_REMEDIATION,
    };
    FRAME.iter().chain(own).copied().collect()
}

/// What every row of an inventory has: the time that it was so, and what tells one state from the next.
pub(crate) const STATE: &[Field] = &[
    field("id", Text),
    field("valid_from", When),
    field("valid_to", When),
    field("state", Long),
    field("collected_at", When),
];

const USERS: &[Field] = &[
    field("name", Text),
    field("address", Text),
    field("kind", Text),
    field("status", Text),
    field("last_sign_in", When),
    field("created", When),
];
const GROUPS: &[Field] = &[
    field("name", Text),
    field("address", Text),
    field("kind", Text),
    field("created", When),
];
const PRIVILEGES: &[Field] = &[
    field("holder", Text),
    field("holder_name", Text),
    field("holder_address", Text),
    field("kind", Text),
    field("role", Text),
    field("role_name", Text),
    field("scope", Text),
    field("privileged", Flag),
    field("created", When),
];
const APP_PERMISSIONS: &[Field] = &[
    field("application", Text),
    field("application_name", Text),
    field("client", Text),
    field("kind", Text),
    field("resource", Text),
    field("resource_name", Text),
    field("permissions", TEXTS),
    field("on_behalf_of", Text),
    field("risk", Flag),
    field("created", When),
];
const FILES: &[Field] = &[
    field("name", Text),
    field("address", Text),
    field("kind", Text),
    field("root", Text),
    field("parent", Text),
    field("sharing", Text),
    field("bytes", Long),
    field("created", When),
    field("modified", When),
    field("modified_by", Text),
];

/// The attributes of what is in an inventory.
pub fn collection_fields(collection: Collection) -> Vec<Field> {
    let own = match collection {
        Collection::Users => USERS,
        Collection::Groups => GROUPS,
        Collection::Privileges => PRIVILEGES,
        Collection::AppPermissions => APP_PERMISSIONS,
        Collection::Files => FILES,
    };
    STATE.iter().chain(own).copied().collect()
}
