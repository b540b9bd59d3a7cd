//! Where the lock file of a path is.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64;

use crate::error::{Error, ErrorKind, Result};
use crate::filesystem::{folder_of, follow};
use crate::sys::{self, Links, Ownership};

const FOLDER: &str = ".stead";
const LOCKS: &str = "locks";
const EDIT: &str = "edit";

/// Which file is locked for the path that the caller named.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::enum_variant_names, reason = "`in place` is what it is called")]
pub(crate) enum Place {
    /// A lock file of ours for a data file.
    Sidecar { data: PathBuf, lock_dir: Option<PathBuf>, purpose: Purpose },
    /// A lock file at this path, created if missing.
    At(PathBuf),
    /// The file or folder itself, which is the user's.
    InPlace(PathBuf),
    /// In place if it is there, else at.
    Open(PathBuf),
}

/// What a lock file beside the data keeps others from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Changing the file.
    Change,
    /// Editing it: held as long as an editor is open, while programs go on changing it.
    Edit,
}

/// A place resolved: the file to open and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) path: PathBuf,
    pub(crate) style: Style,
}

/// How a lock file is opened and created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// In the `.stead/locks` beside the data, which is made when needed; whatever lies there is ours. The path holds no
    /// links but planted ones.
    Beside,
    /// In a lock folder that the caller chose, which is made when needed; the same otherwise.
    Apart,
    /// Created when missing, never through a link.
    Create,
    /// Only if it is there.
    Existing,
}

impl Style {
    pub(crate) fn links(self) -> Links {
        match self {
            Style::Beside => Links::RefuseAll,
            Style::Apart | Style::Create => Links::Refuse,
            Style::Existing => Links::Follow,
        }
    }

    /// In a lock folder.
    pub(crate) fn is_own(self) -> bool {
        matches!(self, Style::Beside | Style::Apart)
    }

    pub(crate) fn ownership(self) -> Ownership {
        match self {
            Style::Beside | Style::Apart => Ownership::Folder,
            Style::Create | Style::Existing => Ownership::Caller,
        }
    }
}

impl Place {
    /// Whether another resolution may give another file, because links on the way were changed.
    pub(crate) fn may_move(&self) -> bool {
        matches!(self, Place::Sidecar { .. })
    }

    /// Finds the file to lock.
    pub(crate) fn resolve(&self) -> Result<Target> {
        let (Place::Sidecar { data: named, .. } | Place::At(named) | Place::InPlace(named) | Place::Open(named)) = self;
        if named.as_os_str().is_empty() {
            let error = Error::new(ErrorKind::InvalidInput, "find the lock of", named);
            return Err(error.with_hint("the path is empty: name a file"));
        }
        match self {
            Place::Sidecar { data, lock_dir, purpose } => {
                let path = sidecar_path(data, lock_dir.as_deref(), *purpose)?;
                let style = if lock_dir.is_some() { Style::Apart } else { Style::Beside };
                Ok(Target { path, style })
            }
            Place::At(path) => Ok(Target { path: path.clone(), style: Style::Create }),
            Place::InPlace(path) => Ok(Target { path: path.clone(), style: Style::Existing }),
            Place::Open(path) => {
                let there = sys::stat(path, Links::Refuse).is_ok();
                let style = if there { Style::Existing } else { Style::Create };
                Ok(Target { path: path.clone(), style })
            }
        }
    }
}

fn sidecar_path(data: &Path, lock_dir: Option<&Path>, purpose: Purpose) -> Result<PathBuf> {
    let step = "find the sidecar lock of";
    let real = resolve_links(data).map_err(|error| {
        let error = Error::system(step, data, error);
        match error.kind() {
            ErrorKind::NotFound => {
                error.with_hint("create the folder that the file is to be in first; the file itself need not be there")
            }
            ErrorKind::InvalidInput => {
                error.with_hint("choose a path that the filesystem takes, such as a shorter one")
            }
            _ => error,
        }
    })?;
    let (Some(folder), Some(name)) = (real.parent(), real.file_name()) else {
        let error = Error::new(ErrorKind::InvalidInput, step, data);
        return Err(error.with_hint("name a file or folder, not the root"));
    };
    let Some(lock_dir) = lock_dir else {
        let locks = folder.join(FOLDER).join(if purpose == Purpose::Edit { EDIT } else { LOCKS });
        return Ok(locks.join(lock_name(name.to_os_string(), folder)));
    };
    let id = sys::stat(folder, Links::Follow).map_err(|error| Error::system(step, folder, error))?.id;
    let mut key = Vec::from(id.device.to_le_bytes());
    key.extend(id.inode.to_le_bytes());
    key.extend(name.as_encoded_bytes());
    let mut name = name.to_os_string();
    name.push(format!("-{:016x}", xxh3_64(&key)));
    if purpose == Purpose::Edit {
        name.push(".edit");
    }
    Ok(lock_dir.join(lock_name(name, lock_dir)))
}

/// `NAME.lock`, with its end replaced by a hash of all of it where that would be too long for a file name.
fn lock_name(name: OsString, folder: &Path) -> OsString {
    // No filesystem is so short of room that this has to be asked of it.
    const SURELY_FITS: usize = 64 - ".lock".len();
    if name.len() <= SURELY_FITS { lock_name_within(name, 64) } else { lock_name_within(name, sys::name_max(folder)) }
}

fn lock_name_within(name: OsString, max: usize) -> OsString {
    let mut lock = name;
    if lock.len() + ".lock".len() > max {
        let hash = xxh3_64(lock.as_encoded_bytes());
        let mut start = lock.to_string_lossy().into_owned();
        let room = max - ".lock".len() - 17;
        let cut = (0..=room.min(start.len())).rev().find(|at| start.is_char_boundary(*at)).unwrap_or(0);
        start.truncate(cut);
        lock = format!("{start}-{hash:016x}").into();
    }
    lock.push(".lock");
    lock
}

/// The real path of a file that may not exist yet: every link followed, also a last one that dangles.
fn resolve_links(path: &Path) -> io::Result<PathBuf> {
    // `dir/..`, `/` and `.` have no name of their own.
    if path.file_name().is_none() {
        return path.canonicalize();
    }
    let (path, _) = follow(path)?;
    let Some(name) = path.file_name() else { return path.canonicalize() };
    Ok(folder_of(&path).canonicalize()?.join(name))
}

/// Makes the folder that the sidecar lock `path` lies in: `.stead/locks` with a `.gitignore`, or a lock folder. A link
/// where one of ours should be is refused, and nothing made on its other side.
pub(crate) fn create_lock_folder(path: &Path) -> io::Result<()> {
    let Some(locks) = path.parent() else { return Ok(()) };
    let ours = locks.parent().filter(|folder| is_named_as_ours(locks) && folder.parent().is_some());
    let Some(folder) = ours else { return std::fs::create_dir_all(locks) };
    sys::create_folder(folder)?;
    sys::create_whole(&folder.join(".gitignore"), b"*\n", Ownership::Folder, false)?;
    sys::create_folder(locks)
}

/// Whether `folder` is a `.stead/locks` or a `.stead/edit`, by this path to it or by its real one.
pub(crate) fn is_lock_folder(folder: &Path) -> bool {
    is_named_as_ours(folder) || folder.canonicalize().is_ok_and(|real| is_named_as_ours(&real))
}

fn is_named_as_ours(folder: &Path) -> bool {
    [LOCKS, EDIT].iter().any(|name| folder.ends_with(Path::new(FOLDER).join(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Trap 20: two data files whose names differ in the extension only have two locks.
    #[test]
    fn trap_20_the_whole_name_counts() {
        let folder = tempfile::tempdir().unwrap();
        let lock_of = |name: &str| sidecar_path(&folder.path().join(name), None, Purpose::Change).unwrap();
        assert!(lock_of("a.json").ends_with(".stead/locks/a.json.lock"));
        assert!(lock_of("a.toml").ends_with(".stead/locks/a.toml.lock"));
    }

    #[test]
    fn an_editor_and_a_program_lock_different_files() {
        let (folder, locks) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for (lock_dir, end) in [(None, ".stead/edit/a.md.lock"), (Some(locks.path()), "")] {
            let lock_of = |purpose| sidecar_path(&folder.path().join("a.md"), lock_dir, purpose).unwrap();
            assert!(lock_of(Purpose::Edit).ends_with(end) && is_lock_folder(Path::new("d/.stead/edit")));
            assert_ne!(lock_of(Purpose::Edit), lock_of(Purpose::Change));
        }
    }

    #[test]
    fn long_names_are_hashed_and_stay_apart() {
        let long = "x".repeat(252);
        let (one, two) =
            (lock_name_within(format!("{long}1").into(), 255), lock_name_within(format!("{long}2").into(), 255));
        assert_ne!(one, two);
        assert_eq!(one.len(), 255);
        assert_eq!(lock_name_within("y".repeat(250).into(), 255).len(), 255);
        assert!(lock_name_within("ü".repeat(127).into(), 255).len() <= 255);
    }

    #[test]
    fn a_lock_folder_keeps_equal_names_of_two_folders_apart() {
        let (one, two, locks) =
            (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let lock_of =
            |folder: &Path| sidecar_path(&folder.join("s.json"), Some(locks.path()), Purpose::Change).unwrap();
        assert_ne!(lock_of(one.path()), lock_of(two.path()));
        assert_eq!(lock_of(one.path()), lock_of(&one.path().join("../").join(one.path().file_name().unwrap())));
        assert_eq!(lock_of(one.path()).parent(), Some(locks.path()));
    }
}
