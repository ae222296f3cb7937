//! The whole system under faults: the code that is shipped, in one process, one thread and virtual time, from one seed.
//!
//! Every call to the table, the queues, the bucket and the vendor may fail before or after its effect, come late, or be
//! the last thing its function does. Each effect is checked against the invariants of the protocol; after the last
//! fault everything the vendor ever showed must be there, once.

mod acting;
mod acting_rules;
pub mod bucket;
mod commits;
pub mod conditions;
mod day;
mod draw;
pub mod fault;
mod gate_rules;
mod host;
mod invariants;
mod invocation;
mod leaving_rules;
mod log;
pub mod mark;
mod oracle;
mod plain_editions;
mod plain_tables;
mod queue;
pub mod run;
mod shadow;
mod skewed_clock;
pub mod suite;
mod table;
pub mod tenant;
pub mod variant;
mod vendor;
mod watch;
mod wrong_bucket;
mod wrong_table;

pub use run::{Options, Outcome, run};
