//! The calls below `Disk`.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::fs::FileExt;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use windows_sys::Win32::Foundation::{ERROR_ACCESS_DENIED, ERROR_SHARING_VIOLATION};

use super::born::moved_over_nothing;
use super::error::{is, patiently};
use crate::sys::{Metadata, NewFile, Stat};

/// The bits of which a file that may be written has one.
const WRITABLE: u32 = 0o222;

/// How often a rename over a file that somebody has open is tried, and the pause in between.
const RENAMES: u32 = 200;
const PAUSE: Duration = Duration::from_millis(5);

/// Whether a file can be renamed over while it is open. It can where the system knows POSIX semantics, not elsewhere.
pub(crate) const REPLACES_OPEN_FILES: bool = false;

/// Creates a file that is not there, open for reading and writing. Its rights are those that the folder gives.
pub(crate) fn create(path: &Path, _new: NewFile) -> io::Result<File> {
    patiently(|| OpenOptions::new().read(true).write(true).create_new(true).open(path))
}

/// Reads some bytes at an offset.
pub(crate) fn read_some_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    file.seek_read(buffer, offset)
}

/// Writes some bytes at an offset.
pub(crate) fn write_some_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
    file.seek_write(bytes, offset)
}

/// Gives a file another name in place of what has it. While others have that open it is refused now and then
/// (trap 23), and tried again for a moment.
#[expect(clippy::disallowed_methods, reason = "it asks for POSIX semantics first, which replace open files")]
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    for _ in 0..RENAMES {
        match std::fs::rename(from, to) {
            Err(error) if is(&error, ERROR_ACCESS_DENIED) || is(&error, ERROR_SHARING_VIOLATION) => sleep(PAUSE),
            outcome => return outcome,
        }
    }
    std::fs::rename(from, to)
}

/// Gives a file a name that nothing has.
pub(crate) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    if patiently(|| moved_over_nothing(from, to, 0))? { Ok(()) } else { Err(io::ErrorKind::AlreadyExists.into()) }
}

/// `Unsupported`.
pub(crate) fn exchange(_one: &Path, _other: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Takes a name away.
pub(crate) fn unlink(path: &Path) -> io::Result<()> {
    patiently(|| std::fs::remove_file(path))
}

/// None: a replacement takes its rights from its folder.
#[expect(clippy::unnecessary_wraps, reason = "the same surface on each platform")]
pub(crate) fn attributes(_path: &Path) -> io::Result<Vec<(OsString, Vec<u8>)>> {
    Ok(Vec::new())
}

/// Makes it read-only where the other is.
pub(crate) fn set_metadata(file: &File, _ours: &Stat, like: &Metadata) -> io::Result<Vec<String>> {
    set_permissions(file, like.mode).map(|()| Vec::new())
}

/// Makes it read-only if nobody may write it.
pub(crate) fn set_permissions(file: &File, mode: u32) -> io::Result<()> {
    let mut permissions = file.metadata()?.permissions();
    let read_only = mode & WRITABLE == 0;
    if permissions.readonly() == read_only {
        return Ok(());
    }
    permissions.set_readonly(read_only);
    file.set_permissions(permissions)
}

/// Whether the file is not marked as read-only.
pub(crate) fn may_write(_path: &Path, seen: &Stat) -> bool {
    seen.mode & WRITABLE != 0
}

/// Not told here.
pub(crate) fn mount(_: &Path) -> u64 {
    0
}
