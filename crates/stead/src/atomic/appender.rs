//! Lines that many processes add to one file.

use std::io;
use std::path::{Path, PathBuf};

use crate::atomic::append::{Append, Ledger, Tail};
use crate::atomic::durability::Durability;
use crate::atomic::sweep::sweep;
use crate::atomic::target::{Target, refused};
use crate::error::{Error, ErrorKind, Result};
use crate::lock::{FileLock, Options, Wait};
use crate::sys::disk::RealDisk;

const STEP: &str = "append to";

/// Adds lines to a file that other processes add lines to as well: each line whole, all lines of one call together,
/// under the file's sidecar lock.
///
/// ```
/// use std::time::Duration;
/// use stead::atomic::{Appender, Durability};
///
/// # let folder = tempfile::tempdir()?;
/// let path = folder.path().join("notes.txt");
/// let notes = Appender::new(&path).durability(Durability::Data).wait(Duration::from_secs(5));
/// notes.append(["first", "second"])?;
/// notes.append(["third"])?;
/// assert_eq!(std::fs::read_to_string(&path)?, "first\nsecond\nthird\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Appender {
    path: PathBuf,
    lock: FileLock,
    wait: Wait,
    durability: Durability,
    tail: Tail,
}

/// What an append did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Appended {
    /// Where in the file the first of the appended bytes is.
    pub offset: u64,
    /// How many bytes were appended.
    pub bytes: u64,
    /// There was no file before.
    pub created: bool,
    /// Where torn bytes are kept that an earlier writer, which died or lost power, had left at the end of the file.
    pub kept: Vec<PathBuf>,
}

/// Appends lines to the file at `path`, durably: they get their newlines here. It is created when missing.
///
/// When this returns, all lines outlive a power cut; if it fails, or dies half-way, none of them is there once the next
/// append has been. Waits for as long as others append. See [`Appender`] for more wishes.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("todo.txt");
/// stead::atomic::append_lines(&path, ["buy bread"])?;
/// stead::atomic::append_lines(&path, ["bake bread", "eat"])?;
/// assert_eq!(std::fs::read_to_string(&path)?, "buy bread\nbake bread\neat\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Those of [`FileLock::lock`], and of [`replace`](crate::atomic::replace);
/// [`InvalidInput`](ErrorKind::InvalidInput) for a line with a newline in it.
pub fn append_lines<L: AsRef<[u8]>>(path: impl AsRef<Path>, lines: impl IntoIterator<Item = L>) -> Result<Appended> {
    Appender::new(path).append(lines)
}

impl Appender {
    /// Appends to the file at `path`, with [`Durability::Full`] and [`Wait::Forever`].
    pub fn new(path: impl AsRef<Path>) -> Appender {
        Appender::with_lock(path, Options::new())
    }

    /// The same, with a lock that is told more.
    pub fn with_lock(path: impl AsRef<Path>, lock: Options) -> Appender {
        let path = path.as_ref();
        Appender {
            path: path.to_path_buf(),
            lock: lock.sidecar(path),
            wait: Wait::Forever,
            durability: Durability::Full,
            tail: Tail::Line,
        }
    }

    /// What the lines are to outlive.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Appender {
        self.durability = durability;
        self
    }

    /// How long to wait for others.
    #[must_use]
    pub fn wait(mut self, wait: impl Into<Wait>) -> Appender {
        self.wait = wait.into();
        self
    }

    /// The file holds JSON lines: bytes at its end that are none are torn. They are kept in `.stead/kept`, and
    /// [said](Appended::kept) to be.
    #[must_use]
    pub fn json_lines(mut self, json_lines: bool) -> Appender {
        self.tail = if json_lines { Tail::Json } else { Tail::Line };
        self
    }

    /// Appends the lines, all or none of them.
    ///
    /// # Errors
    /// As [`append_lines`].
    pub fn append<L: AsRef<[u8]>>(&self, lines: impl IntoIterator<Item = L>) -> Result<Appended> {
        let mut bytes = Vec::new();
        for (index, line) in lines.into_iter().enumerate() {
            let line = line.as_ref();
            if line.contains(&b'\n') {
                let error = Error::new(ErrorKind::InvalidInput, STEP, &self.path);
                return Err(error.with_hint(format!("line {} has a newline in it", index + 1)));
            }
            bytes.extend_from_slice(line);
            bytes.push(b'\n');
        }
        self.append_bytes(&bytes)
    }

    /// Appends whole lines, which end in a newline each.
    pub(crate) fn append_bytes(&self, bytes: &[u8]) -> Result<Appended> {
        Target::find(&self.path, STEP)?;
        let guard = self.lock.lock(self.wait)?;
        // Again, for a link may lead elsewhere after a wait.
        let target = Target::find(&self.path, STEP)?;
        if guard.follows_a_death() {
            // What cannot be swept now is in nobody's way.
            let _ = sweep(target.folder());
        }
        let lock_path = guard.lock_path().to_path_buf();
        // Under the lock of a `stead run` above there may be others of us.
        let among_us = guard.is_nested().then(|| Options::new().at(beside(&lock_path)).lock(self.wait));
        let _among_us = among_us.transpose()?;
        guard.check()?;
        let ledger = guard.ledger().map(|file| Ledger { file, path: &lock_path });
        let (durability, tail) = (self.durability, self.tail);
        let append = Append { disk: &RealDisk, ledger, target: &target.path, durability, tail };
        let done = match bytes {
            [] => return Ok(Appended::default()),
            _ => append.run(bytes).map_err(|error| self.refused(&target, error))?,
        };
        Ok(Appended { offset: done.offset, bytes: bytes.len() as u64, created: done.created, kept: done.kept })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn refused(&self, target: &Target, error: io::Error) -> Error {
        refused(STEP, &self.path, &target.path, error)
    }
}

/// The lock of those who hold a lock together because it is held above them.
fn beside(lock_path: &Path) -> PathBuf {
    let mut path = lock_path.as_os_str().to_owned();
    path.push(".below");
    path.into()
}
