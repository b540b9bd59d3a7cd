//! Acquiring: a turn in memory, the kernel's lock, a second look at the path, the record.

use std::sync::Arc;
use std::thread::ThreadId;
use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};
use crate::lock::core::Core;
use crate::lock::guard::{Hold, Strength};
use crate::lock::inspect;
use crate::lock::nesting;
use crate::lock::open::{LastToken, OpenLock, peek};
use crate::lock::options::{Request, Wake};
use crate::lock::place::{Place, Style};
use crate::lock::record;
use crate::lock::registry::Process;
use crate::lock::trace;
use crate::lock::turns::{Denied, Turn};
use crate::lock::wait::{End, Limit, Patience};
use crate::sys::{self, Access, Mode, VolumeKind};

/// How often in a row a lock file may be replaced under us before we call the filesystem strange.
const RESTARTS_MAX: usize = 1000;

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
    Err(Error::new(ErrorKind::Unsupported, "lock", &core.shown).with_hint(
        "the lock file is another one at every look: something replaces it, or the filesystem has no stable inodes",
    ))
}

/// One acquisition under way.
struct Attempt<'a> {
    core: &'a Arc<Core>,
    process: &'static Process,
    mode: Mode,
    owner: Option<ThreadId>,
    patience: Patience<'a>,
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
enum Answer {
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
        let target = self.core.resolve()?;
        let style = target.style;
        let open = match self.core.take_idle(&target.path, self.process.pid) {
            Some(open) => open,
            None => match OpenLock::open(target, &self.core.shown, self.core.options.access, self.process.pid) {
                // It was there when the place was resolved.
                Err(error) if style == Style::Existing && error.is_not_found() && self.vanished() => return Ok(None),
                other => other?,
            },
        };
        let turn = self.turn(&open)?;
        // Declared after the turn, so that the descriptor and its lock go first and the next thread finds it free.
        let open = open;
        let answer = self.kernel(&open)?;
        let strength = match answer {
            Answer::Ended(end) => {
                let error = self.ended(end, Some(&open));
                self.core.put_idle(open);
                return Err(error);
            }
            Answer::Stale => return Ok(None),
            Answer::Above(above) => Strength::Above(above),
            Answer::Granted { after_waiting } => {
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
        self.sign(open).map(Some)
    }

    fn vanished(&self) -> bool {
        matches!(&self.core.place, Place::Open(path) if sys::stat(path, sys::Links::Refuse).is_err())
    }

    fn turn(&self, open: &OpenLock) -> Result<HeldTurn> {
        match self.process.turns.take(open.id, self.mode, self.owner, &self.patience) {
            Ok(turn) => Ok(HeldTurn { process: self.process, turn: Some(turn) }),
            Err(Denied::AlreadyHeld) => Err(Error::new(ErrorKind::AlreadyHeld, "lock", &self.core.shown)
                .with_hint("this thread holds it: pass the guard along instead of locking again")),
            Err(Denied::End(end)) => Err(self.ended(end, Some(open))),
        }
    }

    fn kernel(&self, open: &OpenLock) -> Result<Answer> {
        let file = &open.file;
        let volume = self.process.volume(open.id.device, || volume_kind(file));
        if sys::try_lock(file, self.mode).map_err(|error| self.system(error))? {
            if volume.kind != VolumeKind::Local && !volume.excludes {
                self.prove_exclusion(open)?;
            }
            return Ok(Answer::Granted { after_waiting: false });
        }
        if !open.is_at_its_path().map_err(|error| self.system(error))? {
            return Ok(Answer::Stale);
        }
        if let Some(above) = nesting::held_above(open, self.mode, &self.core.shown)? {
            return Ok(Answer::Above(above));
        }
        if let Some(end) = self.patience.end() {
            return Ok(Answer::Ended(end));
        }
        let remote = matches!(volume.kind, VolumeKind::Network | VolumeKind::Fuse | VolumeKind::Guest);
        let ended = if remote || self.core.options.wake == Wake::Poll { self.poll(open)? } else { self.sleep(open)? };
        Ok(ended.map_or(Answer::Granted { after_waiting: true }, Answer::Ended))
    }

    /// Sleeps in the kernel, which wakes us at the release. `None`: granted.
    fn sleep(&self, open: &OpenLock) -> Result<Option<End>> {
        if self.patience.limit == Limit::Never && self.patience.cancel.is_none() {
            return sys::lock_blocking(&open.file, self.mode).map(|()| None).map_err(|error| self.system(error));
        }
        let Some(alarm) = sys::Alarm::new(self.patience.deadline()).map(Arc::new) else { return self.poll(open) };
        let watch = self.patience.cancel.map(|cancel| {
            let alarm = Arc::clone(&alarm);
            cancel.watch(move || alarm.ring())
        });
        // Cancelled before the watch was there?
        let outcome = match self.patience.end() {
            Some(end) => Ok(Some(end)),
            None => match sys::lock_with_alarm(&open.file, self.mode, &alarm) {
                Ok(true) => Ok(None),
                Ok(false) => Ok(Some(self.patience.end().unwrap_or(End::TimedOut))),
                Err(error) => Err(self.system(error)),
            },
        };
        drop(watch);
        outcome
    }

    /// Looks again and again, with growing pauses that end at the deadline (trap 15). `None`: granted.
    fn poll(&self, open: &OpenLock) -> Result<Option<End>> {
        let thread = std::thread::current();
        let _watch = self.patience.cancel.map(|cancel| cancel.watch(move || thread.unpark()));
        let (mut pause, longest) = self.core.options.poll;
        loop {
            if let Some(end) = self.patience.end() {
                return Ok(Some(end));
            }
            let left = self.patience.deadline().map_or(Duration::MAX, |at| at.saturating_duration_since(sys::now()));
            std::thread::park_timeout(pause.min(left));
            if sys::try_lock(&open.file, self.mode).map_err(|error| self.system(error))? {
                return Ok(None);
            }
            pause = (pause * 2).min(longest);
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

    /// Writes who we are into the record and returns the new token, where there is a record.
    fn sign(&self, open: &OpenLock) -> Result<Strength> {
        const UNSIGNED: Strength = Strength::Kernel { token: None, after_a_death: false };
        if self.mode == Mode::Shared {
            return Ok(UNSIGNED);
        }
        let fail = |error| Error::system("write the record of", &self.core.shown, error);
        let Some(LastToken { token: last, after_a_death }) = open.last_token().map_err(fail)? else {
            return Ok(UNSIGNED);
        };
        let now = sys::wall_micros();
        let Some(next) = last.max(self.core.options.token_above).checked_add(1) else {
            return Err(Error::new(ErrorKind::InvalidInput, "grant a token for", &self.core.shown).with_hint(
                "the record holds the largest token there is, so it is damaged or forged: look who wrote it",
            ));
        };
        let token = next.max(now);
        let bytes = self.core.with_signature(self.process, |signature| record::encode_held(token, now, signature));
        sys::write_at(&open.file, &bytes, 0).map_err(fail)?;
        Ok(Strength::Kernel { token: Some(token), after_a_death })
    }

    fn system(&self, error: std::io::Error) -> Error {
        let unsupported = sys::means_unsupported(&error);
        let error = Error::system("lock", &self.core.shown, error);
        if unsupported {
            return error.with_hint(
                "this filesystem does not lock files; `stead doctor` says more; use a lock folder on a local disk",
            );
        }
        error
    }

    fn ended(&self, end: End, open: Option<&OpenLock>) -> Error {
        let kind = match end {
            End::Busy => ErrorKind::Busy,
            End::TimedOut => ErrorKind::TimedOut,
            End::Cancelled => ErrorKind::Cancelled,
        };
        let error = Error::new(kind, "lock", &self.core.shown);
        match (end, open) {
            // Cheap, for callers who try often: the record alone, if its process is alive.
            (End::Busy, Some(open)) => error.with_holder(inspect::holder_by_record(peek(&open.file))),
            (End::TimedOut, Some(open)) => {
                error.with_waited(self.patience.waited()).with_holder(inspect::first_holder(open))
            }
            _ => error.with_waited(self.patience.waited()),
        }
    }
}

fn volume_kind(file: &std::fs::File) -> VolumeKind {
    sys::volume_of(file).map_or(VolumeKind::Unknown, |volume| volume.kind)
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
