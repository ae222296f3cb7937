//! Requests taken apart, and the error shapes of the three services.

use casbah_model::transport::{Bytes, Headers, Method, Request};

use super::plan::BaseUrls;
use crate::address::{decode_path, pairs};
use crate::answer::Answer;
use crate::json::{self, object};
use crate::moment::{self, Millis};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    Login,
    Graph,
    Management,
    SharePoint,
}

/// A request with its address decoded.
#[derive(Clone)]
pub struct Call {
    pub service: Service,
    pub method: Method,
    /// Segments of the path below the service's base, decoded.
    pub path: Vec<String>,
    pub query: Vec<(String, String)>,
    pub headers: Headers,
    pub body: Bytes,
}

impl Call {
    /// Reads a request; `None` if its address belongs to none of the services.
    pub fn read(base: &BaseUrls, request: &Request) -> Option<Call> {
        let below = |base: &str| {
            let rest = request.url.strip_prefix(base.trim_end_matches('/'))?;
            (rest.is_empty() || rest.starts_with(['/', '?'])).then_some(rest)
        };
        let is_management = |rest: &str| rest.starts_with("/api/v1");
        let is_graph = |rest: &str| rest.starts_with("/v1.0") || rest.starts_with("/beta");
        let is_sharepoint =
            |rest: &str| rest.starts_with("/_api/") || rest.starts_with("/_layouts/");
        // One host may carry all of them, so the path decides among the bases that fit.
        let candidates = [
            (
                Service::Management,
                below(&base.management).filter(|rest| is_management(rest)),
            ),
            (
                Service::Graph,
                below(&base.graph).filter(|rest| is_graph(rest)),
            ),
            (
                Service::SharePoint,
                below(&base.sharepoint).filter(|rest| is_sharepoint(rest)),
            ),
            (Service::Login, below(&base.login)),
            (Service::Graph, below(&base.graph)),
            (Service::Management, below(&base.management)),
        ];
        let found = candidates
            .into_iter()
            .find_map(|(service, rest)| Some((service, rest?)));
        let (service, rest) = found?;
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        Some(Call {
            service,
            method: request.method,
            path: path
                .split('/')
                .filter(|part| !part.is_empty())
                .map(decode_path)
                .collect(),
            query: pairs(query),
            headers: request.headers.clone(),
            body: request.body.clone(),
        })
    }

    /// Whether it is meant to change something of the directory or of files.
    pub fn is_change(&self) -> bool {
        self.service == Service::Graph && self.method != Method::Get
    }

    pub fn parameter(&self, name: &str) -> Option<&str> {
        let found = self
            .query
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Whether a `Prefer` header asks for `wish`.
    pub fn prefers(&self, wish: &str) -> bool {
        self.preferences()
            .any(|known| known.eq_ignore_ascii_case(wish))
    }

    /// The number behind `name=` in a `Prefer` header.
    pub fn preferred_number(&self, name: &str) -> Option<usize> {
        self.preferences().find_map(|known| {
            let (key, value) = known.split_once('=')?;
            key.trim()
                .eq_ignore_ascii_case(name)
                .then(|| value.trim().parse().ok())?
        })
    }

    fn preferences(&self) -> impl Iterator<Item = &str> {
        let headers = self
            .headers
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case("prefer"));
        headers
            .flat_map(|(_, value)| value.split(','))
            .map(str::trim)
    }

    pub fn select(&self) -> Option<Vec<String>> {
        let names = self
            .parameter("$select")?
            .split(',')
            .map(|name| name.trim().to_string());
        Some(names.filter(|name| !name.is_empty()).collect())
    }
}

/// Graph error ("Microsoft Graph error responses and resource types").
pub fn graph_error(status: u16, code: &str, message: &str) -> Answer {
    let error = object(|error| {
        error.text("code", code).text("message", message).raw(
            "innerError",
            r#"{"date":"2026-05-04T10:00:00","request-id":"00000000-0000-4000-8000-000000000000","client-request-id":"00000000-0000-4000-8000-000000000000"}"#,
        );
    });
    Answer::json(status, format!(r#"{{"error":{error}}}"#))
}

/// Management Activity API reference, "Errors".
pub fn management_error(status: u16, code: &str, message: &str) -> Answer {
    let error = object(|error| {
        error.text("code", code).text("message", message);
    });
    Answer::json(status, format!(r#"{{"error":{error}}}"#))
}

/// Token error (Microsoft identity platform, "Handling errors" and the AADSTS reference).
pub fn login_error(status: u16, error: &str, code: u32, message: &str, now: Millis) -> Answer {
    let at = moment::seconds(now).replace('T', " ");
    let trace = "6f1b0c5e-52c0-4c1c-9a9e-3f1f6a0d5e00";
    let body = object(|body| {
        body.text("error", error)
            .text(
                "error_description",
                &format!(
                    "AADSTS{code}: {message}\r\nTrace ID: {trace}\r\nCorrelation ID: {trace}\r\nTimestamp: {at}"
                ),
            )
            .raw("error_codes", &format!("[{code}]"))
            .text("timestamp", &at)
            .text("trace_id", trace)
            .text("correlation_id", trace)
            .text("error_uri", &format!("https://login.microsoftonline.com/error?code={code}"));
    });
    Answer::json(status, body)
}

/// A page of a Graph collection; `link` is the name and address of what follows.
pub fn graph_page(context: &str, values: &str, link: Option<(&str, String)>) -> Answer {
    let mut out = String::with_capacity(values.len() + 256);
    out.push_str(r#"{"@odata.context":"#);
    json::push_text(&mut out, context);
    if let Some((name, url)) = link {
        out.push_str(",\"");
        out.push_str(name);
        out.push_str("\":");
        json::push_text(&mut out, &url);
    }
    out.push_str(",\"value\":[");
    out.push_str(values);
    out.push_str("]}");
    Answer::json(200, out)
}
