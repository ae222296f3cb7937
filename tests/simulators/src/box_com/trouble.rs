//! Faults that belong to no endpoint: answers that come instead, and answers that are spoilt.

use super::desk::Desk;
use super::faults::Fault;
use super::wire::{Call, api_error};
use crate::address::host;
use crate::answer::Answer;

impl Desk<'_> {
    /// An answer that comes instead of the real one. The token endpoint is spared.
    pub fn trouble_before(&mut self, call: &Call) -> Option<Answer> {
        if call.is_token_call() {
            return None;
        }
        if self.strikes(Fault::Plain500).is_some() {
            return Some(api_error("internal_server_error"));
        }
        if self.strikes(Fault::Plain502).is_some() {
            return Some(Answer::html(502));
        }
        let seconds = self.strikes(Fault::Plain503)?;
        let answer = api_error("unavailable");
        Some(if seconds.is_empty() {
            answer
        } else {
            answer.with("Retry-After", seconds)
        })
    }

    /// Spoils a good answer. The token endpoint and empty bodies are spared.
    pub fn trouble_after(&mut self, call: &Call, answer: Answer) -> Answer {
        let is_long = answer.text().len() > 1;
        if call.is_token_call() || !answer.is_success() || !is_long {
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
