//! One file for each command.

pub(crate) mod add;
pub(crate) mod completions;
mod days;
pub(crate) mod list;
pub(crate) mod man;
pub(crate) mod open;
pub(crate) mod path;
pub(crate) mod recover;
pub(crate) mod search;
pub(crate) mod show;
pub(crate) mod stats;
pub(crate) mod tags;
