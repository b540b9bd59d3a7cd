//! Handing a locked descriptor to a child.

use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::io::{FdFlags, fcntl_getfd, fcntl_setfd};

/// Lets the process that `command` starts inherit a duplicate of `file`, and with it the lock. Other children started
/// meanwhile do not get it: the flag changes in the child only.
pub(crate) fn inherit(command: &mut Command, file: &File) -> io::Result<()> {
    // Owned by the command: a bare number might be another file by the time of the start.
    let duplicate = file.try_clone()?;
    let keep = move || -> io::Result<()> {
        let flags = fcntl_getfd(&duplicate)?;
        Ok(fcntl_setfd(&duplicate, flags - FdFlags::CLOEXEC)?)
    };
    // SAFETY: the closure makes two system calls and neither allocates nor locks.
    unsafe { command.pre_exec(keep) };
    Ok(())
}
