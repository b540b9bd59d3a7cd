//! Byte-range locks of an open file description: fcntl(2) `F_OFD_SETLK`.
//!
//! They and flock(2) know nothing of each other on a local filesystem. The ranges may lie past the end of the file, and
//! there need be no bytes in them.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

use super::alarm::{Alarm, until_alarm};
use crate::sys::{Mode, Range};

/// Whether this system has them.
pub(crate) const HAS_RANGES: bool = true;

/// Takes the range if nobody else has any of it. False: somebody has.
pub(crate) fn try_range(file: &File, mode: Mode, range: Range) -> io::Result<bool> {
    match call(file, libc::F_OFD_SETLK, &mut request(mode, range)?) {
        Ok(()) => Ok(true),
        // Either is told when somebody is in the way (trap 11).
        Err(error) if matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EACCES)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Sleeps until the range is granted (true) or a signal comes (false, and nothing is held).
pub(crate) fn range_or_signal(file: &File, mode: Mode, range: Range) -> io::Result<bool> {
    match call_once(file, libc::F_OFD_SETLKW, &mut request(mode, range)?) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(false),
        Err(error) => Err(error),
    }
}

/// Sleeps until the range is granted (true) or the alarm goes off (false, and nothing is held).
pub(crate) fn range_with_alarm(file: &File, mode: Mode, range: Range, alarm: &Alarm) -> io::Result<bool> {
    until_alarm(alarm, || range_or_signal(file, mode, range))
}

/// Gives back what this description has of the range.
pub(crate) fn unlock_range(file: &File, range: Range) -> io::Result<()> {
    let mut request = request(Mode::Shared, range)?;
    request.l_type = kind(libc::F_UNLCK);
    call(file, libc::F_OFD_SETLK, &mut request)
}

/// A range that somebody else has and that would keep us from having `range` in this mode: the one of them whose owner
/// came first. `None`: nothing would.
pub(crate) fn range_in_the_way(file: &File, mode: Mode, range: Range) -> io::Result<Option<Range>> {
    let mut request = request(mode, range)?;
    call(file, libc::F_OFD_GETLK, &mut request)?;
    if request.l_type == kind(libc::F_UNLCK) {
        return Ok(None);
    }
    let offset = |value| u64::try_from(value).unwrap_or_default();
    Ok(Some(Range { start: offset(request.l_start), len: offset(request.l_len) }))
}

fn request(mode: Mode, range: Range) -> io::Result<libc::flock64> {
    let offset = |value| i64::try_from(value).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput));
    // SAFETY: flock64 is plain data, for which all zeros is a valid value; OFD locks want l_pid to be 0.
    let mut request: libc::flock64 = unsafe { std::mem::zeroed() };
    request.l_type = kind(match mode {
        Mode::Shared => libc::F_RDLCK,
        Mode::Exclusive => libc::F_WRLCK,
    });
    request.l_whence = kind(libc::SEEK_SET);
    request.l_start = offset(range.start)?;
    request.l_len = offset(range.len)?;
    Ok(request)
}

fn kind(constant: libc::c_int) -> libc::c_short {
    libc::c_short::try_from(constant).expect("a small constant")
}

fn call(file: &File, command: libc::c_int, request: &mut libc::flock64) -> io::Result<()> {
    loop {
        match call_once(file, command, request) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

fn call_once(file: &File, command: libc::c_int, request: &mut libc::flock64) -> io::Result<()> {
    // SAFETY: the descriptor is open as long as `file` lives, and the pointer is to live memory of the type that these
    // commands take.
    if unsafe { libc::fcntl(file.as_raw_fd(), command, std::ptr::from_mut(request)) } == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn byte(start: u64) -> Range {
        Range { start, len: 1 }
    }

    #[test]
    fn a_range_excludes_others_and_no_flock() {
        let path = tempfile::NamedTempFile::new().unwrap();
        let open = || File::options().read(true).write(true).open(path.path()).unwrap();
        let (one, two) = (open(), open());
        assert!(try_range(&one, Mode::Exclusive, byte(1 << 62)).unwrap());
        assert!(!try_range(&two, Mode::Exclusive, byte(1 << 62)).unwrap());
        assert!(crate::sys::try_lock(&two, Mode::Exclusive).unwrap());
        let around = Range { start: 1 << 61, len: 1 << 62 };
        assert_eq!(range_in_the_way(&two, Mode::Shared, around).unwrap(), Some(byte(1 << 62)));
        assert_eq!(range_in_the_way(&one, Mode::Shared, around).unwrap(), None);
        unlock_range(&one, byte(1 << 62)).unwrap();
        assert_eq!(range_in_the_way(&two, Mode::Exclusive, around).unwrap(), None);
    }
}
