//! macOS, the BSDs, illumos and what else has flock(2) but not the tools of Linux; also Linux itself under
//! `--cfg stead_other_unix`, which is how this is tested.

mod alarm;
#[path = "../alarm_thread.rs"]
mod alarm_thread;
mod born;
#[cfg_attr(not(any(feature = "log", feature = "edit")), allow(dead_code, reason = "not all follow a file"))]
#[path = "../changes_by_notify.rs"]
mod changes;
mod locks;
mod process;
#[path = "../no_ranges.rs"]
mod ranges;
mod storage;
mod volume;
#[path = "../no_waits.rs"]
mod waits;

pub(crate) use crate::sys::unix::open_plain as open;
pub(crate) use crate::sys::unix::*;
pub(crate) use crate::sys::unix::{stat_open as stat_file, stat_path as stat};
pub(crate) use alarm::{Alarm, lock_with_alarm};
pub(crate) use born::create_whole;
#[cfg_attr(not(any(feature = "log", feature = "edit")), allow(unused_imports, reason = "not all follow a file"))]
pub(crate) use changes::Changes;
pub(crate) use locks::{all_locks, first_taker, kernel_view};
#[cfg(feature = "edit")]
pub(crate) use process::process_using;
pub(crate) use process::{identity, is_init_pid_namespace, pid, process, process_start};
pub(crate) use ranges::{HAS_RANGES, boot_nanos, range_in_the_way, range_with_alarm, try_range, unlock_range};
pub(crate) use storage::{attributes, exchange, mount, rename_new, set_metadata};
pub(crate) use volume::volume_of;
pub(crate) use waits::{kernel_view_in_full, waits_from, waits_of_all};
