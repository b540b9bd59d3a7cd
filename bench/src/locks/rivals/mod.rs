//! Who is measured, each doing the same things in its own way.

pub(super) mod backoff;
pub(super) mod bare;
pub(super) mod fd_lock;
pub(super) mod filelock;
pub(super) mod fs4;
pub(super) mod std_file;
pub(super) mod stead;

use std::fs::{File, OpenOptions};
use std::path::Path;

use anyhow::{Context, Result, bail};

/// Takes a lock and gives it back, once. Not boxed: an indirect call before it makes bare system calls a third slower.
pub(super) trait Cycle: FnMut() -> Result<()> + 'static {}

impl<F: FnMut() -> Result<()> + 'static> Cycle for F {}

/// Waits for a lock and gives it back; returns when it was granted, on [`monotonic_ns`](crate::agent::monotonic_ns).
pub(super) type WaitCycle = Box<dyn FnMut() -> Result<u64>>;

/// Keeps a lock until it is told to release it.
pub(super) trait Holder {
    fn hold(&mut self) -> Result<()>;
    fn release(&mut self) -> Result<()>;
}

/// The waiter of the subject with this name, for an agent that was told only the name.
pub(super) fn waiter(subject: &str, path: &Path) -> Result<WaitCycle> {
    match subject {
        bare::NAME => bare::waiter(path),
        backoff::NAME => backoff::waiter(path),
        stead::NAME => Ok(stead::waiter(path)),
        stead::NO_DEADLINE => Ok(stead::waiter_without_deadline(path)),
        _ => bail!("nobody called {subject} can wait"),
    }
}

/// The holder of the subject with this name.
pub(super) fn holder(subject: &str, path: &Path) -> Result<Box<dyn Holder>> {
    match subject {
        bare::NAME => Ok(Box::new(bare::BareHolder::new(path))),
        stead::NAME => Ok(Box::new(stead::SteadHolder::new(path))),
        stead::BARGING => Ok(Box::new(stead::SteadHolder::barging(path))),
        _ => bail!("nobody called {subject} can hold"),
    }
}

/// One who shares the lock.
pub(super) fn shared_holder(subject: &str, path: &Path) -> Result<Box<dyn Holder>> {
    match subject {
        bare::NAME => Ok(Box::new(bare::BareHolder::shared(path))),
        stead::NAME => Ok(Box::new(stead::SteadHolder::shared(path))),
        _ => bail!("nobody called {subject} can share"),
    }
}

/// Opens a lock file as most programs do, and creates it when missing.
fn open_file(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    options.open(path).with_context(|| format!("open {}", path.display()))
}
