//! `$batch`: up to 20 calls in one, each limited and answered on its own.

use std::collections::{BTreeMap, BTreeSet};

use casbah_model::transport::{Bytes, Headers, Method};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::desk::Desk;
use super::wire::{Call, Service, graph_error};
use crate::address::{decode_path, pairs};
use crate::answer::Answer;
use crate::json::object;

/// JSON batching, "Batch size limitations".
const CALLS_MAX: usize = 20;

#[derive(Deserialize)]
struct Batch {
    requests: Vec<Inner>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Inner {
    id: String,
    method: String,
    url: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: Option<Value>,
    #[serde(default)]
    depends_on: Vec<String>,
}

impl Desk<'_> {
    pub fn batch(&mut self, call: &Call) -> Answer {
        if let Err(answer) = self.authorize(call, Service::Graph) {
            return answer;
        }
        let bad = |message: &str| graph_error(400, "BadRequest", message);
        let Ok(batch) = serde_json::from_slice::<Batch>(&call.body) else {
            return bad("Invalid batch payload format.");
        };
        let ids: BTreeSet<&str> = batch
            .requests
            .iter()
            .map(|inner| inner.id.as_str())
            .collect();
        if batch.requests.len() > CALLS_MAX {
            return bad("Number of batch request steps exceeds the maximum value of 20.");
        }
        if ids.len() != batch.requests.len() {
            return bad("Request Id values must be unique.");
        }
        let mut failed = BTreeSet::new();
        let mut responses = Vec::new();
        for inner in &batch.requests {
            let is_blocked = inner
                .depends_on
                .iter()
                .any(|id| failed.contains(id.as_str()));
            let answer = if is_blocked {
                graph_error(
                    424,
                    "FailedDependency",
                    "A request this one depends on has failed.",
                )
            } else {
                self.batched(call, inner)
            };
            if !answer.is_success() {
                failed.insert(inner.id.as_str());
            }
            responses.push(response(&inner.id, &answer));
        }
        // Answers come in any order.
        responses.reverse();
        Answer::json(200, format!(r#"{{"responses":[{}]}}"#, responses.join(",")))
    }

    fn batched(&mut self, outer: &Call, inner: &Inner) -> Answer {
        let (path, query) = inner.url.split_once('?').unwrap_or((&inner.url, ""));
        let version = outer.path.first().cloned().unwrap_or_default();
        let parts = path
            .split('/')
            .filter(|part| !part.is_empty())
            .map(decode_path);
        let mut headers = Headers::default();
        for (name, value) in &inner.headers {
            headers.add(name, value);
        }
        headers.add(
            "Authorization",
            outer.headers.get("Authorization").unwrap_or_default(),
        );
        let call = Call {
            service: Service::Graph,
            method: match inner.method.to_ascii_uppercase().as_str() {
                "GET" => Method::Get,
                "PUT" => Method::Put,
                "PATCH" => Method::Patch,
                "DELETE" => Method::Delete,
                _ => Method::Post,
            },
            path: std::iter::once(version).chain(parts).collect(),
            query: pairs(query),
            headers,
            body: inner
                .body
                .as_ref()
                .map_or(Bytes::new(), |body| body.to_string().into()),
        };
        if call.path.get(1).is_some_and(|part| part == "$batch") {
            return graph_error(400, "BadRequest", "A batch cannot hold a batch.");
        }
        self.state.traffic.count_call(&call);
        match self.trouble_before(&call) {
            Some(answer) => answer,
            None => self.graph(&call),
        }
    }
}

fn response(id: &str, answer: &Answer) -> String {
    let headers = object(|headers| {
        for (name, value) in answer.headers.iter() {
            headers.text(name, value);
        }
    });
    let body = answer.text();
    let is_json = serde_json::from_str::<&RawValue>(body).is_ok();
    object(|response| {
        response
            .text("id", id)
            .number("status", u64::from(answer.status))
            .raw("headers", &headers);
        response.raw("body", if is_json { body } else { "null" });
    })
}
