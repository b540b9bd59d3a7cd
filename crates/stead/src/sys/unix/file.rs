//! Open, create whole, identify, read and write at an offset.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, FileType, Gid, Mode as Bits, OFlags, Uid};
use rustix::io::Errno;

use crate::sys::{Access, FileId, FileKind, Links, Ownership, Stat};

/// Opens what is at `path`, never creates. A FIFO or device is opened without blocking, for the caller to refuse.
pub(crate) fn open_plain(path: &Path, access: Access, links: Links) -> io::Result<File> {
    if links == Links::RefuseAll {
        refuse_linked_folders(path)?;
    }
    Ok(rustix::fs::open(path, open_flags(access, links), Bits::empty())?.into())
}

/// The flags that a lock file is opened with.
pub(crate) fn open_flags(access: Access, links: Links) -> OFlags {
    let access = match access {
        Access::ReadWrite => OFlags::RDWR,
        Access::ReadOnly => OFlags::RDONLY,
        Access::Append => OFlags::RDWR | OFlags::APPEND,
    };
    let links = match links {
        Links::Follow => OFlags::empty(),
        Links::Refuse | Links::RefuseAll => OFlags::NOFOLLOW,
    };
    OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY | access | links
}

/// An error if one of the two folders above `path` is a link.
fn refuse_linked_folders(path: &Path) -> io::Result<()> {
    for folder in path.ancestors().skip(1).take(2) {
        // One that is missing is for the opening to find out.
        if stat_path(folder, Links::Refuse).is_ok_and(|stat| stat.kind == FileKind::Link) {
            return Err(Errno::LOOP.into());
        }
    }
    Ok(())
}

/// Looks at `path`.
pub(crate) fn stat_path(path: &Path, links: Links) -> io::Result<Stat> {
    let flags = match links {
        Links::Follow => AtFlags::empty(),
        Links::Refuse | Links::RefuseAll => AtFlags::SYMLINK_NOFOLLOW,
    };
    Ok(convert(&rustix::fs::statat(CWD, path, flags)?))
}

/// Looks at an open file.
pub(crate) fn stat_open(file: &File) -> io::Result<Stat> {
    Ok(convert(&rustix::fs::fstat(file)?))
}

#[allow(
    clippy::unnecessary_cast,
    clippy::cast_sign_loss,
    reason = "the widths differ by platform; lengths are never negative"
)]
fn convert(stat: &rustix::fs::Stat) -> Stat {
    Stat {
        id: FileId { device: stat.st_dev as u64, inode: stat.st_ino as u64 },
        kind: match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => FileKind::Regular,
            FileType::Directory => FileKind::Folder,
            FileType::Symlink => FileKind::Link,
            _ => FileKind::Other,
        },
        len: stat.st_size as u64,
        names: stat.st_nlink as u64,
        mode: stat.st_mode as u32 & 0o7777,
        owner: stat.st_uid,
        group: stat.st_gid,
    }
}

/// Fills `buffer` from `offset`; returns how much was there before the end of the file.
pub(crate) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Writes all of `bytes` at `offset`.
pub(crate) fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    file.write_all_at(bytes, offset)
}

/// Creates `path` exclusively in the plain way: the name appears first, empty, and the content after it.
/// False: something is there already.
pub(crate) fn create_plain(path: &Path, content: &[u8], ownership: Ownership) -> io::Result<bool> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let file: File = match rustix::fs::open(path, flags, Bits::from_raw_mode(0o666)) {
        Ok(file) => file.into(),
        Err(Errno::EXIST) => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    match own(&file, path, ownership).and_then(|()| write_at(&file, content, 0)) {
        Ok(()) => Ok(true),
        // An empty one that stayed would be taken for a file of the user's. The first error counts.
        Err(error) => {
            let _ = rustix::fs::unlink(path);
            Err(error)
        }
    }
}

/// Gives a new file the mode and owner it should have.
pub(crate) fn own(file: &File, path: &Path, ownership: Ownership) -> io::Result<()> {
    if ownership == Ownership::Caller {
        return Ok(());
    }
    let folder = rustix::fs::stat(crate::sys::folder_of(path))?;
    let bits = Bits::from_raw_mode(folder.st_mode) & Bits::from_raw_mode(0o666);
    set_mode(file, bits)?;
    give(file, &folder)
}

/// Sets the mode, where the filesystem has one: vfat says EPERM.
pub(super) fn set_mode(file: impl AsFd, bits: Bits) -> io::Result<()> {
    match rustix::fs::fchmod(file, bits) {
        Ok(()) | Err(Errno::PERM) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Hands a file or folder of ours to the owner and group of `like`, where we may; where we may not it stays ours.
pub(super) fn give(file: impl AsFd, like: &rustix::fs::Stat) -> io::Result<()> {
    let ours = rustix::fs::fstat(&file)?;
    if (ours.st_uid, ours.st_gid) == (like.st_uid, like.st_gid) {
        return Ok(());
    }
    let (uid, gid) = (Uid::from_raw(like.st_uid), Gid::from_raw(like.st_gid));
    match rustix::fs::fchown(&file, Some(uid), Some(gid)) {
        Err(error) if means_not_given(error) => match rustix::fs::fchown(&file, None, Some(gid)) {
            Err(error) if means_not_given(error) => Ok(()),
            other => Ok(other?),
        },
        other => Ok(other?),
    }
}

/// Whether we may not give files to that user; one whom our user namespace does not know is EINVAL.
fn means_not_given(error: Errno) -> bool {
    matches!(error, Errno::PERM | Errno::INVAL)
}
