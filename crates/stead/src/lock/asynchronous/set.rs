//! Several locks, all or none, awaited.

use std::path::Path;
use std::sync::Arc;

use crate::error::Result;
use crate::lock::acquire::never_the_same;
use crate::lock::asynchronous::{Acquiring, Acquisition, Asked};
use crate::lock::file_lock::FileLock;
use crate::lock::guard::{Hold, SendGuard, held_variable};
use crate::lock::options::Request;
use crate::lock::set::LockSet;
use crate::sys::FileId;

/// How often the whole set may begin again because a lock file was replaced.
const RESTARTS_MAX: usize = 100;

/// The guards of a [`LockSet`] that was awaited: held by no thread in particular. Dropping it releases all, last taken first.
#[must_use = "the locks are released as soon as the guards are dropped: bind them to a name, not to `_`"]
#[derive(Debug)]
pub struct SendSetGuard {
    /// In the order in which they were taken.
    guards: Taken,
    /// For each lock as it was named, where its guard is.
    named: Vec<usize>,
}

impl LockSet {
    /// [`acquire`](LockSet::acquire), awaited. Dropped, the future gives back what it has got so far.
    ///
    /// ```
    /// use std::time::Duration;
    /// use stead::lock::{FileLock, LockSet, Request};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// let set = LockSet::new(["a.json", "b.json"].map(|name| FileLock::sidecar(folder.path().join(name))));
    /// let guards = set.acquire_async(&Request::exclusive().wait(Duration::from_secs(5))).await?;
    /// assert_eq!(guards.holds().count(), 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`acquire`](LockSet::acquire), and those of [`Acquiring`].
    pub fn acquire_async(&self, request: &Request) -> Acquiring<SendSetGuard> {
        let (set, asked) = (self.clone(), Asked::new(request));
        Acquiring::new(async move { acquire(&set, &asked).await })
    }
}

async fn acquire(set: &LockSet, asked: &Asked) -> Result<SendSetGuard> {
    for _ in 0..RESTARTS_MAX {
        let files = files(set, asked).await?;
        let mut order = files.clone();
        order.sort_unstable();
        order.dedup();
        // A lock file replaced since the order was made may have another place in it: begin again rather than hold two in
        // an order of our own.
        if let Some(guards) = take(set, &files, &order, asked).await? {
            let named = files.iter().filter_map(|file| order.binary_search(file).ok()).collect();
            return Ok(SendSetGuard { guards, named });
        }
    }
    let any = set.locks().first().map_or_else(|| FileLock::at(Path::new("")), FileLock::clone);
    Err(never_the_same(any.core()))
}

/// Which file each lock is now.
async fn files(set: &LockSet, asked: &Asked) -> Result<Vec<FileId>> {
    let mut files = Vec::with_capacity(set.locks().len());
    for lock in set.locks() {
        files.push(acquisition(lock, asked)?.file().await?);
    }
    Ok(files)
}

/// Takes the files in order. `None`: one of them is another one by now.
async fn take(set: &LockSet, files: &[FileId], order: &[FileId], asked: &Asked) -> Result<Option<Taken>> {
    let mut taken = Taken(Vec::with_capacity(order.len()));
    for file in order {
        let Some((lock, _)) = set.locks().iter().zip(files).find(|(_, other)| *other == file) else { continue };
        let guard = SendGuard::new(acquisition(lock, asked)?.hold().await?);
        if guard.above().id != *file {
            return Ok(None);
        }
        taken.0.push(guard);
    }
    // While we waited for the later ones, an earlier one may have been torn away.
    let all_there = order.len() < 2 || taken.0.iter().all(|guard| guard.check().is_ok());
    Ok(all_there.then_some(taken))
}

fn acquisition(lock: &FileLock, asked: &Asked) -> Result<Arc<Acquisition>> {
    Acquisition::begin(Arc::clone(lock.core()), asked.clone())
}

/// Guards that are dropped last first.
#[derive(Debug)]
struct Taken(Vec<SendGuard>);

impl Drop for Taken {
    fn drop(&mut self) {
        while self.0.pop().is_some() {}
    }
}

impl SendSetGuard {
    /// See [`SetGuard::holds`](crate::lock::SetGuard::holds).
    pub fn holds(&self) -> impl Iterator<Item = &Hold> {
        self.named.iter().filter_map(|index| self.guards.0.get(*index)).map(|guard| &**guard)
    }

    /// See [`SetGuard::check`](crate::lock::SetGuard::check).
    ///
    /// # Errors
    /// As there.
    pub fn check(&self) -> Result<()> {
        self.guards.0.iter().try_for_each(|guard| guard.check())
    }

    /// See [`SetGuard::held_variable`](crate::lock::SetGuard::held_variable).
    pub fn held_variable(&self) -> String {
        held_variable(self.guards.0.iter().map(|guard| &**guard))
    }

    /// Releases all, and says if one failed.
    ///
    /// # Errors
    /// The first failure; all are released.
    pub fn release(mut self) -> Result<()> {
        let guards = std::mem::take(&mut self.guards.0);
        let results: Vec<Result<()>> = guards.into_iter().rev().map(SendGuard::release).collect();
        results.into_iter().collect()
    }
}
