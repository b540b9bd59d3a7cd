//! How sure a write is.

use std::fmt;
use std::io;

use crate::sys::disk::{Disk, uninterrupted};

/// What a write outlives once it has returned. Every level is atomic: nobody ever sees half of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Durability {
    /// The page cache: it outlives the death of every process, not that of the system.
    None,
    /// The content has been synced (fdatasync). After a power cut a replaced file is the old or the new one, whole;
    /// which of them is not known.
    Data,
    /// Content, metadata and the name in the folder have been synced (fsync, twice): it outlives a power cut.
    #[default]
    Full,
}

impl Durability {
    /// Syncs a file as far as this level wants. An error is final for that file (trap 26).
    pub(crate) fn sync<D: Disk>(self, disk: &D, file: &D::File) -> io::Result<()> {
        match self {
            Durability::None => Ok(()),
            Durability::Data => uninterrupted(|| disk.sync_data(file)),
            Durability::Full => uninterrupted(|| disk.sync(file)),
        }
    }
}

impl fmt::Display for Durability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Durability::None => "none",
            Durability::Data => "data",
            Durability::Full => "full",
        })
    }
}
