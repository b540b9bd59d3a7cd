//! Giving a staged content the name of its target.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use crate::atomic::durability::Durability;
use crate::atomic::keep;
use crate::atomic::names::{Swap, Temporary};
use crate::atomic::stage::{Dress, Staged};
use crate::atomic::swap::{Expected, Swapped, swap};
use crate::atomic::target::refused;
use crate::atomic::version::Version;
use crate::error::{Error, ErrorKind, Result};
use crate::filesystem::folder_of;
use crate::sys::disk::{Disk, uninterrupted};

/// How often the second name of a backup may be swept away before it is used.
const BACKUP_TRIES: usize = 8;

/// What may be in the place of the target for a commit to go on.
#[derive(Debug)]
pub(crate) enum Rule<F> {
    /// Anything.
    Replace,
    /// Nothing.
    NoClobber,
    /// This content.
    IfMatch(Expected<F>),
}

/// All that a commit is told.
#[derive(Debug)]
pub(crate) struct Commit<'a, F> {
    /// What is done, as words that go after "failed to".
    pub(crate) step: &'static str,
    /// The path as the caller wrote it, for messages.
    pub(crate) shown: &'a Path,
    /// The path to rename over, no link itself.
    pub(crate) target: &'a Path,
    pub(crate) rule: Rule<F>,
    /// The version of the new content, where it is known.
    pub(crate) new: Option<Version>,
    pub(crate) dress: Dress,
    /// What is appended to the name of the target for the name of its backup.
    pub(crate) backup: Option<OsString>,
    pub(crate) durability: Durability,
}

impl<F> Commit<'_, F> {
    /// The whole way from a written temporary to a durable target. Returns in words what could not be kept of the
    /// metadata. Unless it says [`NotDurable`](ErrorKind::NotDurable), a failure leaves the target as it was, and
    /// `staged` as it is.
    pub(crate) fn run<D: Disk<File = F> + Clone>(&self, staged: &mut Staged<D>) -> Result<Vec<String>> {
        if staged.is_poisoned() {
            return Err(Error::new(ErrorKind::Poisoned, self.step, self.shown).with_hint("write the content anew"));
        }
        let lost = staged.finish(&self.dress, self.durability).map_err(|error| self.refused(error))?;
        if self.backup.is_some() {
            self.back_up(staged.disk()).map_err(|error| Error::system("back up", self.shown, error))?;
        }
        self.name(staged)?;
        if self.durability == Durability::Full {
            let folder = folder_of(self.target);
            uninterrupted(|| staged.disk().sync_folder(folder)).map_err(|error| self.not_durable(error))?;
        }
        Ok(lost)
    }

    fn name<D: Disk<File = F> + Clone>(&self, staged: &mut Staged<D>) -> Result<()> {
        let named = match &self.rule {
            Rule::Replace => staged.path().and_then(|path| staged.disk().rename(path, self.target)),
            Rule::NoClobber => {
                name_new(staged.disk(), staged.path().map_err(|error| self.refused(error))?, self.target)
            }
            Rule::IfMatch(expected) => return self.swap(staged, expected),
        };
        match named {
            Ok(()) => {
                staged.settled();
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(self.exists()),
            Err(error) => Err(self.refused(error)),
        }
    }

    fn swap<D: Disk<File = F> + Clone>(&self, staged: &mut Staged<D>, expected: &Expected<F>) -> Result<()> {
        let step = |error| self.refused(error);
        self.name_for_swap(staged, expected).map_err(step)?;
        match swap(staged, self.target, expected).map_err(step)? {
            Swapped::Done => Ok(()),
            Swapped::Mismatch { left_over: None } => Err(self.mismatch("it holds what somebody else wrote meanwhile")),
            Swapped::Mismatch { left_over: Some((file, path)) } => {
                let kept = keep::file(staged.disk(), self.target, &file).and_then(|kept| {
                    staged.disk().unlink(&path)?;
                    Ok(kept)
                });
                let kept = kept.unwrap_or(path);
                Err(self.mismatch(&format!(
                    "two others wrote it meanwhile: the newer content is in place, the older one in {}",
                    kept.display()
                )))
            }
            Swapped::Unclear { error, left_over } => {
                Err(self.not_durable(error).with_hint(format!("what was there before is in {}", left_over.display())))
            }
        }
    }

    /// The temporary, whole and synced by now, gets a name that says what is to be swapped.
    fn name_for_swap<D: Disk<File = F> + Clone>(
        &self,
        staged: &mut Staged<D>,
        expected: &Expected<F>,
    ) -> io::Result<()> {
        let new = self.new.map_or_else(|| Version::of_file(staged.disk(), staged.file()), Ok)?;
        let target = self.target.file_name().unwrap_or_default();
        staged.rename(Temporary::Swap(Swap::new(target, expected.version, new, staged.id().inode)))
    }

    /// Gives the content that is there a second name. It becomes that of the backup in one step, so that an older
    /// backup is there until the new one is.
    fn back_up<D: Disk>(&self, disk: &D) -> io::Result<()> {
        let Some(suffix) = &self.backup else { return Ok(()) };
        let mut tries = 0;
        let temporary = loop {
            let temporary = self.target.with_file_name(Temporary::Staged.name());
            match disk.link(self.target, &temporary) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                Err(error) => return Err(error),
            }
            match disk.rename(&temporary, &backup_path(self.target, suffix)) {
                Ok(()) => break temporary,
                // A sweep took it for an orphan, which it was for an instant.
                Err(error) if error.kind() == io::ErrorKind::NotFound && tries < BACKUP_TRIES => tries += 1,
                Err(error) => {
                    let _ = disk.unlink(&temporary);
                    return Err(error);
                }
            }
        };
        // rename(2) does nothing where both names are of one file: the backup is that of a run that came no further.
        match disk.unlink(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn refused(&self, error: io::Error) -> Error {
        refused(self.step, self.shown, self.target, error)
    }

    fn exists(&self) -> Error {
        Error::new(ErrorKind::Exists, self.step, self.shown)
            .with_hint("it is as it was; leave no-clobber out to replace it")
    }

    fn mismatch(&self, hint: &str) -> Error {
        Error::new(ErrorKind::Mismatch, self.step, self.shown).with_hint(hint)
    }

    fn not_durable(&self, error: io::Error) -> Error {
        Error::system(self.step, self.shown, error).with_kind(ErrorKind::NotDurable)
    }
}

/// Where the backup of a file is.
pub(crate) fn backup_path(target: &Path, suffix: &OsStr) -> PathBuf {
    let mut name = target.file_name().unwrap_or_default().to_os_string();
    name.push(suffix);
    target.with_file_name(name)
}

/// Gives a file a name that nothing has; where the filesystem cannot see to that in one step, by a second name.
pub(crate) fn name_new<D: Disk>(disk: &D, from: &Path, to: &Path) -> io::Result<()> {
    match disk.rename_new(from, to) {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => {
            disk.link(from, to)?;
            // A second name that stays is an orphan for a sweep.
            let _ = disk.unlink(from);
            Ok(())
        }
        outcome => outcome,
    }
}
