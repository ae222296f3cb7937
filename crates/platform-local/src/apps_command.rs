//! `casbah apps`: what is read of each app, and why not of some.

use casbah_model::app::App;
use casbah_pipeline::apps::{self, Capability, Support};
use serde_json::{Map, Value, json};

use crate::cli::{AppsArgs, Format};
use crate::exit::{Exit, Failure};
use crate::output;
use crate::table::{Align, Table};

pub fn apps(args: &AppsArgs) -> Result<Exit, Failure> {
    match args.output {
        Format::Text => output::print(&text())?,
        Format::Json => output::print_json(&document())?,
    }
    Ok(Exit::Fine)
}

fn text() -> String {
    let mut text = String::new();
    for app in App::ALL {
        text += &format!("{} (app = \"{app}\")\n", app.product());
        let mut table = Table::new("  ", &[Align::Left; 3]);
        for what in Capability::ALL {
            let (is_read, how) = match apps::connector(app).capability(what) {
                Support::Yes(how) => ("yes", how),
                Support::No(why) => ("no", why),
            };
            table.row([what.title(), is_read, how]);
        }
        text += &table.text();
        text += "\n";
    }
    text.trim_end().to_string()
}

fn document() -> Value {
    let apps = App::ALL.map(|app| {
        let capabilities: Map<String, Value> = Capability::ALL
            .into_iter()
            .map(|what| {
                let support = match apps::connector(app).capability(what) {
                    Support::Yes(how) => json!({ "is_read": true, "how": how }),
                    Support::No(why) => json!({ "is_read": false, "why": why }),
                };
                (what.title().replace([' ', '-'], "_"), support)
            })
            .collect();
        json!({ "app": app, "product": app.product(), "capabilities": capabilities })
    });
    json!({ "apps": apps })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of the README, as the code has it.
    fn markdown() -> String {
        let products = App::ALL.map(App::product).join(" | ");
        let mut lines = vec![
            format!("| | {products} |"),
            format!("|{}", " --- |".repeat(App::ALL.len() + 1)),
        ];
        for what in Capability::ALL {
            let cells = App::ALL.map(|app| match apps::connector(app).capability(what) {
                Support::Yes(how) => how.to_string(),
                Support::No(why) => format!("no: {why}"),
            });
            lines.push(format!("| {} | {} |", what.title(), cells.join(" | ")));
        }
        lines.join("\n")
    }

    #[test]
    fn the_readme_shows_what_the_code_can() {
        let readme = include_str!("../../../README.md");
        let table = markdown();
        assert!(
            readme.contains(&table),
            "the table of apps in README.md should be\n\n{table}\n"
        );
    }

    #[test]
    fn every_app_and_capability_is_printed() {
        let text = text();
        for app in App::ALL {
            assert!(text.contains(app.product()), "{text}");
        }
        let lines = text.lines().filter(|line| line.starts_with("  ")).count();
        assert_eq!(lines, App::ALL.len() * Capability::ALL.len());
    }
}
