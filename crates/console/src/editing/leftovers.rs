//! Drafts that earlier sessions left.

use std::collections::BTreeSet;
use std::path::PathBuf;

use stead::edit::{Draft, Recovered, Session};
use stead::lock::Age;

use super::Editing;
use crate::failure::Failure;
use crate::messages::quoted;
use crate::printer::Printer;
use crate::terminal;
use crate::text::plain;

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
        let mut taken = BTreeSet::new();
        for draft in session.leftovers().to_vec() {
            let is_first = taken.insert(draft.path().to_path_buf());
            match self.leftovers {
                Leftovers::TakeUp if is_first => take(session, &draft, out)?,
                Leftovers::Ask if terminal::is_interactive() => {
                    if !is_first || !ask(session, &draft, out)? {
                        taken.remove(draft.path());
                    }
                }
                _ => self.tell(&draft, out),
            }
        }
        Ok(())
    }

    fn tell(&self, draft: &Draft, out: &mut Printer) {
        out.message(plain(&format!("{}; it is left alone", described(draft))));
        out.hint(plain(&format!("go on with it: `{} {}`", self.recover_command, quoted(draft.path()))));
    }
}

/// Whether the session goes on with it now.
fn ask(session: &mut Session, draft: &Draft, out: &mut Printer) -> Result<bool, Failure> {
    let answers = [('r', "recover"), ('k', "keep for later"), ('d', "discard")];
    let question = format!("{}. It can be", described(draft));
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
    let (shown, earlier) = (described(draft), draft.earlier());
    let recovered = session.recover(draft)?;
    out.message(plain(&format!("{shown}: you go on with it")));
    if recovered == Recovered::Conflict {
        out.hint("the file was changed in the same lines since: both are in your draft, between <<<<<<< and >>>>>>>");
    } else if let [newest, ..] = &earlier[..] {
        out.hint(plain(&format!("what was saved before is in {} until you save", folder(newest).display())));
    }
    Ok(())
}

fn folder(path: &std::path::Path) -> PathBuf {
    path.parent().unwrap_or(path).to_path_buf()
}

/// `a draft of FILE, saved 5m12s ago, is not in the file`
fn described(draft: &Draft) -> String {
    let ago = draft.saved().elapsed().unwrap_or_default();
    let kind = if draft.is_conflict() { "an unresolved conflict" } else { "a draft" };
    format!("{kind} of {}, saved {} ago, is not in the file", draft.path().display(), Age(ago))
}
