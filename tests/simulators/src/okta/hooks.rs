//! Event hooks (Event Hooks API; Event hooks, "Event delivery"): kept by calls, told of events a little later.

use casbah_model::transport::Method;
use serde_json::Value;

use super::desk::{Desk, not_allowed};
use super::faults::Fault;
use super::hook_state::{DELIVERY_DELAY, Hook, HookAnswer, HookCall, Waiting};
use super::ids::{Type, id};
use super::login::Bearer;
use super::wire::{Call, api_error, bad_value, not_found};
use crate::answer::Answer;
use crate::chance::{Stream, guid};
use crate::json::{object, text};
use crate::moment::{MINUTE, millis};

/// Active hooks of an org, types of one, and events of one delivery (the last is ours).
const HOOKS_MAX: usize = 25;
const ITEMS_MAX: usize = 300;
const BATCH: usize = 10;
/// Families that no hook may name, although the log has them.
const NOT_ELIGIBLE: [&str; 5] = [
    "user.session.access_admin_app",
    "user.session.impersonation.",
    "policy.evaluate_sign_on",
    "user.authentication.verify",
    "app.oauth2.signon",
];

impl Desk<'_> {
    pub fn event_hooks(&mut self, call: &Call, path: &[&str], bearer: &Bearer) -> Answer {
        let place = |id: &str| self.state.world.hooks.iter().position(|hook| hook.id == id);
        match (call.method, &path[3..]) {
            (Method::Get, []) => {
                let hooks = self.state.world.hooks.iter();
                let texts: Vec<String> = hooks.map(|hook| self.hook_text(hook)).collect();
                Answer::json(200, format!("[{}]", texts.join(",")))
            }
            (Method::Post, []) => self.make_hook(call, bearer),
            (_, []) => not_allowed(),
            (method, [id, rest @ ..]) => match place(id) {
                Some(place) => self.one_hook(call, method, place, rest),
                None => not_found(id, "EventHook"),
            },
        }
    }

    fn one_hook(&mut self, call: &Call, method: Method, place: usize, rest: &[&str]) -> Answer {
        let now = self.now;
        match (method, rest) {
            (Method::Get, []) => {}
            (Method::Delete, []) => {
                self.state.world.hooks.remove(place);
                return Answer::empty(204);
            }
            (Method::Put, []) => {
                let wanted = match read_hook(call) {
                    Ok(wanted) => wanted,
                    Err(answer) => return answer,
                };
                let hook = &mut self.state.world.hooks[place];
                // Another address has to be verified anew.
                hook.is_verified &= hook.uri == wanted.uri;
                (hook.name, hook.uri) = (wanted.name, wanted.uri);
                (hook.items, hook.auth) = (wanted.items, wanted.auth);
            }
            (Method::Post, ["lifecycle", "verify"]) => {
                let challenge = guid(self.plan.seed, Stream::Token, now as u64);
                let hook = &mut self.state.world.hooks[place];
                hook.challenge = Some(challenge.clone());
                let mut headers = vec![("x-okta-verification-challenge".to_string(), challenge)];
                headers.extend(hook.auth.clone());
                let call = HookCall {
                    number: 0,
                    hook_id: hook.id.clone(),
                    method: "GET",
                    uri: hook.uri.clone(),
                    headers,
                    body: String::new(),
                    events: Vec::new(),
                };
                hook.waiting.push(Waiting {
                    call,
                    due: now,
                    is_retry: false,
                });
            }
            (Method::Post, ["lifecycle", change @ ("activate" | "deactivate")]) => {
                self.state.world.hooks[place].is_active = *change == "activate";
            }
            _ => return not_allowed(),
        }
        Answer::json(200, self.hook_text(&self.state.world.hooks[place]))
    }

    fn make_hook(&mut self, call: &Call, bearer: &Bearer) -> Answer {
        let wanted = match read_hook(call) {
            Ok(wanted) => wanted,
            Err(answer) => return answer,
        };
        let hooks = &self.state.world.hooks;
        if hooks.iter().filter(|hook| hook.is_active).count() >= HOOKS_MAX {
            return bad_value("The org has as many active event hooks as it may have.");
        }
        let number = self.state.world.scenes.len() as u64;
        let hook = Hook {
            id: id(self.plan.seed, Type::Hook, number),
            created: self.now,
            told: (self.now, u64::MAX),
            ..wanted
        };
        let text = self.hook_text(&hook);
        self.state.world.hooks.push(hook);
        self.tell_of("event_hook.created", bearer.actor(), 0);
        Answer::json(200, text)
    }

    /// The secret of a hook is never told again.
    fn hook_text(&self, hook: &Hook) -> String {
        let items: Vec<String> = hook.items.iter().map(|item| text(item)).collect();
        let auth = hook.auth.as_ref().map_or("null".into(), |(key, _)| {
            format!(r#"{{"type":"HEADER","key":{}}}"#, text(key))
        });
        let (uri, items) = (text(&hook.uri), items.join(","));
        object(|one| {
            one.text("id", &hook.id)
                .text("name", &hook.name)
                .text("status", if hook.is_active { "ACTIVE" } else { "INACTIVE" })
                .text(
                    "verificationStatus",
                    if hook.is_verified { "VERIFIED" } else { "UNVERIFIED" },
                )
                .text("created", &millis(hook.created))
                .raw(
                    "events",
                    &format!(r#"{{"type":"EVENT_TYPE","items":[{items}],"filter":null}}"#),
                )
                .raw(
                    "channel",
                    &format!(
                        r#"{{"type":"HTTP","version":"1.0.0","config":{{"uri":{uri},"method":"POST","headers":[],"authScheme":{auth}}}}}"#
                    ),
                );
        })
    }

    /// The calls to hooks that are due now, each handed out once.
    pub fn hook_calls(&mut self) -> Vec<HookCall> {
        let now = self.now;
        let mut calls = Vec::new();
        for place in 0..self.state.world.hooks.len() {
            self.prepare_deliveries(place);
            calls.extend(self.state.world.hooks[place].take_due(now));
        }
        calls
    }

    pub fn hook_answered(&mut self, call: &HookCall, answer: &HookAnswer) {
        let hooks = &mut self.state.world.hooks;
        if let Some(hook) = hooks.iter_mut().find(|hook| hook.id == call.hook_id) {
            hook.answered(call.number, answer, self.now);
        }
    }

    /// Puts the events stored since the last time into deliveries.
    fn prepare_deliveries(&mut self, place: usize) {
        let hook = self.state.world.hooks[place].clone();
        if !(hook.is_active && hook.is_verified) {
            return;
        }
        let stored: Vec<_> = self
            .state
            .schedule
            .stored_after(hook.told, self.now)
            .collect();
        let wanted: Vec<_> = stored
            .iter()
            .filter(|(at, number)| {
                let scene = self.scene_of(*number, *at);
                hook.items
                    .iter()
                    .any(|item| item == scene.kind_row().event_type)
            })
            .collect();
        let mut waiting = Vec::new();
        for batch in wanted.chunks(BATCH) {
            let mut numbers: Vec<u64> = batch.iter().map(|(_, number)| *number).collect();
            let mut due = batch[batch.len() - 1].0 + DELIVERY_DELAY;
            if self.strikes(Fault::HookDrop).is_some() {
                continue;
            }
            if let Some(minutes) = self.strikes(Fault::HookDelay) {
                due += minutes.parse().unwrap_or(60) * MINUTE;
            }
            if self.strikes(Fault::HookReorder).is_some() {
                numbers.reverse();
                due += MINUTE;
            }
            let is_double = self.strikes(Fault::HookDuplicate).is_some();
            for again in 0..1 + u64::from(is_double) {
                let call = self.delivery(&hook, &numbers, again);
                waiting.push(Waiting {
                    call,
                    due,
                    is_retry: false,
                });
            }
        }
        let hook = &mut self.state.world.hooks[place];
        hook.told = stored.last().copied().unwrap_or(hook.told);
        hook.waiting.extend(waiting);
    }

    fn delivery(&mut self, hook: &Hook, numbers: &[u64], again: u64) -> HookCall {
        let texts: Vec<String> = numbers
            .iter()
            .map(|number| self.event_text(*number))
            .collect();
        let seed = self.plan.seed;
        let uuids = numbers
            .iter()
            .map(|number| super::event_text::uuid(seed, *number));
        // Repeats are told apart by us only.
        let number = 1 + (numbers[0] << 1 | again);
        let base = self.plan.base.trim_end_matches('/');
        let body = object(|one| {
            one.text("eventType", "com.okta.event_hook")
                .text("eventTypeVersion", "1.0")
                .text("cloudEventsVersion", "0.1")
                .text("source", &format!("{base}/api/v1/eventHooks/{}", hook.id))
                .text("eventId", &guid(seed, Stream::Request, numbers[0]))
                .text("eventTime", &millis(self.now))
                .text("contentType", "application/json")
                .raw("data", &format!(r#"{{"events":[{}]}}"#, texts.join(",")));
        });
        let mut headers = vec![("Content-Type".to_string(), "application/json".to_string())];
        headers.extend(hook.auth.clone());
        HookCall {
            number,
            hook_id: hook.id.clone(),
            method: "POST",
            uri: hook.uri.clone(),
            headers,
            body,
            events: uuids.collect(),
        }
    }
}

/// A hook as it is asked for.
fn read_hook(call: &Call) -> Result<Hook, Answer> {
    let body: Value = serde_json::from_slice(&call.body).map_err(|_| api_error("E0000003", ""))?;
    let config = &body["channel"]["config"];
    let word = |value: &Value| value.as_str().map(String::from);
    let items = body["events"]["items"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let items: Vec<String> = items.iter().filter_map(word).collect();
    let is_eligible = |item: &String| !NOT_ELIGIBLE.iter().any(|not| item.starts_with(not));
    if items.is_empty() || items.len() > ITEMS_MAX || !items.iter().all(is_eligible) {
        return Err(bad_value("events.items: The event types are not eligible."));
    }
    let (Some(name), Some(uri)) = (word(&body["name"]), word(&config["uri"])) else {
        return Err(bad_value("name and channel.config.uri are required."));
    };
    if !uri.starts_with("https://") {
        return Err(bad_value("channel.config.uri: must be HTTPS."));
    }
    let scheme = &config["authScheme"];
    let auth = word(&scheme["key"]).zip(word(&scheme["value"]));
    Ok(Hook {
        id: String::new(),
        name,
        uri,
        items,
        auth,
        is_active: true,
        is_verified: false,
        created: 0,
        told: (0, 0),
        challenge: None,
        waiting: Vec::new(),
        under_way: Vec::new(),
    })
}
