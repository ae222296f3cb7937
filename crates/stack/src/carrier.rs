//! One call: signed (Signature Version 4), sent, and its answer read within bounds.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, SystemTime};

use aws_config::{BehaviorVersion, Region};
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use url::Url;

use crate::wire::{Answer, Call, Trouble};
use crate::{Args, stack};

/// HTTP APIs end a call after 30 s (API Gateway developer guide, "Quotas for HTTP APIs").
const CALL_MAX: Duration = Duration::from_secs(35);
/// A page of a thousand files is about 400 kB; Lambda answers are at most 6 MB (Lambda quotas).
const ANSWER_BYTES_MAX: usize = 8 << 20;

pub struct Carrier {
    base: Url,
    region: String,
    credentials: SharedCredentialsProvider,
    client: reqwest::Client,
}

impl Carrier {
    /// Finds credentials, region and address.
    pub async fn find(args: &Args) -> Result<Carrier, Trouble> {
        let mut loader = aws_config::defaults(BehaviorVersion::latest());
        if let Some(profile) = &args.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(region) = &args.region {
            loader = loader.region(Region::new(region.clone()));
        }
        let config = loader.load().await;
        let region = config.region().map(ToString::to_string).ok_or_else(|| {
            Trouble::environment(
                "no AWS region is known",
                "name it with --region, AWS_REGION or in the profile",
            )
        })?;
        let credentials = config.credentials_provider().ok_or_else(no_credentials)?;
        let address = match &args.api_url {
            Some(address) => address.clone(),
            None => stack::api_url(&config, &args.stack).await?,
        };
        let base = base(&address)?;
        Ok(Carrier {
            client: client(&base)?,
            base,
            region,
            credentials,
        })
    }

    pub async fn carry(&self, call: Call) -> Result<Answer, Trouble> {
        let request = self.signed(call).await?;
        let request = reqwest::Request::try_from(request)
            .map_err(|error| Trouble::other(format!("a call cannot be sent: {error}")))?;
        let host = self.base.host_str().unwrap_or_default();
        let unreachable = |error: reqwest::Error| {
            Trouble::refused(
                format!("{host} does not answer: {}", error.without_url()),
                "check the network; for a private endpoint name its address with --api-url",
            )
        };
        let mut response = self.client.execute(request).await.map_err(unreachable)?;
        let mut headers = BTreeMap::new();
        for (name, value) in response.headers() {
            if let Ok(value) = value.to_str() {
                headers.insert(name.as_str().to_string(), value.to_string());
            }
        }
        let status = response.status().as_u16();
        let mut body = vec![];
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            body.extend_from_slice(&chunk);
            if body.len() > ANSWER_BYTES_MAX {
                return Err(Trouble::refused(
                    format!("the answer of {host} is larger than 8 MB"),
                    "ask for smaller pages",
                ));
            }
        }
        let body = String::from_utf8(body)
            .map_err(|_| Trouble::refused(format!("the answer of {host} is not text"), ""))?;
        Ok(Answer {
            status,
            headers,
            body,
        })
    }

    async fn signed(&self, call: Call) -> Result<http::Request<Vec<u8>>, Trouble> {
        let body = call.body.unwrap_or_default().into_bytes();
        let url = join(&self.base, &call.path)?;
        let mut request = http::Request::builder()
            .method(call.method.as_str())
            .uri(url.as_str());
        for (name, value) in &call.headers {
            request = request.header(name, value);
        }
        let mut request = request
            .body(body)
            .map_err(|_| Trouble::other("a call has a method or header that HTTP does not know"))?;
        let credentials = self.credentials.provide_credentials().await;
        let identity = credentials.map_err(|_| no_credentials())?.into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("execute-api")
            .time(now())
            .settings(SigningSettings::default())
            .build()
            .expect("every part is given")
            .into();
        let headers = request.headers().iter();
        let headers =
            headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let unsigned = |_| Trouble::other("a call cannot be signed");
        let signable = SignableRequest::new(
            request.method().as_str(),
            url.as_str(),
            headers,
            SignableBody::Bytes(request.body()),
        )
        .map_err(unsigned)?;
        let (instructions, _) = sign(signable, &parameters).map_err(unsigned)?.into_parts();
        instructions.apply_to_request_http1x(&mut request);
        Ok(request)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a signature holds the time of this machine"
)]
fn now() -> SystemTime {
    SystemTime::now()
}

#[expect(
    clippy::disallowed_methods,
    reason = "this command is the network of `casbah --stack`"
)]
fn client(base: &Url) -> Result<reqwest::Client, Trouble> {
    let mut client = reqwest::Client::builder()
        .timeout(CALL_MAX)
        // Signatures are for one address: nothing is sent elsewhere.
        .redirect(reqwest::redirect::Policy::none());
    let host = base.host_str().unwrap_or_default();
    if host.ends_with(".localhost") {
        // It is this machine (RFC 6761, section 6.3), which not every resolver knows. The port is the address's own.
        client = client.resolve(host, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    }
    client
        .build()
        .map_err(|error| Trouble::environment(format!("no TLS on this machine: {error}"), ""))
}

fn no_credentials() -> Trouble {
    Trouble::environment(
        "no AWS credentials were found",
        "log in (`aws sso login`), name a profile with --profile, or set AWS_PROFILE",
    )
}

/// Parses the address of the API: https, or this machine for emulators.
fn base(address: &str) -> Result<Url, Trouble> {
    let refuse = |why: &str| {
        Trouble::parameter(
            format!("\"{address}\" is not the address of an API: {why}"),
            "use https://…, or http:// for this machine",
        )
    };
    let mut url = Url::parse(address).map_err(|error| refuse(&error.to_string()))?;
    let host = url.host_str().unwrap_or_default();
    let is_here = host == "localhost" || host.ends_with(".localhost") || host == "127.0.0.1";
    match url.scheme() {
        "https" => {}
        "http" if is_here => {}
        _ => return Err(refuse("it is not https")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse("it holds a name or password"));
    }
    url.set_query(None);
    url.set_fragment(None);
    Ok(url)
}

/// The address of a path of the API, which stays below the base.
fn join(base: &Url, path: &str) -> Result<Url, Trouble> {
    let (path, query) = match path.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (path, None),
    };
    let is_below = path.starts_with("/v1/") && !path.split('/').any(|part| part == "..");
    if !is_below {
        return Err(Trouble::other("a call is not for this API"));
    }
    let mut url = base.clone();
    url.set_path(&format!("{}{path}", base.path().trim_end_matches('/')));
    url.set_query(query);
    Ok(url)
}

#[cfg(test)]
mod tests;
