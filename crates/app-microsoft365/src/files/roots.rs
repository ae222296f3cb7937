//! Where files live: all sites, personal ones included, and the drives of each.

use casbah_connector::{ConnectorError, Session};
use casbah_http::{CallError, Piece, Records, RefusalKind};
use casbah_model::cursor::Cursor;
use casbah_model::file::{Root, Sharing};
use futures::StreamExt;
use serde::{Deserialize, Serialize};

use super::{LOCKED, root_id};
use crate::limits::Bucket;
use crate::wire::{ANSWER_BYTES_MAX, GRAPH, Links, get, lacks, onward, segment};

/// Sites whose drives one call lists: with the page of sites itself some ten calls.
const SITES_PER_CALL: usize = 9;
const IN_FLIGHT: usize = 3;
/// Pages of drives of one site; a page holds a hundred and more.
const DRIVE_PAGES_MAX: usize = 50;

/// A page of sites, and the last site on it that is done. Sites are found again by id, not by number, because a page
/// may have changed until it is read again; a site that is gone by then means that the page is begun anew.
#[derive(Default, Deserialize, Serialize)]
struct Place {
    #[serde(skip_serializing_if = "Option::is_none")]
    sites: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<String>,
}

#[derive(Deserialize)]
struct Site {
    id: String,
}

#[derive(Deserialize)]
struct DrivePage {
    #[serde(default)]
    value: Vec<Drive>,
    #[serde(flatten)]
    links: Links,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Drive {
    id: Option<String>,
    drive_type: Option<String>,
    web_url: Option<String>,
}

pub(super) async fn page(
    session: &Session,
    cursor: Option<&Cursor>,
    out: &mut Vec<Root>,
) -> Result<Option<Cursor>, ConnectorError> {
    let place: Place = match cursor {
        None => Place::default(),
        Some(cursor) => {
            serde_json::from_str(cursor.as_str()).map_err(|_| ConnectorError::CursorExpired {
                code: "unreadable cursor".into(),
                resume: None,
            })?
        }
    };
    let (sites, next) = sites(session, place.sites.as_deref()).await?;
    let done = place
        .after
        .and_then(|after| sites.iter().position(|site| *site == after))
        .map_or(0, |at| at + 1);
    let batch = &sites[done..sites.len().min(done + SITES_PER_CALL)];
    let asked = batch
        .iter()
        .cloned()
        .map(|site| async move { drives(session, &site).await });
    let mut answers = futures::stream::iter(asked).buffered(IN_FLIGHT);
    let mut listed = 0;
    while let Some(answer) = answers.next().await {
        match answer {
            Ok(roots) => out.extend(roots),
            // Sites before this one are done; the call that starts with it reports an error that lasts.
            Err(_) if listed > 0 => break,
            Err(error) => return Err(error),
        }
        listed += 1;
    }
    let place = match sites.get(done + listed) {
        Some(_) => Place {
            sites: place.sites,
            after: sites.get(done + listed - 1).cloned(),
        },
        None => match next {
            Some(next) => Place {
                sites: Some(next),
                after: None,
            },
            None => return Ok(None),
        },
    };
    let text = serde_json::to_string(&place).map_err(|error| ConnectorError::Unexpected {
        source: error.into(),
    })?;
    Ok(Some(Cursor::new(text)))
}

/// One page of the ids of all sites, and the link to the next ("site: getAllSites").
async fn sites(
    session: &Session,
    link: Option<&str>,
) -> Result<(Vec<String>, Option<String>), ConnectorError> {
    let address = match link {
        Some(link) => session.follow(GRAPH, link)?,
        None => session.address(
            GRAPH,
            "/v1.0/sites/getAllSites?$select=id,isPersonalSite,webUrl",
        )?,
    };
    let call = get(address, Bucket::Files, "list");
    let answer = session.send(&call).await.map_err(|error| match error {
        CallError::Refused { refusal, .. } if refusal.kind == RefusalKind::Forbidden => {
            ConnectorError::Forbidden {
                cause: lacks(&["Sites.Read.All"], "list sites"),
            }
        }
        // A listing of sites is not kept for long; it starts anew.
        CallError::Refused { refusal, .. }
            if link.is_some() && refusal.kind == RefusalKind::Gone =>
        {
            ConnectorError::CursorExpired {
                code: refusal.code,
                resume: None,
            }
        }
        error => error.into(),
    })?;
    let mut records = Records::member(answer.body, "value");
    let mut ids = Vec::new();
    while let Some(piece) = records.next().await? {
        let Piece::Record(raw) = piece else {
            return Err(ConnectorError::Unreadable {
                source: "a site has megabytes".into(),
            });
        };
        let site: Site =
            serde_json::from_slice(raw).map_err(|error| ConnectorError::Unreadable {
                source: error.into(),
            })?;
        ids.push(site.id);
    }
    let next = Links::read(records.envelope())?.next;
    let next = next
        .map(|next| onward(session, GRAPH, &call.address, next))
        .transpose()?;
    Ok((ids, next))
}

/// The drives of a site; none when the site is gone, locked, or has not been provisioned.
async fn drives(session: &Session, site: &str) -> Result<Vec<Root>, ConnectorError> {
    let path = format!(
        "/v1.0/sites/{}/drives?$select=id,name,driveType,webUrl",
        segment(site)?
    );
    let mut address = session.address(GRAPH, &path)?;
    let mut roots = Vec::new();
    for _ in 0..DRIVE_PAGES_MAX {
        let call = get(address, Bucket::Files, "list");
        let page: DrivePage = match session.send(&call).await {
            Ok(answer) => answer.json(ANSWER_BYTES_MAX).await?,
            Err(CallError::Refused { refusal, .. })
                if refusal.kind == RefusalKind::NotFound || refusal.status == LOCKED =>
            {
                return Ok(Vec::new());
            }
            Err(CallError::Refused { refusal, .. }) if refusal.kind == RefusalKind::Forbidden => {
                return Err(ConnectorError::Forbidden {
                    cause: lacks(&["Files.Read.All"], "list libraries"),
                });
            }
            Err(error) => return Err(error.into()),
        };
        for drive in page.value {
            roots.push(root(drive)?);
        }
        let Some(next) = page.links.next else {
            return Ok(roots);
        };
        let next = onward(session, GRAPH, &call.address, next)?;
        address = session.follow(GRAPH, &next)?;
    }
    Err(ConnectorError::BadLink {
        what: format!("the drives of a site have more than {DRIVE_PAGES_MAX} pages"),
    })
}

fn root(drive: Drive) -> Result<Root, ConnectorError> {
    let id = drive.id.filter(|id| !id.is_empty());
    let id = id.ok_or_else(|| ConnectorError::Unreadable {
        source: "a drive has no id".into(),
    })?;
    // What lies in a library is visible to the owners of its site at least; a personal drive is its owner's.
    let unshared = match drive.drive_type.as_deref() {
        Some("personal" | "business") => Sharing::Private,
        _ => Sharing::Internal,
    };
    Ok(Root {
        id: root_id(&id),
        address: drive.web_url.unwrap_or_default(),
        unshared,
    })
}
