//! A file that appears under its name with its content already in it.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::ffi::OsStrExt;
use std::os::windows::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf, Prefix};

use windows_sys::Win32::Foundation::{ERROR_ACCESS_DENIED, ERROR_ALREADY_EXISTS, ERROR_FILE_EXISTS};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_FLAG_OPEN_REPARSE_POINT, MOVE_FILE_FLAGS, MOVEFILE_WRITE_THROUGH, MoveFileExW,
};

use super::error::{check, is, means_deleted, patiently};
use super::file::{own, stat, write_at};
use super::temporary_name::{TRIES, temporary_name};
use crate::sys::{Links, Ownership};

/// Creates `path` holding `content`, never through a link. False: something is there already.
///
/// The file is made whole under a random name in the same folder and then renamed (`MoveFileExW`, told to replace
/// nothing), so nobody ever sees it empty; `durable` syncs the content first.
pub(crate) fn create_whole(path: &Path, content: &[u8], ownership: Ownership, durable: bool) -> io::Result<bool> {
    let (temporary, file) = create_temporary(path)?;
    let filled = fill(&file, path, content, ownership, durable);
    drop(file);
    let flags = if durable { MOVEFILE_WRITE_THROUGH } else { 0 };
    match filled.and_then(|()| patiently(|| moved_over_nothing(&temporary, path, flags))) {
        Ok(true) => Ok(true),
        // The first error counts.
        outcome => outcome.and(std::fs::remove_file(&temporary).map(|()| false)),
    }
}

/// A new file beside `path`.
fn create_temporary(path: &Path) -> io::Result<(PathBuf, File)> {
    let mut tries = 0;
    loop {
        let temporary = path.with_file_name(temporary_name());
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).custom_flags(FILE_FLAG_OPEN_REPARSE_POINT);
        match options.open(&temporary) {
            Ok(file) => return Ok((temporary, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && tries < TRIES => tries += 1,
            Err(error) => return Err(error),
        }
    }
}

fn fill(file: &File, path: &Path, content: &[u8], ownership: Ownership, durable: bool) -> io::Result<()> {
    own(file, path, ownership)?;
    write_at(file, content, 0)?;
    if durable { file.sync_data() } else { Ok(()) }
}

/// False: something is there already.
pub(super) fn moved_over_nothing(from: &Path, to: &Path, flags: MOVE_FILE_FLAGS) -> io::Result<bool> {
    let (from_wide, to_wide) = (wide(from)?, wide(to)?);
    // SAFETY: both names end in NUL.
    match check(unsafe { MoveFileExW(from_wide.as_ptr(), to_wide.as_ptr(), flags) }) {
        Ok(()) => Ok(true),
        Err(error) if is(&error, ERROR_ALREADY_EXISTS) || is(&error, ERROR_FILE_EXISTS) => Ok(false),
        // Deleted, but still open somewhere: there, until the last one closes it (trap 23).
        Err(error) if means_deleted(&error) => Ok(false),
        Err(error) if is(&error, ERROR_ACCESS_DENIED) && stat(to, Links::Refuse).is_ok() => Ok(false),
        Err(error) => Err(error),
    }
}

/// The path in the form that may have more than 260 characters, which `std` chooses by itself, ending in NUL.
fn wide(path: &Path) -> io::Result<Vec<u16>> {
    let path = std::path::absolute(path)?;
    let form = match path.components().next() {
        Some(Component::Prefix(prefix)) => match prefix.kind() {
            Prefix::Disk(_) => Some((r"\\?\", 0)),
            Prefix::UNC(..) => Some((r"\\?\UNC\", 2)),
            _ => None,
        },
        _ => None,
    };
    let units = path.as_os_str().encode_wide();
    let mut wide: Vec<u16> = match form {
        Some((prefix, dropped)) => OsString::from(prefix).encode_wide().chain(units.skip(dropped)).collect(),
        None => units.collect(),
    };
    if wide.contains(&0) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "a file name contains NUL"));
    }
    wide.push(0);
    Ok(wide)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn it_is_whole_and_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new.lock");
        for ownership in [Ownership::Caller, Ownership::Folder] {
            assert!(create_whole(&path, b"content", ownership, true).unwrap());
            assert_eq!(std::fs::read(&path).unwrap(), b"content");
            assert_eq!(names(folder.path()), ["new.lock"]);
            std::fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn what_is_there_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("old.lock");
        assert!(create_whole(&path, b"old", Ownership::Caller, false).unwrap());
        let open = crate::sys::open(&path, crate::sys::Access::ReadWrite, Links::Refuse).unwrap();
        assert!(!create_whole(&path, b"new", Ownership::Caller, false).unwrap());
        drop(open);
        std::fs::create_dir(folder.path().join("folder")).unwrap();
        assert!(!create_whole(&folder.path().join("folder"), b"new", Ownership::Caller, false).unwrap());
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(names(folder.path()).len(), 2);
    }

    #[test]
    fn a_missing_folder_is_an_error_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gone").join("new.lock");
        let error = create_whole(&path, b"content", Ownership::Caller, false).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert_eq!(names(folder.path()), [""; 0]);
    }

    #[test]
    fn only_one_of_many_creates_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new.lock");
        let created = std::thread::scope(|scope| {
            let create = || create_whole(&path, b"content", Ownership::Caller, false).unwrap();
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(create)).collect();
            threads.into_iter().filter_map(|thread| thread.join().unwrap().then_some(())).count()
        });
        assert_eq!(created, 1);
        assert_eq!(names(folder.path()), ["new.lock"]);
    }

    #[test]
    fn a_path_may_be_long() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("d".repeat(200)).join("e".repeat(200));
        std::fs::create_dir_all(&deep).unwrap();
        assert!(create_whole(&deep.join("new.lock"), b"content", Ownership::Caller, false).unwrap());
        assert_eq!(names(&deep), ["new.lock"]);
    }
}
