//! The bare system calls: the floors.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use rustix::fs::{
    AtFlags, CWD, FileType, FlockOperation, Mode, OFlags, StatxFlags, fdatasync, flock, fstat, fsync, llistxattr, open,
    rename, statx,
};
use rustix::io::write;
use stead::atomic::Durability;

use super::{Step, Work, folder_of, line};

pub(crate) const NAME: &str = "the bare calls";
pub(crate) const MINIMUM: &str = "bare minimum";
pub(crate) const APPEND_LOCKED: &str = "flock+write+fdatasync";
pub(crate) const APPEND: &str = "O_APPEND write";

const WANTED: StatxFlags = StatxFlags::INO
    .union(StatxFlags::TYPE)
    .union(StatxFlags::MODE)
    .union(StatxFlags::UID)
    .union(StatxFlags::GID)
    .union(StatxFlags::SIZE);

/// What no one can leave out who follows no link by accident, keeps mode, owner and attributes, and whose temporary
/// nobody takes for an orphan: it stays locked until it has its name.
pub(crate) fn replace(path: &Path, content: &[u8], durability: Durability) -> impl FnMut() -> Result<()> + use<> {
    let (path, content) = (path.to_path_buf(), content.to_vec());
    let mut count = 0_u64;
    move || {
        count += 1;
        let there = statx(CWD, &path, AtFlags::SYMLINK_NOFOLLOW, WANTED)?;
        let is_regular = FileType::from_raw_mode(there.stx_mode.into()) == FileType::RegularFile;
        ensure!(is_regular, "the target is no regular file");
        ensure!(llistxattr(&path, &mut [0; 256])? == 0, "here files have attributes: the floor does not copy them");
        let temporary = path.with_file_name(format!(".bare-{count:016x}.tmp"));
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let file = open(&temporary, flags, Mode::from_raw_mode(u32::from(there.stx_mode) & 0o777))?;
        flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        write_all(&file, &content)?;
        let ours = fstat(&file)?;
        ensure!((ours.st_uid, ours.st_gid) == (there.stx_uid, there.stx_gid), "the target is somebody else's");
        ensure!(ours.st_mode == u32::from(there.stx_mode), "the umask takes bits away");
        sync(&file, durability)?;
        rename(&temporary, &path)?;
        drop(file);
        sync_folder(&path, durability)
    }
}

/// What makes the content appear at once, and last, and nothing else.
pub(crate) fn replace_minimum(
    path: &Path,
    content: &[u8],
    durability: Durability,
) -> impl FnMut() -> Result<()> + use<> {
    let (path, content) = (path.to_path_buf(), content.to_vec());
    let temporary = path.with_extension("tmp");
    move || {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::CLOEXEC;
        let file = open(&temporary, flags, Mode::from_raw_mode(0o666))?;
        write_all(&file, &content)?;
        sync(&file, durability)?;
        drop(file);
        rename(&temporary, &path)?;
        sync_folder(&path, durability)
    }
}

/// Lines under a lock, synced one by one.
pub(crate) fn locked_appender(path: &Path, durability: Durability) -> Result<Work> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC;
    let lock = open(lock_path(path), flags, Mode::from_raw_mode(0o666))?;
    let file = open_to_append(path)?;
    let mut count = 0;
    Ok(Box::new(move || {
        count += 1;
        flock(&lock, FlockOperation::LockExclusive)?;
        write_all(&file, line(count).as_bytes())?;
        if durability != Durability::None {
            // The name is there already, so that of the metadata only the length matters.
            fdatasync(&file)?;
        }
        flock(&lock, FlockOperation::Unlock)?;
        Ok(Step::Done)
    }))
}

/// As `echo >>` does it.
pub(crate) fn appender(path: &Path) -> Result<Work> {
    let file = open_to_append(path)?;
    let mut count = 0;
    Ok(Box::new(move || {
        count += 1;
        write_all(&file, line(count).as_bytes())?;
        Ok(Step::Done)
    }))
}

fn open_to_append(path: &Path) -> Result<OwnedFd> {
    let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE | OFlags::CLOEXEC;
    open(path, flags, Mode::from_raw_mode(0o666)).with_context(|| format!("open {}", path.display()))
}

fn lock_path(path: &Path) -> PathBuf {
    path.with_extension("lock")
}

fn write_all(file: &OwnedFd, mut bytes: &[u8]) -> Result<()> {
    while !bytes.is_empty() {
        bytes = &bytes[write(file, bytes)?..];
    }
    Ok(())
}

fn sync(file: &OwnedFd, durability: Durability) -> Result<()> {
    match durability {
        Durability::None => Ok(()),
        Durability::Data => Ok(fdatasync(file)?),
        Durability::Full => Ok(fsync(file)?),
    }
}

fn sync_folder(path: &Path, durability: Durability) -> Result<()> {
    if durability == Durability::Full {
        fsync(open(folder_of(path), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?)?;
    }
    Ok(())
}
