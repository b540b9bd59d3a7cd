//! Folders of ours: created, never synced.

use std::io;
use std::path::Path;

use super::file::stat;
use crate::sys::{FileKind, Links};

/// Creates the folder `path`, which takes its rights from the folder it lies in; one that is there is left alone,
/// and anything else there is refused.
pub(crate) fn create_folder(path: &Path) -> io::Result<()> {
    match std::fs::create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let is_folder = stat(path, Links::Refuse)?.kind == FileKind::Folder;
            if is_folder { Ok(()) } else { Err(io::ErrorKind::NotADirectory.into()) }
        }
        outcome => outcome,
    }
}

/// Creates the folder `path`, and those above it that are missing; the rights are those of the user's own folders. False:
/// there is one already.
#[cfg(feature = "edit")]
pub(crate) fn create_private_folder(path: &Path) -> io::Result<bool> {
    if stat(path, Links::Refuse).is_ok_and(|stat| stat.kind == FileKind::Folder) {
        return Ok(false);
    }
    std::fs::create_dir_all(crate::sys::folder_of(path))?;
    std::fs::create_dir(path).map(|()| true)
}

/// Does nothing: folders cannot be synced here. The filesystem's own journal orders the names in them.
#[expect(clippy::unnecessary_wraps, reason = "the same surface on each platform")]
pub(crate) fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// The longest file name that the folder `path` can hold, in bytes: all of Windows' filesystems hold 255 UTF-16 units,
/// and no name has more of those than bytes in UTF-8.
pub(crate) fn name_max(_path: &Path) -> usize {
    255
}
