//! Opening, and when needed creating, a lock file.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};
use crate::filesystem::is_spelled_as_folder;
use crate::lock::high_water;
use crate::lock::line;
use crate::lock::place::{Style, Target, create_lock_folder};
use crate::lock::record::{self, Decoded, RECORD_LEN};
use crate::lock::registry::Process;
use crate::sys::{self, Access, FileId, FileKind, Links};

/// How often a file that vanishes between two steps is looked for again.
const RACES_MAX: usize = 100;
const STEP: &str = "open lock file";
const SIDECAR_STEP: &str = "create the sidecar lock of";

/// What a record says of the holds before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LastToken {
    pub(crate) token: u64,
    /// The last holder did not release it: it was killed, or the power was cut. What it was doing may be half done.
    pub(crate) after_a_death: bool,
}

/// An open lock file, not locked yet.
#[derive(Debug)]
pub(crate) struct OpenLock {
    pub(crate) file: File,
    pub(crate) path: PathBuf,
    pub(crate) id: FileId,
    pub(crate) style: Style,
    /// A regular file that is open for writing: it may hold a record.
    writable: bool,
    /// Its waiters line up in it: it is ours, and on this machine.
    has_line: bool,
    /// Who opened it: a descriptor inherited over a fork shares its locks with the parent and is of no use (trap 3).
    pub(crate) pid: u32,
}

impl OpenLock {
    /// Opens `target` and insists on a file that can be locked. Nothing of it is changed.
    pub(crate) fn open(target: Target, shown: &Path, access: Access, pid: u32) -> Result<OpenLock> {
        let Target { path, style } = target;
        let (file, access) = match style {
            Style::Existing => open_existing(&path, access, shown)?,
            Style::Beside | Style::Apart | Style::Create => (open_or_create(&path, style, shown)?, Access::ReadWrite),
        };
        let stat = sys::stat_file(&file).map_err(|error| Error::system(STEP, shown, error))?;
        match (stat.kind, style) {
            (FileKind::Regular, _) | (FileKind::Folder, Style::Existing) => {}
            _ => return Err(not_regular(shown)),
        }
        let writable = access == Access::ReadWrite && stat.kind == FileKind::Regular;
        let is_ours = sys::HAS_RANGES && writable && (style.is_own() || is_ours(&file));
        let volume = || Process::current().volume_of(stat.id.device, &file).kind;
        let has_line = line::why_none(is_ours, writable, volume).is_none();
        Ok(OpenLock { file, path, id: stat.id, style, writable, has_line, pid })
    }

    /// Whether those who wait for it line up in it (see [`protocol`](crate::lock::protocol)).
    pub(crate) fn has_line(&self) -> bool {
        self.has_line
    }

    /// Whether the path still leads to this very file (trap 1).
    pub(crate) fn is_at_its_path(&self) -> io::Result<bool> {
        match sys::stat(&self.path, self.style.links()) {
            Ok(stat) => Ok(stat.id == self.id),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The last token in a file that may be written into: one that begins with a record, or one in a lock folder of ours
    /// that a power cut emptied. To be called by the exclusive holder.
    ///
    /// A new file in a lock folder says 0, and the mark of the folder is read only now, under the lock: whoever removed
    /// the file before it raised the mark first.
    pub(crate) fn last_token(&self) -> io::Result<Option<LastToken>> {
        if !self.writable {
            return Ok(None);
        }
        let mut bytes = [0; RECORD_LEN];
        let read = sys::read_at(&self.file, &mut bytes, 0)?;
        let bytes = &bytes[..read];
        if let Some(token) = record::token_of_free(bytes).filter(|token| *token > 0) {
            return Ok(Some(LastToken { token, after_a_death: false }));
        }
        let (token, after_a_death) = match record::decode(bytes) {
            Decoded::Record(record) if record.token == 0 => (self.mark(), false),
            // Its holder died without blanking it.
            Decoded::Record(record) => (record.token, record.grant.is_some()),
            // Damaged: its token may be, too.
            Decoded::Unreadable => (record::token_at_start(bytes).unwrap_or(0).max(self.mark()), true),
            Decoded::Foreign if self.style.is_own() && is_blank(bytes) => (self.mark(), true),
            Decoded::Foreign => return Ok(None),
        };
        Ok(Some(LastToken { token, after_a_death }))
    }

    /// The token in the record, as anybody can see it. `None`: there is no record that can be read.
    pub(crate) fn token_seen(&self) -> Option<u64> {
        let mut bytes = [0; RECORD_LEN];
        let read = sys::read_at(&self.file, &mut bytes, 0).ok()?;
        match record::decode(&bytes[..read]) {
            Decoded::Record(record) => Some(record.token),
            Decoded::Unreadable | Decoded::Foreign => None,
        }
    }

    /// The largest token of what was removed from the lock folder; 0 outside of one.
    fn mark(&self) -> u64 {
        if self.style.is_own() { high_water::read(&self.path, self.style.links()) } else { 0 }
    }
}

/// Whether a file begins like a lock file of ours.
fn is_ours(file: &File) -> bool {
    let mut start = [0; 64];
    sys::read_at(file, &mut start, 0).is_ok_and(|read| record::token_at_start(&start[..read]).is_some())
}

/// Whether a file is as a power cut leaves a new one: empty or all zero.
pub(crate) fn is_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

/// Gives the lock of a file back when it goes out of scope: a child forked meanwhile would keep one that is given back
/// with the descriptor.
pub(crate) struct Locked<'a>(pub(crate) &'a File);

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        // Nobody to tell; closing the file does the same.
        let _ = sys::unlock(self.0);
    }
}

/// Reads the record of any file, without a lock: it may be torn.
pub(crate) fn peek(file: &File) -> Decoded {
    let mut bytes = [0; RECORD_LEN];
    sys::read_at(file, &mut bytes, 0).map_or(Decoded::Unreadable, |read| record::decode(&bytes[..read]))
}

fn open_existing(path: &Path, access: Access, shown: &Path) -> Result<(File, Access)> {
    let fail = |error| Error::system(STEP, shown, error);
    // Looked at first: opening a device may do something.
    let there = sys::stat(path, Links::Follow).map_err(|error| {
        let error = fail(error);
        if !error.is_not_found() || sys::stat(path, Links::Refuse).is_err() {
            return if error.is_not_found() { missing_folder(path, error) } else { error };
        }
        error.with_hint("it is a symbolic link that leads nowhere, and a lock file is never created through one")
    })?;
    if there.kind == FileKind::Other {
        return Err(not_regular(shown));
    }
    match sys::open(path, access, Links::Follow) {
        Ok(file) => Ok((file, access)),
        Err(error) if access == Access::ReadWrite && sys::means_not_writable(&error) => {
            Ok((sys::open(path, Access::ReadOnly, Links::Follow).map_err(fail)?, Access::ReadOnly))
        }
        Err(error) => Err(fail(error)),
    }
}

fn open_or_create(path: &Path, style: Style, shown: &Path) -> Result<File> {
    let mut last = None;
    for _ in 0..RACES_MAX {
        match sys::open(path, Access::ReadWrite, style.links()) {
            Ok(file) => return Ok(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound && !is_spelled_as_folder(path) => {}
            Err(error) => return Err(refused(path, style, shown, error)),
        }
        match create(path, style) {
            Ok(_) => {}
            Err(error) if style.is_own() && error.kind() == io::ErrorKind::NotFound => {
                create_lock_folder(path).map_err(|error| no_lock_folder(shown, path, error))?;
                last = Some(error);
            }
            Err(error) => return Err(not_created(path, style, shown, error)),
        }
    }
    let error = last.unwrap_or_else(|| io::Error::new(io::ErrorKind::NotFound, "it vanishes again and again"));
    Err(Error::system("create lock file", shown, error))
}

/// Creates a lock file that holds a free record from its first instant on.
fn create(path: &Path, style: Style) -> io::Result<bool> {
    // A lock file that somebody chose is synced once, before it has a name: one found empty after a power cut could
    // not be told from a file of the user's. In our own folders there are no files of users.
    let durable = style == Style::Create;
    sys::create_whole(path, &record::encode_free(0), style.ownership(), durable)
}

fn not_regular(shown: &Path) -> Error {
    Error::new(ErrorKind::NotRegularFile, STEP, shown).with_hint("name a regular file, or one that does not exist yet")
}

/// A hint where a missing path can only be that of a folder.
fn missing_folder(path: &Path, error: Error) -> Error {
    if !is_spelled_as_folder(path) {
        return error;
    }
    error
        .with_hint("the path ends as that of a folder, and that folder does not exist: a lock file is named without it")
}

/// Whether something else is where one of our folders should be.
fn means_not_a_folder(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotADirectory || sys::means_link(error)
}

fn refused(path: &Path, style: Style, shown: &Path, error: io::Error) -> Error {
    let kind = sys::stat(path, Links::Refuse).map(|stat| stat.kind);
    if matches!(kind, Ok(FileKind::Link)) || (sys::means_link(&error) && !style.is_own()) {
        let error = Error::new(ErrorKind::NotRegularFile, STEP, shown);
        return error.with_hint("it is a symbolic link, and a lock file is never opened or created through one");
    }
    if style.is_own() && means_not_a_folder(&error) {
        return link_on_the_way(path, shown);
    }
    if matches!(kind, Ok(FileKind::Folder | FileKind::Other)) {
        return not_regular(shown);
    }
    let why = hint(path, style, &error);
    if error.kind() == io::ErrorKind::NotFound {
        return missing_folder(path, Error::system(STEP, shown, error));
    }
    let error = Error::system(STEP, shown, error);
    match (error.kind(), why) {
        (_, Some(why)) => error.with_hint(why),
        (ErrorKind::Permission, None) => error.with_hint("a lock file must be writable by all who use it"),
        (ErrorKind::NotFound, None) => error.with_hint("the path leads through something that is not a folder"),
        (ErrorKind::InvalidInput, None) => {
            error.with_hint("choose a path that the filesystem takes, such as a shorter one")
        }
        _ => error,
    }
}

fn not_created(path: &Path, style: Style, shown: &Path, error: io::Error) -> Error {
    let folder = path.parent().unwrap_or(path);
    if error.kind() == io::ErrorKind::NotFound {
        return Error::system("create lock file", shown, error)
            .with_hint(format!("create the folder {} first", folder.display()));
    }
    if style.is_own() {
        return no_lock_folder(shown, path, error);
    }
    let why = hint(path, style, &error);
    let error = Error::system("create lock file", shown, error);
    match why {
        Some(why) => error.with_hint(why),
        None if error.is_permission() => error.with_hint(format!("the folder {} must be writable", folder.display())),
        None => error,
    }
}

fn no_lock_folder(shown: &Path, path: &Path, error: io::Error) -> Error {
    if means_not_a_folder(&error) {
        return link_on_the_way(path, shown);
    }
    let why = hint(path, Style::Apart, &error).unwrap_or_else(|| elsewhere(path));
    Error::system(SIDECAR_STEP, shown, error).with_hint(why)
}

/// What to do about an error that says so itself, be it met when a lock file is opened or when one is made.
fn hint(path: &Path, style: Style, error: &io::Error) -> Option<String> {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Some(format!("free some space where {} is to be", path.display()))
        }
        io::ErrorKind::ReadOnlyFilesystem if style.is_own() => Some(elsewhere(path)),
        io::ErrorKind::ReadOnlyFilesystem => {
            Some("its filesystem is read-only: choose another place for the lock file, the same for all parties".into())
        }
        _ => None,
    }
}

fn elsewhere(path: &Path) -> String {
    let folder = path.parent().unwrap_or(path);
    format!(
        "{} cannot be written: choose another place for locks with --lock-dir, STEAD_LOCK_DIR or lock_dir(), the same for all parties",
        folder.display()
    )
}

fn link_on_the_way(path: &Path, shown: &Path) -> Error {
    let folder = path.parent().unwrap_or(path);
    Error::new(ErrorKind::NotRegularFile, SIDECAR_STEP, shown).with_hint(format!(
        "{} or the folder it lies in is not a plain folder: look who put a link or a file there, and remove it",
        folder.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint_of(style: Style, kind: io::ErrorKind, made: bool) -> String {
        let (path, shown) = (Path::new("/data/.stead/locks/d.lock"), Path::new("d"));
        let error =
            if made { not_created(path, style, shown, kind.into()) } else { refused(path, style, shown, kind.into()) };
        error.hint().unwrap_or_default().to_owned()
    }

    #[test]
    fn every_hint_is_about_what_went_wrong() {
        for style in [Style::Beside, Style::Apart, Style::Create] {
            for kind in [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded] {
                assert!(hint_of(style, kind, true).starts_with("free some space"), "{style:?} {kind:?}");
            }
            for made in [true, false] {
                let hint = hint_of(style, io::ErrorKind::ReadOnlyFilesystem, made);
                assert_eq!(hint.contains("--lock-dir"), style.is_own(), "{style:?}: {hint}");
                assert!(hint.contains("choose another place"), "{style:?}: {hint}");
            }
        }
        assert!(hint_of(Style::Create, io::ErrorKind::PermissionDenied, true).contains("must be writable"));
        assert!(hint_of(Style::Beside, io::ErrorKind::PermissionDenied, true).contains("--lock-dir"));
        assert_eq!(hint_of(Style::Create, io::ErrorKind::Other, true), "");
    }

    /// A descriptor that a fork's child would have keeps nothing.
    #[test]
    fn a_lock_is_given_back_for_copies_of_the_descriptor_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("l");
        File::create(&path).unwrap();
        let [ours, theirs] = [(); 2].map(|()| sys::open(&path, Access::ReadWrite, Links::Refuse).unwrap());
        assert!(sys::try_lock(&ours, sys::Mode::Exclusive).unwrap());
        let _copy = ours.try_clone().unwrap();
        drop(Locked(&ours));
        assert!(sys::try_lock(&theirs, sys::Mode::Exclusive).unwrap());
    }
}
