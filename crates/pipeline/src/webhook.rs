//! webhook: takes a vendor's notification and makes hints of it, never more: what is due sooner is all that changes.
//!
//! Anybody can send here. Who does not know the address of a connection learns nothing, not even whether there is a
//! connection of a name: an address ends in a token, and whatever is wrong with it gets the same answer at the same
//! cost. Who knows the address but not the secret gets that answer, too. The table keeps checksums of both, so a call
//! costs one read and no look at the secret store; replays and floods find that everything is due already.

mod limits;

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use casbah_connector::webhook::{Call, Hinted, HookKey, HookRefusal, Received};
use casbah_model::app::Component;
use casbah_model::connection::{Cause, ConnectionId, ConnectionState};
use casbah_model::ports::{SecretError, StoreError, Unit};
use casbah_model::record::hex;
use casbah_model::secret::Secret;
use casbah_model::state::{Change, Condition, Key, Write};
use casbah_model::{SignedDuration, Timestamp};
use http::{Request, Response, StatusCode};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::activity_poll::Level;
use crate::apps;
use crate::connect::find;
use crate::context::Context;
use crate::error::StageError;
use crate::file_hints;
use crate::file_scan::QUEUE;
use crate::hint::nudge;
use crate::items::{self, ConnectionItem, connection_key, hook_key};
use limits::Parts;

/// A feed is not nudged again within this (OneDrive developer documentation, "Best practices for discovering files and
/// detecting changes at scale": one pending job per drive, with a gap between them).
const FEED_AGAIN: SignedDuration = SignedDuration::from_secs(30);
/// Roots that one call makes due; what others changed is found by audit events and by the sweep.
const ROOTS_MAX: usize = 16;
/// Tries of a write of the hook's item against others.
const WRITE_TRIES_MAX: u32 = 4;
/// Hexadecimal digits of an address's token: 128 bits.
const TOKEN_DIGITS: usize = 32;

/// What a vendor is told to call, and the secret it is to show then.
pub struct HookAddress {
    /// Below the address of the API.
    pub path: String,
    /// `authId` of the Management Activity API, `clientState` of Microsoft Graph.
    pub auth_id: Secret,
}

/// How callers of a connection's webhook are known: checksums of secrets that are in the secret store.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct HookItem {
    v: u64,
    incarnation: u32,
    token_sha256: String,
    key_sha256: String,
    /// Epoch milliseconds at which each feed was nudged last, for as long as it matters.
    #[serde(default)]
    nudged: BTreeMap<String, i64>,
}

/// The name of a connection's webhook secret in the secret store; names of connections have no dots.
pub fn secret_name(id: &ConnectionId) -> String {
    format!("{id}.hook")
}

/// The address of a connection's webhook, made when it is first asked for; asking again mends what was left half done.
pub async fn address(ctx: &Context, id: &ConnectionId) -> Result<HookAddress, StageError> {
    let connection = find(ctx, id).await?;
    let connection = connection.ok_or_else(|| StageError::UnknownConnection {
        name: id.to_string(),
    })?;
    let what = match &connection.state {
        ConnectionState::Deleting => Some(format!("connection \"{id}\" is being deleted")),
        _ if apps::connector(connection.settings.app)
            .webhooks()
            .is_none() =>
        {
            Some(format!("{} has no webhooks", connection.settings.app))
        }
        _ => None,
    };
    if let Some(what) = what {
        let cause = Cause::new("webhook", what, "nothing has to be set up");
        return Err(StageError::Refused(cause));
    }
    let secret = secret(ctx, id).await?;
    let scope = connection.scope().to_string();
    let token = derived(&secret, &scope, "token")[..TOKEN_DIGITS].to_string();
    let auth_id = Secret::new(derived(&secret, &scope, "key"));
    let key = hook_key(id);
    for _ in 0..WRITE_TRIES_MAX {
        let found = ctx.state.get(std::slice::from_ref(&key)).await?;
        let known: HookItem = match found.first() {
            Some(Some(item)) => items::read(&key, item)?,
            _ => HookItem::default(),
        };
        let wanted = HookItem {
            v: known.v,
            incarnation: connection.incarnation,
            token_sha256: hex(&HookKey::digest(&token)),
            key_sha256: hex(&HookKey::digest(auth_id.reveal())),
            nudged: known.nudged.clone(),
        };
        if wanted == known || replace(ctx, &key, wanted).await? {
            let path = format!("/hooks/{id}.{token}");
            return Ok(HookAddress { path, auth_id });
        }
    }
    Err(StageError::Store(StoreError::Busy))
}

/// Removes the secret behind a webhook; its item goes with the connection.
pub(crate) async fn forget(ctx: &Context, id: &ConnectionId) -> Result<(), StageError> {
    match ctx.secrets.delete(&secret_name(id)).await {
        Ok(()) | Err(SecretError::NotFound { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The random value behind a webhook; of two that are made at one time the one that is stored counts.
async fn secret(ctx: &Context, id: &ConnectionId) -> Result<Secret, StageError> {
    let name = secret_name(id);
    match ctx.secrets.get(&name).await {
        Err(SecretError::NotFound { .. }) => {}
        found => return Ok(found?),
    }
    let made = Secret::new(hex(&ctx.rng.unguessable()));
    ctx.secrets.put(&name, &made).await?;
    Ok(ctx.secrets.get(&name).await?)
}

/// One secret for one purpose and one incarnation of a connection.
fn derived(secret: &Secret, scope: &str, purpose: &str) -> String {
    let text = Secret::new(format!("{}\n{scope}\n{purpose}", secret.reveal()));
    hex(&Sha256::digest(text.reveal().as_bytes()))
}

/// Writes the item as its next version; false when somebody else wrote first.
async fn replace(ctx: &Context, key: &Key, mut item: HookItem) -> Result<bool, StageError> {
    let condition = match item.v {
        0 => Condition::NotExists,
        version => Condition::Equal("v", version.into()),
    };
    item.v += 1;
    let write = Write {
        key: key.clone(),
        condition,
        change: Change::Put(items::write(&item)),
    };
    match ctx.state.write(write).await {
        Ok(_) => Ok(true),
        Err(StoreError::Refused { .. } | StoreError::Busy | StoreError::Unknown) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Answers a vendor's call to `/hooks/<addressed>`.
pub async fn receive(ctx: &Context, addressed: &str, request: Request<Bytes>) -> Response<Bytes> {
    let parts = match Parts::read(&request) {
        Ok(parts) => parts,
        Err(status) => return silent(status),
    };
    match take(ctx, addressed, &parts).await {
        Ok(Answered::Challenge(text)) if !text.is_empty() => text_answer(text),
        // The Management Activity API takes anything but 200 for a failure, Graph any success for one.
        Ok(Answered::Taken | Answered::Challenge(_)) => silent(StatusCode::OK),
        Ok(Answered::Malformed) => silent(StatusCode::BAD_REQUEST),
        Ok(Answered::Nobody) => {
            ctx.metrics.record("HooksRefused", Unit::Count, 1.0, &[]);
            silent(StatusCode::NOT_FOUND)
        }
        Err(error) => {
            tracing::warn!(error = %error.chain(), "a notification could not be taken");
            silent(StatusCode::SERVICE_UNAVAILABLE)
        }
    }
}

fn silent(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    response
}

/// What a stranger wrote goes back as text and as nothing else, whatever a browser makes of it.
fn text_answer(text: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(text));
    let headers = response.headers_mut();
    for (name, value) in [
        ("content-type", "text/plain; charset=utf-8"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "default-src 'none'; sandbox"),
        ("cache-control", "no-store"),
    ] {
        headers.insert(name, http::HeaderValue::from_static(value));
    }
    response
}

enum Answered {
    Challenge(String),
    Taken,
    Malformed,
    /// There is no such address, or whoever calls it does not know its secret.
    Nobody,
}

async fn take(ctx: &Context, addressed: &str, parts: &Parts) -> Result<Answered, StageError> {
    let Some((id, token)) = split(addressed) else {
        return Ok(Answered::Nobody);
    };
    let keys = [connection_key(&id), hook_key(&id)];
    let found = ctx.state.get(&keys).await?;
    let [Some(connection), Some(hook)] = &found[..] else {
        return Ok(Answered::Nobody);
    };
    let connection: ConnectionItem = items::read(&keys[0], connection)?;
    let hook: HookItem = items::read(&keys[1], hook)?;
    let is_addressed = hook.incarnation == connection.incarnation
        && key_of(&hook.token_sha256).is_some_and(|key| key.opens(token));
    if !is_addressed || connection.state.is_halted() {
        return Ok(Answered::Nobody);
    }
    let connector = apps::connector(connection.settings.app);
    let (Some(source), Some(key)) = (connector.webhooks(), key_of(&hook.key_sha256)) else {
        return Ok(Answered::Nobody);
    };
    let call = Call {
        query: &parts.query,
        content_type: &parts.content_type,
        headers: &parts.headers,
        body: &parts.body,
        settings: &connection.settings.app_settings,
    };
    match source.receive(&call, &key) {
        Received::Challenge { body } => Ok(Answered::Challenge(body)),
        Received::Refused(HookRefusal::Malformed) => Ok(Answered::Malformed),
        Received::Refused(HookRefusal::Stranger) => {
            tracing::warn!(connection = %id, "somebody who does not know the secret called a webhook");
            Ok(Answered::Nobody)
        }
        Received::Hints { hinted, strangers } => {
            if strangers > 0 {
                tracing::warn!(connection = %id, strangers, "notifications without the secret were left out");
            }
            follow(ctx, &connection, hook, &hinted).await?;
            Ok(Answered::Taken)
        }
    }
}

fn split(addressed: &str) -> Option<(ConnectionId, &str)> {
    let (name, token) = addressed.split_once('.')?;
    let is_token = token.len() == TOKEN_DIGITS && token.bytes().all(|b| b.is_ascii_hexdigit());
    Some((name.parse().ok().filter(|_| is_token)?, token))
}

fn key_of(sha256: &str) -> Option<HookKey> {
    let mut digest = [0; 32];
    if sha256.len() != 2 * digest.len() || !sha256.is_ascii() {
        return None;
    }
    for (at, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&sha256[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(HookKey::new(digest))
}

/// Makes due what was hinted at, unless it is due already.
///
/// A flood costs the read above, one more of the roots, and in each half minute one write of this item, one per feed,
/// one per root and one of a lane.
async fn follow(
    ctx: &Context,
    connection: &ConnectionItem,
    hook: HookItem,
    hinted: &BTreeSet<Hinted>,
) -> Result<(), StageError> {
    // Of a connection that failed nothing is read until its test succeeds, which wakes everything.
    if matches!(connection.state, ConnectionState::Failed { .. }) {
        return Ok(());
    }
    let scope = connection.scope();
    for feed in claim_feeds(ctx, connection, hook, hinted).await? {
        let name = format!("{}-{feed}", Level::Live.name());
        nudge(ctx, &scope.stream(&name)).await?;
    }
    let roots = hinted.iter().filter_map(|hinted| match hinted {
        Hinted::Root(id) => Some(scope.unit(QUEUE, id)),
        Hinted::Feed(_) => None,
    });
    if connection.settings.components.has(Component::Files) {
        let roots: Vec<Key> = roots.take(ROOTS_MAX).collect();
        file_hints::look_at(ctx, &scope, &roots).await?;
    }
    Ok(())
}

/// The feeds that were not nudged lately, noted as nudged now; what somebody else has just noted is theirs.
async fn claim_feeds(
    ctx: &Context,
    connection: &ConnectionItem,
    mut hook: HookItem,
    hinted: &BTreeSet<Hinted>,
) -> Result<Vec<&'static str>, StageError> {
    let now = ctx.now();
    let source = apps::connector(connection.settings.app).activities();
    let known = source.map(|source| source.feeds()).unwrap_or_default();
    let is_chosen = |name: &str| {
        known.iter().any(|feed| {
            feed.name == name && connection.settings.components.has_any(feed.components)
        })
    };
    let is_old = |at: &i64| !is_recent(*at, now);
    let feeds: Vec<&'static str> = hinted
        .iter()
        .filter_map(|hinted| match hinted {
            Hinted::Feed(name) => Some(*name),
            Hinted::Root(_) => None,
        })
        .filter(|name| is_chosen(name) && hook.nudged.get(*name).is_none_or(is_old))
        .collect();
    if feeds.is_empty() {
        return Ok(feeds);
    }
    hook.nudged.retain(|_, at| is_recent(*at, now));
    for feed in &feeds {
        hook.nudged.insert((*feed).into(), now.as_millisecond());
    }
    match replace(ctx, &hook_key(&connection.settings.id), hook).await? {
        true => Ok(feeds),
        false => Ok(vec![]),
    }
}

/// Times that are ahead of ours are of a clock that is wrong, and must not silence a feed for long.
fn is_recent(at: i64, now: Timestamp) -> bool {
    let since = now.as_millisecond() - at;
    since.unsigned_abs() < FEED_AGAIN.as_millis().unsigned_abs() as u64
}
