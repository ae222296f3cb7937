use casbah_model::app::Component;

use super::*;

const GOOD: &str = r#"
[[connection]]
name = "contoso"
app = "microsoft365"
components = ["activities"]
tenant_id = "11111111-1111-1111-1111-111111111111"
client_id = "22222222-2222-2222-2222-222222222222"
client_secret_env = "CONTOSO_SECRET"
[connection.endpoints]
login = "http://127.0.0.1:18080"
"#;

fn parsed(text: &str) -> Result<Vec<Configured>, Failure> {
    whole(text).map(|config| config.connections)
}

fn whole(text: &str) -> Result<Config, Failure> {
    parse(
        &Source {
            name: "casbah.toml".into(),
            text,
        },
        Path::new("/etc/casbah"),
    )
}

fn check(name: &str, from: &str, to: &str, wanted: &str) {
    assert!(GOOD.contains(from), "{name}: the text to replace is there");
    let failure = parsed(&GOOD.replacen(from, to, 1)).expect_err(name);
    assert!(failure.to_string().contains(wanted), "{name}: {failure}");
    assert_eq!(failure.exit, Exit::Parameter, "{name}");
}

#[test]
fn a_good_file_becomes_settings() {
    let configured = parsed(GOOD).expect("the file is good");
    let settings = &configured[0].settings;
    assert_eq!(settings.id.as_str(), "contoso");
    let components: Vec<_> = settings.components.iter().collect();
    assert_eq!(components, [Component::Activities]);
    assert_eq!(settings.app_settings["credential"], "secret");
    assert_eq!(settings.endpoints["login"], "http://127.0.0.1:18080");
}

#[test]
fn whatever_is_wrong_is_named_with_its_line() {
    check(
        "name",
        "\"contoso\"",
        "\"Contoso Ltd\"",
        "line 3: \"Contoso Ltd\" is not a connection name",
    );
    check(
        "app",
        "microsoft365",
        "oktopus",
        "line 4: connection \"contoso\": \"oktopus\" is not an app",
    );
    check(
        "component",
        "[\"activities\"]",
        "[\n\"activities\",\n\"mail\"]",
        "line 7: connection \"contoso\": \"mail\"",
    );
    check(
        "need",
        "[\"activities\"]",
        "[\"files\"]",
        "component \"files\" needs \"activities\"",
    );
    check("none", "[\"activities\"]", "[]", "no component is chosen");
    check(
        "tenant",
        "tenant_id",
        "#",
        "line 2: connection \"contoso\": tenant_id is missing",
    );
    check("guid", "11111111-", "contoso.", "is not a GUID");
    check(
        "endpoint",
        "login =",
        "logon =",
        "line 10: connection \"contoso\": \"logon\" is not an endpoint",
    );
    check(
        "plain http",
        "127.0.0.1:18080",
        "example.com",
        "line 10: connection \"contoso\": \"http://example.com\" is not encrypted",
    );
    check("key", "app =", "colour =", "line 4: unknown field `colour`");
    check("syntax", "[\"activities\"]", "[", "line ");
    check("type", "\"contoso\"", "5", "line 3: expected a string here");
    check(
        "no credential",
        "client_secret_env",
        "#",
        "none of client_secret_env",
    );
    check(
        "two",
        "client_secret_env",
        "certificate_file = \"x\"\nclient_secret_env",
        "both client_secret_env and certificate_file",
    );
}

#[test]
fn every_app_has_settings_of_its_own() {
    let okta = r#"
[[connection]]
name = "acme"
app = "okta"
components = ["users"]
domain = "acme.okta.com"
client_id = "0oa1gjh63g214q0Hq0g4"
key_id = "casbah-2026"
scopes = "okta.users.read okta.groups.read"
share_percent = 25
private_key_file = "acme.pem"
"#;
    let configured = parsed(okta).expect("the file is good");
    let settings = &configured[0].settings.app_settings;
    assert_eq!(settings["domain"], "acme.okta.com");
    assert_eq!(
        (&*settings["share_percent"], &*settings["credential"]),
        ("25", "private-key")
    );
    let refused = |from: &str, to: &str| {
        let failure = parsed(&okta.replacen(from, to, 1)).expect_err(to);
        failure.to_string()
    };
    let foreign = refused("key_id =", "publisher_id =");
    assert!(
        foreign.contains("\"publisher_id\" is not a setting of Okta"),
        "{foreign}"
    );
    let away = refused("acme.okta.com", "acme.example");
    assert!(away.contains("domain \"acme.example\""), "{away}");
    let share = refused("= 25", "= 500");
    assert!(share.contains("line 10"), "{share}");
}

#[test]
fn a_name_that_is_used_twice_is_refused() {
    let failure = parsed(&format!("{GOOD}{GOOD}")).expect_err("the name is used twice");
    assert!(
        failure
            .to_string()
            .contains("line 13: the name \"contoso\" is used twice"),
        "{failure}"
    );
}

#[test]
fn an_empty_file_is_refused() {
    assert!(
        parsed("")
            .expect_err("there is nothing to do")
            .what
            .contains("no [[connection]]")
    );
}

#[test]
fn a_secret_in_the_file_is_refused_and_not_repeated() {
    let text = GOOD.replacen(
        "client_secret_env = \"CONTOSO_SECRET\"",
        "client_secret = \"hunter2\"",
        1,
    );
    let failure = parsed(&text)
        .expect_err("secrets do not belong here")
        .to_string();
    assert!(
        failure.contains("line 8") && failure.contains("client_secret_env"),
        "{failure}"
    );
    assert!(!failure.contains("hunter2"), "{failure}");
}

#[test]
fn a_policy_is_read_and_what_is_wrong_in_it_is_named_with_its_line() {
    let with = |policy: &str| whole(&format!("{GOOD}\n[policy]\n{policy}\n"));
    let read = with("objects_max = 5000").expect("a good policy").policy;
    assert_eq!(read.policy().expect("checked before").objects_max, 5000);
    let failure = with("objects_max = 0").expect_err("a bad policy");
    assert!(
        failure.to_string().contains("line 12: policy: objects_max"),
        "{failure}"
    );
    assert!(with("objects = 3").is_err());
}
