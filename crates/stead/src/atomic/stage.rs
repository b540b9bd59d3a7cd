//! A new content under a temporary name, on its way to become the content of a file.

use std::io;
use std::path::{Path, PathBuf};

use crate::atomic::durability::Durability;
use crate::atomic::names::Temporary;
use crate::sys::disk::{Disk, write_all_at};
use crate::sys::{FileId, Metadata, NewFile, Stat};

/// How many names to try: one is taken once in 2^64 times, or by someone who guesses.
const TRIES: usize = 16;
/// Setuid and setgid.
const SET_ID: u32 = 0o6000;

/// What a new file gets beside its content.
#[derive(Debug, Clone, Default)]
pub(crate) struct Dress {
    /// Those of the file it takes the place of.
    pub(crate) like: Option<Metadata>,
    /// Permission bits in place of those.
    pub(crate) mode: Option<u32>,
}

impl Dress {
    /// What a new file shows before it has its metadata: to its owner at most what it will, to others nothing. Who opened it
    /// then could read on.
    fn at_first(&self) -> NewFile {
        match (self.mode, &self.like) {
            (Some(mode), _) => NewFile::AtMost(mode & 0o600),
            (None, Some(like)) => NewFile::AtMost(like.mode & 0o600),
            (None, None) => NewFile::Default,
        }
    }
}

/// A file under a temporary name beside its target. Its lock is held, so that no sweep takes it for an orphan
/// (trap 32). Dropped without a commit, it is removed.
#[derive(Debug)]
pub(crate) struct Staged<D: Disk> {
    disk: D,
    file: D::File,
    /// `None` once it has been given another name, or swept away.
    path: Option<PathBuf>,
    /// As it was then.
    born: Stat,
    /// What could not be kept of the metadata, in words.
    lost: Vec<String>,
    /// A sync failed: what was written may be gone although a later sync says otherwise (trap 26).
    poisoned: bool,
}

impl<D: Disk + Clone> Staged<D> {
    /// Creates the file in `folder`, under a random name (trap 25).
    /// It has its metadata before it has any content.
    pub(crate) fn create(disk: &D, folder: &Path, dress: &Dress) -> io::Result<Staged<D>> {
        let mut last = None;
        for _ in 0..TRIES {
            let path = folder.join(Temporary::Staged.name());
            let file = match disk.create(&path, dress.at_first()) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    last = Some(error);
                    continue;
                }
                Err(error) => return Err(error),
            };
            if let Some(born) = locked(disk, &file)? {
                let disk = disk.clone();
                let mut staged = Staged { disk, file, path: Some(path), born, lost: Vec::new(), poisoned: false };
                staged.dress(dress)?;
                return Ok(staged);
            }
        }
        Err(last.unwrap_or_else(|| io::Error::other("temporary files are swept away as soon as they are made")))
    }

    pub(crate) fn disk(&self) -> &D {
        &self.disk
    }

    pub(crate) fn file(&self) -> &D::File {
        &self.file
    }

    pub(crate) fn is_poisoned(&self) -> bool {
        self.poisoned
    }

    /// Where it is; an error if it has been swept away.
    pub(crate) fn path(&self) -> io::Result<&Path> {
        self.path.as_deref().ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "its temporary file is gone"))
    }

    pub(crate) fn id(&self) -> FileId {
        self.born.id
    }

    pub(crate) fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        write_all_at(&self.disk, &self.file, bytes, offset)
    }

    /// Gives it its metadata once more: those of the target have changed, or writing has taken some away.
    pub(crate) fn dress_again(&mut self, dress: &Dress) -> io::Result<()> {
        self.born = self.disk.stat_file(&self.file)?;
        self.dress(dress)
    }

    fn dress(&mut self, dress: &Dress) -> io::Result<()> {
        if let Some(like) = &dress.like {
            self.lost = self.disk.set_metadata(&self.file, &self.born, like)?;
        }
        match dress.mode {
            Some(mode) => self.disk.set_mode(&self.file, mode),
            None => Ok(()),
        }
    }

    /// Syncs it, with its metadata (trap 24). Returns in words what could not be kept of that.
    pub(crate) fn finish(&mut self, dress: &Dress, durability: Durability) -> io::Result<Vec<String>> {
        let mode = dress.mode.or(dress.like.as_ref().map(|like| like.mode)).unwrap_or(0);
        if mode & SET_ID != 0 {
            // Writing took these bits away.
            self.dress_again(dress)?;
        }
        let synced = durability.sync(&self.disk, &self.file);
        self.poisoned |= synced.is_err();
        synced.map(|()| self.lost.clone())
    }

    /// Gives it another temporary name.
    pub(crate) fn rename(&mut self, temporary: Temporary) -> io::Result<()> {
        let path = self.path()?.with_file_name(temporary.name());
        self.disk.rename_new(self.path()?, &path).or_else(|error| match error.kind() {
            io::ErrorKind::Unsupported => self.disk.rename(self.path()?, &path),
            _ => Err(error),
        })?;
        self.path = Some(path);
        Ok(())
    }

    /// It lies under this temporary name again.
    pub(crate) fn unsettled(&mut self, path: PathBuf) {
        self.path = Some(path);
    }

    /// The file is now the target's: nothing of it is to be removed.
    pub(crate) fn settled(&mut self) {
        self.path = None;
    }
}

/// Locks a new temporary and looks at it. `None`: between its creation and its lock it was an orphan like any other, and
/// a sweep removed it. Where files cannot be locked there is no sweep either.
fn locked<D: Disk>(disk: &D, file: &D::File) -> io::Result<Option<Stat>> {
    if !disk.try_lock(file).unwrap_or(true) {
        return Ok(None);
    }
    Ok(Some(disk.stat_file(file)?).filter(|stat| stat.names > 0))
}

impl<D: Disk> Drop for Staged<D> {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // Nobody to tell; a sweep finds what stays.
            let _ = self.disk.unlink(path);
        }
    }
}
