//! Waking one thread out of a blocking `LockFileEx`, at a deadline or from another thread: a helper thread calls
//! `CancelSynchronousIo`, and the call returns with nothing held.

use std::fs::File;
use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::time::Instant;

use windows_sys::Win32::System::IO::CancelSynchronousIo;
use windows_sys::Win32::System::Threading::{GetCurrentThreadId, OpenThread, THREAD_TERMINATE};

use super::alarm_thread::AlarmThread;
use super::flock::lock_or_cancel;
use super::ntdll::is_wine;
use crate::sys::Mode;

/// An alarm that wakes the thread that made it. Dropped by that thread.
pub(crate) struct Alarm(AlarmThread);

impl Alarm {
    /// An alarm for this thread. `None`: there are no threads left, or this is Wine, where a wait for a lock cannot
    /// be cancelled, so the caller has to poll.
    pub(crate) fn new(deadline: Option<Instant>) -> Option<Alarm> {
        if is_wine() {
            return None;
        }
        let sleeper = this_thread()?;
        // It fails where the thread is in no call that can be cancelled, and is repeated.
        let wake = move || {
            // SAFETY: the handle is open for as long as the closure lives.
            unsafe { CancelSynchronousIo(sleeper.as_raw_handle()) };
        };
        AlarmThread::start(deadline, wake).map(Alarm)
    }

    /// Goes off now. Any thread may call it.
    pub(crate) fn ring(&self) {
        self.0.ring();
    }
}

/// Sleeps in the kernel until the lock is granted (true) or the alarm goes off (false, and nothing is held).
/// Only in the thread that made the alarm.
pub(crate) fn lock_with_alarm(file: &File, mode: Mode, alarm: &Alarm) -> io::Result<bool> {
    loop {
        if alarm.0.sleep(|| lock_or_cancel(file, mode))? {
            return Ok(true);
        }
        // Somebody else may cancel what this thread does; that is no reason to give up.
        if alarm.0.is_over() {
            return Ok(false);
        }
    }
}

/// A handle that other threads may cancel with; the one of `GetCurrentThread` means whoever uses it.
fn this_thread() -> Option<OwnedHandle> {
    // SAFETY: neither call has preconditions.
    let handle = unsafe { OpenThread(THREAD_TERMINATE, 0, GetCurrentThreadId()) };
    // SAFETY: the handle is new and nobody else's.
    (!handle.is_null()).then(|| unsafe { OwnedHandle::from_raw_handle(handle) })
}

/// Wine has no alarms: there these tests show that it says so.
#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::sys::{Access, Links, now, open, try_lock, unlock};

    fn held(folder: &Path) -> (File, File) {
        let path = folder.join("held.lock");
        File::create(&path).unwrap();
        let [ours, theirs] = [(); 2].map(|()| open(&path, Access::ReadWrite, Links::Refuse).unwrap());
        assert!(try_lock(&theirs, Mode::Exclusive).unwrap());
        (ours, theirs)
    }

    #[test]
    fn trap_15_it_goes_off_at_the_deadline_and_nothing_is_held() {
        let folder = tempfile::tempdir().unwrap();
        let (ours, theirs) = held(folder.path());
        let deadline = now() + Duration::from_millis(20);
        let Some(alarm) = Alarm::new(Some(deadline)) else {
            assert!(is_wine());
            return;
        };
        assert!(!lock_with_alarm(&ours, Mode::Exclusive, &alarm).unwrap());
        let late = now().checked_duration_since(deadline).expect("not before the deadline");
        assert!(late < Duration::from_millis(200), "{late:?} late");
        drop(alarm);
        unlock(&theirs).unwrap();
        // Trap 16: the one who gave up does not take it later.
        assert!(try_lock(&theirs, Mode::Exclusive).unwrap());
    }

    #[test]
    fn another_thread_rings() {
        let folder = tempfile::tempdir().unwrap();
        let (ours, _theirs) = held(folder.path());
        let Some(alarm) = Alarm::new(None).map(Arc::new) else {
            assert!(is_wine());
            return;
        };
        let bell = Arc::clone(&alarm);
        let ringer = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(30));
            bell.ring();
        });
        assert!(!lock_with_alarm(&ours, Mode::Exclusive, &alarm).unwrap());
        ringer.join().unwrap();
    }

    #[test]
    fn a_release_hands_over_long_before_the_deadline() {
        let folder = tempfile::tempdir().unwrap();
        let (ours, theirs) = held(folder.path());
        let begin = now();
        let Some(alarm) = Alarm::new(Some(begin + Duration::from_secs(60))) else {
            assert!(is_wine());
            return;
        };
        let holder = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(30));
            unlock(&theirs).unwrap();
        });
        assert!(lock_with_alarm(&ours, Mode::Exclusive, &alarm).unwrap());
        assert!(begin.elapsed() < Duration::from_secs(5));
        holder.join().unwrap();
    }
}
