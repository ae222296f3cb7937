//! The API through its door: whole requests in, whole answers out, each answer held against the OpenAPI document.

mod actions;
mod bad_input;
mod contract;
mod document;
mod door;
mod life;
mod lists;
mod repeats;
