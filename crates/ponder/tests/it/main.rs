//! The `ponder` command as its users meet it: real processes, scripted editors, real terminals.
#![cfg(unix)]

mod adding;
mod bad_input;
mod days;
mod drafts;
mod full_disk;
mod guide;
mod help;
mod leap_days;
mod locking;
mod reading;
mod rig;
mod scripted;
mod terminal;
