//! Drives the connectors through everything they do against the simulators, and writes each call with its answer to a
//! file; `validate` holds both against what the vendors publish.

mod course;
mod lives;
mod recorder;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::sync::{Arc, Mutex, PoisonError};

use casbah_model::app::App;
use casbah_simulators::simulated::faults;

use crate::course::Course;
use crate::recorder::Sink;

const APPS: [App; 3] = [App::Microsoft365, App::Okta, App::Box];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((path, chosen)) = arguments.split_first() else {
        eprintln!("usage: casbah-openapi FILE [APP…]");
        std::process::exit(2);
    };
    let file = File::create(path).unwrap_or_else(|error| {
        eprintln!("cannot create {path}: {error}");
        std::process::exit(1);
    });
    let sink: Sink = Arc::new(Mutex::new(Box::new(BufWriter::new(file))));
    let is_chosen = |app: &App| chosen.is_empty() || chosen.iter().any(|name| name == app.name());
    for app in APPS.into_iter().filter(is_chosen) {
        for credential in lives::credentials(app) {
            let course = Course {
                app,
                credential,
                fault: None,
            };
            course.live(&sink);
        }
        for fault in faults(app) {
            let course = Course {
                app,
                credential: lives::credential_of_faults(app),
                fault: Some(fault),
            };
            course.live(&sink);
        }
    }
    let mut sink = sink.lock().unwrap_or_else(PoisonError::into_inner);
    sink.flush().expect("a file that can be written");
}
