//! One file of a session, locked, with its draft.

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::atomic::{Target, Whole, read_whole, sweep};
use crate::edit::addition::Addition;
use crate::edit::commit::{Commit, Committed, too_large};
use crate::edit::description::Description;
use crate::edit::drafts::{self, Draft};
use crate::edit::merge::{Merge, has_markers, merge};
use crate::edit::outcome::{Edited, Outcome, Pending, Recovered};
use crate::edit::room::{BYTES_MAX, Room};
use crate::edit::verdict::{Initial, Verdict, is_changed};
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
    pub(crate) room: Room<RealDisk>,
    description: Description,
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
        let base = read(shown, target)?;
        let before = base.as_deref().unwrap_or_default();
        let (text, initial) = match addition.and_then(|addition| addition.to(before)) {
            Some(text) => {
                let initial = Initial::with_addition(&text);
                (Cow::Owned(text), initial)
            }
            None => (Cow::Borrowed(before), Initial::Base),
        };
        let path = real.to_string_lossy().into_owned();
        let description = Description { path, initial, conflict: false, started_us: sys::wall_micros() };
        let (room, guard) = drafts::create(&plan.drafts, &real)?;
        if let Err(error) = room.furnish(base.as_deref(), &text, &description) {
            let _ = drafts::remove(&room);
            return Err(Error::system("make a draft of", shown, error)
                .with_hint(format!("drafts are in {}; nothing was touched", plan.drafts.display())));
        }
        let (shown, target) = (shown.to_path_buf(), target.to_path_buf());
        Ok(Opened { shown, target, real, room, description, guard })
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

    /// Whether the draft holds something that its file does not. What cannot be read may be something.
    pub(crate) fn is_changed(&self) -> bool {
        let is_changed = || -> io::Result<bool> {
            let (base, text) = (self.room.base()?, self.room.text()?.or(self.room.last_save()?));
            Ok(text.is_some_and(|text| is_changed(base.as_deref(), self.description.initial, &text)))
        };
        is_changed().unwrap_or(true)
    }

    /// Whether a draft of an earlier session holds something that is not in the file.
    pub(crate) fn lacks(&self, draft: &Draft) -> bool {
        let is_in_file = || {
            let disk = read(&self.shown, &self.target).ok()??;
            let (base, text) = (draft.room().base().ok()?, draft.room().best_text().ok()??);
            let merged = merge(&base.unwrap_or_default(), &disk, &text);
            Some(merged == Merge::Clean(disk) && draft.left_by_editor().is_empty() && !draft.is_conflict())
        };
        draft.holds_something() && is_in_file() != Some(true)
    }

    /// Goes on with a draft of an earlier session. The one that was made for this goes.
    pub(crate) fn take_over(&mut self, draft: &Draft) -> Result<Recovered> {
        let guard = drafts::enter(draft.room()).map_err(|error| error.at(&draft.draft()))?;
        let room = draft.room().clone();
        let fail = |error| Error::system("recover the draft", &draft.draft(), error);
        let text = newest_text(&room).map_err(fail)?;
        let (base, disk) = (room.base().map_err(fail)?, read(&self.shown, &self.target)?);
        let (text, is_clean) = match &disk {
            Some(disk) if base.as_ref() != Some(disk) => match merge(&base.unwrap_or_default(), disk, &text) {
                Merge::Clean(text) => (text, true),
                Merge::Conflict(text) => (text, false),
            },
            _ => (text, true),
        };
        let conflict = !is_clean || (draft.is_conflict() && has_markers(&text));
        let description = Description { initial: Initial::Recovered, conflict, ..self.description.clone() };
        room.refit(disk.as_deref(), &text, &description).map_err(fail)?;
        // It holds nothing that the file does not.
        let _ = drafts::remove(&self.room);
        (self.room, self.description, self.guard) = (room, description, guard);
        Ok(if conflict { Recovered::Conflict } else { Recovered::Clean })
    }

    pub(crate) fn pending(&self, plan: &Plan) -> Result<Pending> {
        let verdict = self.committing(plan, &self.target).look(&self.description)?;
        let (content, conflict) = match verdict {
            Verdict::Nothing | Verdict::Replace => (None, false),
            Verdict::Merge(content) => (Some(content), false),
            Verdict::Conflict(_) | Verdict::Unresolved => (None, true),
        };
        Ok(Pending { path: self.shown.clone(), content, conflict })
    }

    /// Puts the draft in the place of the file.
    pub(crate) fn commit(self, plan: &Plan, may_be_open: bool) -> Edited {
        match self.put_in_place(plan) {
            Ok(Committed::Nothing) => self.give_back(may_be_open),
            Ok(Committed::Replaced { lost }) => self.done(Outcome::Saved, lost),
            Ok(Committed::Merged { lost }) => self.done(Outcome::Merged, lost),
            Ok(Committed::Conflict) => {
                let kept = self.room.text_path();
                self.end(Outcome::Conflict { kept }, None)
            }
            Err(error) => self.keep(Some(error)),
        }
    }

    /// Leaves the file as it is, and keeps the draft if it holds something.
    pub(crate) fn abandon(self, may_be_open: bool) -> Edited {
        let holds_something = self.is_changed()
            || self.description.conflict
            || self.room.beside_text().is_ok_and(|left| !left.is_empty());
        if holds_something { self.keep(None) } else { self.give_back(may_be_open) }
    }

    fn put_in_place(&self, plan: &Plan) -> Result<Committed> {
        let is_gone = self.room.text().map_err(|error| self.unreadable(error))?.is_none();
        if is_gone && self.room.last_save().map_err(|error| self.unreadable(error))?.is_some() {
            return Err(Error::new(ErrorKind::NotFound, "read the draft of", &self.shown)
                .with_hint("the editor removed it: the file is as it was, and what was saved last is kept"));
        }
        let guard = plan.lock.clone().sidecar(&self.shown).lock(plan.commit_wait)?;
        let target = Target::find(&self.shown, STEP)?;
        if guard.follows_a_death() {
            // What cannot be swept now is in nobody's way.
            let _ = sweep(target.folder());
        }
        self.committing(plan, &target.path).run(&self.description, || guard.check())
    }

    fn committing<'a>(&'a self, plan: &Plan, target: &'a Path) -> Commit<'a, RealDisk> {
        Commit { disk: &RealDisk, room: &self.room, shown: &self.shown, target, mode: plan.mode }
    }

    /// Nothing was written, and nothing is kept: unless a window is open somewhere that will save to the draft.
    fn give_back(self, may_be_open: bool) -> Edited {
        if may_be_open { self.end(Outcome::Unchanged, None) } else { self.done(Outcome::Unchanged, Vec::new()) }
    }

    fn done(self, outcome: Outcome, lost: Vec<String>) -> Edited {
        // One that cannot be removed is found to be in the file by the next session.
        let _ = drafts::remove(&self.room);
        Edited { lost, ..self.end(outcome, None) }
    }

    fn keep(self, error: Option<Error>) -> Edited {
        if let (Ok(None), Ok(Some(save))) = (self.room.text(), self.room.last_save()) {
            // If not, it is among the saves.
            let _ = self.room.restore(&save);
        }
        let draft = self.room.text_path();
        self.end(Outcome::Abandoned { draft }, error)
    }

    fn end(self, outcome: Outcome, error: Option<Error>) -> Edited {
        Edited { path: self.shown, outcome, lost: Vec::new(), error }
    }

    fn unreadable(&self, error: io::Error) -> Error {
        Error::system("read the draft of", &self.shown, error)
            .with_hint(format!("it is {}; the file is as it was", self.room.text_path().display()))
    }
}

/// What is in the file now.
fn read(shown: &Path, target: &Path) -> Result<Option<Vec<u8>>> {
    match read_whole(&RealDisk, target, BYTES_MAX).map_err(|error| Error::system("read", shown, error))? {
        Whole::Missing => Ok(None),
        Whole::Found(found) => Ok(Some(found.content)),
        Whole::TooLarge => Err(too_large(shown)),
    }
}

/// What an editor wrote last: into the draft, or into a file beside it, as nano and emacs do when they are killed.
fn newest_text(room: &Room<RealDisk>) -> io::Result<Vec<u8>> {
    let modified = |path: &Path| path.metadata().and_then(|seen| seen.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    let text_path = room.text_path();
    let name = text_path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let is_emergency = |path: &PathBuf| {
        let found = path.file_name().unwrap_or_default().to_string_lossy();
        found.starts_with(&format!("{name}.save")) || found == format!("#{name}#")
    };
    let newer = room.beside_text()?.into_iter().filter(is_emergency).max_by_key(|path| modified(path));
    let saved = newer.filter(|path| modified(path) >= modified(&text_path));
    if let Some(Whole::Found(found)) = saved.map(|path| read_whole(&RealDisk, &path, BYTES_MAX)).transpose()? {
        return Ok(found.content);
    }
    Ok(room.best_text()?.unwrap_or_default())
}
