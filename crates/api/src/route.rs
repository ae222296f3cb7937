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
enum Handler {
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
    CancelAction,
    StopActions,
    ResumeActions,
    ReadStop,
}

struct Route {
    method: Method,
    pattern: &'static str,
    /// Parameters of the query.
    query: &'static [&'static str],
    action: Handler,
}

const fn route(
    method: Method,
    pattern: &'static str,
    query: &'static [&'static str],
    action: Handler,
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
static ROUTES: [Route; 37] = [
    route(Method::GET, "/v1/health", &[], Handler::Health),
    route(Method::GET, "/v1/openapi.yaml", &[], Handler::OpenApi),
    route(Method::GET, "/v1/problems/{code}", &[], Handler::ExplainProblem),
    route(Method::GET, "/v1/connections", PAGED, Handler::ListConnections),
    route(Method::POST, "/v1/connections", &[], Handler::CreateConnection),
    route(Method::GET, "/v1/connections/{connection}", &[], Handler::ReadConnection),
    route(Method::PATCH, "/v1/connections/{connection}", &[], Handler::ChangeConnection),
    route(Method::DELETE, "/v1/connections/{connection}", &[], Handler::DeleteConnection),
    route(Method::POST, "/v1/connections/{connection}/pause", &[], Handler::PauseConnection),
    route(Method::POST, "/v1/connections/{connection}/resume", &[], Handler::ResumeConnection),
    route(Method::POST, "/v1/connections/{connection}/disconnect", &[], Handler::DisconnectConnection),
    route(Method::POST, "/v1/connections/{connection}/test", &[], Handler::StartTest),
    route(Method::GET, "/v1/connections/{connection}/test", &[], Handler::ReadTest),
    route(Method::POST, "/v1/connections/{connection}/scan", &[], Handler::StartScan),
    route(Method::GET, "/v1/connections/{connection}/progress", &[], Handler::ReadProgress),
    route(Method::GET, "/v1/connections/{connection}/permissions", &[], Handler::ReadPermissions),
    route(Method::GET, "/v1/connections/{connection}/streams", PAGED, Handler::ListStreams),
    route(Method::POST, "/v1/connections/{connection}/streams/{stream}/accept", &[], Handler::AcceptSnapshot),
    route(Method::GET, "/v1/connections/{connection}/ledger", ledger::QUERY, Handler::ReadLedger),
    route(Method::GET, "/v1/connections/{connection}/lag", &[], Handler::ReadLag),
    route(Method::GET, "/v1/connections/{connection}/gaps", PAGED, Handler::ListGaps),
    route(Method::GET, "/v1/connections/{connection}/users", inventory::USERS, Handler::ListUsers),
    route(Method::GET, "/v1/connections/{connection}/groups", inventory::GROUPS, Handler::ListGroups),
    route(Method::GET, "/v1/connections/{connection}/privileges", inventory::PRIVILEGES, Handler::ListPrivileges),
    route(Method::GET, "/v1/connections/{connection}/app-permissions", inventory::APP_PERMISSIONS, Handler::ListAppPermissions),
    route(Method::GET, "/v1/connections/{connection}/files", inventory::FILES, Handler::ListFiles),
    route(Method::POST, "/v1/connections/{connection}/actions", &[], Handler::AskForAction),
    route(Method::GET, "/v1/connections/{connection}/actions", PAGED, Handler::ListActions),
    route(Method::GET, "/v1/connections/{connection}/actions/{action}", &[], Handler::ReadAction),
    route(Method::GET, "/v1/connections/{connection}/actions/{action}/units", PAGED, Handler::ListUnits),
    route(Method::POST, "/v1/connections/{connection}/actions/{action}/approve", &[], Handler::ApproveAction),
    route(Method::POST, "/v1/connections/{connection}/actions/{action}/reject", &[], Handler::RejectAction),
    route(Method::POST, "/v1/connections/{connection}/actions/{action}/undo", &[], Handler::UndoAction),
    route(Method::POST, "/v1/connections/{connection}/actions/{action}/cancel", &[], Handler::CancelAction),
    route(Method::POST, "/v1/actions/stop", &[], Handler::StopActions),
    route(Method::GET, "/v1/actions/stop", &[], Handler::ReadStop),
    route(Method::POST, "/v1/actions/resume", &[], Handler::ResumeActions),
];

/// Every route with the parameters of its query, to compare with the document that describes them.
pub fn routes() -> impl Iterator<Item = (&'static Method, &'static str, &'static [&'static str])> {
    ROUTES
        .iter()
        .map(|route| (&route.method, route.pattern, route.query))
}

async fn act(call: &Call<'_>, action: Handler) -> Result<Reply, Problem> {
    match action {
        Handler::Health => service::health(call).await,
        Handler::OpenApi => Ok(service::openapi()),
        Handler::ExplainProblem => service::explain(call),
        Handler::ListConnections => connections::list(call).await,
        Handler::CreateConnection => connections::create(call).await,
        Handler::ReadConnection => connections::read(call).await,
        Handler::ChangeConnection => connections::change(call).await,
        Handler::DeleteConnection => connections::delete(call).await,
        Handler::PauseConnection => connections::pause(call).await,
        Handler::ResumeConnection => connections::resume(call).await,
        Handler::DisconnectConnection => connections::disconnect(call).await,
        Handler::StartTest => work::start_test(call).await,
        Handler::ReadTest => work::read_test(call).await,
        Handler::StartScan => work::start_scan(call).await,
        Handler::ReadProgress => work::progress(call).await,
        Handler::ReadPermissions => permissions::read(call).await,
        Handler::ListStreams => streams::list(call).await,
        Handler::AcceptSnapshot => streams::accept(call).await,
        Handler::ReadLedger => ledger::read(call).await,
        Handler::ReadLag => streams::lag(call).await,
        Handler::ListGaps => ledger::gaps(call).await,
        Handler::ListUsers => inventory::users(call).await,
        Handler::ListGroups => inventory::groups(call).await,
        Handler::ListPrivileges => inventory::privileges(call).await,
        Handler::ListAppPermissions => inventory::app_permissions(call).await,
        Handler::ListFiles => inventory::files(call).await,
        Handler::AskForAction => actions::ask(call).await,
        Handler::ListActions => actions::list(call).await,
        Handler::ReadAction => actions::read(call).await,
        Handler::ListUnits => actions::units(call).await,
        Handler::ApproveAction => actions::approve(call).await,
        Handler::RejectAction => actions::reject(call).await,
        Handler::UndoAction => actions::undo(call).await,
        Handler::CancelAction => actions::cancel(call).await,
        Handler::StopActions => actions::stop(call).await,
        Handler::ResumeActions => actions::resume(call).await,
        Handler::ReadStop => actions::read_stop(call).await,
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

fn need(action: Handler) -> Need {
    match action {
        Handler::CreateConnection
        | Handler::ChangeConnection
        | Handler::StartScan
        | Handler::AskForAction
        | Handler::RejectAction
        | Handler::UndoAction
        | Handler::CancelAction
        | Handler::StopActions => Need::Fields,
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
