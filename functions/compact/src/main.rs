//! The function that turns commits into tables for query engines.

use std::process::ExitCode;
use std::sync::Arc;

use casbah_tables::Parquet;

fn main() -> ExitCode {
    // Only this function carries the code of the file format.
    casbah_platform_aws::serve::tables(Arc::new(Parquet))
}
