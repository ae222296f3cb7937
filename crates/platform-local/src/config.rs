//! The config file: connections as a customer writes them, checked before anything is opened or called.
//!
//! Values are never repeated from the parser's own report, because one of them may be a secret in the wrong place.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;

use casbah_model::app::{App, Components};
use casbah_model::connection::{ConnectionId, ConnectionSettings};
use casbah_model::permission::{Tier, UnknownTier};
use casbah_platform_local::PolicyText;
use serde::Deserialize;
use toml::Spanned;

use crate::credential::Credential;
use crate::exit::{Exit, Failure};

/// A config file is typed by people; anything larger is some other file.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// What a file says.
#[derive(Debug)]
pub struct Config {
    pub connections: Vec<Configured>,
    pub policy: PolicyText,
}

/// A connection of the file, checked as far as that is possible without calling anybody.
#[derive(Debug)]
pub struct Configured {
    pub settings: ConnectionSettings,
    pub credential: Credential,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileText {
    #[serde(default)]
    connection: Vec<Spanned<Entry>>,
    policy: Option<Spanned<PolicyText>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: Spanned<String>,
    app: Spanned<String>,
    components: Spanned<Vec<Spanned<String>>>,
    tier: Option<Spanned<String>>,
    tenant_id: Option<String>,
    client_id: Option<String>,
    publisher_id: Option<String>,
    domain: Option<String>,
    key_id: Option<String>,
    scopes: Option<String>,
    share_percent: Option<u8>,
    enterprise_id: Option<String>,
    user_id: Option<String>,
    monthly_calls: Option<u64>,
    domains: Option<String>,
    algorithm: Option<String>,
    client_secret_env: Option<String>,
    client_secret_file: Option<String>,
    certificate_file: Option<String>,
    private_key_file: Option<String>,
    #[serde(default)]
    endpoints: BTreeMap<String, Spanned<String>>,
}

/// Reads and checks a config file.
pub fn read(path: &Path) -> Result<Config, Failure> {
    let unreadable = |reason: String| {
        let what = format!("cannot read the config file {}: {reason}", path.display());
        Failure::new(Exit::Parameter, what)
            .with_fix("name the file with --config; `casbah run --help` shows one")
    };
    let size = std::fs::metadata(path).map_err(|error| unreadable(error.to_string()))?;
    if size.len() > FILE_BYTES_MAX {
        return Err(unreadable("it is larger than 1 MB".into()));
    }
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    parse(
        &Source {
            name: path.display().to_string(),
            text: &text,
        },
        folder,
    )
}

/// Reads a config file and keeps the connection of this name, or all.
pub fn chosen(path: &Path, only: Option<&str>) -> Result<Vec<Configured>, Failure> {
    let mut configured = read(path)?.connections;
    let Some(name) = only else {
        return Ok(configured);
    };
    let names: Vec<String> = configured
        .iter()
        .map(|one| one.settings.id.to_string())
        .collect();
    configured.retain(|one| one.settings.id.as_str() == name);
    if configured.is_empty() {
        let what = format!(
            "there is no connection named \"{name}\" in {}",
            path.display()
        );
        return Err(Failure::new(Exit::Parameter, what)
            .with_fix(format!("choose from {}", names.join(", "))));
    }
    Ok(configured)
}

/// The text of a file, to say in which line something is wrong.
struct Source<'a> {
    name: String,
    text: &'a str,
}

impl Source<'_> {
    fn failure(&self, span: Range<usize>, what: impl std::fmt::Display) -> Failure {
        let line = 1 + self
            .text
            .bytes()
            .take(span.start)
            .filter(|byte| *byte == b'\n')
            .count();
        Failure::new(
            Exit::Parameter,
            format!("{}, line {line}: {what}", self.name),
        )
    }
}

fn parse(source: &Source<'_>, folder: &Path) -> Result<Config, Failure> {
    let file: FileText = toml::from_str(source.text).map_err(|error| malformed(source, &error))?;
    if file.connection.is_empty() {
        return Err(source
            .failure(0..0, "there is no [[connection]] in it")
            .with_fix("`casbah run --help` shows one"));
    }
    let mut names = BTreeSet::new();
    let mut configured = vec![];
    for entry in file.connection {
        let block = entry.span();
        let entry = entry.into_inner();
        let name_at = entry.name.span();
        let one = connection(source, block, entry, folder)?;
        if !names.insert(one.settings.id.clone()) {
            let what = format!("the name \"{}\" is used twice", one.settings.id);
            return Err(source
                .failure(name_at, what)
                .with_fix("give every connection a name of its own"));
        }
        configured.push(one);
    }
    let policy = match file.policy {
        Some(policy) => {
            let at = policy.span();
            let policy = policy.into_inner();
            let trouble = |what| source.failure(at, format!("policy: {what}"));
            policy.policy().map_err(trouble)?;
            policy
        }
        None => PolicyText::default(),
    };
    Ok(Config {
        connections: configured,
        policy,
    })
}

fn malformed(source: &Source<'_>, error: &toml::de::Error) -> Failure {
    let span = error.span().unwrap_or(0..0);
    let message = error.message().lines().next().unwrap_or("it is not TOML");
    // "invalid type: string "…"" repeats the value; what was expected is enough.
    let message = match (
        message.starts_with("invalid type"),
        message.rsplit_once("expected "),
    ) {
        (true, Some((_, expected))) => format!("expected {expected} here"),
        _ => message.to_string(),
    };
    let failure = source.failure(span.clone(), &message);
    let key = source.text.get(span).unwrap_or("").trim();
    match key {
        "client_secret" | "secret" | "password" if message.starts_with("unknown field") => failure.with_fix(
            "secrets are not written in this file: name an environment variable with client_secret_env, \
             or a file with client_secret_file",
        ),
        _ => failure,
    }
}

fn connection(
    source: &Source<'_>,
    block: Range<usize>,
    entry: Entry,
    folder: &Path,
) -> Result<Configured, Failure> {
    let id: ConnectionId = entry
        .name
        .get_ref()
        .parse()
        .map_err(|error| source.failure(entry.name.span(), error))?;
    let at = |span: Range<usize>, what: &dyn std::fmt::Display| {
        source.failure(span, format!("connection \"{id}\": {what}"))
    };
    let app: App = entry
        .app
        .get_ref()
        .parse()
        .map_err(|error| at(entry.app.span(), &error))?;
    let names: Vec<&str> = entry
        .components
        .get_ref()
        .iter()
        .map(|name| name.get_ref().as_str())
        .collect();
    let components = Components::parse(&names).map_err(|error| {
        // The name that is wrong stands on a line of its own in a long list.
        let wrong = entry.components.get_ref().iter().find(|name| {
            let name = name.get_ref();
            name != "all" && name.parse::<casbah_model::app::Component>().is_err()
        });
        at(wrong.map_or(entry.components.span(), Spanned::span), &error)
    })?;
    let tier = match &entry.tier {
        Some(tier) => tier
            .get_ref()
            .parse()
            .map_err(|error: UnknownTier| at(tier.span(), &error))?,
        None => Tier::default(),
    };
    let mut app_settings: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in [
        ("tenant_id", entry.tenant_id),
        ("client_id", entry.client_id),
        ("publisher_id", entry.publisher_id),
        ("domain", entry.domain),
        ("key_id", entry.key_id),
        ("scopes", entry.scopes),
        (
            "share_percent",
            entry.share_percent.map(|share| share.to_string()),
        ),
        ("enterprise_id", entry.enterprise_id),
        ("user_id", entry.user_id),
        (
            "monthly_calls",
            entry.monthly_calls.map(|calls| calls.to_string()),
        ),
        ("domains", entry.domains),
        ("algorithm", entry.algorithm),
    ] {
        app_settings.extend(value.map(|value| (name.to_string(), value)));
    }
    let credential = Credential::choose(
        folder,
        entry.client_secret_env,
        entry.client_secret_file,
        entry.certificate_file,
        entry.private_key_file,
    )
    .map_err(|what| at(block.clone(), &what))?;
    app_settings.insert("credential".into(), credential.kind().into());
    let connector = casbah_pipeline::apps::connector(app);
    for (name, address) in &entry.endpoints {
        let known: Vec<&str> = connector
            .endpoints()
            .iter()
            .map(|(known, _)| *known)
            .collect();
        if !known.contains(&name.as_str()) {
            let what = format!(
                "\"{name}\" is not an endpoint of {app}; its endpoints are {}",
                known.join(", ")
            );
            return Err(at(address.span(), &what));
        }
        casbah_http::Base::parse(address.get_ref()).map_err(|error| at(address.span(), &error))?;
    }
    let endpoints = entry
        .endpoints
        .into_iter()
        .map(|(name, address)| (name, address.into_inner()))
        .collect();
    let settings = ConnectionSettings {
        id: id.clone(),
        app,
        components,
        tier,
        app_settings,
        endpoints,
    };
    connector
        .check(&settings)
        .map_err(|cause| at(block, &cause.what).with_fix(cause.fix))?;
    Ok(Configured {
        settings,
        credential,
    })
}

#[cfg(test)]
mod tests;
