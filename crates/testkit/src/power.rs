//! A power cut for one filesystem of a test.
#![expect(unsafe_code, reason = "ioctl has no safe form")]

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;

/// What becomes of the journal when the power goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Cut {
    /// It is written out first.
    LogFlushed = 1,
    /// What is not on the disk yet is lost.
    LogLost = 2,
}

#[allow(clippy::cast_possible_wrap, clippy::unnecessary_cast, reason = "a request has another type with musl")]
const FS_IOC_SHUTDOWN: libc::Ioctl = 0x8004_587d_u32 as libc::Ioctl;

/// Takes the power from the filesystem (ext4, xfs, f2fs) that is mounted at `mount_point`: nothing more reaches its
/// disk, and every call into it fails until it has been mounted again. Needs root.
///
/// A sync that is under way meanwhile may say that all is well although it is not: count only what was acknowledged
/// before this was called.
///
/// # Errors
/// Those of open(2) and ioctl(2), such as a filesystem that knows no such thing.
pub fn shutdown_filesystem(mount_point: &Path, cut: Cut) -> io::Result<()> {
    let folder = File::open(mount_point)?;
    let mode = cut as u32;
    // SAFETY: the descriptor is open, and the pointer is to four live bytes, which this request only reads.
    match unsafe { libc::ioctl(folder.as_raw_fd(), FS_IOC_SHUTDOWN, &raw const mode) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
