//! Addresses that tell how work stands that goes on after its answer (Working with long-running actions).

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use casbah_model::transport::Method;

use super::desk::Desk;
use super::drives::item_not_found;
use super::wire::{Call, graph_error};
use super::{copies, labels};
use crate::answer::Answer;

impl Desk<'_> {
    /// Says where the work of this id will be told about.
    pub fn accepted(&self, operation: &str, id: &str) -> Answer {
        let id = BASE64_URL_SAFE_NO_PAD.encode(format!("{operation},{id}"));
        let host = self.plan.base.sharepoint.trim_end_matches('/');
        let address = format!("{host}/_api/v2.0/monitor/{id}");
        Answer::empty(202).with("Location", address)
    }

    /// How a job stands. Its address is all it takes: who sends a token as well is refused.
    pub fn monitor(&mut self, call: &Call) -> Answer {
        let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
        let (Method::Get, ["_api", "v2.0", "monitor", id]) = (call.method, path.as_slice()) else {
            return item_not_found();
        };
        if call.headers.get("Authorization").is_some() {
            return graph_error(401, "unauthenticated", "This address takes no token.");
        }
        let text = BASE64_URL_SAFE_NO_PAD.decode(id).unwrap_or_default();
        let text = String::from_utf8(text).unwrap_or_default();
        let told = match text.split_once(',') {
            Some((labels::OPERATION, id)) => self.labelling_told(id),
            Some((copies::OPERATION, id)) => self.copying_told(id),
            _ => None,
        };
        told.unwrap_or_else(item_not_found)
    }
}
