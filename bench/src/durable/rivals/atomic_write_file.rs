//! The crate atomic-write-file: fsync of the file and of the folder.

use std::io::Write;
use std::path::Path;

use anyhow::Result;
use atomic_write_file::AtomicWriteFile;
use stead::atomic::Durability;

use super::insist_on_full;

pub(crate) const NAME: &str = "atomic-write-file";

pub(crate) fn replace(
    path: &Path,
    content: &[u8],
    durability: Durability,
) -> Result<impl FnMut() -> Result<()> + use<>> {
    insist_on_full(durability)?;
    let (path, content) = (path.to_path_buf(), content.to_vec());
    Ok(move || {
        let mut file = AtomicWriteFile::open(&path)?;
        file.write_all(&content)?;
        Ok(file.commit()?)
    })
}
