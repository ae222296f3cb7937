//! Actions: somebody asks for one, somebody else allows it, anybody looks at it, and all of them can be stopped.
//!
//! Who asks and who decides is whoever signed the request, as the platform names them; a body cannot say otherwise.
//! Every handler of a POST may run a second time after a crash, with the record of its key taken over. So the id of an
//! action follows from the request, and a decision that was made already, by the same caller, is answered as made.

use std::collections::BTreeMap;

use casbah_model::action::{ActionId, ActionKind, ActionState, Target};
use casbah_model::connection::Cause;
use casbah_model::ports::Query;
use casbah_pipeline::govern::{self, ActionItem, ActionView, Asked, Decision, Selection, Wish};
use casbah_pipeline::{StageError, items};
use serde_json::{Value, json};

use crate::fields::{Errors, Fields, Nulls, noted};
use crate::idempotency;
use crate::paging::{Page, bad_token, fits};
use crate::problem::{Code, Problem, shown};
use crate::reply::Reply;
use crate::request::Call;

/// More than a policy allows at once by default; as many as fit into a body.
const TARGETS_MAX: usize = 1000;
/// Vendors' ids are shorter (`Target` refuses more).
const TARGET_CHARS_MAX: usize = 512;
/// No action has more than three.
const PARAMETERS_MAX: usize = 16;
const VALUE_CHARS_MAX: usize = 512;
const NAME_CHARS_MAX: usize = 40;
const REASON_CHARS_MAX: usize = 500;
/// What their sort keys begin with.
const ACTIONS: &str = "A#";

/// Takes an action in; its plan follows by itself.
pub async fn ask(call: &Call<'_>) -> Result<Reply, Problem> {
    let asked = asked(call)?;
    let connection = call.connection_id()?;
    let action = govern::ask(call.ctx, &connection, asked).await;
    let action = action.map_err(refused)?;
    let location = call.link(&connection, &format!("/actions/{}", action.id));
    Ok(Reply::accepted(&document(call, &action)?, &location))
}

fn asked(call: &Call<'_>) -> Result<Asked, Problem> {
    let errors = Errors::default();
    let id = id(call)?;
    let asked = Fields::of(&call.body, "", &errors).and_then(|mut fields| {
        let kind = fields
            .text("kind", NAME_CHARS_MAX)
            .and_then(|name| noted(name.parse::<ActionKind>(), &fields.at("kind"), &errors));
        let selection = match fields.value("selection") {
            Some(_) => Some(selection(&mut fields, &errors)?),
            None => None,
        };
        let targets = match selection {
            Some(_) => Some(vec![]),
            None => targets(&mut fields, &errors),
        };
        let parameters = match fields.value("parameters") {
            Some(_) => texts(&mut fields, "parameters"),
            None => Some(BTreeMap::new()),
        };
        let reason = reason(&mut fields, &errors);
        let wish = wish(&mut fields, &errors);
        fields.end();
        Some(Asked {
            id,
            kind: kind?,
            targets: targets?,
            selection,
            parameters: parameters?,
            reason: reason?,
            wish: wish?,
            by: call.caller.principal.clone(),
        })
    });
    errors.or(asked)
}

/// The same caller, key and request give the same id, for ever: a repeat is the same action also when the record of
/// the key is gone, and a key that is used anew for something else begins something else.
fn id(call: &Call<'_>) -> Result<ActionId, Problem> {
    let digest = idempotency::name(call)?;
    let id = format!("a{}", &digest[..32]);
    Ok(id.parse().expect("a digest is made of letters and digits"))
}

/// What the targets are like, where they are not named.
fn selection(fields: &mut Fields<'_>, errors: &Errors) -> Option<Selection> {
    let words = texts(fields, "selection")?;
    noted(Selection::try_from(words), &fields.at("selection"), errors)
}

/// An object of texts, none of which is `null`.
fn texts(fields: &mut Fields<'_>, name: &'static str) -> Option<BTreeMap<String, String>> {
    let read = fields.text_map(name, PARAMETERS_MAX, VALUE_CHARS_MAX, Nulls::Refuse)?;
    let words = read.into_iter();
    Some(
        words
            .filter_map(|(name, value)| Some((name, value?)))
            .collect(),
    )
}

fn targets(fields: &mut Fields<'_>, errors: &Errors) -> Option<Vec<Target>> {
    let read = fields.texts("targets", TARGETS_MAX, TARGET_CHARS_MAX)?;
    // All of them are looked at, so that all faults are told.
    let parsed: Vec<_> = read
        .into_iter()
        .map(|(at, text)| noted(text.parse::<Target>(), &at, errors))
        .collect();
    parsed.into_iter().collect()
}

/// Why somebody wants something, which whoever decides about it reads.
fn reason(fields: &mut Fields<'_>, errors: &Errors) -> Option<String> {
    let reason = fields.text("reason", REASON_CHARS_MAX)?.trim();
    if reason.is_empty() {
        errors.add(fields.at("reason"), "it holds nothing but spaces");
        return None;
    }
    Some(reason.into())
}

fn wish(fields: &mut Fields<'_>, errors: &Errors) -> Option<Wish> {
    let name = fields.text("wish", NAME_CHARS_MAX)?;
    match name {
        "dry-run" => Some(Wish::DryRun),
        "plan" => Some(Wish::Plan),
        "apply" => Some(Wish::Apply),
        _ => {
            errors.add(fields.at("wish"), "it is none of dry-run, plan, apply");
            None
        }
    }
}

/// Actions in the order of their ids, which means nothing; the latest stands first within a page.
pub async fn list(call: &Call<'_>) -> Result<Reply, Problem> {
    let connection = call.connection().await?;
    let scope = connection.scope();
    let page = Page::of(call, &scope.to_string())?;
    if page
        .after
        .as_ref()
        .is_some_and(|after| !after.starts_with(ACTIONS))
    {
        return Err(bad_token());
    }
    let mut limit = page.limit;
    loop {
        let query = Query {
            after: page.after.clone(),
            limit,
            ..Query::prefix(scope.pk(), ACTIONS)
        };
        let found = call.ctx.state.query(query).await?;
        let next = found.last().filter(|_| found.len() >= limit);
        let next = next.map(|last| last.key.sk.clone());
        let mut actions: Vec<ActionItem> = vec![];
        for found in &found {
            actions.push(items::read(&found.key, &found.item)?);
        }
        actions.sort_by_key(|action| std::cmp::Reverse(action.requested_at));
        let views = actions
            .iter()
            .map(|action| plain(&ActionView::of(&connection.settings.id, action)));
        let reply = page.reply(views.collect(), next);
        if fits(&reply) || limit == 1 {
            return Ok(reply);
        }
        limit = limit.div_ceil(4);
    }
}

pub async fn read(call: &Call<'_>) -> Result<Reply, Problem> {
    Ok(Reply::ok(&document(call, &find(call).await?)?))
}

/// Units by their number, with what is planned for each and what became of it.
pub async fn units(call: &Call<'_>) -> Result<Reply, Problem> {
    let page = Page::of(call, &call.path)?;
    let action = find(call).await?;
    let from = match &page.after {
        Some(number) => number.parse().map_err(|_| bad_token())?,
        None => 0,
    };
    let mut limit = page.limit;
    loop {
        let units = govern::units(call.ctx, &action, from, limit as u64).await?;
        let next = from + units.len() as u64;
        let has_more = units.len() >= limit && next < action.counts.planned;
        let items = units.iter().map(plain).collect();
        let reply = page.reply(items, has_more.then(|| next.to_string()));
        if fits(&reply) || limit == 1 {
            return Ok(reply);
        }
        limit = limit.div_ceil(4);
    }
}

pub async fn approve(call: &Call<'_>) -> Result<Reply, Problem> {
    let known = find(call).await?;
    let by = &call.caller.principal;
    let is_done =
        known.state != ActionState::Pending && known.approved_by.as_deref() == Some(by.as_str());
    if is_done {
        return Ok(Reply::ok(&document(call, &known)?));
    }
    decide(call, &known, Decision::Approve).await
}

pub async fn reject(call: &Call<'_>) -> Result<Reply, Problem> {
    let why = only_reason(call)?;
    let known = find(call).await?;
    let is_done = known.state != ActionState::Pending && is_last(call, &known, "rejected", &why);
    if is_done {
        return Ok(Reply::ok(&document(call, &known)?));
    }
    decide(call, &known, Decision::Reject { why }).await
}

async fn decide(call: &Call<'_>, known: &ActionItem, decision: Decision) -> Result<Reply, Problem> {
    let (connection, by) = (call.connection_id()?, &call.caller.principal);
    let decided = govern::decide(call.ctx, &connection, &known.id, by, decision).await;
    Ok(Reply::ok(&document(call, &decided.map_err(refused)?)?))
}

pub async fn undo(call: &Call<'_>) -> Result<Reply, Problem> {
    let why = only_reason(call)?;
    let known = find(call).await?;
    let connection = call.connection_id()?;
    let location = call.link(&connection, &format!("/actions/{}", known.id));
    if known.is_undo && is_last(call, &known, "undo-requested", &why) {
        return Ok(Reply::accepted(&document(call, &known)?, &location));
    }
    let by = &call.caller.principal;
    let undone = govern::undo(call.ctx, &connection, &known.id, by, &why).await;
    let document = document(call, &undone.map_err(refused)?)?;
    Ok(Reply::accepted(&document, &location))
}

pub async fn cancel(call: &Call<'_>) -> Result<Reply, Problem> {
    let why = only_reason(call)?;
    let known = find(call).await?;
    let connection = call.connection_id()?;
    let location = call.link(&connection, &format!("/actions/{}", known.id));
    if is_last(call, &known, "cancelled", &why) {
        return Ok(Reply::accepted(&document(call, &known)?, &location));
    }
    let by = &call.caller.principal;
    let cancelled = govern::cancel(call.ctx, &connection, &known.id, by, &why).await;
    let document = document(call, &cancelled.map_err(refused)?)?;
    Ok(Reply::accepted(&document, &location))
}

/// Whether the last step of this name was the same caller's, for the same reason.
fn is_last(call: &Call<'_>, action: &ActionItem, step: &str, why: &str) -> bool {
    let last = action.history.iter().rfind(|past| past.step == step);
    last.is_some_and(|past| past.by == call.caller.principal && past.why.as_deref() == Some(why))
}

/// Holds all actions of all connections.
pub async fn stop(call: &Call<'_>) -> Result<Reply, Problem> {
    let why = only_reason(call)?;
    govern::stop(call.ctx, &call.caller.principal, &why).await?;
    read_stop(call).await
}

pub async fn resume(call: &Call<'_>) -> Result<Reply, Problem> {
    govern::resume(call.ctx).await?;
    read_stop(call).await
}

pub async fn read_stop(call: &Call<'_>) -> Result<Reply, Problem> {
    let stop = govern::is_stopped(call.ctx).await?;
    Ok(Reply::ok(
        &json!({ "is_stopped": stop.is_some(), "stop": stop }),
    ))
}

fn only_reason(call: &Call<'_>) -> Result<String, Problem> {
    let errors = Errors::default();
    let read = Fields::of(&call.body, "", &errors).and_then(|mut fields| {
        let reason = reason(&mut fields, &errors);
        fields.end();
        reason
    });
    errors.or(read)
}

/// The action that the path is about.
async fn find(call: &Call<'_>) -> Result<ActionItem, Problem> {
    let name = call.parameter("action");
    let id = name.parse::<ActionId>().map_err(|_| {
        let what = format!("\"{}\" is not the id of an action", shown(name));
        Problem::field(Code::BadPath, "action", what)
    })?;
    let found = govern::find(call.ctx, &call.connection_id()?, &id).await;
    found.map_err(refused)
}

fn document(call: &Call<'_>, action: &ActionItem) -> Result<Value, Problem> {
    Ok(plain(&ActionView::of(&call.connection_id()?, action)))
}

fn plain(view: &impl serde::Serialize) -> Value {
    serde_json::to_value(view).expect("views are plain")
}

/// What a person did not get, with the field that it is about where there is one.
fn refused(error: StageError) -> Problem {
    let StageError::Refused(cause) = error else {
        return error.into();
    };
    let at = |field: &str| Problem::field(Code::BadField, field, cause.to_string());
    match cause.code.as_str() {
        "no-such-action" => Problem::new(Code::NoSuchAction, cause.to_string()),
        "state" | "expired" | "no-way-back" => Problem::new(Code::ActionState, cause.to_string()),
        "approver" => Problem::new(Code::NotApprover, cause.to_string()),
        "tier" | "connection" | "permission" => Problem::new(Code::WrongState, cause.to_string()),
        "action" => at("/kind"),
        "parameter" => at("/parameters"),
        "targets" | "blast-radius" => at("/targets"),
        "selection" | "filter" => at("/selection"),
        "reason" => at("/reason"),
        _ => other(cause),
    }
}

fn other(cause: Cause) -> Problem {
    StageError::Refused(cause).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_the_problem_that_fits_it() {
        let rows = [
            ("no-such-action", Code::NoSuchAction),
            ("state", Code::ActionState),
            ("expired", Code::ActionState),
            ("no-way-back", Code::ActionState),
            ("approver", Code::NotApprover),
            ("tier", Code::WrongState),
            ("permission", Code::WrongState),
            ("connection", Code::WrongState),
            ("action", Code::BadField),
            ("parameter", Code::BadField),
            ("targets", Code::BadField),
            ("blast-radius", Code::BadField),
            ("selection", Code::BadField),
            ("filter", Code::BadField),
            ("reason", Code::BadField),
        ];
        for (cause, code) in rows {
            let problem = refused(StageError::Refused(Cause::new(cause, "what", "fix")));
            assert_eq!(problem.code(), code, "{cause}");
        }
    }
}
