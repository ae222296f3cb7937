//! What files hold, fetched from the address that Microsoft Graph hands out for some minutes.

use async_trait::async_trait;
use casbah_connector::{ConnectorError, ContentSource, Download, Holding, Session, Withheld};
use casbah_http::{CallError, Fetched, RefusalKind};
use casbah_model::file::Root;
use serde::Deserialize;

use super::LOCKED;
use super::quick_xor::quick_xor;
use crate::limits::Bucket;
use crate::wire::{Field, GRAPH, get, record, segment, text};

pub(crate) struct Contents;

/// Where files are handed out, in every cloud ("driveItem: content"; Microsoft 365 endpoints, "SharePoint Online").
const HOSTS: [&str; 4] = [
    ".sharepoint.com",
    ".sharepoint.us",
    ".sharepoint-mil.us",
    ".sharepoint.cn",
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    #[serde(borrow)]
    id: Field<'a>,
    #[serde(borrow)]
    name: Field<'a>,
    #[serde(borrow)]
    size: Field<'a>,
    #[serde(borrow)]
    file: Field<'a>,
    #[serde(borrow)]
    malware: Field<'a>,
    #[serde(borrow)]
    e_tag: Field<'a>,
    #[serde(borrow)]
    c_tag: Field<'a>,
}

#[derive(Deserialize)]
struct FileFacet<'a> {
    #[serde(borrow)]
    hashes: Option<Hashes<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Hashes<'a> {
    #[serde(borrow)]
    quick_xor_hash: Field<'a>,
}

const QUICK_XOR: &str = "quickXorHash:";

#[async_trait]
impl ContentSource for Contents {
    fn holding(&self, raw: &[u8]) -> Result<Option<Holding>, &'static str> {
        let mut once = String::new();
        let wire: Wire<'_> = record(raw, &mut once)?;
        // Folders and notebooks have no bytes of their own.
        let Some(file) = wire.file else {
            return Ok(None);
        };
        let item = text(wire.id).filter(|id| !id.is_empty()).ok_or("no-id")?;
        let file: Option<FileFacet<'_>> = serde_json::from_str(file.get()).ok();
        let hash = file.and_then(|file| file.hashes?.quick_xor_hash);
        let hash = text(hash).filter(|hash| !hash.is_empty());
        // A delta of a drive leaves the tag of the content out ("driveItem: delta").
        let version = text(wire.c_tag).or(text(wire.e_tag));
        let malware = || {
            Withheld::new(
                "malware",
                Some(
                    "Microsoft found malware in it and hands it out to nobody; delete it or release it in the portal",
                ),
            )
        };
        Ok(Some(Holding {
            item: item.into(),
            name: text(wire.name).unwrap_or_default().into(),
            size: wire
                .size
                .and_then(|size| size.get().parse().ok())
                .unwrap_or(0),
            digest: hash.map(|hash| format!("{QUICK_XOR}{hash}")),
            version: version.unwrap_or_default().into(),
            kept_back: wire.malware.map(|_| malware()),
        }))
    }

    async fn download(
        &self,
        session: &Session,
        root: &Root,
        holding: &Holding,
        bytes_max: u64,
    ) -> Result<Download, ConnectorError> {
        let (drive, item) = (segment(root.id.as_str())?, segment(&holding.item)?);
        let path = format!("/v1.0/drives/{drive}/items/{item}/content");
        let call = get(session.address(GRAPH, &path)?, Bucket::Files, "item");
        match session.fetch(&call, GRAPH, &HOSTS, bytes_max).await {
            Ok(Fetched::Bytes(bytes)) if is_that(holding, &bytes) => Ok(Download::Bytes(bytes)),
            Ok(Fetched::Bytes(_)) => Ok(Download::Withheld(Withheld::new("changed", None))),
            Ok(Fetched::TooLarge) => Ok(Download::Withheld(Withheld::new("too-large", None))),
            Err(error) => refused(error),
        }
    }
}

/// Whether these are the bytes that were listed.
fn is_that(holding: &Holding, bytes: &[u8]) -> bool {
    let told = holding
        .digest
        .as_deref()
        .and_then(|digest| digest.strip_prefix(QUICK_XOR));
    match told {
        Some(told) => quick_xor(bytes) == told,
        None => bytes.len() as u64 == holding.size,
    }
}

fn refused(error: CallError) -> Result<Download, ConnectorError> {
    let CallError::Refused { refusal, .. } = &error else {
        return Err(error.into());
    };
    let withheld = match (refusal.kind, refusal.status) {
        _ if refusal.code == "malwareDetected" => Withheld::new(
            "malware",
            Some("Microsoft found malware in it; delete it or release it in the portal"),
        ),
        (RefusalKind::NotFound | RefusalKind::Gone, _) => Withheld::new("gone", None),
        (_, LOCKED) => Withheld::new(
            "locked",
            Some("it is tried again when the file or its listing changes"),
        ),
        (RefusalKind::Forbidden, _) => Withheld::new(
            "access-denied",
            Some(
                "grant Files.Read.All as an application permission, and look whether the site restricts access",
            ),
        ),
        _ => return Err(error.into()),
    };
    Ok(Download::Withheld(withheld))
}
