//! Where a path leads.

use std::io;
use std::path::{Path, PathBuf};

use crate::sys::{self, FileKind, Links, Stat};

/// A chain of symbolic links longer than this is taken for a loop, as the kernel does.
const LINKS_MAX: usize = 40;

/// The path that is no symbolic link itself to which `path` leads, and what is there: nothing, where the last of the
/// links dangles. Links on the way to it are left to the system.
pub(crate) fn follow(path: &Path) -> io::Result<(PathBuf, Option<Stat>)> {
    let mut path = path.to_path_buf();
    for _ in 0..LINKS_MAX {
        match sys::stat(&path, Links::Refuse) {
            Ok(stat) if stat.kind == FileKind::Link => {
                let target = std::fs::read_link(&path)?;
                path = path.parent().unwrap_or(Path::new("/")).join(target);
            }
            Ok(stat) => return Ok((path, Some(stat))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((path, None)),
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "too many levels of symbolic links"))
}

/// Whether a path ends as only those of folders do.
pub(crate) fn is_spelled_as_folder(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().last().is_some_and(|last| std::path::is_separator(char::from(*last)))
}
