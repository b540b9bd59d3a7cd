//! The crate fs4. Its methods are named like those of `File`, which would hide them.

use std::fs::File;
use std::path::Path;

use anyhow::Result;
use fs4::FileExt;

use super::{Cycle, open_file};

pub(crate) const NAME: &str = "fs4";

pub(crate) fn open_cycle(path: &Path) -> Result<impl Cycle + use<>> {
    let file = open_file(path)?;
    Ok(move || {
        FileExt::lock(&file)?;
        Ok(FileExt::unlock(&file)?)
    })
}

pub(crate) fn path_cycle(path: &Path) -> impl Cycle + use<> {
    let path = path.to_path_buf();
    move || lock(&path).map(drop)
}

/// Held as long as the file is open.
pub(crate) fn lock(path: &Path) -> Result<File> {
    let file = open_file(path)?;
    FileExt::lock(&file)?;
    Ok(file)
}
