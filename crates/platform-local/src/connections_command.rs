//! `casbah connections`: what is connected, in a line each.

use casbah_pipeline::status;
use serde_json::json;

use crate::cli::{ConnectionsArgs, Format};
use crate::exit::{Exit, Failure};
use crate::table::{Align, Table};
use crate::{folder, output, runtime};

pub fn connections(args: &ConnectionsArgs) -> Result<Exit, Failure> {
    let system = folder::look(&args.out)?;
    let all = runtime::real()?.block_on(status::connections(&system.ctx))?;
    let rows: Vec<[String; 4]> = all
        .iter()
        .map(|one| {
            let components = one.settings.components.iter();
            let components: Vec<_> = components.map(|component| component.name()).collect();
            [
                one.settings.id.to_string(),
                one.settings.app.to_string(),
                one.state.name().to_string(),
                components.join(", "),
            ]
        })
        .collect();
    match args.output {
        Format::Json => {
            let document = |[name, app, state, _]: &[String; 4]| json!({ "name": name, "app": app, "state": state });
            let rows: Vec<_> = rows.iter().map(document).collect();
            output::print_json(&json!({ "connections": rows }))?;
        }
        Format::Text if rows.is_empty() => output::print("no connections yet")?,
        Format::Text => {
            let mut table = Table::new("", &[Align::Left; 4]);
            table.row(["name", "app", "state", "components"]);
            rows.into_iter().for_each(|row| table.row(row));
            output::print(&table.text())?;
        }
    }
    Ok(Exit::Fine)
}
