//! What Linux and the other Unix systems share.

#[cfg(feature = "edit")]
mod command;
mod descriptor;
mod error;
mod exec;
mod file;
mod flock;
mod folder;
mod inherit;
mod storage;
#[path = "../temporary_name.rs"]
pub(super) mod temporary_name;
mod user;

#[cfg(feature = "edit")]
pub(crate) use command::*;
pub(crate) use descriptor::*;
pub(crate) use error::*;
pub(crate) use exec::*;
pub(crate) use file::*;
pub(crate) use flock::*;
pub(crate) use folder::*;
pub(crate) use inherit::*;
pub(crate) use storage::*;
pub(crate) use user::user_name;
