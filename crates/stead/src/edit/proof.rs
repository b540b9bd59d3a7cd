//! The steps below a session over any [`Disk`], for the proofs on a simulated one. Not part of the interface.

use std::ffi::OsStr;
use std::path::Path;

use crate::edit::commit::{Approved, Commit, Committed};
use crate::edit::description::Description;
use crate::edit::room::Room;
use crate::edit::verdict::Initial;
use crate::error::{Error, Result};
use crate::sys::disk::Disk;

/// A draft in a folder that is there, of a file named NAME.
#[derive(Debug, Clone)]
pub struct Draft<D>(Room<D>);

impl<D: Disk + Clone> Draft<D> {
    pub fn new(disk: &D, folder: &Path, name: &str) -> Draft<D> {
        Draft(Room::new(disk.clone(), folder, OsStr::new(name)))
    }

    /// Makes it, as a session does when it opens.
    pub fn make(&self, base: Option<&[u8]>, text: &[u8]) -> Result<()> {
        let fail = |error| Error::system("make", self.0.folder(), error);
        self.0.furnish(base, text, &described(Initial::Base)).map_err(fail)
    }

    /// Keeps what the editor saved.
    pub fn keep(&self, text: &[u8]) -> Result<()> {
        self.0.keep(text).map_err(|error| Error::system("keep", self.0.folder(), error))
    }

    /// Goes on with another text for another content of the file, as a recovery does.
    pub fn refit(&self, base: Option<&[u8]>, text: &[u8]) -> Result<()> {
        let fail = |error| Error::system("refit", self.0.folder(), error);
        self.0.refit(base, text, &described(Initial::Recovered)).map_err(fail)
    }

    /// What would be offered: `None` if there is no draft.
    pub fn offered(&self) -> Result<Option<Vec<u8>>> {
        let fail = |error| Error::system("read", self.0.folder(), error);
        match self.0.description().map_err(fail)? {
            Some(_) => self.0.best_text().map_err(fail),
            None => Ok(None),
        }
    }

    /// Puts it in the place of the file, and removes it if that was done. Whether there is a conflict.
    pub fn commit(&self, disk: &D, target: &Path) -> Result<bool> {
        let fail = |error| Error::system("read", self.0.folder(), error);
        let Some(description) = self.0.description().map_err(fail)? else { return Ok(false) };
        let committing =
            Commit { disk, room: &self.0, shown: target, target, mode: None, approved: Approved::Anything };
        if matches!(committing.run(&description, || Ok(()))?, Committed::Conflict | Committed::Unresolved) {
            return Ok(true);
        }
        self.0.forget().map_err(fail)?;
        Ok(false)
    }
}

fn described(initial: Initial) -> Description {
    Description { path: "/d/f".into(), initial, conflict: false, started_us: 0, saves_from: 0 }
}
