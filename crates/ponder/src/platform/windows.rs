//! Windows: who may look into a folder is inherited from the one above.

use std::io;
use std::path::Path;

pub(super) fn create_folder(folder: &Path) -> io::Result<()> {
    std::fs::create_dir(folder)
}

/// NTFS keeps its own journal of names.
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
pub(super) fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}
