//! One file for each subcommand.

pub(crate) mod clean;
pub(crate) mod completions;
pub(crate) mod ls;
pub(crate) mod man;
pub(crate) mod run;
pub(crate) mod who;
