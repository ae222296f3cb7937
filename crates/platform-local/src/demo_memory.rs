//! What earlier runs of a demo changed in the simulated tenant, done again in the new process, which has forgotten it.
//!
//! All that Casbah changes in a tenant is that it switches on audit feeds.

use casbah_model::transport::{Headers, Method, Request};
use casbah_pipeline::{Context, apps, status};
use casbah_simulators::microsoft365::Simulator;
use serde_json::Value;

use crate::exit::{Exit, Failure};

/// Switches on the feeds that were switched on before.
pub async fn restore(ctx: &Context, simulator: &Simulator) -> Result<(), Failure> {
    for connection in status::connections(ctx).await? {
        let source = apps::connector(connection.settings.app).activities();
        let feeds = source.map_or(&[][..], |source| source.feeds());
        let is_started = |name: &str| {
            connection
                .feeds
                .get(name)
                .is_some_and(|feed| feed.state == "started")
        };
        let started: Vec<_> = feeds.iter().filter(|feed| is_started(feed.name)).collect();
        if started.is_empty() {
            continue;
        }
        let token = token(simulator).await?;
        for feed in started {
            switch_on(simulator, feed.id, &token).await?;
        }
    }
    Ok(())
}

async fn token(simulator: &Simulator) -> Result<String, Failure> {
    let plan = simulator.plan();
    let (client, secret) = (&plan.client_id, &plan.client_secret);
    let form = format!(
        "grant_type=client_credentials&client_id={client}&client_secret={secret}\
         &scope=https://manage.office.com/.default"
    );
    let url = format!("{}/{}/oauth2/v2.0/token", plan.base.login, plan.tenant_id);
    let headers = Headers::default().with("Content-Type", "application/x-www-form-urlencoded");
    let answer = post(simulator, url, headers, form).await?;
    let answer: Option<Value> = serde_json::from_slice(&answer).ok();
    let token = answer.and_then(|answer| answer["access_token"].as_str().map(String::from));
    token.ok_or_else(|| failure("it gave no token".into()))
}

async fn switch_on(simulator: &Simulator, feed: &str, token: &str) -> Result<(), Failure> {
    let plan = simulator.plan();
    let (base, tenant) = (&plan.base.management, &plan.tenant_id);
    let url =
        format!("{base}/api/v1.0/{tenant}/activity/feed/subscriptions/start?contentType={feed}");
    let headers = Headers::default().with("Authorization", format!("Bearer {token}"));
    post(simulator, url, headers, String::new()).await?;
    Ok(())
}

async fn post(
    simulator: &Simulator,
    url: String,
    headers: Headers,
    body: String,
) -> Result<Vec<u8>, Failure> {
    let request = Request {
        method: Method::Post,
        url,
        headers,
        body: body.into(),
    };
    let mut answer = simulator.answer(request).await;
    let mut content = vec![];
    while let Some(chunk) = answer
        .body
        .chunk()
        .await
        .map_err(|error| failure(error.to_string()))?
    {
        content.extend_from_slice(&chunk);
    }
    match answer.status {
        200 => Ok(content),
        status => Err(failure(format!("it answered {status}"))),
    }
}

fn failure(reason: String) -> Failure {
    let what = format!("the simulated tenant does not go on from where it was: {reason}");
    Failure::new(Exit::Other, what)
}
