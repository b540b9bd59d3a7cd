//! Acquiring: a turn in memory, the kernel's lock, a second look at the path, the record.

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
use crate::lock::protocol::{Protocol, Step};
use crate::lock::queue;
use crate::lock::record;
use crate::lock::registry::Process;
use crate::lock::trace;
use crate::lock::turns::{Denied, Turn};
use crate::lock::wait::{End, Limit, Patience};
use crate::lock::waiting::{self, Ended, Waiting};
use crate::sys::{self, Access, Mode, VolumeKind};

/// How often in a row a lock file may be replaced under us before we call the filesystem strange.
const RESTARTS_MAX: usize = 1000;

/// Takes the lock of `core`. `owner` is the calling thread, unless the hold is to travel.
pub(crate) fn acquire(core: &Arc<Core>, request: &Request, owner: Option<ThreadId>) -> Result<Hold> {
    let patience = Patience::new(request.wait, request.cancel.as_ref());
    let Request { mode, gives_way, .. } = *request;
    let attempt = Attempt { core, process: Process::current(), mode, owner, patience, gives_way };
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
    Err(Error::new(ErrorKind::Unsupported, "lock", &core.shown).with_hint(
        "the lock file is another one at every look: something replaces it, or the filesystem has no stable inodes",
    ))
}

/// Takes the lock for a hold that belongs to no thread, with a turn that was waited for elsewhere. `None`: the file at the
/// path is no longer the one that the turn is for; the turn was given back.
#[cfg(feature = "tokio")]
pub(crate) fn acquire_in_turn(core: &Arc<Core>, request: &Request, turn: Turn) -> Result<Option<Hold>> {
    let patience = Patience::new(request.wait, request.cancel.as_ref());
    let Request { mode, gives_way, .. } = *request;
    let process = Process::current();
    let attempt = Attempt { core, process, mode, owner: None, patience, gives_way };
    let turn = HeldTurn { process, turn: Some(turn) };
    let open = attempt.open()?;
    match open {
        Some(open) if turn.is_for(open.id) => attempt.with_turn(open, turn),
        _ => Ok(None),
    }
}

/// One acquisition under way.
struct Attempt<'a> {
    core: &'a Arc<Core>,
    process: &'static Process,
    mode: Mode,
    owner: Option<ThreadId>,
    patience: Patience<'a>,
    /// A try that passes nobody by who waits.
    gives_way: bool,
}

/// A turn that goes back when it is not kept.
struct HeldTurn {
    process: &'static Process,
    turn: Option<Turn>,
}

impl HeldTurn {
    fn waited(&self) -> bool {
        self.turn.is_some_and(|turn| turn.waited)
    }

    #[cfg(feature = "tokio")]
    fn is_for(&self, file: sys::FileId) -> bool {
        self.turn.is_some_and(|turn| turn.file == file)
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

impl Attempt<'_> {
    /// `None`: the file at the path is no longer the one that was locked; begin again.
    fn once(&self) -> Result<Option<Hold>> {
        let Some(open) = self.open()? else { return Ok(None) };
        let turn = self.turn(&open)?;
        self.with_turn(open, turn)
    }

    /// The file to lock. `None`: it went away just now.
    fn open(&self) -> Result<Option<OpenLock>> {
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

    fn with_turn(&self, open: OpenLock, turn: HeldTurn) -> Result<Option<Hold>> {
        // Declared after the turn, so that the descriptor and its lock go first and the next thread finds it free.
        let open = open;
        let answer = self.kernel(&open)?;
        let strength = match answer {
            Outcome::Ended(end) => {
                let error = self.ended(end, Some(&open));
                self.core.put_idle(open);
                return Err(error);
            }
            Outcome::Stale => return Ok(None),
            Outcome::Above(above) => Strength::Above(above),
            Outcome::Granted { after_waiting } => {
                match self.confirm(&open, after_waiting || turn.waited()) {
                    Ok(Some(strength)) => strength,
                    // Given back in so many words: a fork elsewhere in the process may have copied the descriptor.
                    other => {
                        let _ = sys::unlock(&open.file);
                        return other.map(|_| None);
                    }
                }
            }
        };
        Ok(Some(Hold::new(Arc::clone(self.core), open, self.process, turn.keep(), self.mode, strength)))
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

    fn turn(&self, open: &OpenLock) -> Result<HeldTurn> {
        match self.process.turns.take(open.id, self.mode, self.owner, &self.patience) {
            Ok(turn) => Ok(HeldTurn { process: self.process, turn: Some(turn) }),
            Err(Denied::AlreadyHeld) => Err(Error::new(ErrorKind::AlreadyHeld, "lock", &self.core.shown)
                .with_hint("this thread holds it: pass the guard along instead of locking again")),
            Err(Denied::WouldDeadlock) => Err(Error::new(ErrorKind::WouldDeadlock, "lock", &self.core.shown)),
            Err(Denied::End(end)) => Err(self.ended(end, Some(open))),
        }
    }

    fn kernel(&self, open: &OpenLock) -> Result<Outcome> {
        let file = &open.file;
        let volume = self.process.volume_of(open.id.device, file);
        if sys::try_lock(file, self.mode).map_err(|error| self.system(error))? {
            if volume.kind != VolumeKind::Local && !volume.excludes {
                self.prove_exclusion(open)?;
            }
            return self.after_a_grant(open);
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
        self.wait(open, waiting::refused(open, &self.core.options))
    }

    /// The lock was free; was it ours to take?
    fn after_a_grant(&self, open: &OpenLock) -> Result<Outcome> {
        if self.patience.limit != Limit::Now {
            return self.wait(open, waiting::granted(open, &self.core.options));
        }
        if open.has_line() && self.is_for_another(open).map_err(|error| self.system(error))? {
            sys::unlock(&open.file).map_err(|error| self.system(error))?;
            return Ok(Outcome::Ended(End::Busy));
        }
        Ok(Outcome::Granted { after_waiting: false })
    }

    /// Whether the lock that a try was granted is for somebody who waits.
    fn is_for_another(&self, open: &OpenLock) -> std::io::Result<bool> {
        let looked = if self.gives_way {
            queue::is_anybody_before(&open.file, self.mode)
        } else {
            queue::is_upgrading(&open.file)
        };
        looked.inspect_err(|_| {
            let _ = sys::unlock(&open.file);
        })
    }

    fn wait(&self, open: &OpenLock, begin: (Protocol, Step)) -> Result<Outcome> {
        let after_waiting = begin.1 != Step::LookForAnybody && begin.1 != Step::LookForUpgrade;
        let volume = self.process.volume_of(open.id.device, &open.file);
        let is_remote = matches!(volume.kind, VolumeKind::Network | VolumeKind::Fuse | VolumeKind::Guest);
        let held = || self.process.turns.held_by(self.owner);
        let waiting = Waiting::new(open, self.mode, &self.patience, &self.core.options, &held, is_remote);
        match waiting.follow(begin).map_err(|error| self.system(error))? {
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

    fn ended(&self, end: End, open: Option<&OpenLock>) -> Error {
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
