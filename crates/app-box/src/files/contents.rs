//! What files hold, fetched as the user in whose tree they are.

use async_trait::async_trait;
use casbah_connector::{
    ConnectorError, ContentSource, Download, Holding, Session, Withheld, segment,
};
use casbah_http::{CallError, Fetched, RefusalKind};
use casbah_model::file::Root;

use super::calls::as_user;
use super::fields::Fields;
use super::item::Kind;
use crate::wire::API;

pub(crate) struct Contents;

/// Downloads are handed out here, for a quarter of an hour (OpenAPI, "Download file").
const HOSTS: [&str; 2] = ["dl.boxcloud.com", ".boxcloud.com"];

#[async_trait]
impl ContentSource for Contents {
    fn holding(&self, record: &[u8]) -> Result<Option<Holding>, &'static str> {
        let fields = Fields::read(record)?;
        if fields.text("type").as_deref() != Some(Kind::File.name()) {
            return Ok(None);
        }
        let item = fields.id("id").ok_or("no-id")?.to_string();
        let text = |name: &str| fields.text(name).unwrap_or_default().into_owned();
        let version = fields
            .object("file_version")
            .and_then(|version| version.id("id"));
        let digest = fields.text("sha1").filter(|digest| !digest.is_empty());
        Ok(Some(Holding {
            item,
            name: text("name"),
            size: fields.number("size").unwrap_or(0),
            digest: digest.map(|digest| format!("sha1:{}", digest.to_lowercase())),
            version: version.map_or_else(|| text("etag"), |id| id.to_string()),
            kept_back: None,
        }))
    }

    /// Of the version that was listed, whose bytes never change.
    async fn download(
        &self,
        session: &Session,
        root: &Root,
        holding: &Holding,
        bytes_max: u64,
    ) -> Result<Download, ConnectorError> {
        let (item, version) = (
            segment(&holding.item, b"")?,
            segment(&holding.version, b"")?,
        );
        // An etag is no version to ask for; then it is the newest.
        let asked = match version.len() {
            // Ids of versions are as long as those of files, etags count the changes of one.
            length if length > 6 => format!("?version={version}"),
            _ => String::new(),
        };
        let call = as_user(session, root, &format!("/files/{item}/content{asked}"))?;
        match session.fetch(&call, API, &HOSTS, bytes_max).await {
            Ok(Fetched::Bytes(bytes)) if bytes.len() as u64 == holding.size => {
                Ok(Download::Bytes(bytes))
            }
            Ok(Fetched::Bytes(_)) => Ok(Download::Withheld(Withheld::new("changed", None))),
            Ok(Fetched::TooLarge) => Ok(Download::Withheld(Withheld::new("too-large", None))),
            Err(error) => refused(error),
        }
    }
}

fn refused(error: CallError) -> Result<Download, ConnectorError> {
    let CallError::Refused { refusal, .. } = &error else {
        return Err(error.into());
    };
    let (code, fix) = match refusal.kind {
        RefusalKind::NotFound | RefusalKind::Gone => ("gone", None),
        RefusalKind::Forbidden if refusal.code == "forbidden_by_policy" => (
            "forbidden_by_policy",
            Some(
                "a policy of Box Shield or a classification keeps it from being downloaded; except the app from it",
            ),
        ),
        RefusalKind::Forbidden => (
            "access-denied",
            Some(
                "give the app root_readonly in the Developer Console and authorize it again in the Admin Console",
            ),
        ),
        _ => return Err(error.into()),
    };
    Ok(Download::Withheld(Withheld::new(code, fix)))
}
