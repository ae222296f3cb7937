//! Faults that belong to no endpoint: answers that come instead, and answers that are spoilt.

use super::desk::Desk;
use super::faults::Fault;
use super::gate::refused;
use super::wire::{Call, Service, graph_error};
use crate::address::host;
use crate::answer::Answer;
use crate::moment::http_date;

/// What the fault `graph-429` waits when it has no value, in seconds.
const RETRY_AFTER: i64 = 10;

impl Desk<'_> {
    /// An answer that comes instead of the real one.
    pub fn trouble_before(&mut self, call: &Call) -> Option<Answer> {
        if call.service == Service::Login {
            return None;
        }
        if self.strikes(Fault::Plain500).is_some() {
            return Some(match call.service {
                Service::Management => super::wire::management_error(
                    500,
                    "AF50000",
                    "An internal error occurred. Retry the request.",
                ),
                _ => graph_error(
                    500,
                    "InternalServerError",
                    "An internal server error occurred.",
                ),
            });
        }
        if self.strikes(Fault::Plain502).is_some() {
            return Some(Answer::html(502));
        }
        if let Some(after) = self.strikes(Fault::Unavailable503) {
            let after = if after.is_empty() {
                RETRY_AFTER.to_string()
            } else {
                after
            };
            let answer = graph_error(
                503,
                "serviceNotAvailable",
                "The service is not available. Try the request again after a delay.",
            );
            return Some(answer.with("Retry-After", after));
        }
        if call.service == Service::Graph {
            self.graph_trouble(call)
        } else {
            None
        }
    }

    fn graph_trouble(&mut self, call: &Call) -> Option<Answer> {
        if let Some(value) = self.strikes(Fault::Graph429) {
            return Some(refused(match value.as_str() {
                "none" => None,
                "date" => Some(http_date(self.now, RETRY_AFTER)),
                "" => Some(RETRY_AFTER.to_string()),
                seconds => Some(seconds.to_string()),
            }));
        }
        if call.parameter("$skiptoken").is_some() && self.strikes(Fault::ExpiredPageToken).is_some()
        {
            return Some(graph_error(
                400,
                "Directory_ExpiredPageToken",
                "The specified page token value has expired and can no longer be included in your request.",
            ));
        }
        call.parameter("$deltatoken")
            .filter(|token| !token.is_empty())?;
        if self.strikes(Fault::Directory410).is_some() {
            let path: Vec<&str> = call.path.iter().skip(1).map(String::as_str).collect();
            let graph = self.plan.base.graph.trim_end_matches('/');
            let fresh = format!("{graph}/v1.0/{}?$deltatoken=", path.join("/"));
            return Some(
                graph_error(
                    410,
                    "syncStateNotFound",
                    "The sync state generation is not found.",
                )
                .with("Location", fresh),
            );
        }
        if self.strikes(Fault::DeltaTooOld).is_some() {
            return Some(graph_error(
                400,
                "Request_UnsupportedQuery",
                "DeltaLink older than 30 days is not supported.",
            ));
        }
        self.strikes(Fault::SyncStateNotFound)?;
        Some(graph_error(
            400,
            "syncStateNotFound",
            "The sync state generation is not found; continue with a full sync.",
        ))
    }

    /// Spoils a good answer. The login service and empty bodies are spared.
    pub fn trouble_after(&mut self, call: &Call, answer: Answer) -> Answer {
        if call.service == Service::Login || !answer.is_success() {
            return answer;
        }
        if call.is_change() && self.strikes(Fault::DoneThough429).is_some() {
            return refused(Some(RETRY_AFTER.to_string()));
        }
        if self.strikes(Fault::NotJson).is_some() {
            return Answer::html(200);
        }
        let is_long = answer.text().len() > 1;
        if is_long && self.strikes(Fault::TruncatedBody).is_some() {
            return self.truncated(call, answer);
        }
        answer
    }

    fn truncated(&self, call: &Call, answer: Answer) -> Answer {
        let base = match call.service {
            Service::Management => &self.plan.base.management,
            _ => &self.plan.base.graph,
        };
        answer.broken_off(host(base))
    }
}
