//! Several locks, all or none, awaited.

use std::path::Path;
use std::sync::Arc;

use crate::error::Result;
use crate::lock::acquire::never_the_same;
use crate::lock::asynchronous::{Acquiring, Acquisition, Asked};
use crate::lock::file_lock::FileLock;
use crate::lock::guard::SendGuard;
use crate::lock::options::Request;
use crate::lock::set::{LockSet, SetGuard, Taken};
use crate::sys::FileId;

/// How often the whole set may begin again because a lock file was replaced.
const RESTARTS_MAX: usize = 100;

/// The guards of a [`LockSet`] that was awaited: held by no thread in particular.
pub type SendSetGuard = SetGuard<SendGuard>;

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
            return Ok(SetGuard::new(guards, named));
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
async fn take(set: &LockSet, files: &[FileId], order: &[FileId], asked: &Asked) -> Result<Option<Taken<SendGuard>>> {
    let mut taken = Taken(Vec::with_capacity(order.len()));
    for file in order {
        let Some((lock, _)) = set.locks().iter().zip(files).find(|(_, other)| *other == file) else { continue };
        let guard = SendGuard::new(acquisition(lock, asked)?.hold().await?);
        if guard.above().id != *file {
            return Ok(None);
        }
        taken.0.push(guard);
    }
    Ok(taken.are_all_there().then_some(taken))
}

fn acquisition(lock: &FileLock, asked: &Asked) -> Result<Arc<Acquisition>> {
    Acquisition::begin(Arc::clone(lock.core()), asked.clone())
}
