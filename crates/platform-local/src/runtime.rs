//! The async runtime of a command, and what asks it to end.

use std::future::Future;

use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};

use crate::exit::{Exit, Failure};

/// A runtime on this thread, in real time.
pub fn real() -> Result<Runtime, Failure> {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(unavailable)
}

/// A runtime whose time jumps from timer to timer, so that a simulated hour takes no time.
pub fn virtual_time() -> Result<Runtime, Failure> {
    Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .map_err(unavailable)
}

/// Resolves when the process is asked to end: Ctrl-C or SIGTERM. Must be called inside a runtime.
pub fn stop() -> Result<impl Future<Output = ()>, Failure> {
    let mut interrupt = signal(SignalKind::interrupt()).map_err(unavailable)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(unavailable)?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

fn unavailable(error: std::io::Error) -> Failure {
    Failure::new(Exit::Other, format!("cannot start: {error}"))
}
