//! A thread that makes appended events durable in time.

use std::fs::File;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::sys;
use crate::sys::disk::{Disk, RealDisk, uninterrupted};

/// Syncs a file at the latest so long after it was told of an append.
#[derive(Debug)]
pub(crate) struct Syncer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    bytes_max: u64,
}

#[derive(Debug)]
struct Shared {
    /// Held during a sync: of two at once the system tells one only of an error.
    gate: Arc<Mutex<()>>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    file: Option<Arc<File>>,
    /// The end of what was appended, and of what is durable, as logical offsets.
    appended: u64,
    synced: u64,
    /// When the oldest append that is not durable has to be.
    due: Option<Instant>,
    failed: Option<io::Error>,
    ends: bool,
}

impl Syncer {
    pub(crate) fn start(interval: Duration, bytes_max: u64) -> io::Result<Syncer> {
        let shared = Arc::new(Shared { gate: Arc::default(), state: Mutex::default(), changed: Condvar::new() });
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("stead-log-sync".to_owned());
        let thread = thread.spawn(move || theirs.run(interval))?;
        Ok(Syncer { shared, thread: Some(thread), bytes_max })
    }

    /// All up to `end` is in `file`, which is another one than before if `anew`. True: it is time to sync here and now.
    pub(crate) fn note(&self, file: &File, anew: bool, end: u64) -> io::Result<bool> {
        let mut state = self.shared.state();
        if anew || state.file.is_none() {
            state.file = Some(Arc::new(file.try_clone()?));
        }
        state.appended = end;
        let waits = end.saturating_sub(state.synced);
        if state.due.is_none() {
            // The thread sets the clock: it knows its interval.
            state.due = Some(sys::now());
            self.shared.changed.notify_one();
        }
        Ok(waits >= self.bytes_max)
    }

    /// To be held by who syncs the same file.
    pub(crate) fn gate(&self) -> Arc<Mutex<()>> {
        Arc::clone(&self.shared.gate)
    }

    /// All up to `end` is durable.
    pub(crate) fn note_synced(&self, end: u64) {
        let mut state = self.shared.state();
        state.synced = state.synced.max(end);
    }

    /// Up to where all is durable.
    pub(crate) fn synced(&self) -> u64 {
        self.shared.state().synced
    }

    /// The same, and why the last sync failed, if it did.
    pub(crate) fn look(&self) -> (u64, Option<io::Error>) {
        let mut state = self.shared.state();
        (state.synced, state.failed.take())
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, interval: Duration) {
        let mut state = self.state();
        loop {
            if state.ends {
                return;
            }
            let Some(begun) = state.due else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = (begun + interval).saturating_duration_since(sys::now());
            if !left.is_zero() {
                state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
                continue;
            }
            state.due = None;
            let (file, end) = (state.file.clone(), state.appended);
            if end <= state.synced {
                continue;
            }
            drop(state);
            let gate = lock(&self.gate);
            let outcome = file.map_or(Ok(()), |file| uninterrupted(|| RealDisk.sync_data(&file)));
            state = self.state();
            match outcome {
                Ok(()) => state.synced = state.synced.max(end),
                Err(error) => state.failed = Some(error),
            }
            drop(gate);
        }
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        self.shared.state().ends = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // It holds nothing that a panic could have spoilt.
            let _ = thread.join();
        }
    }
}

/// Takes a mutex that guards no state of its own.
pub(crate) fn lock(gate: &Mutex<()>) -> MutexGuard<'_, ()> {
    gate.lock().unwrap_or_else(PoisonError::into_inner)
}
