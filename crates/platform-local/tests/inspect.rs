//! `casbah inspect` as a person or a script meets it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// Numbers that pass their checks and that nobody has published.
const CARD: &str = "4929 1234 5678 9015";
const IBAN: &str = "DE44 5001 0517 5407 3249 31";

fn inspect(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_casbah"))
        .arg("inspect")
        .args(arguments)
        .current_dir(folder)
        .env_remove("CASBAH_LOG")
        .output()
        .expect("casbah starts")
}

fn folder_with(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().expect("a folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    folder
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[track_caller]
fn ends(output: &Output, code: i32) -> String {
    let (out, said) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{out}{said}");
    out
}

#[test]
fn what_is_found_is_named_and_not_shown() {
    let folder = folder_with(&[
        ("letters/a.txt", &format!("my card is {CARD}, thanks")),
        ("letters/b.txt", "nothing to see"),
        ("pay.csv", &format!("name,iban\nAda,{IBAN}\n")),
    ]);
    let output = inspect(folder.path(), &["."]);
    let out = ends(&output, 3);
    let heads: Vec<&str> = out.lines().filter(|line| line.starts_with("./")).collect();
    assert_eq!(heads, ["./letters/a.txt (text)", "./pay.csv (csv)"]);
    assert!(out.contains("payment-card  high  1  "), "{out}");
    assert!(out.contains("iban  high  1  "), "{out}");
    assert!(out.ends_with("2 with findings\n"), "{out}");
    for secret in ["4929", "1234 5678", "5001", "0517"] {
        assert!(!out.contains(secret), "{secret} is shown: {out}");
    }
}

#[test]
fn a_script_gets_one_object() {
    let folder = folder_with(&[("a.txt", &format!("card {CARD} and again {CARD}"))]);
    let output = inspect(folder.path(), &["a.txt", "gone.txt", "--output", "json"]);
    let found: Value = serde_json::from_str(&ends(&output, 3)).expect("an object");
    let finding = &found["files"][0]["findings"][0];
    assert_eq!(finding["detector"], "payment-card");
    assert_eq!(
        (&finding["count"], &finding["distinct"]),
        (&2.into(), &1.into())
    );
    assert_eq!(finding["samples"][0]["masked"], "•••• •••• •••• 9015");
    assert_eq!(found["totals"]["unreadable"], 1);
    assert!(found["files"][1]["error"].is_string(), "{found}");
}

#[test]
fn what_is_not_read_is_never_silent() {
    let folder = folder_with(&[
        ("big.txt", &"x".repeat(1 << 20 | 1)),
        ("broken.pdf", "%PDF-1.7\n"),
    ]);
    fs::write(
        folder.path().join("odd.bin"),
        (0..=255).collect::<Vec<u8>>(),
    )
    .expect("a file");
    let out = ends(&inspect(folder.path(), &[".", "--max-mb", "1"]), 0);
    assert!(
        out.contains("./big.txt (text)\n  not read: larger than --max-mb"),
        "{out}"
    );
    assert!(
        out.contains("./broken.pdf (pdf)\n  not read: it is broken"),
        "{out}"
    );
    assert!(
        out.contains("./odd.bin (unknown)\n  not read: a format without text"),
        "{out}"
    );
    assert!(
        out.ends_with("3 files, 1.0 MB: 0 with findings, 3 not read\n"),
        "{out}"
    );
}

#[test]
fn links_are_not_followed_and_closed_files_are_named() {
    let folder = folder_with(&[("in/a.txt", "plain"), ("outside.txt", CARD)]);
    let inside = folder.path().join("in");
    symlink("../outside.txt", inside.join("link.txt")).expect("a link");
    symlink("..", inside.join("up")).expect("a link");
    ends(&inspect(folder.path(), &["in"]), 0);
    let output = inspect(folder.path(), &["in", "nowhere"]);
    assert!(ends(&output, 253).contains("nowhere: cannot be opened"));
}

#[test]
fn a_file_says_what_is_looked_for() {
    let folder = folder_with(&[
        ("people", "Ada Lovelace\n"),
        (
            "a.txt",
            &format!("met ADA LOVELACE about PX-123456, card {CARD}"),
        ),
        (
            "d.toml",
            "all_but = [\"payment-card\"]\n[[pattern]]\nname = \"project\"\npattern = 'PX-\\d{6}'\n\
             [[exact]]\nname = \"people\"\nfile = \"people.hashes\"\n",
        ),
    ]);
    let hashed = ends(
        &inspect(
            folder.path(),
            &["--hash-values", "people", "--key-file", "key"],
        ),
        0,
    );
    assert!(!hashed.to_lowercase().contains("ada"), "{hashed}");
    fs::write(folder.path().join("people.hashes"), &hashed).expect("a file");
    let key = fs::metadata(folder.path().join("key")).expect("a key");
    assert_eq!(key.permissions().mode() & 0o777, 0o600);

    let chosen = ["a.txt", "--detectors", "d.toml", "--key-file", "key"];
    let out = ends(&inspect(folder.path(), &chosen), 3);
    let found: Vec<&str> = out
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next())
        .collect();
    assert_eq!(found, ["people", "project"]);

    let without = inspect(folder.path(), &chosen[..3]);
    ends(&without, 252);
    assert!(
        text(&without.stderr).contains("--key-file FILE"),
        "{}",
        text(&without.stderr)
    );
}

#[test]
fn bad_input_is_named_with_a_fix() {
    let folder = folder_with(&[
        ("a.txt", "x"),
        ("bad.toml", "onyl = []\n"),
        ("unknown.toml", "only = [\"no-such-detector\"]\n"),
        ("key", "not a key\n"),
    ]);
    for (arguments, code, wanted) in [
        (
            &["a.txt", "--detectors", "bad.toml"][..],
            252,
            "unknown field `onyl`",
        ),
        (
            &["a.txt", "--detectors", "unknown.toml"],
            252,
            "no-such-detector",
        ),
        (
            &["a.txt", "--detectors", "gone.toml"],
            252,
            "cannot read gone.toml",
        ),
        (&["a.txt", "--key-file", "key"], 252, "key holds no key"),
        (&["a.txt", "--max-mb", "0"], 252, "--max-mb"),
        (&[], 2, "PATH"),
        (&["--hash-values", "a.txt"], 2, "--key-file"),
    ] {
        let output = inspect(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        let said = text(&output.stderr);
        assert!(said.contains(wanted), "{arguments:?}: {said}");
        assert!(!said.contains("not a key\n"), "a key is told: {said}");
    }
}

#[test]
fn every_detector_is_listed() {
    let folder = folder_with(&[]);
    let out = ends(&inspect(folder.path(), &["--list"]), 0);
    assert!(out.lines().count() > 100, "{out}");
    let listed = ends(&inspect(folder.path(), &["--list", "--output", "json"]), 0);
    let listed: Value = serde_json::from_str(&listed).expect("an object");
    let listed = listed["detectors"].as_array().expect("a list");
    assert_eq!(listed.len(), out.lines().count());
}

fn casbah(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_casbah"))
        .args(arguments)
        .current_dir(folder)
        .env_remove("CASBAH_LOG")
        .output()
        .expect("casbah starts")
}

#[test]
fn files_of_a_tenant_are_looked_into_and_counted() {
    let folder = folder_with(&[(
        "detectors.toml",
        "only = [\"payment-card\"]\n\n[[pattern]]\nname = \"project\"\npattern = 'PX-\\d{6}'\n",
    )]);
    let demo = [
        "demo",
        "--apps",
        "box",
        "--users",
        "20",
        "--files",
        "200",
        "--activities",
        "50",
    ];
    let inside = [
        "--look-inside",
        "--max-mb",
        "1",
        "--detectors",
        "detectors.toml",
    ];
    let ended = casbah(folder.path(), &[&demo[..], &inside[..]].concat());
    let said = ends(&ended, 0);
    let line = said.lines().find(|line| line.starts_with("Inside "));
    let line = line.unwrap_or_else(|| panic!("{said}"));
    assert!(
        line.contains("with findings") && line.contains("not read (too-large)"),
        "{line}"
    );

    let status = casbah(
        folder.path(),
        &["status", "--out", "casbah-demo", "--output", "json"],
    );
    let status: Value = serde_json::from_str(&ends(&status, 0)).expect("JSON");
    let inside = &status["connections"][0]["inside"];
    assert_eq!(inside["roots_done"], inside["roots"], "{inside}");
    let records = ["records", "--out", "casbah-demo", "--family", "contents"];
    let records = ends(&casbah(folder.path(), &records), 0);
    let records = records
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    let records: Vec<Value> = records.collect();
    let sensitive = records.iter().filter(|one| one["_kind"] == "sensitive");
    assert_eq!(
        Some(sensitive.clone().count() as u64),
        inside["sensitive"].as_u64()
    );
    for one in sensitive {
        let found = &one["findings"][0];
        assert_eq!(found["detector"], "payment-card", "{one}");
        let masked = found["samples"][0]["masked"].as_str().expect("a text");
        assert!(masked.starts_with("••••"), "{one}");
    }
    let key = folder.path().join("casbah-demo/inspection.key");
    let mode = fs::metadata(key).expect("a key").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    // Nobody looks inside without being asked to.
    let options = ["--detectors", "detectors.toml", "--out", "other"];
    let refused = casbah(folder.path(), &[&demo[..], &options[..]].concat());
    assert!(
        text(&refused.stderr).contains("--look-inside"),
        "{}",
        text(&refused.stderr)
    );
    ends(&refused, 2);
}

#[test]
fn files_that_break_a_policy_are_named_with_the_reason() {
    let folder = folder_with(&[
        (
            "mine.toml",
            "shipped = [\"public-payment-cards\"]\n[[policy]]\nname = \"cards\"\ntitle = \"Cards\"\nseverity = \"low\"\nfinds = { detectors = [\"payment-card\"] }\n",
        ),
        (
            "wrong.toml",
            "[[policy]]\nname = \"cards\"\ntitle = \"Cards\"\nseverity = \"low\"\nfinds = { detectors = [\"nope\"] }\n",
        ),
    ]);
    let demo = [
        "demo",
        "--apps",
        "box",
        "--activities",
        "50",
        "--look-inside",
        "--max-mb",
        "1",
    ];
    ends(&casbah(folder.path(), &demo), 0);
    let findings = |more: &[&str]| {
        let fixed = ["findings", "--out", "casbah-demo"];
        casbah(folder.path(), &[&fixed, more].concat())
    };
    let own = ends(
        &findings(&["--policies", "mine.toml", "--output", "json"]),
        3,
    );
    let own: Value = serde_json::from_str(&own).expect("JSON");
    let all = own["findings"].as_array().expect("a list");
    let of = |policy: &str| -> Vec<&Value> {
        let of_it = all.iter().filter(|one| one["policy"] == policy);
        of_it.collect()
    };

    // Every file in which the lake says that there are cards, and of those the public ones.
    let records = ["records", "--out", "casbah-demo", "--family", "contents"];
    let records = ends(&casbah(folder.path(), &records), 0);
    let with_cards = records
        .lines()
        .filter(|line| line.contains("\"payment-card\""));
    let mut with_cards: Vec<String> = with_cards
        .map(|line| {
            let line: Value = serde_json::from_str(line).expect("JSON");
            line["file"].as_str().expect("an id").to_string()
        })
        .collect();
    with_cards.sort();
    with_cards.dedup();
    let mut found: Vec<String> = of("cards")
        .iter()
        .map(|one| one["file"].as_str().expect("an id").to_string())
        .collect();
    found.sort();
    assert_eq!(found, with_cards);
    let public = of("public-payment-cards");
    let expected = of("cards");
    let expected = expected.iter().filter(|one| {
        one["sharing"]
            .as_str()
            .is_some_and(|sharing| sharing.starts_with("public"))
    });
    assert_eq!(public.len(), expected.count());
    assert!(!public.is_empty(), "{own}");
    for one in public {
        assert_eq!(
            (&one["severity"], &one["propose"]),
            (&"critical".into(), &"remove-link".into())
        );
        let because = one["because"].to_string();
        assert!(
            because.contains("payment-card: ") && because.contains("public"),
            "{because}"
        );
    }
    assert_eq!(all[0]["severity"], "critical", "the worst comes first");

    let shown = ends(&findings(&[]), 3);
    assert!(
        shown.starts_with("critical  public-payment-cards"),
        "{shown}"
    );
    assert!(shown.contains("shared with initech.example"), "{shown}");
    // What was found is kept, and somebody may say that it may be so.
    let kept = ends(&findings(&["--output", "json"]), 3);
    let kept: Value = serde_json::from_str(&kept).expect("JSON");
    let worst = &kept["findings"][0];
    assert_eq!(worst["standing"], "new");
    let id = worst["id"].as_str().expect("an id");
    let decide = |what: &[&str]| {
        let place = ["--out", "casbah-demo"];
        casbah(folder.path(), &[&["findings"], what, &place].concat())
    };
    let accepted = decide(&["accept", "globex", id, "--reason", "test cards"]);
    assert!(ends(&accepted, 0).starts_with("accepted: public-payment-cards"));
    let accepted = ends(&findings(&["--standing", "accepted"]), 0);
    assert!(accepted.contains(id), "{accepted}");
    let open = ends(&findings(&["--output", "json"]), 3);
    assert!(!open.contains(id), "{open}");
    ends(&decide(&["reopen", "globex", id]), 0);
    assert!(ends(&findings(&[]), 3).contains(id));
    let unknown = decide(&["accept", "globex", "nonsense", "--reason", "x"]);
    let said = text(&unknown.stderr);
    assert!(said.contains("no finding with this id in globex"), "{said}");

    let wrong = findings(&["--policies", "wrong.toml"]);
    let said = text(&wrong.stderr);
    assert!(
        said.contains("\"cards\": there is no detector with the name nope"),
        "{said}"
    );
    ends(&wrong, 252);
}
