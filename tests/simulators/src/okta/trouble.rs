//! Faults that belong to no endpoint: answers that come instead, and answers that are spoilt.

use casbah_model::transport::Method;

use super::desk::Desk;
use super::faults::Fault;
use super::limits::Bucket;
use super::wire::{Call, api_error};
use crate::address::host;
use crate::answer::Answer;

impl Desk<'_> {
    /// An answer that comes instead of the real one. The token endpoint is spared.
    pub fn trouble_before(&mut self, call: &Call) -> Option<Answer> {
        if Bucket::of(call) == Some(Bucket::Token) {
            return None;
        }
        if self.strikes(Fault::Plain500).is_some() {
            return Some(api_error("E0000009", ""));
        }
        if self.strikes(Fault::Plain502).is_some() {
            return Some(Answer::html(502));
        }
        if self.strikes(Fault::Plain503).is_some() {
            return Some(Answer::html(503));
        }
        let accept = call.headers.get("Accept").unwrap_or("*/*");
        if !["json", "*/*", "application/*"]
            .iter()
            .any(|kind| accept.contains(kind))
        {
            return Some(api_error("E0000021", ""));
        }
        // Content-Length may be set below us, so that asking for it is a fault to be switched on.
        let has_length = call.headers.get("Content-Length").is_some();
        let is_write = matches!(call.method, Method::Post | Method::Put);
        if is_write && call.body.is_empty() && !has_length {
            self.strikes(Fault::LengthRequired)?;
            return Some(Answer::html(411));
        }
        None
    }

    /// Spoils a good answer. The token endpoint and empty bodies are spared.
    pub fn trouble_after(&mut self, call: &Call, answer: Answer) -> Answer {
        let is_long = answer.text().len() > 1;
        if Bucket::of(call) == Some(Bucket::Token) || !answer.is_success() || !is_long {
            return answer;
        }
        if self.strikes(Fault::NotJson).is_some() {
            return Answer::html(200);
        }
        if self.strikes(Fault::TruncatedBody).is_none() {
            return answer;
        }
        answer.broken_off(host(&self.plan.base))
    }
}
