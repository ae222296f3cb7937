//! The function that vendors call, without proof of who they are: all that follows is a hint.

use std::process::ExitCode;

fn main() -> ExitCode {
    casbah_platform_aws::serve::hooks()
}
