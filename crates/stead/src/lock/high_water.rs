//! The largest token of the lock files that were removed from a lock folder, so that a new one starts above it.

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Duration;

use crate::lock::open::{Locked, is_blank};
use crate::lock::place::is_lock_folder;
use crate::lock::record::{self, Decoded, RECORD_LEN};
use crate::sys::{self, Access, FileKind, Links, Ownership};

const NAME: &str = "high-water";
/// How often a mark that is torn is read again: it is being written.
const READS_MAX: usize = 8;
/// How often and after which pause a mark that somebody else has locked is tried again. Who raises one has it for a
/// moment only; whoever else does is not waited for, since the caller holds a lock of a user's.
const TRIES_MAX: usize = 10;
const PAUSE: Duration = Duration::from_millis(5);

/// What came of raising the mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Raised {
    Done,
    /// Somebody keeps the mark locked.
    Busy,
}

/// The mark of the folder that `lock_file` lies in; 0 where there is none.
pub(crate) fn read(lock_file: &Path, links: Links) -> u64 {
    let Ok(file) = sys::open(&lock_file.with_file_name(NAME), Access::ReadOnly, links) else { return 0 };
    let mut bytes = [0; RECORD_LEN];
    for _ in 0..READS_MAX {
        let Ok(read) = sys::read_at(&file, &mut bytes, 0) else { return 0 };
        match record::decode(&bytes[..read]) {
            Decoded::Record(record) => return record.token,
            Decoded::Foreign => return 0,
            Decoded::Unreadable => std::thread::yield_now(),
        }
    }
    record::token_at_start(&bytes).unwrap_or(0)
}

/// Raises the mark of the folder that `lock_file` lies in to at least `token`; durable when it is done. Callers that
/// raise it at the same time take turns. A file that is not ours is an error, and left alone.
pub(crate) fn raise(lock_file: &Path, token: u64) -> io::Result<Raised> {
    let path = lock_file.with_file_name(NAME);
    sys::create_whole(&path, &record::encode_free(token), Ownership::Folder, true)?;
    let file = sys::open(&path, Access::ReadWrite, Links::Refuse)?;
    if sys::stat_file(&file)?.kind != FileKind::Regular {
        return Err(not_ours());
    }
    if !lock_for_a_moment(&file)? {
        return Ok(Raised::Busy);
    }
    let _locked = Locked(&file);
    let mark = mark_of(&file, &path)?;
    if mark < token {
        sys::write_at(&file, &record::encode_free(token), 0)?;
    }
    file.sync_data()?;
    if let Some(folder) = path.parent() {
        sys::sync_folder(folder)?;
    }
    Ok(Raised::Done)
}

fn lock_for_a_moment(file: &File) -> io::Result<bool> {
    for _ in 0..TRIES_MAX {
        if sys::try_lock(file, sys::Mode::Exclusive)? {
            return Ok(true);
        }
        std::thread::park_timeout(PAUSE);
    }
    Ok(false)
}

/// The mark in an open file that is locked; an error where the file is not one of ours.
fn mark_of(file: &File, path: &Path) -> io::Result<u64> {
    let mut bytes = [0; RECORD_LEN];
    let read = sys::read_at(file, &mut bytes, 0)?;
    let mark = match record::decode(&bytes[..read]) {
        Decoded::Record(record) => record.token,
        // A power cut; in a folder of the user's it may be a file of the user's.
        Decoded::Foreign if is_blank(&bytes[..read]) && path.parent().is_some_and(is_lock_folder) => 0,
        _ => return Err(not_ours()),
    };
    if has_other_names_for_long(file)? { Err(not_ours()) } else { Ok(mark) }
}

/// Whether the file has another name, and not only that which a new one has for a moment on its way.
fn has_other_names_for_long(file: &File) -> io::Result<bool> {
    for _ in 0..TRIES_MAX {
        if sys::stat_file(file)?.names <= 1 {
            return Ok(false);
        }
        std::thread::park_timeout(PAUSE);
    }
    Ok(true)
}

fn not_ours() -> io::Error {
    let why = "the file `high-water` beside it is not one of stead's, or has a second name: move it away";
    io::Error::new(io::ErrorKind::InvalidData, why)
}
