//! The function that reads users, groups, roles and grants.

use std::process::ExitCode;

fn main() -> ExitCode {
    casbah_platform_aws::serve::queue()
}
