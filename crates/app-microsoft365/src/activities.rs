//! The unified audit trail through the Management Activity API: five feeds of bundles, listed by the time at which
//! each became available.

mod deeds;
mod directory;
mod documents;
mod event;
mod findings;
mod mailboxes;
mod record;
mod teams;

use std::time::Duration;

use async_trait::async_trait;
use casbah_connector::{
    ActivityOutput, ActivitySource, ConnectorError, Feed, FeedState, RefusedRecord, Session,
};
use casbah_http::{Address, CallError, Piece, Records, Refusal};
use casbah_model::activity::{Activity, ContentRef};
use casbah_model::app::Component;
use casbah_model::connection::Cause;
use casbah_model::cursor::{Cursor, Window};
use casbah_model::event::Event;
use casbah_model::record::RecordId;
use casbah_model::transport::Method;
use casbah_model::{SignedDuration, Timestamp};
use serde::Deserialize;

use crate::dialect::AUDIT_OFF;
use crate::limits::Bucket;
use crate::wire::{ANSWER_BYTES_MAX, MANAGEMENT, get, lacks, moment_of, onward};
use crate::{PUBLISHER_ID, TENANT_ID};

pub(crate) struct AuditTrail;

/// Listings cover at most 24 h and reach back 7 days (Management Activity API reference, "List available content").
const WINDOW_MAX: Duration = Duration::from_hours(24);
const REACH: Duration = Duration::from_hours(7 * 24);

const FEEDS: &[Feed] = &[
    // Sign-ins and changes of the directory come in one feed, so it is read when either is chosen.
    Feed {
        components: &[Component::ManagementEvents, Component::SignInEvents],
        ..feed("Audit.AzureActiveDirectory", "aad")
    },
    feed("Audit.Exchange", "exchange"),
    feed("Audit.SharePoint", "sharepoint"),
    feed("Audit.General", "general"),
    feed(DLP, "dlp"),
];
const DLP: &str = "DLP.All";

const fn feed(id: &'static str, name: &'static str) -> Feed {
    Feed {
        id,
        name,
        components: &[Component::Activities],
        window_max: WINDOW_MAX,
        reach: REACH,
    }
}

/// The name of a feed in our streams, by the vendor's.
pub(crate) fn feed_name(id: &str) -> Option<&'static str> {
    let found = FEEDS.iter().find(|feed| feed.id.eq_ignore_ascii_case(id));
    found.map(|feed| feed.name)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Subscription {
    content_type: String,
    status: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    content_id: Option<String>,
    content_uri: String,
    content_created: String,
    content_expiration: Option<String>,
}

#[async_trait]
impl ActivitySource for AuditTrail {
    fn feeds(&self) -> &'static [Feed] {
        FEEDS
    }

    async fn start(
        &self,
        session: &Session,
        feeds: &[Feed],
    ) -> Result<Vec<(Feed, FeedState)>, ConnectorError> {
        let address = published(
            session,
            session.address(MANAGEMENT, &feed_path(session, "subscriptions/list"))?,
        );
        let listed = match session
            .send(&get(address, Bucket::Management, "list"))
            .await
        {
            Ok(answer) => answer.json::<Vec<Subscription>>(ANSWER_BYTES_MAX).await?,
            Err(error) => {
                let cause = refusal_of(&error).and_then(|refusal| refusal_cause(refusal, None));
                let Some(cause) = cause else {
                    return Err(error.into());
                };
                return Ok(feeds
                    .iter()
                    .map(|feed| (*feed, FeedState::Refused(cause.clone())))
                    .collect());
            }
        };
        // An item without a status is on (Management Activity API reference, "List current subscriptions", sample).
        let is_on = |feed: &Feed| {
            listed.iter().any(|subscription| {
                subscription.content_type.eq_ignore_ascii_case(feed.id)
                    && subscription
                        .status
                        .as_deref()
                        .is_none_or(|status| status.eq_ignore_ascii_case("enabled"))
            })
        };
        let mut states = Vec::with_capacity(feeds.len());
        for feed in feeds {
            let state = if is_on(feed) {
                FeedState::On
            } else {
                switch_on(session, feed).await?
            };
            states.push((*feed, state));
        }
        Ok(states)
    }

    async fn list(
        &self,
        session: &Session,
        feed: &Feed,
        window: Window,
        page: Option<&Cursor>,
        out: &mut Vec<ContentRef>,
    ) -> Result<Option<Cursor>, ConnectorError> {
        let called = match page {
            Some(link) => session.follow(MANAGEMENT, link.as_str())?,
            None => {
                let (from, to) = (second(window.from), second(window.to));
                let path = feed_path(session, "subscriptions/content");
                let query = format!(
                    "{path}?contentType={}&startTime={from}&endTime={to}",
                    feed.id
                );
                session.address(MANAGEMENT, &query)?
            }
        };
        let call = get(
            published(session, called.clone()),
            Bucket::Management,
            "content",
        );
        let answer = session
            .send(&call)
            .await
            .map_err(|error| explain(feed, error))?;
        // One text calls the header NextPageUrl ("Troubleshooting the Office 365 Management Activity API").
        let next = ["NextPageUri", "NextPageUrl"]
            .iter()
            .find_map(|name| answer.headers.get(name))
            .map(String::from);
        let mut records = Records::array(answer.body);
        while let Some(piece) = records.next().await? {
            let Piece::Record(raw) = piece else {
                return Err(ConnectorError::Unreadable {
                    source: "an item of a listing has megabytes".into(),
                });
            };
            out.push(content(raw)?);
        }
        let next = next.filter(|link| !link.trim().is_empty());
        next.map(|link| onward(session, MANAGEMENT, &called, link).map(Cursor::new))
            .transpose()
    }

    async fn read(
        &self,
        session: &Session,
        feed: &Feed,
        content: &ContentRef,
        out: &mut dyn ActivityOutput,
    ) -> Result<Option<ContentRef>, ConnectorError> {
        let address = published(session, session.follow(MANAGEMENT, &content.address)?);
        let answer = session
            .send(&get(address, Bucket::Management, "blob"))
            .await;
        let mut records = Records::array(answer.map_err(|error| explain(feed, error))?.body);
        while let Some(piece) = records.next().await? {
            match piece {
                Piece::Record(raw) => match event::read(raw) {
                    Ok((activity, event)) => out.record(activity, &event, raw).await?,
                    Err(reason) => out.refuse(RefusedRecord::whole(reason, raw)).await?,
                },
                Piece::Oversized { head, bytes } => {
                    out.refuse(RefusedRecord::too_large(head, bytes)).await?;
                }
            }
        }
        Ok(None)
    }

    fn record<'a>(&self, raw: &'a [u8]) -> Result<(Activity, Event<'a>), &'static str> {
        event::read(raw)
    }
}

/// Starts a feed. It is never stopped first: what becomes available in between would be lost for good (Management
/// Activity API reference, "Stop a subscription").
async fn switch_on(session: &Session, feed: &Feed) -> Result<FeedState, ConnectorError> {
    let path = format!(
        "{}?contentType={}",
        feed_path(session, "subscriptions/start"),
        feed.id
    );
    let address = published(session, session.address(MANAGEMENT, &path)?);
    let mut call = get(address, Bucket::Management, "start");
    call.method = Method::Post;
    let error = match session.send(&call).await {
        Ok(_) => return Ok(FeedState::Started),
        Err(error) => error,
    };
    let Some(refusal) = refusal_of(&error) else {
        return Err(error.into());
    };
    if refusal.code == "AF20024" {
        return Ok(FeedState::On);
    }
    match refusal_cause(refusal, Some(feed)) {
        Some(cause) => Ok(FeedState::Refused(cause)),
        None => Err(error.into()),
    }
}

/// A path of the tenant's feed.
pub(crate) fn feed_path(session: &Session, operation: &str) -> String {
    format!(
        "/api/v1.0/{}/activity/feed/{operation}",
        session.setting(TENANT_ID)
    )
}

/// Adds the publisher, for whom a quota is kept apart; without it, calls share one quota with everybody who does not
/// say who they are (Management Activity API reference, "API throttling"). Links of the vendor leave it out.
pub(crate) fn published(session: &Session, address: Address) -> Address {
    let entered = session.setting(PUBLISHER_ID);
    let publisher = if entered.is_empty() {
        session.setting(TENANT_ID)
    } else {
        entered
    };
    address.with_query("PublisherIdentifier", publisher)
}

/// Times as listings take them, in whole seconds. Both ends of a window are rounded down: windows that meet do so still,
/// and none gets longer than its limit.
fn second(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

fn content(raw: &[u8]) -> Result<ContentRef, ConnectorError> {
    let unreadable = |source: casbah_model::ports::BoxError| ConnectorError::Unreadable { source };
    let listed: Listed = serde_json::from_slice(raw).map_err(|error| unreadable(error.into()))?;
    let available = moment_of(&listed.content_created).ok_or_else(|| {
        unreadable("an item of a listing does not say when it became available".into())
    })?;
    // Content stays for 7 days ("List available content", "contentExpiration").
    let expires = listed.content_expiration.as_deref().and_then(moment_of);
    let expires = expires.unwrap_or(available + SignedDuration::from_hours(7 * 24));
    let id = listed
        .content_id
        .filter(|id| !id.is_empty())
        .unwrap_or_else(|| listed.content_uri.clone());
    Ok(ContentRef {
        id: RecordId::new(id),
        address: listed.content_uri,
        available,
        expires,
        not_before: None,
    })
}

fn refusal_of(error: &CallError) -> Option<&Refusal> {
    match error {
        CallError::Refused { refusal, .. } => Some(refusal),
        _ => None,
    }
}

fn explain(feed: &Feed, error: CallError) -> ConnectorError {
    let Some(refusal) = refusal_of(&error) else {
        return error.into();
    };
    if refusal.code == "AF20031" {
        return ConnectorError::PageExpired {
            code: refusal.code.clone(),
        };
    }
    match refusal_cause(refusal, Some(feed)) {
        Some(cause) if cause.code == "permission" || cause.code == "licence" => {
            ConnectorError::Forbidden { cause }
        }
        Some(cause) => ConnectorError::FeedOff { cause },
        None => error.into(),
    }
}

/// Refusals that somebody has to act on (Management Activity API reference, "Errors").
pub(crate) fn refusal_cause(refusal: &Refusal, feed: Option<&Feed>) -> Option<Cause> {
    let cause = |code, what: &str, fix: &str| {
        Some(Cause::new(code, format!("{what} ({})", refusal.code), fix))
    };
    match refusal.code.as_str() {
        "AF10001" => Some(lacks(&["ActivityFeed.Read"], "read the audit trail")),
        "AF20012" => cause(
            "licence",
            "the tenant has no licence that includes the audit trail",
            "assign a Microsoft 365 licence to at least one user",
        ),
        // An unlicensed DLP feed answers like a feed that was switched off, and only this one does.
        "AF20023" if feed.is_some_and(|feed| feed.id == DLP) => cause(
            "licence",
            "the feed of data loss prevention events is not available to this tenant",
            "nothing has to be done without such policies; otherwise check the licence and ActivityFeed.ReadDlp",
        ),
        "AF20023" | AUDIT_OFF => cause(
            "audit-off",
            "auditing is switched off in this tenant",
            "switch on auditing in the Microsoft Purview portal; it takes up to an hour to work",
        ),
        "AF20022" => cause(
            "feed-off",
            "the feed is not switched on",
            "run `casbah test`, which switches it on",
        ),
        "AF20010" | "AF20011" | "AF20013" => cause(
            "wrong-tenant",
            "the audit service does not know the tenant, or not for this credential",
            "check tenant_id, and the management endpoint if it is set",
        ),
        "AF20030" | "AF20055" => cause(
            "window-out-of-reach",
            "the time that was asked for lies outside of what can be listed",
            "check the clock of this machine; listings reach back 7 days",
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
