//! Sleeping until a file may have changed: inotify(7) on its folder.
//!
//! The folder is watched and not the file: the name may not exist yet, and may be given to another file. The kernel
//! tells of writes too, with the name in it.

use std::ffi::{OsStr, OsString};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;

use crate::sys::now;

/// What is asked of the kernel. Truncating is a modification, a hard link is a creation, an exchange is two moves.
/// Opening and closing are left out: a look at the file must not be a change of it.
const ASKED: WatchFlags = WatchFlags::MODIFY
    .union(WatchFlags::CREATE)
    .union(WatchFlags::DELETE)
    .union(WatchFlags::MOVED_FROM)
    .union(WatchFlags::MOVED_TO)
    .union(WatchFlags::DELETE_SELF)
    .union(WatchFlags::MOVE_SELF)
    .union(WatchFlags::ONLYDIR);

/// What the kernel says when it watches the folder no more. It says two of them, one after the other.
const ENDS: ReadFlags = ReadFlags::DELETE_SELF.union(ReadFlags::UNMOUNT).union(ReadFlags::IGNORED);

/// Room for some events of one read(2), and for one with the longest name.
const BUFFER_BYTES: usize = 4096;

/// How often the queue is read before somebody gets to know: a full one (16384 events) takes about as many.
const READS_MAX: u32 = 256;

/// Tells that something may have changed about one name in a folder.
#[derive(Debug)]
pub(crate) struct Changes {
    inotify: OwnedFd,
    name: OsString,
    /// The folder is gone, and that was told: nothing more will come.
    is_over: bool,
}

impl Changes {
    /// Watches `name` in `folder`: that it is written into, truncated, created, renamed to or from, removed; and that
    /// the folder itself is removed or moved. Changes after this returns are told.
    ///
    /// Writes through a memory map are not told, nor is the removal of an empty folder that somebody has open still;
    /// on a network filesystem only what this machine does is.
    ///
    /// # Errors
    /// Those of `inotify_init1(2)` and `inotify_add_watch(2)`; EMFILE and ENOSPC are limits of watching.
    pub(crate) fn watch(folder: &Path, name: &OsStr) -> io::Result<Changes> {
        let inotify = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        inotify::add_watch(&inotify, folder, ASKED)?;
        Ok(Changes { inotify, name: name.into(), is_over: false })
    }

    /// Sleeps until something may have changed since the last call returned (or since `watch`), or until `deadline`
    /// (None: for ever). True: look. False: the deadline came. Events about other names in the folder are not told;
    /// that some were lost is.
    ///
    /// # Errors
    /// Those of poll(2) and read(2).
    pub(crate) fn wait(&mut self, deadline: Option<Instant>) -> io::Result<bool> {
        loop {
            let is_ready = self.poll(deadline)?;
            // Looked at in any case, so that what has come is told even if the deadline has too.
            if is_ready && self.drain()? {
                return Ok(true);
            }
            if deadline.is_some_and(|deadline| now() >= deadline) {
                return Ok(false);
            }
        }
    }

    /// Whether there are events; false also if a signal came.
    fn poll(&self, deadline: Option<Instant>) -> io::Result<bool> {
        // A deadline beyond the range of the system's clock is none.
        let left = deadline.and_then(|deadline| Timespec::try_from(deadline.saturating_duration_since(now())).ok());
        match poll(&mut [PollFd::new(&self.inotify, PollFlags::IN)], left.as_ref()) {
            Ok(ready) => Ok(ready > 0),
            Err(Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes all events from the queue; true if one was about the name or the folder.
    fn drain(&mut self) -> io::Result<bool> {
        let mut buffer = [MaybeUninit::uninit(); BUFFER_BYTES];
        let mut reader = inotify::Reader::new(&self.inotify, &mut buffer);
        let mut is_told = false;
        let mut reads = 0;
        while reads < READS_MAX {
            let event = match reader.next() {
                Ok(event) => event,
                Err(Errno::AGAIN) => break,
                Err(Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            };
            is_told |= match event.file_name() {
                Some(name) => name.to_bytes() == self.name.as_bytes(),
                None => !self.is_over,
            };
            self.is_over |= event.events().intersects(ENDS);
            reads += u32::from(reader.is_buffer_empty());
        }
        Ok(is_told)
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::time::Duration;

    use super::*;

    /// The promises of every platform are tested in `sys/changes_tests.rs`.
    #[test]
    fn lost_events_are_told() {
        let limit = std::fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
        let limit: usize = limit.trim().parse().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let beside = folder.path().join("beside");
        let mut changes = Changes::watch(folder.path(), OsStr::new("log")).unwrap();
        // Two events each, which are different ones, so that the kernel does not make one of them.
        for _ in 0..=limit / 2 {
            File::create(&beside).unwrap();
            std::fs::remove_file(&beside).unwrap();
        }
        assert!(changes.wait(Some(now() + Duration::from_secs(20))).unwrap());
        assert!(!changes.wait(Some(now() + Duration::from_millis(20))).unwrap());
    }

    #[test]
    fn the_longest_name_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let name = "n".repeat(255);
        let mut changes = Changes::watch(folder.path(), OsStr::new(&name)).unwrap();
        File::create(folder.path().join(&name[1..])).unwrap();
        assert!(!changes.wait(Some(now())).unwrap());
        File::create(folder.path().join(&name)).unwrap();
        assert!(changes.wait(Some(now())).unwrap(), "the kernel queues before it returns");
    }
}
