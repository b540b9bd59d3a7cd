//! A shared hold becomes an exclusive one, with no other stead writer in between.
//!
//! flock(2) gives the shared lock back before it asks for the exclusive one, also where that is refused (traps 5, 54). So a
//! holder that upgrades first takes the ticket before all others (see [`protocol`](crate::lock::protocol)): whoever is
//! granted the lock meanwhile sees it and gives the lock back. There is one such ticket; the second to ask would wait for the
//! first, and the first for the second, and is told so. Where a lock file has no line, the token says whether a writer was
//! there in between.

use std::error;
use std::fmt;
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Error, ErrorKind, Result};
use crate::lock::acquire::{in_vain, refused_by_system, sign};
use crate::lock::guard::{Hold, Strength};
use crate::lock::nesting;
use crate::lock::open::OpenLock;
use crate::lock::protocol::{Order, Protocol};
use crate::lock::queue::Ticket;
use crate::lock::turns::Denied;
use crate::lock::wait::{Limit, Patience};
use crate::lock::waiting::{Ended, Waiting};
use crate::sys::{self, Mode, VolumeKind};

const STEP: &str = "upgrade the lock on";
/// How long a lock that has to be shared again after an upgrade in vain is tried for. Nobody of ours keeps it meanwhile.
const REGAIN: Duration = Duration::from_millis(100);
const REGAIN_PAUSE: Duration = Duration::from_millis(1);

/// A shared lock that could not be made exclusive: why, and the guard, which still shares it unless it was lost.
pub struct NotUpgraded<G> {
    error: Error,
    guard: Option<Box<G>>,
}

impl<G> NotUpgraded<G> {
    /// Why not.
    pub fn error(&self) -> &Error {
        &self.error
    }

    /// The guard, shared as before. `None` after [`Lost`](ErrorKind::Lost): the lock is not held any more, and somebody may
    /// have changed what it guards.
    pub fn into_guard(self) -> Option<G> {
        self.guard.map(|guard| *guard)
    }
}

impl<G> From<NotUpgraded<G>> for Error {
    /// The lock is released.
    fn from(not: NotUpgraded<G>) -> Error {
        not.error
    }
}

impl<G> fmt::Display for NotUpgraded<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl<G> fmt::Debug for NotUpgraded<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NotUpgraded").field("error", &self.error).field("kept", &self.guard.is_some()).finish()
    }
}

impl<G> error::Error for NotUpgraded<G> {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&self.error)
    }
}

/// Upgrades what `hold_of` finds in a guard.
pub(crate) fn upgraded<G>(
    mut guard: G,
    patience: &Patience<'_>,
    hold_of: fn(&mut G) -> &mut Hold,
) -> Result<G, NotUpgraded<G>> {
    match upgrade(hold_of(&mut guard), patience) {
        Ok(()) => Ok(guard),
        Err(error) if error.is_lost() => Err(NotUpgraded { error, guard: None }),
        Err(error) => Err(NotUpgraded { error, guard: Some(Box::new(guard)) }),
    }
}

/// After an error that is not `Lost` the hold is shared as before; after one that is, nothing is held.
fn upgrade(hold: &mut Hold, patience: &Patience<'_>) -> Result<()> {
    if !hold.is_ours() {
        return Err(lost(hold, "this process is a fork of the one that holds it"));
    }
    if hold.mode() == Mode::Exclusive {
        return Ok(());
    }
    if hold.is_nested() {
        return Err(Error::new(ErrorKind::AlreadyHeld, STEP, hold.path()).with_hint(
            "it is shared by the `stead run` above, which waits for this process: leave out --shared there",
        ));
    }
    // Where it was free to share, it rests on no lock from above, and would wait for that one.
    nesting::held_above(hold.open(), Mode::Exclusive, hold.path())?;
    hold.process.turns.upgrade(hold.turn, patience).map_err(|denied| denied_by_threads(hold, denied, patience))?;
    let outcome = convert(hold, patience);
    if outcome.is_err() {
        hold.process.turns.downgrade(hold.turn);
    }
    hold.process.turns.forget_upgrade(hold.turn);
    if outcome.as_ref().is_err_and(Error::is_lost) {
        hold.lose();
    }
    hold.strength = outcome?;
    hold.mode = Mode::Exclusive;
    Ok(())
}

/// The kernel's part: no other thread of this process has the lock.
fn convert(hold: &Hold, patience: &Patience<'_>) -> Result<Strength> {
    let open = hold.open();
    let fail = |error| refused_by_system(&hold.core, error);
    // Until it goes back, at the end of this function, no other stead keeps the lock.
    let ticket = || Ticket::take_upgrade(&open.file).map_err(fail)?.ok_or_else(|| would_deadlock(hold));
    let _ticket = open.has_line().then(ticket).transpose()?;
    let token = open.token_seen();
    let converted = sys::try_lock(&open.file, Mode::Exclusive).map_err(|error| lost_to(hold, error))?;
    // Where there is no line and no token, nobody could say who was there in between.
    if !(converted && sys::CONVERTS_AT_ONCE) && token.is_none() && !open.has_line() {
        return Err(lost(
            hold,
            "others share it, and while it is asked for it is not held: release it, and lock again",
        ));
    }
    let ended = if converted { Ended::Granted } else { wait(hold, patience).map_err(|error| lost_to(hold, error))? };
    match ended {
        Ended::Granted if is_untouched(open, token) => {
            sign(&hold.core, hold.process, open, Mode::Exclusive).or_else(|error| share_again(hold, error))
        }
        Ended::Granted => Err(lost(hold, "somebody else had it in between: read again what it guards")),
        ended => {
            let error = in_vain(&hold.core, ended, patience, Some(open));
            Err(if regain(open) && is_untouched(open, token) { error } else { lost(hold, "others took it in between") })
        }
    }
}

fn wait(hold: &Hold, patience: &Patience<'_>) -> std::io::Result<Ended> {
    if patience.limit == Limit::Now {
        return Ok(Ended::InVain(crate::lock::wait::End::Busy));
    }
    let open = hold.open();
    let is_remote = hold.process.volume_of(open.id.device, &open.file).kind != VolumeKind::Local;
    // What it is upgraded from is no reason to give up.
    let nothing = Vec::new;
    let waiting = Waiting::new(open, Mode::Exclusive, patience, &hold.core.options, &nothing, is_remote);
    waiting.follow(Protocol::refused(Order::Barge), None)
}

/// What could not be signed is shared as before.
fn share_again(hold: &Hold, error: Error) -> Result<Strength> {
    sys::downgrade(&hold.open().file).map_err(|error| lost_to(hold, error))?;
    Err(error)
}

/// Shares the lock again after an attempt in vain.
fn regain(open: &OpenLock) -> bool {
    let until: Instant = sys::now() + REGAIN;
    loop {
        match sys::try_lock(&open.file, Mode::Shared) {
            Ok(true) => return true,
            Ok(false) if sys::now() < until => thread::sleep(REGAIN_PAUSE),
            Ok(false) | Err(_) => return false,
        }
    }
}

/// Whether it is the same lock file, and nobody was granted it exclusively since.
fn is_untouched(open: &OpenLock, token: Option<u64>) -> bool {
    open.is_at_its_path().unwrap_or(false) && open.token_seen() == token
}

fn denied_by_threads(hold: &Hold, denied: Denied, patience: &Patience<'_>) -> Error {
    match denied {
        Denied::AlreadyHeld => Error::new(ErrorKind::AlreadyHeld, STEP, hold.path())
            .with_hint("this thread shares it twice: release the other guard first"),
        Denied::WouldDeadlock => would_deadlock(hold),
        Denied::End(end) => in_vain(&hold.core, Ended::InVain(end), patience, None),
    }
}

fn would_deadlock(hold: &Hold) -> Error {
    Error::new(ErrorKind::WouldDeadlock, STEP, hold.path())
        .with_hint("another holder upgrades too, and each would wait for the other: release this one, and lock again")
}

fn lost(hold: &Hold, why: &str) -> Error {
    Error::new(ErrorKind::Lost, STEP, hold.path()).with_hint(why)
}

/// The system failed, and what is held now is not known.
fn lost_to(hold: &Hold, error: std::io::Error) -> Error {
    Error::system(STEP, hold.path(), error).with_kind(ErrorKind::Lost)
}
