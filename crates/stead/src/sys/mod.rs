//! Every system call of the library, behind one surface; a platform is picked here and nowhere else.
//!
//! The surface, the same on each platform:
//!
//! | room | what it gives |
//! |---|---|
//! | `file` | open, create whole, identify, read and write at an offset |
//! | `flock` | take, try, downgrade and give back the whole-file lock |
//! | `alarm` | wakes one thread out of a blocking `flock`, at a deadline or from another thread |
//! | `ranges`, `boot_clock` | byte ranges that leave the whole-file lock alone, and when somebody came: the line of a lock |
//! | `waits` | who waits for whom |
//! | `descriptor`, `exec` | opens as flock(1) does, takes descriptors by number; runs a command, or becomes it |
//! | `changes` | sleeps until a file may have changed, or its folder |
//! | `locks` | who holds and who waits, as the kernel tells it |
//! | `process` | this process and others: alive, since when, what it runs |
//! | `volume` | which filesystem a file lies on |
//! | `folder` | create, sync and probe folders |
//! | `storage`, `rename`, `attributes` | the calls below [`Disk`](disk::Disk): create, rename, exchange, metadata |
//!
//! `types` holds the plain data they share. Nothing above this module is conditional on the platform.
#![expect(unsafe_code, reason = "the one place that talks to the system")]

#[cfg(test)]
mod changes_tests;
use std::path::Path;

mod clock;
pub mod disk;
mod types;

#[cfg(unix)]
mod unix;

#[cfg(all(target_os = "linux", not(stead_other_unix)))]
mod linux;
#[cfg(all(target_os = "linux", not(stead_other_unix)))]
pub(crate) use linux::*;

#[cfg(all(unix, not(all(target_os = "linux", not(stead_other_unix)))))]
mod other_unix;
#[cfg(all(unix, not(all(target_os = "linux", not(stead_other_unix)))))]
pub(crate) use other_unix::*;

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub(crate) use windows::*;

pub(crate) use clock::{now, wall_micros};
pub(crate) use types::*;
pub use types::{Access, FileId, FileKind, Metadata, Mode, NewFile, Stat, State, VolumeKind};

/// The real-time signal that wakes a waiter with a deadline is `SIGRTMIN` plus this.
#[cfg_attr(
    not(all(target_os = "linux", not(stead_other_unix))),
    expect(dead_code, reason = "real-time signals are used on Linux only")
)]
pub(crate) const WAKE_SIGNAL_OFFSET: i32 = 7;

/// The folder that a file lies in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
