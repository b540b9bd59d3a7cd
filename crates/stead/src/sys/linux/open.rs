//! Opening a file without going through any link.

use std::fs::File;
use std::io;
use std::path::Path;

use rustix::fs::{CWD, Mode as Bits, ResolveFlags};
use rustix::io::Errno;

use crate::sys::unix::{open_flags, open_plain};
use crate::sys::{Access, Links};

/// Opens what is at `path`, never creates. A FIFO or device is opened without blocking, for the caller to refuse.
///
/// Where no link at all is to be followed the kernel sees to it (openat2(2), Linux 5.6), so that none can be planted
/// between a look and the opening; where there is no openat2, or a sandbox forbids it, the folders are looked at.
pub(crate) fn open(path: &Path, access: Access, links: Links) -> io::Result<File> {
    if links != Links::RefuseAll {
        return open_plain(path, access, links);
    }
    let flags = open_flags(access, links);
    match rustix::fs::openat2(CWD, path, flags, Bits::empty(), ResolveFlags::NO_SYMLINKS) {
        Ok(file) => Ok(file.into()),
        Err(Errno::NOSYS | Errno::PERM) => open_plain(path, access, links),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::sys::means_link;

    /// Trap 13: a link is refused wherever it is planted, with and without openat2.
    #[test]
    fn trap_13_links_on_the_way_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().canonicalize().unwrap();
        std::fs::create_dir_all(real.join("a/b")).unwrap();
        File::create(real.join("a/b/file")).unwrap();
        symlink("a", real.join("x")).unwrap();
        symlink("b", real.join("a/y")).unwrap();
        symlink("file", real.join("a/b/z")).unwrap();
        for open in [open, open_plain] {
            assert!(open(&real.join("a/b/file"), Access::ReadWrite, Links::RefuseAll).is_ok());
            // Also those that lead to nothing are refused, not missing.
            for path in ["x/b/file", "a/y/file", "a/b/z", "x/gone/file", "a/y/gone"] {
                let error = open(&real.join(path), Access::ReadWrite, Links::RefuseAll).unwrap_err();
                assert!(means_link(&error), "{path}: {error}");
            }
            assert!(open(&real.join("x/y/file"), Access::ReadWrite, Links::Refuse).is_ok());
            let missing = open(&real.join("a/gone/file"), Access::ReadOnly, Links::RefuseAll).unwrap_err();
            assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        }
    }
}
