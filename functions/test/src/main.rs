//! The function that tests connections.

use std::process::ExitCode;

fn main() -> ExitCode {
    casbah_platform_aws::serve::queue()
}
