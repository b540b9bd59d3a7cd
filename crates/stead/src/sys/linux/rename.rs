//! Renames that replace nothing, and that swap.

use std::io;
use std::path::Path;

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

/// Gives a file or folder a name that nothing has. `Unsupported` where the filesystem cannot see to that.
pub(crate) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    with(from, to, RenameFlags::NOREPLACE)
}

/// Swaps two names. `Unsupported` where the filesystem cannot.
pub(crate) fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    with(one, other, RenameFlags::EXCHANGE)
}

fn with(from: &Path, to: &Path, flags: RenameFlags) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, flags) {
        Ok(()) => Ok(()),
        // EINVAL: this filesystem knows no such flag.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => Err(io::ErrorKind::Unsupported.into()),
        Err(error) => Err(error.into()),
    }
}
