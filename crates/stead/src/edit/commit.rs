//! Putting a draft in the place of its file, over any [`Disk`].
//!
//! The draft goes last: before that, the file holds its text durably (trap 47). Between the look at the file and the
//! swap somebody may change it; then all is looked at again.

use std::io;
use std::path::Path;
use std::time::Duration;

use crate::atomic::{Durability, Found, Rewrite, Version, Whole, read_whole};
use crate::edit::description::Description;
use crate::edit::room::{BYTES_MAX, Room};
use crate::edit::verdict::{Initial, Verdict, is_changed, verdict};
use crate::error::{Error, ErrorKind, Result};
use crate::filesystem::folder_of;
use crate::sys::Access;
use crate::sys::disk::{Disk, uninterrupted};

const STEP: &str = "save";
/// How often somebody who takes no lock may come between.
const TRIES: usize = 100;
const PAUSE_MAX: Duration = Duration::from_millis(20);

/// What a commit came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Committed {
    Nothing,
    Replaced {
        lost: Vec<String>,
    },
    Merged {
        lost: Vec<String>,
    },
    Conflict,
    /// The markers of an earlier one are still in the draft.
    Unresolved,
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
    pub(crate) approved: Approved,
}

/// What may be put in the place of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Approved {
    Anything,
    Only(Version),
    Nothing,
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
            let draft = text.clone();
            let (content, is_merged) = match verdict {
                Verdict::Nothing => return self.nothing(description, &text).map(|()| Committed::Nothing),
                Verdict::Unresolved => return Ok(Committed::Unresolved),
                Verdict::Conflict(both) => return self.conflict(description, disk, &both),
                Verdict::Replace => (text, false),
                Verdict::Merge(merged) => {
                    self.room
                        .note_merged(&text, disk.unwrap_or_default(), &merged)
                        .map_err(|error| self.failed("note the merge of", error))?;
                    (merged, true)
                }
            };
            if self.approved != Approved::Anything && self.approved != Approved::Only(Version::of(&content)) {
                return Err(Error::new(ErrorKind::Mismatch, STEP, self.shown)
                    .with_hint("others have changed it since it was approved of: it is to be looked at again"));
            }
            let put = self.put(found.as_ref(), &content);
            if is_merged && !matches!(&put, Ok(Some(_))) && !put.as_ref().is_err_and(Error::is_not_durable) {
                // It did not come to be; if this fails, a look at the lines has to do.
                let _ = self.room.forget_merged(&draft, disk.unwrap_or_default());
            }
            if let Some(lost) = put? {
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
        let verdict = verdict_of(self.room, description, &text, disk).map_err(fail)?;
        Ok((verdict, text))
    }

    /// Nothing is to be done. Where that is because the change is in the file already, it is made durable: whoever wrote it
    /// may have died before that.
    fn nothing(&self, description: &Description, text: &[u8]) -> Result<()> {
        let base = self.room.base().map_err(|error| self.failed("read the draft of", error))?;
        if !is_changed(base.as_deref(), description.initial, text) {
            return Ok(());
        }
        make_durable(self.disk, self.target).map_err(|error| self.failed("sync", error))
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

    fn failed(&self, step: &'static str, error: io::Error) -> Error {
        Error::system(step, self.shown, error)
    }
}

/// What to do with a draft that has this text, where `disk` is in its file now.
pub(crate) fn verdict_of<D: Disk + Clone>(
    room: &Room<D>,
    description: &Description,
    text: &[u8],
    disk: Option<&[u8]>,
) -> io::Result<Verdict> {
    if let Some(disk) = disk
        && room.is_merged_into(text, disk)?
    {
        return Ok(Verdict::Nothing);
    }
    let Description { initial, conflict, .. } = *description;
    Ok(verdict(room.base()?.as_deref(), initial, conflict, text, disk))
}

/// Makes a file and its name durable. One that is not there has nothing to lose.
pub(crate) fn make_durable<D: Disk>(disk: &D, target: &Path) -> io::Result<()> {
    // Some systems sync only what may be written.
    let open = disk.open(target, Access::ReadWrite).or_else(|_| disk.open(target, Access::ReadOnly));
    match open {
        Ok(file) => uninterrupted(|| disk.sync(&file))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    }
    uninterrupted(|| disk.sync_folder(folder_of(target)))
}

/// The error for a file that is too large to be edited.
pub(crate) fn too_large(shown: &Path) -> Error {
    Error::new(ErrorKind::TooLarge, "edit", shown)
        .with_hint(format!("a file that is edited has at most {} MiB", BYTES_MAX >> 20))
}
