//! What the system's error numbers mean.

use std::io;
use std::thread::sleep;
use std::time::Duration;

use windows_sys::Win32::Foundation::{
    ERROR_ACCESS_DENIED, ERROR_CANT_RESOLVE_FILENAME, ERROR_INVALID_FUNCTION, ERROR_SHARING_VIOLATION,
    ERROR_WRITE_PROTECT, STATUS_DELETE_PENDING,
};

use super::ntdll::last_status;

/// How long a file that is in the way for a moment is waited for: that many times, this long each.
const TRIES: usize = 50;
const PAUSE: Duration = Duration::from_millis(5);

/// Whether the error is this one of the system.
pub(super) fn is(error: &io::Error, number: u32) -> bool {
    error.raw_os_error().map(i32::cast_unsigned) == Some(number)
}

/// The last error of this thread if `ok` is zero, as the system's functions report it.
pub(super) fn check(ok: windows_sys::core::BOOL) -> io::Result<()> {
    if ok == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Whether this filesystem cannot lock at all (trap 11): to be reported, neither retried nor ignored.
pub(crate) fn means_unsupported(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Unsupported || is(error, ERROR_INVALID_FUNCTION)
}

/// Whether the open was refused because of a symbolic link at the last component.
pub(crate) fn means_link(error: &io::Error) -> bool {
    is(error, ERROR_CANT_RESOLVE_FILENAME)
}

/// What [`means_link`] recognises.
pub(super) fn link_error() -> io::Error {
    io::Error::from_raw_os_error(ERROR_CANT_RESOLVE_FILENAME.cast_signed())
}

/// Whether a file could not be opened for writing, but perhaps for reading.
pub(crate) fn means_not_writable(error: &io::Error) -> bool {
    [ERROR_ACCESS_DENIED, ERROR_WRITE_PROTECT, ERROR_SHARING_VIOLATION].iter().any(|number| is(error, *number))
}

/// Whether the file was deleted and only keeps its name until the last one closes it, which looks like a denied
/// access (trap 23). Only right after the call that failed.
pub(super) fn means_deleted(error: &io::Error) -> bool {
    is(error, ERROR_ACCESS_DENIED) && last_status() == Some(STATUS_DELETE_PENDING)
}

/// Does `step` again for a moment while the file is deleted but not yet gone, or opened without sharing, as virus
/// scanners and indexers do (trap 23).
pub(super) fn patiently<T>(mut step: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    for _ in 0..TRIES {
        match step() {
            Err(error) if means_deleted(&error) || is(&error, ERROR_SHARING_VIOLATION) => sleep(PAUSE),
            outcome => return outcome,
        }
    }
    step()
}
