//! Looking at a stack: its connections, how they stand, and their ledger.

use serde_json::{Value, json};

use super::carrier::Carrier;
use super::text;
use crate::cli::{Format, LedgerArgs};
use crate::exit::{Exit, Failure};
use crate::{folder, output};

pub fn connections(carrier: &mut Carrier, format: Format) -> Result<Exit, Failure> {
    let all = carrier.all("/v1/connections")?;
    match format {
        Format::Json => output::print_json(&json!({ "connections": all }))?,
        Format::Text if all.is_empty() => output::print("no connections yet")?,
        Format::Text => output::print(&text::connections(&all))?,
    }
    Ok(Exit::Fine)
}

pub fn status(carrier: &mut Carrier, format: Format) -> Result<Exit, Failure> {
    let mut all = vec![];
    for mut connection in carrier.all("/v1/connections")? {
        let name = connection["name"].as_str().unwrap_or_default().to_string();
        let path = |rest: &str| format!("/v1/connections/{name}/{rest}");
        connection["progress"] = carrier.get(&path("progress"))?;
        connection["lag"] = carrier.get(&path("lag"))?;
        connection["streams"] = carrier.all(&path("streams"))?.into();
        connection["gaps"] = carrier.all(&path("gaps"))?.into();
        all.push(connection);
    }
    match format {
        Format::Json => output::print_json(&json!({ "connections": all }))?,
        Format::Text if all.is_empty() => output::print("no connections yet")?,
        Format::Text => {
            let texts: Vec<String> = all.iter().map(text::status).collect();
            output::print(&texts.join("\n"))?;
        }
    }
    Ok(Exit::Fine)
}

pub fn ledger(carrier: &mut Carrier, args: &LedgerArgs) -> Result<Exit, Failure> {
    if args.verify {
        let what = "--verify reads every object, which the API of a stack does not do";
        return Err(Failure::new(Exit::Parameter, what).with_fix("leave --verify out"));
    }
    let names = match &args.connection {
        Some(name) => vec![folder::name(name)?.to_string()],
        None => {
            let all = carrier.all("/v1/connections")?;
            let names = all.iter().filter_map(|one| one["name"].as_str());
            names.map(str::to_string).collect()
        }
    };
    let mut ledgers = vec![];
    for name in names {
        let path = format!("/v1/connections/{name}/ledger?limit=1000");
        let mut ledger = carrier.get(&path)?;
        let mut hours: Vec<Value> = vec![];
        while let Some(next) = ledger["next_token"].as_str().map(str::to_string) {
            hours.extend(ledger["hours"].as_array().cloned().unwrap_or_default());
            ledger = carrier.get(&format!("{path}&next_token={next}"))?;
        }
        hours.extend(ledger["hours"].as_array().cloned().unwrap_or_default());
        ledger["hours"] = hours.into();
        ledger["connection"] = name.into();
        ledgers.push(ledger);
    }
    match args.output {
        Format::Json => output::print_json(&json!({ "connections": ledgers }))?,
        Format::Text => output::print(&text::ledger(&ledgers, args.hours))?,
    }
    Ok(
        match ledgers.iter().all(|ledger| ledger["closes"] == true) {
            true => Exit::Fine,
            false => Exit::LedgerOpen,
        },
    )
}
