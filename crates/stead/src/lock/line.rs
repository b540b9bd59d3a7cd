//! Which lock files have a line for those who wait, and why others have none.

use std::fmt;

use crate::sys::{self, VolumeKind};

/// Why those who wait for a lock do not line up: whoever is quick is then the first to have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unordered {
    /// This system has no byte-range locks of open files, or they are not apart from its whole-file locks.
    System,
    /// It is a folder, or a file of the user's, into which nothing is ever put.
    NotOurs,
    /// This user may not write it.
    NotWritable,
    /// Its filesystem is not one of this machine alone.
    Elsewhere(VolumeKind),
}

impl fmt::Display for Unordered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unordered::System => f.write_str("this system does not let waiters line up in a file"),
            Unordered::NotOurs => f.write_str("it is no lock file of stead's"),
            Unordered::NotWritable => f.write_str("this user may not write it"),
            Unordered::Elsewhere(kind) => write!(f, "it lies on a filesystem of kind {kind}"),
        }
    }
}

/// Why a file has no line; `None`: it has one.
pub(crate) fn why_none(is_ours: bool, is_writable: bool, volume: impl FnOnce() -> VolumeKind) -> Option<Unordered> {
    match (sys::HAS_RANGES, is_ours, is_writable) {
        (false, ..) => Some(Unordered::System),
        (_, false, _) => Some(Unordered::NotOurs),
        (.., false) => Some(Unordered::NotWritable),
        (true, true, true) => Some(volume()).filter(|kind| *kind != VolumeKind::Local).map(Unordered::Elsewhere),
    }
}
