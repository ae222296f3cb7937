//! What a connection holds: users, groups, privileges, app permissions and files, from the last complete pass.

use casbah_model::connection::ConnectionState;
use casbah_model::file::Sharing;
use casbah_pipeline::StageError;
use casbah_pipeline::view::{self, Answer, Collection, Filter, Kind, Question, Status};
use http::StatusCode;
use serde_json::{Value, json};

use crate::connections::wrong_state;
use crate::paging::{LIMIT_MAX, Page, bad_token, fits};
use crate::problem::{Code, Problem};
use crate::reply::Reply;
use crate::request::Call;

pub const USERS: &[&str] = &["id", "kind", "query", "status", "limit", "next_token"];
pub const GROUPS: &[&str] = &["id", "kind", "query", "limit", "next_token"];
pub const PRIVILEGES: &[&str] = &[
    "holder",
    "id",
    "kind",
    "privileged",
    "query",
    "limit",
    "next_token",
];
pub const APP_PERMISSIONS: &[&str] = &[
    "holder",
    "id",
    "kind",
    "query",
    "risk",
    "limit",
    "next_token",
];
pub const FILES: &[&str] = &[
    "id",
    "kind",
    "query",
    "root",
    "sharing",
    "limit",
    "next_token",
];

/// Names and addresses are shorter.
const QUERY_CHARS_MAX: usize = 200;
/// Ids of files hold the id of their root.
const ID_CHARS_MAX: usize = 500;
/// A large view takes some seconds to be built.
const BUILDING_AGAIN_S: &str = "3";

pub async fn users(call: &Call<'_>) -> Result<Reply, Problem> {
    list(call, Collection::Users).await
}

pub async fn groups(call: &Call<'_>) -> Result<Reply, Problem> {
    list(call, Collection::Groups).await
}

pub async fn privileges(call: &Call<'_>) -> Result<Reply, Problem> {
    list(call, Collection::Privileges).await
}

pub async fn app_permissions(call: &Call<'_>) -> Result<Reply, Problem> {
    list(call, Collection::AppPermissions).await
}

pub async fn files(call: &Call<'_>) -> Result<Reply, Problem> {
    list(call, Collection::Files).await
}

async fn list(call: &Call<'_>, collection: Collection) -> Result<Reply, Problem> {
    let connection = call.connection().await?;
    if connection.state == ConnectionState::Deleting {
        return Err(wrong_state(&connection, "is being deleted"));
    }
    let page = Page::of(call, &connection.scope().to_string())?;
    let filter = filter(call, collection)?;
    let mut limit = page.limit.min(LIMIT_MAX).min(view::LIMIT_MAX);
    loop {
        let question = Question {
            collection,
            filter: filter.clone(),
            after: page.after.clone(),
            limit,
        };
        let answer = view::page(call.ctx, &connection, &question).await;
        let reply = match answer.map_err(refused)? {
            Answer::Ready {
                items,
                next,
                lacking,
            } => ready(&page, &items, next, &lacking),
            Answer::Building { since, next } => building(call, &page, since, next),
            Answer::Unknown => {
                let detail = format!("no complete list of {collection} has been read yet");
                let problem = Problem::new(Code::NotYetScanned, detail);
                return Err(problem.with_connector(connection.settings.app));
            }
        };
        // Few large things, such as files with thousands of readers, make a page of fewer.
        if fits(&reply) || limit == 1 {
            return Ok(reply);
        }
        limit = limit.div_ceil(4);
    }
}

fn ready(page: &Page, items: &[Value], next: Option<String>, lacking: &[String]) -> Reply {
    let mut document = json!({ "items": items, "lacking": lacking });
    if let Some(next) = next {
        document["next_token"] = page.token(next).into();
    }
    Reply::ok(&document)
}

fn building(call: &Call<'_>, page: &Page, since: casbah_model::Timestamp, next: String) -> Reply {
    let token = page.token(next);
    let filters = call
        .query
        .filters()
        .map(|(name, value)| format!("{name}={}&", encoded(value)));
    let filters: String = filters.collect();
    let limit = page.limit;
    let location = format!("{}?{filters}limit={limit}&next_token={token}", call.path);
    let document = json!({ "status": "building", "since": since, "next_token": token });
    Reply::json(StatusCode::ACCEPTED, &document)
        .with("location", &location)
        .with("retry-after", BUILDING_AGAIN_S)
}

fn encoded(value: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let each = value.bytes().map(|byte| match is_plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    });
    each.collect()
}

fn filter(call: &Call<'_>, collection: Collection) -> Result<Filter, Problem> {
    let query = &call.query;
    let words = |yes_no: &'static str| query.one_of(yes_no, &[("true", true), ("false", false)]);
    let kinds: Vec<_> = view::kinds(collection)
        .iter()
        .map(|kind| (kind.name(), *kind))
        .collect();
    let statuses = Status::ALL.map(|status| (status.name(), status));
    let classes = Sharing::ALL.map(|sharing| (sharing.name(), sharing));
    let text = |name, chars_max| {
        query
            .text(name, chars_max)
            .map(|text| text.map(String::from))
    };
    let kind: Option<Kind> = query.one_of("kind", &kinds)?;
    Ok(Filter {
        status: query.one_of("status", &statuses)?,
        kind,
        query: text("query", QUERY_CHARS_MAX)?,
        id: text("id", ID_CHARS_MAX)?,
        privileged: words("privileged")?,
        holder: text("holder", ID_CHARS_MAX)?,
        risk: words("risk")?,
        sharing: query.one_of("sharing", &classes)?,
        root: text("root", ID_CHARS_MAX)?,
    })
}

fn refused(error: StageError) -> Problem {
    match error {
        StageError::Refused(cause) if cause.code == "token" => bad_token(),
        StageError::Refused(cause) if cause.code == "filter" => {
            Problem::field(Code::BadParameter, "query", cause.to_string())
        }
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_filter_of_a_collection_is_a_parameter_and_no_other_is() {
        let rows = [
            (Collection::Users, USERS),
            (Collection::Groups, GROUPS),
            (Collection::Privileges, PRIVILEGES),
            (Collection::AppPermissions, APP_PERMISSIONS),
            (Collection::Files, FILES),
        ];
        for (collection, parameters) in rows {
            let filters = &parameters[..parameters.len() - 2];
            assert_eq!(filters, view::filters(collection), "{collection}");
        }
    }
}
