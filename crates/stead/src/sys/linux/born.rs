//! A file that appears under its name with its content already in it.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Mode as Bits, OFlags};
use rustix::io::Errno;

use crate::sys::Ownership;
use crate::sys::unix::{create_plain, own, write_at};

/// Creates `path` holding `content`, never through a link. False: something is there already.
///
/// The file has no name until it is whole (`O_TMPFILE`, then linkat(2)), so nobody ever sees it empty; `durable`
/// syncs the content first, so that not even a power cut shows it empty. Where the filesystem cannot, the name comes
/// first and the content after it.
pub(crate) fn create_whole(path: &Path, content: &[u8], ownership: Ownership, durable: bool) -> io::Result<bool> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let file: File = match rustix::fs::open(folder, flags, Bits::from_raw_mode(0o666)) {
        Ok(file) => file.into(),
        Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL) => return create_plain(path, content, ownership),
        Err(error) => return Err(error.into()),
    };
    own(&file, path, ownership)?;
    write_at(&file, content, 0)?;
    if durable {
        file.sync_data()?;
    }
    let source = format!("/proc/self/fd/{}", file.as_raw_fd());
    match rustix::fs::linkat(CWD, source, CWD, path, AtFlags::SYMLINK_FOLLOW) {
        Ok(()) => Ok(true),
        Err(Errno::EXIST) => Ok(false),
        // No /proc, or a filesystem without links.
        Err(Errno::NOENT | Errno::OPNOTSUPP | Errno::PERM | Errno::XDEV) => create_plain(path, content, ownership),
        Err(error) => Err(error.into()),
    }
}
