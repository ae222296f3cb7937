//! What a connection was granted, what it lacks, what it does not need, and what has changed since the test before.

use casbah_connector::Connector;
use casbah_model::permission::{Permission, Tier};
use casbah_pipeline::apps;
use casbah_pipeline::items::ConnectionItem;
use serde_json::{Value, json};

use crate::problem::Problem;
use crate::reply::Reply;
use crate::request::Call;

pub async fn read(call: &Call<'_>) -> Result<Reply, Problem> {
    Ok(Reply::ok(&document(&call.connection().await?)))
}

fn document(connection: &ConnectionItem) -> Value {
    let connector = apps::connector(connection.settings.app);
    let consent = connector.permissions().consent_link(&connection.settings);
    let Some(report) = &connection.report else {
        return json!({
            "tested_at": null, "is_known": false, "granted": [], "missing": [], "excessive": [],
            "consent_link": consent, "changes": null,
        });
    };
    let grants = &report.grants;
    let each = |permission: &Permission| explained(connector, permission);
    let missing = grants.missing.iter().map(|missing| {
        json!({
            "permission": missing.permission,
            "component": missing.component,
            "tier": missing.tier,
            "is_required": missing.is_required,
            "purpose": missing.purpose,
        })
    });
    json!({
        "tested_at": report.tested,
        "is_known": grants.is_known,
        "granted": grants.granted.iter().map(each).collect::<Vec<_>>(),
        "missing": missing.collect::<Vec<_>>(),
        "excessive": grants.excessive.iter().map(each).collect::<Vec<_>>(),
        "consent_link": grants.consent_link.clone().or(consent),
        "changes": changes(connection),
    })
}

/// A permission with everything that it could be used for, chosen or not.
fn explained(connector: &dyn Connector, permission: &Permission) -> Value {
    let needs = connector.permissions().needs().iter();
    let uses = needs.filter(|need| need.any_of.contains(&permission.as_str()));
    let uses = uses.map(|need| {
        json!({
            "component": need.component,
            "tier": Tier::name(need.tier),
            "purpose": need.purpose,
        })
    });
    json!({ "permission": permission, "uses": uses.collect::<Vec<_>>() })
}

/// What was granted and taken away between the last two tests; nothing when one of them did not tell.
fn changes(connection: &ConnectionItem) -> Option<Value> {
    let now = connection.report.as_ref()?;
    let before = connection.previous.as_ref()?;
    if !now.grants.is_known || !before.is_known {
        return None;
    }
    let without = |all: &[Permission], others: &[Permission]| -> Vec<Permission> {
        let left = all.iter().filter(|one| !others.contains(one));
        left.cloned().collect()
    };
    Some(json!({
        "since": before.tested,
        "added": without(&now.grants.granted, &before.granted),
        "removed": without(&before.granted, &now.grants.granted),
    }))
}
