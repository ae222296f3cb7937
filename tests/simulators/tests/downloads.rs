//! Contents of files: an address that is good for some minutes, to whoever has it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod reader;

use casbah_model::SignedDuration;
use casbah_model::transport::{Headers, Method, Request, TransportError};
use casbah_simulators::microsoft365::{Fault, FaultSettings};
use reader::{Answer, GRAPH, Reader, ids};
use serde_json::Value;

/// A file of some drive that is not too large to be read here.
fn some_file(reader: &Reader) -> (String, Value) {
    for site in reader.walk("sites/getAllSites", "").0 {
        let path = format!("sites/{}/drives", site["id"].as_str().unwrap());
        for drive in ids(&reader.walk(&path, "").0, "id") {
            let (items, _) = reader.walk(&format!("drives/{drive}/root/delta"), "");
            let small = items.into_iter().find(|item| {
                let size = item["size"].as_u64().unwrap_or(0);
                item["file"].is_object() && (1_000..100_000).contains(&size)
            });
            if let Some(file) = small {
                return (drive, file);
            }
        }
    }
    panic!("no small file")
}

fn ask(reader: &Reader, drive: &str, file: &Value) -> Answer {
    let id = file["id"].as_str().unwrap();
    reader.graph(&format!("drives/{drive}/items/{id}/content"))
}

fn fetch(reader: &Reader, address: &str, headers: Headers) -> Result<Answer, TransportError> {
    reader.try_send(Request {
        method: Method::Get,
        url: address.into(),
        headers,
        body: Vec::new().into(),
    })
}

#[test]
fn a_content_is_handed_out_elsewhere_for_some_minutes() {
    let reader = Reader::small(1);
    let (drive, file) = some_file(&reader);
    let answer = ask(&reader, &drive, &file);
    assert_eq!(answer.status, 302, "{}", answer.text);
    let address = answer.headers.get("Location").unwrap();
    assert!(address.contains(".sharepoint.com/"), "{address}");
    let content = fetch(&reader, address, Headers::default()).unwrap();
    assert_eq!(content.status, 200);
    assert_eq!(Some(content.text.len() as u64), file["size"].as_u64());
    let told = fetch(&reader, address, reader.bearer(GRAPH)).unwrap();
    assert_eq!(told.status, 401);
    let forged = fetch(&reader, &format!("{address}x"), Headers::default());
    assert_eq!(forged.unwrap().status, 404);
    reader.clock.forward(SignedDuration::from_mins(6));
    let late = fetch(&reader, address, Headers::default()).unwrap();
    assert_eq!(late.status, 401);
    assert_eq!(reader.simulator.traffic().downloaded, 1);
}

#[test]
fn a_content_may_not_be_had() {
    let reader = Reader::small(1);
    let (drive, file) = some_file(&reader);
    let strike = |fault| {
        reader
            .simulator
            .switch(fault, Some(FaultSettings::always()));
        let answer = ask(&reader, &drive, &file);
        let address = answer.headers.get("Location").map(String::from);
        let fetched = address.map(|address| fetch(&reader, &address, Headers::default()));
        reader.simulator.switch(fault, None);
        (answer, fetched)
    };
    let (malware, _) = strike(Fault::DownloadMalware);
    assert_eq!((malware.status, &*malware.code()), (403, "malwareDetected"));
    let (denied, _) = strike(Fault::DownloadDenied);
    assert_eq!((denied.status, &*denied.code()), (403, "accessDenied"));
    let (_, expired) = strike(Fault::DownloadExpired);
    assert_eq!(expired.unwrap().unwrap().status, 401);
    let (foreign, fetched) = strike(Fault::DownloadForeign);
    let address = foreign.headers.get("Location").unwrap();
    assert!(!address.contains("sharepoint.com"), "{address}");
    assert!(fetched.unwrap().map_or(true, |answer| answer.status != 200));
    let (_, broken) = strike(Fault::DownloadTruncated);
    assert!(broken.unwrap().is_err());
}
