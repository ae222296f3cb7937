//! The whole system in one process: stages follow a connection through the chain, faults stop it, bad input meets it,
//! contracts compare what is written down with what is there.

#![cfg(test)]

mod bad_input;
mod box_acting;
mod box_com;
mod box_files;
mod changes;
mod contents;
mod contracts;
mod custody;
mod deaths;
mod editions;
mod findings;
mod govern;
mod govern_guards;
mod govern_rules;
mod govern_selection;
mod hooks;
mod leaving;
mod life;
mod many_links;
mod okta;
mod postman;
mod stages;
mod storage;
mod tables;
mod telling;
mod template;
mod timeline;
mod view_building;
mod views;
mod walks;
mod world;
