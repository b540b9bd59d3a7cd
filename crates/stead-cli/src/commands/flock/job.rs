//! One flock(1): its lock, its command, and its words for what went wrong.

use std::ffi::{OsStr, OsString};
use std::io;
use std::process::Command;

use stead::lock::Wait;
use stead::lock::bare::{self, Bare};
use stead::{Error, ErrorKind};
use stead_console::clock;
use stead_console::exit::ExitCode;
use stead_console::failure::Failure;
use stead_console::printer::{self, Printer};

use super::settings::{Change, Run, Settings, Target};

/// What sysexits(3) has and no other command of ours needs.
const UNAVAILABLE: ExitCode = ExitCode::Child(69);
/// Where a login has no shell of its own.
const SHELL: &str = "/bin/sh";

/// Locks, and runs the command under it.
pub(super) fn run(settings: &Settings, target: &Target<'_>, out: &mut Printer) -> Result<ExitCode, Failure> {
    let mut bare = open(settings, target)?;
    let Some(wait) = settings.wait() else {
        return Err(Failure::new(ExitCode::System, "cannot set up timer: Invalid argument"));
    };
    let started = clock::now();
    let is_ours = match settings.change {
        Change::Take(mode) => bare.take(mode, wait, None),
        Change::Release => bare.unlock().map(|()| true),
    };
    if !is_ours.map_err(|error| not_locked(&error))? {
        return Ok(conflict(settings, wait, out));
    }
    let mut report = Report { verbose: settings.verbose, unsaid: None };
    report.say(out, &format!("getting lock took {:.6} seconds", started.elapsed().as_secs_f64()), OsStr::new(""));
    let Target::File(_, asked) = target else { return report.end(0) };
    let (program, mut command) = command(asked);
    report.say(out, "executing ", &program);
    if !settings.close {
        bare.inherit(&mut command);
    }
    if settings.no_fork {
        return Err(not_run(&program, &bare::exec(&mut command)));
    }
    let code = bare::run(&mut command).map_err(|error| not_run(&program, &error))?;
    report.end(code)
}

fn open(settings: &Settings, target: &Target<'_>) -> Result<Bare, Failure> {
    // A lock that is only given back needs no file that may be written.
    let mode = match settings.change {
        Change::Take(mode) => mode,
        Change::Release => stead::lock::Mode::Shared,
    };
    match target {
        Target::Descriptor(number) => Bare::of_descriptor(*number, settings.kind).map_err(|error| not_locked(&error)),
        Target::File(path, _) => Bare::open(path, settings.kind, mode).map_err(|error| not_opened(&error)),
    }
}

fn command(asked: &Run<'_>) -> (OsString, Command) {
    let (program, arguments) = match asked {
        Run::Command(program, arguments) => ((*program).to_owned(), arguments.to_vec()),
        Run::Line(line) => {
            let shell = std::env::var_os("SHELL").filter(|shell| !shell.is_empty());
            (shell.unwrap_or_else(|| SHELL.into()), vec!["-c".into(), (*line).to_owned()])
        }
    };
    let mut command = Command::new(&program);
    command.args(arguments);
    (program, command)
}

/// Somebody else has it.
fn conflict(settings: &Settings, wait: Wait, out: &mut Printer) -> ExitCode {
    if settings.verbose {
        out.message(if wait == Wait::No { "failed to get lock" } else { "timeout while waiting to get lock" });
    }
    ExitCode::Child(settings.conflict)
}

/// What `--verbose` tells on standard output.
struct Report {
    verbose: bool,
    /// Standard output did not take it, for this reason.
    unsaid: Option<Failure>,
}

impl Report {
    fn say(&mut self, out: &mut Printer, text: &str, name: &OsStr) {
        if self.verbose {
            let start = format!("{}: {text}", printer::program());
            let line = [start.as_bytes(), name.as_encoded_bytes(), b"\n"].concat();
            self.unsaid = out.exact(&line).err().or(self.unsaid.take());
        }
    }

    /// The end with this code, if all was told.
    fn end(self, code: i32) -> Result<ExitCode, Failure> {
        match self.unsaid {
            Some(failure) => Err(super::not_printed(failure)),
            None => Ok(ExitCode::Child(code)),
        }
    }
}

fn not_opened(error: &Error) -> Failure {
    let Some(source) = system(error) else { return Failure::from(error) };
    let code = match source.kind() {
        _ if bare::is_exhausted(error) => ExitCode::System,
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::StorageFull => ExitCode::CannotCreate,
        _ => ExitCode::NoInput,
    };
    Failure::new(code, format!("cannot open lock file {}: {}", error.path().display(), reason(source)))
}

fn not_locked(error: &Error) -> Failure {
    let Some(source) = system(error) else { return Failure::from(error) };
    let code = if bare::is_exhausted(error) { ExitCode::System } else { ExitCode::Data };
    Failure::new(code, format!("{}: {}", error.path().display(), reason(source)))
}

/// What the system itself said; `None`: it was not asked, for it has nothing of the kind.
fn system(error: &Error) -> Option<&io::Error> {
    let is_lacking = error.kind() == ErrorKind::Unsupported && error.hint().is_some();
    error.io().filter(|_| !is_lacking)
}

fn not_run(program: &OsStr, error: &io::Error) -> Failure {
    let reason = reason(error);
    match error.kind() {
        // No program is refused for this: there are too many processes.
        io::ErrorKind::WouldBlock => Failure::new(ExitCode::System, format!("fork failed: {reason}")),
        kind => {
            let code = if kind == io::ErrorKind::OutOfMemory { ExitCode::System } else { UNAVAILABLE };
            Failure::new(code, format!("failed to execute {}: {reason}", program.display()))
        }
    }
}

/// What the system said, without its number.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let number = error.raw_os_error().map(|number| format!(" (os error {number})")).unwrap_or_default();
    text.strip_suffix(&number).map(str::to_owned).unwrap_or(text)
}
