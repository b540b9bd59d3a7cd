//! The bytes of a document: read whole, and put in place only if nobody came between.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::atomic::{Commit, Dress, Durability, Expected, Rule, Staged, Target, Version};
use crate::atomic::{keep_bytes, refused, sweep};
use crate::error::{Error, ErrorKind, Result};
use crate::lock::Guard;
use crate::sys::disk::{Disk, RealDisk, metadata, read_full_at, uninterrupted};
use crate::sys::{self, Access, Stat};

pub(crate) const STEP: &str = "update";
const LIMIT: u64 = 64 << 20;

/// Where a document is, and how it is written.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) path: PathBuf,
    pub(crate) durability: Durability,
    /// In bytes.
    pub(crate) limit: u64,
}

/// What was read, and from which file.
#[derive(Debug)]
pub(crate) struct Seen {
    target: Target,
    file: Option<Found>,
}

/// A file and all that is in it.
#[derive(Debug)]
struct Found {
    /// Open, so that no other file gets its inode; `None` where an open file could not be replaced.
    file: Option<File>,
    stat: Stat,
    content: Vec<u8>,
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// It is in place.
    Made,
    /// It is what was there before.
    None,
    /// Somebody changed the file meanwhile: begin again.
    Overtaken,
}

impl Seen {
    pub(crate) fn content(&self) -> Option<&[u8]> {
        self.file.as_ref().map(|found| found.content.as_slice())
    }

    pub(crate) fn version(&self) -> Option<Version> {
        self.content().map(Version::of)
    }

    /// The same, as if there were nothing.
    pub(crate) fn blank(&self) -> Seen {
        Seen { target: self.target.clone(), file: None }
    }
}

impl Store {
    pub(crate) fn new(path: &Path) -> Store {
        Store { path: path.to_path_buf(), durability: Durability::Full, limit: LIMIT }
    }

    /// An error for what can be no document.
    pub(crate) fn look(&self) -> Result<Target> {
        Target::look(&self.path, "read")
    }

    /// All of the file, as it is at one instant, unless somebody writes into it in place.
    pub(crate) fn read(&self) -> Result<Seen> {
        const STEP: &str = "read";
        let fail = |error| Error::system(STEP, &self.path, error);
        let target = self.look()?;
        if target.stat.is_none() {
            return Ok(Seen { target, file: None });
        }
        let file = match RealDisk.open(&target.path, Access::ReadOnly) {
            Ok(file) => file,
            // Gone since the look.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Seen { target, file: None }),
            Err(error) => return Err(fail(error)),
        };
        let stat = RealDisk.stat_file(&file).map_err(fail)?;
        match read_whole(&file, stat.len, self.limit).map_err(fail)? {
            Some(content) => {
                Ok(Seen { target, file: Some(Found { file: sys::REPLACES_OPEN_FILES.then_some(file), stat, content }) })
            }
            None => Err(self.too_large(STEP)),
        }
    }

    /// Puts `content` in the place of what was seen, if that is still there.
    pub(crate) fn put(&self, guard: Option<&Guard>, seen: &Seen, content: &[u8]) -> Result<Change> {
        if seen.content() == Some(content) {
            return Ok(Change::None);
        }
        if content.len() as u64 > self.limit {
            return Err(self.too_large(STEP));
        }
        seen.target.insist_on_writing(&self.path, STEP)?;
        let (commit, mut staged) = match self.stage(seen, content) {
            // Removed since the look.
            Err(error) if error.is_not_found() && seen.file.is_some() && RealDisk.stat(&seen.target.path).is_err() => {
                return Ok(Change::Overtaken);
            }
            staged => staged?,
        };
        if let Some(guard) = guard {
            guard.check()?;
        } else if !Store::is_mine_to_swap(seen) {
            return Ok(Change::Overtaken);
        }
        match commit.run(&mut staged) {
            Ok(_) => Ok(Change::Made),
            Err(error) if error.is_mismatch() || error.is_exists() => Ok(Change::Overtaken),
            Err(error) => Err(error),
        }
    }

    fn stage<'a>(&'a self, seen: &'a Seen, content: &[u8]) -> Result<(Commit<'a, File>, Staged<RealDisk>)> {
        let target = &seen.target;
        let fail = |error| refused(STEP, &self.path, &target.path, error);
        let (rule, like) = match &seen.file {
            None => (Rule::NoClobber, None),
            Some(Found { stat, content: before, .. }) => {
                let version = Version::of(before);
                let expected = Expected { version, id: stat.id, len: before.len() as u64, _pin: None };
                let like = metadata(&RealDisk, &target.path, stat).map_err(fail)?;
                (Rule::IfMatch(expected), Some(like))
            }
        };
        let dress = Dress { like, mode: None };
        let staged = Staged::create(&RealDisk, target.folder(), &dress).map_err(fail)?;
        staged.write_all_at(content, 0).map_err(fail)?;
        let (shown, target, durability) = (&*self.path, &*target.path, self.durability);
        let new = Some(Version::of(content));
        Ok((Commit { step: STEP, shown, target, rule, new, dress, backup: None, durability }, staged))
    }

    /// Without a lock for the document, those who swap it keep each other out by the lock of the file that they read:
    /// whoever has it, and still finds that file in place, is the only one of us who replaces it. It is given back
    /// with the descriptor. A filesystem that cannot lock is left to the swap alone.
    fn is_mine_to_swap(seen: &Seen) -> bool {
        let Some(Found { file, stat, .. }) = &seen.file else { return true };
        file.as_ref().is_none_or(|file| RealDisk.try_lock(file).unwrap_or(true))
            && RealDisk.stat(&seen.target.path).is_ok_and(|now| now.id == stat.id)
    }

    pub(crate) fn other_version(&self, seen: &Seen) -> Error {
        let error = Error::new(ErrorKind::Mismatch, STEP, &self.path);
        error.with_hint(match seen.version() {
            Some(version) => format!("its version is {version}; read it again"),
            None => "there is no such file".to_owned(),
        })
    }

    /// Keeps what was seen beside the file.
    pub(crate) fn keep(&self, seen: &Seen) -> Result<PathBuf> {
        keep_bytes(&RealDisk, &seen.target.path, seen.content().unwrap_or_default())
            .map_err(|error| Error::system("keep the content of", &self.path, error))
    }

    /// Removes what a writer that died left in the folder. What cannot be removed now is in nobody's way.
    pub(crate) fn sweep(&self) {
        if let Ok(target) = self.look() {
            let _ = sweep(target.folder());
        }
    }

    fn too_large(&self, step: &'static str) -> Error {
        Error::new(ErrorKind::TooLarge, step, &self.path)
            .with_hint(format!("a document has at most {} bytes here", self.limit))
    }
}

/// The whole content of a file that was seen to be `len` bytes long, if it is at most `limit` bytes; `None`: it is
/// longer.
fn read_whole(file: &File, len: u64, limit: u64) -> io::Result<Option<Vec<u8>>> {
    if len > limit {
        return Ok(None);
    }
    // It may grow while it is read; one byte more than it has tells.
    let mut bytes = vec![0; usize::try_from(len).unwrap_or(usize::MAX).saturating_add(1)];
    let mut filled = uninterrupted(|| RealDisk.read_at(file, &mut bytes, 0))?;
    if filled as u64 == len {
        bytes.truncate(filled);
        return Ok(Some(bytes));
    }
    filled += read_full_at(&RealDisk, file, &mut bytes[filled..], filled as u64)?;
    while filled == bytes.len() {
        if filled as u64 > limit {
            return Ok(None);
        }
        bytes.resize(filled * 2, 0);
        filled += read_full_at(&RealDisk, file, &mut bytes[filled..], filled as u64)?;
    }
    bytes.truncate(filled);
    Ok((filled as u64 <= limit).then_some(bytes))
}
