//! The files that say which files of a tenant matter.

use std::path::Path;

use casbah_inspect::detect::{self, Written};
use casbah_policy::{Detectable, Policies};

use crate::detector_files::{CONFIG_BYTES_MAX, small_file};
use crate::exit::{Exit, Failure};

/// The file's own policies and those that come with Casbah; without a file, the latter.
pub fn policies(file: Option<&Path>, detectors: Option<&Path>) -> Result<Policies, Failure> {
    let mut known: Vec<Detectable> = detect::detectors()
        .iter()
        .map(|one| Detectable {
            name: one.name.into(),
            kind: one.kind.name().into(),
        })
        .collect();
    if let Some(file) = detectors {
        let text = small_file(file, CONFIG_BYTES_MAX)?;
        let written = Written::read(&text)
            .map_err(|error| Failure::new(Exit::Parameter, error.to_string()).at(file.display()))?;
        known.extend(written.own_names().into_iter().map(|name| Detectable {
            name,
            kind: "own".into(),
        }));
    }
    let Some(file) = file else {
        return Policies::shipped(&known)
            .map_err(|error| Failure::new(Exit::Other, error.to_string()));
    };
    let text = small_file(file, CONFIG_BYTES_MAX)?;
    Policies::read(&text, &known).map_err(|error| {
        Failure::new(Exit::Parameter, error.to_string())
            .at(file.display())
            .with_fix("`casbah findings --help` shows a file of policies")
    })
}
