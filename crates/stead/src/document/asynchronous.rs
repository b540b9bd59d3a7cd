//! Documents that are changed by tasks.

use std::future::Future;
use std::panic::resume_unwind;
use std::sync::Arc;

use crate::document::document::Document;
use crate::document::store::STEP;
use crate::error::{Error, ErrorKind, Result};
use crate::lock::asynchronous::threads::{Threads, runtime};
use crate::lock::{Cancel, FileLock, SendGuard};

impl<T: 'static> Document<T> {
    /// [`update`](Document::update), awaited: the lock is waited for without a thread, and `f` is called on one of the
    /// runtime's that may block, in the order in which the tasks came.
    ///
    /// Dropped while it waits, the future gives its place up and nothing is changed; dropped later, the change is made to its
    /// end all the same. An update of the same document inside of `f` waits for itself: the lock belongs to no thread.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use stead::document::Document;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("count.json");
    /// let count = Arc::new(Document::<u64>::json(&path).default(|| 0));
    /// let before = count.update_async(|count| std::mem::replace(count, *count + 1)).await?;
    /// assert_eq!((before, count.read()?), (0, 1));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`update`](Document::update), and those of [`Acquiring`](crate::lock::Acquiring);
    /// [`Cancelled`](ErrorKind::Cancelled) if the runtime shuts down.
    pub fn update_async<R, F>(self: &Arc<Self>, mut f: F) -> impl Future<Output = Result<R>> + Send + use<T, R, F>
    where
        R: Send + 'static,
        F: FnMut(&mut T) -> R + Send + 'static,
    {
        change(Arc::clone(self), move |value: &mut T| Ok(f(value)))
    }

    /// [`try_update`](Document::try_update), awaited: an error of `f` is returned, and changes nothing.
    ///
    /// # Errors
    /// As [`update_async`](Document::update_async), and those of `f`.
    pub fn try_update_async<R, E, F>(
        self: &Arc<Self>,
        f: F,
    ) -> impl Future<Output = Result<R, E>> + Send + use<T, R, E, F>
    where
        R: Send + 'static,
        E: From<Error> + Send + 'static,
        F: FnMut(&mut T) -> Result<R, E> + Send + 'static,
    {
        change(Arc::clone(self), f)
    }
}

async fn change<T, R, E, F>(document: Arc<Document<T>>, mut f: F) -> Result<R, E>
where
    T: 'static,
    R: Send + 'static,
    E: From<Error> + Send + 'static,
    F: FnMut(&mut T) -> Result<R, E> + Send + 'static,
{
    let runtime = runtime(document.path())?;
    let guard = match document.lock.clone() {
        Some(lock) => Some(enter(&document, &lock).await?),
        None => None,
    };
    let this = Arc::clone(&document);
    let work = move || {
        // Dropped after the guard, as in an update that blocks.
        let mut replaced = None;
        let guard = guard;
        if guard.as_ref().is_some_and(|guard| guard.follows_a_death()) {
            this.store.sweep();
        }
        this.change_under(guard.as_deref(), None, &mut f, &mut replaced)
    };
    match runtime.spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
        Err(_) => Err(Error::new(ErrorKind::Cancelled, STEP, document.path())
            .with_hint("the tokio runtime shuts down; the document is as it was")
            .into()),
    }
}

async fn enter<T: 'static>(document: &Arc<Document<T>>, lock: &FileLock) -> Result<SendGuard> {
    let this = Arc::clone(document);
    let threads = Threads::current();
    let permit = threads.steps.acquire().await.expect("never closed");
    // What is no file gets no lock beside it.
    let see = move |_: &Cancel| this.store.look().map(|_| ());
    threads.run(document.path(), permit, Cancel::new(), see).await?;
    lock.lock_async(document.wait).await
}
