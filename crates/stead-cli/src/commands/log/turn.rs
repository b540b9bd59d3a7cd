//! Signals that come while something is printed.

use std::io;
use std::sync::{Arc, Mutex, PoisonError, TryLockError};
use std::time::Duration;

use stead_console::platform;

/// How long a signal waits for what is being printed.
const PRINTING: Duration = Duration::from_secs(2);
const BLINK: Duration = Duration::from_millis(5);

/// What is printed and the cursor behind it belong together: a signal waits for both.
#[derive(Debug, Default, Clone)]
pub(super) struct Turn(Arc<Mutex<()>>);

impl Turn {
    pub(super) fn take<T>(&self, work: impl FnOnce() -> T) -> T {
        let _turn = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        work()
    }

    pub(super) fn end_by_signals(&self) -> io::Result<()> {
        let turn = self.clone();
        platform::before_ending(move || {
            turn.wait();
            true
        })
    }

    /// Until nothing is being printed, but not for ever: whoever reads may have stopped.
    fn wait(&self) {
        let mut left = PRINTING;
        while matches!(self.0.try_lock(), Err(TryLockError::WouldBlock)) && !left.is_zero() {
            std::thread::sleep(BLINK);
            left = left.saturating_sub(BLINK);
        }
    }
}
