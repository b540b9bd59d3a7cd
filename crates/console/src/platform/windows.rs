//! Windows: there are no signals to pass on. Ctrl-C reaches every process of the console by itself, the command too;
//! we wait for its end.

use std::env;
use std::ffi::OsStr;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::Arc;

use super::{Ended, cannot_run, command_not_found};
use crate::failure::Failure;

/// Looks whether `name` can be found: before anything is locked or created.
pub fn check_command(name: &OsStr) -> Result<(), Failure> {
    let name_path = Path::new(name);
    let candidates: Vec<PathBuf> = if name_path.components().count() != 1 {
        vec![name_path.to_path_buf()]
    } else {
        let path = env::var_os("PATH").unwrap_or_default();
        env::split_paths(&path).map(|folder| folder.join(name)).collect()
    };
    let is_there = |candidate: &PathBuf| candidate.is_file() || candidate.with_extension("exe").is_file();
    if candidates.iter().any(is_there) { Ok(()) } else { Err(command_not_found(name)) }
}

/// The failure to say when the system did not start `name` after all.
pub fn not_started(name: &OsStr, error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::NotFound => command_not_found(name),
        _ => cannot_run(name, error),
    }
}

/// Runs `command` and waits for its end. `serve` is called once it runs, for its pipes.
pub fn run(command: &mut Command, serve: impl FnOnce(&mut Child)) -> io::Result<Ended> {
    // Ctrl-C reaches the command too; to end before it would release its locks.
    signal_hook::flag::register(signal_hook::consts::SIGINT, Arc::default())?;
    let mut child = command.spawn()?;
    serve(&mut child);
    Ok(Ended::Code(child.wait()?.code().unwrap_or(0)))
}

/// There are no signals.
pub fn is_interrupt(_signal: i32) -> bool {
    false
}

/// Ctrl-C ends us at once; what is left behind is found by `stead clean`.
#[expect(clippy::unnecessary_wraps, reason = "as on Unix")]
pub fn before_ending(_clean_up: impl Fn() -> bool + Send + 'static) -> io::Result<()> {
    Ok(())
}

/// Whether standard input is a terminal.
pub fn stdin_is_device() -> bool {
    io::stdin().is_terminal()
}

/// It is found out by printing.
pub fn stdout_is_deserted() -> bool {
    false
}

/// There are no signals.
pub fn end_by(_signal: i32) {}

/// Whether locking the file at `path`, or creating it, would fail for a reason that can be seen beforehand.
pub fn is_unusable(path: &Path, with_folders: bool) -> bool {
    !with_folders && !path.exists() && !path.parent().is_some_and(Path::is_dir)
}

/// How the terminal on standard input is set: a console is set back by the system.
pub struct TerminalModes;

impl TerminalModes {
    /// As it is now.
    pub fn now() -> TerminalModes {
        TerminalModes
    }

    /// Sets it back.
    pub fn restore(&self) {}
}

/// A new folder in the user's own folder of temporary files, gone when it is dropped.
///
/// # Errors
/// Those of the system.
pub fn private_folder(prefix: &str) -> std::io::Result<tempfile::TempDir> {
    tempfile::Builder::new().prefix(prefix).tempdir()
}
