//! The function that tells people, and that gives dead letters a name.

use std::process::ExitCode;

fn main() -> ExitCode {
    casbah_platform_aws::serve::notify()
}
