//! stead itself.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use stead::lock::{FileLock, Guard, Mode, Options, Request, Wait};

use super::{Cycle, Holder, WaitCycle};
use crate::agent::monotonic_ns;

pub(crate) const NAME: &str = "stead";
pub(crate) const SHARED: &str = "stead, shared";
pub(crate) const SIDECAR: &str = "stead, sidecar";
pub(crate) const BARGING: &str = "stead, barging";
pub(crate) const NO_DEADLINE: &str = "stead, no deadline";

/// Far beyond every hold that is measured.
const DEADLINE: Duration = Duration::from_secs(10);

pub(crate) fn open_cycle(path: &Path) -> impl Cycle + use<> {
    let lock = FileLock::at(path);
    move || Ok(lock.try_lock()?.release()?)
}

pub(crate) fn open_cycle_shared(path: &Path) -> impl Cycle + use<> {
    let lock = FileLock::at(path);
    move || Ok(lock.try_lock_shared()?.release()?)
}

/// One that would wait, and so gives way to those who do.
pub(crate) fn open_cycle_in_line(path: &Path) -> impl Cycle + use<> {
    let lock = FileLock::at(path);
    move || Ok(lock.lock(DEADLINE)?.release()?)
}

/// One that would wait, and passes by those who do.
pub(crate) fn open_cycle_barging(path: &Path) -> impl Cycle + use<> {
    let lock = Options::new().barge(true).at(path);
    move || Ok(lock.lock(DEADLINE)?.release()?)
}

pub(crate) fn path_cycle(path: &Path) -> impl Cycle + use<> {
    let path = path.to_path_buf();
    move || {
        drop(FileLock::at(&path).try_lock()?);
        Ok(())
    }
}

pub(crate) fn path_cycle_shared(path: &Path) -> impl Cycle + use<> {
    let path = path.to_path_buf();
    move || {
        drop(FileLock::at(&path).try_lock_shared()?);
        Ok(())
    }
}

pub(crate) fn path_cycle_sidecar(data: &Path) -> impl Cycle + use<> {
    let data = data.to_path_buf();
    move || {
        drop(FileLock::sidecar(&data).try_lock()?);
        Ok(())
    }
}

pub(crate) fn waiter(path: &Path) -> WaitCycle {
    wait(path, Wait::For(DEADLINE))
}

pub(crate) fn waiter_without_deadline(path: &Path) -> WaitCycle {
    wait(path, Wait::Forever)
}

fn wait(path: &Path, wait: Wait) -> WaitCycle {
    let lock = FileLock::at(path);
    Box::new(move || {
        let guard = lock.lock(wait)?;
        let granted = monotonic_ns();
        guard.release()?;
        Ok(granted)
    })
}

/// Holds with the record and the token, and takes its name out at the release.
pub(crate) struct SteadHolder {
    lock: FileLock,
    request: Request,
    guard: Option<Guard>,
}

impl SteadHolder {
    pub(crate) fn new(path: &Path) -> SteadHolder {
        SteadHolder::of(FileLock::at(path), Mode::Exclusive)
    }

    pub(crate) fn shared(path: &Path) -> SteadHolder {
        SteadHolder::of(FileLock::at(path), Mode::Shared)
    }

    pub(crate) fn barging(path: &Path) -> SteadHolder {
        SteadHolder::of(Options::new().barge(true).at(path), Mode::Exclusive)
    }

    fn of(lock: FileLock, mode: Mode) -> SteadHolder {
        SteadHolder { lock, request: Request::new(mode).wait(DEADLINE), guard: None }
    }
}

impl Holder for SteadHolder {
    fn hold(&mut self) -> Result<()> {
        self.guard = Some(self.lock.acquire(&self.request)?);
        Ok(())
    }

    fn release(&mut self) -> Result<()> {
        self.guard.take().map_or(Ok(()), |guard| Ok(guard.release()?))
    }
}
