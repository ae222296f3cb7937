//! What every adapter of a port must do, as named cases: the same list for every platform.

pub mod objects;
pub mod queue;
pub mod secrets;
pub mod state;
mod state_queries;
mod state_transactions;
pub mod table_objects;

use futures::future::BoxFuture;

/// A case by the sentence it proves. It panics when the sentence is not true of the adapter.
pub type Case<P> = (&'static str, fn(P) -> BoxFuture<'static, ()>);

/// Runs each case against a new, empty adapter.
pub async fn run<P>(cases: &[Case<P>], make: impl AsyncFn() -> P) {
    for (sentence, case) in cases {
        // Shown only when the test fails, and then the last line names the case.
        println!("{sentence}");
        case(make().await).await;
    }
}
