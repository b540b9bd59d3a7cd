//! Running the editor, and what its end means.

use std::path::Path;

use stead::edit::{EditorEnd, Ended, Session};

use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::log_format::Level;
use crate::platform;
use crate::printer::Printer;
use crate::terminal;
use crate::text::plain;

/// Why drafts are not put in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// The editor ended so.
    Ended(Ended),
    /// The editor returned, and its window is open somewhere.
    WindowOpen,
    /// The check did not approve.
    Unchecked,
}

impl Why {
    pub(super) fn code(self) -> ExitCode {
        match self {
            Why::Ended(Ended::Code(code)) => ExitCode::Child(code),
            Why::Ended(Ended::Signal(signal)) if platform::is_interrupt(signal) => ExitCode::Killed(signal),
            Why::Ended(Ended::Signal(signal)) => ExitCode::Child(128 + signal),
            Why::WindowOpen => ExitCode::Configuration,
            Why::Unchecked => ExitCode::No,
        }
    }
}

/// Runs the editor to its end. `None`: its drafts are to be put in place.
pub(super) fn run_editor(session: &mut Session, out: &mut Printer) -> Result<Option<Why>, Failure> {
    let program = session.editor().program().to_owned();
    let mut failed = None;
    let modes = platform::TerminalModes::now();
    let end = session.edit_by(|command| {
        let ended = platform::run(command, |_| ());
        ended.map(converted).inspect_err(|error| failed = Some(platform::not_started(&program, error)))
    });
    // From here on the drafts are safe whenever this ends; until the editor had ended, signals were for it.
    platform::before_ending(|| true)
        .map_err(|error| Failure::system("listen for signals while saving", Path::new("."), &error))?;
    let end = end.map_err(|error| failed.unwrap_or_else(|| Failure::from(error)))?;
    if !end.ended.is_success() {
        // One that was killed could not do it.
        modes.restore();
        return Ok(Some(Why::Ended(end.ended)));
    }
    Ok(if end.returned_at_once && !is_done(session, &end, out)? { Some(Why::WindowOpen) } else { None })
}

fn converted(ended: platform::Ended) -> Ended {
    match ended {
        platform::Ended::Code(code) => Ended::Code(code),
        platform::Ended::Signal(signal) | platform::Ended::NotStarted(signal) => Ended::Signal(signal),
    }
}

/// Whether an editor that returned at once is done with the drafts.
fn is_done(session: &Session, end: &EditorEnd, out: &mut Printer) -> Result<bool, Failure> {
    let name = session.editor().name();
    let is_open = end.still_open.map(|pid| format!("{name} has returned, but pid {pid} still works on the draft"));
    let Some(message) = is_open.or_else(|| end.advice.as_ref().map(|_| format!("{name} returned at once"))) else {
        return Ok(true);
    };
    let hint = end.advice.as_deref().unwrap_or("give the editor the flag that makes it wait until you are done");
    out.say(Level::Warning, plain(&message), Some(&plain(hint)));
    if !terminal::is_interactive() {
        return Ok(false);
    }
    let answers = [('s', "save what is there now"), ('l', "leave the draft for later")];
    let answer = terminal::ask("once you have closed its window:", &answers);
    Ok(answer.map_err(|error| crate::input::unreadable(&error))? == Some('s'))
}
