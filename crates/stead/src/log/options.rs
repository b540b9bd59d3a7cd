//! What a writer can be told.

use std::path::Path;
use std::time::Duration;

use crate::error::Result;
use crate::lock::Wait;
use crate::log::durability::Durability;
use crate::log::outcome::LockMode;
use crate::log::rotation::Limits;
use crate::log::writer::EventWriter;

/// The longest line that is written and read unless told otherwise: 64 MiB.
pub(crate) const LINE_MAX: usize = 64 << 20;

/// How a writer is opened, for callers who need more than [`EventWriter::open`].
///
/// ```
/// use std::time::Duration;
/// use serde_json::json;
/// use stead::log::{Durability, Event, Options};
///
/// # let folder = tempfile::tempdir()?;
/// let options = Options::new().shared(true).wait(Duration::from_secs(5)).durability(Durability::None);
/// let mut writer = options.max_log_size(10_000_000).open(folder.path().join("events"))?;
/// writer.append(&Event::new("started", json!({})))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Options {
    pub(crate) shared: bool,
    pub(crate) lock: LockMode,
    pub(crate) wait: Option<Wait>,
    pub(crate) durability: Durability,
    pub(crate) limits: Limits,
    pub(crate) line_max: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options::new()
    }
}

impl Options {
    /// An exclusive writer that does not wait, syncs every append, and rotates as `log.json` says.
    pub fn new() -> Options {
        Options {
            shared: false,
            lock: LockMode::Flock,
            wait: None,
            durability: Durability::EveryAppend,
            limits: Limits::default(),
            line_max: LINE_MAX,
        }
    }

    /// Whether others may write as well: the lock is then held for each append only.
    #[must_use]
    pub fn shared(mut self, shared: bool) -> Options {
        self.shared = shared;
        self
    }

    /// Whether there is a lock at all.
    #[must_use]
    pub fn lock_mode(mut self, mode: LockMode) -> Options {
        self.lock = mode;
        self
    }

    /// How long to wait for other writers: to open exclusively, not at all unless told; for each shared append, for ever.
    #[must_use]
    pub fn wait(mut self, wait: impl Into<Wait>) -> Options {
        self.wait = Some(wait.into());
        self
    }

    /// When appended events are synced.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Options {
        self.durability = durability;
        self
    }

    /// Begins a new segment once the active one has at least this many bytes; 0: never. For a log that is created, it is
    /// written into `log.json`, and holds for all writers that are not told otherwise.
    #[must_use]
    pub fn max_log_size(mut self, bytes: u64) -> Options {
        self.limits.bytes = Some(bytes);
        self
    }

    /// Begins a new segment with the first append that finds the active one this old, counted from its first line. See
    /// [`max_log_size`](Options::max_log_size).
    #[must_use]
    pub fn max_log_age(mut self, age: Duration) -> Options {
        self.limits.age = Some(age);
        self
    }

    /// The longest line to write, in bytes: 64 MiB unless told.
    #[must_use]
    pub fn max_line(mut self, bytes: usize) -> Options {
        self.line_max = bytes;
        self
    }

    /// Opens the log in `dir` for writing; it is created when missing.
    ///
    /// # Errors
    /// [`Busy`](crate::ErrorKind::Busy) or [`TimedOut`](crate::ErrorKind::TimedOut) where another writer has the log to
    /// itself; [`Damaged`](crate::ErrorKind::Damaged) where durable bytes are missing;
    /// [`Unsupported`](crate::ErrorKind::Unsupported) for a newer format; those of [`Error`](crate::Error) for a folder
    /// that cannot be written.
    pub fn open(self, dir: impl AsRef<Path>) -> Result<EventWriter> {
        EventWriter::with(dir.as_ref(), self)
    }
}
