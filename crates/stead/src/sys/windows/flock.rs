//! The whole-file lock: `LockFileEx` on one byte far past the end of any file, so that all of the file stays readable
//! (a range that is locked here cannot be read by others, trap 23). `std::fs::File::lock` locks the whole range, so it
//! excludes us and we it.
//!
//! A lock belongs to one handle and one process. Two of them on one handle add up, where flock(2) would turn the one
//! into the other; the functions here hide that.

use std::fs::File;
use std::io;
use std::os::windows::io::AsRawHandle;

use windows_sys::Win32::Foundation::{
    ERROR_IO_PENDING, ERROR_LOCK_VIOLATION, ERROR_NOT_LOCKED, ERROR_OPERATION_ABORTED,
};
use windows_sys::Win32::Storage::FileSystem::{
    LOCK_FILE_FLAGS, LOCKFILE_EXCLUSIVE_LOCK, LOCKFILE_FAIL_IMMEDIATELY, LockFileEx, UnlockFileEx,
};
use windows_sys::Win32::System::IO::{OVERLAPPED, OVERLAPPED_0, OVERLAPPED_0_0};

use super::error::{check, is};
use super::file::stat_file;
use crate::sys::{FileKind, Mode};

/// The byte that is locked.
const OFFSET: u64 = 0x7FFF_FFFF_FFFF_0000;

/// A shared lock is given back before an exclusive one of the same handle is asked for.
pub(crate) const CONVERTS_AT_ONCE: bool = false;

/// Takes the lock if it is free now. False: somebody is in the way. As with flock(2), a shared lock that this handle
/// had is then lost (trap 5). An exclusive one is made shared by [`downgrade`] only.
pub(crate) fn try_lock(file: &File, mode: Mode) -> io::Result<bool> {
    loop {
        match request(file, mode, LOCKFILE_FAIL_IMMEDIATELY) {
            Ok(()) => return Ok(true),
            Err(error) if is(&error, ERROR_LOCK_VIOLATION) || is(&error, ERROR_IO_PENDING) => {}
            Err(error) => return Err(error),
        }
        // Our own may be what is in the way.
        if !give_back_one(file)? {
            return Ok(false);
        }
    }
}

/// Sleeps until the lock is granted or the sleep is cancelled. False: cancelled, and nothing is held.
pub(super) fn lock_or_cancel(file: &File, mode: Mode) -> io::Result<bool> {
    // One of our own would keep us waiting for ever.
    match unlock(file).and_then(|()| request(file, mode, 0)) {
        Ok(()) => Ok(true),
        Err(error) if is(&error, ERROR_OPERATION_ABORTED) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Sleeps in the kernel until the lock is granted, even if somebody cancels what this thread does.
pub(crate) fn lock_blocking(file: &File, mode: Mode) -> io::Result<()> {
    while !lock_or_cancel(file, mode)? {}
    Ok(())
}

/// Gives back all that this handle holds.
pub(crate) fn unlock(file: &File) -> io::Result<()> {
    while give_back_one(file)? {}
    Ok(())
}

/// Turns a held exclusive lock into a shared one, with no instant in between at which nothing is held: takes the
/// shared one as well, and of two on one range the exclusive one is given back first, as is documented for
/// `UnlockFileEx`.
pub(crate) fn downgrade(file: &File) -> io::Result<()> {
    request(file, Mode::Shared, LOCKFILE_FAIL_IMMEDIATELY)?;
    give_back_one(file).map(|_| ())
}

fn request(file: &File, mode: Mode, flags: LOCK_FILE_FLAGS) -> io::Result<()> {
    let flags = flags
        | match mode {
            Mode::Shared => 0,
            Mode::Exclusive => LOCKFILE_EXCLUSIVE_LOCK,
        };
    let mut at = position();
    // SAFETY: the handle is open; it was not opened for overlapped use, so the call is over when it returns and the
    // pointer is not kept.
    let outcome = check(unsafe { LockFileEx(file.as_raw_handle(), flags, 0, 1, 0, &raw mut at) });
    match outcome {
        Err(error) if !is_about_others(&error) && is_folder(file) => {
            Err(io::Error::new(io::ErrorKind::Unsupported, "folders cannot be locked on Windows"))
        }
        outcome => outcome,
    }
}

/// Whether the lock would have been granted but for somebody else.
fn is_about_others(error: &io::Error) -> bool {
    [ERROR_LOCK_VIOLATION, ERROR_IO_PENDING, ERROR_OPERATION_ABORTED].iter().any(|number| is(error, *number))
}

fn is_folder(file: &File) -> bool {
    stat_file(file).is_ok_and(|stat| stat.kind == FileKind::Folder)
}

/// Gives back one lock of this handle. False: it has none (any more).
fn give_back_one(file: &File) -> io::Result<bool> {
    let mut at = position();
    // SAFETY: as in `request`.
    match check(unsafe { UnlockFileEx(file.as_raw_handle(), 0, 1, 0, &raw mut at) }) {
        Ok(()) => Ok(true),
        // The second is what Wine says.
        Err(error) if is(&error, ERROR_NOT_LOCKED) || is(&error, ERROR_LOCK_VIOLATION) => Ok(false),
        Err(error) => Err(error),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the two halves of one number")]
fn position() -> OVERLAPPED {
    let halves = OVERLAPPED_0_0 { Offset: OFFSET as u32, OffsetHigh: (OFFSET >> 32) as u32 };
    OVERLAPPED { Anonymous: OVERLAPPED_0 { Anonymous: halves }, ..OVERLAPPED::default() }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};
    use std::process::Command;

    use super::super::ntdll::is_wine;
    use super::*;
    use crate::sys::{Access, Links, open, read_at, write_at};

    fn file() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lock");
        std::fs::File::create(&path).unwrap();
        (folder, path)
    }

    fn handle(path: &Path) -> File {
        open(path, Access::ReadWrite, Links::Refuse).unwrap()
    }

    const CHILD: &str = "sys::windows::flock::tests::child_tries";
    const CHILD_PATH: &str = "STEAD_TEST_CHILD_PATH";
    const CHILD_MODE: &str = "STEAD_TEST_CHILD_MODE";

    /// Whether another process is granted the lock.
    fn is_granted_elsewhere(path: &Path, mode: Mode) -> bool {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", CHILD, "-q"]).env(CHILD_PATH, path).env(CHILD_MODE, mode.to_string());
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() || said.contains("not granted"), "{said}");
        output.status.success()
    }

    /// The other process of the tests below; nothing unless started as such.
    #[test]
    fn child_tries() {
        let Some(path) = std::env::var_os(CHILD_PATH) else { return };
        let exclusive = std::env::var(CHILD_MODE).is_ok_and(|mode| mode == "exclusive");
        let mode = if exclusive { Mode::Exclusive } else { Mode::Shared };
        let file = handle(Path::new(&path));
        assert!(try_lock(&file, mode).unwrap(), "not granted");
        // It ends with the lock held, and the system gives it back.
        std::mem::forget(file);
    }

    #[test]
    fn one_excludes_another_in_the_process_and_out_of_it() {
        let (_folder, path) = file();
        let (ours, theirs) = (handle(&path), handle(&path));
        assert!(is_granted_elsewhere(&path, Mode::Exclusive));
        assert!(try_lock(&ours, Mode::Exclusive).unwrap());
        for mode in [Mode::Shared, Mode::Exclusive] {
            assert!(!try_lock(&theirs, mode).unwrap());
            assert!(!is_granted_elsewhere(&path, mode));
        }
        unlock(&ours).unwrap();
        assert!(try_lock(&theirs, Mode::Shared).unwrap());
        assert!(try_lock(&ours, Mode::Shared).unwrap());
        assert!(is_granted_elsewhere(&path, Mode::Shared));
        assert!(!is_granted_elsewhere(&path, Mode::Exclusive));
        drop((ours, theirs));
        assert!(is_granted_elsewhere(&path, Mode::Exclusive));
    }

    #[test]
    fn trap_23_a_locked_record_is_readable_and_writable() {
        let (_folder, path) = file();
        let (ours, theirs) = (handle(&path), handle(&path));
        assert!(try_lock(&ours, Mode::Exclusive).unwrap());
        write_at(&ours, b"4312\n", 0).unwrap();
        let mut buffer = [0; 8];
        assert_eq!(read_at(&theirs, &mut buffer, 0).unwrap(), 5);
        assert_eq!(std::fs::read(&path).unwrap(), b"4312\n");
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "this is about those who use them")]
    fn the_lock_of_the_standard_library_excludes_ours_and_ours_it() {
        let (_folder, path) = file();
        let (ours, theirs) = (handle(&path), handle(&path));
        // It unlocks twice, and does not understand how Wine says that nothing is left to unlock.
        let unlock = |file: &File| assert!(file.unlock().is_ok() || is_wine());
        theirs.lock().unwrap();
        assert!(!try_lock(&ours, Mode::Shared).unwrap());
        unlock(&theirs);
        theirs.lock_shared().unwrap();
        assert!(try_lock(&ours, Mode::Shared).unwrap());
        assert!(!try_lock(&ours, Mode::Exclusive).unwrap());
        unlock(&theirs);
        assert!(try_lock(&ours, Mode::Exclusive).unwrap());
        assert!(matches!(theirs.try_lock_shared(), Err(std::fs::TryLockError::WouldBlock)));
    }

    #[test]
    fn downgrading_lets_readers_in_and_one_unlock_ends_it() {
        let (_folder, path) = file();
        let (ours, theirs) = (handle(&path), handle(&path));
        assert!(try_lock(&ours, Mode::Exclusive).unwrap());
        downgrade(&ours).unwrap();
        assert!(!try_lock(&theirs, Mode::Exclusive).unwrap());
        assert!(!is_granted_elsewhere(&path, Mode::Exclusive));
        assert!(is_granted_elsewhere(&path, Mode::Shared));
        assert!(try_lock(&theirs, Mode::Shared).unwrap());
        unlock(&ours).unwrap();
        assert!(is_granted_elsewhere(&path, Mode::Shared));
        unlock(&theirs).unwrap();
        assert!(is_granted_elsewhere(&path, Mode::Exclusive));
    }

    #[test]
    fn what_one_handle_holds_is_changed_and_not_added_to() {
        let (_folder, path) = file();
        let (ours, theirs) = (handle(&path), handle(&path));
        assert!(try_lock(&ours, Mode::Shared).unwrap());
        assert!(try_lock(&ours, Mode::Shared).unwrap());
        assert!(try_lock(&ours, Mode::Exclusive).unwrap(), "nobody else is in the way");
        unlock(&ours).unwrap();
        unlock(&ours).unwrap();
        assert!(try_lock(&theirs, Mode::Exclusive).unwrap());
        unlock(&theirs).unwrap();
        assert!(try_lock(&theirs, Mode::Shared).unwrap());
        lock_blocking(&theirs, Mode::Exclusive).unwrap();
        assert!(!try_lock(&ours, Mode::Shared).unwrap());
    }

    #[test]
    fn a_blocked_thread_wakes_at_the_release() {
        let (_folder, path) = file();
        let (ours, theirs) = (handle(&path), handle(&path));
        assert!(try_lock(&ours, Mode::Exclusive).unwrap());
        let waiter = std::thread::spawn(move || lock_blocking(&theirs, Mode::Exclusive).map(|()| theirs));
        std::thread::sleep(std::time::Duration::from_millis(30));
        assert!(!waiter.is_finished());
        unlock(&ours).unwrap();
        let theirs = waiter.join().unwrap().unwrap();
        assert!(!try_lock(&ours, Mode::Exclusive).unwrap());
        drop(theirs);
        assert!(try_lock(&ours, Mode::Exclusive).unwrap());
    }

    #[test]
    fn a_folder_is_not_supported() {
        let folder = tempfile::tempdir().unwrap();
        let file = open(folder.path(), Access::ReadOnly, Links::Follow).unwrap();
        let error = try_lock(&file, Mode::Exclusive).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::Unsupported, "{error}");
    }
}
