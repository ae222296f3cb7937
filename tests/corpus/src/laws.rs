//! What holds for every record and for every page, however damaged.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use casbah_http::stream::RECORD_BYTES_MAX;
use casbah_http::{Piece, Records};
use casbah_model::app::App;
use casbah_model::record::RecordId;
use casbah_model::transport::{Body, Bytes, TransportError};
use casbah_ocsf::Profile;
use serde_json::{Map, Value};

use crate::{LOGGED, activities, told};

/// What does not hold, in words.
pub type Broken = String;

fn must(holds: bool, what: &str) -> Result<(), Broken> {
    match holds {
        true => Ok(()),
        false => Err(what.to_string()),
    }
}

/// A record is refused only when it is no JSON object; otherwise it is one line of the schema, known by one id.
pub fn record(app: App, raw: &[u8]) -> Result<(), Broken> {
    let (activity, event) = match activities(app).record(raw) {
        Ok(read) => read,
        Err(_) => {
            let is_object = serde_json::from_slice::<Map<String, Value>>(raw).is_ok();
            return must(
                !is_object || raw.first() != Some(&b'{'),
                "an object is refused",
            );
        }
    };
    let id = activity.id.as_str();
    must(
        event.id.as_deref() == Some(id),
        "the event has another id than the record",
    )?;
    must(
        event.occurred == activity.occurred,
        "the event has another time than the record",
    )?;
    must(
        !id.is_empty() && id.len() <= RecordId::BYTES_MAX,
        "the id is empty or too long",
    )?;
    let time = activity
        .occurred
        .unwrap_or_else(|| LOGGED.parse().expect("a valid time"));
    for profile in Profile::ALL {
        let line = told(app, &event, profile);
        must(!line.contains(&b'\n'), "the event has a line break")?;
        let value: Value = serde_json::from_slice(&line)
            .map_err(|error| format!("the event is not valid JSON: {error}"))?;
        let number = |name: &str| value[name].as_u64();
        let type_uid = number("class_uid")
            .zip(number("activity_id"))
            .map(|(class, activity)| class * 100 + activity);
        must(
            type_uid.is_some() && number("type_uid") == type_uid,
            "type_uid is wrong",
        )?;
        must(value["time"] == time.as_millisecond(), "the time is wrong")?;
        let metadata = &value["metadata"];
        must(metadata["uid"] == id, "metadata.uid is wrong")?;
        must(
            metadata["version"] == profile.version(),
            "metadata.version is wrong",
        )?;
        if let Some(ip) = value["src_endpoint"]["ip"].as_str() {
            must(
                ip.parse::<std::net::IpAddr>().is_ok(),
                "src_endpoint.ip is no address",
            )?;
        }
    }
    Ok(())
}

/// A page of which `whole` records come before any damage is split in the same way whatever pieces it arrives in, those
/// records come out untouched, and no more than one piece is read ahead.
pub fn page(page: &[u8], whole: &[&[u8]], member: Option<&'static str>) -> Result<(), Broken> {
    let first = split(page, member, page.len())?;
    let found = first.pieces.get(..whole.len());
    let is_untouched = found.is_some_and(|found| {
        let mut pairs = found.iter().zip(whole);
        pairs.all(|((found, _), whole)| found == whole)
    });
    must(
        is_untouched,
        "a record before the damage is lost or changed",
    )?;
    // A page of a kilobyte byte by byte, larger ones in pieces that do not end where records do.
    let sizes: &[usize] = match page.len() {
        ..=4_000 => &[1, 2, 3, 7, 61],
        _ => &[61, 1_021, 65_536],
    };
    for size in sizes {
        let again = split(page, member, *size)?;
        must(again == first, "other pieces make other records")?;
    }
    Ok(())
}

/// What came of a page: the records, or the beginnings of large ones, with their sizes; its end, and what was around.
#[derive(PartialEq)]
struct Split {
    pieces: Vec<(Vec<u8>, usize)>,
    end: Result<Vec<u8>, String>,
}

fn split(page: &[u8], member: Option<&'static str>, size: usize) -> Result<Split, Broken> {
    let fed = Arc::new(AtomicUsize::new(0));
    let body = Box::new(Chunks {
        left: page
            .chunks(size.max(1))
            .map(Bytes::copy_from_slice)
            .collect(),
        fed: Arc::clone(&fed),
    });
    let mut records = match member {
        Some(name) => Records::member(body, name),
        None => Records::array(body),
    };
    let mut pieces = Vec::new();
    // Where the last record ended; only known in a page that is a list.
    let mut at = page
        .iter()
        .position(|byte| *byte == b'[')
        .map_or(0, |open| open + 1);
    let ended = loop {
        let (head, bytes) = match futures::executor::block_on(records.next()) {
            Ok(Some(Piece::Record(raw))) => (raw, raw.len()),
            Ok(Some(Piece::Oversized { head, bytes })) => (head, bytes as usize),
            Ok(None) => break Ok(()),
            Err(error) => break Err(error.to_string()),
        };
        must(
            head.len() <= RECORD_BYTES_MAX,
            "more is kept of a record than the limit",
        )?;
        let is_between = |byte: &u8| b" \t\r\n,".contains(byte);
        at += page[at..]
            .iter()
            .take_while(|byte| is_between(byte))
            .count();
        if member.is_none() {
            must(
                page[at..].starts_with(head),
                "a record is not where it was sent",
            )?;
            let is_ahead = fed.load(Ordering::Relaxed) > at + bytes + size;
            must(!is_ahead, "more than a piece was read ahead")?;
            at += bytes;
        }
        pieces.push((head.to_vec(), bytes));
    };
    let end = ended.map(|()| records.envelope().to_vec());
    Ok(Split { pieces, end })
}

struct Chunks {
    left: VecDeque<Bytes>,
    fed: Arc<AtomicUsize>,
}

#[async_trait]
impl Body for Chunks {
    async fn chunk(&mut self) -> Result<Option<Bytes>, TransportError> {
        let chunk = self.left.pop_front();
        let bytes = chunk.as_ref().map_or(0, Bytes::len);
        self.fed.fetch_add(bytes, Ordering::Relaxed);
        Ok(chunk)
    }
}
