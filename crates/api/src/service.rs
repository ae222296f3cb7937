//! What is not about any connection: whether the service can work, the document of its routes, and what problems mean.

use casbah_model::state::Key;
use casbah_pipeline::items::CONNECTIONS;
use serde_json::json;

use crate::problem::{Code, Entry, Problem, shown};
use crate::reply::Reply;
use crate::request::Call;

/// Says that the service can work, which is to say that its table answers.
pub async fn health(call: &Call<'_>) -> Result<Reply, Problem> {
    // There is no such item; what counts is the answer.
    let probe = Key::new(CONNECTIONS, "0");
    call.ctx.state.get(&[probe]).await?;
    let version = env!("CARGO_PKG_VERSION");
    Ok(Reply::ok(&json!({ "status": "ok", "version": version })))
}

pub fn openapi() -> Reply {
    Reply::yaml(crate::OPENAPI)
}

/// What a kind of problem means and what to do about it, which the type of every problem links to.
pub fn explain(call: &Call<'_>) -> Result<Reply, Problem> {
    let name = call.parameter("code");
    let Some(entry) = Code::named(name) else {
        let what = format!("there is no kind of problem named \"{}\"", shown(name));
        return Err(Problem::field(Code::NoSuchProblem, "code", what));
    };
    let Entry {
        name,
        status,
        title,
        fix,
        ..
    } = entry;
    Ok(Reply::ok(&json!({
        "code": name,
        "status": status.as_u16(),
        "title": title,
        "fix": fix,
    })))
}
