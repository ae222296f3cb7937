//! `casbah simulate`: a simulated tenant over HTTP, on this machine only.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use casbah_model::app::App;
use casbah_model::ports::Clock;
use casbah_model::transport::{Headers, Method, Request as Call};
use casbah_pipeline::apps;
use casbah_platform_local::SystemClock;
use casbah_simulators::simulated::{self, FaultSettings, Setup, Simulated};
use tokio::net::TcpListener;

use crate::cli::SimulateArgs;
use crate::exit::{Exit, Failure};
use crate::output::{print, say};
use crate::runtime;

/// Where programs read what the tenant holds, to compare with what was found.
const HOLDS: &str = "/simulator/holds";
/// Batches are the largest requests; they hold 20 small calls.
const REQUEST_BYTES_MAX: usize = 4 << 20;
/// The variable that the printed config takes the secret from.
const SECRET_VARIABLE: &str = "CASBAH_SIMULATED_SECRET";

pub fn simulate(args: &SimulateArgs) -> Result<Exit, Failure> {
    if args.list_faults {
        print(&simulated::faults(args.app).join("\n"))?;
        return Ok(Exit::Fine);
    }
    let faults = args
        .faults
        .iter()
        .map(|text| fault(args.app, text))
        .collect::<Result<Vec<_>, _>>()?;
    let runtime = runtime::real()?;
    let _inside = runtime.enter();
    let stop = runtime::stop()?;
    runtime.block_on(async {
        let (listener, address) = listen(args.port).await?;
        let clock = Arc::new(SystemClock);
        let tenant = simulated::open(args.app, &setup(args, &address), clock);
        for (fault, settings) in faults {
            let refused = |what| Failure::new(Exit::Parameter, what);
            tenant.switch(fault, settings).map_err(refused)?;
        }
        print(&config(args, &*tenant, &address))?;
        let product = args.app.product();
        say(format_args!("casbah: a simulated tenant of {product} answers at {address} until Ctrl-C"));
        let served = Served { tenant, address };
        let router = Router::new().fallback(answer).with_state(served);
        tokio::select! {
            served = axum::serve(listener, router).into_future() => {
                let error = served.err().map_or("the server ended".into(), |error| error.to_string());
                Err(Failure::new(Exit::Other, error))
            }
            () = stop => Ok(Exit::Interrupted),
        }
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "the command says that it listens"
)]
pub async fn listen(port: u16) -> Result<(TcpListener, String), Failure> {
    let refused = |error: std::io::Error| {
        let what = format!("cannot listen on 127.0.0.1:{port}: {error}");
        Failure::new(Exit::Environment, what)
            .with_fix("choose another port with --port, or 0 for a free one")
    };
    let listener = TcpListener::bind(("127.0.0.1", port))
        .await
        .map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    Ok((listener, format!("http://{address}")))
}

/// A tenant, and the address that programs call it at.
#[derive(Clone)]
struct Served {
    tenant: Arc<dyn Simulated>,
    address: String,
}

fn setup(args: &SimulateArgs, address: &str) -> Setup {
    Setup {
        size: args.size.size(),
        started: SystemClock.now(),
        address: Some(address.to_string()),
        latency: Some(Duration::from_millis(args.latency)),
        live_activities_per_hour: args.live,
        tier: args.tier,
    }
}

/// Reads `NAME`, `NAME=VALUE`, `NAME@SHARE` or `NAME=VALUE@SHARE`.
fn fault(app: App, text: &str) -> Result<(&str, FaultSettings), Failure> {
    let refuse = |what: String| {
        Failure::new(Exit::Parameter, what).with_fix(format!(
            "`casbah simulate --app {app} --list-faults` names them all"
        ))
    };
    let (rest, share) = match text.rsplit_once('@') {
        Some((rest, share)) => (rest, Some(share)),
        None => (text, None),
    };
    let (name, value) = match rest.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (rest, None),
    };
    if !simulated::faults(app).contains(&name) {
        return Err(refuse(format!("there is no fault named {name}")));
    }
    let mut settings = FaultSettings::always();
    if let Some(share) = share {
        let known = share
            .parse::<f64>()
            .ok()
            .filter(|share| (0.0..=1.0).contains(share));
        let share =
            known.ok_or_else(|| refuse(format!("\"{share}\" is not a share between 0 and 1")))?;
        settings = FaultSettings::probability(share);
    }
    match value {
        Some(value) => Ok((name, settings.with_value(value))),
        None => Ok((name, settings)),
    }
}

/// A whole config file, with the commands to try it as comments.
fn config(args: &SimulateArgs, tenant: &dyn Simulated, address: &str) -> String {
    let (app, tier) = (args.app, args.tier.name());
    let (product, secret) = (app.product(), tenant.secret());
    let secret = secret.reveal();
    let mut text = format!(
        "\
# A simulated tenant of {product}. Save these lines as simulated.toml and type in another terminal:
#   export {SECRET_VARIABLE}='{secret}'
#   casbah test --config simulated.toml
#   casbah run --config simulated.toml --out casbah-simulated --once
#   curl {address}{HOLDS}
[[connection]]
name = \"simulated\"
app = \"{app}\"
components = [\"all\"]
tier = \"{tier}\"
"
    );
    let mut settings = tenant.app_settings();
    // It follows from how the secret is named.
    settings.remove("credential");
    for (name, value) in settings {
        text += &format!("{name} = \"{value}\"\n");
    }
    text += &format!("client_secret_env = \"{SECRET_VARIABLE}\"\n[connection.endpoints]\n");
    for (name, _) in apps::connector(app).endpoints() {
        text += &format!("{name} = \"{address}\"\n");
    }
    text
}

async fn answer(State(served): State<Served>, request: Request) -> Response {
    if request.uri().path() == HOLDS {
        let held = served.tenant.counts(SystemClock.now());
        return (
            StatusCode::OK,
            [("Content-Type", "application/json")],
            held.to_string(),
        )
            .into_response();
    }
    let call = match call(&served.address, request).await {
        Ok(call) => call,
        Err(status) => return status.into_response(),
    };
    match served.tenant.send(call).await {
        Ok(answer) => respond(answer),
        // Whoever got no answer at all sees what a gateway makes of it.
        Err(error) => (StatusCode::GATEWAY_TIMEOUT, error.to_string()).into_response(),
    }
}

async fn call(address: &str, request: Request) -> Result<Call, StatusCode> {
    let (parts, body) = request.into_parts();
    let method = match parts.method.as_str() {
        "GET" => Method::Get,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "PATCH" => Method::Patch,
        "DELETE" => Method::Delete,
        _ => return Err(StatusCode::METHOD_NOT_ALLOWED),
    };
    let mut headers = Headers::default();
    for (name, value) in &parts.headers {
        headers.add(name.as_str(), String::from_utf8_lossy(value.as_bytes()));
    }
    let body = axum::body::to_bytes(body, REQUEST_BYTES_MAX).await;
    let body = body.map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)?;
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let url = format!("{address}{path}");
    Ok(Call {
        method,
        url,
        headers,
        body,
    })
}

fn respond(answer: casbah_model::transport::Response) -> Response {
    let chunks = futures::stream::unfold(Some(answer.body), async |body| {
        let mut body = body?;
        match body.chunk().await {
            Ok(Some(chunk)) => Some((Ok(chunk), Some(body))),
            Ok(None) => None,
            // The server cuts the connection then, as the simulated one did.
            Err(error) => Some((Err(error), None)),
        }
    });
    let mut response = Response::new(Body::from_stream(chunks));
    *response.status_mut() =
        StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in answer.headers.iter() {
        // Framing is the server's own business.
        if ["content-length", "transfer-encoding", "connection"]
            .iter()
            .any(|own| name.eq_ignore_ascii_case(own))
        {
            continue;
        }
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().append(name, value);
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_read_with_value_and_share() {
        let (fault, settings) = fault(App::Microsoft365, "graph-429=5@0.1").expect("a fault");
        assert_eq!(fault, "graph-429");
        assert_eq!(settings, FaultSettings::probability(0.1).with_value("5"));
    }

    #[test]
    fn an_unknown_fault_or_share_is_refused() {
        let refused = |app, text| fault(app, text).expect_err("refused").exit;
        assert_eq!(refused(App::Microsoft365, "graph-428"), Exit::Parameter);
        assert_eq!(refused(App::Microsoft365, "graph-429@2"), Exit::Parameter);
        assert_eq!(refused(App::Okta, "graph-429"), Exit::Parameter);
    }
}
