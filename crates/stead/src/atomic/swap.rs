//! Replacing a file only if it is still the one that was read: compare and swap, with the comparison after the swap.
//!
//! Between a look at the file and a rename over it, somebody who takes no lock may put another one there, and the
//! rename would lose it (trap 31). So the two are exchanged in one step (`RENAME_EXCHANGE`) and what came out is looked
//! at. If it is not what was expected, it is put back, until our own comes out again. The temporary's name says what was
//! expected, so that a sweep can put it back too if we die in between.

use std::io;
use std::path::{Path, PathBuf};

use crate::atomic::stage::Staged;
use crate::atomic::version::Version;
use crate::filesystem::folder_of;
use crate::sys::disk::{Disk, uninterrupted};
use crate::sys::{Access, FileId};

/// How often in a row a foreign writer may get between two of our steps.
const ROUNDS_MAX: usize = 100;

/// The content that a file must have to be replaced.
#[derive(Debug)]
pub(crate) struct Expected<F> {
    pub(crate) version: Version,
    pub(crate) id: FileId,
    pub(crate) len: u64,
    /// Open, so that no other file gets its inode; `None` where the caller keeps it open.
    pub(crate) _pin: Option<F>,
}

/// How a swap ended.
#[derive(Debug)]
pub(crate) enum Swapped<F> {
    /// The new content is in place.
    Done,
    /// Something else was there, and still is. A foreign content that could not be put back is the open file, to be
    /// kept somewhere: it lies under the second name.
    Mismatch { left_over: Option<(F, PathBuf)> },
    /// They were swapped, but what came out cannot be looked at. It lies under the second name.
    Unclear { error: io::Error, left_over: PathBuf },
}

/// Puts `staged` in the place of `target` if that is what was expected.
pub(crate) fn swap<D: Disk + Clone>(
    staged: &mut Staged<D>,
    target: &Path,
    expected: &Expected<D::File>,
) -> io::Result<Swapped<D::File>> {
    let disk = staged.disk().clone();
    let temporary = staged.path()?.to_path_buf();
    // Most of what came between is seen here. What comes after this look is put back, but for an instant others can see
    // ours, and so they should not often.
    if !is_expected(&disk, target, expected)? {
        return Ok(Swapped::Mismatch { left_over: None });
    }
    match disk.exchange(&temporary, target) {
        Ok(()) => {}
        // Where names cannot be exchanged, a look at the content has to do. Who comes between it and the rename is lost; nothing here
        // can tell.
        Err(error) if error.kind() == io::ErrorKind::Unsupported => {
            if version_at(&disk, target)? != expected.version {
                return Ok(Swapped::Mismatch { left_over: None });
            }
            disk.rename(&temporary, target)?;
            staged.settled();
            return Ok(Swapped::Done);
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound && disk.stat(&temporary).is_ok() => {
            return Ok(Swapped::Mismatch { left_over: None });
        }
        Err(error) => return Err(error),
    }
    // From here on what lies under the temporary name may be somebody else's.
    staged.settled();
    match look(staged, &temporary, target, expected) {
        Ok(swapped) => Ok(swapped),
        Err(error) => Ok(Swapped::Unclear { error, left_over: temporary }),
    }
}

/// Looks at what came out, and puts it back if it is not what was expected.
fn look<D: Disk + Clone>(
    staged: &mut Staged<D>,
    temporary: &Path,
    target: &Path,
    expected: &Expected<D::File>,
) -> io::Result<Swapped<D::File>> {
    let disk = staged.disk().clone();
    // The content counts: somebody may have written into the file in place.
    if version_at(&disk, temporary)? == expected.version {
        // One that stays is found by a sweep, whose name says that it may go.
        let _ = disk.unlink(temporary);
        return Ok(Swapped::Done);
    }
    let ours = staged.id();
    let is_left = put_back(&disk, temporary, target, ours)?;
    // Before ours may go: a power cut that kept the first exchange and the unlink, but not the second exchange, would lose
    // what was put back. If this fails ours stays, for a sweep.
    if uninterrupted(|| disk.sync_folder(folder_of(target))).is_err() || !is_left {
        return Ok(Swapped::Mismatch { left_over: None });
    }
    let left = disk.open(temporary, Access::ReadOnly)?;
    if disk.stat_file(&left)?.id == ours {
        staged.unsettled(temporary.to_path_buf());
        return Ok(Swapped::Mismatch { left_over: None });
    }
    Ok(Swapped::Mismatch { left_over: Some((left, temporary.to_path_buf())) })
}

/// Exchanges again and again, until what comes out is what was put in the time before: then nobody came between, and
/// what is in place is the newest of what others put there. False: nothing lies under the temporary name any more.
pub(crate) fn put_back<D: Disk>(disk: &D, temporary: &Path, target: &Path, put_in: FileId) -> io::Result<bool> {
    let mut put_in = put_in;
    for _ in 0..ROUNDS_MAX {
        let next = disk.stat(temporary)?.id;
        match disk.exchange(temporary, target) {
            Ok(()) => {}
            // Somebody removed ours: what was there before goes back, unless something is there again.
            Err(error) if error.kind() == io::ErrorKind::NotFound => match disk.rename_new(temporary, target) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                outcome => return outcome.map(|()| false),
            },
            Err(error) => return Err(error),
        }
        if disk.stat(temporary)?.id == put_in {
            return Ok(true);
        }
        put_in = next;
    }
    Err(io::Error::other("somebody else replaces the file again and again"))
}

/// Whether what is at `path` is what was expected: the file that was read, or one of equal content.
fn is_expected<D: Disk>(disk: &D, path: &Path, expected: &Expected<D::File>) -> io::Result<bool> {
    match disk.stat(path) {
        Ok(stat) if (stat.id, stat.len) == (expected.id, expected.len) => Ok(true),
        Ok(_) => Ok(version_at(disk, path)? == expected.version),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn version_at<D: Disk>(disk: &D, path: &Path) -> io::Result<Version> {
    Version::of_file(disk, &disk.open(path, Access::ReadOnly)?)
}
