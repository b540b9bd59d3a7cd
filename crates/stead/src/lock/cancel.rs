//! Giving up a wait from another thread.

use std::fmt;

use crate::lock::sync::{Arc, AtomicBool, Mutex, Ordering, hold};

/// Ends the waits it was given to, from any thread, at once and for good.
///
/// A cancelled wait returns [`Cancelled`](crate::ErrorKind::Cancelled) and holds nothing. A lock that was granted
/// already is not touched.
///
/// ```
/// use stead::lock::{Cancel, FileLock, Request};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("deploy.lock");
/// let first = FileLock::at(&path).lock(stead::lock::Wait::Forever)?;
/// let cancel = Cancel::new();
/// let other = cancel.clone();
/// let waiter = std::thread::spawn(move || {
///     FileLock::at(path).acquire(&Request::exclusive().cancel(&other)).unwrap_err()
/// });
/// cancel.cancel();
/// assert!(waiter.join().unwrap().is_cancelled());
/// # drop(first);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct Cancel(Arc<State>);

#[derive(Default)]
struct State {
    cancelled: AtomicBool,
    wakers: Mutex<Wakers>,
}

#[derive(Default)]
struct Wakers {
    next: u64,
    all: Vec<(u64, Box<dyn Fn() + Send>)>,
}

impl Cancel {
    /// One that has cancelled nothing yet.
    pub fn new() -> Cancel {
        Cancel::default()
    }

    /// Ends every wait that was given this or a clone of it, and all that will be.
    pub fn cancel(&self) {
        self.0.cancelled.store(true, Ordering::SeqCst);
        // Held while they run, so that a waiter that leaves does not take its alarm away from under us.
        for (_, wake) in &hold(&self.0.wakers).all {
            wake();
        }
    }

    /// Whether it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::SeqCst)
    }

    /// Has `wake` called at [`cancel`](Cancel::cancel), until the returned watch is dropped. The caller looks at
    /// [`is_cancelled`](Cancel::is_cancelled) after this and before it sleeps.
    pub(crate) fn watch(&self, wake: impl Fn() + Send + 'static) -> Watch<'_> {
        let mut wakers = hold(&self.0.wakers);
        let id = wakers.next;
        wakers.next += 1;
        wakers.all.push((id, Box::new(wake)));
        Watch { cancel: self, id }
    }
}

impl fmt::Debug for Cancel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cancel").field("cancelled", &self.is_cancelled()).finish_non_exhaustive()
    }
}

/// A registered waker.
pub(crate) struct Watch<'a> {
    cancel: &'a Cancel,
    id: u64,
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        let waker = {
            let mut wakers = hold(&self.cancel.0.wakers);
            let at = wakers.all.iter().position(|(id, _)| *id == self.id);
            at.map(|at| wakers.all.swap_remove(at))
        };
        drop(waker);
    }
}
