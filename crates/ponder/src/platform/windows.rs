//! Windows: who may look into a folder is inherited from the one above.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

pub(super) fn create_folder(folder: &Path) -> io::Result<()> {
    std::fs::create_dir(folder)
}

/// NTFS keeps its own journal of names.
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
pub(super) fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

/// A folder, by its path.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    #[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
    pub(crate) fn open(path: &Path) -> io::Result<Folder> {
        Ok(Folder(path.to_path_buf()))
    }

    /// Opens one of its files for reading.
    pub(crate) fn file(&self, name: &OsStr) -> io::Result<File> {
        File::open(self.0.join(name))
    }
}
