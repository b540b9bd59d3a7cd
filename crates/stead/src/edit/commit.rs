//! Putting a draft in the place of its file, over any [`Disk`].
//!
//! The draft goes last: before that, the file holds its text durably (trap 47). Between the look at the file and the
//! swap somebody may change it; then all is looked at again.

use std::path::Path;
use std::time::Duration;

use crate::atomic::{Durability, Found, Rewrite, Whole, read_whole};
use crate::edit::description::Description;
use crate::edit::room::{BYTES_MAX, Room};
use crate::edit::verdict::{Initial, Verdict, verdict};
use crate::error::{Error, ErrorKind, Result};
use crate::sys::disk::Disk;

const STEP: &str = "save";
/// How often somebody who takes no lock may come between.
const TRIES: usize = 100;
const PAUSE_MAX: Duration = Duration::from_millis(20);

/// What a commit came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Committed {
    Nothing,
    Replaced { lost: Vec<String> },
    Merged { lost: Vec<String> },
    Conflict,
}

/// A draft, and the file that it is a draft of.
#[derive(Debug)]
pub(crate) struct Commit<'a, D> {
    pub(crate) disk: &'a D,
    pub(crate) room: &'a Room<D>,
    /// The path as the caller wrote it, for messages.
    pub(crate) shown: &'a Path,
    /// The path to rename over, no link itself.
    pub(crate) target: &'a Path,
    /// The permission bits of a file that is created.
    pub(crate) mode: Option<u32>,
}

impl<D: Disk + Clone> Commit<'_, D> {
    /// Does what is to be done, durably; `check` is asked right before. Unless there is a conflict, the draft may go then.
    pub(crate) fn run(&self, description: &Description, check: impl Fn() -> Result<()>) -> Result<Committed> {
        let mut pause = Duration::from_micros(50);
        for _ in 0..TRIES {
            let found = self.read()?;
            let disk = found.as_ref().map(|found| found.content.as_slice());
            let (verdict, text) = self.verdict(description, disk)?;
            check()?;
            let (content, is_merged) = match verdict {
                Verdict::Nothing => return Ok(Committed::Nothing),
                Verdict::Unresolved => return Ok(Committed::Conflict),
                Verdict::Conflict(both) => return self.conflict(description, disk, &both),
                Verdict::Replace => (text, false),
                Verdict::Merge(merged) => (merged, true),
            };
            if let Some(lost) = self.put(found.as_ref(), &content)? {
                return Ok(if is_merged { Committed::Merged { lost } } else { Committed::Replaced { lost } });
            }
            std::thread::park_timeout(pause);
            pause = (pause * 2).min(PAUSE_MAX);
        }
        Err(Error::new(ErrorKind::Mismatch, STEP, self.shown)
            .with_hint("somebody who takes no lock changes it again and again"))
    }

    /// What would be done now: what the file would hold, or a conflict.
    pub(crate) fn look(&self, description: &Description) -> Result<Verdict> {
        let found = self.read()?;
        match self.verdict(description, found.as_ref().map(|found| found.content.as_slice()))? {
            (Verdict::Replace, text) => Ok(Verdict::Merge(text)),
            (other, _) => Ok(other),
        }
    }

    /// What is to be done, and the draft's text. One that the editor removed says nothing.
    fn verdict(&self, description: &Description, disk: Option<&[u8]>) -> Result<(Verdict, Vec<u8>)> {
        let fail = |error| self.failed("read the draft of", error);
        let Some(text) = self.room.text().map_err(fail)? else { return Ok((Verdict::Nothing, Vec::new())) };
        let base = self.room.base().map_err(fail)?;
        let Description { initial, conflict, .. } = *description;
        Ok((verdict(base.as_deref(), initial, conflict, &text, disk), text))
    }

    /// Both texts are in the draft from now on, which is one of the file as it is now.
    fn conflict(&self, description: &Description, disk: Option<&[u8]>, both: &[u8]) -> Result<Committed> {
        let described = Description { conflict: true, initial: Initial::Recovered, ..description.clone() };
        self.room.refit(disk, both, &described).map_err(|error| self.failed("keep the conflict of", error))?;
        Ok(Committed::Conflict)
    }

    fn read(&self) -> Result<Option<Found<D::File>>> {
        match read_whole(self.disk, self.target, BYTES_MAX).map_err(|error| self.failed("read", error))? {
            Whole::Missing => Ok(None),
            Whole::Found(found) => Ok(Some(found)),
            Whole::TooLarge => Err(too_large(self.shown)),
        }
    }

    fn put(&self, found: Option<&Found<D::File>>, content: &[u8]) -> Result<Option<Vec<String>>> {
        let Commit { shown, target, mode, .. } = *self;
        let rewrite = Rewrite { step: STEP, shown, target, durability: Durability::Full, mode };
        rewrite.stage(self.disk, found, content)?.put()
    }

    fn failed(&self, step: &'static str, error: std::io::Error) -> Error {
        Error::system(step, self.shown, error)
    }
}

/// The error for a file that is too large to be edited.
pub(crate) fn too_large(shown: &Path) -> Error {
    Error::new(ErrorKind::TooLarge, "edit", shown)
        .with_hint(format!("a file that is edited has at most {} MiB", BYTES_MAX >> 20))
}
