use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use bytes::Bytes;
use casbah_model::app::App;
use futures::executor::block_on;

use super::*;
use crate::read;

/// Objects in memory; the put of one number fails.
#[derive(Default)]
struct Objects {
    kept: Mutex<BTreeMap<String, Bytes>>,
    failing: Option<usize>,
    puts: Mutex<usize>,
}

#[async_trait]
impl ObjectStore for Objects {
    async fn put(&self, name: &str, content: Bytes) -> Result<(), ObjectError> {
        let mut puts = self.puts.lock().expect("no panic before");
        *puts += 1;
        if Some(*puts) == self.failing {
            return Err(ObjectError::Unavailable {
                name: name.into(),
                reason: "no answer".into(),
            });
        }
        self.kept
            .lock()
            .expect("no panic before")
            .insert(name.into(), content);
        Ok(())
    }

    async fn get(&self, name: &str) -> Result<Bytes, ObjectError> {
        let found = self
            .kept
            .lock()
            .expect("no panic before")
            .get(name)
            .cloned();
        found.ok_or_else(|| ObjectError::NotFound { name: name.into() })
    }

    async fn list(
        &self,
        _prefix: &str,
        _after: Option<&str>,
        _limit: usize,
    ) -> Result<Vec<String>, ObjectError> {
        Ok(self
            .kept
            .lock()
            .expect("no panic before")
            .keys()
            .cloned()
            .collect())
    }

    async fn delete(&self, name: &str) -> Result<(), ObjectError> {
        self.kept.lock().expect("no panic before").remove(name);
        Ok(())
    }
}

fn place() -> Place {
    Place {
        app: App::Microsoft365,
        scope: "contoso.1".into(),
        family: "activities".into(),
        stream: "bundles-aad".into(),
        epoch: 1,
        sequence: 0,
        fence: 2,
        begun: "2026-05-04T10:00:00Z".parse().expect("a valid time"),
    }
}

fn line<'a>(id: &'a str, raw: &'a [u8]) -> Line<'a> {
    Line {
        id,
        version: "0",
        kind: "user",
        of: None,
        raw,
    }
}

#[test]
fn a_line_is_the_record_with_our_fields_behind_it() {
    let cases: [(&str, &[u8], &str); 3] = [
        ("a", b"{\"Id\":\"a\"}", "{\"Id\":\"a\",\"_rid\":\"a\""),
        ("b\"c", b" {} ", "{\"_rid\":\"b\\\"c\""),
        ("d", b"{\n  \"x\": 1\r\n}", "{   \"x\": 1  ,\"_rid\":\"d\""),
    ];
    for (id, raw, begin) in cases {
        let mut out = Vec::new();
        write_line(&mut out, line(id, raw), "\",\"_ck\":\"k\",\"_at\":\"t\"}\n");
        let text = String::from_utf8(out).expect("text");
        assert!(text.starts_with(begin), "{text}");
        assert_eq!(text.matches('\n').count(), 1);
        let value: serde_json::Value = serde_json::from_str(&text).expect("one JSON object");
        assert_eq!(value["_rid"], id);
        let marks = read::marks(text.trim_end().as_bytes()).expect("our fields");
        assert_eq!((&*marks.id, &*marks.kind), (id, "user"));
    }
}

#[test]
fn what_a_discarded_page_wrote_is_not_in_the_object() {
    block_on(async {
        let objects = Arc::new(Objects::default());
        let mut sink = RawSink::new(Arc::clone(&objects) as _, place()).expect("a sink");
        sink.line(line("a", b"{}")).await.expect("written");
        sink.accept().await.expect("accepted");
        sink.line(line("b", b"{}")).await.expect("written");
        sink.event(|out| out.extend_from_slice(b"\"b\""))
            .await
            .expect("written");
        sink.discard();
        sink.line(line("c", b"{}")).await.expect("written");
        sink.event(|out| out.extend_from_slice(b"\"c\""))
            .await
            .expect("written");
        sink.accept().await.expect("accepted");
        let Written {
            records,
            quarantine,
            events,
        } = sink.finish().await.expect("stored");
        assert_eq!(
            (records.len(), quarantine.len(), records[0].records),
            (1, 0, 2)
        );
        let mut said = vec![];
        read::lines(&*objects, &events[0], |line| said.push(line.to_vec()))
            .await
            .expect("read back");
        assert_eq!((events.len(), said), (1, vec![b"\"c\"".to_vec()]));
        let mut ids = vec![];
        let each = |line: &[u8]| ids.extend(read::marks(line).map(|marks| marks.id.into_owned()));
        read::lines(&*objects, &records[0], each)
            .await
            .expect("read back");
        assert_eq!(ids, ["a", "c"]);
    });
}

#[test]
fn a_part_that_was_lost_keeps_everything_from_being_committed() {
    block_on(async {
        let objects = Arc::new(Objects {
            failing: Some(1),
            ..Objects::default()
        });
        let mut sink = RawSink::new(objects, place()).expect("a sink");
        let record = format!("{{\"x\":\"{}\"}}", "y".repeat(1 << 20));
        let mut is_failed = false;
        for number in 0..40 {
            let id = number.to_string();
            sink.line(line(&id, record.as_bytes()))
                .await
                .expect("held back");
            is_failed |= sink.accept().await.is_err();
        }
        assert!(is_failed, "40 MB are more than one part");
        assert!(matches!(sink.finish().await, Err(RawError::Broken)));
    });
}
