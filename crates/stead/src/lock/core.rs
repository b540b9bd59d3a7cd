//! What all clones of a lock share.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, TryLockError};

use crate::error::Result;
use crate::lock::open::OpenLock;
use crate::lock::options::Options;
use crate::lock::place::{Place, Target};
use crate::lock::record::Signature;
use crate::lock::registry::Process;

/// What all clones of a lock share: where it is, what it was told, and a descriptor that waits to be used again.
pub(crate) struct Core {
    pub(crate) place: Place,
    /// The path as the caller wrote it, for messages.
    pub(crate) shown: PathBuf,
    pub(crate) options: Options,
    /// An open descriptor that nobody uses now.
    idle: Mutex<Option<OpenLock>>,
    signature: OnceLock<Signature>,
}

impl Core {
    pub(crate) fn new(place: Place, shown: PathBuf, options: Options) -> Core {
        Core { place, shown, options, idle: Mutex::new(None), signature: OnceLock::new() }
    }

    /// Finds the file to lock.
    pub(crate) fn resolve(&self) -> Result<Target> {
        self.place.resolve().map_err(|error| error.at(&self.shown))
    }

    /// The descriptor left by the last hold, if it is of this process and of that path.
    pub(crate) fn take_idle(&self, path: &Path, pid: u32) -> Option<OpenLock> {
        let open = self.idle()?.take()?;
        (open.pid == pid && open.path == path).then_some(open)
    }

    pub(crate) fn put_idle(&self, open: OpenLock) {
        if let Some(mut idle) = self.idle() {
            *idle = Some(open);
        }
    }

    /// Never waits: in a fork's child the mutex may be held for ever by a thread that is not there.
    fn idle(&self) -> Option<MutexGuard<'_, Option<OpenLock>>> {
        match self.idle.try_lock() {
            Ok(idle) => Some(idle),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Calls `sign` with how this lock's holds are signed in `process`.
    pub(crate) fn with_signature<T>(&self, process: &Process, sign: impl FnOnce(&Signature) -> T) -> T {
        let Options { label, command, via, .. } = &self.options;
        if (label, command, via) == (&None, &None, &None) {
            return sign(process.signature());
        }
        let make = || {
            let mut who = process.identity().clone();
            who.command = command.clone().or(who.command);
            Signature::new(&who, via.as_deref(), label.as_deref())
        };
        let signature = self.signature.get_or_init(make);
        if signature.pid() == process.pid { sign(signature) } else { sign(&make()) }
    }
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core").field("place", &self.place).finish_non_exhaustive()
    }
}
