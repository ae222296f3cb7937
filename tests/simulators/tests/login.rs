//! Tokens and what they open, seen through the door of the simulator.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod reader;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use casbah_model::SignedDuration;
use casbah_model::ports::Clock;
use casbah_model::transport::{Headers, Method};
use casbah_simulators::microsoft365::BaseUrls;
use reader::{GRAPH, MANAGEMENT, Reader, small_plan};
use serde_json::Value;

fn payload(token: &str) -> Value {
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[test]
fn a_token_tells_its_roles_and_is_good_for_one_service() {
    let reader = Reader::small(1);
    let claims = payload(&reader.token(MANAGEMENT));
    assert_eq!(
        claims["roles"],
        serde_json::json!(["ActivityFeed.Read", "ActivityFeed.ReadDlp"])
    );
    assert_eq!(claims["aud"], MANAGEMENT);
    assert_eq!(claims["tid"], reader.plan.tenant_id.as_str());
    let url = format!("{GRAPH}/v1.0/organization");
    let wrong = reader.ask(Method::Get, &url, reader.bearer(MANAGEMENT), "");
    assert_eq!(
        (wrong.status, wrong.code().as_str()),
        (401, "InvalidAuthenticationToken")
    );
    let good = reader.bearer(GRAPH);
    assert_eq!(reader.ask(Method::Get, &url, good.clone(), "").status, 200);
    reader.clock.forward(SignedDuration::from_secs(3600));
    assert_eq!(reader.ask(Method::Get, &url, good, "").status, 401);
    assert_eq!(
        reader.ask(Method::Get, &url, Headers::default(), "").status,
        401
    );
}

#[test]
fn the_older_token_endpoint_writes_numbers_as_text() {
    let reader = Reader::small(2);
    let url = format!(
        "{}/{}/oauth2/token",
        reader.plan.base.login, reader.plan.tenant_id
    );
    let form = format!(
        "client_id={}&resource=https%3A%2F%2Fmanage.office.com&client_secret={}&grant_type=client_credentials",
        reader.plan.client_id, reader.plan.client_secret
    );
    let answer = reader
        .ask(Method::Post, &url, Headers::default(), &form)
        .json();
    assert_eq!(answer["expires_in"], "3599");
    assert_eq!(answer["resource"], MANAGEMENT);
}

#[test]
fn login_refuses_with_the_documented_codes() {
    let reader = Reader::small(3);
    let wrong = reader.token_with(GRAPH, "wrong");
    assert_eq!((wrong.status, wrong.code().as_str()), (401, "7000215"));
    assert_eq!(wrong.json()["error"], "invalid_client");
    let ask = |tenant: &str, form: &str| {
        let url = format!("{}/{tenant}/oauth2/v2.0/token", reader.plan.base.login);
        reader
            .ask(Method::Post, &url, Headers::default(), form)
            .code()
    };
    let tenant = reader.plan.tenant_id.clone();
    assert_eq!(ask("11111111-2222-4333-8444-555555555555", ""), "90002");
    assert_eq!(ask("common", ""), "9001023");
    assert_eq!(
        ask(&tenant, "grant_type=client_credentials&client_id=other"),
        "700016"
    );
    let known = format!(
        "grant_type=client_credentials&client_id={}",
        reader.plan.client_id
    );
    assert_eq!(ask(&tenant, &known), "7000218");
    let scope = format!(
        "{known}&client_secret={}&scope=nonsense",
        reader.plan.client_secret
    );
    assert_eq!(ask(&tenant, &scope), "70011");
}

#[test]
fn each_endpoint_asks_for_its_role() {
    let mut plan = small_plan(15);
    plan.roles = vec!["User.Read.All".into()];
    let reader = Reader::new(plan);
    assert_eq!(reader.graph("users/delta").status, 200);
    for path in [
        "groups/delta",
        "servicePrincipals",
        "oauth2PermissionGrants",
        "auditLogs/signIns",
    ] {
        let answer = reader.graph(path);
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (403, "Authorization_RequestDenied"),
            "{path}"
        );
    }
    assert_eq!(reader.graph("users?$select=id,signInActivity").status, 403);
    assert_eq!(reader.graph("sites/getAllSites").code(), "accessDenied");
    assert_eq!(reader.graph("nonsense").status, 404);
}

/// Three services behind one address, as the command line serves them.
#[test]
fn one_host_may_carry_all_services() {
    let mut plan = small_plan(17);
    plan.base = BaseUrls::one("http://127.0.0.1:8365/");
    let reader = Reader::new(plan);
    let base = "http://127.0.0.1:8365";
    let page = reader
        .ask(
            Method::Get,
            &format!("{base}/v1.0/users/delta"),
            reader.bearer(GRAPH),
            "",
        )
        .json();
    assert!(
        page["@odata.nextLink"]
            .as_str()
            .unwrap()
            .starts_with(&format!("{base}/v1.0/users/delta?"))
    );
    let list = format!(
        "{base}/api/v1.0/{}/activity/feed/subscriptions/list",
        reader.plan.tenant_id
    );
    assert_eq!(
        reader
            .ask(Method::Get, &list, reader.bearer(MANAGEMENT), "")
            .status,
        200
    );
    assert_eq!(
        reader
            .ask(
                Method::Get,
                &format!("{base}/nothing/here"),
                Headers::default(),
                ""
            )
            .status,
        404
    );
}

/// Nobody checks the signature; everything else about an assertion is checked.
#[test]
fn a_certificate_may_stand_for_the_secret() {
    let mut plan = small_plan(18);
    plan.certificate_thumbprint = Some("dGh1bWI".into());
    let reader = Reader::new(plan);
    let url = format!(
        "{}/{}/oauth2/v2.0/token",
        reader.plan.base.login, reader.plan.tenant_id
    );
    let client = &reader.plan.client_id;
    let ask = |thumbprint: &str, audience: &str, expires: i64| {
        let exp = reader.clock.now().as_second() + expires;
        let header = format!(r#"{{"alg":"PS256","typ":"JWT","x5t#S256":"{thumbprint}"}}"#);
        let claims = format!(
            r#"{{"aud":"{audience}","iss":"{client}","sub":"{client}","jti":"1","exp":{exp}}}"#
        );
        let assertion = [header, claims, "signature".into()]
            .map(|part| BASE64_URL_SAFE_NO_PAD.encode(part))
            .join(".");
        let form = format!(
            "client_id={client}&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default&grant_type=client_credentials\
             &client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion={assertion}"
        );
        reader.ask(Method::Post, &url, Headers::default(), &form)
    };
    let good = ask("dGh1bWI", &url, 300);
    assert_eq!(
        payload(good.json()["access_token"].as_str().unwrap())["appidacr"],
        "2"
    );
    assert_eq!(ask("b3RoZXI", &url, 300).code(), "700027");
    assert_eq!(
        ask("dGh1bWI", "https://elsewhere.example", 300).code(),
        "50012"
    );
    assert_eq!(ask("dGh1bWI", &url, -1).code(), "700024");
}
