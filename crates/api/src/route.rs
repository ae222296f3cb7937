//! The table of contents: which method and path is answered by which handler.

use bytes::Bytes;
use casbah_pipeline::Context;
use http::{Method, Request};
use serde_json::{Map, Value};

use crate::body::{self, Need};
use crate::fields;
use crate::idempotency;
use crate::problem::{Code, Problem, shown};
use crate::query::{Plus, Query, decode};
use crate::reply::Reply;
use crate::request::Call;
use crate::{Caller, actions, connections, inventory, ledger, permissions, service, streams, work};

/// What can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Health,
    OpenApi,
    ExplainProblem,
    ListConnections,
    CreateConnection,
    ReadConnection,
    ChangeConnection,
    DeleteConnection,
    PauseConnection,
    ResumeConnection,
    DisconnectConnection,
    StartTest,
    ReadTest,
    StartScan,
    ReadProgress,
    ReadPermissions,
    ListStreams,
    AcceptSnapshot,
    ReadLedger,
    ReadLag,
    ListGaps,
    ListUsers,
    ListGroups,
    ListPrivileges,
    ListAppPermissions,
    ListFiles,
    AskForAction,
    ListActions,
    ReadAction,
    ListUnits,
    ApproveAction,
    RejectAction,
    UndoAction,
    StopActions,
    ResumeActions,
    ReadStop,
}

struct Route {
    method: Method,
    pattern: &'static str,
    /// Parameters of the query.
    query: &'static [&'static str],
    action: Action,
}

const fn route(
    method: Method,
    pattern: &'static str,
    query: &'static [&'static str],
    action: Action,
) -> Route {
    Route {
        method,
        pattern,
        query,
        action,
    }
}

const PAGED: &[&str] = &["limit", "next_token"];

#[rustfmt::skip]
static ROUTES: [Route; 36] = [
    route(Method::GET, "/v1/health", &[], Action::Health),
    route(Method::GET, "/v1/openapi.yaml", &[], Action::OpenApi),
    route(Method::GET, "/v1/problems/{code}", &[], Action::ExplainProblem),
    route(Method::GET, "/v1/connections", PAGED, Action::ListConnections),
    route(Method::POST, "/v1/connections", &[], Action::CreateConnection),
    route(Method::GET, "/v1/connections/{connection}", &[], Action::ReadConnection),
    route(Method::PATCH, "/v1/connections/{connection}", &[], Action::ChangeConnection),
    route(Method::DELETE, "/v1/connections/{connection}", &[], Action::DeleteConnection),
    route(Method::POST, "/v1/connections/{connection}/pause", &[], Action::PauseConnection),
    route(Method::POST, "/v1/connections/{connection}/resume", &[], Action::ResumeConnection),
    route(Method::POST, "/v1/connections/{connection}/disconnect", &[], Action::DisconnectConnection),
    route(Method::POST, "/v1/connections/{connection}/test", &[], Action::StartTest),
    route(Method::GET, "/v1/connections/{connection}/test", &[], Action::ReadTest),
    route(Method::POST, "/v1/connections/{connection}/scan", &[], Action::StartScan),
    route(Method::GET, "/v1/connections/{connection}/progress", &[], Action::ReadProgress),
    route(Method::GET, "/v1/connections/{connection}/permissions", &[], Action::ReadPermissions),
    route(Method::GET, "/v1/connections/{connection}/streams", PAGED, Action::ListStreams),
    route(Method::POST, "/v1/connections/{connection}/streams/{stream}/accept", &[], Action::AcceptSnapshot),
    route(Method::GET, "/v1/connections/{connection}/ledger", ledger::QUERY, Action::ReadLedger),
    route(Method::GET, "/v1/connections/{connection}/lag", &[], Action::ReadLag),
    route(Method::GET, "/v1/connections/{connection}/gaps", PAGED, Action::ListGaps),
    route(Method::GET, "/v1/connections/{connection}/users", inventory::USERS, Action::ListUsers),
    route(Method::GET, "/v1/connections/{connection}/groups", inventory::GROUPS, Action::ListGroups),
    route(Method::GET, "/v1/connections/{connection}/privileges", inventory::PRIVILEGES, Action::ListPrivileges),
    route(Method::GET, "/v1/connections/{connection}/app-permissions", inventory::APP_PERMISSIONS, Action::ListAppPermissions),
    route(Method::GET, "/v1/connections/{connection}/files", inventory::FILES, Action::ListFiles),
    route(Method::POST, "/v1/connections/{connection}/actions", &[], Action::AskForAction),
    route(Method::GET, "/v1/connections/{connection}/actions", PAGED, Action::ListActions),
    route(Method::GET, "/v1/connections/{connection}/actions/{action}", &[], Action::ReadAction),
    route(Method::GET, "/v1/connections/{connection}/actions/{action}/units", PAGED, Action::ListUnits),
    route(Method::POST, "/v1/connections/{connection}/actions/{action}/approve", &[], Action::ApproveAction),
    route(Method::POST, "/v1/connections/{connection}/actions/{action}/reject", &[], Action::RejectAction),
    route(Method::POST, "/v1/connections/{connection}/actions/{action}/undo", &[], Action::UndoAction),
    route(Method::POST, "/v1/actions/stop", &[], Action::StopActions),
    route(Method::GET, "/v1/actions/stop", &[], Action::ReadStop),
    route(Method::POST, "/v1/actions/resume", &[], Action::ResumeActions),
];

/// Every route with the parameters of its query, to compare with the document that describes them.
pub fn routes() -> impl Iterator<Item = (&'static Method, &'static str, &'static [&'static str])> {
    ROUTES
        .iter()
        .map(|route| (&route.method, route.pattern, route.query))
}

async fn act(call: &Call<'_>, action: Action) -> Result<Reply, Problem> {
    match action {
        Action::Health => service::health(call).await,
        Action::OpenApi => Ok(service::openapi()),
        Action::ExplainProblem => service::explain(call),
        Action::ListConnections => connections::list(call).await,
        Action::CreateConnection => connections::create(call).await,
        Action::ReadConnection => connections::read(call).await,
        Action::ChangeConnection => connections::change(call).await,
        Action::DeleteConnection => connections::delete(call).await,
        Action::PauseConnection => connections::pause(call).await,
        Action::ResumeConnection => connections::resume(call).await,
        Action::DisconnectConnection => connections::disconnect(call).await,
        Action::StartTest => work::start_test(call).await,
        Action::ReadTest => work::read_test(call).await,
        Action::StartScan => work::start_scan(call).await,
        Action::ReadProgress => work::progress(call).await,
        Action::ReadPermissions => permissions::read(call).await,
        Action::ListStreams => streams::list(call).await,
        Action::AcceptSnapshot => streams::accept(call).await,
        Action::ReadLedger => ledger::read(call).await,
        Action::ReadLag => streams::lag(call).await,
        Action::ListGaps => ledger::gaps(call).await,
        Action::ListUsers => inventory::users(call).await,
        Action::ListGroups => inventory::groups(call).await,
        Action::ListPrivileges => inventory::privileges(call).await,
        Action::ListAppPermissions => inventory::app_permissions(call).await,
        Action::ListFiles => inventory::files(call).await,
        Action::AskForAction => actions::ask(call).await,
        Action::ListActions => actions::list(call).await,
        Action::ReadAction => actions::read(call).await,
        Action::ListUnits => actions::units(call).await,
        Action::ApproveAction => actions::approve(call).await,
        Action::RejectAction => actions::reject(call).await,
        Action::UndoAction => actions::undo(call).await,
        Action::StopActions => actions::stop(call).await,
        Action::ResumeActions => actions::resume(call).await,
        Action::ReadStop => actions::read_stop(call).await,
    }
}

/// Finds the route, reads what was sent, and lets its handler answer; a POST is done once per key.
pub async fn answer(
    ctx: &Context,
    caller: &Caller,
    request: Request<Bytes>,
) -> Result<Reply, Problem> {
    let (parts, content) = request.into_parts();
    let path = parts.uri.path();
    let (route, parameters) = find(&parts.method, path)?;
    let call = Call {
        ctx,
        caller,
        path: path.into(),
        pattern: route.pattern,
        parameters: decoded(parameters)?,
        query: Query::read(parts.uri.query().unwrap_or(""), route.query)?,
        body: match route.method {
            // What a GET or DELETE carries means nothing (RFC 9110, 9.3.1 and 9.3.5).
            Method::GET | Method::DELETE => Value::Object(Map::new()),
            _ => {
                let need = need(route.action);
                let body = body::read(&parts.headers, &content, need)?;
                if need == Need::Nothing {
                    fields::refuse_any(&body)?;
                }
                body
            }
        },
        headers: parts.headers,
    };
    if route.pattern.contains("{connection}") {
        call.connection_id()?;
    }
    if route.method == Method::POST {
        let work = act(&call, route.action);
        idempotency::once(&call, &content, work).await
    } else {
        act(&call, route.action).await
    }
}

fn need(action: Action) -> Need {
    match action {
        Action::CreateConnection
        | Action::ChangeConnection
        | Action::StartScan
        | Action::AskForAction
        | Action::RejectAction
        | Action::UndoAction
        | Action::StopActions => Need::Fields,
        _ => Need::Nothing,
    }
}

type Parameters<'a> = Vec<(&'static str, &'a str)>;

fn find<'a>(method: &Method, path: &'a str) -> Result<(&'static Route, Parameters<'a>), Problem> {
    let matching: Vec<_> = ROUTES
        .iter()
        .filter_map(|route| Some((route, matched(route.pattern, path)?)))
        .collect();
    if matching.is_empty() {
        let detail = format!("there is nothing at {}", shown(path));
        return Err(Problem::new(Code::NoSuchPath, detail));
    }
    let known = matching.iter().map(|(route, _)| route.method.as_str());
    let allow = known.collect::<Vec<_>>().join(", ");
    let found = matching
        .into_iter()
        .find(|(route, _)| route.method == method);
    found.ok_or_else(|| {
        let detail = format!("this path takes {allow}");
        Problem::new(Code::MethodNotAllowed, detail).with_allow(allow)
    })
}

/// The parameters of a pattern that fits the path.
fn matched<'a>(pattern: &'static str, path: &'a str) -> Option<Parameters<'a>> {
    let (mut wanted, mut found) = (pattern.split('/'), path.split('/'));
    let mut parameters = vec![];
    loop {
        match (wanted.next(), found.next()) {
            (None, None) => return Some(parameters),
            (Some(wanted), Some(found)) => {
                let name = wanted
                    .strip_prefix('{')
                    .and_then(|rest| rest.strip_suffix('}'));
                match name {
                    Some(name) if !found.is_empty() => parameters.push((name, found)),
                    None if wanted == found => {}
                    _ => return None,
                }
            }
            _ => return None,
        }
    }
}

fn decoded(parameters: Parameters<'_>) -> Result<Vec<(&'static str, String)>, Problem> {
    parameters
        .into_iter()
        .map(|(name, value)| match decode(value, Plus::IsPlus) {
            Some(value) => Ok((name, value)),
            None => Err(Problem::field(Code::BadPath, name, "it is not UTF-8")),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_fits_paths_of_its_own_length_only() {
        let pattern = "/v1/connections/{connection}/test";
        let fits = |path| matched(pattern, path);
        assert_eq!(
            fits("/v1/connections/contoso/test"),
            Some(vec![("connection", "contoso")])
        );
        for path in [
            "/v1/connections//test",
            "/v1/connections/contoso/test/",
            "/v1/connections/contoso",
            "//v1/connections/contoso/test",
            "/v1/connections/a/b/test",
        ] {
            assert_eq!(fits(path), None, "{path}");
        }
    }

    #[test]
    fn another_method_is_answered_with_those_that_fit() {
        let refused = find(&Method::PUT, "/v1/connections/contoso").err();
        let refused = refused.expect("no PUT");
        let response = refused.into_response("");
        assert_eq!(response.headers()["allow"], "GET, PATCH, DELETE");
    }
}
