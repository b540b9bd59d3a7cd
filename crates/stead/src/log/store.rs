//! What all parts of the log code need: a disk, the paths, and which start of the system this is.

use std::sync::{Arc, Mutex, PoisonError};

use crate::error::Result;
use crate::log::archive;
use crate::log::layout::Paths;
use crate::log::page::Boot;
use crate::sys::FileId;
use crate::sys::disk::Disk;

/// One log on one disk.
#[derive(Debug, Clone)]
pub(crate) struct Store<D> {
    pub(crate) disk: D,
    pub(crate) paths: Arc<Paths>,
    pub(crate) boot: Boot,
    /// How long an archive of eventfold's is when unpacked, for the file with this identity and length.
    archive: Arc<Mutex<Option<(FileId, u64, u64)>>>,
}

impl<D: Disk> Store<D> {
    pub(crate) fn new(disk: D, paths: Paths, boot: Boot) -> Store<D> {
        Store { disk, paths: Arc::new(paths), boot, archive: Arc::default() }
    }

    /// How many bytes of history are in an archive of eventfold's: 0 without one.
    pub(crate) fn archive_len(&self) -> Result<u64>
    where
        D: Clone,
    {
        let Ok(stat) = self.disk.stat(&self.paths.archive) else { return Ok(0) };
        let mut known = self.archive.lock().unwrap_or_else(PoisonError::into_inner);
        match *known {
            Some((id, packed, len)) if (id, packed) == (stat.id, stat.len) => Ok(len),
            _ => {
                let len = archive::measure(&self.disk, &self.paths.archive)?;
                *known = Some((stat.id, stat.len, len));
                Ok(len)
            }
        }
    }
}
