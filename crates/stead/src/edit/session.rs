//! Files that are locked for editing, each with its draft.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use crate::edit::advice::advice;
use crate::edit::drafts::{self, Draft};
use crate::edit::editor::Editor;
use crate::edit::keeper::Keeper;
use crate::edit::opened::{Opened, Plan};
use crate::edit::outcome::{Edited, EditorEnd, Ended, Pending, Recovered};
use crate::error::{Error, ErrorKind, Result};
use crate::lock::SetGuard;
use crate::sys;

/// An editor that is back sooner than this, with nothing saved, may have left a window open.
const AT_ONCE: Duration = Duration::from_secs(1);

/// Files that are locked for editing, each with its draft.
///
/// Dropped without a [`commit`](Session::commit), it keeps drafts that hold something, as
/// [`abandon`](Session::abandon) does.
#[must_use = "the files are given up as soon as this is dropped"]
pub struct Session {
    plan: Plan,
    editor: Editor,
    files: Vec<Opened>,
    leftovers: Vec<Draft>,
    open_elsewhere: Vec<Draft>,
    /// The editor may have left a window open: a draft that holds nothing yet is left where it is.
    may_be_open: bool,
    /// Released last.
    _locks: SetGuard,
}

impl Session {
    pub(crate) fn new(plan: Plan, editor: Editor, locks: SetGuard) -> Session {
        let (files, leftovers, open_elsewhere) = (Vec::new(), Vec::new(), Vec::new());
        Session { plan, editor, files, leftovers, open_elsewhere, may_be_open: false, _locks: locks }
    }

    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// One more file, with what earlier sessions have left of it.
    pub(crate) fn add(&mut self, file: Opened) -> Result<()> {
        drafts::sweep(&self.plan.drafts, file.real())?;
        for draft in drafts::all_in(&self.plan.drafts, &file.key())? {
            if file.is_worked_on_in(&draft) {
                continue;
            }
            if draft.is_in_use() {
                self.open_elsewhere.push(draft);
            } else if file.lacks(&draft) {
                self.leftovers.push(draft);
            } else if let Ok(guard) = drafts::enter(draft.room()) {
                // What stays of it is found by the next session.
                let _ = drafts::remove(draft.room(), guard);
            }
        }
        self.files.push(file);
        self.leftovers.sort_by_key(|draft| std::cmp::Reverse(draft.saved()));
        Ok(())
    }

    /// The drafts of sessions that died or were abandoned, the newest first.
    pub fn leftovers(&self) -> &[Draft] {
        &self.leftovers
    }

    /// Drafts of these files that an editor has open which outlived its session, or another session by other locks. They are
    /// offered once that has ended.
    pub fn open_elsewhere(&self) -> &[Draft] {
        &self.open_elsewhere
    }

    /// Goes on with a draft of an earlier session, in the place of the one that was made for this: the changes in it and
    /// those in the file since are merged now.
    ///
    /// # Errors
    /// [`Busy`](ErrorKind::Busy) where it is in use; [`InvalidInput`](ErrorKind::InvalidInput) for a draft of a file
    /// that is not in this session; those of reading and writing. Nothing is lost of it.
    pub fn recover(&mut self, draft: &Draft) -> Result<Recovered> {
        let Some(file) = self.files.iter_mut().find(|file| file.key() == draft.key()) else {
            return Err(Error::new(ErrorKind::InvalidInput, "recover the draft", &draft.draft())
                .with_hint(format!("it is one of {}, which is not in this session", draft.path().display())));
        };
        let recovered = file.take_over(draft)?;
        self.leftovers.retain(|left| left.draft() != draft.draft());
        Ok(recovered)
    }

    /// Goes on with the newest draft of each file. One that cannot be read is left alone.
    pub(crate) fn recover_newest(&mut self) {
        for key in self.files.iter().map(Opened::key).collect::<Vec<_>>() {
            if let Some(newest) = self.leftovers.iter().find(|draft| draft.key() == key).cloned() {
                let _ = self.recover(&newest);
            }
        }
    }

    /// Removes a draft of an earlier session for good.
    ///
    /// # Errors
    /// [`Busy`](ErrorKind::Busy) where it is in use; those of removing.
    pub fn discard(&mut self, draft: &Draft) -> Result<()> {
        let guard = drafts::enter(draft.room()).map_err(|error| error.at(&draft.draft()))?;
        drafts::remove(draft.room(), guard)?;
        self.leftovers.retain(|left| left.draft() != draft.draft());
        Ok(())
    }

    /// Where the drafts are, in the order of the files.
    pub fn drafts(&self) -> impl Iterator<Item = PathBuf> {
        self.files.iter().map(|file| file.room.text_path())
    }

    /// The editor that is run.
    pub fn editor(&self) -> &Editor {
        &self.editor
    }

    /// Runs the editor on the drafts to its end. What it saves meanwhile is kept.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn edit(&mut self) -> Result<EditorEnd> {
        self.edit_by(|command| command.status().map(ended))
    }

    /// The same; `run` starts the command and waits for its end.
    ///
    /// # Errors
    /// Those of `run`, as an error about the editor.
    pub fn edit_by(&mut self, run: impl FnOnce(&mut Command) -> io::Result<Ended>) -> Result<EditorEnd> {
        let texts: Vec<PathBuf> = self.drafts().collect();
        let mut keepers = Vec::new();
        for file in &self.files {
            keepers.push(Keeper::start(file.room.clone(), &file.text()?));
        }
        let begun = sys::now();
        let line = if let [only] = &self.files[..] { only.line_to_begin_at()? } else { None };
        let ended = run(&mut self.editor.command(texts.iter().map(PathBuf::as_path), line));
        let took = sys::now().saturating_duration_since(begun);
        for (file, keeper) in self.files.iter_mut().zip(keepers) {
            file.unkept = keeper.stop(matches!(ended, Ok(Ended::Code(_)))).err();
        }
        let ended = ended.map_err(|error| {
            Error::system("start the editor", Path::new(self.editor.program()), error)
                .with_hint(format!("it was named by {}", self.editor.source()))
        })?;
        let changed = self.files.iter().any(Opened::is_changed);
        let returned_at_once = ended.is_success() && took < AT_ONCE && !changed;
        let using = || self.files.iter().find_map(|file| sys::process_using(file.room.folder()));
        let still_open = returned_at_once.then(using).flatten();
        let words = self.editor.arguments().iter().map(|word| word.to_string_lossy().into_owned());
        let advice = returned_at_once.then(|| advice(&self.editor.name(), &words.collect::<Vec<_>>())).flatten();
        self.may_be_open = still_open.is_some() || advice.is_some();
        Ok(EditorEnd { ended, took, changed, returned_at_once, still_open, advice })
    }

    /// What a commit would do now, file by file.
    ///
    /// # Errors
    /// Those of reading.
    pub fn pending(&self) -> Result<Vec<Pending>> {
        self.files.iter().map(Opened::pending).collect()
    }

    /// Puts the drafts in the place of their files, each under the file's lock, merged with what others have changed
    /// meanwhile. A draft is removed once its file holds it durably. What goes wrong with a file is said
    /// [with it](Edited::error), and its draft is kept.
    #[must_use = "a file may have a conflict, and its draft be kept"]
    pub fn commit(mut self) -> Vec<Edited> {
        let files = std::mem::take(&mut self.files);
        files.into_iter().map(|file| file.commit(&self.plan, self.may_be_open, None)).collect()
    }

    /// The same, where each file gets what was [`pending`](Session::pending), or nothing: if others have changed it since, the
    /// draft is kept.
    #[must_use = "a file may have a conflict, and its draft be kept"]
    pub fn commit_if(mut self, approved: &[Pending]) -> Vec<Edited> {
        let files = std::mem::take(&mut self.files);
        let nothing = |file: &Opened| Pending { path: file.shown.clone(), content: None, conflict: false };
        let commit = |(at, file): (usize, Opened)| {
            let approved = approved.get(at).cloned().unwrap_or_else(|| nothing(&file));
            file.commit(&self.plan, self.may_be_open, Some(&approved))
        };
        files.into_iter().enumerate().map(commit).collect()
    }

    /// Leaves the files as they are. Drafts that hold something are kept, and offered again.
    pub fn abandon(mut self) -> Vec<Edited> {
        let files = std::mem::take(&mut self.files);
        files.into_iter().map(|file| file.abandon(self.may_be_open)).collect()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        for file in self.files.drain(..) {
            file.abandon(self.may_be_open);
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files: Vec<_> = self.files.iter().map(|file| &file.shown).collect();
        f.debug_struct("Session").field("files", &files).field("editor", &self.editor).finish_non_exhaustive()
    }
}

/// How a process ended.
fn ended(status: ExitStatus) -> Ended {
    status.code().map_or_else(|| Ended::Signal(sys::signal_of(status)), Ended::Code)
}
