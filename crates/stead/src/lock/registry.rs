//! What this process knows for all its locks together.

use std::fs::File;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};

use crate::lock::queue::COLLISIONS_MAX;
use crate::lock::record::Signature;
use crate::lock::turns::Turns;
use crate::sys::{self, Identity, VolumeKind};

/// The state of one process; a link of a chain that grows by one for each fork without exec.
pub(crate) struct Process {
    pub(crate) pid: u32,
    pub(crate) turns: Turns,
    identity: OnceLock<Identity>,
    signature: OnceLock<Signature>,
    volumes: Mutex<Vec<Volume>>,
    last_arrival: AtomicU64,
    child: OnceLock<Box<Process>>,
}

/// A device that lock files were seen on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Volume {
    pub(crate) device: u64,
    pub(crate) kind: VolumeKind,
    /// A lock there was seen to exclude another one; not looked at for local filesystems.
    pub(crate) excludes: bool,
}

impl Process {
    fn new(pid: u32) -> Process {
        Process {
            pid,
            turns: Turns::new(),
            identity: OnceLock::new(),
            signature: OnceLock::new(),
            volumes: Mutex::new(Vec::new()),
            last_arrival: AtomicU64::new(0),
            child: OnceLock::new(),
        }
    }

    /// The calling process. A fork's child starts anew: it neither waits for its parent's threads, which it does not
    /// have, nor touches a mutex that one of them may have held at the fork.
    pub(crate) fn current() -> &'static Process {
        static FIRST: OnceLock<Process> = OnceLock::new();
        let pid = sys::pid();
        let mut process = FIRST.get_or_init(|| Process::new(pid));
        while process.pid != pid {
            process = process.child.get_or_init(|| Box::new(Process::new(pid)));
        }
        process
    }

    /// When somebody lines up for a turn, in nanoseconds since the boot: so much later than the one before that their tickets
    /// are in the same order as their turns, or each would wait for the other.
    pub(crate) fn next_arrival(&self) -> Option<u64> {
        let now = sys::boot_nanos()?;
        let next = |last: u64| now.max(last.saturating_add(COLLISIONS_MAX + 1));
        let update = |last| Some(next(last));
        self.last_arrival.fetch_update(Ordering::Relaxed, Ordering::Relaxed, update).ok().map(next)
    }

    pub(crate) fn identity(&self) -> &Identity {
        self.identity.get_or_init(sys::identity)
    }

    /// The signature of a hold that was told nothing special.
    pub(crate) fn signature(&self) -> &Signature {
        self.signature.get_or_init(|| Signature::new(self.identity(), None, None))
    }

    /// What is known of a device, asked for at its first lock.
    fn volume(&self, device: u64, ask: impl FnOnce() -> VolumeKind) -> Volume {
        let known = hold_std(&self.volumes).iter().find(|volume| volume.device == device).copied();
        known.unwrap_or_else(|| {
            // Asked without the mutex: a server that does not answer must not stop the locks of other filesystems.
            let volume = Volume { device, kind: ask(), excludes: false };
            hold_std(&self.volumes).push(volume);
            volume
        })
    }

    /// What is known of the device of a file.
    pub(crate) fn volume_of(&self, device: u64, file: &File) -> Volume {
        self.volume(device, || sys::volume_of(file).map_or(VolumeKind::Unknown, |volume| volume.kind))
    }

    pub(crate) fn volume_excludes(&self, device: u64) {
        let mut volumes = hold_std(&self.volumes);
        volumes.iter_mut().filter(|volume| volume.device == device).for_each(|volume| volume.excludes = true);
    }
}

fn hold_std<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
