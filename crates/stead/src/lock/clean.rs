//! Removing lock files that nobody holds, without ever letting two holders in.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::lock::high_water::{self, Raised};
use crate::lock::inspect::has_waiters;
use crate::lock::open::{Locked, peek};
use crate::lock::place::is_lock_folder;
use crate::lock::record::{Decoded, LEDGER_AT, LEDGER_PENDING};
use crate::lock::walk::walk;
use crate::sys::{self, Access, FileKind, Links, Mode, Stat};

/// What [`clean`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cleaned {
    /// The lock files that were removed, or would be.
    pub removed: Vec<PathBuf>,
    /// How many were left because somebody holds or awaits them.
    pub held: u64,
    /// What could not be looked at or removed, and why.
    pub failed: Vec<(PathBuf, String)>,
}

/// Removes the lock files below `folder` that nobody holds. Never needed: a lock file that is left behind locks
/// nobody out. It is for those who want to see a folder tidy.
///
/// Removed are only regular files named `*.lock` inside a `.stead/locks` (or directly in `folder`, if `lock_dir` says
/// that it is a lock folder), that begin with a record of ours. A file is locked first, looked at again, and unlinked
/// while it is held; this is safe because everyone who locks as we do looks at the path again after acquiring. Age is
/// never a reason. Before a file goes, its last token is kept in the folder's high-water mark, durably.
///
/// # Errors
/// Where `folder` itself cannot be read.
pub fn clean(folder: impl AsRef<Path>, lock_dir: bool, dry_run: bool) -> Result<Cleaned> {
    let folder = folder.as_ref();
    let mut candidates = Vec::new();
    walk(folder, &mut |path, stat| {
        if is_candidate(path, stat, lock_dir.then_some(folder)) {
            candidates.push(path.to_path_buf());
        }
    })?;
    // `folder` may itself be a `.stead/locks`, named as such or by a path through it.
    candidates.sort();
    let mut cleaned = Cleaned::default();
    for path in candidates {
        match clean_one(&path, dry_run) {
            Ok(Fate::Removed) => cleaned.removed.push(path),
            Ok(Fate::Held) => cleaned.held += 1,
            Ok(Fate::NotOurs) => {}
            Err(error) => cleaned.failed.push((path, error.to_string())),
        }
    }
    Ok(cleaned)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Removed,
    Held,
    NotOurs,
}

fn is_candidate(path: &Path, stat: &Stat, lock_dir: Option<&Path>) -> bool {
    let parent = path.parent().unwrap_or(Path::new(""));
    stat.kind == FileKind::Regular
        && path.extension().is_some_and(|extension| extension == "lock")
        && (lock_dir == Some(parent) || is_lock_folder(parent))
}

fn clean_one(path: &Path, dry_run: bool) -> Result<Fate> {
    let fail = |error| Error::system("clean the lock file", path, error);
    let file = sys::open(path, Access::ReadWrite, Links::Refuse).map_err(fail)?;
    if matches!(peek(&file), Decoded::Foreign) {
        return Ok(Fate::NotOurs);
    }
    if !sys::try_lock(&file, Mode::Exclusive).map_err(fail)? {
        return Ok(Fate::Held);
    }
    let _locked = Locked(&file);
    clean_locked(path, &file, dry_run).map_err(fail)
}

/// As [`clean_one`], for a file whose lock we hold.
fn clean_locked(path: &Path, file: &File, dry_run: bool) -> io::Result<Fate> {
    let id = sys::stat_file(file)?.id;
    let is_current = || sys::stat(path, Links::Refuse).is_ok_and(|stat| stat.id == id);
    let record = peek(file);
    if let Decoded::Record(record) = &record
        && !dry_run
        && is_current()
        && high_water::raise(path, record.token)? == Raised::Busy
    {
        return Ok(Fate::Held);
    }
    // The mark took its time: the last look comes after it.
    let fate = fate(&record, is_current(), has_waiters(id) || is_needed(file)?);
    if fate == Fate::Removed && !dry_run {
        std::fs::remove_file(path)?;
    }
    Ok(fate)
}

/// Whether an append was begun of which only this file tells.
fn is_needed(file: &File) -> io::Result<bool> {
    let mut start = [0; LEDGER_PENDING.len()];
    let read = sys::read_at(file, &mut start, LEDGER_AT)?;
    Ok(start[..read] == *LEDGER_PENDING.as_bytes())
}

/// What is to become of a file whose lock we hold.
fn fate(record: &Decoded, is_current: bool, has_waiters: bool) -> Fate {
    match record {
        // Somebody else's clean-up, or a new file at the path: nothing to do here.
        Decoded::Record(_) if !is_current => Fate::NotOurs,
        // One who sleeps for this file and does not look again would wake holding a removed one (trap 51).
        Decoded::Record(_) if has_waiters => Fate::Held,
        Decoded::Record(_) => Fate::Removed,
        Decoded::Foreign | Decoded::Unreadable => Fate::NotOurs,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::record::Record;

    #[test]
    fn trap_51_only_what_nobody_waits_for_is_removed() {
        let ours = Decoded::Record(Record { token: 7, grant: None });
        assert_eq!(fate(&ours, true, false), Fate::Removed);
        assert_eq!(fate(&ours, true, true), Fate::Held);
        for has_waiters in [false, true] {
            assert_eq!(fate(&ours, false, has_waiters), Fate::NotOurs);
            for other in [Decoded::Foreign, Decoded::Unreadable] {
                assert_eq!(fate(&other, true, has_waiters), Fate::NotOurs);
            }
        }
    }
}
