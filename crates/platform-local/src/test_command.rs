//! `casbah test`: what works, what was granted, what is missing or too much. Nothing is kept, and no folder is touched.

use std::collections::BTreeMap;
use std::sync::Arc;

use casbah_model::SignedDuration;
use casbah_model::connection::{Cause, ConnectionState, TestReport};
use casbah_model::message::{Message, Stage};
use casbah_model::permission::{Need, Tier};
use casbah_model::secret::Secret;
use casbah_pipeline::items::{self, StreamItem};
use casbah_pipeline::{Context, apps, connect};
use serde::Serialize;

use crate::cli::{Format, TestArgs};
use crate::config::{self, Configured};
use crate::exit::{Exit, Failure};
use crate::output;
use crate::report::tenant;
use crate::run::{internet, secrets};
use crate::table::{Align, Table};
use crate::{runtime, unsaved};

/// Somebody waits for the answer, so an unavailable service is asked this often only.
const TRIES_MAX: u32 = 3;
const BETWEEN_TRIES: SignedDuration = SignedDuration::from_secs(2);

/// Rights that no component has a use for.
const NO_TIER: &str = "other";

#[derive(Debug, Serialize)]
struct Tested {
    name: String,
    app: &'static str,
    /// Whether every chosen component works.
    works: bool,
    components: BTreeMap<String, ComponentResult>,
    /// Granted rights by how deep they reach.
    granted: BTreeMap<&'static str, Vec<String>>,
    /// Why the connection as a whole does not work.
    cause: Option<Cause>,
    report: Option<TestReport>,
}

#[derive(Debug, Serialize)]
struct ComponentResult {
    works: bool,
    cause: Option<Cause>,
}

pub fn test(args: &TestArgs) -> Result<Exit, Failure> {
    let file = args
        .config
        .as_deref()
        .expect("clap asks for it where no stack is named");
    let configured = config::chosen(file, args.name.as_deref())?;
    let secrets = secrets(&configured)?;
    let ctx = unsaved::context(Arc::new(internet()?))?;
    let runtime = runtime::real()?;
    let mut all = vec![];
    for (one, secret) in configured.iter().zip(&secrets) {
        let tested = runtime.block_on(test_one(&ctx, one, secret));
        let tested =
            tested.map_err(|failure| failure.at(format!("connection \"{}\"", one.settings.id)))?;
        if args.output == Format::Text {
            output::print(&tested.text())?;
        }
        all.push(tested);
    }
    if args.output == Format::Json {
        output::print_json(&serde_json::json!({ "connections": all }))?;
    }
    Ok(exit(&all))
}

fn exit(all: &[Tested]) -> Exit {
    let mut exit = Exit::Fine;
    for tested in all.iter().filter(|tested| !tested.works) {
        match tested.cause.as_ref().map(Exit::of) {
            Some(Exit::Environment) => return Exit::Environment,
            _ => exit = Exit::Refused,
        }
    }
    exit
}

/// Does what the pipeline does with a new connection, up to its first test.
async fn test_one(ctx: &Context, one: &Configured, secret: &Secret) -> Result<Tested, Failure> {
    let id = &one.settings.id;
    let mut connection = connect::connect(ctx, &one.settings, secret).await?;
    let key = connection.scope().stream("test");
    let mut trouble = None;
    for attempt in 0..TRIES_MAX {
        if attempt > 0 {
            ctx.sleep(BETWEEN_TRIES).await;
        }
        let found = ctx
            .state
            .get(std::slice::from_ref(&key))
            .await
            .map_err(casbah_pipeline::StageError::from)?;
        let Some(Some(item)) = found.first() else {
            break;
        };
        let stream: StreamItem = items::read(&key, item)?;
        let look = Message::Look {
            stage: Stage::Test,
            key: key.clone(),
            version: stream.v,
            ticket: None,
        };
        casbah_pipeline::handle(ctx, &look).await?;
        if let Some(found) = connect::find(ctx, id).await? {
            connection = found;
        }
        let found = ctx
            .state
            .get(std::slice::from_ref(&key))
            .await
            .map_err(casbah_pipeline::StageError::from)?;
        if let Some(Some(item)) = found.first() {
            trouble = items::read::<StreamItem>(&key, item)?.trouble;
        }
        if connection.state != ConnectionState::Pending {
            break;
        }
    }
    let cause = match &connection.state {
        ConnectionState::Failed { cause } => Some(cause.clone()),
        ConnectionState::Pending => Some(trouble.unwrap_or_else(|| {
            Cause::new(
                "unavailable",
                "the service did not answer",
                "try again in a minute; check the network",
            )
        })),
        ConnectionState::Connected
        | ConnectionState::Degraded { .. }
        | ConnectionState::Paused
        | ConnectionState::Disconnected
        | ConnectionState::Deleting => None,
    };
    let needs = apps::connector(one.settings.app).permissions().needs();
    Ok(Tested::new(one, needs, cause, connection.report))
}

impl Tested {
    fn new(
        one: &Configured,
        needs: &[Need],
        cause: Option<Cause>,
        report: Option<TestReport>,
    ) -> Tested {
        let refused = report
            .as_ref()
            .map(|report| report.refused.clone())
            .unwrap_or_default();
        let result = |component| {
            let why = refused.get(&component).or(cause.as_ref()).cloned();
            (
                component.to_string(),
                ComponentResult {
                    works: why.is_none(),
                    cause: why,
                },
            )
        };
        let mut granted: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
        for permission in report.iter().flat_map(|report| &report.grants.granted) {
            let serves = |need: &&Need| need.any_of.contains(&permission.as_str());
            let tier = needs.iter().filter(serves).map(|need| need.tier).min();
            granted
                .entry(tier.map_or(NO_TIER, Tier::name))
                .or_default()
                .push(permission.to_string());
        }
        Tested {
            name: one.settings.id.to_string(),
            app: one.settings.app.name(),
            works: cause.is_none() && refused.is_empty(),
            components: one.settings.components.iter().map(result).collect(),
            granted,
            cause,
            report,
        }
    }

    fn text(&self) -> String {
        let tenant = self.report.as_ref().map(|report| tenant(&report.tenant));
        let tenant = tenant.map_or(String::new(), |tenant| format!(", {tenant}"));
        let mut text = format!("{}: {}{tenant}\n", self.name, self.app);
        if let Some(cause) = &self.cause {
            return text + &format!("  does not work: {}\n  fix: {}\n", cause.what, cause.fix);
        }
        let mut table = Table::new("  ", &[Align::Left, Align::Left]);
        for (component, result) in &self.components {
            match &result.cause {
                None => table.row([component.as_str(), "works"]),
                Some(cause) => {
                    table.row([component.clone(), format!("refused: {}", cause.what)]);
                    // What is missing and the link for it stand below.
                    if cause.code != "permission" {
                        table.row([String::new(), format!("fix: {}", cause.fix)]);
                    }
                }
            }
        }
        text += &table.text();
        let mut table = Table::new("  ", &[Align::Left, Align::Left, Align::Left]);
        for (tier, words) in [
            (Tier::Observe.name(), "granted to observe"),
            (Tier::Inspect.name(), "granted to inspect"),
            (Tier::Act.name(), "granted to act"),
        ] {
            for (place, permission) in self.granted.get(tier).into_iter().flatten().enumerate() {
                let title = if place == 0 {
                    words.to_string()
                } else {
                    String::new()
                };
                table.row([title, permission.clone(), String::new()]);
            }
        }
        let Some(report) = &self.report else {
            return text;
        };
        for (place, missing) in report.grants.missing.iter().enumerate() {
            let title = if place == 0 { "missing" } else { "" };
            let need = if missing.is_required {
                "needed"
            } else {
                "useful"
            };
            let purpose = format!("{need} to {} ({})", missing.purpose, missing.component);
            table.row([title.to_string(), missing.permission.to_string(), purpose]);
        }
        for (place, permission) in report.grants.excessive.iter().enumerate() {
            let title = if place == 0 { "excessive" } else { "" };
            let why = "granted, and not needed by the chosen components";
            table.row([title, permission.as_str(), why]);
        }
        text += &table.text();
        if let Some(link) = &report.grants.consent_link {
            text += &format!("  consent: an administrator of the tenant opens {link}\n");
        }
        text
    }
}
