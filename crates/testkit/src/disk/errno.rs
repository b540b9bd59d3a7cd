//! The errors that a real disk gives, by Linux's numbers where this is Linux.

use std::io;

/// One of them; elsewhere it is told by its kind.
#[derive(Debug, Clone, Copy)]
pub(super) struct Errno(i32, io::ErrorKind);

pub(super) const PERM: Errno = Errno(1, io::ErrorKind::PermissionDenied);
pub(super) const NOENT: Errno = Errno(2, io::ErrorKind::NotFound);
pub(super) const INTR: Errno = Errno(4, io::ErrorKind::Interrupted);
pub(super) const IO: Errno = Errno(5, io::ErrorKind::Other);
pub(super) const BADF: Errno = Errno(9, io::ErrorKind::Other);
pub(super) const BUSY: Errno = Errno(16, io::ErrorKind::ResourceBusy);
pub(super) const EXIST: Errno = Errno(17, io::ErrorKind::AlreadyExists);
pub(super) const NOTDIR: Errno = Errno(20, io::ErrorKind::NotADirectory);
pub(super) const ISDIR: Errno = Errno(21, io::ErrorKind::IsADirectory);
pub(super) const INVAL: Errno = Errno(22, io::ErrorKind::InvalidInput);
pub(super) const FBIG: Errno = Errno(27, io::ErrorKind::FileTooLarge);
pub(super) const NOSPC: Errno = Errno(28, io::ErrorKind::StorageFull);
pub(super) const ROFS: Errno = Errno(30, io::ErrorKind::ReadOnlyFilesystem);
pub(super) const DQUOT: Errno = Errno(122, io::ErrorKind::QuotaExceeded);

impl From<Errno> for io::Error {
    fn from(errno: Errno) -> io::Error {
        if cfg!(target_os = "linux") { io::Error::from_raw_os_error(errno.0) } else { errno.1.into() }
    }
}
