use super::*;

fn carrier(address: &str) -> Carrier {
    let credentials =
        aws_credential_types::Credentials::new("AKIDEXAMPLE", "not-a-real-key", None, None, "test");
    let base = base(address).expect("an address");
    Carrier {
        client: client(&base).expect("a client"),
        base,
        region: "eu-central-1".into(),
        credentials: SharedCredentialsProvider::new(credentials),
    }
}

fn call(method: &str, path: &str, body: Option<&str>) -> Call {
    Call {
        method: method.into(),
        path: path.into(),
        headers: BTreeMap::from([("content-type".to_string(), "application/json".to_string())]),
        body: body.map(str::to_string),
    }
}

fn ready<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime").block_on(future)
}

#[test]
fn a_call_is_signed_for_the_api_and_its_region() {
    let carrier = carrier("https://abc.execute-api.eu-central-1.amazonaws.com/live");
    let signed =
        ready(carrier.signed(call("POST", "/v1/connections", Some("{}")))).expect("signed");
    assert_eq!(
        signed.uri(),
        "https://abc.execute-api.eu-central-1.amazonaws.com/live/v1/connections"
    );
    let authorization = signed.headers()["authorization"].to_str().expect("text");
    assert!(authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"));
    assert!(authorization.contains("/eu-central-1/execute-api/aws4_request"));
    assert!(!authorization.contains("not-a-real-key"));
}

#[test]
fn a_query_stays_as_it_is() {
    let carrier = carrier("https://api.example.com");
    let path = "/v1/connections/contoso/users?q=anna%20b&limit=5";
    let signed = ready(carrier.signed(call("GET", path, None))).expect("signed");
    assert_eq!(
        signed.uri().to_string(),
        format!("https://api.example.com{path}")
    );
}

#[test]
fn only_paths_of_the_api_are_carried() {
    for path in [
        "/",
        "/v2/connections",
        "/v1/../admin",
        "https://evil.example/v1/",
        "v1/x",
    ] {
        let base = base("https://api.example.com").expect("an address");
        assert!(join(&base, path).is_err(), "{path}");
    }
}

#[test]
fn signatures_go_over_tls_or_stay_on_this_machine() {
    for (address, is_fine) in [
        ("https://api.example.com", true),
        ("http://127.0.0.1:4566", true),
        ("http://abc.execute-api.localhost:4566", true),
        ("http://api.example.com", false),
        ("http://localhost.example.com", false),
        ("https://user:word@api.example.com", false),
        ("ftp://127.0.0.1", false),
        ("api.example.com", false),
    ] {
        assert_eq!(base(address).is_ok(), is_fine, "{address}");
    }
}
