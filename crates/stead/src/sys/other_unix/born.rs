//! A file that appears under its name with its content already in it.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode as Bits, OFlags};
use rustix::io::Errno;

use crate::sys::Ownership;
use crate::sys::unix::temporary_name::{TRIES, temporary_name};
use crate::sys::unix::{create_plain, own, write_at};

/// Creates `path` holding `content`, never through a link. False: something is there already.
///
/// The file is made whole under a random name in the same folder and then linked to its own (link(2), which replaces
/// nothing), so nobody ever sees it empty; `durable` syncs the content first, so that not even a power cut shows it
/// empty. Where the filesystem has no hard links, the name comes first and the content after it.
pub(crate) fn create_whole(path: &Path, content: &[u8], ownership: Ownership, durable: bool) -> io::Result<bool> {
    let (temporary, file) = create_temporary(path)?;
    let made = fill(&file, path, content, ownership, durable);
    let linked = made.and_then(|()| link(&temporary, path));
    // Whatever came of it; the name is ours alone.
    let removed = rustix::fs::unlink(&temporary);
    match linked {
        Ok(Linked::Yes) => removed.map(|()| true).or_else(ignore_absence),
        Ok(Linked::Taken) => Ok(false),
        Ok(Linked::Unable) => create_plain(path, content, ownership),
        Err(error) => Err(error),
    }
}

/// Somebody who swept the folder may have been faster.
fn ignore_absence(error: Errno) -> io::Result<bool> {
    if error == Errno::NOENT { Ok(true) } else { Err(error.into()) }
}

/// A new file beside `path`.
fn create_temporary(path: &Path) -> io::Result<(PathBuf, File)> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let mut tries = 0;
    loop {
        let temporary = path.with_file_name(temporary_name());
        match rustix::fs::open(&temporary, flags, Bits::from_raw_mode(0o666)) {
            Ok(file) => return Ok((temporary, file.into())),
            Err(Errno::EXIST) if tries < TRIES => tries += 1,
            Err(error) => return Err(error.into()),
        }
    }
}

fn fill(file: &File, path: &Path, content: &[u8], ownership: Ownership, durable: bool) -> io::Result<()> {
    own(file, path, ownership)?;
    write_at(file, content, 0)?;
    if durable { file.sync_data() } else { Ok(()) }
}

enum Linked {
    Yes,
    /// Something is there already, be it a link that points nowhere.
    Taken,
    /// See [`UNABLE`].
    Unable,
}

/// No hard links here, or not for us (Android), or the temporary was swept.
const UNABLE: [Errno; 7] =
    [Errno::PERM, Errno::ACCESS, Errno::OPNOTSUPP, Errno::NOTSUP, Errno::NOSYS, Errno::MLINK, Errno::NOENT];

fn link(temporary: &Path, path: &Path) -> io::Result<Linked> {
    match rustix::fs::linkat(CWD, temporary, CWD, path, AtFlags::empty()) {
        Ok(()) => Ok(Linked::Yes),
        Err(Errno::EXIST) => Ok(Linked::Taken),
        Err(error) if UNABLE.contains(&error) => Ok(Linked::Unable),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn it_is_whole_and_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new.lock");
        assert!(create_whole(&path, b"content", Ownership::Caller, true).unwrap());
        assert_eq!(std::fs::read(&path).unwrap(), b"content");
        assert_eq!(std::fs::metadata(&path).unwrap().nlink(), 1);
        assert_eq!(names(folder.path()), ["new.lock"]);
    }

    #[test]
    fn what_is_there_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("old.lock");
        assert!(create_whole(&path, b"old", Ownership::Caller, false).unwrap());
        assert!(!create_whole(&path, b"new", Ownership::Caller, false).unwrap());
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(names(folder.path()), ["old.lock"]);
    }

    #[test]
    fn trap_13_it_is_not_created_through_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("planted.lock");
        symlink(folder.path().join("elsewhere"), &path).unwrap();
        assert!(!create_whole(&path, b"content", Ownership::Folder, true).unwrap());
        assert_eq!(names(folder.path()), ["planted.lock"]);
    }

    #[test]
    fn it_takes_the_mode_of_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shared.lock");
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o770)).unwrap();
        assert!(create_whole(&path, b"content", Ownership::Folder, false).unwrap());
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o7777, 0o660);
    }

    #[test]
    fn a_missing_folder_is_an_error_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gone").join("new.lock");
        let error = create_whole(&path, b"content", Ownership::Caller, false).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert_eq!(names(folder.path()), [""; 0]);
    }
}
