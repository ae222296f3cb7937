//! `casbah findings`: which files of a folder's tenants break which policy, and how that stands.

use std::collections::BTreeMap;

use casbah_pipeline::findings::{self, Finding};
use casbah_pipeline::items::ConnectionItem;
use casbah_pipeline::{apps, connect, status};
use casbah_platform_local::LocalSystem;
use casbah_policy::{Policies, Standing};
use serde_json::{Value, json};

use crate::cli::Format;
use crate::cli_findings::{Decide, FindingArgs, FindingsArgs, ListArgs, Which};
use crate::exit::{Exit, Failure, unknown_connection};
use crate::inspect_text::plain;
use crate::output;
use crate::policy_files::policies;
use crate::table::{Align, Table, count, number};
use crate::{account, folder, runtime};

/// Files that are named to people; all are with `--output json`.
const SHOWN_MAX: usize = 20;

pub fn findings(args: &FindingsArgs) -> Result<Exit, Failure> {
    match &args.decide {
        None => list(&args.list),
        Some(Decide::Accept(accept)) => {
            let by = accept.by.clone().unwrap_or_else(account::name);
            decide(&accept.finding, |system, connection, id| {
                let done = findings::accept(&system.ctx, connection, id, &by, &accept.reason);
                Ok(runtime::real()?.block_on(done)?)
            })
        }
        Some(Decide::Reopen(reopen)) => decide(reopen, |system, connection, id| {
            let done = findings::reopen(&system.ctx, connection, id);
            Ok(runtime::real()?.block_on(done)?)
        }),
    }
}

fn decide(
    args: &FindingArgs,
    how: impl FnOnce(&LocalSystem, &ConnectionItem, &str) -> Result<Finding, Failure>,
) -> Result<Exit, Failure> {
    let name = folder::name(&args.connection)?;
    let system = folder::look(&args.out)?;
    let found = runtime::real()?.block_on(connect::find(&system.ctx, &name))?;
    let connection = found.ok_or_else(|| unknown_connection(name.as_str()))?;
    let finding = how(&system, &connection, &args.id)?;
    let place = place(&finding);
    let standing = finding.standing.name();
    output::print(&format!("{standing}: {}, {place}\n", finding.policy))?;
    Ok(Exit::Fine)
}

fn list(args: &ListArgs) -> Result<Exit, Failure> {
    let asked = match &args.policies {
        Some(file) => Some(policies(Some(file), args.detectors.as_deref())?),
        None => None,
    };
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
    let mut all: Vec<(String, Finding)> = vec![];
    for connection in &connections {
        let name = connection.settings.id.to_string();
        let keep = |finding: Finding| {
            if is_wanted(args.standing, finding.standing) {
                all.push((name.clone(), finding));
            }
        };
        let ctx = &system.ctx;
        runtime.block_on(async {
            match &asked {
                Some(policies) => findings::would_be(ctx, connection, policies, keep).await,
                None => findings::each(ctx, connection, keep).await,
            }
        })?;
    }
    // The worst first; otherwise as they lie.
    all.sort_by_key(|(_, finding)| std::cmp::Reverse(finding.severity));
    let unjudged = match &asked {
        Some(asked) => not_judged(asked, &connections),
        None => vec![],
    };
    match args.output {
        Format::Json => {
            let rows: Vec<Value> = all.iter().map(row).collect();
            let mut told = json!({ "findings": rows });
            if asked.is_some() {
                let unjudged = unjudged.iter();
                let unjudged = unjudged
                    .map(|one| json!({ "policy": one.policy, "connection": one.connection }));
                told["not_judged"] = unjudged.collect();
            }
            output::print_json(&told)?;
        }
        Format::Text => output::print(&text(&all, asked.is_some(), &unjudged))?,
    }
    let is_open = all.iter().any(|(_, finding)| finding.standing.is_open());
    Ok(if is_open { Exit::Found } else { Exit::Fine })
}

fn is_wanted(which: Which, standing: Standing) -> bool {
    match which {
        Which::All => true,
        Which::Open => standing.is_open(),
        Which::New => standing == Standing::New,
        Which::Accepted => standing == Standing::Accepted,
        Which::FixedByUs => standing == Standing::FixedByUs,
        Which::FixedByOwner => standing == Standing::FixedByOwner,
        Which::Withdrawn => standing == Standing::Withdrawn,
    }
}

/// A policy that no file of a connection can break yet, and what it asks for.
struct NotJudged {
    policy: String,
    connection: String,
    unread: String,
}

fn not_judged(policies: &Policies, connections: &[ConnectionItem]) -> Vec<NotJudged> {
    let mut all = vec![];
    for connection in connections {
        let settings = &connection.settings;
        let Some(files) = apps::connector(settings.app).files() else {
            continue;
        };
        let told = files.telling();
        for policy in policies.all() {
            let unread = policy.unread(told.owners, told.labels);
            if !unread.is_empty() {
                all.push(NotJudged {
                    policy: policy.name.clone(),
                    connection: settings.id.to_string(),
                    unread: unread.join(" and "),
                });
            }
        }
    }
    all
}

fn row((connection, finding): &(String, Finding)) -> Value {
    let mut row = serde_json::to_value(finding).unwrap_or_default();
    row["connection"] = connection.as_str().into();
    row
}

/// Where a file is. Names repeat; the id is what `casbah actions` takes.
fn place(finding: &Finding) -> String {
    let name = finding.name.as_deref().unwrap_or_default();
    match &finding.address {
        Some(address) => plain(address),
        None => plain(&format!("{name} ({})", finding.file)),
    }
}

fn text(all: &[(String, Finding)], would_be: bool, unjudged: &[NotJudged]) -> String {
    let mut text = String::new();
    let mut files = Table::new("", &[Align::Left; 6]);
    for (connection, finding) in all.iter().take(SHOWN_MAX) {
        let standing = finding.standing.name();
        // Nothing is kept of what would be that could be named.
        let id = if would_be { "" } else { &finding.id };
        files.row([
            finding.severity.name().to_string(),
            finding.policy.clone(),
            format!("{connection} {id}").trim().to_string(),
            if would_be { "would be" } else { standing }.to_string(),
            plain(&finding.because.join("; ")),
            place(finding),
        ]);
    }
    text += &files.text();
    if all.len() > SHOWN_MAX {
        let more = number((all.len() - SHOWN_MAX) as u64);
        text += &format!("and {more} more; --output json names all\n");
    }
    text += &counts(all).text();
    for NotJudged {
        policy,
        connection,
        unread,
    } in unjudged
    {
        text +=
            &format!("{policy} was not judged at {connection}: {unread} is not read there yet\n");
    }
    text + &format!("{}\n", count(all.len() as u64, "finding"))
}

/// Files by policy, with what to do about them.
fn counts(all: &[(String, Finding)]) -> Table {
    let mut by_policy: BTreeMap<(std::cmp::Reverse<_>, &str), (u64, &str)> = BTreeMap::new();
    for (_, finding) in all {
        let key = (std::cmp::Reverse(finding.severity), &*finding.policy);
        let proposed = finding.propose.as_deref().unwrap_or_default();
        by_policy.entry(key).or_insert((0, proposed)).0 += 1;
    }
    let mut counts = Table::new("", &[Align::Left, Align::Left, Align::Right, Align::Left]);
    if !by_policy.is_empty() {
        counts.row(["policy", "severity", "files", "proposed"]);
    }
    for ((severity, policy), (files, proposed)) in by_policy {
        counts.row([
            policy.to_string(),
            severity.0.name().to_string(),
            number(files),
            proposed.to_string(),
        ]);
    }
    counts
}
