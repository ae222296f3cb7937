//! Actions as text for people.

use std::collections::BTreeMap;

use casbah_model::action::{ActionState, Effect, Image};
use casbah_model::app::App;
use casbah_pipeline::apps::{self, ActionSpec, WayBack};
use casbah_pipeline::govern::{ActionView, UnitView};
use serde_json::{Value, json};

use crate::cli::Format;
use crate::exit::{Exit, Failure};
use crate::output;
use crate::table::{Align, Table, count, minute};

/// What an action does at an app.
fn specs(app: App) -> &'static [ActionSpec] {
    apps::connector(app)
        .governance()
        .map_or(&[], |governance| governance.actions())
}

fn undo(spec: &ActionSpec) -> String {
    match spec.way_back {
        WayBack::Undo => "yes".into(),
        WayBack::None(why) => format!("no: {why}"),
    }
}

/// What can be done at each app.
pub fn kinds(format: Format) -> Result<Exit, Failure> {
    match format {
        Format::Text => output::print(&kinds_text())?,
        Format::Json => output::print_json(&kinds_document())?,
    }
    Ok(Exit::Fine)
}

fn kinds_text() -> String {
    let mut text = String::new();
    for app in App::ALL.into_iter().filter(|app| !specs(*app).is_empty()) {
        text += &format!("{} (app = \"{app}\")\n", app.product());
        let mut table = Table::new("  ", &[Align::Left; 4]);
        table.row(["action", "target", "right", "undo"]);
        for spec in specs(app) {
            let rights = spec.any_of.join(" or ");
            table.row([spec.kind.name(), spec.target, &rights, &undo(spec)]);
        }
        text += &table.text();
        text += "\n";
    }
    text.trim_end().to_string()
}

fn kinds_document() -> Value {
    let kinds = App::ALL.into_iter().flat_map(|app| {
        specs(app).iter().map(move |spec| {
            json!({
                "app": app,
                "action": spec.kind,
                "purpose": spec.kind.purpose(),
                "target": spec.target,
                "rights": spec.any_of,
                "can_be_undone": spec.way_back == WayBack::Undo,
                "parameters": spec.parameters.iter().map(|parameter| json!({
                    "name": parameter.name,
                    "is_required": parameter.is_required,
                    "what": parameter.what,
                })).collect::<Vec<_>>(),
            })
        })
    });
    json!({ "actions": kinds.collect::<Vec<_>>() })
}

/// How a command ends that shows an action.
pub fn exit(action: &ActionView) -> Exit {
    match action.state {
        ActionState::Failed => Exit::Refused,
        _ => Exit::Fine,
    }
}

pub fn document(action: &ActionView, units: &[UnitView]) -> Value {
    json!({ "action": action, "units": units })
}

pub fn list(actions: &[ActionView]) -> String {
    if actions.is_empty() {
        return "there are no actions".into();
    }
    let mut table = Table::new("", &[Align::Left; 6]);
    table.row(["id", "action", "state", "objects", "asked by", "when"]);
    for action in actions {
        table.row([
            action.id.as_str(),
            action.kind.name(),
            action.state.name(),
            &action.counts.objects.to_string(),
            &action.requested_by,
            &minute(action.requested_at),
        ]);
    }
    table.text()
}

/// An action with some of its units.
pub fn action(action: &ActionView, units: &[UnitView]) -> String {
    let counts = &action.counts;
    let mut text = format!(
        "{}  {} on {}: {}\n",
        action.id,
        action.kind,
        action.connection,
        action.state.name()
    );
    text += &format!("  asked by {}: {}\n", action.requested_by, action.reason);
    if let Some(selection) = action.selection.clone() {
        let words = BTreeMap::from(selection).into_iter();
        let words: Vec<_> = words.map(|(name, word)| format!("{name}={word}")).collect();
        text += &format!("  everything with {}\n", words.join(", "));
    }
    if !action.unread.is_empty() {
        let unread = action.unread.join(", ");
        text += &format!("  not in the plan, as it was not read whole yet: {unread}\n");
    }
    let by_another = |by: &&String| **by != action.requested_by;
    if let Some(by) = action.approved_by.as_ref().filter(by_another) {
        text += &format!("  approved by {by}\n");
    }
    let mut sums = vec![format!("{} would change", counts.changes)];
    for (number, words) in [
        (counts.already, "as they should be already"),
        (counts.refused, "cannot be changed"),
        (counts.verified, "changed and read back"),
        (counts.sent, "done, and cannot be read back"),
        (counts.failed, "failed"),
        (counts.undone, "put back"),
        (counts.undo_failed, "could not be put back"),
        (action.held as u64, "held by somebody else for now"),
    ] {
        if number > 0 {
            sums.push(format!("{number} {words}"));
        }
    }
    text += &format!(
        "  {}: {}\n",
        count(counts.objects, "object"),
        sums.join(", ")
    );
    if let Some(cause) = &action.cause {
        text += &format!("  {cause}\n");
    }
    for unit in units {
        text += &unit_text(unit, action.is_undo);
    }
    let left = counts.planned.saturating_sub(units.len() as u64);
    if left > 0 && !units.is_empty() {
        text += &format!("  … and {} (--units shows more)\n", count(left, "object"));
    }
    text += &next(action);
    text.trim_end().to_string()
}

fn unit_text(unit: &UnitView, is_undo: bool) -> String {
    let mut line = format!("  {:>4}  {} [{}]", unit.unit + 1, unit.label, unit.target);
    match &unit.effect {
        Effect::Change { before, after, .. } => {
            let (from, to) = match is_undo {
                true => (after, before),
                false => (before, after),
            };
            line += &format!("  {}  {}", unit.outcome, arrow(from, to));
        }
        Effect::Nothing | Effect::Refused(_) => line += &format!("  {}", unit.outcome),
    }
    if let Some(why) = &unit.why {
        line += &format!("\n        {why}");
    }
    line + "\n"
}

/// What changes, as `name: before → after`.
fn arrow(before: &Image, after: &Image) -> String {
    let changes: Vec<_> = before
        .differences(after)
        .map(|(name, here, there)| {
            let words = |value: Option<&str>| value.unwrap_or("none").to_string();
            format!("{name}: {} → {}", words(here), words(there))
        })
        .collect();
    changes.join(", ")
}

/// What can be done next.
fn next(action: &ActionView) -> String {
    let ActionView { id, connection, .. } = action;
    match (action.state, &action.needs_approval) {
        (ActionState::Pending, Some(why)) => format!(
            "\n{why}, so somebody else has to agree: casbah actions approve {connection} {id} --as NAME\n"
        ),
        (ActionState::Pending, None) => {
            format!("\nto do it: casbah actions apply {connection} {id}\n")
        }
        (ActionState::Approved, _) => {
            format!(
                "\nit is done by the next run, or now: casbah actions apply {connection} {id}\n"
            )
        }
        _ if action.can_be_undone => {
            format!("\nto put it back: casbah actions undo {connection} {id} --reason TEXT\n")
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of the README, as the code has it.
    fn markdown() -> String {
        let mut lines = vec![
            "| app | action | what it does | right | undo |".to_string(),
            "| --- | --- | --- | --- | --- |".into(),
        ];
        for app in App::ALL {
            for spec in specs(app) {
                let rights: Vec<_> = spec
                    .any_of
                    .iter()
                    .map(|right| format!("`{right}`"))
                    .collect();
                lines.push(format!(
                    "| {} | `{}` | {} | {} | {} |",
                    app.product(),
                    spec.kind,
                    spec.kind.purpose(),
                    rights.join(" or "),
                    undo(spec)
                ));
            }
        }
        lines.join("\n")
    }

    #[test]
    fn the_readme_shows_what_can_be_done() {
        let readme = include_str!("../../../README.md");
        let table = markdown();
        assert!(
            readme.contains(&table),
            "the table of actions in README.md should be\n\n{table}\n"
        );
    }

    #[test]
    fn an_image_that_changes_is_shown_by_what_changes() {
        let before = Image::default()
            .with("status", "ACTIVE")
            .with("role", "admin");
        let after = Image::default()
            .with("status", "SUSPENDED")
            .with("role", "admin");
        assert_eq!(arrow(&before, &after), "status: ACTIVE → SUSPENDED");
        assert_eq!(
            arrow(&after, &after.clone().without("role")),
            "role: admin → none"
        );
    }
}
