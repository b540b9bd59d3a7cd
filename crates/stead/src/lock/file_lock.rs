//! The lock of one file.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::Result;
use crate::lock::acquire::acquire;
use crate::lock::core::Core;
use crate::lock::guard::{Guard, SendGuard};
use crate::lock::inspect::{self, Inspection};
use crate::lock::options::{Options, Request};
use crate::lock::place::{Place, Purpose};
use crate::lock::wait::Wait;

/// The lock of one file, to be acquired any number of times, from any thread.
///
/// Which file is locked is decided by the constructor:
///
/// | constructor | locks | use it for |
/// |---|---|---|
/// | [`sidecar`](FileLock::sidecar) | `DIR/.stead/locks/NAME.lock` | a data file, which is replaced by rename |
/// | [`session`](FileLock::session) | `DIR/.stead/edit/NAME.lock` | a data file that is open in an editor |
/// | [`at`](FileLock::at) | the path, created when missing | a lock file that people know by name |
/// | [`in_place`](FileLock::in_place) | the path, which must be there | a file or folder of the user's |
/// | [`open`](FileLock::open) | in place if it is there, else at | what flock(1) does |
///
/// Nothing is touched before the first acquisition. Clones are the same lock and share one descriptor, which stays
/// open between acquisitions.
///
/// ```
/// use std::time::Duration;
/// use stead::lock::FileLock;
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("state.json");
/// let lock = FileLock::sidecar(&path);
/// let guard = lock.lock(Duration::from_secs(5))?;
/// // Nobody else who locks state.json is here now.
/// guard.release()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct FileLock {
    core: Arc<Core>,
}

impl FileLock {
    pub(crate) fn new(place: Place, shown: &Path, options: Options) -> FileLock {
        let shown = shown.to_path_buf();
        FileLock { core: Arc::new(Core::new(place, shown, options)) }
    }

    /// The sidecar lock of the data file `data`, which need not exist; its folder must.
    ///
    /// All spellings of the path are one lock: links are followed, also a last one that dangles. The lock file lies in
    /// `.stead/locks` beside the data, is created when missing, and takes the owner and mode of the folder.
    pub fn sidecar(data: impl AsRef<Path>) -> FileLock {
        Options::new().sidecar(data)
    }

    /// The session lock of the data file `data`: who holds it has the file open in an editor, or works on it in another
    /// way for long. It keeps a second editor out, and no program that changes the file under its
    /// [`sidecar`](FileLock::sidecar) lock.
    ///
    /// The lock file lies in `.stead/edit` beside the data; all else is as with a sidecar.
    pub fn session(data: impl AsRef<Path>) -> FileLock {
        Options::new().session(data)
    }

    /// A lock file at `path`, created when missing, never through a symbolic link. If what is there does not begin
    /// with a record of ours, it is locked, but never written into.
    pub fn at(path: impl AsRef<Path>) -> FileLock {
        Options::new().at(path)
    }

    /// The file or folder `path` itself, through links, also where it cannot be written. It is never created, and
    /// never written into unless it begins with a record of ours.
    ///
    /// Not for a file that is replaced by rename: the next one to open it would lock another inode.
    pub fn in_place(path: impl AsRef<Path>) -> FileLock {
        Options::new().in_place(path)
    }

    /// What is there locked in place, or else a lock file created.
    pub fn open(path: impl AsRef<Path>) -> FileLock {
        Options::new().open(path)
    }

    /// Takes the lock for this thread alone, waiting as told: a [`Wait`], or a [`Duration`](std::time::Duration).
    ///
    /// # Errors
    /// [`Busy`](crate::ErrorKind::Busy) or [`TimedOut`](crate::ErrorKind::TimedOut) with the holder, as far as it is
    /// known; [`AlreadyHeld`](crate::ErrorKind::AlreadyHeld) where this thread holds it;
    /// [`Unsupported`](crate::ErrorKind::Unsupported), [`NotRegularFile`](crate::ErrorKind::NotRegularFile),
    /// [`Permission`](crate::ErrorKind::Permission), [`NotFound`](crate::ErrorKind::NotFound).
    pub fn lock(&self, wait: impl Into<Wait>) -> Result<Guard> {
        self.acquire(&Request::exclusive().wait(wait))
    }

    /// Takes the lock together with others who share it.
    ///
    /// # Errors
    /// As [`lock`](FileLock::lock).
    pub fn lock_shared(&self, wait: impl Into<Wait>) -> Result<Guard> {
        self.acquire(&Request::shared().wait(wait))
    }

    /// Takes the lock if it is free now.
    ///
    /// # Errors
    /// As [`lock`](FileLock::lock); a lock that is not free is [`Busy`](crate::ErrorKind::Busy), never `Ok`.
    pub fn try_lock(&self) -> Result<Guard> {
        self.lock(Wait::No)
    }

    /// Shares the lock if nobody holds it exclusively now.
    ///
    /// # Errors
    /// As [`try_lock`](FileLock::try_lock).
    pub fn try_lock_shared(&self) -> Result<Guard> {
        self.lock_shared(Wait::No)
    }

    /// Takes the lock as the request says.
    ///
    /// # Errors
    /// As [`lock`](FileLock::lock), and [`Cancelled`](crate::ErrorKind::Cancelled).
    pub fn acquire(&self, request: &Request) -> Result<Guard> {
        acquire(&self.core, request, Some(std::thread::current().id())).map(Guard::new)
    }

    /// Takes the lock for a guard that belongs to no thread. There is then no check that a thread does not wait for
    /// what it holds itself.
    ///
    /// # Errors
    /// As [`acquire`](FileLock::acquire), without [`AlreadyHeld`](crate::ErrorKind::AlreadyHeld).
    pub fn acquire_send(&self, request: &Request) -> Result<SendGuard> {
        acquire(&self.core, request, None).map(SendGuard::new)
    }

    /// Who holds the lock and who waits for it, now.
    ///
    /// # Errors
    /// Where the path cannot be resolved or looked at. A lock file that is not there is simply not held.
    pub fn inspect(&self) -> Result<Inspection> {
        let target = self.core.resolve()?;
        inspect::inspect_target(&target, &self.core.shown)
    }

    /// The path as it was given.
    pub fn path(&self) -> &Path {
        &self.core.shown
    }

    /// Where the lock file is, or would be.
    ///
    /// # Errors
    /// Where a sidecar's data file cannot be resolved.
    pub fn lock_path(&self) -> Result<PathBuf> {
        Ok(self.core.resolve()?.path)
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.core
    }
}

impl Options {
    /// See [`FileLock::sidecar`].
    pub fn sidecar(self, data: impl AsRef<Path>) -> FileLock {
        self.beside(data.as_ref(), Purpose::Change)
    }

    /// See [`FileLock::session`].
    pub fn session(self, data: impl AsRef<Path>) -> FileLock {
        self.beside(data.as_ref(), Purpose::Edit)
    }

    fn beside(self, data: &Path, purpose: Purpose) -> FileLock {
        let lock_dir = self.lock_dir.as_deref().map(absolute);
        FileLock::new(Place::Sidecar { data: absolute(data), lock_dir, purpose }, data, self)
    }

    /// See [`FileLock::at`].
    pub fn at(self, path: impl AsRef<Path>) -> FileLock {
        FileLock::new(Place::At(absolute(path.as_ref())), path.as_ref(), self)
    }

    /// See [`FileLock::in_place`].
    pub fn in_place(self, path: impl AsRef<Path>) -> FileLock {
        FileLock::new(Place::InPlace(absolute(path.as_ref())), path.as_ref(), self)
    }

    /// See [`FileLock::open`].
    pub fn open(self, path: impl AsRef<Path>) -> FileLock {
        FileLock::new(Place::Open(absolute(path.as_ref())), path.as_ref(), self)
    }
}

/// The path from the root, so that a later change of the working folder changes nothing.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}

impl fmt::Debug for FileLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileLock").field("place", &self.core.place).finish_non_exhaustive()
    }
}
