//! The bytes of a document: read whole, and put in place only if nobody came between.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::atomic::{Durability, Found, Rewrite, Target, Version, Whole, keep_bytes, read_whole, sweep};
use crate::error::{Error, ErrorKind, Result};
use crate::lock::Hold;
use crate::sys::disk::{Disk, RealDisk};

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
    file: Option<Found<File>>,
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
        match read_whole(&RealDisk, &target.path, self.limit).map_err(fail)? {
            // Gone since the look.
            Whole::Missing => Ok(Seen { target, file: None }),
            Whole::Found(found) => Ok(Seen { target, file: Some(found) }),
            Whole::TooLarge => Err(self.too_large(STEP)),
        }
    }

    /// Puts `content` in the place of what was seen, if that is still there.
    pub(crate) fn put(&self, guard: Option<&Hold>, seen: &Seen, content: &[u8]) -> Result<Change> {
        if seen.content() == Some(content) {
            return Ok(Change::None);
        }
        if content.len() as u64 > self.limit {
            return Err(self.too_large(STEP));
        }
        seen.target.insist_on_writing(&self.path, STEP)?;
        let (shown, target, durability) = (&*self.path, &*seen.target.path, self.durability);
        let rewrite = Rewrite { step: STEP, shown, target, durability, mode: None };
        let ready = match rewrite.stage(&RealDisk, seen.file.as_ref(), content) {
            // Removed since the look.
            Err(error) if error.is_not_found() && seen.file.is_some() && RealDisk.stat(target).is_err() => {
                return Ok(Change::Overtaken);
            }
            ready => ready?,
        };
        if let Some(guard) = guard {
            guard.check()?;
        } else if !Store::is_mine_to_swap(seen) {
            return Ok(Change::Overtaken);
        }
        Ok(ready.put()?.map_or(Change::Overtaken, |_| Change::Made))
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
