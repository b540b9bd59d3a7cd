//! What a lock and an acquisition can be told.

use std::path::PathBuf;
use std::time::Duration;

use crate::lock::cancel::Cancel;
use crate::lock::wait::Wait;
use crate::sys::{Access, Mode};

/// How a [`FileLock`](crate::lock::FileLock) is made, for callers who need more than its four constructors.
///
/// ```
/// use stead::lock::{Options, Wait};
///
/// # let folder = tempfile::tempdir()?;
/// let lock = Options::new().label("nightly import").at(folder.path().join("import.lock"));
/// let guard = lock.lock(Wait::No)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Options {
    pub(crate) lock_dir: Option<PathBuf>,
    pub(crate) label: Option<String>,
    pub(crate) command: Option<String>,
    pub(crate) via: Option<String>,
    pub(crate) token_above: u64,
    pub(crate) wake: Wake,
    pub(crate) poll: (Duration, Duration),
    pub(crate) barge: bool,
    pub(crate) warn_after: Duration,
    /// How a file of the user's is opened that is locked in place.
    pub(crate) access: Access,
}

/// How a waiter with a deadline is woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Wake {
    /// By the release itself; at the deadline or a cancel, by one signal to the waiting thread. On Linux that is
    /// `SIGRTMIN + 7`, elsewhere `SIGURG`; its handler does nothing and is installed at the first such wait. Where
    /// the program has a handler of its own for that signal, and on network filesystems, the waiter polls instead.
    #[default]
    Signal,
    /// By looking again and again, between the two bounds of [`Options::poll`]; no signal is used.
    Poll,
}

impl Default for Options {
    fn default() -> Options {
        Options::new()
    }
}

impl Options {
    /// The defaults: no lock folder, no label, woken by [`Wake::Signal`].
    pub fn new() -> Options {
        Options {
            lock_dir: None,
            label: None,
            command: None,
            via: None,
            token_above: 0,
            wake: Wake::Signal,
            poll: (Duration::from_millis(10), Duration::from_millis(100)),
            barge: false,
            warn_after: Duration::from_millis(100),
            access: Access::ReadWrite,
        }
    }

    /// One folder for all sidecar locks, for data in folders that cannot be written. All programs that share the data
    /// must name the same one. It is created when missing.
    #[must_use]
    pub fn lock_dir(mut self, folder: impl Into<PathBuf>) -> Options {
        self.lock_dir = Some(folder.into());
        self
    }

    /// What the lock is needed for, shown to those who wait.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Options {
        self.label = Some(label.into());
        self
    }

    /// What runs under the lock, where it is not this process; shown to those who wait.
    #[must_use]
    pub fn command(mut self, command: impl Into<String>) -> Options {
        self.command = Some(command.into());
        self
    }

    /// The tool through which the command holds the lock, such as `stead run`.
    #[must_use]
    pub fn via(mut self, via: impl Into<String>) -> Options {
        self.via = Some(via.into());
        self
    }

    /// Makes every token larger than this one: the token that is stored with the data that the lock guards.
    #[must_use]
    pub fn token_above(mut self, token: u64) -> Options {
        self.token_above = token;
        self
    }

    /// How a waiter with a deadline is woken.
    #[must_use]
    pub fn wake(mut self, wake: Wake) -> Options {
        self.wake = wake;
        self
    }

    /// The first and the longest pause between two looks, where the lock has to be polled: 10 and 100 ms by default.
    /// A pause is never longer than what is left of the wait.
    #[must_use]
    pub fn poll(mut self, min: Duration, max: Duration) -> Options {
        let min = min.max(Duration::from_micros(100));
        self.poll = (min, max.max(min));
        self
    }

    /// Whether a wait passes by those who came before it. By default waits line up: nobody who waits is overtaken more than
    /// once by somebody who came later, readers between two writers go together, and no stream of readers keeps a writer
    /// out. Passing by is faster where many threads or processes take the lock for a very short time each, and some of
    /// them may then wait very long.
    ///
    /// There is a line where the lock file is one of ours, can be written, and lies on a local filesystem of Linux; elsewhere
    /// all are as quick as they can. Programs that use flock(2) directly are excluded as ever, but stand in no line. A
    /// [`Wait::No`](crate::lock::Wait::No) leaves a lock that is free to those in line, unless none of them comes for it at
    /// once.
    #[must_use]
    pub fn barge(mut self, barge: bool) -> Options {
        self.barge = barge;
        self
    }

    /// Opens a file that is locked in place for appending, so that its holder can write to it by the same descriptor. No
    /// record is looked for in it.
    #[cfg(feature = "log")]
    pub(crate) fn for_appending(mut self) -> Options {
        self.access = Access::Append;
        self
    }

    /// Past which wait the `tracing` feature warns: 100 ms by default.
    #[must_use]
    pub fn warn_after(mut self, wait: Duration) -> Options {
        self.warn_after = wait;
        self
    }
}

/// One acquisition: how, how long to wait, and what ends the wait.
///
/// ```
/// use std::time::Duration;
/// use stead::lock::{Cancel, FileLock, Request};
///
/// # let folder = tempfile::tempdir()?;
/// let lock = FileLock::at(folder.path().join("l"));
/// let cancel = Cancel::new();
/// let guard = lock.acquire(&Request::shared().wait(Duration::from_secs(5)).cancel(&cancel))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Request {
    pub(crate) mode: Mode,
    pub(crate) wait: Wait,
    pub(crate) cancel: Option<Cancel>,
}

impl Request {
    /// Waits for ever for a lock in this mode.
    pub fn new(mode: Mode) -> Request {
        Request { mode, wait: Wait::Forever, cancel: None }
    }

    /// Waits for ever for an exclusive lock.
    pub fn exclusive() -> Request {
        Request::new(Mode::Exclusive)
    }

    /// Waits for ever for a shared lock.
    pub fn shared() -> Request {
        Request::new(Mode::Shared)
    }

    /// How long to wait.
    #[must_use]
    pub fn wait(mut self, wait: impl Into<Wait>) -> Request {
        self.wait = wait.into();
        self
    }

    /// What ends the wait from another thread.
    #[must_use]
    pub fn cancel(mut self, cancel: &Cancel) -> Request {
        self.cancel = Some(cancel.clone());
        self
    }
}
