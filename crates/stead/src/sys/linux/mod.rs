//! Linux.

mod alarm;
mod attributes;
mod born;
#[cfg_attr(not(any(feature = "log", feature = "edit")), allow(dead_code, reason = "not all follow a file"))]
mod changes;
mod fds;
mod holders;
mod locks;
mod open;
mod process;
mod rename;
mod stat;
mod volume;

pub(crate) use crate::sys::unix::*;
pub(crate) use alarm::{Alarm, lock_with_alarm};
pub(crate) use attributes::{attributes, set_metadata};
pub(crate) use born::create_whole;
#[cfg_attr(not(any(feature = "log", feature = "edit")), allow(unused_imports, reason = "not all follow a file"))]
pub(crate) use changes::Changes;
pub(crate) use locks::{all_locks, first_taker, kernel_view};
pub(crate) use open::open;
#[cfg(feature = "edit")]
pub(crate) use process::process_using;
pub(crate) use process::{identity, is_init_pid_namespace, pid, process, process_start};
pub(crate) use rename::{exchange, rename_new};
pub(crate) use stat::{mount, stat, stat_file};
pub(crate) use volume::volume_of;
