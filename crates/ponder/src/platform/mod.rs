//! What differs between systems: private folders that are there after a power cut, and finding the files in one.

use std::io;
use std::path::Path;

#[cfg(unix)]
mod unix;
#[cfg(unix)]
use unix as system;

#[cfg(windows)]
mod windows;
#[cfg(windows)]
use windows as system;

pub(crate) use system::Folder;

/// Makes the folder and those above it that are missing. Only the user may look into them.
pub(crate) fn create_folders(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = folder.parent().filter(|above| !above.as_os_str().is_empty());
    above.map_or(Ok(()), create_folders)?;
    match system::create_folder(folder) {
        // By somebody else, just now.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
        created => created?,
    }
    above.map_or(Ok(()), system::sync_folder)
}

/// Keeps version control from what is ours.
pub(crate) fn ignore_all(folder: &Path) -> io::Result<()> {
    let file = folder.join(".gitignore");
    if file.exists() {
        return Ok(());
    }
    match stead::atomic::Options::new().mode(0o600).no_clobber(true).replace(&file, b"*\n") {
        Err(error) if !error.is_exists() => Err(io::Error::other(error)),
        _ => Ok(()),
    }
}
