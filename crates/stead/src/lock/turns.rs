//! Turns in memory: threads of one process line up here before one of them goes to the kernel.
//!
//! First come, first served; shared turns next to each other go together. A pure algorithm over a mutex and one bell per
//! waiter, so that loom can try every interleaving of it.

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
    queue: VecDeque<(Ticket, Bell)>,
    /// One who shares, and waits for the others to go.
    upgrade: Option<(u64, Bell)>,
}

/// Rung once, when a turn is granted.
pub(crate) type Bell = Box<dyn FnOnce() + Send>;

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
    pub(crate) file: FileId,
    number: u64,
    /// Whether it had to be waited for.
    pub(crate) waited: bool,
}

/// Why there is no turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Denied {
    /// The same thread holds this lock: it would wait for itself.
    AlreadyHeld,
    /// Two who share want to be alone: each would wait for the other.
    WouldDeadlock,
    End(End),
}

impl Turns {
    pub(crate) fn new() -> Turns {
        Turns(Arc::new(Mutex::new(State::default())))
    }

    /// Waits for a turn on `file`. `owner` is the calling thread unless the hold is to travel. Before it sleeps, `arrived` is
    /// called, in the order of the line, and then `in_line`, when others may line up behind.
    pub(crate) fn take(
        &self,
        file: FileId,
        mode: Mode,
        owner: Option<ThreadId>,
        patience: &Patience<'_>,
        (arrived, in_line): (impl FnOnce(), impl FnOnce()),
    ) -> Result<Turn, Denied> {
        let alarm = Arc::new(Condvar::new());
        let bell = || patience.end().map_or(Ok(ringing(&alarm)), Err).inspect(|_| arrived());
        let turn = self.line_up(file, mode, owner, bell)?;
        if !turn.waited {
            return Ok(turn);
        }
        in_line();
        self.wait(turn, &alarm, patience)
    }

    /// Gets a turn now, or lines up for one: then `waited` is true, and the bell that is asked for will ring.
    pub(crate) fn line_up(
        &self,
        file: FileId,
        mode: Mode,
        owner: Option<ThreadId>,
        bell: impl FnOnce() -> Result<Bell, End>,
    ) -> Result<Turn, Denied> {
        let mut state = hold(&self.0);
        let number = state.draw();
        state.line_up(file, Ticket { number, mode, owner }, bell)
    }

    /// A number for somebody who will line up as soon as it is known for which file.
    #[cfg(feature = "tokio")]
    pub(crate) fn draw(&self) -> u64 {
        hold(&self.0).draw()
    }

    /// Lines up with a number that was drawn before, and so ahead of all who came later, for a turn that belongs to no
    /// thread.
    #[cfg(feature = "tokio")]
    pub(crate) fn line_up_with(
        &self,
        number: u64,
        file: FileId,
        mode: Mode,
        bell: impl FnOnce() -> Result<Bell, End>,
    ) -> Result<Turn, Denied> {
        let mut state = hold(&self.0);
        let turn = state.line_up(file, Ticket { number, mode, owner: None }, bell)?;
        // A reader may come before the writer that kept it out.
        if let Some(line) = state.lines.get_mut(&file) {
            line.admit();
        }
        Ok(turn)
    }

    fn wait(&self, turn: Turn, alarm: &Arc<Condvar>, patience: &Patience<'_>) -> Result<Turn, Denied> {
        self.sleep(turn, alarm, patience, |line| line.has(turn)).map(|()| turn).map_err(|end| {
            self.release(turn);
            Denied::End(end)
        })
    }

    /// Sleeps until the line of a turn is as it should be.
    fn sleep(
        &self,
        turn: Turn,
        alarm: &Arc<Condvar>,
        patience: &Patience<'_>,
        is_so: impl Fn(&Line) -> bool,
    ) -> Result<(), End> {
        let watch = patience.cancel.map(|cancel| {
            let (state, alarm) = (Arc::clone(&self.0), Arc::clone(alarm));
            cancel.watch(move || {
                // Taken so that the alarm does not go off between the waiter's last look and its sleep.
                let _state = hold(&state);
                alarm.notify_one();
            })
        });
        let mut state = hold(&self.0);
        let outcome = loop {
            let line = state.lines.get(&turn.file).expect("a line lives while somebody is in it");
            if is_so(line) {
                break Ok(());
            }
            if let Some(end) = patience.end() {
                break Err(end);
            }
            state = doze(state, alarm, patience.limit);
        };
        drop(state);
        drop(watch);
        outcome
    }

    /// Whether a turn that was lined up for is granted.
    #[cfg(feature = "tokio")]
    pub(crate) fn is_granted(&self, turn: Turn) -> bool {
        hold(&self.0).lines.get(&turn.file).is_some_and(|line| line.has(turn))
    }

    /// Waits until no other thread shares, and lets nobody else in from now on. Given up, all is as before.
    pub(crate) fn upgrade(&self, turn: Turn, patience: &Patience<'_>) -> Result<(), Denied> {
        let alarm = Arc::new(Condvar::new());
        self.ask_to_upgrade(turn, &alarm)?;
        self.sleep(turn, &alarm, patience, |line| line.holders.len() == 1).map_err(|end| {
            self.forget_upgrade(turn);
            Denied::End(end)
        })?;
        self.change(turn, |ticket| ticket.mode = Mode::Exclusive);
        Ok(())
    }

    fn ask_to_upgrade(&self, turn: Turn, alarm: &Arc<Condvar>) -> Result<(), Denied> {
        let mut state = hold(&self.0);
        let line = state.lines.get_mut(&turn.file).expect("a line lives while somebody is in it");
        if line.upgrade.is_some() {
            return Err(Denied::WouldDeadlock);
        }
        let mine = line.holders.iter().find(|holder| holder.number == turn.number).copied();
        let is_mine = |other: &&Ticket| other.number != turn.number && other.owner.is_some();
        let owner = mine.and_then(|ticket| ticket.owner);
        if line.holders.iter().filter(is_mine).any(|other| other.owner == owner) {
            return Err(Denied::AlreadyHeld);
        }
        line.upgrade = Some((turn.number, ringing(alarm)));
        Ok(())
    }

    /// An upgrade was given up, or is done.
    pub(crate) fn forget_upgrade(&self, turn: Turn) {
        self.with_line(turn, |line| {
            if line.upgrade.as_ref().is_some_and(|(number, _)| *number == turn.number) {
                line.upgrade = None;
            }
        });
    }

    /// Gives a turn back, or a place in the line for one, and lets the next in.
    pub(crate) fn release(&self, turn: Turn) {
        self.with_line(turn, |line| {
            line.holders.retain(|holder| holder.number != turn.number);
            // A writer that leaves may have been all that kept readers waiting.
            line.queue.retain(|(ticket, _)| ticket.number != turn.number);
        });
    }

    /// Turns an exclusive turn into a shared one.
    pub(crate) fn downgrade(&self, turn: Turn) {
        self.change(turn, |ticket| ticket.mode = Mode::Shared);
    }

    /// Makes a turn belong to no thread.
    pub(crate) fn disown(&self, turn: Turn) {
        self.change(turn, |ticket| ticket.owner = None);
    }

    /// The files that this thread holds; what belongs to no thread is not among them.
    pub(crate) fn held_by(&self, owner: Option<ThreadId>) -> Vec<FileId> {
        let state = hold(&self.0);
        state.lines.iter().filter(|(_, line)| line.is_held_by(owner)).map(|(file, _)| *file).collect()
    }

    /// How many turns of this file belong to this thread.
    pub(crate) fn count_of(&self, file: FileId, owner: ThreadId) -> usize {
        let state = hold(&self.0);
        let is_its = |holder: &&Ticket| holder.owner == Some(owner);
        state.lines.get(&file).map_or(0, |line| line.holders.iter().filter(is_its).count())
    }

    /// Whether nobody holds or waits for anything.
    #[cfg(all(test, loom))]
    pub(crate) fn is_empty(&self) -> bool {
        hold(&self.0).lines.is_empty()
    }

    fn change(&self, turn: Turn, change: impl FnOnce(&mut Ticket)) {
        self.with_line(turn, |line| {
            if let Some(ticket) = line.holders.iter_mut().find(|holder| holder.number == turn.number) {
                change(ticket);
            }
        });
    }

    /// Changes the line of a turn, and lets in who may come in now.
    fn with_line(&self, turn: Turn, change: impl FnOnce(&mut Line)) {
        let mut state = hold(&self.0);
        let Some(line) = state.lines.get_mut(&turn.file) else { return };
        change(line);
        line.admit();
        if line.holders.is_empty() && line.queue.is_empty() {
            state.lines.remove(&turn.file);
        }
    }
}

impl State {
    fn draw(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }

    fn line_up(
        &mut self,
        file: FileId,
        ticket: Ticket,
        bell: impl FnOnce() -> Result<Bell, End>,
    ) -> Result<Turn, Denied> {
        let Ticket { number, mode, owner } = ticket;
        let turn = Turn { file, number, waited: false };
        let line = self.lines.entry(file).or_default();
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
        let place = line.queue.partition_point(|(other, _)| other.number < number);
        line.queue.insert(place, (ticket, bell().map_err(Denied::End)?));
        Ok(Turn { waited: true, ..turn })
    }
}

impl Line {
    fn is_held_by(&self, owner: Option<ThreadId>) -> bool {
        owner.is_some() && self.holders.iter().any(|holder| holder.owner == owner)
    }

    fn has(&self, turn: Turn) -> bool {
        self.holders.iter().any(|holder| holder.number == turn.number)
    }

    fn admits(&self, mode: Mode) -> bool {
        self.upgrade.is_none() && self.holders.iter().all(|holder| holder.mode.is_compatible_with(mode))
    }

    /// Lets in from the front of the queue all that fit; first of all one who shares already and wants to be alone.
    fn admit(&mut self) {
        if self.holders.len() == 1
            && let Some((number, bell)) = self.upgrade.take()
        {
            bell();
            // Until it is done, nobody else comes in.
            self.upgrade = Some((number, Box::new(|| {})));
        }
        while let Some((ticket, _)) = self.queue.front() {
            if !self.admits(ticket.mode) {
                return;
            }
            let (ticket, bell) = self.queue.pop_front().expect("looked at above");
            self.holders.push(ticket);
            bell();
        }
    }
}

/// A bell that wakes the thread that sleeps on this.
fn ringing(alarm: &Arc<Condvar>) -> Bell {
    let alarm = Arc::clone(alarm);
    Box::new(move || alarm.notify_one())
}

fn doze<'a>(state: MutexGuard<'a, State>, bell: &Condvar, limit: Limit) -> MutexGuard<'a, State> {
    match limit {
        Limit::At(deadline) => doze_until(state, bell, deadline),
        Limit::Now | Limit::Never => bell.wait(state).unwrap_or_else(std::sync::PoisonError::into_inner),
    }
}

fn doze_until<'a>(state: MutexGuard<'a, State>, bell: &Condvar, deadline: Instant) -> MutexGuard<'a, State> {
    let left = deadline.saturating_duration_since(sys::now());
    let (state, _) = bell.wait_timeout(state, left).unwrap_or_else(std::sync::PoisonError::into_inner);
    state
}
