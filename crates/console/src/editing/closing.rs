//! What became of the files, in words and as an exit code.

use std::path::Path;

use stead::edit::{Edited, Ended, Outcome};

use super::Editing;
use super::running::Why;
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::log_format::Level;
use crate::messages::quoted;
use crate::printer::Printer;
use crate::text::plain;

impl Editing<'_> {
    /// Says what became of each file. `why`: for what reason drafts were not put in place.
    pub(super) fn close(&self, edited: &[Edited], why: Option<Why>, out: &mut Printer) -> ExitCode {
        let mut code = why.map_or(ExitCode::Done, Why::code);
        if edited.iter().all(|edited| edited.outcome == Outcome::Unchanged) {
            self.say_nothing_changed(edited, why, out);
        }
        for edited in edited {
            let failed = self.say(edited, why, out);
            if code == ExitCode::Done {
                code = failed.unwrap_or(ExitCode::Done);
            }
        }
        code
    }

    fn say_nothing_changed(&self, edited: &[Edited], why: Option<Why>, out: &mut Printer) {
        let of = match edited {
            [one] => shown(&one.path),
            all => format!("{} files", all.len()),
        };
        match why {
            Some(Why::WindowOpen) => {
                let hint = self.hint("what is saved there later is not lost: go on with it by", edited.first());
                out.say(Level::Warning, format_args!("{of}: nothing was saved so far"), Some(&hint));
            }
            Some(Why::Ended(ended)) => out.message(format_args!("{of}: {}, and had changed nothing", said(ended))),
            Some(Why::Unchecked) | None => out.message(format_args!("{of}: nothing was changed, nothing is written")),
        }
    }

    /// The code to end with, if it is not well.
    fn say(&self, edited: &Edited, why: Option<Why>, out: &mut Printer) -> Option<ExitCode> {
        let path = shown(&edited.path);
        for left in &edited.left {
            let hint = format!("it stays where it is: {}", shown(left));
            out.say(Level::Warning, format!("the editor left a file beside the draft of {path}"), Some(&hint));
        }
        for lost in &edited.lost {
            out.message(plain(&format!("{path}: could not be kept: {lost}")));
        }
        match &edited.outcome {
            Outcome::Saved => out.message(format_args!("saved {path}")),
            Outcome::Merged => out.message(format_args!("saved {path}, together with what others wrote meanwhile")),
            Outcome::Conflict { kept } if edited.unresolved => {
                let text = format!("{path} is as it was: the <<<<<<< lines of a conflict are still in {}", shown(kept));
                out.say(Level::Warning, text, Some(&self.hint("choose between them:", Some(edited))));
                return Some(ExitCode::No);
            }
            Outcome::Conflict { kept } => {
                let text = format!(
                    "{path} was changed in the same lines by others: it is as they left it, and {} has both",
                    shown(kept)
                );
                out.say(Level::Warning, text, Some(&self.hint("choose between them:", Some(edited))));
                return Some(ExitCode::No);
            }
            Outcome::Abandoned { draft } => return Some(self.say_abandoned(edited, draft, why, out)),
            // All of them unchanged, or not worth a word beside the others.
            _ => {}
        }
        None
    }

    fn say_abandoned(&self, edited: &Edited, draft: &Path, why: Option<Why>, out: &mut Printer) -> ExitCode {
        let (path, draft) = (shown(&edited.path), shown(draft));
        let mut code = why.map_or(ExitCode::Io, Why::code);
        let text = match (&edited.error, why) {
            (Some(error), _) => {
                let failure = Failure::from(error);
                out.failure(&failure);
                code = failure.code;
                format!("your text is kept in {draft}")
            }
            (None, Some(Why::Ended(ended))) => {
                format!("{path} is as it was: {}; your text is kept in {draft}", said(ended))
            }
            (None, _) => format!("{path} is as it was; your text is kept in {draft}"),
        };
        out.say(Level::Warning, text, Some(&self.hint("go on with it:", Some(edited))));
        code
    }

    fn hint(&self, text: &str, about: Option<&Edited>) -> String {
        let path = about.map(|edited| quoted(&edited.path)).unwrap_or_default();
        plain(&format!("{text} `{} {path}`", self.recover_command))
    }
}

fn shown(path: &Path) -> String {
    plain(&path.to_string_lossy())
}

fn said(ended: Ended) -> String {
    match ended {
        Ended::Code(code) => format!("the editor ended with exit code {code}"),
        Ended::Signal(signal) => format!("the editor was killed by signal {signal}"),
    }
}
