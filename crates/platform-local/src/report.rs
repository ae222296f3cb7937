//! What a run ends with: what was connected, granted and found, whether the ledger closes, and where the data lies.

use std::collections::BTreeMap;
use std::path::Path;

use casbah_model::connection::{ConnectionState, Tenant};
use casbah_model::permission::{Grants, Missing, Permission};
use casbah_model::tally::Tally;
use casbah_pipeline::contents::InsideStatus;
use casbah_pipeline::findings::{Counts, FindingsStatus};
use casbah_pipeline::inventory::{Summary, summary};
use casbah_pipeline::items::ConnectionItem;
use casbah_pipeline::{Context, apps, ledger, status};
use serde::Serialize;
use serde_json::{Value, json};

use crate::comparison::{Comparison, add};
use crate::exit::{Exit, Failure};
use crate::table::{Align, Table, count, number};
use crate::trouble::{Trouble, troubles};

#[derive(Debug, Serialize)]
pub struct Report {
    pub connections: Vec<ConnectionReport>,
    /// Sums over the connections.
    pub granted: GrantCounts,
    /// Sums over the connections.
    pub found: Value,
    pub ledger: LedgerSum,
    pub troubles: Vec<Trouble>,
    /// What the simulated tenant holds, in the demo.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
    pub elapsed_s: f64,
    pub out: String,
}

#[derive(Debug, Serialize)]
pub struct ConnectionReport {
    pub name: String,
    pub app: &'static str,
    pub tenant: Option<Tenant>,
    pub state: &'static str,
    pub granted: Vec<Permission>,
    pub missing: Vec<Missing>,
    pub excessive: Vec<Permission>,
    pub consent_link: Option<String>,
    pub found: Summary,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inside: Option<InsideStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub findings: Option<FindingsStatus>,
    #[serde(skip)]
    has_files: bool,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct GrantCounts {
    pub permissions: usize,
    pub missing: usize,
    pub excessive: usize,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub struct LedgerSum {
    pub closes: bool,
    pub listed: u64,
    pub written: u64,
    pub duplicate: u64,
    pub refused: u64,
    pub lost: u64,
}

impl Report {
    /// Reads the lake of a folder; the time it took is known to the caller only.
    pub async fn of(ctx: &Context, out: &Path, elapsed_s: f64) -> Result<Report, Failure> {
        let ledger = ledger::ledger(ctx, None).await?;
        let mut total = Tally::default();
        ledger.totals.iter().for_each(|row| total += row.tally);
        let mut connections = vec![];
        let mut statuses = status::status(ctx).await?;
        let troubles = troubles(&statuses);
        for connection in status::connections(ctx).await? {
            let found = summary(ctx, &connection).await?;
            let id = &connection.settings.id;
            let status = statuses.iter_mut().find(|status| status.name == *id);
            let (inside, findings) = status
                .map(|status| (status.inside.take(), status.findings.take()))
                .unwrap_or_default();
            connections.push(ConnectionReport {
                inside,
                findings,
                ..ConnectionReport::new(&connection, found)
            });
        }
        let mut granted = GrantCounts::default();
        let mut found = json!({ "unknown_operations": total.unknown });
        for connection in &connections {
            granted.permissions += connection.granted.len();
            granted.missing += connection.missing.len();
            granted.excessive += connection.excessive.len();
            add(&mut found, &as_json(&connection.found)?);
        }
        let Tally {
            listed,
            written,
            duplicate,
            refused,
            lost,
            ..
        } = total;
        Ok(Report {
            connections,
            granted,
            found,
            ledger: LedgerSum {
                closes: ledger.closes,
                listed,
                written,
                duplicate,
                refused,
                lost,
            },
            troubles,
            comparison: None,
            elapsed_s,
            out: out.display().to_string(),
        })
    }

    /// Compares what was found with what each tenant holds, count by count, by the name of its connection.
    ///
    /// # Errors
    /// That counts are no JSON.
    pub fn compare(&mut self, held: &BTreeMap<&str, Value>) -> Result<(), Failure> {
        let mut all = Comparison::default();
        for connection in &self.connections {
            if let Some(held) = held.get(&*connection.name) {
                all.add(&connection.name, &as_json(&connection.found)?, held);
            }
        }
        self.comparison = Some(all);
        Ok(())
    }

    pub fn text(&self) -> String {
        let mut text = String::new();
        for connection in &self.connections {
            text += &connection.text();
        }
        if self.ledger.listed == 0 {
            return text;
        }
        let LedgerSum {
            closes,
            listed,
            written,
            duplicate,
            refused,
            lost,
        } = self.ledger;
        let verdict = if closes { "closes" } else { "does NOT close" };
        let [listed, written, duplicate, refused, lost] =
            [listed, written, duplicate, refused, lost].map(number);
        text += &format!(
            "Ledger     {verdict}: {listed} listed = {written} written + {duplicate} duplicate \
             + {refused} refused + {lost} lost\n"
        );
        text += &match self.found["unknown_operations"].as_u64().unwrap_or(0) {
            0 => "Catalogue  knows every operation\n".to_string(),
            unknown => format!(
                "Catalogue  does not know the operation of {}; they are kept like all others\n",
                count(unknown, "activity")
            ),
        };
        match &self.comparison {
            None => {}
            Some(comparison) if comparison.equal => {
                text += "Checked    every count equals what the tenant holds\n"
            }
            Some(comparison) => {
                text += "Checked    these counts DIFFER from what the tenant holds:\n";
                comparison
                    .differences
                    .iter()
                    .for_each(|line| text += &format!("             {line}\n"));
            }
        }
        text += &format!("Took       {:.1} s\n", self.elapsed_s);
        text += &format!("Data       {}/lake\n", self.out);
        text += &format!(
            "Query      duckdb -c \"SELECT class_name, activity_name, count(*) \\\n             \
             FROM read_parquet('{}/lake/ext/*/*/*/*/*.parquet', union_by_name = true) \\\n             \
             GROUP BY ALL ORDER BY 3 DESC\"\n",
            self.out
        );
        text
    }
}

/// What looking into files has brought, and what could not be looked into.
pub fn inside_text(inside: &InsideStatus) -> String {
    let told = &inside.told;
    let not_read: u64 = told.not_read.values().sum();
    let mut text = format!(
        "{} looked into, {} with findings",
        count(told.looks - not_read, "file"),
        number(told.sensitive)
    );
    if told.partly > 0 {
        text += &format!(", {} read in part", number(told.partly));
    }
    for (reason, files) in &told.not_read {
        text += &format!(", {} not read ({reason})", number(*files));
    }
    text
}

/// Files that break a policy, the worst first.
pub fn findings_text(counts: &Counts) -> String {
    let open: u64 = counts.open.values().sum();
    let mut text = format!("{} open", number(open));
    if open > 0 {
        let severities = counts.open.iter().rev();
        let severities =
            severities.map(|(severity, files)| format!("{} {}", number(*files), severity.name()));
        text += &format!(": {}", severities.collect::<Vec<_>>().join(", "));
    }
    for (standing, files) in &counts.standing {
        if !standing.is_open() {
            let word = standing.name().replace('-', " ");
            text += &format!("; {} {word}", number(*files));
        }
    }
    text
}

impl ConnectionReport {
    fn new(connection: &ConnectionItem, found: Summary) -> ConnectionReport {
        let report = connection.report.clone();
        let tenant = report.as_ref().map(|report| report.tenant.clone());
        let Grants {
            granted,
            missing,
            excessive,
            consent_link,
            is_known: _,
        } = report.map(|report| report.grants).unwrap_or_default();
        ConnectionReport {
            name: connection.settings.id.to_string(),
            app: connection.settings.app.name(),
            tenant,
            state: connection.state.name(),
            granted,
            missing,
            excessive,
            consent_link,
            found,
            inside: None,
            findings: None,
            has_files: apps::connector(connection.settings.app).files().is_some(),
        }
    }

    fn text(&self) -> String {
        let state = match self.state {
            state if state == ConnectionState::Connected.name() => "Connected",
            "degraded" => "Degraded ",
            "paused" => "Paused   ",
            "failed" => "Failed   ",
            "disconnected" => "Off      ",
            "deleting" => "Deleting ",
            _ => "Pending  ",
        };
        let Some(known) = &self.tenant else {
            return format!(
                "{state}  {} ({}): nothing is known of its tenant yet\n",
                self.name, self.app
            );
        };
        let mut text = format!("{state}  {}: {} ({})\n", self.name, tenant(known), self.app);
        text += &format!("Granted    {}\n", self.rights());
        text += &found_text(&self.found, self.has_files);
        if let Some(inside) = &self.inside {
            text += &format!("Inside     {}\n", inside_text(inside));
        }
        if let Some(findings) = &self.findings {
            text += &format!("Findings   {}\n", findings_text(&findings.counts));
        }
        text
    }

    fn rights(&self) -> String {
        if self.granted.is_empty() && self.missing.is_empty() {
            return "not told by the service; every component that works was tried".into();
        }
        let missing = self
            .missing
            .iter()
            .map(|missing| missing.permission.as_str());
        let missing = some(missing.collect(), "missing");
        let excessive = self.excessive.iter().map(Permission::as_str);
        let excessive = some(excessive.collect(), "excessive");
        format!(
            "{}; {missing}; {excessive}",
            count(self.granted.len() as u64, "permission")
        )
    }
}

/// So many names are shown; `casbah test` shows all.
const NAMES_MAX: usize = 3;

/// `nothing missing`, or how many and which.
fn some(names: Vec<&str>, word: &str) -> String {
    match names.len() {
        0 => format!("nothing {word}"),
        1..=NAMES_MAX => format!("{} {word} ({})", names.len(), names.join(", ")),
        all => format!("{all} {word} ({}, …)", names[..NAMES_MAX].join(", ")),
    }
}

/// The name of a tenant, or its id where the right to read the name is missing.
pub fn tenant(tenant: &Tenant) -> &str {
    if tenant.name.is_empty() {
        &tenant.id
    } else {
        &tenant.name
    }
}

fn found_text(found: &Summary, has_files: bool) -> String {
    let mut table = Table::new("", &[Align::Left, Align::Right, Align::Left, Align::Left]);
    let mut row = |one: &str, value: u64, more: String| {
        let noun = if value == 1 {
            one.to_string()
        } else {
            crate::table::plural(one)
        };
        let title = if one == "user" { "Found    " } else { "" };
        table.row([title.to_string(), number(value), noun, more]);
    };
    let Summary {
        users,
        guests,
        disabled,
        admins,
        ..
    } = found;
    let [guests, disabled, admins] = [guests, disabled, admins].map(|value| number(*value));
    row(
        "user",
        *users,
        format!("{guests} guests, {disabled} disabled, {admins} with privileged roles"),
    );
    row("group", found.groups, String::new());
    row(
        "role",
        found.roles,
        format!("held {} times", number(found.role_assignments)),
    );
    let (grants, risky) = (count(found.grants, "grant"), number(found.risky_grants));
    row(
        "application",
        found.applications,
        format!("{grants}, {risky} of them risky"),
    );
    let classes = casbah_model::file::Sharing::ALL.map(|class| {
        let files = found
            .files_by_sharing
            .get(class.name())
            .copied()
            .unwrap_or(0);
        format!("{} {}", number(files), class.name().replace('-', " "))
    });
    if has_files {
        row("file", found.files, classes.join(", "));
    }
    let kinds = casbah_model::activity::ActivityKind::ALL.map(|kind| {
        let activities = found
            .activities_by_kind
            .get(kind.name())
            .copied()
            .unwrap_or(0);
        format!("{} {kind}", number(activities))
    });
    row("activity", found.activities, kinds.join(", "));
    table.text()
}

fn as_json(value: &impl Serialize) -> Result<Value, Failure> {
    serde_json::to_value(value).map_err(|error| Failure::new(Exit::Other, error.to_string()))
}
