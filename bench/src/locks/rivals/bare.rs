//! The bare system calls: the floors.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc::{F_RDLCK, F_UNLCK, SEEK_SET};
use rustix::fs::{AtFlags, CWD, FlockOperation, Mode, OFlags, flock, fstat, open, statat};
use rustix::io::pwrite;

use super::{Cycle, Holder, WaitCycle};
use crate::agent::monotonic_ns;

pub(crate) const NAME: &str = "blocking flock";

fn open_lock(path: &Path) -> Result<OwnedFd> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    Ok(open(path, flags, Mode::from_raw_mode(0o666))?)
}

/// An open lock: flock and unlock.
pub(crate) fn open_cycle(path: &Path) -> Result<impl Cycle + use<>> {
    let file = open_lock(path)?;
    Ok(move || {
        flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        Ok(flock(&file, FlockOperation::Unlock)?)
    })
}

/// An open lock: flock, a record of `size` bytes written in place, unlock.
pub(crate) fn open_cycle_with_record(path: &Path, size: usize) -> Result<impl Cycle + use<>> {
    let file = open_lock(path)?;
    let record = vec![b'x'; size];
    Ok(move || {
        flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        pwrite(&file, &record, 0)?;
        Ok(flock(&file, FlockOperation::Unlock)?)
    })
}

/// The question that stead's queue asks at every grant: does anybody stand in line? It is about ranges of the file.
pub(crate) fn question(path: &Path) -> Result<impl Cycle + use<>> {
    let file = open_lock(path)?;
    flock(&file, FlockOperation::LockExclusive)?;
    let [read, none, from_start] = [F_RDLCK, F_UNLCK, SEEK_SET].map(i16::try_from);
    let (read, none, from_start) = (read?, none?, from_start?);
    Ok(move || {
        let mut range =
            nix::libc::flock { l_type: read, l_whence: from_start, l_start: 1 << 61, l_len: 3 << 60, l_pid: 0 };
        fcntl(&file, FcntlArg::F_OFD_GETLK(&mut range))?;
        ensure!(range.l_type == none, "somebody is in line");
        Ok(())
    })
}

/// A path: open, flock, fstat and stat compared, a record written and blanked, close.
pub(crate) fn path_cycle(path: &Path, size: usize) -> impl Cycle + use<> {
    let path = path.to_path_buf();
    let (held, free) = (vec![b'x'; size], vec![b' '; size]);
    move || {
        let file = open_lock(&path)?;
        // Blocking: who looks at our descriptors in /proc at the time of the close keeps the old lock a moment longer.
        flock(&file, FlockOperation::LockExclusive)?;
        let (ours, there) = (fstat(&file)?, statat(CWD, &path, AtFlags::SYMLINK_NOFOLLOW)?);
        ensure!((ours.st_dev, ours.st_ino) == (there.st_dev, there.st_ino), "the lock file was replaced");
        pwrite(&file, &held, 0)?;
        pwrite(&file, &free, 0)?;
        Ok(())
    }
}

/// Waits for ever, in the kernel.
pub(crate) fn waiter(path: &Path) -> Result<WaitCycle> {
    let file = open_lock(path)?;
    Ok(Box::new(move || {
        flock(&file, FlockOperation::LockExclusive)?;
        let granted = monotonic_ns();
        flock(&file, FlockOperation::Unlock)?;
        Ok(granted)
    }))
}

/// Holds with nothing but flock.
pub(crate) struct BareHolder {
    path: PathBuf,
    operation: FlockOperation,
    file: Option<OwnedFd>,
}

impl BareHolder {
    pub(crate) fn new(path: &Path) -> BareHolder {
        BareHolder { path: path.to_path_buf(), operation: FlockOperation::LockExclusive, file: None }
    }

    pub(crate) fn shared(path: &Path) -> BareHolder {
        BareHolder { operation: FlockOperation::LockShared, ..BareHolder::new(path) }
    }
}

impl Holder for BareHolder {
    fn hold(&mut self) -> Result<()> {
        let file = match self.file.take() {
            Some(file) => file,
            None => open_lock(&self.path)?,
        };
        Ok(flock(self.file.insert(file), self.operation)?)
    }

    fn release(&mut self) -> Result<()> {
        self.file.as_ref().map_or(Ok(()), |file| Ok(flock(file, FlockOperation::Unlock)?))
    }
}
