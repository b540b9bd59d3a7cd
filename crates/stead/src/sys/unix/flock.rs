//! The whole-file lock: flock(2), because flock(1), cargo, Go, Python and `std::fs::File::lock` use it too.

use std::fs::File;
use std::io;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::sys::Mode;

/// Takes the lock if it is free now. False: somebody is in the way.
pub(crate) fn try_lock(file: &File, mode: Mode) -> io::Result<bool> {
    let operation = match mode {
        Mode::Shared => FlockOperation::NonBlockingLockShared,
        Mode::Exclusive => FlockOperation::NonBlockingLockExclusive,
    };
    loop {
        match flock(file, operation) {
            Ok(()) => return Ok(true),
            Err(Errno::INTR) => {}
            // Busy is EWOULDBLOCK, which is EAGAIN on all systems we know; EACCES where fcntl emulates flock (trap 11).
            Err(Errno::AGAIN | Errno::ACCESS) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Sleeps until the lock is granted or a signal comes. False: a signal came and nothing is held.
pub(crate) fn lock_or_signal(file: &File, mode: Mode) -> io::Result<bool> {
    let operation = match mode {
        Mode::Shared => FlockOperation::LockShared,
        Mode::Exclusive => FlockOperation::LockExclusive,
    };
    match flock(file, operation) {
        Ok(()) => Ok(true),
        Err(Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Sleeps in the kernel until the lock is granted, whatever signals come meanwhile (trap 11).
pub(crate) fn lock_blocking(file: &File, mode: Mode) -> io::Result<()> {
    while !lock_or_signal(file, mode)? {}
    Ok(())
}

/// Gives the lock back, for every descriptor of the open file description, also those that children inherited.
pub(crate) fn unlock(file: &File) -> io::Result<()> {
    Ok(flock(file, FlockOperation::Unlock)?)
}

/// Turns a held exclusive lock into a shared one, with no instant in between at which nothing is held: the kernel
/// swaps the two under one spin lock, and while we are exclusive nobody can be in the way.
pub(crate) fn downgrade(file: &File) -> io::Result<()> {
    loop {
        match flock(file, FlockOperation::NonBlockingLockShared) {
            Err(Errno::INTR) => {}
            other => return Ok(other?),
        }
    }
}

/// Where a shared lock is turned into an exclusive one, there is no instant at which nothing is held, as in [`downgrade`]; where
/// that is refused, the shared one is gone (trap 5).
pub(crate) const CONVERTS_AT_ONCE: bool = true;
