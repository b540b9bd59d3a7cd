//! One error for the whole library.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::holder::Holder;

/// What `stead` returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a step failed, with the path and the step.
///
/// It reads well after "failed to": `lock ./deploy.lock: busy: held exclusively by pid 4312 (vim journal.md)`.
/// Branch on [`Error::kind`] or the `is_*` predicates; the text may change.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    step: &'static str,
    path: PathBuf,
    source: Option<io::Error>,
    holder: Option<Holder>,
    waited: Option<Duration>,
    hint: Option<String>,
}

/// What kind of failure an [`Error`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Somebody else holds the lock and the caller did not want to wait.
    Busy,
    /// The deadline came before the lock.
    TimedOut,
    /// The wait was cancelled from another thread.
    Cancelled,
    /// This thread, or the `stead run` above this process, already holds the lock: waiting would never end.
    AlreadyHeld,
    /// Those who wait for each other would wait for ever: a circle of processes, or two holders of a shared lock that both
    /// want it alone.
    WouldDeadlock,
    /// The system or filesystem cannot do this.
    Unsupported,
    /// There is something at the path that is not a regular file.
    NotRegularFile,
    /// The system denies it to this user.
    Permission,
    /// The path, or the folder it lies in, is not there.
    NotFound,
    /// The lock file was taken away or replaced while the lock was held; somebody else may hold another one.
    Lost,
    /// A path or an argument that cannot be used.
    InvalidInput,
    /// There is something already where nothing was to be replaced.
    Exists,
    /// The content is not the version that the change was meant for.
    Mismatch,
    /// The content cannot be understood: it does not parse, or is torn.
    Damaged,
    /// The content is well formed, but not of the type that was asked for.
    Unexpected,
    /// The content is larger than the limit that was set.
    TooLarge,
    /// A sync of this file failed before: what was written through it may be lost, whatever a later sync says.
    Poisoned,
    /// The change was made and everybody sees it, but whether it outlives a power cut is not known.
    NotDurable,
    /// Any other failure of the system; see [`Error::io`].
    Io,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, step: &'static str, path: &Path) -> Error {
        Error(Box::new(Inner {
            kind,
            step,
            path: path.to_path_buf(),
            source: None,
            holder: None,
            waited: None,
            hint: None,
        }))
    }

    /// Sorts an error of the system.
    pub(crate) fn system(step: &'static str, path: &Path, source: io::Error) -> Error {
        let kind = match source.kind() {
            io::ErrorKind::PermissionDenied => ErrorKind::Permission,
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ErrorKind::NotFound,
            io::ErrorKind::Unsupported => ErrorKind::Unsupported,
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidFilename => ErrorKind::InvalidInput,
            io::ErrorKind::IsADirectory => ErrorKind::NotRegularFile,
            io::ErrorKind::AlreadyExists => ErrorKind::Exists,
            _ if crate::sys::means_unsupported(&source) => ErrorKind::Unsupported,
            _ => ErrorKind::Io,
        };
        let mut error = Error::new(kind, step, path);
        error.0.source = Some(source);
        error
    }

    /// The same, about `path` as the caller wrote it.
    pub(crate) fn at(mut self, path: &Path) -> Error {
        self.0.path = path.to_path_buf();
        self
    }

    /// What was found, in words.
    pub(crate) fn found(kind: ErrorKind, step: &'static str, path: &Path, what: impl Into<String>) -> Error {
        let mut error = Error::new(kind, step, path);
        error.0.source = Some(io::Error::new(io::ErrorKind::InvalidData, what.into()));
        error
    }

    /// The same failure, of another kind than its source says.
    pub(crate) fn with_kind(mut self, kind: ErrorKind) -> Error {
        self.0.kind = kind;
        self
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Error {
        self.0.hint = Some(hint.into());
        self
    }

    pub(crate) fn with_holder(mut self, holder: Option<Holder>) -> Error {
        self.0.holder = holder;
        self
    }

    pub(crate) fn with_waited(mut self, waited: Duration) -> Error {
        self.0.waited = Some(waited);
        self
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The file that the step was about.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// The step that failed, as words that go after "failed to".
    pub fn step(&self) -> &'static str {
        self.0.step
    }

    /// The system's own error, where there was one.
    pub fn io(&self) -> Option<&io::Error> {
        self.0.source.as_ref()
    }

    /// Who holds the lock, as far as it could be told when the wait was given up.
    pub fn holder(&self) -> Option<&Holder> {
        self.0.holder.as_ref()
    }

    /// How long the caller waited, for [`ErrorKind::TimedOut`] and [`ErrorKind::Cancelled`].
    pub fn waited(&self) -> Option<Duration> {
        self.0.waited
    }

    /// What to do next, where there is something to say.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// Somebody else holds the lock and the caller did not want to wait.
    pub fn is_busy(&self) -> bool {
        self.0.kind == ErrorKind::Busy
    }

    /// The deadline came before the lock.
    pub fn is_timed_out(&self) -> bool {
        self.0.kind == ErrorKind::TimedOut
    }

    /// The wait was cancelled from another thread.
    pub fn is_cancelled(&self) -> bool {
        self.0.kind == ErrorKind::Cancelled
    }

    /// This thread, or the `stead run` above, already holds the lock.
    pub fn is_already_held(&self) -> bool {
        self.0.kind == ErrorKind::AlreadyHeld
    }

    /// Those who wait for each other would wait for ever.
    pub fn is_would_deadlock(&self) -> bool {
        self.0.kind == ErrorKind::WouldDeadlock
    }

    /// The system or filesystem cannot do this.
    pub fn is_unsupported(&self) -> bool {
        self.0.kind == ErrorKind::Unsupported
    }

    /// There is something at the path that is not a regular file.
    pub fn is_not_regular_file(&self) -> bool {
        self.0.kind == ErrorKind::NotRegularFile
    }

    /// The system denies it to this user.
    pub fn is_permission(&self) -> bool {
        self.0.kind == ErrorKind::Permission
    }

    /// The path, or the folder it lies in, is not there.
    pub fn is_not_found(&self) -> bool {
        self.0.kind == ErrorKind::NotFound
    }

    /// The lock file was taken away while the lock was held.
    pub fn is_lost(&self) -> bool {
        self.0.kind == ErrorKind::Lost
    }

    /// There is something already where nothing was to be replaced.
    pub fn is_exists(&self) -> bool {
        self.0.kind == ErrorKind::Exists
    }

    /// The content is not the version that the change was meant for.
    pub fn is_mismatch(&self) -> bool {
        self.0.kind == ErrorKind::Mismatch
    }

    /// The content cannot be understood.
    pub fn is_damaged(&self) -> bool {
        self.0.kind == ErrorKind::Damaged
    }

    /// The content is well formed, but not of the type that was asked for.
    pub fn is_unexpected(&self) -> bool {
        self.0.kind == ErrorKind::Unexpected
    }

    /// The content is larger than the limit.
    pub fn is_too_large(&self) -> bool {
        self.0.kind == ErrorKind::TooLarge
    }

    /// A sync of this file failed before.
    pub fn is_poisoned(&self) -> bool {
        self.0.kind == ErrorKind::Poisoned
    }

    /// The change was made, but may not outlive a power cut.
    pub fn is_not_durable(&self) -> bool {
        self.0.kind == ErrorKind::NotDurable
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { kind, step, path, source, holder, waited, hint: _ } = &*self.0;
        write!(f, "{step} {}: ", path.display())?;
        match (kind, source) {
            (ErrorKind::Busy, Some(source)) => write!(f, "busy: {source}")?,
            (ErrorKind::Busy, None) => f.write_str("busy")?,
            (ErrorKind::TimedOut, _) => f.write_str("timed out")?,
            (ErrorKind::Cancelled, _) => f.write_str("cancelled")?,
            (ErrorKind::AlreadyHeld, _) => f.write_str("already held here, so waiting would never end")?,
            (ErrorKind::WouldDeadlock, None) => f.write_str("would deadlock")?,
            (ErrorKind::NotRegularFile, None) => f.write_str("not a regular file")?,
            (ErrorKind::Lost, _) => f.write_str("the lock was lost while it was in use")?,
            (ErrorKind::NotDurable, Some(source)) => write!(f, "done, but perhaps not durable: {source}")?,
            (_, Some(source)) => write!(f, "{source}")?,
            (ErrorKind::Unsupported, None) => f.write_str("not supported here")?,
            (ErrorKind::Permission, None) => f.write_str("permission denied")?,
            (ErrorKind::NotFound, None) => f.write_str("not found")?,
            (ErrorKind::InvalidInput, None) => f.write_str("not usable")?,
            (ErrorKind::Io, None) => f.write_str("input/output error")?,
            (ErrorKind::Exists, None) => f.write_str("there is something already")?,
            (ErrorKind::Mismatch, None) => f.write_str("it is another version by now")?,
            (ErrorKind::Damaged, None) => f.write_str("damaged")?,
            (ErrorKind::Unexpected, None) => f.write_str("not what was asked for")?,
            (ErrorKind::TooLarge, None) => f.write_str("too large")?,
            (ErrorKind::Poisoned, None) => f.write_str("a sync of it failed before, so what it holds may be lost")?,
            (ErrorKind::NotDurable, None) => f.write_str("done, but perhaps not durable")?,
        }
        if let Some(waited) = waited {
            write!(f, " after {}", crate::holder::Age(*waited))?;
        }
        if let Some(holder) = holder {
            write!(f, ": held {holder}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { kind, step, path, source, holder, waited, hint } = &*self.0;
        f.debug_struct("Error")
            .field("kind", kind)
            .field("step", step)
            .field("path", path)
            .field("source", source)
            .field("holder", holder)
            .field("waited", waited)
            .field("hint", hint)
            .finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|source| source as _)
    }
}

impl From<Error> for io::Error {
    /// Keeps the whole error inside; the kind is the nearest of [`io::ErrorKind`].
    fn from(error: Error) -> io::Error {
        let kind = match error.kind() {
            ErrorKind::Busy => io::ErrorKind::WouldBlock,
            ErrorKind::TimedOut => io::ErrorKind::TimedOut,
            ErrorKind::Cancelled => io::ErrorKind::Interrupted,
            ErrorKind::AlreadyHeld | ErrorKind::WouldDeadlock => io::ErrorKind::Deadlock,
            ErrorKind::Unsupported => io::ErrorKind::Unsupported,
            ErrorKind::NotRegularFile | ErrorKind::InvalidInput => io::ErrorKind::InvalidInput,
            ErrorKind::Permission => io::ErrorKind::PermissionDenied,
            ErrorKind::NotFound => io::ErrorKind::NotFound,
            ErrorKind::Lost => io::ErrorKind::StaleNetworkFileHandle,
            ErrorKind::Exists => io::ErrorKind::AlreadyExists,
            ErrorKind::Damaged | ErrorKind::Unexpected => io::ErrorKind::InvalidData,
            ErrorKind::TooLarge => io::ErrorKind::FileTooLarge,
            ErrorKind::Mismatch | ErrorKind::Poisoned | ErrorKind::NotDurable => io::ErrorKind::Other,
            ErrorKind::Io => error.io().map_or(io::ErrorKind::Other, io::Error::kind),
        };
        io::Error::new(kind, error)
    }
}
