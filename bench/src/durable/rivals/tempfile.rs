//! The crate tempfile, with the syncs that it leaves to its callers.

use std::io::Write;
use std::path::Path;

use anyhow::Result;
use stead::atomic::Durability;
use tempfile::NamedTempFile;

use super::{folder_of, sync, sync_folder_of};

pub(crate) const NAME: &str = "tempfile, synced";

pub(crate) fn replace(path: &Path, content: &[u8], durability: Durability) -> impl FnMut() -> Result<()> + use<> {
    let (path, content) = (path.to_path_buf(), content.to_vec());
    move || {
        let mut file = NamedTempFile::new_in(folder_of(&path))?;
        file.write_all(&content)?;
        sync(file.as_file(), durability)?;
        drop(file.persist(&path)?);
        sync_folder_of(&path, durability)
    }
}
