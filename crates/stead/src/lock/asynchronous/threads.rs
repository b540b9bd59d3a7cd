//! The threads on which locks that are awaited do what may block: few, whatever number of futures there is.
//!
//! They are ours and not those of tokio's pool. That one starts a thread for each piece of work that finds none idle, counts
//! one that has just delivered its result as busy, and may be full of what waits for the very lock that is to be taken here.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::pin::pin;
use std::sync::{Condvar, Mutex, OnceLock, PoisonError};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{Semaphore, SemaphorePermit, oneshot};

use crate::error::{Error, ErrorKind, Result};
use crate::lock::cancel::Cancel;
use crate::sys;

const STEP: &str = "lock";
/// How many steps that end by themselves (opening a file, one try for its lock) run at a time.
const STEPS_MAX: usize = 16;
/// How many wait in the kernel at a time.
const WAITS_MAX: usize = 64;
/// How long a thread stays that has nothing to do.
const IDLE_MAX: Duration = Duration::from_secs(10);

/// A thread that is there for its owner.
pub(crate) type Permit = SemaphorePermit<'static>;

/// Done where it may block; what comes of it is delivered by a second call.
type Work = Box<dyn FnOnce() -> Delivery + Send>;
type Delivery = Box<dyn FnOnce() + Send>;

/// The threads of one process.
pub(crate) struct Threads {
    pid: u32,
    pub(crate) steps: Semaphore,
    pub(crate) waits: Semaphore,
    state: Mutex<State>,
    bell: Condvar,
    child: OnceLock<Box<Threads>>,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Work>,
    /// How many threads will look for work next.
    idle: usize,
}

impl Threads {
    fn new(pid: u32) -> Threads {
        let [steps, waits] = [STEPS_MAX, WAITS_MAX].map(Semaphore::new);
        Threads { pid, steps, waits, state: Mutex::default(), bell: Condvar::new(), child: OnceLock::new() }
    }

    /// Those of the calling process. A fork's child has none of its parent's.
    pub(crate) fn current() -> &'static Threads {
        static FIRST: OnceLock<Threads> = OnceLock::new();
        let pid = sys::pid();
        let mut threads = FIRST.get_or_init(|| Threads::new(pid));
        while threads.pid != pid {
            threads = threads.child.get_or_init(|| Box::new(Threads::new(pid)));
        }
        threads
    }

    /// Has `work` done; `stop` wakes it when nobody awaits it any more, and what it comes to is dropped over there.
    pub(crate) async fn run<T: Send + 'static>(
        &'static self,
        path: &Path,
        permit: Permit,
        stop: Cancel,
        work: impl FnOnce(&Cancel) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let fail = |error| Error::system(STEP, path, error);
        let (said, heard) = oneshot::channel();
        let told = stop.clone();
        let _stop = StopOnDrop(stop);
        let begin = move || -> Delivery {
            if said.is_closed() {
                return Box::new(|| {});
            }
            let outcome = catch_unwind(AssertUnwindSafe(|| work(&told)));
            Box::new(move || drop(said.send((outcome, permit))))
        };
        self.begin(Box::new(begin)).map_err(fail)?;
        match heard.await {
            Ok((Ok(result), _permit)) => result,
            Ok((Err(_), _)) | Err(_) => Err(fail(io::Error::other("its thread panicked"))),
        }
    }

    fn begin(&'static self, work: Work) -> io::Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // As many as there are permits at most: each piece of work has one.
        if state.queue.len() >= state.idle {
            thread::Builder::new().name("stead-lock".into()).spawn(|| self.serve())?;
            state.idle += 1;
        }
        state.queue.push_back(work);
        drop(state);
        self.bell.notify_one();
        Ok(())
    }

    fn serve(&self) {
        while let Some(work) = self.next() {
            let deliver = work();
            // Before the delivery: who gets it may have more to do, and shall not start a thread for it.
            self.state.lock().unwrap_or_else(PoisonError::into_inner).idle += 1;
            deliver();
        }
    }

    /// `None`: nothing came for long.
    fn next(&self) -> Option<Work> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_idle = |state: &mut State| state.queue.is_empty();
        let waited = self.bell.wait_timeout_while(state, IDLE_MAX, is_idle);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let work = state.queue.pop_front();
        state.idle -= 1;
        work
    }
}

/// The runtime that polls the caller.
pub(crate) fn runtime(path: &Path) -> Result<Handle> {
    Handle::try_current().map_err(|_| {
        Error::found(ErrorKind::Unsupported, STEP, path, "it is awaited outside of a tokio runtime")
            .with_hint("await it in a task of tokio, or call the function that blocks")
    })
}

struct StopOnDrop(Cancel);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// Which of two futures was ready first.
pub(crate) enum First<A, B> {
    One(A),
    Other(B),
}

/// Awaits the first of two; of two that are ready, the one named first.
pub(crate) async fn first<A: Future, B: Future>(one: A, other: B) -> First<A::Output, B::Output> {
    let (mut one, mut other) = (pin!(one), pin!(other));
    std::future::poll_fn(|context| match one.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(First::One(output)),
        Poll::Pending => other.as_mut().poll(context).map(First::Other),
    })
    .await
}
