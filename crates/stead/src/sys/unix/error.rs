//! What the system's error numbers mean.

use std::io;

use rustix::io::Errno;

/// Whether this filesystem or kernel cannot lock at all (trap 11): to be reported, neither retried nor ignored.
pub(crate) fn means_unsupported(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::NOLCK | Errno::NOSYS | Errno::OPNOTSUPP))
}

/// Whether the open was refused because of a symbolic link at the last component.
pub(crate) fn means_link(error: &io::Error) -> bool {
    // FreeBSD says EMLINK, NetBSD EFTYPE; the latter has no name here.
    matches!(Errno::from_io_error(error), Some(Errno::LOOP | Errno::MLINK))
}

/// Whether a file could not be opened for writing, but perhaps for reading.
pub(crate) fn means_not_writable(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::ACCESS | Errno::PERM | Errno::ROFS | Errno::ISDIR | Errno::TXTBSY)
    )
}
