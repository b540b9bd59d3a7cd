//! Acquiring: a turn in memory, the kernel's lock, a second look at the path, the record.

use std::cell::Cell;
use std::sync::Arc;
use std::thread::ThreadId;

use crate::error::{Error, ErrorKind, Result};
use crate::lock::core::Core;
use crate::lock::guard::{Hold, Strength};
use crate::lock::inspect;
use crate::lock::nesting;
use crate::lock::open::{LastToken, OpenLock, peek};
use crate::lock::options::Request;
use crate::lock::place::{Place, Style};
use crate::lock::protocol::{Order, Protocol, Step};
use crate::lock::queue::Ticket;
use crate::lock::record;
use crate::lock::registry::Process;
use crate::lock::trace;
use crate::lock::turns::{Denied, Turn};
use crate::lock::wait::{End, Limit, Patience};
use crate::lock::waiting::{self, Ended, Waiting};
use crate::sys::{self, Access, Mode, VolumeKind};

/// How often in a row a lock file may be replaced under us before we call the filesystem strange.
pub(crate) const RESTARTS_MAX: usize = 1000;

/// Takes the lock of `core`. `owner` is the calling thread, unless the hold is to travel.
pub(crate) fn acquire(core: &Arc<Core>, request: &Request, owner: Option<ThreadId>) -> Result<Hold> {
    let patience = Patience::new(request.wait, request.cancel.as_ref());
    let attempt = Attempt { core, process: Process::current(), mode: request.mode, owner, patience };
    let wait = trace::Wait::new(core, request.mode);
    for restart in 0..RESTARTS_MAX {
        if let Some(hold) = attempt.once()? {
            wait.granted(patience.waited());
            return Ok(hold);
        }
        // A lock file replaced in a loop must not outlast the deadline.
        if restart > 0
            && patience.limit != Limit::Now
            && let Some(end) = patience.end()
        {
            return Err(attempt.ended(end, None));
        }
    }
    Err(never_the_same(core))
}

/// The error of a lock file that is replaced again and again.
pub(crate) fn never_the_same(core: &Core) -> Error {
    Error::new(ErrorKind::Unsupported, "lock", &core.shown).with_hint(
        "the lock file is another one at every look: something replaces it, or the filesystem has no stable inodes",
    )
}

/// One acquisition under way.
pub(crate) struct Attempt<'a> {
    pub(crate) core: &'a Arc<Core>,
    pub(crate) process: &'static Process,
    pub(crate) mode: Mode,
    pub(crate) owner: Option<ThreadId>,
    pub(crate) patience: Patience<'a>,
}

/// A turn, or a place in the line for one, that goes back when it is not kept.
pub(crate) struct HeldTurn {
    process: &'static Process,
    turn: Option<Turn>,
    /// The ticket among the processes that was taken while it was waited for.
    ticket: Option<u64>,
}

impl HeldTurn {
    fn new(process: &'static Process, turn: Turn) -> HeldTurn {
        HeldTurn { process, turn: Some(turn), ticket: None }
    }

    pub(crate) fn waited(&self) -> bool {
        self.turn.is_some_and(|turn| turn.waited)
    }

    #[cfg(feature = "tokio")]
    pub(crate) fn is_for(&self, file: sys::FileId) -> bool {
        self.turn.is_some_and(|turn| turn.file == file)
    }

    #[cfg(feature = "tokio")]
    pub(crate) fn is_granted(&self) -> bool {
        self.turn.is_some_and(|turn| self.process.turns.is_granted(turn))
    }

    fn keep(mut self) -> Turn {
        self.turn.take().expect("kept once")
    }
}

impl Drop for HeldTurn {
    fn drop(&mut self) {
        if let Some(turn) = self.turn {
            self.process.turns.release(turn);
        }
    }
}

/// How the kernel answered.
enum Outcome {
    Granted {
        after_waiting: bool,
    },
    Above(nesting::Above),
    /// The file at the path is another one by now.
    Stale,
    Ended(End),
}

/// What came of an attempt with a turn.
pub(crate) enum Tried {
    Held(Hold),
    /// The file at the path is another one by now.
    Stale,
    /// In vain; the turn is still there for another attempt.
    Ended(OpenLock, HeldTurn, End),
}

impl Attempt<'_> {
    /// `None`: the file at the path is no longer the one that was locked; begin again.
    fn once(&self) -> Result<Option<Hold>> {
        let Some(open) = self.open()? else { return Ok(None) };
        let turn = self.turn(&open)?;
        self.with_turn(open, turn)
    }

    /// The file to lock. `None`: it went away just now.
    pub(crate) fn open(&self) -> Result<Option<OpenLock>> {
        let target = self.core.resolve()?;
        let style = target.style;
        if let Some(open) = self.core.take_idle(&target.path, self.process.pid) {
            return Ok(Some(open));
        }
        match OpenLock::open(target, &self.core.shown, self.core.options.access, self.process.pid) {
            // It was there when the place was resolved.
            Err(error) if style == Style::Existing && error.is_not_found() && self.vanished() => Ok(None),
            other => other.map(Some),
        }
    }

    pub(crate) fn with_turn(&self, open: OpenLock, turn: HeldTurn) -> Result<Option<Hold>> {
        match self.try_with(open, turn)? {
            Tried::Held(hold) => Ok(Some(hold)),
            Tried::Stale => Ok(None),
            Tried::Ended(open, _turn, end) => {
                let error = self.ended(end, Some(&open));
                self.core.put_idle(open);
                Err(error)
            }
        }
    }

    pub(crate) fn try_with(&self, open: OpenLock, mut turn: HeldTurn) -> Result<Tried> {
        // Declared after the turn, so that the descriptor and its lock go first and the next thread finds it free.
        let open = open;
        let ticket = turn.ticket.take().map(|byte| Ticket::adopt(&open.file, byte));
        let answer = self.kernel(&open, ticket)?;
        let strength = match answer {
            Outcome::Ended(end) => return Ok(Tried::Ended(open, turn, end)),
            Outcome::Stale => return Ok(Tried::Stale),
            Outcome::Above(above) => Strength::Above(above),
            Outcome::Granted { after_waiting } => {
                match self.confirm(&open, after_waiting || turn.waited()) {
                    Ok(Some(strength)) => strength,
                    // Given back in so many words: a fork elsewhere in the process may have copied the descriptor.
                    other => {
                        let _ = sys::unlock(&open.file);
                        return other.map(|_| Tried::Stale);
                    }
                }
            }
        };
        let hold = Hold::new(Arc::clone(self.core), open, self.process, turn.keep(), self.mode, strength);
        Ok(Tried::Held(hold))
    }

    /// Looks again at what was locked, and signs it. `None`: it is not what the path leads to.
    fn confirm(&self, open: &OpenLock, after_waiting: bool) -> Result<Option<Strength>> {
        if !open.is_at_its_path().map_err(|error| self.system(error))? || self.has_moved(open, after_waiting)? {
            return Ok(None);
        }
        sign(self.core, self.process, open, self.mode).map(Some)
    }

    fn vanished(&self) -> bool {
        matches!(&self.core.place, Place::Open(path) if sys::stat(path, sys::Links::Refuse).is_err())
    }

    /// Waits for a turn in memory, with a ticket among the processes: they are not to overtake who waits here.
    fn turn(&self, open: &OpenLock) -> Result<HeldTurn> {
        let (arrival, ticket) = (Cell::new(None), Cell::new(None));
        let in_line = || {
            let is_in_line = waiting::order(open, &self.core.options) == Order::Line;
            let arrival = arrival.get().filter(|_| is_in_line);
            // Without one it is not much worse off.
            ticket.set(arrival.and_then(|at| Ticket::take(&open.file, self.mode, at).ok().flatten()));
        };
        let hooks = (|| arrival.set(self.process.next_arrival()), in_line);
        let turn = self.process.turns.take(open.id, self.mode, self.owner, &self.patience, hooks);
        let mut turn = self.turn_or_error(open, turn)?;
        turn.ticket = ticket.take().map(Ticket::keep);
        Ok(turn)
    }

    pub(crate) fn turn_or_error(&self, open: &OpenLock, turn: Result<Turn, Denied>) -> Result<HeldTurn> {
        match turn {
            Ok(turn) => Ok(HeldTurn::new(self.process, turn)),
            Err(Denied::AlreadyHeld) => Err(Error::new(ErrorKind::AlreadyHeld, "lock", &self.core.shown)
                .with_hint("this thread holds it: pass the guard along instead of locking again")),
            Err(Denied::WouldDeadlock) => Err(Error::new(ErrorKind::WouldDeadlock, "lock", &self.core.shown)),
            Err(Denied::End(end)) => Err(self.ended(end, Some(open))),
        }
    }

    fn kernel(&self, open: &OpenLock, ticket: Option<Ticket<'_>>) -> Result<Outcome> {
        let file = &open.file;
        let volume = self.process.volume_of(open.id.device, file);
        if sys::try_lock(file, self.mode).map_err(|error| self.system(error))? {
            if volume.kind != VolumeKind::Local && !volume.excludes {
                self.prove_exclusion(open)?;
            }
            return self.after_a_grant(open, ticket);
        }
        if !open.is_at_its_path().map_err(|error| self.system(error))? {
            return Ok(Outcome::Stale);
        }
        if let Some(above) = nesting::held_above(open, self.mode, &self.core.shown)? {
            return Ok(Outcome::Above(above));
        }
        if let Some(end) = self.patience.end() {
            return Ok(Outcome::Ended(end));
        }
        self.wait(open, waiting::refused(open, &self.core.options), ticket)
    }

    /// The lock was free; was it ours to take?
    fn after_a_grant(&self, open: &OpenLock, ticket: Option<Ticket<'_>>) -> Result<Outcome> {
        if self.patience.limit != Limit::Now {
            return self.wait(open, waiting::granted(open, &self.core.options), ticket);
        }
        let kept = waiting::keep_a_try(open, self.mode, &self.core.options).map_err(|error| self.system(error))?;
        Ok(if kept { Outcome::Granted { after_waiting: false } } else { Outcome::Ended(End::Busy) })
    }

    fn wait(&self, open: &OpenLock, begin: (Protocol, Step), ticket: Option<Ticket<'_>>) -> Result<Outcome> {
        let after_waiting = begin.1 != Step::LookForAnybody && begin.1 != Step::LookForUpgrade;
        let volume = self.process.volume_of(open.id.device, &open.file);
        let is_remote = matches!(volume.kind, VolumeKind::Network | VolumeKind::Fuse | VolumeKind::Guest);
        let held = || self.process.turns.held_by(self.owner);
        let waiting = Waiting::new(open, self.mode, &self.patience, &self.core.options, &held, is_remote);
        match waiting.follow(begin, ticket).map_err(|error| self.system(error))? {
            Ended::Granted => Ok(Outcome::Granted { after_waiting: after_waiting || waiting.has_slept() }),
            Ended::InVain(end) => Ok(Outcome::Ended(end)),
            circle @ Ended::Circle(_) => Err(in_vain(self.core, circle, &self.patience, None)),
        }
    }

    /// On a filesystem that may accept locks without keeping them, shows that a second one is refused (trap 12).
    fn prove_exclusion(&self, open: &OpenLock) -> Result<()> {
        if self.mode == Mode::Shared {
            return Ok(());
        }
        let Ok(second) = sys::open(&open.path, Access::ReadWrite, open.style.links()) else { return Ok(()) };
        if sys::try_lock(&second, Mode::Exclusive).map_err(|error| self.system(error))? {
            let _ = sys::unlock(&second);
            let _ = sys::unlock(&open.file);
            return Err(Error::new(ErrorKind::Unsupported, "lock", &self.core.shown)
                .with_hint("this filesystem accepts locks but does not keep them; `stead doctor` says more; use a lock folder on a local disk"));
        }
        self.process.volume_excludes(open.id.device);
        Ok(())
    }

    /// Whether the links to the data file were changed while we waited.
    fn has_moved(&self, open: &OpenLock, after_waiting: bool) -> Result<bool> {
        Ok(after_waiting && self.core.place.may_move() && self.core.resolve()?.path != open.path)
    }

    fn system(&self, error: std::io::Error) -> Error {
        refused_by_system(self.core, error)
    }

    pub(crate) fn ended(&self, end: End, open: Option<&OpenLock>) -> Error {
        in_vain(self.core, Ended::InVain(end), &self.patience, open)
    }
}

/// An error of the kernel's about a lock.
pub(crate) fn refused_by_system(core: &Core, error: std::io::Error) -> Error {
    let unsupported = sys::means_unsupported(&error);
    let error = Error::system("lock", &core.shown, error);
    if unsupported {
        return error.with_hint(
            "this filesystem does not lock files; `stead doctor` says more; use a lock folder on a local disk",
        );
    }
    error
}

/// The error of a wait in vain.
pub(crate) fn in_vain(core: &Core, ended: Ended, patience: &Patience<'_>, open: Option<&OpenLock>) -> Error {
    let error = |kind| Error::new(kind, "lock", &core.shown);
    match (ended, open) {
        // Cheap, for callers who try often: the record alone, if its process is alive.
        (Ended::InVain(End::Busy), open) => {
            error(ErrorKind::Busy).with_holder(open.and_then(|open| inspect::holder_by_record(peek(&open.file))))
        }
        (Ended::InVain(End::TimedOut), open) => {
            error(ErrorKind::TimedOut).with_waited(patience.waited()).with_holder(open.and_then(inspect::first_holder))
        }
        (Ended::Circle(cycle), _) => {
            let found = format!("would deadlock: {cycle}");
            Error::found(ErrorKind::WouldDeadlock, "lock", &core.shown, found)
                .with_waited(patience.waited())
                .with_hint("let all take their locks in one order, or all at once: `stead run A B -- CMD`, LockSet")
        }
        (Ended::InVain(End::Cancelled) | Ended::Granted, _) => {
            error(ErrorKind::Cancelled).with_waited(patience.waited())
        }
    }
}

/// Writes who we are into the record and returns the new token, where there is a record. To be called by the holder.
pub(crate) fn sign(core: &Core, process: &Process, open: &OpenLock, mode: Mode) -> Result<Strength> {
    const UNSIGNED: Strength = Strength::Kernel { token: None, after_a_death: false };
    if mode == Mode::Shared {
        return Ok(UNSIGNED);
    }
    let fail = |error| Error::system("write the record of", &core.shown, error);
    let Some(LastToken { token: last, after_a_death }) = open.last_token().map_err(fail)? else {
        return Ok(UNSIGNED);
    };
    let now = sys::wall_micros();
    let Some(next) = last.max(core.options.token_above).checked_add(1) else {
        return Err(Error::new(ErrorKind::InvalidInput, "grant a token for", &core.shown)
            .with_hint("the record holds the largest token there is, so it is damaged or forged: look who wrote it"));
    };
    let token = next.max(now);
    let bytes = core.with_signature(process, |signature| record::encode_held(token, now, signature));
    sys::write_at(&open.file, &bytes, 0).map_err(fail)?;
    Ok(Strength::Kernel { token: Some(token), after_a_death })
}

/// Which file the lock is now; it is opened, and created when missing, but not locked.
pub(crate) fn identify(core: &Core, pid: u32) -> Result<sys::FileId> {
    let target = core.resolve()?;
    let open = match core.take_idle(&target.path, pid) {
        Some(open) if open.is_at_its_path().unwrap_or(false) => open,
        _ => OpenLock::open(target, &core.shown, core.options.access, pid)?,
    };
    let id = open.id;
    core.put_idle(open);
    Ok(id)
}
