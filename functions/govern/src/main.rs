//! The function that plans changes, carries them out when they are allowed, and puts them back.

use std::process::ExitCode;

fn main() -> ExitCode {
    casbah_platform_aws::serve::queue()
}
