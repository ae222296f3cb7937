//! Documents of the API as text for people, in the look of the local commands.

use casbah_model::Timestamp;
use casbah_model::ports::Clock;
use casbah_platform_local::SystemClock;
use serde_json::Value;

use crate::table::{Align, Table, minute, number, relative};

pub fn connections(all: &[Value]) -> String {
    let mut table = Table::new("", &[Align::Left; 4]);
    table.row(["name", "app", "state", "components"]);
    for one in all {
        table.row([
            text(&one["name"]),
            text(&one["app"]),
            text(&one["state"]),
            words(&one["components"]),
        ]);
    }
    table.text()
}

pub fn status(one: &Value) -> String {
    let now = SystemClock.now();
    let tenant = match one["tenant"]["name"].as_str() {
        Some(tenant) if !tenant.is_empty() => format!(", {tenant}"),
        _ => String::new(),
    };
    let mut out = format!(
        "{}: {}{tenant}, {}\n",
        text(&one["name"]),
        text(&one["app"]),
        text(&one["state"])
    );
    out += &format!("  components  {}\n", words(&one["components"]));
    if let Some(at) = time(&one["tested_at"]) {
        out += &format!("  tested      {}\n", relative(at, now));
    }
    out += &causes(one);
    out += &stages(&one["progress"]);
    let mut lags = vec![];
    for feed in items(&one["lag"]["feeds"]) {
        if let Some(seconds) = feed["lag_seconds"].as_u64() {
            lags.push(format!("{} {seconds} s", text(&feed["feed"])));
        }
    }
    if !lags.is_empty() {
        out += &format!("  behind      {}\n", lags.join(", "));
    }
    out += &streams(one, now);
    for gap in items(&one["gaps"]) {
        let why = gap["why"]
            .as_str()
            .or(gap["cause"]["what"].as_str())
            .unwrap_or("set aside");
        out += &format!("  gap  {}: {why}\n", first_text(gap, &["stream", "unit"]));
    }
    out
}

fn causes(one: &Value) -> String {
    let mut out = String::new();
    if let Some(what) = one["cause"]["what"].as_str() {
        out += &format!(
            "  trouble  {what}\n           fix: {}\n",
            text(&one["cause"]["fix"])
        );
    }
    for (component, cause) in one["causes"].as_object().into_iter().flatten() {
        let what = text(&cause["what"]);
        out += &format!(
            "  trouble  {component}: {what}\n           fix: {}\n",
            text(&cause["fix"])
        );
    }
    out
}

fn stages(progress: &Value) -> String {
    let mut table = Table::new("  ", &[Align::Left, Align::Left, Align::Right, Align::Left]);
    table.row(["stage", "state", "records", "coverage"]);
    for stage in items(&progress["stages"]) {
        let coverage = stage["sweep"]["coverage_percent"].as_f64();
        table.row([
            text(&stage["stage"]),
            text(&stage["state"]),
            number(stage["records"].as_u64().unwrap_or_default()),
            coverage
                .map(|percent| format!("{percent:.0} %"))
                .unwrap_or_default(),
        ]);
    }
    table.text()
}

fn streams(one: &Value, now: Timestamp) -> String {
    let mut table = Table::new("  ", &[Align::Left, Align::Left, Align::Right, Align::Left]);
    table.row(["stream", "state", "records", "next look"]);
    let mut done = vec![];
    for stream in items(&one["streams"]) {
        if stream["state"] == "done" {
            done.push(text(&stream["name"]));
            continue;
        }
        let next = time(&stream["next_look"]).map(|next| match next <= now {
            true => "due".to_string(),
            false => relative(next, now),
        });
        table.row([
            text(&stream["name"]),
            text(&stream["state"]),
            number(stream["records"].as_u64().unwrap_or_default()),
            next.unwrap_or_default(),
        ]);
    }
    match done.as_slice() {
        [] => table.text(),
        names => format!("{}  done: {}\n", table.text(), names.join(", ")),
    }
}

const COUNTS: [&str; 5] = ["listed", "written", "duplicate", "refused", "lost"];

pub fn ledger(ledgers: &[Value], wants_hours: bool) -> String {
    let columns = [
        Align::Left,
        Align::Left,
        Align::Right,
        Align::Right,
        Align::Right,
        Align::Right,
        Align::Right,
        Align::Left,
    ];
    let mut table = Table::new("", &columns);
    table.row(["connection", "feed"].into_iter().chain(COUNTS));
    let mut is_closed = true;
    for ledger in ledgers {
        let name = text(&ledger["connection"]);
        is_closed &= ledger["closes"] == true;
        for total in items(&ledger["totals"]) {
            table.row(cells(&name, &text(&total["feed"]), total));
        }
        for hour in items(&ledger["hours"]) {
            if wants_hours || hour["closes"] != true {
                let at = time(&hour["hour"]).map(minute).unwrap_or_default();
                table.row(cells(&format!("{name} {at}"), &text(&hour["feed"]), hour));
            }
        }
    }
    let word = match is_closed {
        true => {
            "the ledger closes: everything that was listed was written, a repeat, refused or counted as lost"
        }
        false => "the ledger does NOT close",
    };
    format!("{}{word}\n", table.text())
}

fn cells(name: &str, feed: &str, counts: &Value) -> Vec<String> {
    let mark = if counts["closes"] == true {
        ""
    } else {
        "does NOT close"
    };
    let numbers = COUNTS.map(|count| number(counts[count].as_u64().unwrap_or_default()));
    let names = [name.to_string(), feed.to_string()];
    names
        .into_iter()
        .chain(numbers)
        .chain([mark.to_string()])
        .collect()
}

pub fn test(test: &Value) -> String {
    let mut out = format!("{}: {}\n", text(&test["name"]), text(&test["state"]));
    if let Some(what) = test["cause"]["what"].as_str() {
        out += &format!("  {what}\n  fix: {}\n", text(&test["cause"]["fix"]));
    }
    let mut table = Table::new("  ", &[Align::Left, Align::Left]);
    for component in items(&test["report"]["components"]) {
        let result = match component["cause"]["what"].as_str() {
            None => "works".to_string(),
            Some(what) => format!("refused: {what}; {}", text(&component["cause"]["fix"])),
        };
        table.row([text(&component["component"]), result]);
    }
    out + &table.text()
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// A text of an answer, which comes from vendors in the end: without what moves a terminal's cursor.
fn text(value: &Value) -> String {
    let text = value.as_str().unwrap_or_default();
    text.chars().filter(|c| !c.is_control()).collect()
}

fn first_text(value: &Value, names: &[&str]) -> String {
    let mut found = names.iter().map(|name| text(&value[*name]));
    found.find(|text| !text.is_empty()).unwrap_or_default()
}

fn words(value: &Value) -> String {
    items(value).map(text).collect::<Vec<_>>().join(", ")
}

fn time(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_ledger_that_does_not_close_says_so_in_its_row() {
        let hour = json!({ "feed": "files", "hour": "2026-05-04T10:00:00Z", "listed": 2, "written": 1, "closes": false });
        let ledger =
            json!({ "connection": "contoso", "closes": false, "totals": [], "hours": [hour] });
        let shown = super::ledger(&[ledger], false);
        assert!(shown.contains("contoso 2026-05-04 10:00"), "{shown}");
        assert!(shown.contains("does NOT close"), "{shown}");
    }

    #[test]
    fn a_refused_component_is_told_with_what_to_do() {
        let cause = json!({ "what": "Sites.Read.All is not granted", "fix": "grant it" });
        let found = json!({
            "name": "contoso", "state": "degraded", "cause": null,
            "report": { "components": [
                { "component": "users", "works": true, "cause": null },
                { "component": "files", "works": false, "cause": cause },
            ] },
        });
        let shown = super::test(&found);
        assert!(shown.contains("users  works"), "{shown}");
        assert!(
            shown.contains("files  refused: Sites.Read.All is not granted; grant it"),
            "{shown}"
        );
    }

    #[test]
    fn no_text_of_a_vendor_moves_the_cursor_of_a_terminal() {
        assert_eq!(text(&json!("a\u{1b}[2Jb")), "a[2Jb");
    }
}
