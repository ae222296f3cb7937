//! Events of the system log as text (System Log API, "LogEvent").

use super::apps::Apps;
use super::events::{Actor, Family, Scene, Target};
use super::ids::{Type, id};
use super::people::{Groups, People};
use crate::chance::{Draws, Stream, draw, push_guid_bits};
use crate::json::{Object, object};
use crate::moment::millis;

/// What faults do to one event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Oddity {
    pub has_nulls: bool,
    pub is_of_unknown_type: bool,
    pub is_shuffled: bool,
    pub has_unknown_keys: bool,
    pub is_without_uuid: bool,
    pub padding: usize,
}

/// Who and what events speak of.
#[derive(Clone, Copy)]
pub struct Cast<'a> {
    pub people: &'a People,
    pub groups: &'a Groups,
    pub apps: &'a Apps,
}

const CITIES: [(&str, &str, &str, &str, &str, &str); 5] = [
    (
        "Lyon",
        "Auvergne-Rhône-Alpes",
        "France",
        "69001",
        "45.76",
        "4.83",
    ),
    (
        "Austin",
        "Texas",
        "United States",
        "78701",
        "30.27",
        "-97.74",
    ),
    ("Osaka", "Ōsaka", "Japan", "530-0001", "34.69", "135.5"),
    ("Porto", "Porto", "Portugal", "4000", "41.15", "-8.61"),
    ("Leeds", "England", "United Kingdom", "LS1", "53.8", "-1.55"),
];
const BROWSERS: [(&str, &str, &str, &str); 4] = [
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
        "Mac OS X",
        "CHROME",
        "Computer",
    ),
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
        "Windows 10",
        "FIREFOX",
        "Computer",
    ),
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
        "iOS",
        "SAFARI",
        "Mobile",
    ),
    ("acme-script/1.4", "Unknown", "UNKNOWN", "Unknown"),
];

/// The `uuid` of an event.
pub fn uuid(seed: u64, number: u64) -> String {
    let high = draw(seed, Stream::EventId, number);
    let mut out = String::with_capacity(36);
    push_guid_bits(&mut out, high, draw(high, Stream::EventId, number));
    out
}

/// Writes the event of a scene.
pub fn text(cast: Cast<'_>, scene: &Scene, oddity: Oddity) -> String {
    let seed = cast.people.seed;
    let mut draws = Draws::new(seed, Stream::EventText, scene.number | 1 << 50);
    let kind = scene.kind_row();
    let has_nulls = oddity.has_nulls || draws.is_one_in(50);
    let event_type = if oddity.is_of_unknown_type {
        "acme.future.thing_happened"
    } else {
        kind.event_type
    };
    let address = address(&mut draws);
    let place = place(&mut draws);
    let (agent, os, browser, device) = draws.pick(&BROWSERS);
    let targets = targets(cast, scene, oddity, &mut draws);
    object(|event| {
        if !oddity.is_without_uuid {
            event.text("uuid", &uuid(seed, scene.number));
        }
        event
            .text("published", &millis(scene.published))
            .text("eventType", event_type)
            .text("version", "0")
            .text("severity", severity(scene))
            .maybe("legacyEventType", None)
            .text("displayMessage", kind.message)
            .raw("actor", &actor(cast, scene));
        if has_nulls {
            // Objects may be missing in three ways.
            event
                .raw("client", "null")
                .raw("device", "null")
                .raw("authenticationContext", "{}")
                .raw("securityContext", "{}")
                .raw("request", r#"{"ipChain":[]}"#);
        } else {
            let user_agent = object(|one| {
                one.text("rawUserAgent", agent)
                    .text("os", os)
                    .text("browser", browser);
            });
            let zone = if draws.below(2) == 0 {
                "null"
            } else {
                "OFF_NETWORK"
            };
            event
                .raw(
                    "client",
                    &object(|client| {
                        client
                            .raw("userAgent", &user_agent)
                            .text("zone", zone)
                            .text("device", device)
                            .maybe("id", None)
                            .text("ipAddress", &address)
                            .raw("geographicalContext", &place);
                    }),
                )
                .raw("device", "null")
                .raw("authenticationContext", &session(seed, scene, &mut draws))
                .raw(
                    "securityContext",
                    r#"{"asNumber":64500,"asOrg":"example net","isp":"example net","domain":"example.net","isProxy":false}"#,
                )
                .raw(
                    "request",
                    &format!(
                        r#"{{"ipChain":[{{"ip":"{address}","geographicalContext":{place},"version":"V4","source":null}}]}}"#
                    ),
                );
        }
        event
            .raw("outcome", &outcome(scene))
            .raw("target", &targets)
            .raw("transaction", &transaction(seed, scene, &mut draws))
            .raw("debugContext", &debug(scene, oddity, &mut draws));
        if oddity.has_unknown_keys {
            event.raw("futureContext", r#"{"depth":[1,{"two":3}]}"#);
        }
    })
}

fn severity(scene: &Scene) -> &'static str {
    match scene.kind_row().family {
        Family::Alert => "WARN",
        _ if scene.is_failure => "WARN",
        _ => "INFO",
    }
}

fn outcome(scene: &Scene) -> String {
    let result = match (scene.kind_row().event_type, scene.is_failure) {
        ("policy.evaluate_sign_on", true) => {
            ("DENY", Some("Sign-on policy evaluation resulted in DENY"))
        }
        ("policy.evaluate_sign_on", false) if scene.number.is_multiple_of(3) => ("CHALLENGE", None),
        ("policy.evaluate_sign_on", false) => ("ALLOW", None),
        (_, true) => ("FAILURE", Some("INVALID_CREDENTIALS")),
        _ => ("SUCCESS", None),
    };
    object(|outcome| {
        outcome.text("result", result.0).maybe("reason", result.1);
    })
}

fn party(id: &str, kind: &str, alternate: &str, name: &str) -> String {
    object(|one| {
        one.text("id", id)
            .text("type", kind)
            .text("alternateId", alternate)
            .text("displayName", name)
            .raw("detailEntry", "null");
    })
}

fn user(cast: Cast<'_>, index: u64) -> String {
    let people = cast.people;
    party(
        &people.id(index),
        "User",
        &people.login(index),
        &people.name(index),
    )
}

fn actor(cast: Cast<'_>, scene: &Scene) -> String {
    match scene.actor {
        Actor::User(index) => user(cast, index),
        Actor::System => party(
            "okta.system",
            "SystemPrincipal",
            "system@okta.com",
            "Okta System",
        ),
        Actor::Client => party(
            &cast.apps.id(1),
            "PublicClientApp",
            &cast.apps.id(1),
            &cast.apps.app(1).label,
        ),
        // An unknown login has no id (uncertain).
        Actor::Nobody => party("unknown", "User", "nobody@acme.example", "unknown"),
    }
}

fn targets(cast: Cast<'_>, scene: &Scene, oddity: Oddity, draws: &mut Draws) -> String {
    let seed = cast.people.seed;
    let one = |target: &Target| match target {
        Target::User => user(cast, scene.user),
        Target::Group => party(
            &cast.groups.id(scene.group),
            "UserGroup",
            "unknown",
            &cast.groups.group(scene.group).name,
        ),
        Target::AppInstance => {
            let app = cast.apps.app(scene.app);
            party(&app.id, "AppInstance", &app.label, &app.label)
        }
        Target::AppUser => party(
            &format!("0ua{}", &cast.people.id(scene.user)[3..]),
            "AppUser",
            &cast.people.login(scene.user),
            &cast.people.name(scene.user),
        ),
        Target::Token => party(&id(seed, Type::ApiToken, 9), "Token", "unknown", "script 9"),
        Target::Policy => party(
            "00pSimulated00000001",
            "PolicyEntity",
            "unknown",
            "Default policy",
        ),
        Target::Role => party(
            &id(seed, Type::CustomRole, 0),
            "ROLE",
            "unknown",
            "Access auditor",
        ),
        Target::Zone => party("nzoSimulated00000001", "NetworkZone", "unknown", "Office"),
        Target::Hook => party("whoSimulated00000001", "EventHook", "unknown", "Casbah"),
        Target::Scope => party("scpSimulated00000001", "scope", "unknown", "offline_access"),
    };
    let mut texts: Vec<String> = scene.kind_row().targets.iter().map(one).collect();
    // Order means nothing; one in ten is turned round anyway.
    if oddity.is_shuffled || draws.is_one_in(10) {
        texts.reverse();
    }
    if texts.is_empty() && oddity.has_nulls {
        return "null".into();
    }
    format!("[{}]", texts.join(","))
}

fn session(seed: u64, scene: &Scene, draws: &mut Draws) -> String {
    object(|context| {
        context
            .raw("authenticationProvider", "null")
            .raw("credentialProvider", "null")
            .raw("credentialType", "null")
            .raw("issuer", "null")
            .raw("interface", "null")
            .number("authenticationStep", 0);
        // Failed sign-ins have no session, which is said in two ways (uncertain).
        match (scene.is_failure, scene.number.is_multiple_of(2)) {
            (true, true) => context
                .raw("rootSessionId", "null")
                .raw("externalSessionId", "null"),
            (true, false) => context
                .text("rootSessionId", "unknown")
                .text("externalSessionId", "unknown"),
            (false, _) => {
                let session = id(seed, Type::Session, draws.below(1 << 40));
                context
                    .text("rootSessionId", &session)
                    .text("externalSessionId", &session)
            }
        };
    })
}

fn transaction(seed: u64, scene: &Scene, draws: &mut Draws) -> String {
    let is_job = matches!(scene.actor, Actor::System);
    let by_token = scene.kind_row().family == Family::Admin && draws.is_one_in(5);
    let detail = if by_token {
        format!(
            r#"{{"requestApiTokenId":"{}"}}"#,
            id(seed, Type::ApiToken, 1)
        )
    } else {
        "{}".into()
    };
    object(|one| {
        one.text("type", if is_job { "JOB" } else { "WEB" })
            .text("id", &format!("X{:026x}", draws.next()))
            .raw("detail", &detail);
    })
}

fn debug(scene: &Scene, oddity: Oddity, draws: &mut Draws) -> String {
    let write = |one: &mut Object<'_>| {
        if !scene.detail.is_empty() {
            one.text("privilegeGranted", &scene.detail);
        }
        one.text("requestId", &format!("X{:026x}", draws.next()))
            .text("requestUri", "/api/v1/simulated")
            .text("threatSuspected", "false");
        if oddity.padding > 0 {
            one.text("simulatedPadding", &"x".repeat(oddity.padding));
        }
    };
    format!(r#"{{"debugData":{}}}"#, object(write))
}

fn address(draws: &mut Draws) -> String {
    let net = draws.pick(&["192.0.2.", "198.51.100.", "203.0.113."]);
    format!("{net}{}", draws.below(254) + 1)
}

fn place(draws: &mut Draws) -> String {
    let (city, state, country, code, lat, lon) = draws.pick(&CITIES);
    object(|one| {
        one.text("city", city)
            .text("state", state)
            .text("country", country)
            .text("postalCode", code)
            .raw("geolocation", &format!(r#"{{"lat":{lat},"lon":{lon}}}"#));
    })
}
