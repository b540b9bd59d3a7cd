//! Windows: the names of `unix`, on what the system has.

mod alarm;
#[path = "../alarm_thread.rs"]
mod alarm_thread;
mod born;
#[cfg_attr(not(any(feature = "log", feature = "edit")), allow(dead_code, reason = "not all follow a file"))]
#[path = "../changes_by_notify.rs"]
mod changes;
#[cfg(feature = "edit")]
mod command;
mod descriptor;
mod error;
mod exec;
mod file;
mod flock;
mod folder;
mod inherit;
mod locks;
mod ntdll;
mod process;
#[path = "../no_ranges.rs"]
mod ranges;
mod storage;
#[path = "../temporary_name.rs"]
mod temporary_name;
mod volume;
#[path = "../no_waits.rs"]
mod waits;

pub(crate) use alarm::{Alarm, lock_with_alarm};
pub(crate) use born::create_whole;
#[cfg_attr(not(any(feature = "log", feature = "edit")), allow(unused_imports, reason = "not all follow a file"))]
pub(crate) use changes::Changes;
#[cfg(feature = "edit")]
pub(crate) use command::{EDITORS, is_command, is_own, path_of_bytes, signal_of, split_command};
pub(crate) use descriptor::{
    duplicate, inherit_same, may_read_and_write, means_exhausted, means_not_open_to_write, open_to_lock,
};
pub(crate) use error::{means_link, means_not_writable, means_unsupported};
pub(crate) use exec::{exec, run};
pub(crate) use file::{open, read_at, stat, stat_file, write_at};
pub(crate) use flock::{CONVERTS_AT_ONCE, downgrade, lock_blocking, try_lock, unlock};
#[cfg(feature = "edit")]
pub(crate) use folder::create_private_folder;
pub(crate) use folder::{create_folder, name_max, sync_folder};
pub(crate) use inherit::inherit;
pub(crate) use locks::{all_locks, first_taker, kernel_view};
#[cfg(feature = "edit")]
pub(crate) use process::process_using;
pub(crate) use process::{identity, is_init_pid_namespace, pid, process, process_start};
pub(crate) use ranges::{HAS_RANGES, boot_nanos, range_in_the_way, range_with_alarm, try_range, unlock_range};
pub(crate) use storage::{
    REPLACES_OPEN_FILES, attributes, create, exchange, may_write, mount, read_some_at, rename, rename_new,
    set_metadata, set_permissions, unlink, write_some_at,
};
pub(crate) use volume::volume_of;
pub(crate) use waits::{kernel_view_in_full, waits_from, waits_of_all};
