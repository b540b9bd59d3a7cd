//! A thread that wakes another one out of a blocking call, for systems whose timers cannot reach one thread.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::sys::now;

/// How often an alarm repeats once it has gone off: a wake-up that comes an instant before the call is lost.
const REPEAT: Duration = Duration::from_millis(5);
/// The thread sleeps, looks at the clock and makes one system call.
const STACK_BYTES: usize = 128 * 1024;

/// The thread, ended and joined when this is dropped: nothing is left behind that could act later (trap 16).
pub(crate) struct AlarmThread {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    deadline: Option<Instant>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    is_rung: bool,
    /// The sleeper is inside [`AlarmThread::sleep`]. It is woken there and nowhere else, so that no other call of its
    /// is ever interrupted.
    is_asleep: bool,
    is_dropped: bool,
}

impl AlarmThread {
    /// Starts the thread; `wake` gets the sleeper out of its blocking call, and does no harm where it is in none.
    pub(crate) fn start(deadline: Option<Instant>, wake: impl Fn() + Send + 'static) -> Option<AlarmThread> {
        let shared = Arc::new(Shared { deadline, state: Mutex::default(), changed: Condvar::new() });
        let builder = std::thread::Builder::new().name("stead-alarm".into()).stack_size(STACK_BYTES);
        let its = Arc::clone(&shared);
        let thread = builder.spawn(move || its.run(&wake)).ok()?;
        Some(AlarmThread { shared, thread: Some(thread) })
    }

    /// Goes off now.
    pub(crate) fn ring(&self) {
        self.shared.state().is_rung = true;
        self.shared.changed.notify_one();
    }

    /// Whether it has gone off.
    pub(crate) fn is_over(&self) -> bool {
        self.shared.is_over(&self.shared.state())
    }

    /// Makes a blocking `call` in the one thread that is to be woken.
    pub(crate) fn sleep<T>(&self, call: impl FnOnce() -> T) -> T {
        let mut state = self.shared.state();
        state.is_asleep = true;
        // Until then it looks at the clock by itself.
        if self.shared.is_over(&state) {
            self.shared.changed.notify_one();
        }
        drop(state);
        let _awake = Awake(&self.shared);
        call()
    }
}

impl Drop for AlarmThread {
    fn drop(&mut self) {
        self.shared.state().is_dropped = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // It has nothing in it that panics.
            let _ = thread.join();
        }
    }
}

/// Says that the sleeper has left its call, even if it panicked.
struct Awake<'a>(&'a Shared);

impl Drop for Awake<'_> {
    fn drop(&mut self) {
        self.0.state().is_asleep = false;
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_over(&self, state: &State) -> bool {
        state.is_rung || self.deadline.is_some_and(|deadline| now() >= deadline)
    }

    /// What the thread does. It wakes the sleeper under the mutex, so that the sleeper cannot have gone on.
    fn run(&self, wake: &impl Fn()) {
        let mut state = self.state();
        while !state.is_dropped {
            let nap = match (self.is_over(&state), state.is_asleep) {
                (true, true) => {
                    wake();
                    Some(REPEAT)
                }
                (true, false) => None,
                (false, _) => self.deadline.map(|deadline| deadline.saturating_duration_since(now())),
            };
            state = match nap {
                Some(nap) => {
                    let timed = self.changed.wait_timeout(state, nap);
                    timed.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }
}
