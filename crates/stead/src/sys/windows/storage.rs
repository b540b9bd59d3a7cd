//! The calls below `Disk`.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::fs::FileExt;
use std::path::Path;

use super::born::{move_file, moved_over_nothing};
use super::error::patiently;
use crate::sys::{Metadata, NewFile};

const READ_ONLY: u32 = 0o222;

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
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    patiently(|| move_file(from, to))
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

/// Whether it may be written, in terms of Unix; there is nothing else that a replacement does not take from its folder.
pub(crate) fn metadata(path: &Path) -> io::Result<Metadata> {
    let read_only = std::fs::symlink_metadata(path)?.permissions().readonly();
    Ok(Metadata { mode: if read_only { 0o444 } else { 0o666 }, ..Metadata::default() })
}

/// Makes it read-only where the other is.
pub(crate) fn set_metadata(file: &File, like: &Metadata) -> io::Result<Vec<String>> {
    set_permissions(file, like.mode).map(|()| Vec::new())
}

/// Makes it read-only if nobody may write it.
pub(crate) fn set_permissions(file: &File, mode: u32) -> io::Result<()> {
    let mut permissions = file.metadata()?.permissions();
    let read_only = mode & READ_ONLY == 0;
    if permissions.readonly() == read_only {
        return Ok(());
    }
    permissions.set_readonly(read_only);
    file.set_permissions(permissions)
}

/// Whether the file is not marked as read-only.
pub(crate) fn may_write(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|seen| !seen.permissions().readonly())
}
