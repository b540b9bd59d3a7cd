//! What writers that died left behind: removed, or put back where a swap was half done.

use std::io;
use std::path::{Path, PathBuf};

use crate::atomic::keep;
use crate::atomic::names::{Swap, Temporary};
use crate::atomic::swap::put_back;
use crate::atomic::version::Version;
use crate::error::{Error, Result};
use crate::filesystem::folder_of;
use crate::sys::disk::{Disk, RealDisk, uninterrupted};
use crate::sys::{Access, FileKind};

/// What [`sweep`] found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Swept {
    /// The temporary files that were removed.
    pub removed: Vec<PathBuf>,
    /// How many belong to writers that live.
    pub in_use: u64,
    /// The files that got back what a compare-and-swap had taken from them wrongly when it died.
    pub put_back: Vec<PathBuf>,
    /// Where contents were kept that nothing else holds.
    pub kept: Vec<PathBuf>,
    /// What could not be looked at or removed, and why.
    pub failed: Vec<(PathBuf, String)>,
}

/// Removes the temporary files in `folder` (not below it) whose writers died. Whether one lives is asked of the lock
/// that it holds on its file, never of age (traps 10 and 32).
///
/// Rarely needed: whoever takes a lock whose last holder died does this by himself.
///
/// # Errors
/// Where the folder cannot be read.
pub fn sweep(folder: impl AsRef<Path>) -> Result<Swept> {
    let folder = folder.as_ref();
    sweep_on(&RealDisk, folder).map_err(|error| Error::system("sweep the folder", folder, error))
}

pub(crate) fn sweep_on<D: Disk>(disk: &D, folder: &Path) -> io::Result<Swept> {
    let mut swept = Swept::default();
    for name in disk.list(folder)? {
        let Some(temporary) = Temporary::parse(&name) else { continue };
        let path = folder.join(&name);
        match sweep_one(disk, &path, temporary, &mut swept) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => swept.failed.push((path, error.to_string())),
            // Or gone by itself.
            _ => {}
        }
    }
    Ok(swept)
}

fn sweep_one<D: Disk>(disk: &D, path: &Path, temporary: Temporary, swept: &mut Swept) -> io::Result<()> {
    let seen = disk.stat(path)?;
    if seen.kind != FileKind::Regular {
        return Ok(());
    }
    let file = disk.open(path, Access::ReadOnly)?;
    if !disk.try_lock(&file)? {
        swept.in_use += 1;
        return Ok(());
    }
    // Another one by now, or another sweep was quicker.
    if disk.stat(path)?.id != disk.stat_file(&file)?.id {
        return Ok(());
    }
    match temporary {
        Temporary::Staged => remove(disk, path, swept),
        Temporary::Swap(swap) => finish_swap(disk, path, &file, &swap, swept),
    }
}

/// A swap whose writer died. What lies under the temporary name is the new content (before the swap), the expected one
/// (after it), or, if the swap was wrong, what somebody else had put there.
fn finish_swap<D: Disk>(disk: &D, path: &Path, file: &D::File, swap: &Swap, swept: &mut Swept) -> io::Result<()> {
    let target =
        disk.list(folder_of(path))?.into_iter().find(|name| swap.is_about(name)).map(|name| path.with_file_name(name));
    let target = match target {
        Some(target) => Some((disk.open(&target, Access::ReadOnly)?, target)),
        None => None,
    };
    if let Some((target, _)) = &target
        && !disk.try_lock(target)?
    {
        // After the swap the writer's lock is on what is now the target.
        swept.in_use += 1;
        return Ok(());
    }
    let seen = disk.stat_file(file)?;
    // Ours, not swapped yet or put back already, and nobody was told of it; or what was expected to come out.
    if seen.id.inode == swap.inode || Version::of_file(disk, file)? == swap.expected {
        return remove(disk, path, swept);
    }
    let Some((target, target_path)) = target else { return keep_and_remove(disk, path, swept) };
    let ours = disk.stat_file(&target)?;
    if ours.id.inode != swap.inode {
        return keep_and_remove(disk, path, swept);
    }
    if ours.owner != seen.owner {
        // Anybody may give a file such a name where all may write.
        swept.kept.push(keep::file(disk, &target_path, file)?);
        return Err(io::Error::other("it is of another user than the file whose place it would take: a copy was kept"));
    }
    let left_over = put_back(disk, path, &target_path, ours.id)?;
    uninterrupted(|| disk.sync_folder(folder_of(path)))?;
    swept.put_back.push(target_path);
    if left_over { keep_and_remove(disk, path, swept) } else { Ok(()) }
}

/// Keeps what nothing else holds.
fn keep_and_remove<D: Disk>(disk: &D, path: &Path, swept: &mut Swept) -> io::Result<()> {
    let file = disk.open(path, Access::ReadOnly)?;
    swept.kept.push(keep::file(disk, path, &file)?);
    remove(disk, path, swept)
}

fn remove<D: Disk>(disk: &D, path: &Path, swept: &mut Swept) -> io::Result<()> {
    disk.unlink(path)?;
    swept.removed.push(path.to_path_buf());
    Ok(())
}
