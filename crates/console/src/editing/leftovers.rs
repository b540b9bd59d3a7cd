//! Drafts that earlier sessions left.

use std::collections::BTreeSet;
use std::path::PathBuf;

use stead::edit::{Draft, Recovered, Session};
use stead::lock::Age;

use super::Editing;
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::log_format::Level;
use crate::messages::quoted;
use crate::printer::Printer;
use crate::terminal;
use crate::text::plain;

/// What is said where a draft and its file were changed in the same lines.
const BOTH: &str = "the file was changed in the same lines since: both are in your draft, between <<<<<<< and >>>>>>>";
const UNRESOLVED: &str = "choose between the lines from <<<<<<< to >>>>>>>, and take these away";
const SWAP: &str = "the editor left a file of its own beside it, and may ask about that";
const OPEN: &str = "what is saved there is offered once that has ended";

/// What becomes of drafts that earlier sessions left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leftovers {
    /// Whoever sits at the terminal is asked. Where nobody does, they are left alone, and it is said how to go on with them.
    Ask,
    /// The session goes on with the newest of each file.
    TakeUp,
}

impl Editing<'_> {
    /// Goes on with what earlier sessions left, as far as it is wanted.
    pub(super) fn take_up(&self, session: &mut Session, out: &mut Printer) -> Result<(), Failure> {
        let is_bare = session.leftovers().is_empty();
        for draft in session.open_elsewhere() {
            let text = open_elsewhere(draft);
            if self.leftovers == Leftovers::TakeUp && is_bare {
                return Err(Failure::new(ExitCode::Busy, text).with_hint(OPEN));
            }
            out.say(Level::Warning, text, Some(OPEN));
        }
        let (mut taken, mut failed) = (BTreeSet::new(), None);
        for draft in session.leftovers().to_vec() {
            let is_first = !taken.contains(draft.path());
            let is_taken = match self.leftovers {
                Leftovers::TakeUp if is_first => take(session, &draft, out).map(|()| true),
                Leftovers::Ask if is_first && terminal::is_interactive() => ask(session, &draft, out),
                _ => {
                    self.tell(&draft, out);
                    Ok(false)
                }
            };
            match is_taken {
                Ok(true) => drop(taken.insert(draft.path().to_path_buf())),
                Ok(false) => {}
                // The others are not to suffer for it.
                Err(failure) => {
                    out.failure(&failure);
                    failed.get_or_insert(failure);
                }
            }
        }
        match failed {
            Some(failure) if self.leftovers == Leftovers::TakeUp && taken.is_empty() => {
                Err(Failure::new(failure.code, "no draft could be gone on with"))
            }
            _ => Ok(()),
        }
    }

    fn tell(&self, draft: &Draft, out: &mut Printer) {
        let hint = plain(&format!("go on with it: `{} {}`", self.recover_command, quoted(draft.path())));
        out.say(Level::Warning, plain(&format!("{}; it is left alone", described(draft))), Some(&hint));
    }
}

/// Whether the session goes on with it now.
fn ask(session: &mut Session, draft: &Draft, out: &mut Printer) -> Result<bool, Failure> {
    let answers = [('r', "recover"), ('k', "keep for later"), ('d', "discard")];
    let question = format!("{}. What now:", described(draft));
    match terminal::ask(&question, &answers).map_err(|error| crate::input::unreadable(&error))? {
        Some('r') => take(session, draft, out).map(|()| true),
        Some('d') => {
            session.discard(draft)?;
            Ok(false)
        }
        _ => Ok(false),
    }
}

fn take(session: &mut Session, draft: &Draft, out: &mut Printer) -> Result<(), Failure> {
    let (shown, earlier, was_conflict) = (described(draft), draft.earlier(), draft.is_conflict());
    let has_swap = !draft.left_by_editor().is_empty();
    let recovered = session.recover(draft)?;
    let hint = match (recovered, &earlier[..]) {
        (Recovered::Conflict, _) if was_conflict => Some(UNRESOLVED.to_owned()),
        (Recovered::Conflict, _) => Some(BOTH.to_owned()),
        _ if has_swap => Some(SWAP.to_owned()),
        (_, [newest, ..]) => {
            Some(plain(&format!("what was saved before is in {} until you save", folder(newest).display())))
        }
        _ => None,
    };
    out.say(Level::Info, plain(&format!("{shown}: you go on with it")), hint.as_deref());
    Ok(())
}

fn folder(path: &std::path::Path) -> PathBuf {
    path.parent().unwrap_or(path).to_path_buf()
}

/// `FILE has a draft, saved 5m12s ago, that never got into it`
fn described(draft: &Draft) -> String {
    let ago = draft.saved().elapsed().unwrap_or_default();
    let ago = if ago.as_secs() == 0 { "just now".to_owned() } else { format!("{} ago", Age(ago)) };
    let kind = if draft.is_conflict() { "an unresolved conflict" } else { "a draft" };
    format!("{} has {kind}, saved {ago}, that never got into it", draft.path().display())
}

fn open_elsewhere(draft: &Draft) -> String {
    let path = plain(&draft.path().to_string_lossy());
    match draft.open_in() {
        Some(pid) => format!("a draft of {path} is still open in pid {pid}"),
        None => format!("a draft of {path} is in use by another session"),
    }
}
