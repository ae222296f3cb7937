//! Every record of the corpus against its event, the whole catalogue against the profile, and hostile records.

mod actions;
mod catalogue;
mod columns;
mod findings;
mod hostile;
mod records;
