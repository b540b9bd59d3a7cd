//! Commands as flock(1) runs them: no signal passed on, none kept from them.

use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::Command;

/// Runs `command` to its end. Its exit status, or 128 and the signal that killed it.
pub(crate) fn run(command: &mut Command) -> io::Result<i32> {
    prepare(command);
    let status = command.status()?;
    Ok(status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)))
}

/// Becomes `command`. Returns only if that fails.
pub(crate) fn exec(command: &mut Command) -> io::Error {
    prepare(command);
    command.exec()
}

fn prepare(command: &mut Command) {
    // Ignored by who started us, it would take our child's status away; and flock(1) has it so in the command.
    // SAFETY: the default is no function that could be called at a bad time.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) };
    let mask = signal_mask();
    // The standard library empties it. That there is something to do also keeps it from posix_spawn(3), which refuses a
    // script without a `#!` line.
    // SAFETY: sigprocmask is async-signal-safe, and `mask` is part of the closure.
    unsafe { command.pre_exec(move || set_signal_mask(&mask)) };
}

/// What is blocked in this thread.
fn signal_mask() -> libc::sigset_t {
    // SAFETY: sigset_t is plain data, filled in by the calls below, which change no mask.
    unsafe {
        let mut mask: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut mask);
        libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), &raw mut mask);
        mask
    }
}

fn set_signal_mask(mask: &libc::sigset_t) -> io::Result<()> {
    // SAFETY: both are live, or null where that says "not wanted".
    match unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, mask, std::ptr::null_mut()) } {
        0 => Ok(()),
        number => Err(io::Error::from_raw_os_error(number)),
    }
}
