//! The function that reads files and who can see them.

use std::process::ExitCode;

fn main() -> ExitCode {
    casbah_platform_aws::serve::queue()
}
