//! Every field of every route: wrong type, too long, unknown, another's; a problem that names the field, never a 500.

use casbah_pipeline::Settings;
use http::Method;
use serde_json::{Value, json};

use crate::document::DOCUMENT;
use crate::door::{Answer, Door, in_virtual_time};

const CONTOSO: &str = "/v1/connections/contoso";

/// Values of every type, none of which is right where a text or a list of texts is.
fn wrong_types() -> [Value; 7] {
    [
        Value::Null,
        json!(true),
        json!(1),
        json!(-1.5e300),
        json!([[]]),
        json!({ "a": { "b": 1 } }),
        json!([null]),
    ]
}

/// Texts that are wrong wherever they stand.
fn wrong_texts() -> [String; 4] {
    [
        "".into(),
        "x".repeat(40_000),
        "a\u{0}b".into(),
        "\u{202e}../%2e%2e/'\"<script>".into(),
    ]
}

/// Puts a value at a pointer of a body.
fn with(mut body: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
    let parent = body.pointer_mut(parent).expect("a parent");
    match parent {
        Value::Array(list) => list[name.parse::<usize>().expect("a place")] = value,
        parent => parent[name] = value,
    }
    body
}

fn named(answer: &Answer) -> Vec<String> {
    let errors = answer.body["errors"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let fields = errors
        .iter()
        .map(|error| error["field"].as_str().expect("text").to_string());
    fields.collect()
}

/// Asserts a refusal that names the field or something in it.
#[track_caller]
fn assert_names(answer: &Answer, pointer: &str, sent: &Value) {
    let status = answer.status.as_u16();
    let named = named(answer);
    let sent: String = sent.to_string().chars().take(80).collect();
    assert!(
        (400..500).contains(&status),
        "{pointer} = {sent}: {status} {:#}",
        answer.body
    );
    assert!(
        named
            .iter()
            .any(|name| name == pointer || name.starts_with(&format!("{pointer}/"))),
        "{pointer} = {sent}: {named:?}"
    );
}

const CREATE: [&str; 10] = [
    "/name",
    "/app",
    "/components",
    "/components/0",
    "/app_settings",
    "/app_settings/tenant_id",
    "/app_settings/client_id",
    "/endpoints",
    "/endpoints/graph",
    "/credential",
];

#[test]
fn every_field_of_a_new_connection_is_refused_by_name() {
    in_virtual_time(async {
        let door = Door::new();
        let body = || {
            with(
                door.contoso(),
                "/endpoints",
                json!({ "graph": "https://graph.microsoft.com" }),
            )
        };
        for pointer in CREATE.iter().chain(&["/credential/client_secret"]) {
            for value in wrong_types() {
                let answer = door
                    .post("/v1/connections", with(body(), pointer, value.clone()))
                    .await;
                assert_names(&answer, pointer, &value);
            }
        }
        for pointer in [
            "/name",
            "/app",
            "/components/0",
            "/app_settings/tenant_id",
            "/endpoints/graph",
        ] {
            for text in wrong_texts() {
                let value = Value::from(text);
                let answer = door
                    .post("/v1/connections", with(body(), pointer, value.clone()))
                    .await;
                assert_names(&answer, pointer, &value);
            }
        }
        for parent in ["", "/app_settings", "/endpoints", "/credential"] {
            let pointer = format!("{parent}/colour");
            let answer = door
                .post("/v1/connections", with(body(), &pointer, json!("red")))
                .await;
            assert_names(&answer, &pointer, &json!("red"));
        }
        for name in ["name", "app", "components", "credential", "app_settings"] {
            let mut less = body();
            less.as_object_mut().expect("an object").remove(name);
            let answer = door.post("/v1/connections", less).await;
            assert_names(&answer, &format!("/{name}"), &Value::Null);
        }
        assert_eq!(
            door.get("/v1/connections").await.is(200)["items"],
            json!([]),
            "nothing is left"
        );
    });
}

#[test]
fn what_an_app_refuses_is_named_by_its_setting() {
    in_virtual_time(async {
        let door = Door::new();
        let rows = [
            (
                "/app_settings/tenant_id",
                json!("contoso.com"),
                "/app_settings/tenant_id",
            ),
            (
                "/app_settings/client_id",
                json!("x"),
                "/app_settings/client_id",
            ),
            (
                "/app_settings/publisher_id",
                json!("x"),
                "/app_settings/publisher_id",
            ),
            (
                "/app_settings/credential",
                json!("secret"),
                "/app_settings/credential",
            ),
            ("/components", json!(["files"]), "/components/0"),
            ("/components", json!(["users", "mail"]), "/components/1"),
            ("/components", json!(["all", "mail"]), "/components/1"),
            ("/components", json!(["users", "users"]), "/components/1"),
            ("/components", json!([]), "/components"),
            (
                "/endpoints",
                json!({ "graph": "http://graph.microsoft.com" }),
                "/endpoints/graph",
            ),
            (
                "/endpoints",
                json!({ "mail": "https://example.com" }),
                "/endpoints/mail",
            ),
            ("/credential", json!({}), "/credential"),
            (
                "/credential",
                json!({ "client_secret": "a", "certificate_pem": "b" }),
                "/credential",
            ),
            (
                "/credential",
                json!({ "client_secret": "a", "private_key_pem": "b" }),
                "/credential/private_key_pem",
            ),
            (
                "/credential",
                json!({ "certificate_pem": "x" }),
                "/credential/certificate_pem",
            ),
            (
                "/credential",
                json!({ "certificate_pem": "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----" }),
                "/credential/private_key_pem",
            ),
        ];
        for (pointer, value, field) in rows {
            let answer = door
                .post(
                    "/v1/connections",
                    with(door.contoso(), pointer, value.clone()),
                )
                .await;
            assert_eq!(answer.status.as_u16(), 422, "{pointer}");
            assert_names(&answer, field, &value);
        }
    });
}

#[test]
fn addresses_are_the_vendors_own_where_casbah_runs_for_others() {
    in_virtual_time(async {
        let settings = Settings {
            loopback_vendors: false,
            ..Settings::default()
        };
        let door = Door::with(settings);
        for address in [
            "http://127.0.0.1:9001",
            "https://127.0.0.1",
            "https://169.254.169.254",
            "https://localhost",
            "https://graph.example.com",
            "https://login.microsoftonline.com",
        ] {
            let body = with(door.contoso(), "/endpoints", json!({ "graph": address }));
            let answer = door.post("/v1/connections", body).await;
            assert_eq!(answer.status.as_u16(), 422, "{address}");
            assert_names(&answer, "/endpoints/graph", &json!(address));
        }
        let national = json!({ "graph": "https://graph.microsoft.us" });
        door.post(
            "/v1/connections",
            with(door.contoso(), "/endpoints", national),
        )
        .await
        .is(202);
        let change = json!({ "endpoints": { "login": "http://127.0.0.1:9001" } });
        assert_names(
            &door.patch(CONTOSO, change.clone()).await,
            "/endpoints/login",
            &change,
        );
    });
}

#[test]
fn every_field_of_a_change_and_of_a_scan_is_refused_by_name() {
    in_virtual_time(async {
        let door = Door::caught_up().await;
        for pointer in ["/components", "/app_settings", "/endpoints", "/credential"] {
            for value in wrong_types() {
                let answer = door
                    .patch(CONTOSO, with(json!({}), pointer, value.clone()))
                    .await;
                assert_names(&answer, pointer, &value);
            }
        }
        let rows = [
            (json!({}), ""),
            (json!({ "name": "other" }), "/name"),
            (json!({ "app": "microsoft365" }), "/app"),
            (
                json!({ "app_settings": { "tenant_id": null } }),
                "/app_settings/tenant_id",
            ),
            (
                json!({ "app_settings": { "tenant_id": "11111111-2222-3333-4444-555555555555" } }),
                "/app_settings/tenant_id",
            ),
            (
                json!({ "app_settings": { "client_id": null } }),
                "/app_settings/client_id",
            ),
            (json!({ "endpoints": { "graph": "x" } }), "/endpoints/graph"),
        ];
        for (body, field) in rows {
            let answer = door.patch(CONTOSO, body.clone()).await;
            assert_names(&answer, field, &body);
        }
        let scan = format!("{CONTOSO}/scan");
        for value in
            wrong_types()
                .into_iter()
                .chain([json!([]), json!(["mail"]), json!(["users", "users"])])
        {
            let answer = door.post(&scan, json!({ "what": value })).await;
            assert_names(&answer, "/what", &value);
        }
        assert_names(&door.post(&scan, json!({})).await, "/what", &Value::Null);
        let unknown = json!({ "what": ["users"], "now": true });
        assert_names(&door.post(&scan, unknown.clone()).await, "/now", &unknown);
        door.patch(CONTOSO, json!({ "components": ["users"] }))
            .await
            .is(200);
        let off = json!({ "what": ["users", "files"] });
        assert_names(&door.post(&scan, off.clone()).await, "/what/1", &off);
        assert_eq!(door.get(CONTOSO).await.is(200)["name"], "contoso");
    });
}

/// Every route with a body, the one that needs fields excepted.
const WITHOUT_FIELDS: [&str; 5] = [
    "pause",
    "resume",
    "disconnect",
    "test",
    "streams/users/accept",
];

#[test]
fn a_body_with_fields_is_refused_where_none_means_anything() {
    in_virtual_time(async {
        let door = Door::caught_up().await;
        for path in WITHOUT_FIELDS {
            let path = format!("{CONTOSO}/{path}");
            let answer = door.post(&path, json!({ "force": true })).await;
            assert_names(&answer, "/force", &json!(true));
            let answer = door.post(&path, json!([])).await;
            assert_names(&answer, "", &json!([]));
        }
        assert_eq!(door.get(CONTOSO).await.is(200)["state"], "connected");
    });
}

#[test]
fn bodies_that_are_no_plain_json_object_are_refused_before_their_fields() {
    in_virtual_time(async {
        let door = Door::new();
        let key = ("idempotency-key", "k");
        let send = async |content_type: &str, body: String| {
            let headers = [key, ("content-type", content_type)];
            door.send(Method::POST, "/v1/connections", &headers, Some(body))
                .await
        };
        let json = "application/json";
        let rows = [
            (json, "".to_string(), 400, "bad-json"),
            (json, "{".to_string(), 400, "bad-json"),
            (json, "\u{feff}{}".to_string(), 400, "bad-json"),
            (
                json,
                r#"{"name":"a","name":"b"}"#.to_string(),
                400,
                "bad-json",
            ),
            (
                json,
                format!("{}1{}", "[".repeat(100), "]".repeat(100)),
                400,
                "bad-json",
            ),
            (json, "[".repeat(60_000), 400, "bad-json"),
            (json, "1e999".to_string(), 400, "bad-json"),
            (json, "[]".to_string(), 422, "bad-field"),
            (json, "null".to_string(), 422, "bad-field"),
            ("text/plain", "{}".to_string(), 415, "media-type"),
            (
                "application/x-www-form-urlencoded",
                "name=a".to_string(),
                415,
                "media-type",
            ),
            (
                json,
                format!("{{\"name\":\"{}\"}}", "x".repeat(65_536)),
                413,
                "body-too-large",
            ),
        ];
        for (content_type, body, status, code) in rows {
            let shown: String = body.chars().take(40).collect();
            let answer = send(content_type, body).await;
            assert_eq!(answer.status.as_u16(), status, "{shown}");
            answer.is_problem(code, None);
        }
    });
}

/// A path of every route, with another name for the connection.
fn paths_of(name: &str) -> Vec<(Method, String)> {
    let mut all = vec![];
    for (pattern, path) in DOCUMENT["paths"].as_object().expect("paths") {
        if !pattern.contains("{connection}") {
            continue;
        }
        let path_text = pattern
            .replace("{connection}", name)
            .replace("{stream}", "users")
            .replace("{action}", "a1");
        for method in ["GET", "POST", "PATCH", "DELETE"] {
            if path.get(method.to_ascii_lowercase()).is_some() {
                all.push((method.parse().expect("a method"), path_text.clone()));
            }
        }
    }
    all
}

/// A body that would be right, were the connection there.
fn body_for(method: &Method, path: &str) -> Option<String> {
    match *method {
        Method::PATCH => Some(json!({ "components": ["users"] }).to_string()),
        Method::POST if path.ends_with("/scan") => Some(json!({ "what": ["users"] }).to_string()),
        Method::POST if path.ends_with("/actions") => {
            let (kind, targets) = ("suspend-user", ["00u1"]);
            let body =
                json!({ "kind": kind, "targets": targets, "reason": "a drill", "wish": "plan" });
            Some(body.to_string())
        }
        Method::POST
            if ["/reject", "/undo", "/cancel"]
                .iter()
                .any(|end| path.ends_with(end)) =>
        {
            Some(json!({ "reason": "a drill" }).to_string())
        }
        _ => None,
    }
}

#[test]
fn anothers_connection_and_an_impossible_name_are_answered_alike_on_every_route() {
    in_virtual_time(async {
        let door = Door::caught_up().await;
        for (name, status, code) in [
            ("fabrikam", 404, "no-such-connection"),
            ("Contoso", 400, "bad-path"),
            ("contoso.1", 400, "bad-path"),
            ("C%23contoso", 400, "bad-path"),
            ("%ff", 400, "bad-path"),
            ("..%2f..%2fetc", 400, "bad-path"),
            ("a%00", 400, "bad-path"),
            (&"a".repeat(41), 400, "bad-path"),
            (&"%E2%82%AC".repeat(500), 400, "bad-path"),
        ] {
            for (method, path) in paths_of(name) {
                let key = [("idempotency-key", "k")];
                let body = body_for(&method, &path);
                let answer = door.send(method.clone(), &path, &key, body).await;
                assert_eq!(
                    answer.status.as_u16(),
                    status,
                    "{method} {path}: {:#}",
                    answer.body
                );
                answer.is_problem(code, (status == 400).then_some("connection"));
            }
        }
    });
}

#[test]
fn every_parameter_of_every_list_is_refused_by_name() {
    in_virtual_time(async {
        let door = Door::caught_up().await;
        for (pattern, path) in DOCUMENT["paths"].as_object().expect("paths") {
            if path.get("get").is_none() || pattern.contains("{code}") {
                continue;
            }
            let at = pattern.replace("{connection}", "contoso");
            let at = at.replace("{action}", "a1");
            let refused = door.get(&format!("{at}?colour=red")).await;
            refused.is_problem("bad-parameter", Some("colour"));
            let parameters = path["get"]["parameters"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            for parameter in parameters.iter().map(|parameter| {
                let pointer = parameter["$ref"].as_str().map(|text| &text[1..]);
                pointer.map_or(parameter, |pointer| {
                    DOCUMENT.pointer(pointer).expect("there")
                })
            }) {
                let name = parameter["name"].as_str().expect("a name");
                let long = "x".repeat(5000);
                for value in ["", "%00", "%ff", long.as_str()] {
                    let refused = door.get(&format!("{at}?{name}={value}")).await;
                    refused.is_problem("bad-parameter", Some(name));
                }
                let twice = door.get(&format!("{at}?{name}=1&{name}=1")).await;
                twice.is_problem("bad-parameter", Some(name));
                let schema = &parameter["schema"];
                if schema["enum"].is_array() || schema["type"] != "string" {
                    for value in ["x", "True", "1.0", "-1", "0", "null"] {
                        let refused = door.get(&format!("{at}?{name}={value}")).await;
                        refused.is_problem("bad-parameter", Some(name));
                    }
                }
            }
        }
    });
}

#[test]
fn paths_and_methods_that_are_not_there_are_told_apart() {
    in_virtual_time(async {
        let door = Door::new();
        for path in [
            "/",
            "/v1",
            "/v1/",
            "/v2/connections",
            "/v1/connections/",
            "/v1//connections",
            "/v1/connections/a/b",
        ] {
            door.get(path).await.is_problem("no-such-path", None);
        }
        for (method, path, allow) in [
            (Method::PUT, "/v1/connections/contoso", "GET, PATCH, DELETE"),
            (Method::DELETE, "/v1/connections", "GET, POST"),
            (Method::HEAD, "/v1/health", "GET"),
            (Method::OPTIONS, "/v1/connections/contoso/scan", "POST"),
            (Method::TRACE, "/v1/health", "GET"),
        ] {
            let refused = door.send(method, path, &[], None).await;
            assert_eq!(refused.status.as_u16(), 405);
            assert_eq!(refused.header("allow"), allow);
        }
    });
}

#[test]
fn a_stream_that_is_not_there_or_holds_nothing_is_not_accepted() {
    in_virtual_time(async {
        let door = Door::caught_up().await;
        for (name, status, code) in [
            ("users", 409, "nothing-held"),
            ("files-0", 409, "nothing-held"),
            ("mail", 404, "no-such-stream"),
            ("S%23users", 400, "bad-path"),
            ("Users", 400, "bad-path"),
        ] {
            let refused = door
                .post(&format!("{CONTOSO}/streams/{name}/accept"), Value::Null)
                .await;
            assert_eq!(refused.status.as_u16(), status, "{name}");
            refused.is_problem(code, (status < 409).then_some("stream"));
        }
    });
}

#[test]
fn nobody_is_answered_whom_the_platform_does_not_name() {
    in_virtual_time(async {
        let door = Door::new();
        let request = http::Request::builder().uri("/v1/connections");
        let request = request.body(bytes::Bytes::new()).expect("a request");
        let answer = casbah_api::answer(&door.system.ctx, request).await;
        assert_eq!(answer.status().as_u16(), 401);
    });
}
