//! Windows: the names of `unix`, on what the system has.

mod alarm;
#[path = "../alarm_thread.rs"]
mod alarm_thread;
mod born;
#[cfg_attr(not(feature = "log"), allow(dead_code, reason = "only the log follows a file"))]
#[path = "../changes_by_notify.rs"]
mod changes;
mod error;
mod file;
mod flock;
mod folder;
mod inherit;
mod locks;
mod ntdll;
mod process;
mod storage;
#[path = "../temporary_name.rs"]
mod temporary_name;
mod volume;

pub(crate) use alarm::{Alarm, lock_with_alarm};
pub(crate) use born::create_whole;
#[cfg_attr(not(feature = "log"), allow(unused_imports, reason = "only the log follows a file"))]
pub(crate) use changes::Changes;
pub(crate) use error::{means_link, means_not_writable, means_unsupported};
pub(crate) use file::{open, read_at, stat, stat_file, write_at};
pub(crate) use flock::{downgrade, lock_blocking, try_lock, unlock};
pub(crate) use folder::{create_folder, name_max, sync_folder};
pub(crate) use inherit::inherit;
pub(crate) use locks::{all_locks, first_taker, kernel_view};
pub(crate) use process::{identity, is_init_pid_namespace, pid, process, process_start};
pub(crate) use storage::{
    REPLACES_OPEN_FILES, attributes, create, exchange, may_write, mount, read_some_at, rename, rename_new,
    set_metadata, set_permissions, unlink, write_some_at,
};
pub(crate) use volume::volume_of;
