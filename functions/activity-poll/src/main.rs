//! The function that reads the audit trail.

use std::process::ExitCode;

fn main() -> ExitCode {
    casbah_platform_aws::serve::queue()
}
