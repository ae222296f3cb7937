//! What the customer entered as the credential: the app's client secret, or the configuration file that the Developer
//! Console makes for an app with a key.

use casbah_connector::Session;
use casbah_http::AuthError;
use casbah_model::secret::Secret;
use serde::Deserialize;

use super::key::Key;
use super::refusals::refused;
use crate::{ALGORITHM, CLIENT_ID, ENTERPRISE_ID};

/// Client secrets have 32 characters; anything much longer is something else.
const SECRET_CHARS_MAX: usize = 200;
/// A file with a key of 16,384 bits has 15 kB.
const FILE_BYTES_MAX: usize = 64 << 10;

/// An app on its way to a token.
pub(super) struct App {
    pub(super) id: String,
    pub(super) secret: Secret,
    /// Signs assertions; without it the secret alone is the credential.
    pub(super) key: Option<Key>,
}

/// The file as it is downloaded (developer guides, "JWT with SDKs"); apps without a key have one, too, with empty texts.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    box_app_settings: AppSettings,
    #[serde(default, rename = "enterpriseID")]
    enterprise_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AppSettings {
    #[serde(rename = "clientID")]
    client_id: String,
    client_secret: Hidden,
    #[serde(default)]
    app_auth: AppAuth,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct AppAuth {
    #[serde(rename = "publicKeyID")]
    public_key_id: String,
    private_key: Hidden,
    passphrase: Hidden,
}

/// A text that is wiped when it is dropped, also when the file is refused.
struct Hidden(Secret);

impl Default for Hidden {
    fn default() -> Hidden {
        Hidden(Secret::new(""))
    }
}

impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Hidden, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        Ok(Hidden(Secret::new(text.unwrap_or_default())))
    }
}

impl App {
    pub(super) fn read(session: &Session) -> Result<App, AuthError> {
        let text = session.secret().reveal().trim();
        if text.starts_with('{') {
            return file(session, text);
        }
        let is_secret = !text.is_empty()
            && text.len() <= SECRET_CHARS_MAX
            && text.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_secret {
            let what = match text.contains("-----BEGIN") {
                true => "the credential is a key alone, and Box wants the app's secret with it",
                false => {
                    "the credential is neither a client secret nor a configuration file of Box's"
                }
            };
            let fix = "enter the Client Secret of the app's Configuration page alone, or the whole JSON file that the \
                       page makes with a key";
            return Err(refused("credential", what.into(), fix));
        }
        let id = session.setting(CLIENT_ID);
        if id.is_empty() {
            let fix = "set client_id to the Client ID on the app's Configuration page in the Developer Console";
            return Err(refused("credential", "client_id is missing".into(), fix));
        }
        Ok(App {
            id: id.into(),
            secret: Secret::new(text),
            key: None,
        })
    }
}

fn file(session: &Session, text: &str) -> Result<App, AuthError> {
    let fix = "enter the JSON file that the app's Configuration page makes, as it was downloaded";
    let unusable = |what: &str| {
        let what = format!("the configuration file cannot be used: {what}");
        refused("credential", what, fix)
    };
    if text.len() > FILE_BYTES_MAX {
        return Err(unusable("it is too large"));
    }
    // What is wrong with it is not told: it would be a part of the file.
    let file: File = serde_json::from_str(text)
        .map_err(|_| unusable("it is not JSON, or the app's id or secret is missing"))?;
    let app = file.box_app_settings;
    let (entered, told) = (session.setting(CLIENT_ID), &app.client_id);
    if told.is_empty() || (!entered.is_empty() && entered != told) {
        return Err(unusable("it is of another app than client_id"));
    }
    // A file that was made outside of an enterprise has a zero there.
    let enterprise = file.enterprise_id.as_str();
    if !matches!(enterprise, "" | "0") && enterprise != session.setting(ENTERPRISE_ID) {
        return Err(unusable("it is of another enterprise than enterprise_id"));
    }
    if app.client_secret.0.reveal().is_empty() {
        return Err(unusable("the app's secret is empty"));
    }
    let auth = app.app_auth;
    let key = match auth.private_key.0.reveal().is_empty() {
        true => None,
        false => Some(Key::read(
            &auth.private_key.0,
            &auth.passphrase.0,
            &auth.public_key_id,
            session.setting(ALGORITHM),
        )?),
    };
    Ok(App {
        id: app.client_id,
        secret: app.client_secret.0,
        key,
    })
}
