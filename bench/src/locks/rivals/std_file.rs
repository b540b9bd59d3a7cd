//! `std::fs::File::lock`.

use std::fs::File;
use std::path::Path;

use anyhow::Result;

use super::{Cycle, open_file};

pub(crate) const NAME: &str = "std File::lock";

pub(crate) fn open_cycle(path: &Path) -> Result<impl Cycle + use<>> {
    let file = open_file(path)?;
    Ok(move || {
        file.lock()?;
        Ok(file.unlock()?)
    })
}

/// Released by closing, as every program does that opens for one hold.
pub(crate) fn path_cycle(path: &Path) -> impl Cycle + use<> {
    let path = path.to_path_buf();
    move || lock(&path).map(drop)
}

/// Held as long as the file is open.
pub(crate) fn lock(path: &Path) -> Result<File> {
    let file = open_file(path)?;
    file.lock()?;
    Ok(file)
}
