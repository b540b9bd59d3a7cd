//! The crate fd-lock.

use std::path::Path;

use anyhow::Result;
use fd_lock::RwLock;

use super::{Cycle, open_file};

pub(crate) const NAME: &str = "fd-lock";

pub(crate) fn open_cycle(path: &Path) -> Result<impl Cycle + use<>> {
    let mut lock = RwLock::new(open_file(path)?);
    Ok(move || {
        drop(lock.write()?);
        Ok(())
    })
}

pub(crate) fn path_cycle(path: &Path) -> impl Cycle + use<> {
    let path = path.to_path_buf();
    move || {
        drop(RwLock::new(open_file(&path)?).write()?);
        Ok(())
    }
}
