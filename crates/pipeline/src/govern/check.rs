//! What is refused before anything is planned.

use casbah_connector::{check_parameters, spec};
use casbah_model::permission::Tier;

use super::ask::{Asked, refused};
use crate::apps;
use crate::context::Context;
use crate::error::StageError;
use crate::items::ConnectionItem;

const REASON_CHARS_MAX: usize = 500;

pub(super) fn check(
    ctx: &Context,
    connection: &ConnectionItem,
    asked: &Asked,
    objects: u64,
) -> Result<(), StageError> {
    let (app, id) = (connection.settings.app, &connection.settings.id);
    let connector = apps::connector(app);
    let governance = connector.governance();
    let known = governance.and_then(|governance| Some((governance, spec(governance, asked.kind)?)));
    let Some((governance, known)) = known else {
        let what = format!("Casbah cannot {} at {}", asked.kind, app.product());
        return Err(refused(
            "action",
            what,
            "`casbah actions kinds` lists what it can do",
        ));
    };
    check_parameters(known, &asked.parameters).map_err(StageError::Refused)?;
    if connection.settings.tier < Tier::Act {
        let what = format!("{id} was connected to observe, and holds no right to act");
        let fix = format!(
            "grant {} and connect it again with tier \"act\"",
            known.any_of.join(" or ")
        );
        return Err(refused("tier", what, fix));
    }
    if !connection.state.is_active() {
        let what = format!("{id} is {}", connection.state.name());
        return Err(refused(
            "connection",
            what,
            "see `casbah status` for what it needs",
        ));
    }
    let report = connection.report.as_ref();
    if let Some(grants) = report
        .map(|report| &report.grants)
        .filter(|grants| grants.is_known)
    {
        let holds = |name: &&str| grants.granted.iter().any(|held| held.as_str() == *name);
        if !known.any_of.is_empty() && !known.any_of.iter().any(holds) {
            let what = format!(
                "{} is not granted, needed to {}",
                known.any_of.join(" or "),
                asked.kind
            );
            let fix = match &grants.consent_link {
                Some(link) => {
                    format!("let an administrator grant it at {link}, and run `casbah test {id}`")
                }
                None => format!("let an administrator grant it, and run `casbah test {id}`"),
            };
            return Err(refused("permission", what, fix));
        }
    }
    let most = ctx.policy.objects_max;
    if let Some(selection) = &asked.selection {
        selection.check(governance, asked.kind)?;
        if objects > 0 {
            let what = "both targets and a filter are given";
            return Err(refused("targets", what, "leave one of them out"));
        }
    } else if objects == 0 {
        return Err(refused(
            "targets",
            "no target is given",
            format!("name a {}", known.target),
        ));
    }
    if objects > most {
        let what =
            format!("{objects} targets are given, and at most {most} may be changed at once");
        return Err(refused(
            "blast-radius",
            what,
            "split it, or raise the limit in the policy",
        ));
    }
    let reason = asked.reason.trim();
    if reason.is_empty() || reason.chars().count() > REASON_CHARS_MAX {
        let what = format!("the reason has {} characters", reason.chars().count());
        let fix = format!("say why in 1 to {REASON_CHARS_MAX}: whoever approves it reads it");
        return Err(refused("reason", what, fix));
    }
    Ok(())
}
