//! Descriptors as flock(1) has them: opened by its rules, or given by their number.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::FromRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use rustix::fs::{Access, access};
use rustix::io::{Errno, FdFlags, fcntl_getfd, fcntl_setfd};

/// Opens what is at `path` for the access that `options` name, and creates it where nothing is. A folder is opened for
/// reading: false, if that is not what was asked for.
pub(crate) fn open_to_lock(path: &Path, options: &OpenOptions) -> io::Result<(File, bool)> {
    match options.clone().custom_flags(libc::O_CREAT | libc::O_NOCTTY).open(path) {
        // O_CREAT is not for folders, nor is writing.
        Err(error) if error.kind() == io::ErrorKind::IsADirectory => {
            Ok((File::options().read(true).custom_flags(libc::O_NOCTTY).open(path)?, false))
        }
        opened => Ok((opened?, true)),
    }
}

/// Another descriptor of the same open file description, to which locks belong.
pub(crate) fn duplicate(number: i32) -> io::Result<File> {
    // SAFETY: the call takes any number, and leaves one alone that is no descriptor.
    let duplicate = unsafe { libc::fcntl(number, libc::F_DUPFD_CLOEXEC, 0) };
    if duplicate < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it was made just now, and nobody else knows of it.
    Ok(unsafe { File::from_raw_fd(duplicate) })
}

/// Lets the process that `command` starts inherit this very descriptor, under its number.
pub(crate) fn inherit_same(command: &mut Command, file: &Arc<File>) {
    let file = Arc::clone(file);
    let keep = move || -> io::Result<()> {
        let flags = fcntl_getfd(&file)?;
        Ok(fcntl_setfd(&file, flags - FdFlags::CLOEXEC)?)
    };
    // SAFETY: the closure makes two system calls and neither allocates nor locks.
    unsafe { command.pre_exec(keep) };
}

/// Whether the system may want a descriptor that was opened for writing: NFS, where byte ranges stand for flock(2), and
/// locks of byte ranges anywhere.
pub(crate) fn means_not_open_to_write(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::IO | Errno::BADF))
}

/// Whether the system has no more of what it needs: locks, memory, descriptors.
pub(crate) fn means_exhausted(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::OutOfMemory
        || matches!(Errno::from_io_error(error), Some(Errno::NOLCK | Errno::MFILE | Errno::NFILE))
}

/// Whether this user may read and write what is at `path`.
pub(crate) fn may_read_and_write(path: &Path) -> bool {
    access(path, Access::READ_OK | Access::WRITE_OK).is_ok()
}
