//! Linux.

mod alarm;
mod attributes;
mod boot_clock;
mod born;
#[cfg_attr(not(any(feature = "log", feature = "edit")), allow(dead_code, reason = "not all follow a file"))]
mod changes;
mod fds;
mod holders;
mod locks;
mod open;
mod process;
mod ranges;
mod rename;
mod stat;
mod volume;
mod waits;

pub(crate) use crate::sys::unix::*;
pub(crate) use alarm::{Alarm, lock_with_alarm};
pub(crate) use attributes::{attributes, set_metadata};
pub(crate) use boot_clock::boot_nanos;
pub(crate) use born::create_whole;
#[cfg_attr(not(any(feature = "log", feature = "edit")), allow(unused_imports, reason = "not all follow a file"))]
pub(crate) use changes::Changes;
pub(crate) use locks::{all_locks, first_taker, kernel_view, kernel_view_in_full};
pub(crate) use open::open;
#[cfg(feature = "edit")]
pub(crate) use process::process_using;
pub(crate) use process::{identity, is_init_pid_namespace, pid, process, process_start};
pub(crate) use ranges::{HAS_RANGES, range_in_the_way, range_with_alarm, try_range, unlock_range};
pub(crate) use rename::{exchange, rename_new};
pub(crate) use stat::{mount, stat, stat_file};
pub(crate) use volume::volume_of;
pub(crate) use waits::{waits_from, waits_of_all};
