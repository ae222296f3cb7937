//! The function behind the API, which also switches audit feeds on: requests and the messages of one queue.

use std::process::ExitCode;

fn main() -> ExitCode {
    casbah_platform_aws::serve::api()
}
