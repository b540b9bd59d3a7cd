//! Waking one thread out of a blocking flock(2), at a deadline or from another thread.
//!
//! There are no timers here that reach one thread, and not everywhere real-time signals: a helper thread sends the
//! waiting one a directed SIGURG (`pthread_kill(3)`) whose handler does nothing, and the call returns EINTR. SIGURG
//! because it is ignored unless a program asks for it; the Go runtime interrupts its threads with it too.

use std::fs::File;
use std::io;
use std::time::Instant;

use super::alarm_thread::AlarmThread;
use crate::sys::Mode;
use crate::sys::unix::lock_or_signal;

const SIGNAL: libc::c_int = libc::SIGURG;

/// An alarm that wakes the thread that made it. Dropped by that thread.
pub(crate) struct Alarm {
    thread: AlarmThread,
    before: SignalSet,
}

impl Alarm {
    /// An alarm for this thread. `None`: the wake-up signal belongs to somebody else in this process or there are no
    /// threads left, so the caller has to poll.
    pub(crate) fn new(deadline: Option<Instant>) -> Option<Alarm> {
        if !is_signal_ours() {
            return None;
        }
        let sleeper = Sleeper::this_thread();
        // The helper must not take signals that are meant for the program's own threads.
        let before = SignalSet::all().apply(libc::SIG_SETMASK);
        let thread = AlarmThread::start(deadline, move || sleeper.wake());
        before.apply(libc::SIG_SETMASK);
        // It must reach this thread, also in programs that block all signals in theirs.
        Some(Alarm { thread: thread?, before: SignalSet::one(SIGNAL).apply(libc::SIG_UNBLOCK) })
    }

    /// Goes off now. Any thread may call it.
    pub(crate) fn ring(&self) {
        self.thread.ring();
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        // The helper sends nothing any more: this thread is not in its call.
        if self.before.has(SIGNAL) {
            SignalSet::one(SIGNAL).apply(libc::SIG_BLOCK);
        }
    }
}

/// Sleeps in the kernel until the lock is granted (true) or the alarm goes off (false, and nothing is held).
/// Only in the thread that made the alarm.
pub(crate) fn lock_with_alarm(file: &File, mode: Mode, alarm: &Alarm) -> io::Result<bool> {
    loop {
        if alarm.thread.sleep(|| lock_or_signal(file, mode))? {
            return Ok(true);
        }
        // Another signal of the program's is no reason to give up.
        if alarm.thread.is_over() {
            return Ok(false);
        }
    }
}

struct Sleeper(libc::pthread_t);

// SAFETY: the name of a thread may be used in any thread for as long as that thread lives.
unsafe impl Send for Sleeper {}

impl Sleeper {
    fn this_thread() -> Sleeper {
        // SAFETY: pthread_self has no preconditions.
        Sleeper(unsafe { libc::pthread_self() })
    }

    fn wake(&self) {
        // SAFETY: called only while the thread is inside its blocking call, so it lives.
        unsafe { libc::pthread_kill(self.0, SIGNAL) };
    }
}

/// Whether the wake-up signal wakes: puts our handler in place unless the program has one of its own. Looked at for
/// each alarm, because a program may install its handler at any time.
fn is_signal_ours() -> bool {
    let ours = do_nothing as *const () as libc::sighandler_t;
    // SAFETY: sigaction is plain data, for which all zeros is a valid value (SIG_DFL, no flags).
    let mut old: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to live memory; nothing is changed by this call.
    if unsafe { libc::sigaction(SIGNAL, std::ptr::null(), &raw mut old) } != 0 {
        return false;
    }
    if old.sa_sigaction == ours {
        return true;
    }
    if old.sa_sigaction != libc::SIG_DFL && old.sa_sigaction != libc::SIG_IGN {
        return false;
    }
    // SAFETY: as above. No SA_RESTART: the blocking call must return.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = ours;
    // SAFETY: the handler does nothing, which is safe in a signal handler.
    unsafe { libc::sigaction(SIGNAL, &raw const action, std::ptr::null_mut()) == 0 }
}

extern "C" fn do_nothing(_signal: libc::c_int) {}

struct SignalSet(libc::sigset_t);

impl SignalSet {
    fn all() -> SignalSet {
        // SAFETY: sigset_t is plain data, for which all zeros is a valid value.
        let mut set: libc::sigset_t = unsafe { std::mem::zeroed() };
        // SAFETY: the set is live memory.
        unsafe { libc::sigfillset(&raw mut set) };
        SignalSet(set)
    }

    fn one(signal: libc::c_int) -> SignalSet {
        // SAFETY: sigset_t is plain data, for which all zeros is a valid value.
        let mut set: libc::sigset_t = unsafe { std::mem::zeroed() };
        // SAFETY: the set is live memory, made an empty set before it gets a member.
        unsafe {
            libc::sigemptyset(&raw mut set);
            libc::sigaddset(&raw mut set, signal);
        }
        SignalSet(set)
    }

    fn has(&self, signal: libc::c_int) -> bool {
        // SAFETY: the set is valid.
        unsafe { libc::sigismember(&raw const self.0, signal) == 1 }
    }

    /// Changes the mask of this thread; returns what it was.
    fn apply(&self, how: libc::c_int) -> SignalSet {
        let mut before = SignalSet::all();
        // SAFETY: both sets are valid.
        unsafe { libc::pthread_sigmask(how, &raw const self.0, &raw mut before.0) };
        before
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use super::*;
    use crate::sys::{Access, Links, now, open, try_lock, unlock};

    /// Two descriptions of one file, the first of which holds it exclusively.
    fn held() -> (tempfile::TempDir, File, File) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("held.lock");
        File::create(&path).unwrap();
        let [ours, theirs] = [(); 2].map(|()| open(&path, Access::ReadWrite, Links::Refuse).unwrap());
        assert!(try_lock(&theirs, Mode::Exclusive).unwrap());
        (folder, ours, theirs)
    }

    #[test]
    fn trap_15_it_goes_off_at_the_deadline_and_nothing_is_held() {
        let (_folder, ours, theirs) = held();
        for _ in 0..20 {
            let deadline = now() + Duration::from_millis(20);
            let alarm = Alarm::new(Some(deadline)).unwrap();
            assert!(!lock_with_alarm(&ours, Mode::Exclusive, &alarm).unwrap());
            let late = now().checked_duration_since(deadline).expect("not before the deadline");
            assert!(late < Duration::from_millis(200), "{late:?} late");
            drop(alarm);
            unlock(&theirs).unwrap();
            // Trap 16: the one who gave up does not take it later.
            assert!(try_lock(&theirs, Mode::Exclusive).unwrap());
        }
    }

    #[test]
    fn a_deadline_in_the_past_ends_the_wait_at_once() {
        let (_folder, ours, _theirs) = held();
        let alarm = Alarm::new(Some(now())).unwrap();
        let begin = now();
        for _ in 0..10 {
            assert!(!lock_with_alarm(&ours, Mode::Shared, &alarm).unwrap());
        }
        assert!(begin.elapsed() < Duration::from_secs(2));
    }

    #[test]
    fn another_thread_rings() {
        let (_folder, ours, _theirs) = held();
        let alarm = Arc::new(Alarm::new(None).unwrap());
        let bell = Arc::clone(&alarm);
        let begin = now();
        let ringer = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(30));
            bell.ring();
        });
        assert!(!lock_with_alarm(&ours, Mode::Exclusive, &alarm).unwrap());
        assert!(begin.elapsed() >= Duration::from_millis(30));
        assert!(begin.elapsed() < Duration::from_secs(2));
        ringer.join().unwrap();
    }

    #[test]
    fn a_release_hands_over_long_before_the_deadline() {
        let (_folder, ours, theirs) = held();
        let begin = now();
        let alarm = Alarm::new(Some(begin + Duration::from_secs(60))).unwrap();
        let holder = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(30));
            unlock(&theirs).unwrap();
        });
        assert!(lock_with_alarm(&ours, Mode::Exclusive, &alarm).unwrap());
        drop(alarm);
        assert!(begin.elapsed() < Duration::from_secs(5));
        holder.join().unwrap();
    }

    /// Trap 11: a signal of the program's own interrupts the call, and that is no reason to give up.
    #[test]
    fn trap_11_another_signal_does_not_end_the_wait() {
        let (_folder, ours, theirs) = held();
        let sleeper = Sleeper::this_thread();
        let done = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&done);
        let noise = std::thread::spawn(move || {
            let end = now() + Duration::from_millis(50);
            while now() < end {
                assert!(!seen.load(Ordering::SeqCst), "gave up early");
                sleeper.wake();
                std::thread::sleep(Duration::from_millis(1));
            }
            unlock(&theirs).unwrap();
        });
        let alarm = Alarm::new(Some(now() + Duration::from_secs(60))).unwrap();
        assert!(lock_with_alarm(&ours, Mode::Exclusive, &alarm).unwrap());
        done.store(true, Ordering::SeqCst);
        noise.join().unwrap();
    }

    #[test]
    fn a_blocked_signal_wakes_all_the_same_and_is_blocked_again() {
        let (_folder, ours, _theirs) = held();
        std::thread::spawn(move || {
            SignalSet::all().apply(libc::SIG_SETMASK);
            let alarm = Alarm::new(Some(now() + Duration::from_millis(20))).unwrap();
            assert!(!lock_with_alarm(&ours, Mode::Exclusive, &alarm).unwrap());
            drop(alarm);
            assert!(SignalSet::all().apply(libc::SIG_BLOCK).has(SIGNAL));
        })
        .join()
        .unwrap();
    }
}
