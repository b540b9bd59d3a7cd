//! Editing under lock: what editors save is in the file, or in a draft that is offered.
//!
//! Most editors here are a few lines of this process, run where a session starts its editor; [`roles`] has those that are
//! processes, and `scripts` those that are scripts.

mod bad_input;
#[cfg(unix)]
mod death;
#[cfg(all(target_os = "linux", not(stead_other_unix), feature = "document"))]
mod full_disk;
mod leftovers;
mod locks;
#[cfg(unix)]
mod metadata;
mod outcomes;
mod regression;
mod roles;
#[cfg(unix)]
mod scripts;
mod storm;

use std::fs;
use std::path::{Path, PathBuf};

use stead::edit::{Draft, EditSession, Edited, Editor, Ended, Outcome, Session};
use tempfile::TempDir;

use crate::replace::names;

/// A folder of files, and one of drafts.
struct Desk {
    folder: TempDir,
}

impl Desk {
    fn new() -> Desk {
        let desk = Desk { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(desk.files()).unwrap();
        desk
    }

    /// One with the file `f`.
    fn with(content: impl AsRef<[u8]>) -> Desk {
        let desk = Desk::new();
        desk.put("f", content);
        desk
    }

    fn files(&self) -> PathBuf {
        self.folder.path().join("files")
    }

    fn drafts(&self) -> PathBuf {
        self.folder.path().join("drafts")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.files().join(name)
    }

    fn put(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    /// What is in a file; `None`: it is not there.
    fn content(&self, name: &str) -> Option<String> {
        let bytes = fs::read(self.path(name)).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The files' names, without `.stead`.
    fn names(&self) -> Vec<String> {
        names(&self.files()).into_iter().filter(|name| name != ".stead").collect()
    }

    fn session(&self, names: &[&str]) -> EditSession {
        names.iter().fold(self.nothing(), |session, name| session.file(self.path(name)))
    }

    /// A session without a file, whose editor is not there.
    fn nothing(&self) -> EditSession {
        EditSession::new().drafts(self.drafts()).editor(Editor::parse("no-such-editor --wait").unwrap())
    }

    /// Everything in the folder of drafts that is a draft or was one.
    fn rooms(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.drafts()).into_iter().flatten();
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    /// Whether nothing is left of any draft of `f` once another session has begun and ended: one whose editor was back at
    /// once stays until then, for it may have a window open.
    fn has_no_draft(&self) -> bool {
        assert!(self.offered().is_empty(), "{:?}", self.offered_texts());
        drop(self.session(&["f"]).open().unwrap());
        self.rooms().is_empty()
    }

    /// What is offered.
    fn offered(&self) -> Vec<Draft> {
        stead::edit::drafts(self.drafts()).unwrap()
    }

    fn offered_texts(&self) -> Vec<String> {
        self.offered().iter().map(|draft| String::from_utf8_lossy(&draft.content().unwrap()).into_owned()).collect()
    }

    /// A session of `f` that dies with this text in its draft, as far as it can die without its process: what was saved
    /// is given up.
    fn leave_behind(&self, text: &str) {
        let mut session = self.session(&["f"]).open().unwrap();
        edit(&mut session, |drafts| save_by_rename(&drafts[0], text));
        assert_eq!(words(&session.abandon()), ["Abandoned"]);
    }

    /// Whether this line is in the file `f`, in a draft that is offered, or in a copy of one.
    fn has_somewhere(&self, line: &str) -> bool {
        let in_drafts = self.offered().into_iter().flat_map(|draft| {
            let mut texts = vec![draft.content().unwrap_or_default()];
            texts.extend(draft.earlier().iter().filter_map(|path| fs::read(path).ok()));
            texts
        });
        let in_file = fs::read(self.path("f")).into_iter();
        in_file.chain(in_drafts).any(|text| String::from_utf8_lossy(&text).lines().any(|found| found == line))
    }
}

/// Lets some lines of this process be the editor of a session.
fn edit(session: &mut Session, editor: impl FnOnce(&[PathBuf])) {
    edit_until(session, Ended::Code(0), editor);
}

fn edit_until(session: &mut Session, ended: Ended, editor: impl FnOnce(&[PathBuf])) -> stead::edit::EditorEnd {
    let drafts: Vec<PathBuf> = session.drafts().collect();
    session
        .edit_by(|_| {
            editor(&drafts);
            Ok(ended)
        })
        .unwrap()
}

/// A whole session: opened, edited, committed.
fn edited(session: EditSession, editor: impl FnOnce(&[PathBuf])) -> Vec<Edited> {
    let mut session = session.open().unwrap();
    edit(&mut session, editor);
    session.commit()
}

/// What became of each file, in a word.
fn words(edited: &[Edited]) -> Vec<&'static str> {
    edited.iter().map(|edited| word(&edited.outcome)).collect()
}

fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Unchanged => "Unchanged",
        Outcome::Saved => "Saved",
        Outcome::Merged => "Merged",
        Outcome::Conflict { .. } => "Conflict",
        Outcome::Abandoned { .. } => "Abandoned",
        other => panic!("{other:?}"),
    }
}

/// As vim does with `backupcopy=no`.
fn save_by_rename(draft: &Path, text: impl AsRef<[u8]>) {
    let new = draft.with_file_name("4913");
    fs::write(&new, text).unwrap();
    fs::rename(new, draft).unwrap();
}

/// How much of a long run is to be done: an environment variable says so, by name.
fn scale(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|number| number.parse().ok()).unwrap_or(default)
}
