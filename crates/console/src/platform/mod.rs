//! What differs between systems: finding a command, running it with its signals, ending by a signal.

use std::ffi::OsStr;
use std::path::Path;

use crate::exit::ExitCode;
use crate::failure::Failure;

#[cfg(unix)]
mod signals;
#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub use unix::*;

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub use windows::*;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// With this code.
    Code(i32),
    /// Killed by this signal; never on Windows.
    Signal(i32),
    /// It was never started, because this signal came before: we are to end by it ourselves; never on Windows.
    NotStarted(i32),
}

fn command_not_found(name: &OsStr) -> Failure {
    let shown = if name.is_empty() { "''".into() } else { name.to_string_lossy() };
    Failure::new(ExitCode::CommandNotFound, format!("command not found: {shown}"))
        .with_hint("name a program of the PATH, or the path of one; nothing was locked")
}

fn cannot_run(name: &OsStr, why: impl std::fmt::Display) -> Failure {
    let name = Path::new(name).display();
    Failure::new(ExitCode::CannotRun, format!("cannot run {name}: {why}"))
        .with_hint("name a program that this user may execute")
}
