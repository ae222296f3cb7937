//! A request on its way to its handler: the route is known, the path and the query are read, the body is JSON.

use casbah_model::connection::ConnectionId;
use casbah_pipeline::items::ConnectionItem;
use casbah_pipeline::{Context, connect};
use http::HeaderMap;
use serde_json::Value;

use crate::Caller;
use crate::problem::{Code, Problem, no_such_connection, shown};
use crate::query::Query;

/// Names of streams are made of names of feeds and collections, which are short.
const STREAM_CHARS_MAX: usize = 80;

pub struct Call<'a> {
    pub ctx: &'a Context,
    pub caller: &'a Caller,
    /// The path as it was sent, for links to itself.
    pub path: String,
    /// The pattern of the route.
    pub pattern: &'static str,
    /// Values of the pattern's parameters, decoded.
    pub parameters: Vec<(&'static str, String)>,
    pub query: Query,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Call<'_> {
    pub fn parameter(&self, name: &str) -> &str {
        let found = self.parameters.iter().find(|(known, _)| *known == name);
        found.map_or("", |(_, value)| value)
    }

    /// The name of the connection that the path is about.
    pub fn connection_id(&self) -> Result<ConnectionId, Problem> {
        let name = self.parameter("connection");
        let bad = |error: casbah_model::connection::BadName| {
            Problem::field(Code::BadPath, "connection", shown_error(&error))
        };
        name.parse().map_err(bad)
    }

    /// The connection that the path is about.
    pub async fn connection(&self) -> Result<ConnectionItem, Problem> {
        let id = self.connection_id()?;
        let found = connect::find(self.ctx, &id).await?;
        found.ok_or_else(|| no_such_connection(id.as_str()))
    }

    /// The name of the stream that the path is about.
    pub fn stream(&self) -> Result<&str, Problem> {
        let name = self.parameter("stream");
        let is_allowed =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-._".contains(c);
        if name.is_empty() || name.len() > STREAM_CHARS_MAX || !name.chars().all(is_allowed) {
            let what = format!("\"{}\" is not the name of a stream", shown(name));
            return Err(Problem::field(Code::BadPath, "stream", what));
        }
        Ok(name)
    }

    /// The link to something of the connection that the path is about.
    pub fn link(&self, id: &ConnectionId, rest: &str) -> String {
        format!("/v1/connections/{id}{rest}")
    }
}

fn shown_error(error: &dyn std::fmt::Display) -> String {
    error
        .to_string()
        .chars()
        .filter(|c| !c.is_control())
        .collect()
}
