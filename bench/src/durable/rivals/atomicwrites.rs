//! The crate atomicwrites: fsync of the file, which lies in a temporary folder of its own, and of both folders.

use std::io::Write;
use std::path::Path;

use anyhow::Result;
use atomicwrites::{AllowOverwrite, AtomicFile};
use stead::atomic::Durability;

use super::insist_on_full;

pub(crate) const NAME: &str = "atomicwrites";

pub(crate) fn replace(
    path: &Path,
    content: &[u8],
    durability: Durability,
) -> Result<impl FnMut() -> Result<()> + use<>> {
    insist_on_full(durability)?;
    let (file, content) = (AtomicFile::new(path, AllowOverwrite), content.to_vec());
    Ok(move || Ok(file.write(|file| file.write_all(&content))?))
}
