//! One file of a session, locked, with its draft.

use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::mem;
use std::path::{Path, PathBuf};

use crate::atomic::{Found, Target, Version, Whole, read_whole, sweep};
use crate::edit::addition::Addition;
use crate::edit::beside::{beside, left_beside, newest_text};
use crate::edit::commit::{Approved, Commit, Committed, make_durable, too_large, verdict_of};
use crate::edit::description::Description;
use crate::edit::drafts::{self, Draft};
use crate::edit::outcome::{Edited, Outcome, Pending, Recovered};
use crate::edit::room::{BYTES_MAX, Room};
use crate::edit::verdict::{Initial, Verdict, has_more_markers, is_changed};
use crate::error::{Error, ErrorKind, Result};
use crate::lock::{Guard, Options, Wait};
use crate::sys;
use crate::sys::disk::RealDisk;

pub(crate) const STEP: &str = "edit";

/// What a session does with every file.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// How locks are made.
    pub(crate) lock: Options,
    /// The folder of all drafts.
    pub(crate) drafts: PathBuf,
    /// The permission bits of a file that is created.
    pub(crate) mode: Option<u32>,
    /// How long a commit waits for programs that change the file.
    pub(crate) commit_wait: Wait,
}

/// A file whose session lock is held, and its draft.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) shown: PathBuf,
    target: PathBuf,
    /// Without links.
    real: PathBuf,
    /// The permission bits of the file, should it have to be made anew.
    mode: Option<u32>,
    pub(crate) room: Room<RealDisk>,
    description: Description,
    /// Why the last text that the editor saved could not be kept: it may not be whole.
    pub(crate) unkept: Option<io::Error>,
    /// Keeps others from the draft.
    guard: Guard,
}

impl Opened {
    /// Makes a draft of the file, with the addition at its end.
    pub(crate) fn new(
        plan: &Plan,
        shown: &Path,
        target: &Path,
        real: PathBuf,
        addition: Option<&Addition>,
    ) -> Result<Opened> {
        let found = read(shown, target)?;
        let base = found.as_ref().map(|found| found.content.as_slice());
        let before = base.unwrap_or_default();
        let (text, initial) = match addition.and_then(|addition| addition.to(before)) {
            Some(text) => {
                let initial = Initial::with_addition(&text);
                (Cow::Owned(text), initial)
            }
            None => (Cow::Borrowed(before), Initial::Base),
        };
        let (path, started_us) = (real.clone(), sys::wall_micros());
        let description = Description { path, initial, conflict: false, started_us, saves_from: 0 };
        let (room, guard) = drafts::create(&plan.drafts, &real)?;
        if let Err(error) = room.furnish(base, &text, &description) {
            let _ = drafts::remove(&room, guard);
            return Err(Error::system("make a draft of", shown, error)
                .with_hint(format!("drafts are in {}; nothing was touched", plan.drafts.display())));
        }
        let mode = found.map(|found| found.stat.mode).or(plan.mode);
        let (shown, target) = (shown.to_path_buf(), target.to_path_buf());
        Ok(Opened { shown, target, real, mode, room, description, unkept: None, guard })
    }

    /// The file without links, which its drafts are found by.
    pub(crate) fn real(&self) -> &Path {
        &self.real
    }

    /// The start of the names of all drafts of this file.
    pub(crate) fn key(&self) -> String {
        drafts::key(&self.real)
    }

    pub(crate) fn is_worked_on_in(&self, draft: &Draft) -> bool {
        self.room.folder() == draft.room().folder()
    }

    /// The draft's text; nothing where the editor has removed it.
    pub(crate) fn text(&self) -> Result<Vec<u8>> {
        Ok(self.room.text().map_err(|error| self.unreadable(error))?.unwrap_or_default())
    }

    /// The last line, where the draft has an addition that is to be gone on with.
    pub(crate) fn line_to_begin_at(&self) -> Result<Option<usize>> {
        if !matches!(self.description.initial, Initial::WithAddition(_)) {
            return Ok(None);
        }
        Ok(Some(self.text()?.split(|byte| *byte == b'\n').count()))
    }

    /// Whether the draft, or what the editor had saved of it before, holds something that its file does not. What cannot be
    /// read may be something.
    pub(crate) fn is_changed(&self) -> bool {
        let is_changed = || -> io::Result<bool> {
            let (base, text) = (self.room.base()?, self.room.best_text()?);
            Ok(text.is_some_and(|text| is_changed(base.as_deref(), self.description.initial, &text)))
        };
        is_changed().unwrap_or(true)
    }

    /// Whether a draft of an earlier session holds something that is not in the file, durably.
    pub(crate) fn lacks(&self, draft: &Draft) -> bool {
        let is_in_file = || -> io::Result<bool> {
            let Whole::Found(disk) = read_whole(&RealDisk, &self.target, BYTES_MAX)? else { return Ok(false) };
            let Some(text) = draft.room().best_text()? else { return Ok(false) };
            let verdict = verdict_of(draft.room(), draft.description(), &text, Some(&disk.content))?;
            if verdict != Verdict::Nothing || !draft.left_by_editor().is_empty() {
                return Ok(false);
            }
            make_durable(&RealDisk, &self.target).map(|()| true)
        };
        draft.holds_something() && !is_in_file().unwrap_or(false)
    }

    /// Goes on with a draft of an earlier session. The one that was made for this goes, if it holds nothing.
    pub(crate) fn take_over(&mut self, draft: &Draft) -> Result<Recovered> {
        let guard = drafts::enter(draft.room()).map_err(|error| error.at(&draft.draft()))?;
        let room = draft.room().clone();
        let fail = |error| Error::system("recover the draft", &draft.draft(), error);
        let text = newest_text(&room).map_err(fail)?;
        let disk = read(&self.shown, &self.target)?.map(|found| found.content);
        // Markers are for the editor now.
        let described = Description { conflict: false, ..draft.description().clone() };
        let (text, is_clean) = match verdict_of(&room, &described, &text, disk.as_deref()).map_err(fail)? {
            Verdict::Nothing => (disk.clone().unwrap_or_default(), true),
            Verdict::Replace | Verdict::Unresolved => (text, true),
            Verdict::Merge(merged) => (merged, true),
            Verdict::Conflict(both) => (both, false),
        };
        let was_unresolved = draft.is_conflict() && has_more_markers(&text, disk.as_deref().unwrap_or_default());
        let conflict = !is_clean || was_unresolved;
        let description = Description { initial: Initial::Recovered, conflict, ..self.description.clone() };
        room.refit(disk.as_deref(), &text, &description).map_err(fail)?;
        // What was edited before, or gone on with, is offered again.
        let is_bare = !self.is_changed() && !self.description.conflict;
        self.description = description;
        let (before, guard) = (mem::replace(&mut self.room, room), mem::replace(&mut self.guard, guard));
        if is_bare {
            let _ = drafts::remove(&before, guard);
        }
        Ok(if conflict { Recovered::Conflict } else { Recovered::Clean })
    }

    pub(crate) fn pending(&self) -> Result<Pending> {
        let verdict = self.committing(&self.target, None).look(&self.description)?;
        let (content, conflict) = match verdict {
            Verdict::Nothing | Verdict::Replace => (None, false),
            Verdict::Merge(content) => (Some(content), false),
            Verdict::Conflict(_) | Verdict::Unresolved => (None, true),
        };
        Ok(Pending { path: self.shown.clone(), content, conflict })
    }

    /// Puts the draft in the place of the file. `approved`: what was approved of, if that was asked for.
    pub(crate) fn commit(mut self, plan: &Plan, may_be_open: bool, approved: Option<&Pending>) -> Edited {
        let text = self.room.text().ok().flatten();
        let done = match self.unkept.take() {
            Some(error) => Err(self.not_kept(error)),
            None => self.put_in_place(plan, approved),
        };
        match done {
            Ok(Committed::Nothing) if may_be_open => self.end(Outcome::Unchanged, None),
            Ok(Committed::Nothing) => self.done(Outcome::Unchanged, Vec::new(), text.as_deref()),
            Ok(Committed::Replaced { lost }) => self.done(Outcome::Saved, lost, text.as_deref()),
            Ok(Committed::Merged { lost }) => self.done(Outcome::Merged, lost, text.as_deref()),
            Ok(conflict @ (Committed::Conflict | Committed::Unresolved)) => {
                let kept = self.room.text_path();
                let unresolved = conflict == Committed::Unresolved;
                Edited { unresolved, ..self.end(Outcome::Conflict { kept }, None) }
            }
            Err(error) => self.keep(Some(error)),
        }
    }

    /// Leaves the file as it is, and keeps the draft if it holds something.
    pub(crate) fn abandon(self, may_be_open: bool) -> Edited {
        if self.is_changed() || self.description.conflict || !beside(&self.room).is_empty() {
            return self.keep(None);
        }
        let text = self.room.text().ok().flatten();
        if may_be_open {
            self.end(Outcome::Unchanged, None)
        } else {
            self.done(Outcome::Unchanged, Vec::new(), text.as_deref())
        }
    }

    fn put_in_place(&self, plan: &Plan, approved: Option<&Pending>) -> Result<Committed> {
        let is_gone = self.room.text().map_err(|error| self.unreadable(error))?.is_none();
        if is_gone && self.is_changed() {
            return Err(Error::found(ErrorKind::Io, "read the draft of", &self.shown, "the editor removed it")
                .with_hint("the file is as it was, and what was saved last is kept"));
        }
        let guard = plan.lock.clone().sidecar(&self.shown).lock(plan.commit_wait)?;
        let target = Target::find(&self.shown, STEP)?;
        if drafts::real_path(&target.path).ok().as_deref() != Some(&self.real) {
            return Err(Error::found(ErrorKind::Mismatch, "save", &self.shown, "it leads to another file by now")
                .with_hint(format!("it was {} when the editor started", self.real.display())));
        }
        if guard.follows_a_death() {
            // What cannot be swept now is in nobody's way.
            let _ = sweep(target.folder());
        }
        self.committing(&target.path, approved).run(&self.description, || guard.check())
    }

    fn committing<'a>(&'a self, target: &'a Path, approved: Option<&Pending>) -> Commit<'a, RealDisk> {
        let approved = match approved.map(|approved| &approved.content) {
            None => Approved::Anything,
            Some(None) => Approved::Nothing,
            Some(Some(content)) => Approved::Only(Version::of(content)),
        };
        Commit { disk: &RealDisk, room: &self.room, shown: &self.shown, target, mode: self.mode, approved }
    }

    /// The file has this text, durably: the draft goes. It stays if the editor left something beside it, or somebody works
    /// on it still; then it is one of the file as it is now.
    fn done(self, outcome: Outcome, lost: Vec<String>, text: Option<&[u8]>) -> Edited {
        let left = left_beside(&self.room);
        let is_open = sys::process_using(self.room.folder()).is_some();
        if left.is_empty() && !is_open && self.room.text().is_ok_and(|now| now.as_deref() == text) {
            // One that cannot be removed is found to be in the file by the next session.
            let _ = drafts::remove(&self.room, self.guard);
        } else {
            let description = Description { initial: Initial::Base, conflict: false, ..self.description.clone() };
            let _ = self.room.rebase(text, text.unwrap_or_default(), &description);
        }
        Edited { lost, left, ..edited(self.shown, outcome, None) }
    }

    fn keep(self, error: Option<Error>) -> Edited {
        if let (Ok(None), Ok(Some(best))) = (self.room.text(), self.room.best_text()) {
            // If not, it is among the saves.
            let _ = self.room.restore(&best);
        }
        let draft = self.room.text_path();
        self.end(Outcome::Abandoned { draft }, error)
    }

    fn end(self, outcome: Outcome, error: Option<Error>) -> Edited {
        edited(self.shown, outcome, error)
    }

    fn not_kept(&self, error: io::Error) -> Error {
        let draft = self.room.text_path();
        Error::system("keep what the editor saved of", &self.shown, error).with_kind(ErrorKind::Io).with_hint(format!(
            "perhaps the editor could not save all of it either, so the file is as it was: look at {}",
            draft.display()
        ))
    }

    fn unreadable(&self, error: io::Error) -> Error {
        Error::system("read the draft of", &self.shown, error)
            .with_kind(ErrorKind::Io)
            .with_hint(format!("it is {}; the file is as it was", self.room.text_path().display()))
    }
}

fn edited(path: PathBuf, outcome: Outcome, error: Option<Error>) -> Edited {
    Edited { path, outcome, lost: Vec::new(), left: Vec::new(), unresolved: false, error }
}

/// What is in the file now.
fn read(shown: &Path, target: &Path) -> Result<Option<Found<File>>> {
    match read_whole(&RealDisk, target, BYTES_MAX).map_err(|error| Error::system("read", shown, error))? {
        Whole::Missing => Ok(None),
        Whole::Found(found) => Ok(Some(found)),
        Whole::TooLarge => Err(too_large(shown)),
    }
}
