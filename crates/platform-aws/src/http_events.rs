//! Requests as API Gateway gives them to Lambda, and answers as it takes them (HTTP API, payload format 2.0).

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use casbah_api::{Caller, Code, Problem};
use http::header::CONTENT_LENGTH;
use serde::Deserialize;
use serde_json::{Value, json};

/// API Gateway developer guide, "Create AWS Lambda proxy integrations for HTTP APIs", payload format version 2.0.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpEvent {
    #[serde(default)]
    pub raw_path: String,
    #[serde(default)]
    pub raw_query_string: String,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    pub request_context: RequestContext,
    #[serde(default)]
    pub body: Option<String>,
    #[serde(default)]
    pub is_base64_encoded: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestContext {
    pub http: HttpPart,
    #[serde(default)]
    pub request_id: String,
    #[serde(default)]
    pub stage: String,
    #[serde(default)]
    pub authorizer: Option<Authorizer>,
}

#[derive(Debug, Deserialize)]
pub struct HttpPart {
    pub method: String,
}

/// Who called, as far as API Gateway made sure of it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Authorizer {
    pub iam: Option<Iam>,
    pub jwt: Option<Jwt>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Iam {
    pub user_arn: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Jwt {
    pub claims: BTreeMap<String, Value>,
}

impl HttpEvent {
    /// The request, with its caller if there is one.
    ///
    /// # Errors
    /// What cannot be a request: API Gateway lets through what its own parser takes.
    pub fn into_request(self) -> Result<http::Request<Bytes>, http::Error> {
        let path = without_stage(&self.raw_path, &self.request_context.stage);
        let uri = match self.raw_query_string.as_str() {
            "" => path.to_string(),
            query => format!("{path}?{query}"),
        };
        let mut request = http::Request::builder()
            .method(self.request_context.http.method.as_str())
            .uri(uri);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(caller) = self.request_context.caller() {
            request = request.extension(caller);
        }
        let body = self.body.unwrap_or_default();
        let body = match self.is_base64_encoded {
            // API Gateway encoded it itself; a text that is not base64 is taken as it is, and refused as JSON.
            true => STANDARD
                .decode(&body)
                .map_or_else(|_| body.into(), Bytes::from),
            false => body.into(),
        };
        request.body(body)
    }
}

impl RequestContext {
    fn caller(&self) -> Option<Caller> {
        let authorizer = self.authorizer.as_ref()?;
        let iam = authorizer.iam.as_ref().and_then(|iam| iam.user_arn.clone());
        let principal = iam.filter(|arn| !arn.is_empty()).or_else(|| {
            let claims = &authorizer.jwt.as_ref()?.claims;
            let text = |name: &str| claims.get(name).and_then(Value::as_str);
            // The subject is unique for one issuer only (RFC 7519, 4.1.2).
            let (issuer, subject) = (text("iss").unwrap_or_default(), text("sub")?);
            (!subject.is_empty()).then(|| format!("{issuer}#{subject}"))
        })?;
        Some(Caller {
            principal,
            request_id: self.request_id.clone(),
        })
    }
}

/// Only the stage named `$default` is not part of the path.
fn without_stage<'a>(path: &'a str, stage: &str) -> &'a str {
    let rest = path
        .strip_prefix('/')
        .and_then(|path| path.strip_prefix(stage));
    match rest {
        Some("") if !stage.is_empty() => "/",
        Some(rest) if !stage.is_empty() && rest.starts_with('/') => rest,
        _ if path.is_empty() => "/",
        _ => path,
    }
}

/// The answer as API Gateway takes it: several headers of one name are joined, bodies that are no text are encoded.
pub fn answer(response: http::Response<Bytes>) -> Value {
    let (parts, body) = response.into_parts();
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in &parts.headers {
        if *name == CONTENT_LENGTH {
            continue;
        }
        let value = String::from_utf8_lossy(value.as_bytes());
        headers
            .entry(name.as_str().into())
            .and_modify(|joined| *joined = format!("{joined}, {value}"))
            .or_insert_with(|| value.into());
    }
    let (body, is_encoded) = match std::str::from_utf8(&body) {
        Ok(text) => (text.to_string(), false),
        Err(_) => (STANDARD.encode(&body), true),
    };
    json!({
        "statusCode": parts.status.as_u16(),
        "headers": headers,
        "body": body,
        "isBase64Encoded": is_encoded,
    })
}

/// The answer to a request that no part of ours can read.
pub fn unreadable(request_id: &str) -> Value {
    let problem = Problem::new(Code::BadPath, "the request cannot be read");
    answer(casbah_api::refuse(problem, request_id))
}

/// The answer when the time that a caller waits is over. The work may still have happened, which is why requests carry
/// an idempotency key.
pub fn late(request_id: &str) -> Value {
    let problem = Problem::new(Code::Busy, "this took too long; ask again");
    answer(casbah_api::refuse(problem, request_id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(change: impl FnOnce(&mut Value)) -> Result<http::Request<Bytes>, http::Error> {
        let mut event = json!({
            "version": "2.0",
            "rawPath": "/v1/connections",
            "rawQueryString": "limit=2&next_token=a%2Fb",
            "headers": { "content-type": "application/json", "x-two": "a,b" },
            "requestContext": {
                "http": { "method": "POST", "path": "/v1/connections" },
                "requestId": "r-1",
                "stage": "$default",
                "authorizer": { "iam": { "userArn": "arn:aws:iam::1:user/alice" } },
            },
            "body": "e30=",
            "isBase64Encoded": true,
        });
        change(&mut event);
        let event: HttpEvent = serde_json::from_value(event).expect("an event");
        event.into_request()
    }

    #[test]
    fn a_request_is_as_it_was_sent() {
        let request = event(|_| {}).expect("a request");
        assert_eq!(request.method(), "POST");
        assert_eq!(request.uri(), "/v1/connections?limit=2&next_token=a%2Fb");
        assert_eq!(request.headers()["x-two"], "a,b");
        assert_eq!(request.body(), "{}");
        let caller = request.extensions().get::<Caller>().expect("a caller");
        assert_eq!(caller.principal, "arn:aws:iam::1:user/alice");
        assert_eq!(caller.request_id, "r-1");
    }

    #[test]
    fn the_caller_of_a_token_is_issuer_and_subject() {
        let request = event(|event| {
            event["requestContext"]["authorizer"] = json!({ "jwt": { "claims": { "iss": "https://idp", "sub": "alice" }, "scopes": null } });
        });
        let request = request.expect("a request");
        let caller = request.extensions().get::<Caller>().expect("a caller");
        assert_eq!(caller.principal, "https://idp#alice");
    }

    #[test]
    fn without_proof_of_who_called_there_is_no_caller() {
        for authorizer in [
            Value::Null,
            json!({}),
            json!({ "iam": { "userArn": null } }),
            json!({ "iam": { "userArn": "" } }),
            json!({ "jwt": { "claims": {} } }),
            json!({ "jwt": { "claims": { "sub": "" } } }),
            json!({ "lambda": { "principal": "mallory" } }),
        ] {
            let request = event(|event| {
                event["requestContext"]["authorizer"] = authorizer.clone();
                event["headers"]["x-caller"] = "mallory".into();
            });
            let request = request.expect("a request");
            assert!(
                request.extensions().get::<Caller>().is_none(),
                "{authorizer}"
            );
        }
    }

    #[test]
    fn the_stage_is_no_part_of_the_path() {
        for (path, stage, expected) in [
            ("/v1/health", "$default", "/v1/health"),
            ("/prod/v1/health", "prod", "/v1/health"),
            ("/prod", "prod", "/"),
            ("/production/v1", "prod", "/production/v1"),
            ("/v1", "", "/v1"),
            ("", "$default", "/"),
        ] {
            assert_eq!(without_stage(path, stage), expected, "{path} in {stage}");
        }
    }

    #[test]
    fn what_cannot_be_a_request_is_an_error_and_no_panic() {
        for (name, value) in [
            ("rawPath", "/a b"),
            ("rawPath", "\u{0}"),
            ("rawQueryString", "\n"),
        ] {
            assert!(
                event(|event| event[name] = value.into()).is_err(),
                "{name} {value:?}"
            );
        }
        let body = event(|event| event["body"] = "not base64!".into());
        assert_eq!(body.expect("a request").body(), "not base64!");
    }

    #[test]
    fn an_answer_is_text_when_it_can_be() {
        let response = http::Response::builder()
            .status(202)
            .header("Location", "/v1/connections/a")
            .header("Vary", "a")
            .header("Vary", "b");
        let found = answer(response.body(Bytes::from("é")).expect("an answer"));
        assert_eq!(
            found,
            json!({
                "statusCode": 202,
                "headers": { "location": "/v1/connections/a", "vary": "a, b" },
                "body": "é",
                "isBase64Encoded": false,
            })
        );
        let found = answer(http::Response::new(Bytes::from_static(&[0xff])));
        assert_eq!(
            (&found["body"], &found["isBase64Encoded"]),
            (&json!("/w=="), &json!(true))
        );
    }
}
