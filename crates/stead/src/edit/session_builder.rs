//! What a session is told.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::atomic::Target;
use crate::edit::addition::Addition;
use crate::edit::drafts::{self, drafts_folder};
use crate::edit::editor::{EDITOR_VARIABLES, Editor};
use crate::edit::opened::{Opened, Plan, STEP};
use crate::edit::outcome::Edited;
use crate::edit::session::Session;
use crate::error::{Error, ErrorKind, Result};
use crate::filesystem::folder_of;
use crate::lock::{FileLock, LockSet, Options, Request, Wait};

/// How long a commit waits at least for programs that change the file: the editor is closed by then.
const COMMIT_WAIT: Duration = Duration::from_secs(30);

/// Files to be edited together, and how.
///
/// All of them are locked for editing, or none; the editor works on drafts, of which every saved state is kept; when it
/// ends, each draft is merged with what is in its file by then.
///
/// ```no_run
/// use stead::edit::{EditSession, Outcome};
///
/// for edited in EditSession::new().file("journal.md").run()? {
///     match edited.outcome {
///         Outcome::Conflict { kept } => println!("{} has both texts", kept.display()),
///         Outcome::Abandoned { draft } => println!("{} is kept", draft.display()),
///         _ => {}
///     }
/// }
/// # Ok::<(), stead::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a session does nothing until it is run or opened"]
pub struct EditSession {
    files: Vec<Named>,
    editor: Option<Editor>,
    wait: Wait,
    lock: Options,
    drafts: Option<PathBuf>,
    mode: Option<u32>,
}

/// A file to be edited.
#[derive(Debug, Clone)]
struct Named {
    path: PathBuf,
    addition: Option<Addition>,
}

impl Default for EditSession {
    fn default() -> EditSession {
        EditSession::new()
    }
}

impl EditSession {
    /// A session of no file yet, which waits for ever.
    pub fn new() -> EditSession {
        EditSession {
            files: Vec::new(),
            editor: None,
            wait: Wait::Forever,
            lock: Options::new(),
            drafts: None,
            mode: None,
        }
    }

    /// Edits this file as well. It is created when missing, in a folder that is there.
    pub fn file(self, path: impl AsRef<Path>) -> EditSession {
        self.named(path.as_ref(), None)
    }

    /// The same, with an [`Addition`] at the end of the draft, behind a blank line if there is a text already. It is not left
    /// behind if nothing else is written.
    pub fn file_with(self, path: impl AsRef<Path>, addition: impl Into<Addition>) -> EditSession {
        self.named(path.as_ref(), Some(addition.into()))
    }

    fn named(mut self, path: &Path, addition: Option<Addition>) -> EditSession {
        self.files.push(Named { path: path.to_path_buf(), addition });
        self
    }

    /// Which editor; by default what [`Editor::find`] finds with [`EDITOR_VARIABLES`].
    pub fn editor(mut self, editor: Editor) -> EditSession {
        self.editor = Some(editor);
        self
    }

    /// How long to wait for others who edit one of the files: for ever by default.
    pub fn wait(mut self, wait: impl Into<Wait>) -> EditSession {
        self.wait = wait.into();
        self
    }

    /// How the locks are made.
    pub fn lock(mut self, options: Options) -> EditSession {
        self.lock = options;
        self
    }

    /// The folder of all drafts: [`drafts_folder`] by default.
    pub fn drafts(mut self, folder: impl Into<PathBuf>) -> EditSession {
        self.drafts = Some(folder.into());
        self
    }

    /// The permission bits of a file that the session creates.
    pub fn mode(mut self, bits: u32) -> EditSession {
        self.mode = Some(bits);
        self
    }

    /// The locks of the files themselves, which a commit takes one by one, to see who holds them.
    pub fn file_locks(&self) -> Vec<FileLock> {
        self.files.iter().map(|named| self.lock.clone().sidecar(&named.path)).collect()
    }

    /// The session locks of the files, to see who holds them.
    pub fn locks(&self) -> Vec<FileLock> {
        self.files.iter().map(|named| self.lock.clone().session(&named.path)).collect()
    }

    /// Takes the locks, and makes the drafts.
    ///
    /// # Errors
    /// [`Busy`](ErrorKind::Busy) or [`TimedOut`](ErrorKind::TimedOut) where somebody edits one of the files: the error
    /// names it and him, and none stays locked. [`NotRegularFile`](ErrorKind::NotRegularFile),
    /// [`Permission`](ErrorKind::Permission), [`TooLarge`](ErrorKind::TooLarge) for what cannot be edited. Those of
    /// [`Editor::find`].
    pub fn open(self) -> Result<Session> {
        if self.files.is_empty() {
            return Err(Error::new(ErrorKind::InvalidInput, STEP, Path::new("")).with_hint("name a file"));
        }
        let editor = self.editor.clone().map_or_else(|| Editor::find(None, &EDITOR_VARIABLES), Ok)?;
        for named in &self.files {
            // Before a lock is made beside it.
            let target = Target::find(&named.path, STEP).map_err(|error| no_folder(&named.path, error))?;
            drafts::real_path(&target.path)
                .map_err(|error| no_folder(&named.path, Error::system(STEP, &named.path, error)))?;
        }
        let locks = LockSet::new(self.locks()).acquire(&Request::exclusive().wait(self.wait))?;
        let plan = Plan {
            lock: self.lock,
            drafts: drafts::plain(&self.drafts.map_or_else(drafts_folder, Ok)?),
            mode: self.mode,
            commit_wait: at_least(self.wait, COMMIT_WAIT),
        };
        let (mut seen, mut session) = (HashSet::new(), Session::new(plan, editor, locks));
        for Named { path, addition } in &self.files {
            let target = Target::find(path, STEP)?;
            let real = drafts::real_path(&target.path).map_err(|error| Error::system(STEP, path, error))?;
            if seen.insert(real.clone()) {
                session.add(Opened::new(session.plan(), path, &target.path, real, addition.as_ref())?)?;
            }
        }
        Ok(session)
    }

    /// Everything: takes the locks, goes on with the newest draft of a session that died, runs the editor, and puts the
    /// drafts in place. Returns what became of each file, in their order; of one that was named twice, once.
    ///
    /// If the editor ends with another code than 0 or is killed, or has left a window open and returned, changed drafts are
    /// [kept](crate::edit::Outcome::Abandoned). A terminal's Ctrl-C reaches this process as well as the editor: a program
    /// that is used on one goes through [`open`](EditSession::open) and [`Session::edit_by`], and takes care of it.
    ///
    /// # Errors
    /// Those of [`open`](EditSession::open); where the editor cannot be started. What goes wrong with one file after
    /// that is said [with it](Edited::error).
    pub fn run(self) -> Result<Vec<Edited>> {
        let mut session = self.open()?;
        session.recover_newest();
        let end = session.edit()?;
        Ok(if end.ended.is_success() && end.still_open.is_none() { session.commit() } else { session.abandon() })
    }
}

fn no_folder(path: &Path, error: Error) -> Error {
    if error.kind() != ErrorKind::NotFound || error.hint().is_some() {
        return error;
    }
    error.with_hint(format!("create the folder {} first; the file itself need not be there", folder_of(path).display()))
}

fn at_least(wait: Wait, least: Duration) -> Wait {
    match wait {
        Wait::Forever => Wait::Forever,
        Wait::For(wait) if wait > least => Wait::For(wait),
        _ => Wait::For(least),
    }
}
