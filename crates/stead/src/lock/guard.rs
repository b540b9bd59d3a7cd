//! Held locks.

use std::fmt;
use std::fs::File;
use std::marker::PhantomData;
use std::ops::Deref;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, ErrorKind, Result};
use crate::lock::core::Core;
#[cfg(feature = "log")]
use crate::lock::file_lock::FileLock;
use crate::lock::nesting::{self, Above};
use crate::lock::open::OpenLock;
use crate::lock::record;
use crate::lock::registry::Process;
use crate::lock::trace;
use crate::lock::turns::Turn;
use crate::lock::upgrade::{NotUpgraded, upgraded};
use crate::lock::wait::{Patience, Wait};
use crate::sys::{self, Mode};

/// A lock that is held: what [`Guard`] and [`SendGuard`] have in common.
pub struct Hold {
    pub(crate) core: Arc<Core>,
    /// Some until it is released.
    open: Option<OpenLock>,
    pub(crate) process: &'static Process,
    pub(crate) turn: Turn,
    pub(crate) mode: Mode,
    pub(crate) strength: Strength,
    /// A child has the descriptor too: it must not serve a later hold, which the child would keep alive.
    inherited: AtomicBool,
    _span: trace::Held,
}

/// What a hold rests on. See [`upgrade`](crate::lock::upgrade) for how a shared one becomes exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strength {
    /// A lock that the kernel granted to us.
    Kernel { token: Option<u64>, after_a_death: bool },
    /// The lock of a `stead run` above us.
    Above(Above),
}

impl Hold {
    pub(crate) fn new(
        core: Arc<Core>,
        open: OpenLock,
        process: &'static Process,
        turn: Turn,
        mode: Mode,
        strength: Strength,
    ) -> Hold {
        let span = trace::Held::new(&core, mode);
        Hold { core, open: Some(open), process, turn, mode, strength, inherited: AtomicBool::new(false), _span: span }
    }

    /// Exclusive or shared.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The fencing token: larger than that of every earlier exclusive hold of this lock. A store that remembers the
    /// largest one it has seen can refuse writers that were stopped while another took over.
    ///
    /// `None` for a shared hold, and where there is no record: a file of the user's, or one that is not writable.
    pub fn token(&self) -> Option<u64> {
        match self.strength {
            Strength::Kernel { token, .. } => token,
            Strength::Above(above) => above.token,
        }
    }

    /// Whether the holder before this one did not release the lock, because it was killed or the power was cut: what it was
    /// doing may be half done. False where there is no record, and for a shared hold.
    pub fn follows_a_death(&self) -> bool {
        matches!(self.strength, Strength::Kernel { after_a_death: true, .. })
    }

    /// The locked file, for what is kept in it beside the record; `None` where it is a file of the user's.
    pub(crate) fn ledger(&self) -> Option<&File> {
        self.token().map(|_| &self.open().file)
    }

    /// The locked file, whatever it is.
    #[cfg(feature = "log")]
    pub(crate) fn file(&self) -> &File {
        &self.open().file
    }

    /// Whether it rests on the lock of a `stead run` above this process.
    pub fn is_nested(&self) -> bool {
        matches!(self.strength, Strength::Above(_))
    }

    /// The path as it was given to the lock.
    pub fn path(&self) -> &Path {
        &self.core.shown
    }

    /// The file that is locked.
    pub fn lock_path(&self) -> &Path {
        &self.open().path
    }

    /// Whether the lock file is still the one at its path, and a lock from above still held there. To be called before
    /// a result is made visible, wherever something else may remove lock files.
    ///
    /// # Errors
    /// [`Lost`](ErrorKind::Lost) if it was removed, replaced or released above: somebody else may hold the lock.
    pub fn check(&self) -> Result<()> {
        if let Strength::Above(above) = &self.strength
            && !nesting::is_still_held(above, self.open())
        {
            return Err(Error::new(ErrorKind::Lost, "keep the lock on", &self.core.shown).with_hint(format!(
                "it was held by the `stead run` above, pid {}, which has ended: wait there for all that runs below",
                above.pid
            )));
        }
        match self.open().is_at_its_path() {
            Ok(true) => Ok(()),
            Ok(false) => Err(Error::new(ErrorKind::Lost, "keep the lock on", &self.core.shown).with_hint(
                "the lock file was removed or replaced: find out by whom; `stead clean` leaves one that is held",
            )),
            Err(error) => Err(Error::system("check the lock on", &self.core.shown, error)),
        }
    }

    /// Lets the process that `command` starts inherit the lock, so that the death of this process alone does not
    /// free it. Releasing it releases it for the child as well.
    ///
    /// On Windows locks belong to one process and this does nothing.
    ///
    /// # Errors
    /// Where the process has no descriptor left.
    pub fn inherit(&self, command: &mut Command) -> Result<()> {
        self.inherited.store(true, Ordering::SeqCst);
        sys::inherit(command, &self.open().file)
            .map_err(|error| Error::system("hand down the lock on", &self.core.shown, error))
    }

    pub(crate) fn above(&self) -> Above {
        match self.strength {
            Strength::Above(above) => above,
            Strength::Kernel { token, .. } => {
                Above { id: self.open().id, mode: self.mode, pid: self.process.pid, token }
            }
        }
    }

    pub(crate) fn open(&self) -> &OpenLock {
        self.open.as_ref().expect("open until released")
    }

    /// False in a fork's child: the lock is the parent's, and nothing may be done to it here.
    pub(crate) fn is_ours(&self) -> bool {
        sys::pid() == self.process.pid
    }

    fn downgrade(&mut self) -> Result<()> {
        if !self.is_ours() {
            return Err(Error::new(ErrorKind::Lost, "downgrade the lock on", &self.core.shown)
                .with_hint("this process is a fork of the one that holds it"));
        }
        if self.mode == Mode::Shared {
            return Ok(());
        }
        self.blank()?;
        if let Strength::Kernel { token, .. } = &mut self.strength {
            *token = None;
            let file = &self.open.as_ref().expect("open until released").file;
            sys::downgrade(file).map_err(|error| Error::system("downgrade the lock on", &self.core.shown, error))?;
        }
        self.mode = Mode::Shared;
        self.process.turns.downgrade(self.turn);
        Ok(())
    }

    /// Takes our name out of the record, if it is there.
    fn blank(&self) -> Result<()> {
        let (Strength::Kernel { token: Some(token), .. }, Some(open)) = (self.strength, &self.open) else {
            return Ok(());
        };
        let fail = |error| Error::system("blank the record of", &self.core.shown, error);
        let mut start = [0; 64];
        let read = sys::read_at(&open.file, &mut start, 0).map_err(fail)?;
        // Somebody who does not know us may have put other content there: that is theirs.
        if record::token_at_start(&start[..read]) != Some(token) {
            return Ok(());
        }
        sys::write_at(&open.file, &record::encode_free(token), 0).map_err(fail)
    }

    /// The lock is not held any more, whatever the kernel says: gives back what there is.
    pub(crate) fn lose(&mut self) {
        if let Some(open) = self.open.take().filter(|_| self.is_ours()) {
            let _ = sys::unlock(&open.file);
            self.process.turns.release(self.turn);
        }
    }

    fn release(&mut self) -> Result<()> {
        if self.open.is_none() {
            return Ok(());
        }
        // Closing our copy of the descriptor takes nothing from the parent.
        if !self.is_ours() {
            self.open = None;
            return Ok(());
        }
        let blanked = self.blank();
        let open = self.open.take().expect("looked at above");
        let unlocked = match self.strength {
            Strength::Kernel { .. } => sys::unlock(&open.file),
            Strength::Above(_) => Ok(()),
        };
        if unlocked.is_ok() && !self.inherited.load(Ordering::SeqCst) {
            self.core.put_idle(open);
        }
        self.process.turns.release(self.turn);
        unlocked.map_err(|error| Error::system("unlock", &self.core.shown, error)).and(blanked)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        // Nobody to tell; the kernel gives the lock back with the descriptor whatever happens.
        let _ = self.release();
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hold")
            .field("path", &self.core.shown)
            .field("mode", &self.mode)
            .field("token", &self.token())
            .finish_non_exhaustive()
    }
}

/// A lock held by the thread that took it; dropping it releases the lock.
///
/// It stays on its thread, so that a call there for the same lock can be answered with
/// [`AlreadyHeld`](ErrorKind::AlreadyHeld) instead of waiting for ever; [`into_send`](Guard::into_send) gives one that
/// travels. A panic releases it.
///
/// ```compile_fail
/// let guard = stead::lock::FileLock::at("l").try_lock().unwrap();
/// std::thread::spawn(move || drop(guard)); // a Guard is not Send
/// ```
#[must_use = "the lock is released as soon as the guard is dropped: bind it to a name, not to `_`"]
#[derive(Debug)]
pub struct Guard {
    hold: Hold,
    on_this_thread: PhantomData<*const ()>,
}

/// A lock held by no thread in particular; dropping it, on any thread, releases the lock.
#[must_use = "the lock is released as soon as the guard is dropped: bind it to a name, not to `_`"]
#[derive(Debug)]
pub struct SendGuard {
    hold: Hold,
}

impl Guard {
    pub(crate) fn new(hold: Hold) -> Guard {
        Guard { hold, on_this_thread: PhantomData }
    }

    /// A guard that may move to another thread. Given up is the check that a thread does not wait for itself.
    pub fn into_send(self) -> SendGuard {
        if self.hold.is_ours() {
            self.hold.process.turns.disown(self.hold.turn);
        }
        SendGuard { hold: self.hold }
    }

    /// Turns an exclusive hold into a shared one; nobody else gets in exclusively in between. A shared hold stays as
    /// it is. The token is gone afterwards.
    ///
    /// # Errors
    /// Where the system fails; the lock is then released.
    pub fn downgrade(mut self) -> Result<Guard> {
        self.hold.downgrade()?;
        Ok(self)
    }

    /// Turns a shared hold into an exclusive one, waiting as told for the others who share it; an exclusive hold stays as it
    /// is. No other stead program has the lock exclusively in between; where that cannot be had (Windows, macOS, a network
    /// filesystem), it is [`Lost`](ErrorKind::Lost) if one had. Programs that use flock(2) directly may come in between
    /// unseen.
    ///
    /// ```
    /// use std::time::Duration;
    /// use stead::lock::FileLock;
    ///
    /// # let folder = tempfile::tempdir()?;
    /// let guard = FileLock::sidecar(folder.path().join("state.json")).lock_shared(Duration::from_secs(5))?;
    /// // Only those who have something to change wait for the readers.
    /// let guard = guard.upgrade(Duration::from_secs(5))?;
    /// assert!(guard.token().is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The guard is in the error, still shared, unless it was [`Lost`](ErrorKind::Lost).
    /// [`WouldDeadlock`](ErrorKind::WouldDeadlock) where another holder upgrades already;
    /// [`Busy`](ErrorKind::Busy), [`TimedOut`](ErrorKind::TimedOut) where others share it for longer;
    /// [`AlreadyHeld`](ErrorKind::AlreadyHeld) where this thread shares it twice, or the `stead run` above does.
    pub fn upgrade(self, wait: impl Into<Wait>) -> Result<Guard, NotUpgraded<Guard>> {
        upgraded(self, &Patience::new(wait.into(), None), |guard| &mut guard.hold)
    }

    /// Releases the lock, and says if that failed. Dropping the guard does the same in silence.
    ///
    /// # Errors
    /// Where the record could not be blanked or the file not unlocked; the lock is free all the same, for its
    /// descriptor is closed.
    pub fn release(mut self) -> Result<()> {
        self.hold.release()
    }
}

impl SendGuard {
    pub(crate) fn new(hold: Hold) -> SendGuard {
        SendGuard { hold }
    }

    /// The locked file was renamed: it is the one of `lock` by now.
    #[cfg(feature = "log")]
    pub(crate) fn is_now_of(&mut self, lock: &FileLock) -> Result<()> {
        let path = lock.core().resolve()?.path;
        self.hold.core = Arc::clone(lock.core());
        if let Some(open) = &mut self.hold.open {
            open.path = path;
        }
        Ok(())
    }

    /// See [`Guard::upgrade`].
    ///
    /// # Errors
    /// As there.
    pub fn upgrade(self, wait: impl Into<Wait>) -> Result<SendGuard, NotUpgraded<SendGuard>> {
        upgraded(self, &Patience::new(wait.into(), None), |guard| &mut guard.hold)
    }

    /// See [`Guard::downgrade`].
    ///
    /// # Errors
    /// As there.
    pub fn downgrade(mut self) -> Result<SendGuard> {
        self.hold.downgrade()?;
        Ok(self)
    }

    /// See [`Guard::release`].
    ///
    /// # Errors
    /// As there.
    pub fn release(mut self) -> Result<()> {
        self.hold.release()
    }
}

impl Deref for Guard {
    type Target = Hold;

    fn deref(&self) -> &Hold {
        &self.hold
    }
}

impl Deref for SendGuard {
    type Target = Hold;

    fn deref(&self) -> &Hold {
        &self.hold
    }
}

/// The value of [`HELD_VARIABLE`](nesting::HELD_VARIABLE) for a command that is to run under `holds`: a stead below it
/// may then proceed under them. What is held above this process is included.
pub fn held_variable<'a>(holds: impl IntoIterator<Item = &'a Hold>) -> String {
    nesting::variable(holds.into_iter().map(Hold::above))
}
