//! Locks that are awaited, under tokio.

mod acquisition;
mod asked;
mod set;
pub(crate) mod threads;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

pub(crate) use acquisition::Acquisition;
pub(crate) use asked::Asked;
pub use set::SendSetGuard;

use crate::error::Result;
use crate::lock::file_lock::FileLock;
use crate::lock::guard::SendGuard;
use crate::lock::options::Request;
use crate::lock::wait::Wait;

/// A lock that is awaited: what [`FileLock::lock_async`] and its siblings return.
///
/// It gets in line when it is first polled, and the wait is counted from the call that made it. It belongs to no thread and no
/// task: a task that awaits what it holds itself waits for itself.
///
/// **Dropping it gives its place up**, in memory at once, and in the line that other processes stand in as soon as the thread
/// there has woken. A lock that is granted at that very moment is released.
///
/// However many there are, they need 80 threads at most, 64 of them for waits in the kernel; all that wait for the same lock
/// together need one, and one descriptor. Waits past these look again, every second at least. The threads are not those of the
/// runtime's blocking pool, which may be full.
///
/// # Errors
/// Awaited outside of a tokio runtime it is [`Unsupported`](crate::ErrorKind::Unsupported).
///
/// # Panics
/// Where it has to wait with a deadline, in a runtime that was built without `enable_time`.
#[must_use = "nothing is locked until it is awaited"]
pub struct Acquiring<G = SendGuard>(Pin<Box<dyn Future<Output = Result<G>> + Send>>);

impl<G> Acquiring<G> {
    pub(crate) fn new(future: impl Future<Output = Result<G>> + Send + 'static) -> Acquiring<G> {
        Acquiring(Box::pin(future))
    }
}

impl<G> Future for Acquiring<G> {
    type Output = Result<G>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<G>> {
        self.0.as_mut().poll(context)
    }
}

impl<G> fmt::Debug for Acquiring<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acquiring").finish_non_exhaustive()
    }
}

impl FileLock {
    /// [`lock`](FileLock::lock), awaited: no thread of the runtime is blocked, and ten thousand may wait. The tasks and
    /// threads of a process, and the processes among each other, are served in the order in which they came.
    ///
    /// The guard may be held across an await and dropped anywhere; [`SendGuard::upgrade`] with a wait belongs into
    /// `spawn_blocking`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use stead::lock::FileLock;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// let lock = FileLock::sidecar(folder.path().join("state.json"));
    /// let guard = lock.lock_async(Duration::from_secs(5)).await?;
    /// // Nobody else who locks state.json is here now, in this process or another.
    /// tokio::task::yield_now().await;
    /// guard.release()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`acquire_send`](FileLock::acquire_send), and those of [`Acquiring`]. The holder is named in
    /// [`TimedOut`](crate::ErrorKind::TimedOut) unless very many waits end at once.
    pub fn lock_async(&self, wait: impl Into<Wait>) -> Acquiring {
        self.acquire_async(&Request::exclusive().wait(wait))
    }

    /// [`lock_shared`](FileLock::lock_shared), awaited.
    ///
    /// # Errors
    /// As [`lock_async`](FileLock::lock_async).
    pub fn lock_shared_async(&self, wait: impl Into<Wait>) -> Acquiring {
        self.acquire_async(&Request::shared().wait(wait))
    }

    /// [`acquire_send`](FileLock::acquire_send), awaited.
    ///
    /// # Errors
    /// As [`lock_async`](FileLock::lock_async), and [`Cancelled`](crate::ErrorKind::Cancelled).
    pub fn acquire_async(&self, request: &Request) -> Acquiring {
        let (core, asked) = (Arc::clone(self.core()), Asked::new(request));
        Acquiring::new(async move { Ok(SendGuard::new(Acquisition::begin(core, asked)?.hold().await?)) })
    }
}
