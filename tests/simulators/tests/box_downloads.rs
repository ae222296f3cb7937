//! Contents of files: an address for whoever has it, for a quarter of an hour.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod box_reader;

use box_reader::{Answer, Reader, always};
use casbah_model::transport::{Headers, Method, Request, TransportError};
use casbah_simulators::box_com::{Fault, FaultSettings};
use serde_json::Value;

/// A file of the small enterprise whose owner is active, and that is not too large to be read here.
fn some_file(reader: &Reader) -> (String, Value) {
    let users = reader.pages(None, "/2.0/users?limit=100&fields=status").0;
    let is_active = |id: &Value| {
        let mut users = users.iter();
        users.any(|user| user["id"] == *id && user["status"] == "active")
    };
    let all = reader.scan();
    let file = all.values().find(|item| {
        item["type"] == "file"
            && (1_000..100_000).contains(&item["size"].as_u64().unwrap_or(0))
            && is_active(&item["owned_by"]["id"])
    });
    let file = file.unwrap().clone();
    let owner = file["owned_by"]["id"].as_str().unwrap().to_string();
    (owner, file)
}

fn ask(reader: &Reader, owner: &str, file: &Value, version: &str) -> Answer {
    let id = file["id"].as_str().unwrap();
    reader.get_as(owner, &format!("/2.0/files/{id}/content{version}"))
}

fn fetch(reader: &Reader, address: &str, headers: Headers) -> Result<Answer, TransportError> {
    let request = Request {
        url: address.into(),
        ..Reader::request(Method::Get, "/", headers, "")
    };
    reader.try_send(request)
}

fn location(answer: &Answer) -> String {
    assert_eq!(answer.status, 302, "{}", answer.text);
    answer.headers.get("Location").unwrap().to_string()
}

#[test]
fn a_content_is_handed_out_elsewhere_and_takes_no_token() {
    let reader = Reader::small(1);
    let (owner, file) = some_file(&reader);
    let address = location(&ask(&reader, &owner, &file, ""));
    assert!(address.starts_with("https://dl.boxcloud.com/"), "{address}");
    let content = fetch(&reader, &address, Headers::default()).unwrap();
    assert_eq!(content.status, 200);
    assert_eq!(Some(content.text.len() as u64), file["size"].as_u64());
    let told = fetch(&reader, &address, Reader::bearer(&reader.token())).unwrap();
    assert_eq!(told.status, 400);
    let traffic = reader.simulator.traffic();
    assert_eq!((traffic.tokens_told, traffic.downloaded), (1, 1));
    assert_eq!(ask(&reader, &owner, &file, "?version=1").status, 404);
    let forged = address.replace("/d/1/", "/d/1/x");
    assert_ne!(
        fetch(&reader, &forged, Headers::default()).unwrap().status,
        200
    );
    reader.wait(16 * 60);
    assert_eq!(
        fetch(&reader, &address, Headers::default()).unwrap().status,
        403
    );
}

#[test]
fn what_is_put_into_a_file_is_what_it_holds() {
    let reader = Reader::small(1);
    let (owner, file) = some_file(&reader);
    let id = file["id"].as_str().unwrap();
    reader.simulator.put_content(id, "new words");
    let address = location(&ask(&reader, &owner, &file, ""));
    assert_eq!(
        fetch(&reader, &address, Headers::default()).unwrap().text,
        "new words"
    );
    let listed = &reader.scan()[id];
    assert_eq!(listed["size"], 9);
    assert_ne!(listed["sha1"], file["sha1"]);
}

#[test]
fn a_content_may_not_be_had() {
    let reader = Reader::small(1);
    let (owner, file) = some_file(&reader);
    let strike = |fault, settings: FaultSettings| {
        reader.simulator.switch(fault, Some(settings));
        let answer = ask(&reader, &owner, &file, "");
        let fetched = answer
            .headers
            .get("Location")
            .map(|address| fetch(&reader, address, Headers::default()));
        reader.simulator.switch(fault, None);
        (answer, fetched)
    };
    let (blocked, _) = strike(Fault::DownloadBlocked, always().unwrap());
    assert_eq!(blocked.refusal(), (403, "forbidden_by_policy".into()));
    let (later, _) = strike(Fault::DownloadNotReady, always().unwrap());
    assert_eq!(
        (later.status, later.headers.get("Retry-After")),
        (202, Some("5"))
    );
    let (_, expired) = strike(Fault::DownloadExpired, always().unwrap());
    assert_eq!(expired.unwrap().unwrap().status, 403);
    let (foreign, fetched) = strike(Fault::DownloadForeign, always().unwrap());
    assert!(!location(&foreign).contains("boxcloud.com"));
    assert!(fetched.unwrap().map_or(true, |answer| answer.status != 200));
    let (_, broken) = strike(Fault::DownloadTruncated, always().unwrap());
    assert!(broken.unwrap().is_err());
}
