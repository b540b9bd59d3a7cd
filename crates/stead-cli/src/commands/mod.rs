//! One file for each subcommand.

pub(crate) mod append;
pub(crate) mod clean;
pub(crate) mod completions;
pub(crate) mod delete;
mod documents;
pub(crate) mod edit;
pub(crate) mod flock;
pub(crate) mod get;
pub(crate) mod log;
pub(crate) mod ls;
pub(crate) mod man;
pub(crate) mod merge;
pub(crate) mod patch;
pub(crate) mod run;
pub(crate) mod set;
pub(crate) mod update;
pub(crate) mod who;
pub(crate) mod write;
