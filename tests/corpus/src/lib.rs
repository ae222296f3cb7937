//! Records as vendors send them, with invented content, and beside each the event it becomes: `tests/`.
//!
//! `src/bin/fuzz.rs` damages them and holds what comes out against [`laws`].

pub mod cases;
pub mod laws;
pub mod mutation;

use std::fs;
use std::path::{Path, PathBuf};

use casbah_connector::ActivitySource;
use casbah_model::app::App;
use casbah_model::event::Event;
use casbah_ocsf::{Origin, Profile};
use casbah_pipeline::apps;

/// When the records of the corpus became available, and when they were read.
const LOGGED: &str = "2026-05-16T10:05:00Z";
const PROCESSED: &str = "2026-05-16T10:05:02Z";

pub fn activities(app: App) -> &'static dyn ActivitySource {
    apps::connector(app).activities().expect("an audit trail")
}

/// The event of a record, with a clock that stands still.
pub fn mapped(app: App, raw: &[u8], profile: Profile) -> Option<Vec<u8>> {
    let event = activities(app).event(raw)?;
    Some(told(app, &event, profile))
}

/// An event as it is written, with a clock that stands still.
pub fn told(app: App, event: &Event<'_>, profile: Profile) -> Vec<u8> {
    let time = |text: &str| text.parse().expect("a valid time");
    let origin = Origin {
        product: app.product(),
        vendor: app.vendor(),
        tenant: "6f0c27ac-91c4-4d3e-8a53-2f1a0a9a3b11",
        instance: "contoso",
        logged: time(LOGGED),
        processed: time(PROCESSED),
    };
    let mut out = Vec::new();
    casbah_ocsf::write(event, &origin, profile, &mut out);
    out
}

/// The files of the corpus that hold a record of an app as it was sent, sorted by name.
pub fn records(app: App) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(app.name());
    let paths = fs::read_dir(folder).expect("the corpus");
    let paths = paths.map(|entry| entry.expect("an entry").path());
    let is_record = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.ends_with(".json") && !name.ends_with(".ocsf.json"))
    };
    let mut records: Vec<PathBuf> = paths.filter(is_record).collect();
    records.sort();
    records
}
