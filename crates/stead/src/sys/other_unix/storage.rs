//! What only Linux has, done without.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::Path;

use crate::sys::unix::{set_ownership, unlink};
use crate::sys::{Metadata, Stat};

/// Gives a file or folder a name that nothing has, by a second name. `Unsupported` for a folder, and where the
/// filesystem has no links.
pub(crate) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match std::fs::hard_link(from, to) {
        Ok(()) => unlink(from),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Err(io::ErrorKind::Unsupported.into()),
        Err(error) => Err(error),
    }
}

/// `Unsupported`.
pub(crate) fn exchange(_one: &Path, _other: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// None: extended attributes are not read here.
#[expect(clippy::unnecessary_wraps, reason = "the same surface on each platform")]
pub(crate) fn attributes(_path: &Path) -> io::Result<Vec<(OsString, Vec<u8>)>> {
    Ok(Vec::new())
}

/// Gives a new file, which is `ours`, the metadata of another. Returns in words what could not be kept.
pub(crate) fn set_metadata(file: &File, ours: &Stat, like: &Metadata) -> io::Result<Vec<String>> {
    set_ownership(file, ours, like)
}

/// Not told here.
pub(crate) fn mount(_: &Path) -> u64 {
    0
}
