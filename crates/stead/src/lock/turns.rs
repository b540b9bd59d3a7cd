//! Turns in memory: threads of one process line up here before one of them goes to the kernel.
//!
//! First come, first served; shared turns next to each other go together. A pure algorithm over a mutex and one
//! condition variable per waiter, so that loom can try every interleaving of it.

use std::collections::{HashMap, VecDeque};
use std::thread::ThreadId;
use std::time::Instant;

use crate::lock::sync::{Arc, Condvar, Mutex, MutexGuard, hold};
use crate::lock::wait::{End, Limit, Patience};
use crate::sys::{self, FileId, Mode};

/// The lines of all lock files of one process.
pub(crate) struct Turns(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    next: u64,
    lines: HashMap<FileId, Line>,
}

/// Who holds and who waits for one lock file.
#[derive(Default)]
struct Line {
    holders: Vec<Ticket>,
    queue: VecDeque<(Ticket, Arc<Condvar>)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ticket {
    number: u64,
    mode: Mode,
    /// The thread that would wait for itself; `None` for holds that travel.
    owner: Option<ThreadId>,
}

/// A granted turn; give it back with [`Turns::release`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Turn {
    file: FileId,
    number: u64,
    /// Whether it had to be waited for.
    pub(crate) waited: bool,
}

/// Why there is no turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Denied {
    /// The same thread holds this lock: it would wait for itself.
    AlreadyHeld,
    End(End),
}

impl Turns {
    pub(crate) fn new() -> Turns {
        Turns(Arc::new(Mutex::new(State::default())))
    }

    /// Waits for a turn on `file`. `owner` is the calling thread unless the hold is to travel.
    pub(crate) fn take(
        &self,
        file: FileId,
        mode: Mode,
        owner: Option<ThreadId>,
        patience: &Patience<'_>,
    ) -> Result<Turn, Denied> {
        let mut state = hold(&self.0);
        let number = state.next;
        state.next += 1;
        let turn = Turn { file, number, waited: false };
        let ticket = Ticket { number, mode, owner };
        let line = state.lines.entry(file).or_default();
        if line.is_held_by(owner) {
            // A thread that reads may read again, past the queue: the writer in it waits for this thread.
            if mode == Mode::Exclusive || line.holders.iter().any(|holder| holder.mode == Mode::Exclusive) {
                return Err(Denied::AlreadyHeld);
            }
            line.holders.push(ticket);
            return Ok(turn);
        }
        if line.queue.is_empty() && line.admits(mode) {
            line.holders.push(ticket);
            return Ok(turn);
        }
        if let Some(end) = patience.end() {
            return Err(Denied::End(end));
        }
        let bell = Arc::new(Condvar::new());
        line.queue.push_back((ticket, Arc::clone(&bell)));
        drop(state);
        self.wait(Turn { waited: true, ..turn }, &bell, patience)
    }

    fn wait(&self, turn: Turn, bell: &Arc<Condvar>, patience: &Patience<'_>) -> Result<Turn, Denied> {
        let watch = patience.cancel.map(|cancel| {
            let (state, bell) = (Arc::clone(&self.0), Arc::clone(bell));
            cancel.watch(move || {
                // Taken so that the bell does not ring between the waiter's last look and its sleep.
                let _state = hold(&state);
                bell.notify_one();
            })
        });
        let mut state = hold(&self.0);
        let outcome = loop {
            let line = state.lines.get_mut(&turn.file).expect("a line lives while somebody is in it");
            if line.holders.iter().any(|holder| holder.number == turn.number) {
                break Ok(turn);
            }
            if let Some(end) = patience.end() {
                line.queue.retain(|(ticket, _)| ticket.number != turn.number);
                // A writer that leaves may have been all that kept readers waiting.
                line.admit();
                break Err(Denied::End(end));
            }
            state = sleep(state, bell, patience.limit);
        };
        drop(state);
        drop(watch);
        outcome
    }

    /// Gives a turn back and lets the next in.
    pub(crate) fn release(&self, turn: Turn) {
        let mut state = hold(&self.0);
        let Some(line) = state.lines.get_mut(&turn.file) else { return };
        line.holders.retain(|holder| holder.number != turn.number);
        line.admit();
        if line.holders.is_empty() && line.queue.is_empty() {
            state.lines.remove(&turn.file);
        }
    }

    /// Turns an exclusive turn into a shared one.
    pub(crate) fn downgrade(&self, turn: Turn) {
        self.change(turn, |ticket| ticket.mode = Mode::Shared);
    }

    /// Makes a turn belong to no thread.
    pub(crate) fn disown(&self, turn: Turn) {
        self.change(turn, |ticket| ticket.owner = None);
    }

    /// Whether nobody holds or waits for anything.
    #[cfg(all(test, loom))]
    pub(crate) fn is_empty(&self) -> bool {
        hold(&self.0).lines.is_empty()
    }

    fn change(&self, turn: Turn, change: impl FnOnce(&mut Ticket)) {
        let mut state = hold(&self.0);
        let Some(line) = state.lines.get_mut(&turn.file) else { return };
        if let Some(ticket) = line.holders.iter_mut().find(|holder| holder.number == turn.number) {
            change(ticket);
        }
        line.admit();
    }
}

impl Line {
    fn is_held_by(&self, owner: Option<ThreadId>) -> bool {
        owner.is_some() && self.holders.iter().any(|holder| holder.owner == owner)
    }

    fn admits(&self, mode: Mode) -> bool {
        self.holders.iter().all(|holder| holder.mode.is_compatible_with(mode))
    }

    /// Lets in from the front of the queue all that fit.
    fn admit(&mut self) {
        while let Some((ticket, _)) = self.queue.front() {
            if !self.admits(ticket.mode) {
                return;
            }
            let (ticket, bell) = self.queue.pop_front().expect("looked at above");
            self.holders.push(ticket);
            bell.notify_one();
        }
    }
}

fn sleep<'a>(state: MutexGuard<'a, State>, bell: &Condvar, limit: Limit) -> MutexGuard<'a, State> {
    match limit {
        Limit::At(deadline) => sleep_until(state, bell, deadline),
        Limit::Now | Limit::Never => bell.wait(state).unwrap_or_else(std::sync::PoisonError::into_inner),
    }
}

fn sleep_until<'a>(state: MutexGuard<'a, State>, bell: &Condvar, deadline: Instant) -> MutexGuard<'a, State> {
    let left = deadline.saturating_duration_since(sys::now());
    let (state, _) = bell.wait_timeout(state, left).unwrap_or_else(std::sync::PoisonError::into_inner);
    state
}
