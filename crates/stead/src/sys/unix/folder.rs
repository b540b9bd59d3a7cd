//! Folders of ours: created like their parent, synced, walked.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode as Bits, OFlags};
use rustix::io::Errno;

use super::file::{give, set_mode, stat_path};
use super::temporary_name::{TRIES, temporary_name};
use crate::sys::{FileKind, Links};

/// Creates the folder `path` with the owner and mode of the folder it lies in; one that is there is left alone, and
/// anything else there is refused.
///
/// It gets its name last: one that was killed half-way would leave a folder that shuts others out.
pub(crate) fn create_folder(path: &Path) -> io::Result<()> {
    if is_folder(path)? {
        return Ok(());
    }
    let like = rustix::fs::stat(crate::sys::folder_of(path))?;
    let temporary = make_temporary(path, Bits::from_raw_mode(0o700 | (like.st_mode & 0o777)))?;
    let named = make_like(&temporary, &like).and_then(|()| name(&temporary, path));
    if !matches!(named, Ok(true)) {
        // Ours alone, and empty. The first error counts.
        let _ = rustix::fs::rmdir(&temporary);
    }
    named.map(|_| ())
}

/// Creates the folder `path` for this user alone, and those above it that are missing. False: there is one already, which
/// nobody but this user may write into.
#[cfg(feature = "edit")]
pub(crate) fn create_private_folder(path: &Path) -> io::Result<bool> {
    let me = rustix::process::geteuid();
    if let Some((above, seen)) =
        path.ancestors().skip(1).find_map(|above| Some((above, stat_path(above, Links::Follow).ok()?)))
    {
        // What root makes there is in the way of its owner, who could put something else in its place.
        if me.is_root() && seen.owner != 0 {
            return Err(denied("root makes nothing in the folders of another user"));
        }
        if Some(above) != path.parent() {
            std::fs::DirBuilder::new().recursive(true).create(crate::sys::folder_of(path))?;
        }
    }
    match rustix::fs::mkdir(path, Bits::from_raw_mode(0o700)) {
        Ok(()) => Ok(true),
        Err(Errno::EXIST) => {
            let seen = stat_path(path, Links::Follow)?;
            if seen.kind != FileKind::Folder {
                return Err(Errno::NOTDIR.into());
            }
            if seen.mode & 0o022 != 0 || seen.owner != me.as_raw() {
                return Err(denied("it belongs to another user, or others may write into it"));
            }
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(feature = "edit")]
fn denied(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, why)
}

/// Whether there is a folder at `path`; an error if there is something else.
fn is_folder(path: &Path) -> io::Result<bool> {
    match stat_path(path, Links::Refuse) {
        Ok(stat) if stat.kind == FileKind::Folder => Ok(true),
        Ok(_) => Err(Errno::NOTDIR.into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// A new folder beside `path`.
fn make_temporary(path: &Path, bits: Bits) -> io::Result<PathBuf> {
    let mut tries = 0;
    loop {
        // Without `.lock`, for it is none.
        let temporary = path.with_file_name(temporary_name()).with_extension("");
        match rustix::fs::mkdir(&temporary, bits) {
            Ok(()) => return Ok(temporary),
            Err(Errno::EXIST) if tries < TRIES => tries += 1,
            Err(error) => return Err(error.into()),
        }
    }
}

fn make_like(path: &Path, like: &rustix::fs::Stat) -> io::Result<()> {
    let bits = Bits::from_raw_mode(like.st_mode & 0o7777);
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::RDONLY;
    let folder = rustix::fs::open(path, flags, Bits::empty())?;
    // Before, for once it is somebody else's we may not; and after, for giving it away may take setgid from it.
    set_mode(&folder, bits)?;
    give(&folder, like)?;
    set_mode(&folder, bits)
}

/// Gives a whole folder its name. False: there is one already. Where the system can replace only, an empty one is
/// replaced: who is in it goes by its path, and is told that it is not there.
fn name(temporary: &Path, path: &Path) -> io::Result<bool> {
    let named = match crate::sys::rename_new(temporary, path) {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => super::storage::rename(temporary, path),
        outcome => outcome,
    };
    match named {
        Ok(()) => Ok(true),
        Err(error) if matches!(Errno::from_io_error(&error), Some(Errno::EXIST | Errno::NOTEMPTY)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Makes the names in the folder `path` durable.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// The longest file name that the folder `path` can hold, in bytes.
pub(crate) fn name_max(path: &Path) -> usize {
    rustix::fs::statvfs(path).map_or(255, |volume| usize::try_from(volume.f_namemax).unwrap_or(255).clamp(64, 255))
}
