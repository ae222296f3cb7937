//! The function that sends hints for what is due, every minute.

use std::process::ExitCode;

fn main() -> ExitCode {
    casbah_platform_aws::serve::schedule()
}
