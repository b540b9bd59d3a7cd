//! Several locks, all or none.

use std::ops::Deref;
use std::path::Path;

use crate::error::{Error, Result};
use crate::lock::file_lock::FileLock;
use crate::lock::guard::{Guard, Hold, SendGuard, held_variable};
use crate::lock::options::Request;
use crate::lock::wait::{Patience, Wait};
use crate::sys::{self, FileId};

/// How often the whole set may begin again because a lock file was replaced.
const RESTARTS_MAX: usize = 100;

/// Several locks that are taken together: all within one deadline, or none.
///
/// Two sets never wait for each other in a circle: whatever order they were named in, they are taken in one order, that
/// of the files' identity; two paths that lead to the same file are one lock.
///
/// ```
/// use std::time::Duration;
/// use stead::lock::{FileLock, LockSet, Request};
///
/// # let folder = tempfile::tempdir()?;
/// # let (from, to) = (folder.path().join("a.json"), folder.path().join("b.json"));
/// let set = LockSet::new([FileLock::sidecar(&from), FileLock::sidecar(&to)]);
/// let guards = set.acquire(&Request::exclusive().wait(Duration::from_secs(5)))?;
/// assert_eq!(guards.holds().count(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct LockSet {
    locks: Vec<FileLock>,
}

/// The guards of a [`LockSet`]. Dropping it releases all, last taken first.
#[must_use = "the locks are released as soon as the guards are dropped: bind them to a name, not to `_`"]
#[derive(Debug)]
pub struct SetGuard<G = Guard> {
    /// In the order in which they were taken.
    guards: Taken<G>,
    /// For each lock as it was named, where its guard is.
    named: Vec<usize>,
}

/// Guards that are dropped last first.
#[derive(Debug)]
pub(crate) struct Taken<G>(pub(crate) Vec<G>);

impl<G> Drop for Taken<G> {
    fn drop(&mut self) {
        while self.0.pop().is_some() {}
    }
}

impl LockSet {
    /// The set of these locks.
    pub fn new(locks: impl IntoIterator<Item = FileLock>) -> LockSet {
        LockSet { locks: locks.into_iter().collect() }
    }

    /// The locks, as they were named.
    pub fn locks(&self) -> &[FileLock] {
        &self.locks
    }

    /// Takes all of them, in the request's mode, before the request's deadline.
    ///
    /// # Errors
    /// As [`FileLock::acquire`], for the first that fails; none is held then.
    pub fn acquire(&self, request: &Request) -> Result<SetGuard> {
        let patience = Patience::new(request.wait, request.cancel.as_ref());
        let mut request = request.clone();
        if let Some(deadline) = patience.deadline() {
            request.wait = Wait::Until(deadline);
        }
        for _ in 0..RESTARTS_MAX {
            let order = self.order()?;
            let guards = take(&order, &request)?;
            // A lock file replaced since the order was made may have another place in it: begin again rather than
            // hold two in an order of our own.
            if let Some(guards) = guards {
                return Ok(SetGuard::new(guards, self.named(&order)));
            }
        }
        let path = self.locks.first().map_or(Path::new(""), FileLock::path);
        Err(Error::new(crate::ErrorKind::Unsupported, "lock the set of", path)
            .with_hint("the lock files are others at every look: something replaces them again and again"))
    }

    /// Each different file once, in the order of their identity.
    fn order(&self) -> Result<Vec<Ordered<'_>>> {
        let mut order: Vec<Ordered<'_>> = Vec::new();
        for (index, lock) in self.locks.iter().enumerate() {
            let id = lock.identify()?;
            match order.iter_mut().find(|other| other.id == id) {
                Some(other) => other.names.push(index),
                None => order.push(Ordered { id, lock, names: vec![index] }),
            }
        }
        order.sort_by_key(|ordered| ordered.id);
        Ok(order)
    }

    fn named(&self, order: &[Ordered<'_>]) -> Vec<usize> {
        let place = |index: usize| order.iter().position(|ordered| ordered.names.contains(&index));
        (0..self.locks.len()).filter_map(place).collect()
    }
}

struct Ordered<'a> {
    id: FileId,
    lock: &'a FileLock,
    names: Vec<usize>,
}

/// Takes the locks in order. `None`: one of them is no longer the file that the order was made for.
fn take(order: &[Ordered<'_>], request: &Request) -> Result<Option<Taken<Guard>>> {
    let mut guards = Taken(Vec::with_capacity(order.len()));
    for Ordered { id, lock, .. } in order {
        let guard = lock.acquire(request)?;
        if guard.above().id != *id {
            return Ok(None);
        }
        guards.0.push(guard);
    }
    Ok(guards.are_all_there().then_some(guards))
}

impl<G: Deref<Target = Hold>> Taken<G> {
    /// While the later ones were waited for, an earlier one may have been torn away.
    pub(crate) fn are_all_there(&self) -> bool {
        self.0.len() < 2 || self.0.iter().all(|guard| guard.check().is_ok())
    }
}

impl<G> SetGuard<G> {
    pub(crate) fn new(guards: Taken<G>, named: Vec<usize>) -> SetGuard<G> {
        SetGuard { guards, named }
    }

    fn release_by(mut self, release: fn(G) -> Result<()>) -> Result<()> {
        let guards = std::mem::take(&mut self.guards.0);
        let results: Vec<Result<()>> = guards.into_iter().rev().map(release).collect();
        results.into_iter().collect()
    }
}

impl<G: Deref<Target = Hold>> SetGuard<G> {
    /// The holds, one for each lock as it was named; two names of one file give the same hold twice.
    pub fn holds(&self) -> impl Iterator<Item = &Hold> {
        self.named.iter().filter_map(|index| self.guards.0.get(*index)).map(|guard| &**guard)
    }

    /// Whether all lock files are still those at their paths; see [`Hold::check`].
    ///
    /// # Errors
    /// [`Lost`](crate::ErrorKind::Lost) for the first that is not.
    pub fn check(&self) -> Result<()> {
        self.guards.0.iter().try_for_each(|guard| guard.check())
    }

    /// The value of `STEAD_HELD` for a command that is to run under these locks.
    pub fn held_variable(&self) -> String {
        held_variable(self.guards.0.iter().map(|guard| &**guard))
    }
}

impl SetGuard {
    /// Releases all, and says if one failed.
    ///
    /// # Errors
    /// The first failure; all are released.
    pub fn release(self) -> Result<()> {
        self.release_by(Guard::release)
    }
}

impl SetGuard<SendGuard> {
    /// Releases all, and says if one failed.
    ///
    /// # Errors
    /// The first failure; all are released.
    pub fn release(self) -> Result<()> {
        self.release_by(SendGuard::release)
    }
}

impl FileLock {
    /// Opens the lock file, creates it when missing, and says which file it is.
    fn identify(&self) -> Result<FileId> {
        crate::lock::acquire::identify(self.core(), sys::pid())
    }
}
