//! `casbah findings`: which files of a folder's tenants break which policy.

use std::collections::BTreeMap;

use casbah_inspect::detect::{self, Written};
use casbah_pipeline::findings::{self, FileFinding};
use casbah_pipeline::status;
use casbah_policy::{Detectable, Policies};
use serde_json::{Value, json};

use crate::cli::Format;
use crate::cli_inspect::FindingsArgs;
use crate::detector_files::{CONFIG_BYTES_MAX, small_file};
use crate::exit::{Exit, Failure, unknown_connection};
use crate::inspect_command::kind;
use crate::inspect_text::plain;
use crate::output;
use crate::table::{Align, Table, count, number};
use crate::{folder, runtime};

/// Files that are named to people; all are with `--output json`.
const SHOWN_MAX: usize = 20;

pub fn findings(args: &FindingsArgs) -> Result<Exit, Failure> {
    let policies = policies(args)?;
    let only = args.connection.as_deref().map(folder::name).transpose()?;
    let system = folder::look(&args.out)?;
    let runtime = runtime::real()?;
    let mut connections = runtime.block_on(status::connections(&system.ctx))?;
    if let Some(only) = &only {
        connections.retain(|connection| connection.settings.id == *only);
        if connections.is_empty() {
            return Err(unknown_connection(only.as_str()));
        }
    }
    let mut all: Vec<(String, FileFinding)> = vec![];
    for connection in &connections {
        let name = connection.settings.id.to_string();
        let keep = |finding| all.push((name.clone(), finding));
        runtime.block_on(findings::findings(&system.ctx, connection, &policies, keep))?;
    }
    // The worst first; otherwise as they lie.
    all.sort_by_key(|(_, finding)| std::cmp::Reverse(finding.severity));
    let unjudged: Vec<&str> = policies
        .all()
        .iter()
        .filter(|policy| !policy.unread().is_empty())
        .map(|policy| policy.name.as_str())
        .collect();
    match args.output {
        Format::Json => {
            let rows: Vec<Value> = all.iter().map(row).collect();
            output::print_json(&json!({ "findings": rows, "not_judged": unjudged }))?;
        }
        Format::Text => output::print(&text(&all, &policies))?,
    }
    Ok(match all.is_empty() {
        true => Exit::Fine,
        false => Exit::Found,
    })
}

/// The file's own policies and those that come with Casbah.
fn policies(args: &FindingsArgs) -> Result<Policies, Failure> {
    let mut known: Vec<Detectable> = detect::detectors()
        .iter()
        .map(|one| Detectable {
            name: one.name.into(),
            kind: kind(one.kind).replace(' ', "-"),
        })
        .collect();
    if let Some(file) = &args.detectors {
        let text = small_file(file, CONFIG_BYTES_MAX)?;
        let written = Written::read(&text)
            .map_err(|error| Failure::new(Exit::Parameter, error.to_string()).at(file.display()))?;
        known.extend(written.own_names().into_iter().map(|name| Detectable {
            name,
            kind: "own".into(),
        }));
    }
    let Some(file) = &args.policies else {
        return Policies::shipped(&known)
            .map_err(|error| Failure::new(Exit::Other, error.to_string()));
    };
    let text = small_file(file, CONFIG_BYTES_MAX)?;
    Policies::read(&text, &known).map_err(|error| {
        Failure::new(Exit::Parameter, error.to_string())
            .at(file.display())
            .with_fix("`casbah findings --help` shows a file of policies")
    })
}

fn row((connection, finding): &(String, FileFinding)) -> Value {
    let mut row = serde_json::to_value(finding).unwrap_or_default();
    row["connection"] = connection.as_str().into();
    row
}

fn text(all: &[(String, FileFinding)], policies: &Policies) -> String {
    let mut text = String::new();
    let mut files = Table::new("", &[Align::Left; 5]);
    for (connection, finding) in all.iter().take(SHOWN_MAX) {
        let name = finding.name.as_deref().unwrap_or_default();
        let place = match &finding.address {
            Some(address) => address.clone(),
            // Names repeat; the id is what `casbah actions` takes.
            None => format!("{name} ({})", finding.file),
        };
        files.row([
            finding.severity.name().to_string(),
            finding.policy.clone(),
            connection.clone(),
            plain(&finding.because.join("; ")),
            plain(&place),
        ]);
    }
    text += &files.text();
    if all.len() > SHOWN_MAX {
        let more = number((all.len() - SHOWN_MAX) as u64);
        text += &format!("and {more} more; --output json names all\n");
    }
    let mut by_policy: BTreeMap<&str, u64> = BTreeMap::new();
    for (_, finding) in all {
        *by_policy.entry(&finding.policy).or_default() += 1;
    }
    let mut counts = Table::new("", &[Align::Left, Align::Left, Align::Right, Align::Left]);
    counts.row(["policy", "severity", "files", "proposed"]);
    for policy in policies.all() {
        let unread = policy.unread();
        let files = by_policy.get(policy.name.as_str()).copied().unwrap_or(0);
        let proposed = policy.propose.map_or("", |action| action.name());
        counts.row([
            policy.name.clone(),
            policy.severity.name().to_string(),
            match unread.is_empty() {
                true => number(files),
                false => "-".into(),
            },
            match unread.is_empty() {
                true => proposed.to_string(),
                false => format!("not judged: {} is not read yet", unread.join(", ")),
            },
        ]);
    }
    text + &counts.text() + &format!("{}\n", count(all.len() as u64, "finding"))
}
