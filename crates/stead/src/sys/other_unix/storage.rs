//! What only Linux has, done without.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::sys::Metadata;
use crate::sys::unix::{ownership_at, set_ownership, unlink};

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

/// Whom a file belongs to and who may do what; extended attributes are not read here.
pub(crate) fn metadata(path: &Path) -> io::Result<Metadata> {
    ownership_at(path)
}

/// Gives a file of ours the metadata of another. Returns in words what could not be kept.
pub(crate) fn set_metadata(file: &File, like: &Metadata) -> io::Result<Vec<String>> {
    set_ownership(file, like)
}
