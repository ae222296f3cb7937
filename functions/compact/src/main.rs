//! The function that turns commits into tables for query engines, and judges files.

use std::process::ExitCode;
use std::sync::Arc;

use casbah_inspect::detect;
use casbah_policy::{Detectable, Policies};
use casbah_tables::Parquet;

fn main() -> ExitCode {
    let known = detect::detectors().iter().map(|one| Detectable {
        name: one.name.into(),
        kind: one.kind.name().into(),
    });
    let policies = Policies::shipped(&known.collect::<Vec<_>>());
    // Only this function carries the code of the file format.
    casbah_platform_aws::serve::tables(
        Arc::new(Parquet),
        policies.expect("those that come with Casbah are tested"),
    )
}
