//! flock(2) and locks of byte ranges with nothing added: no record, no queue, no second look at the path. For programs
//! that are flock(1).
//!
//! Who waits here waits for whoever holds the lock, and is told neither who that is nor that a file was replaced
//! meanwhile. For everything else there is [`FileLock`](super::FileLock).
//!
//! ```
//! use stead::lock::bare::{Bare, Kind};
//! use stead::lock::{Mode, Wait};
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("any file");
//! let mut ours = Bare::open(&path, Kind::Flock, Mode::Exclusive)?;
//! let mut theirs = Bare::open(&path, Kind::Flock, Mode::Exclusive)?;
//! assert!(ours.take(Mode::Exclusive, Wait::No, None)?);
//! assert!(!theirs.take(Mode::Exclusive, Wait::No, None)?);
//! ours.unlock()?;
//! assert!(theirs.take(Mode::Exclusive, Wait::No, None)?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use super::{Cancel, Mode, Wait};
use crate::error::{Error, ErrorKind, Result};
use crate::lock::wait::{Limit, Patience};
use crate::sys;

/// Whether this system locks [ranges](Kind::Range) for an open file description: Linux does.
pub const HAS_RANGES: bool = sys::HAS_RANGES;

/// What is locked of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Kind {
    /// The whole file: flock(2).
    #[default]
    Flock,
    /// Some of its bytes, which need not be there: fcntl(2) `F_OFD_SETLK`, which does not meet flock(2) on a local
    /// filesystem. An exclusive one wants a file that may be written.
    Range {
        /// The first byte.
        start: u64,
        /// How many; 0: all that there will ever be.
        len: u64,
    },
}

/// An open file that can be locked. The lock belongs to the open file description: it ends with
/// [`unlock`](Bare::unlock), or when this and all that [inherited](Bare::inherit) it are gone.
#[derive(Debug)]
#[must_use = "dropped, it releases its lock"]
pub struct Bare {
    file: Arc<File>,
    /// As it was named, for errors.
    shown: PathBuf,
    origin: Origin,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// Opened here, and may be opened anew.
    Path,
    /// The same, and that was done.
    PathAnew,
    Number,
}

impl Bare {
    /// Opens what is at `path` to be locked in this mode, as flock(1) does: for reading (for writing alone, where the lock
    /// is an exclusive one of a range), following links, waiting for the other end of a FIFO; an empty file is created
    /// where nothing is. Nothing is ever written.
    ///
    /// # Errors
    /// Those of open(2); [`Unsupported`](ErrorKind::Unsupported) where the system has no such lock, and then nothing is
    /// created.
    pub fn open(path: impl AsRef<Path>, kind: Kind, mode: Mode) -> Result<Bare> {
        let path = path.as_ref();
        check(kind, path)?;
        let writes = kind != Kind::Flock && mode == Mode::Exclusive;
        let opened = sys::open_to_lock(path, File::options().read(!writes).write(writes));
        let (file, _) = opened.map_err(|error| refused("open", path, error))?;
        Ok(Bare { file: Arc::new(file), shown: path.to_path_buf(), origin: Origin::Path, kind })
    }

    /// The open file behind a descriptor of this process, which stays open.
    ///
    /// # Errors
    /// There is no such descriptor; [`Unsupported`](ErrorKind::Unsupported) as with [`open`](Bare::open).
    pub fn of_descriptor(number: i32, kind: Kind) -> Result<Bare> {
        let shown = PathBuf::from(number.to_string());
        check(kind, &shown)?;
        let file = sys::duplicate(number).map_err(|error| refused("use descriptor", &shown, error))?;
        Ok(Bare { file: Arc::new(file), shown, origin: Origin::Number, kind })
    }

    /// Takes the lock, or changes the mode in which it is held: false if that was not to be had in time. A wait sleeps in
    /// the kernel; if it is to end, it does so by a timer of its own.
    ///
    /// # Errors
    /// Those of the system; [`Cancelled`](ErrorKind::Cancelled); no timer to be had.
    pub fn take(&mut self, mode: Mode, wait: Wait, cancel: Option<&Cancel>) -> Result<bool> {
        let patience = Patience::new(wait, cancel);
        let taken = self.call(mode == Mode::Exclusive, |bare| match bare.wait(mode, &patience) {
            // That somebody is in the way; told in a wait, too, by filesystems that cannot wait.
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::PermissionDenied) => {
                Ok(false)
            }
            other => other,
        })?;
        if !taken && patience.is_cancelled() {
            return Err(Error::new(ErrorKind::Cancelled, "lock", &self.shown));
        }
        Ok(taken)
    }

    /// Gives the lock back, for all who inherited it as well. None held is no error.
    ///
    /// # Errors
    /// Those of the system.
    pub fn unlock(&mut self) -> Result<()> {
        self.call(true, |bare| match bare.range() {
            None => sys::unlock(&bare.file),
            Some(range) => sys::unlock_range(&bare.file, range),
        })
    }

    /// Lets the process that `command` starts have the descriptor, and with it the lock.
    pub fn inherit(&self, command: &mut Command) {
        sys::inherit_same(command, &self.file);
    }

    /// Makes the call; once more with a file that is open for writing, where that may be what was wanting.
    fn call<T>(&mut self, writes: bool, call: impl Fn(&Bare) -> io::Result<T>) -> Result<T> {
        let outcome = match call(self) {
            Err(error) if writes && sys::means_not_open_to_write(&error) && self.reopen() => call(self),
            other => other,
        };
        outcome.map_err(|error| refused("lock", &self.shown, error))
    }

    fn reopen(&mut self) -> bool {
        if self.origin != Origin::Path || !sys::may_read_and_write(&self.shown) {
            return false;
        }
        match sys::open_to_lock(&self.shown, File::options().read(true).write(true)) {
            Ok((file, true)) => {
                self.file = Arc::new(file);
                self.origin = Origin::PathAnew;
                true
            }
            _ => false,
        }
    }

    fn range(&self) -> Option<sys::Range> {
        match self.kind {
            Kind::Flock => None,
            Kind::Range { start, len } => Some(sys::Range { start, len }),
        }
    }

    fn wait(&self, mode: Mode, patience: &Patience<'_>) -> io::Result<bool> {
        let range = self.range();
        if patience.limit == Limit::Never && patience.cancel.is_none() && range.is_none() {
            return sys::lock_blocking(&self.file, mode).map(|()| true);
        }
        let free = match range {
            None => sys::try_lock(&self.file, mode)?,
            Some(range) => sys::try_range(&self.file, mode, range)?,
        };
        if free || patience.end().is_some() { Ok(free) } else { self.sleep(mode, patience) }
    }

    fn sleep(&self, mode: Mode, patience: &Patience<'_>) -> io::Result<bool> {
        let alarm = sys::Alarm::new(patience.deadline()).map(Arc::new);
        let alarm = alarm.ok_or_else(|| io::Error::new(io::ErrorKind::OutOfMemory, "no timer for the wait"))?;
        let _watch = patience.cancel.map(|cancel| {
            let alarm = Arc::clone(&alarm);
            cancel.watch(move || alarm.ring())
        });
        // Cancelled before the watch was there?
        if patience.is_cancelled() {
            return Ok(false);
        }
        match self.range() {
            None => sys::lock_with_alarm(&self.file, mode, &alarm),
            Some(range) => sys::range_with_alarm(&self.file, mode, range, &alarm),
        }
    }
}

/// Runs a command to its end, as flock(1) does: no signal is passed on, and `SIGCHLD` is as it is at first. Its exit
/// status, or 128 and the number of the signal that killed it.
///
/// # Errors
/// The command cannot be started.
pub fn run(command: &mut Command) -> io::Result<i32> {
    sys::run(command)
}

/// Replaces this process by a command. Returns only if that fails, and says why.
pub fn exec(command: &mut Command) -> io::Error {
    sys::exec(command)
}

/// Whether the failure is one of the whole system, which has no locks, memory, descriptors or timers left.
pub fn is_exhausted(error: &Error) -> bool {
    error.io().is_some_and(sys::means_exhausted)
}

fn check(kind: Kind, shown: &Path) -> Result<()> {
    if kind == Kind::Flock || HAS_RANGES {
        return Ok(());
    }
    let error = Error::new(ErrorKind::Unsupported, "lock a range of", shown);
    Err(error.with_hint("locks of byte ranges that belong to an open file are those of Linux"))
}

fn refused(step: &'static str, shown: &Path, error: io::Error) -> Error {
    // Said so by `sys` itself, not by the system.
    let has_none = error.kind() == io::ErrorKind::Unsupported && error.raw_os_error().is_none();
    let error = Error::system(step, shown, error);
    if has_none { error.with_hint("flock(2) is a call of Unix; `stead run` locks here, too") } else { error }
}

#[cfg(all(test, unix))]
mod tests {
    use std::time::Duration;

    use super::*;

    const BYTES: Kind = Kind::Range { start: 10, len: 5 };

    fn open(path: &Path, kind: Kind) -> Bare {
        Bare::open(path, kind, Mode::Exclusive).unwrap()
    }

    fn has(bare: &mut Bare, mode: Mode) -> bool {
        bare.take(mode, Wait::No, None).unwrap()
    }

    #[test]
    fn a_file_is_created_and_nothing_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new");
        assert!(has(&mut open(&path, Kind::Flock), Mode::Exclusive));
        assert_eq!(std::fs::read(&path).unwrap(), b"");
        assert!(has(&mut open(folder.path(), Kind::Flock), Mode::Exclusive), "a folder");
    }

    #[test]
    fn shared_ones_are_together_and_may_become_exclusive_alone() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let [mut one, mut two] = [(); 2].map(|()| open(file.path(), Kind::Flock));
        assert!(has(&mut one, Mode::Shared) && has(&mut two, Mode::Shared));
        assert!(!has(&mut one, Mode::Exclusive));
        // A refused change may lose what was held, and on Linux does.
        one.unlock().unwrap();
        assert!(has(&mut two, Mode::Exclusive));
        two.unlock().unwrap();
        two.unlock().unwrap();
        assert!(has(&mut one, Mode::Exclusive));
    }

    #[test]
    fn a_wait_ends_in_time_and_when_cancelled() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for kind in [Kind::Flock, BYTES] {
            if kind == BYTES && !HAS_RANGES {
                continue;
            }
            let [mut ours, mut theirs] = [(); 2].map(|()| open(file.path(), kind));
            assert!(has(&mut theirs, Mode::Exclusive));
            let started = sys::now();
            assert!(!ours.take(Mode::Exclusive, Wait::For(Duration::from_millis(20)), None).unwrap());
            assert!(sys::now() - started >= Duration::from_millis(20));
            let cancel = Cancel::new();
            cancel.cancel();
            assert!(ours.take(Mode::Exclusive, Wait::Forever, Some(&cancel)).unwrap_err().is_cancelled());
            theirs.unlock().unwrap();
            assert!(ours.take(Mode::Exclusive, Wait::Forever, None).unwrap());
        }
    }

    #[test]
    fn a_waiter_gets_it_from_who_lets_go() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for wait in [Wait::Forever, Wait::For(Duration::from_mins(1))] {
            let [mut ours, mut theirs] = [(); 2].map(|()| open(file.path(), Kind::Flock));
            assert!(has(&mut theirs, Mode::Exclusive));
            let waiter = std::thread::spawn(move || ours.take(Mode::Exclusive, wait, None).unwrap());
            drop(theirs);
            assert!(waiter.join().unwrap());
        }
    }

    #[test]
    fn ranges_meet_where_they_overlap() {
        let file = tempfile::NamedTempFile::new().unwrap();
        if !HAS_RANGES {
            let refused = Bare::open(file.path(), BYTES, Mode::Exclusive).unwrap_err();
            assert!(refused.is_unsupported() && refused.hint().is_some());
            return;
        }
        let mut whole = open(file.path(), Kind::Range { start: 0, len: 0 });
        let mut some = open(file.path(), BYTES);
        let mut others = open(file.path(), Kind::Range { start: 15, len: 0 });
        assert!(has(&mut some, Mode::Exclusive) && has(&mut others, Mode::Exclusive));
        assert!(!has(&mut whole, Mode::Exclusive));
        some.unlock().unwrap();
        others.unlock().unwrap();
        assert!(has(&mut whole, Mode::Exclusive));
        assert!(has(&mut open(file.path(), Kind::Flock), Mode::Exclusive));
    }

    /// What flock(1) does where byte ranges stand for flock(2).
    #[test]
    fn a_file_that_was_opened_to_read_is_opened_anew_to_write() {
        let file = tempfile::NamedTempFile::new().unwrap();
        if !HAS_RANGES {
            return;
        }
        let mut read = Bare::open(file.path(), BYTES, Mode::Shared).unwrap();
        assert!(has(&mut read, Mode::Exclusive));
        assert_eq!(read.origin, Origin::PathAnew);
        let folder = tempfile::tempdir().unwrap();
        assert!(
            Bare::open(folder.path(), BYTES, Mode::Exclusive).unwrap().take(Mode::Exclusive, Wait::No, None).is_err()
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_descriptor_is_locked_by_its_number() {
        use std::os::fd::AsRawFd;
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut given = Bare::of_descriptor(file.as_raw_fd(), Kind::Flock).unwrap();
        let mut other = open(file.path(), Kind::Flock);
        assert!(has(&mut given, Mode::Exclusive));
        drop(given);
        assert!(!has(&mut other, Mode::Exclusive), "the lock is that of the file that is still open");
        for number in [-1, i32::MAX] {
            let refused = Bare::of_descriptor(number, Kind::Flock).unwrap_err();
            assert!(!is_exhausted(&refused), "{refused}");
        }
    }
}
