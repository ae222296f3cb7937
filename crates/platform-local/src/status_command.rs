//! `casbah status`: how every connection and stream stands.

use casbah_model::Timestamp;
use casbah_pipeline::contents::InsideStatus;
use casbah_pipeline::editions::InventoryStatus;
use casbah_pipeline::findings::FindingsStatus;
use casbah_pipeline::status::{self, ConnectionStatus, SweepStatus};
use casbah_pipeline::tables_status::TablesStatus;
use serde_json::json;

use crate::cli::{Format, StatusArgs};
use crate::exit::{Exit, Failure};
use crate::output;
use crate::report::{findings_text, inside_text, tenant};
use crate::table::{Align, Table, count, minute, number, relative};
use crate::trouble::troubles;
use crate::{folder, runtime};

pub fn status(args: &StatusArgs) -> Result<Exit, Failure> {
    let system = folder::look(&args.out)?;
    let all = runtime::real()?.block_on(status::status(&system.ctx))?;
    let now = system.ctx.now();
    match args.output {
        Format::Json => output::print_json(&json!({ "now": now, "connections": all }))?,
        Format::Text if all.is_empty() => output::print("no connections yet")?,
        Format::Text => {
            let texts: Vec<String> = all.iter().map(|one| text(one, now)).collect();
            output::print(&texts.join("\n"))?;
        }
    }
    Ok(Exit::Fine)
}

fn text(one: &ConnectionStatus, now: Timestamp) -> String {
    let tenant = one.test.as_ref().map(|test| tenant(&test.tenant));
    let tenant = tenant.map_or(String::new(), |tenant| format!(", {tenant}"));
    let ahead = match (&one.state, one.is_caught_up) {
        (state, _) if state.is_halted() => "",
        (_, true) => ", caught up",
        (_, false) => ", not caught up yet",
    };
    let mut text = format!(
        "{}: {}{tenant}, {}{ahead}\n",
        one.name,
        one.app,
        one.state.name()
    );
    let components: Vec<&str> = one
        .components
        .iter()
        .map(|component| component.name())
        .collect();
    text += &format!("  components  {}\n", components.join(", "));
    text += &format!("  connected   {} UTC\n", minute(one.connected_at));
    if let Some(test) = &one.test {
        let grants = &test.grants;
        text += &format!(
            "  tested      {}: {} granted, {} missing, {} excessive\n",
            relative(test.tested, now),
            count(grants.granted.len() as u64, "permission"),
            grants.missing.len(),
            grants.excessive.len()
        );
    }
    let feeds: Vec<String> = one
        .feeds
        .iter()
        .map(|(name, feed)| format!("{name} {}", feed.state))
        .collect();
    if !feeds.is_empty() {
        text += &format!("  feeds       {}\n", feeds.join(", "));
    }
    if let Some(deletion) = &one.deletion {
        let items = deletion.objects + deletion.items;
        text += &format!("  removed     {} so far\n", count(items, "piece"));
    }
    if let Some(sweep) = &one.file_sweep {
        text += &format!("  files       {}\n", sweep_text(sweep, now));
    }
    if let Some(inside) = &one.inside {
        text += &format!("  inside      {}\n", drives_text(inside));
    }
    if let Some(findings) = &one.findings {
        text += &format!("  findings    {}\n", judged_text(findings));
    }
    if let Some(tables) = &one.tables {
        text += &format!("  tables      {}\n", tables_text(tables, now));
    }
    if !one.inventories.is_empty() {
        text += &format!(
            "  inventory   {}\n",
            inventories_text(&one.inventories, now)
        );
    }
    text += &streams(one, now);
    for gap in &one.gaps {
        text += &format!(
            "  gap  {}, {} to {}: {}\n",
            gap.stream,
            minute(gap.from),
            minute(gap.to),
            gap.why
        );
    }
    for trouble in troubles(std::slice::from_ref(one)) {
        text += &format!(
            "  trouble  {}\n",
            trouble.text().replace('\n', "\n         ")
        );
    }
    text
}

fn sweep_text(sweep: &SweepStatus, now: Timestamp) -> String {
    let so_far = if sweep.is_planned {
        ""
    } else {
        " known so far"
    };
    let done = number(sweep.roots_done + sweep.roots_failed);
    let mut text = format!("{done} of {}{so_far}", count(sweep.roots_planned, "drive"));
    text += &format!(" ({:.0} %)", sweep.coverage_percent);
    if sweep.roots_failed > 0 {
        text += &format!(", {} failed", number(sweep.roots_failed));
    }
    match (sweep.ended, sweep.finish_estimate) {
        // The clock of a demo that is looked at stands a little before its end.
        (Some(ended), _) => text += &format!(", finished {}", relative(ended.min(now), now)),
        (None, Some(finish)) => {
            text += &format!(
                ", {:.0} a minute, done {}",
                sweep.roots_per_minute,
                relative(finish, now)
            );
        }
        (None, None) => text += ", begun",
    }
    text
}

/// How far the looking into files is.
fn drives_text(inside: &InsideStatus) -> String {
    let drives = count(inside.roots, "drive");
    let done = number(inside.roots_done);
    let mut text = format!("{done} of {drives}, {}", inside_text(inside));
    if !inside.denied.is_empty() {
        let denied = inside.denied.len() as u64;
        text += &format!("; a right is missing in {}", count(denied, "drive"));
    }
    text
}

/// How far the judging of files is, and what stands.
fn judged_text(findings: &FindingsStatus) -> String {
    let mut text = findings_text(&findings.counts);
    if findings.roots_done < findings.roots {
        let done = number(findings.roots_done);
        text += &format!("; {done} of {} judged", count(findings.roots, "drive"));
    }
    text
}

/// How much of each inventory is in tables, and when that was made.
fn inventories_text(all: &[InventoryStatus], now: Timestamp) -> String {
    let words = all.iter().map(|one| {
        let word = one.collection.name().replace('-', " ");
        format!("{} {word}", number(one.rows))
    });
    let made = all.iter().map(|one| one.made.min(now)).max();
    let made = made.map_or(String::new(), |made| relative(made, now));
    format!("{}; changed {made}", words.collect::<Vec<_>>().join(", "))
}

/// How late events are in the lake and in the tables, counted from the moment the service showed them.
fn tables_text(tables: &TablesStatus, now: Timestamp) -> String {
    let mut text = count(tables.events, "event");
    if tables.unfit > 0 {
        text += &format!(", {} in no table (see the log)", number(tables.unfit));
    }
    if tables.is_rebuilding {
        text += ", being made anew";
    }
    if let Some(since) = tables.waiting_since {
        text += &format!(", more since {}", relative(since.min(now), now));
    }
    if let Some(last) = &tables.last {
        text += &format!(
            "; from the service to the lake {} (p95 {}), to the tables {} (p95 {}), over the last {}",
            span(last.to_raw_p50),
            span(last.to_raw_p95),
            span(last.to_tables_p50),
            span(last.to_tables_p95),
            number(last.events),
        );
    }
    text
}

fn span(seconds: f64) -> String {
    match seconds {
        ..120.0 => format!("{seconds:.0} s"),
        ..7_200.0 => format!("{:.0} min", seconds / 60.0),
        ..172_800.0 => format!("{:.0} h", seconds / 3_600.0),
        _ => format!("{:.0} days", seconds / 86_400.0),
    }
}

fn streams(one: &ConnectionStatus, now: Timestamp) -> String {
    let mut table = Table::new("  ", &[Align::Left, Align::Left, Align::Right, Align::Left]);
    table.row(["stream", "state", "records", "next look"]);
    let mut done = vec![];
    for stream in &one.streams {
        if stream.state == "done" {
            done.push(stream.name.as_str());
            continue;
        }
        let next = stream.next_look.map(|next| match next <= now {
            true => "due".to_string(),
            false => relative(next, now),
        });
        table.row([
            stream.name.clone(),
            stream.state.to_string(),
            number(stream.records),
            next.unwrap_or_default(),
        ]);
    }
    let done = match done.as_slice() {
        [] => String::new(),
        names => format!("  done: {}\n", names.join(", ")),
    };
    table.text() + &done
}
