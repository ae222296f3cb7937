//! What a customer enters to connect an app, or to change a connection, read from a body by the code that also reads
//! the config file of the command.

use std::collections::BTreeMap;

use casbah_connector::Connector;
use casbah_model::app::{App, ComponentError, Components};
use casbah_model::connection::{Cause, ConnectionId, ConnectionSettings};
use casbah_model::permission::Tier;
use casbah_model::secret::Secret;
use casbah_pipeline::{Context, apps, connect};
use serde_json::Value;

use crate::fields::{Errors, Fields, Nulls, noted};
use crate::hosts::{self, Hosts};
use crate::problem::Problem;

/// Names and ids are checked further by who knows them; addresses are the longest.
const VALUE_CHARS_MAX: usize = 200;
/// More settings or services than any app has.
const SETTINGS_MAX: usize = 16;
const COMPONENTS_MAX: usize = 16;
/// Client secrets have about 40 characters (identity platform documentation, "Client secrets", limits none).
const SECRET_CHARS_MAX: usize = 1024;
/// A certificate with its chain and a key of 4096 bits has about 8,000.
const PEM_CHARS_MAX: usize = 32 << 10;
/// The app setting that says which kind of credential there is; it follows from the credential.
const CREDENTIAL: &str = "credential";

/// Reads the body of a new connection.
pub fn create(ctx: &Context, body: &Value) -> Result<(ConnectionSettings, Secret), Problem> {
    let errors = Errors::default();
    let entered = Fields::of(body, "", &errors).and_then(|mut fields| {
        let id = fields
            .text("name", VALUE_CHARS_MAX)
            .and_then(|name| noted(name.parse::<ConnectionId>(), &fields.at("name"), &errors));
        let app = fields
            .text("app", VALUE_CHARS_MAX)
            .and_then(|name| noted(name.parse::<App>(), &fields.at("app"), &errors));
        let components = components(&mut fields, &errors);
        let tier = match fields.value("tier") {
            Some(_) => tier(&mut fields, &errors),
            None => Some(Tier::default()),
        };
        let app_settings = app_settings(&mut fields, &errors, Nulls::Refuse);
        let endpoints = texts(&mut fields, "endpoints", Nulls::Refuse);
        let credential = credential(fields.required("credential"), &errors);
        fields.end();
        let (secret, kind) = credential?;
        let mut app_settings = present(app_settings?);
        app_settings.insert(CREDENTIAL.into(), kind.into());
        let settings = ConnectionSettings {
            id: id?,
            app: app?,
            components: components?,
            tier: tier?,
            app_settings,
            endpoints: present(endpoints?),
        };
        Some((settings, secret))
    });
    if let Some((settings, _)) = &entered {
        check(ctx, settings, &errors);
    }
    errors.or(entered)
}

/// Reads the body of a change of a connection (RFC 7396: what is not named stays, `null` takes a value out).
pub fn change(
    ctx: &Context,
    known: &ConnectionSettings,
    body: &Value,
) -> Result<(ConnectionSettings, Option<Secret>), Problem> {
    let errors = Errors::default();
    let mut settings = known.clone();
    let entered = Fields::of(body, "", &errors).and_then(|mut fields| {
        if body.as_object().is_some_and(serde_json::Map::is_empty) {
            errors.add("", "it names nothing to change");
        }
        let mut is_whole = true;
        if fields.value("components").is_some() {
            match components(&mut fields, &errors) {
                Some(components) => settings.components = components,
                None => is_whole = false,
            }
        }
        if fields.value("tier").is_some() {
            match tier(&mut fields, &errors) {
                Some(tier) => settings.tier = tier,
                None => is_whole = false,
            }
        }
        match app_settings(&mut fields, &errors, Nulls::Remove) {
            Some(changes) => merge(&mut settings.app_settings, changes),
            None => is_whole = false,
        }
        match texts(&mut fields, "endpoints", Nulls::Remove) {
            Some(changes) => merge(&mut settings.endpoints, changes),
            None => is_whole = false,
        }
        let secret = match fields.value("credential") {
            Some(value) => match credential(Some(value), &errors) {
                Some((secret, kind)) => {
                    settings.app_settings.insert(CREDENTIAL.into(), kind.into());
                    Some(secret)
                }
                None => return None,
            },
            None => None,
        };
        fields.end();
        is_whole.then_some(secret)
    });
    if entered.is_some() {
        if !connect::is_same_tenant(&settings, known) {
            let what =
                "the tenant of a connection stays; connect another tenant under another name";
            let setting = apps::connector(known.app).tenant_setting();
            errors.add(format!("/app_settings/{setting}"), what);
        } else {
            check(ctx, &settings, &errors);
        }
    }
    let secret = errors.or(entered)?;
    Ok((settings, secret))
}

fn components(fields: &mut Fields<'_>, errors: &Errors) -> Option<Components> {
    let read = fields.texts("components", COMPONENTS_MAX, VALUE_CHARS_MAX)?;
    let names: Vec<&str> = read.iter().map(|(_, name)| *name).collect();
    match Components::parse(&names) {
        Ok(components) => Some(components),
        Err(error) => {
            let wrong = match &error {
                ComponentError::Unknown(wrong) => Some(wrong.as_str()),
                ComponentError::Needs { component, .. } => Some(component.name()),
                ComponentError::Empty => None,
            };
            let at = read.iter().find(|(_, name)| Some(*name) == wrong);
            let at = at.map_or_else(|| fields.at("components"), |(at, _)| at.clone());
            errors.add(at, error.to_string());
            None
        }
    }
}

fn tier(fields: &mut Fields<'_>, errors: &Errors) -> Option<Tier> {
    let name = fields.text("tier", VALUE_CHARS_MAX)?;
    noted(name.parse::<Tier>(), &fields.at("tier"), errors)
}

type Entries = BTreeMap<String, Option<String>>;

fn app_settings(fields: &mut Fields<'_>, errors: &Errors, nulls: Nulls) -> Option<Entries> {
    let settings = texts(fields, "app_settings", nulls)?;
    if settings.contains_key(CREDENTIAL) {
        let what = "it follows from the credential and is not set";
        errors.add(format!("{}/{CREDENTIAL}", fields.at("app_settings")), what);
        return None;
    }
    Some(settings)
}

/// An object of texts that may be left out.
fn texts(fields: &mut Fields<'_>, name: &'static str, nulls: Nulls) -> Option<Entries> {
    if fields.value(name).is_none() {
        return Some(BTreeMap::new());
    }
    fields.text_map(name, SETTINGS_MAX, VALUE_CHARS_MAX, nulls)
}

fn present(entries: Entries) -> BTreeMap<String, String> {
    let present = entries.into_iter();
    present
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

fn merge(known: &mut BTreeMap<String, String>, changes: Entries) {
    for (name, value) in changes {
        match value {
            Some(value) => known.insert(name, value),
            None => known.remove(&name),
        };
    }
}

/// A client secret, a private key, or a certificate with its private key, and the word for which of them it is.
fn credential(value: Option<&Value>, errors: &Errors) -> Option<(Secret, &'static str)> {
    let mut fields = Fields::of(value?, "/credential", errors)?;
    let has = |fields: &mut Fields<'_>, name| fields.value(name).is_some();
    let is_secret = has(&mut fields, "client_secret");
    let is_certificate = has(&mut fields, "certificate_pem");
    let is_key = has(&mut fields, "private_key");
    let read = match (is_secret, is_certificate, is_key) {
        (false, false, true) => {
            let key = fields.lines("private_key", PEM_CHARS_MAX);
            key.map(|key| (Secret::new(key.trim()), "private-key"))
        }
        (true, false, false) => {
            let secret = fields.text("client_secret", SECRET_CHARS_MAX);
            if has(&mut fields, "private_key_pem") {
                let what = "it belongs to a certificate; leave one of them out";
                errors.add("/credential/private_key_pem", what);
            }
            secret.map(|secret| (Secret::new(secret), "secret"))
        }
        (false, true, false) => certificate(&mut fields, errors),
        (false, false, false) => {
            let what = "none of client_secret, certificate_pem and private_key is given";
            errors.add("/credential", what);
            None
        }
        _ => {
            let what = "more than one of client_secret, certificate_pem and private_key is given; \
                        leave one";
            errors.add("/credential", what);
            None
        }
    };
    // So that a fault in a lone key is not called an unknown field.
    has(&mut fields, "private_key_pem");
    fields.end();
    read
}

fn certificate(fields: &mut Fields<'_>, errors: &Errors) -> Option<(Secret, &'static str)> {
    let pem = fields.lines("certificate_pem", PEM_CHARS_MAX)?;
    let key = match fields.value("private_key_pem") {
        Some(_) => fields.lines("private_key_pem", PEM_CHARS_MAX)?,
        None => "",
    };
    if !pem.contains("-----BEGIN CERTIFICATE-----") {
        errors.add(
            "/credential/certificate_pem",
            "there is no certificate in it",
        );
        return None;
    }
    let whole = format!("{}\n{}", pem.trim(), key.trim());
    let is_key = ["PRIVATE KEY", "RSA PRIVATE KEY"]
        .iter()
        .any(|label| whole.contains(&format!("-----BEGIN {label}-----")));
    if !is_key {
        let what = "there is no private key, not encrypted, in it or in certificate_pem";
        errors.add("/credential/private_key_pem", what);
        return None;
    }
    Some((Secret::new(whole), "certificate"))
}

/// What the app says to the settings, with the field that it speaks of.
fn check(ctx: &Context, settings: &ConnectionSettings, errors: &Errors) {
    let connector: &dyn Connector = apps::connector(settings.app);
    let allowed = match ctx.settings.loopback_vendors {
        true => Hosts::Any,
        false => Hosts::Vendors,
    };
    let mut is_addressed = true;
    for (service, address) in &settings.endpoints {
        if let Err(what) = hosts::check(connector, service, address, allowed) {
            errors.add(format!("/endpoints/{service}"), what);
            is_addressed = false;
        }
    }
    if is_addressed && let Err(cause) = connector.check(settings) {
        errors.add(setting_of(&cause, settings), cause.to_string());
    }
}

/// The setting that a refusal begins with, by our connectors' habit; else all of them.
fn setting_of(cause: &Cause, settings: &ConnectionSettings) -> String {
    let begins = |name: &str| {
        cause.what.starts_with(&format!("{name} "))
            || cause.what.starts_with(&format!("\"{name}\" "))
    };
    let entered = settings.app_settings.keys().map(String::as_str);
    let first_word = cause.what.split(' ').next().unwrap_or("");
    let is_name = |word: &str| word.ends_with("_id") || word.ends_with("_name");
    let missing = Some(first_word).filter(|word| is_name(word));
    match entered.chain(missing).find(|name| begins(name)) {
        Some(name) => format!("/app_settings/{name}"),
        None => "/app_settings".into(),
    }
}
