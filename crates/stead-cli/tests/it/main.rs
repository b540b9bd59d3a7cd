//! The `stead` command as its users meet it: real processes, real terminals.
#![cfg(unix)]

mod append;
mod bad_input;
mod cycles;
mod descriptors;
mod doctor;
mod documents;
mod edit;
mod environment;
mod flock;
mod help;
mod listing;
mod log;
mod messages;
mod nesting;
mod rig;
mod run;
mod signals;
mod status_file;
mod terminal;
mod update;
mod write;
