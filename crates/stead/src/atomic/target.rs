//! The file that is to be replaced or appended to.

use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};
use crate::filesystem::{folder_of, follow, is_spelled_as_folder};
use crate::sys::disk::{Disk, RealDisk, read_full_at};
use crate::sys::{self, Access, FileKind, Stat};

/// What the description of an event log begins with.
const LOG_SCHEMA: &[u8] = b"\"stead.log/";

/// A path with its last link followed: what is renamed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) path: PathBuf,
    /// What is there now.
    pub(crate) stat: Option<Stat>,
}

impl Target {
    /// Finds what `shown` leads to and insists on a regular file that may be written, or on nothing.
    pub(crate) fn find(shown: &Path, step: &'static str) -> Result<Target> {
        let target = Target::look(shown, step)?;
        target.insist_on_writing(shown, step)?;
        target.refuse_log(shown, step)?;
        Ok(target)
    }

    /// An error for a file of an event log: its writers know nothing of locks beside it, and replacing it loses events.
    fn refuse_log(&self, shown: &Path, step: &'static str) -> Result<()> {
        let folder = self.folder();
        let name = self.path.file_name().unwrap_or_default();
        let log = match name.to_str() {
            Some("app.jsonl" | "shared.page") => Some(folder),
            _ if folder.ends_with("segments") => folder.parent(),
            _ => None,
        };
        if !log.is_some_and(is_log) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::InvalidInput, step, shown)
            .with_hint("it belongs to an event log: use `stead log append`, or stead::log in programs"))
    }

    /// An error for a file that may not be written.
    pub(crate) fn insist_on_writing(&self, shown: &Path, step: &'static str) -> Result<()> {
        if self.stat.is_none_or(|stat| sys::may_write(&self.path, &stat)) {
            return Ok(());
        }
        if let Err(error) = RealDisk.open(&self.path, Access::ReadWrite)
            && error.kind() == io::ErrorKind::ReadOnlyFilesystem
        {
            return Err(refused(step, shown, &self.path, error));
        }
        Err(Error::new(ErrorKind::Permission, step, shown)
            .with_hint("it is read-only: allow writing first (chmod u+w), or write to another file"))
    }

    /// As [`find`](Target::find), for who only wants to read it.
    pub(crate) fn look(shown: &Path, step: &'static str) -> Result<Target> {
        if shown.as_os_str().is_empty() {
            return Err(Error::new(ErrorKind::InvalidInput, step, shown).with_hint("the path is empty: name a file"));
        }
        let (path, stat) = follow(shown).map_err(|error| Error::system(step, shown, error))?;
        match stat.map(|stat| stat.kind) {
            None if is_spelled_as_folder(&path) || path.file_name().is_none() => {
                Err(Error::new(ErrorKind::InvalidInput, step, shown).with_hint("the path is that of a folder"))
            }
            None | Some(FileKind::Regular) => Ok(Target { path, stat }),
            Some(FileKind::Folder) => Err(not_regular(shown, step, "it is a folder")),
            Some(_) => Err(not_regular(shown, step, "it is a FIFO, a socket or a device: write to it directly")),
        }
    }

    /// Where it lies.
    pub(crate) fn folder(&self) -> &Path {
        folder_of(&self.path)
    }
}

/// Whether a folder holds an event log.
fn is_log(folder: &Path) -> bool {
    let mut start = [0; 64];
    let read = RealDisk
        .open(&folder.join("log.json"), Access::ReadOnly)
        .and_then(|file| read_full_at(&RealDisk, &file, &mut start, 0))
        .unwrap_or(0);
    start[..read].windows(LOG_SCHEMA.len()).any(|bytes| bytes == LOG_SCHEMA)
}

fn not_regular(shown: &Path, step: &'static str, what: &str) -> Error {
    Error::new(ErrorKind::NotRegularFile, step, shown).with_hint(what)
}

/// An error of the system while a file is replaced, with what to do about it.
pub(crate) fn refused(step: &'static str, shown: &Path, target: &Path, error: io::Error) -> Error {
    let folder = folder_of(target).display();
    let hint = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "free some space; the file is as it was".to_owned()
        }
        io::ErrorKind::ReadOnlyFilesystem => "its filesystem is mounted read-only".to_owned(),
        io::ErrorKind::ResourceBusy => {
            "it cannot be replaced atomically: it is a mount point of its own (a single file bind-mounted into a \
             container, say); mount its folder instead"
                .to_owned()
        }
        io::ErrorKind::PermissionDenied => {
            format!("a file is replaced by renaming a new one over it, so the folder {folder} must be writable")
        }
        io::ErrorKind::NotFound => format!("create the folder {folder} first"),
        _ => return Error::system(step, shown, error),
    };
    let busy = error.kind() == io::ErrorKind::ResourceBusy;
    let error = Error::system(step, shown, error).with_hint(hint);
    if busy { error.with_kind(ErrorKind::Unsupported) } else { error }
}
