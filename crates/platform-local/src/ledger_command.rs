//! `casbah ledger`: what every feed listed, what became of it, and whether that adds up.

use casbah_model::tally::Tally;
use casbah_pipeline::ledger::{self, Ledger, Verified};
use serde::Serialize;

use crate::cli::{Format, LedgerArgs};
use crate::exit::{Exit, Failure};
use crate::output;
use crate::table::{Align, Table, bytes, count, minute, number};
use crate::{folder, runtime};

#[derive(Serialize)]
struct Answer {
    #[serde(flatten)]
    ledger: Ledger,
    #[serde(skip_serializing_if = "Option::is_none")]
    verified: Option<Verified>,
}

pub fn ledger(args: &LedgerArgs) -> Result<Exit, Failure> {
    let only = args.connection.as_deref().map(folder::name).transpose()?;
    let system = folder::look(&args.out)?;
    let answer = runtime::real()?.block_on(async {
        let ledger = ledger::ledger(&system.ctx, only.as_ref()).await?;
        let verified = match args.verify {
            true => Some(ledger::verify(&system.ctx, only.as_ref()).await?),
            false => None,
        };
        Ok::<_, Failure>(Answer { ledger, verified })
    })?;
    let is_verified = answer
        .verified
        .as_ref()
        .is_none_or(|found| found.faults.is_empty() && found.repeated == 0);
    match args.output {
        Format::Json => output::print_json(&answer)?,
        Format::Text => output::print(&text(&answer, args.hours))?,
    }
    Ok(if answer.ledger.closes && is_verified {
        Exit::Fine
    } else {
        Exit::LedgerOpen
    })
}

const COLUMNS: [Align; 9] = [
    Align::Left,
    Align::Left,
    Align::Right,
    Align::Right,
    Align::Right,
    Align::Right,
    Align::Right,
    Align::Right,
    Align::Left,
];
const TITLES: [&str; 6] = ["listed", "written", "duplicate", "refused", "lost", "open"];

fn cells(tally: &Tally, is_closed: bool) -> Vec<String> {
    let numbers = [
        tally.listed,
        tally.written,
        tally.duplicate,
        tally.refused,
        tally.lost,
        tally.bundles_open(),
    ];
    let mark = if is_closed { "" } else { "does NOT close" };
    numbers
        .map(number)
        .into_iter()
        .chain([mark.into()])
        .collect()
}

fn text(answer: &Answer, wants_hours: bool) -> String {
    let Answer { ledger, verified } = answer;
    let mut text = String::new();
    let hours: Vec<_> = ledger
        .hours
        .iter()
        .filter(|row| wants_hours || !row.closes)
        .collect();
    if !hours.is_empty() {
        let mut table = Table::new("", &COLUMNS);
        table.row(["hour, UTC", "feed"].into_iter().chain(TITLES));
        for row in hours {
            let name = format!("{} {}", row.connection, row.feed);
            table.row(
                [minute(row.hour), name]
                    .into_iter()
                    .chain(cells(&row.tally, row.closes)),
            );
        }
        text += &table.text();
        text.push('\n');
    }
    let mut table = Table::new("", &COLUMNS);
    table.row(["connection", "feed"].into_iter().chain(TITLES));
    let mut sum = Tally::default();
    for row in &ledger.totals {
        sum += row.tally;
        // Streams that plan or test never list a record; feeds of an audit trail that were silent are worth a row.
        if row.tally == Tally::default() && !row.feed.starts_with("activities/") {
            continue;
        }
        let names = [row.connection.to_string(), row.feed.clone()];
        table.row(names.into_iter().chain(cells(&row.tally, row.closes)));
    }
    table.row(
        ["all".to_string(), String::new()]
            .into_iter()
            .chain(cells(&sum, ledger.closes)),
    );
    text += &table.text();
    text += match ledger.closes {
        true => {
            "closes: whatever was listed is written, a duplicate, refused with its reason, or lost by the provider\n"
        }
        false => {
            "does NOT close: run again to read what is open; what stays open is named by `casbah status`\n"
        }
    };
    match verified {
        Some(verified) => text + &verified_text(verified),
        None => text,
    }
}

fn verified_text(verified: &Verified) -> String {
    let Verified {
        objects,
        records,
        bytes: size,
        repeated,
        rows,
        rows_waiting,
        states,
        faults,
    } = verified;
    let read = format!(
        "{} in {} ({})",
        count(*records, "record"),
        count(*objects, "object"),
        bytes(*size)
    );
    if faults.is_empty() && *repeated == 0 {
        let waiting = match rows_waiting {
            0 => "every activity is in the tables, once".into(),
            waiting => format!(
                "{} in them, each once, and {} waiting for the next `casbah compact`",
                count(*rows, "activity"),
                number(*waiting)
            ),
        };
        return format!(
            "verified: {read}; every checksum and count is right, and no activity stands there twice\n\
             tables:   {waiting}\n\
             inventory: {} of users, groups, rights and files; what is current is what was published, and nothing is in two at once\n",
            count(*states, "state"),
        );
    }
    let mut text = format!(
        "verified, and NOT right: {read}; {} repeated\n",
        count(*repeated, "activity")
    );
    faults
        .iter()
        .for_each(|fault| text += &format!("  {fault}\n"));
    text
}
