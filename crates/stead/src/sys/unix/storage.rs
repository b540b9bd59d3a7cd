//! The calls below `Disk` that Linux and the other Unix systems share.

use std::fs::File;
use std::io;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Gid, Mode as Bits, OFlags, Uid};
use rustix::io::Errno;

use super::user::user_name;
use crate::sys::{Metadata, NewFile, Stat};

/// Whether a file can be renamed over while it is open.
pub(crate) const REPLACES_OPEN_FILES: bool = true;

/// Creates a file that is not there, open for reading and writing.
pub(crate) fn create(path: &Path, new: NewFile) -> io::Result<File> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let bits = match new {
        NewFile::Default => 0o666,
        NewFile::AtMost(bits) => bits & 0o777,
    };
    // Whoever creates it writes to it, whatever the bits say that it is to have.
    Ok(rustix::fs::open(path, flags, bits_of(bits))?.into())
}

/// Reads some bytes at an offset.
pub(crate) fn read_some_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    Ok(rustix::io::pread(file, buffer, offset)?)
}

/// Writes some bytes at an offset.
pub(crate) fn write_some_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
    Ok(rustix::io::pwrite(file, bytes, offset)?)
}

/// Gives a file another name in place of what has it.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    Ok(rustix::fs::rename(from, to)?)
}

/// Takes a name away.
pub(crate) fn unlink(path: &Path) -> io::Result<()> {
    Ok(rustix::fs::unlink(path)?)
}

/// Sets the permission bits.
pub(crate) fn set_permissions(file: &File, mode: u32) -> io::Result<()> {
    super::file::set_mode(file, bits_of(mode))
}

/// Gives a new file, which is `ours`, the owner and permission bits of another, as far as we may. Returns in words what
/// was not kept.
pub(in crate::sys) fn set_ownership(file: &File, ours: &Stat, like: &Metadata) -> io::Result<Vec<String>> {
    let mut lost = Vec::new();
    let mut mode = like.mode;
    if ours.group != like.group && !give(file, None, Some(like.group))? {
        lost.push(format!("group {}", like.group));
        // Rights of that group are not for ours.
        mode &= !0o2070 | (mode & 0o007) << 3;
    }
    if ours.owner != like.owner && !give(file, Some(like.owner), None)? {
        lost.push(format!("owner {}", user_name(like.owner)));
        mode &= !0o4000;
    }
    // After the owner: giving a file away takes setuid and setgid from it.
    if ours.mode != mode || !lost.is_empty() || mode & 0o6000 != 0 {
        set_permissions(file, mode)?;
    }
    Ok(lost)
}

/// False: we may not.
fn give(file: &File, owner: Option<u32>, group: Option<u32>) -> io::Result<bool> {
    match rustix::fs::fchown(file, owner.map(Uid::from_raw), group.map(Gid::from_raw)) {
        Ok(()) => Ok(true),
        Err(Errno::PERM | Errno::INVAL) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[allow(clippy::cast_possible_truncation, clippy::unnecessary_cast, reason = "permission bits fit in every mode_t")]
fn bits_of(mode: u32) -> Bits {
    Bits::from_raw_mode(mode as rustix::fs::RawMode & 0o7777)
}

/// Whether this user may write into the file, by its permission bits and by the system's word. Bits that let nobody
/// write count for everybody, also for those whom nothing stops.
pub(crate) fn may_write(path: &Path, seen: &Stat) -> bool {
    if seen.mode & 0o222 == 0 {
        return false;
    }
    let is_owner = rustix::process::geteuid().as_raw() == seen.owner && seen.mode & 0o200 != 0;
    is_owner || rustix::fs::accessat(CWD, path, rustix::fs::Access::WRITE_OK, AtFlags::EACCESS).is_ok()
}
