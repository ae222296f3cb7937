//! The whole system in one process: stages follow a connection through the chain, faults stop it, bad input meets it,
//! contracts compare what is written down with what is there.

#![cfg(test)]

mod bad_input;
mod changes;
mod contracts;
mod deaths;
mod life;
mod stages;
mod storage;
mod world;
