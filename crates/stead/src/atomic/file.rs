//! A content that is written piece by piece and appears all at once.

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::atomic::commit::{Commit, Rule};
use crate::atomic::durability::Durability;
use crate::atomic::options::{Options, Replaced};
use crate::atomic::stage::{Dress, Staged};
use crate::atomic::target::{Target, refused};
use crate::atomic::version::Version;
use crate::error::{Error, Result};
use crate::sys::disk::{Disk, RealDisk, metadata, uninterrupted};

pub(crate) const STEP: &str = "replace";

/// All that is known when the writing begins.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) shown: PathBuf,
    pub(crate) target: Target,
    pub(crate) rule: Rule<File>,
    pub(crate) dress: Dress,
    pub(crate) backup: Option<OsString>,
    pub(crate) durability: Durability,
    /// The version of the new content, where it is known and needed.
    pub(crate) new: Option<Version>,
}

/// A new content for a file, written piece by piece; [`commit`](AtomicFile::commit) puts it in place in one step.
/// Dropped before that, it leaves the file as it was.
///
/// Nothing is buffered: wrap it in a [`BufWriter`](std::io::BufWriter) for small pieces.
///
/// ```
/// use std::io::Write;
/// use stead::atomic::AtomicFile;
///
/// # let folder = tempfile::tempdir()?;
/// let path = folder.path().join("report.csv");
/// let mut file = AtomicFile::create(&path)?;
/// for line in 1..=3 {
///     writeln!(file, "{line},{}", line * line)?;
/// }
/// assert!(!path.exists());
/// file.commit()?;
/// assert_eq!(std::fs::read_to_string(&path)?, "1,1\n2,4\n3,9\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "dropped without a commit, it changes nothing"]
#[derive(Debug)]
pub struct AtomicFile {
    plan: Plan,
    staged: Staged<RealDisk>,
    position: u64,
    created: bool,
}

/// A commit that failed, with the file for another try.
pub struct CommitError {
    /// Why.
    pub error: Error,
    /// The content as it was written. After a failed sync it is [poisoned](crate::ErrorKind::Poisoned): it can be
    /// dropped, not committed.
    pub file: Box<AtomicFile>,
}

impl AtomicFile {
    /// A new content for the file at `path`, with [`Durability::Full`]; [`Options::create`] takes more wishes.
    ///
    /// # Errors
    /// As [`replace`](crate::atomic::replace).
    pub fn create(path: impl AsRef<Path>) -> Result<AtomicFile> {
        Options::new().create(path)
    }

    pub(crate) fn new(plan: Plan) -> Result<AtomicFile> {
        let staged = Staged::create(&RealDisk, plan.target.folder(), &plan.dress)
            .map_err(|error| refused(STEP, &plan.shown, &plan.target.path, error))?;
        let created = plan.target.stat.is_none();
        Ok(AtomicFile { plan, staged, position: 0, created })
    }

    /// Syncs the content as far as was asked for, and puts it in the place of the file. When this returns, everybody
    /// sees the new content, and it is as durable as [`Durability`] says.
    ///
    /// # Errors
    /// [`NotDurable`](crate::ErrorKind::NotDurable) says that it is in place, though not for certain after a power cut.
    /// After any other the old file is as it was.
    pub fn commit(mut self) -> Result<Replaced, CommitError> {
        if let Err(error) = self.look_again() {
            return Err(CommitError { error, file: Box::new(self) });
        }
        let Plan { shown, target, rule, dress, backup, durability, new } = &mut self.plan;
        let commit = Commit {
            step: STEP,
            shown,
            target: &target.path,
            rule: std::mem::replace(rule, Rule::Replace),
            new: *new,
            dress: dress.clone(),
            backup: backup.clone(),
            durability: *durability,
        };
        let outcome = commit.run(&mut self.staged);
        let rule = commit.rule;
        match outcome {
            Ok(not_kept) => Ok(Replaced { created: self.created, not_kept }),
            Err(error) => {
                self.plan.rule = rule;
                Err(CommitError { error, file: Box::new(self) })
            }
        }
    }

    /// The old file may have got other metadata while the new content was written.
    fn look_again(&mut self) -> Result<()> {
        let Plan { shown, target, dress, .. } = &mut self.plan;
        let (Some(like), Ok(now)) = (&mut dress.like, RealDisk.stat(&target.path)) else { return Ok(()) };
        if (like.mode, like.owner, like.group) == (now.mode, now.owner, now.group) {
            return Ok(());
        }
        *like = metadata(&RealDisk, &target.path, &now).map_err(|error| refused(STEP, shown, &target.path, error))?;
        self.staged.dress_again(&self.plan.dress).map_err(|error| self.refused(error))
    }

    pub(crate) fn refused(&self, error: io::Error) -> Error {
        refused(STEP, &self.plan.shown, &self.plan.target.path, error)
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = uninterrupted(|| RealDisk.write_at(self.staged.file(), bytes, self.position))?;
        self.position += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for AtomicFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let invalid = || io::Error::new(io::ErrorKind::InvalidInput, "a position before the beginning of the file");
        let position = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => RealDisk.stat_file(self.staged.file())?.len.checked_add_signed(by),
        };
        self.position = position.ok_or_else(invalid)?;
        Ok(self.position)
    }
}

impl fmt::Debug for CommitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.error, f)
    }
}

impl fmt::Display for CommitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.error, f)
    }
}

impl std::error::Error for CommitError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&self.error)
    }
}

impl From<CommitError> for Error {
    fn from(failed: CommitError) -> Error {
        failed.error
    }
}
