//! Waking one thread out of a blocking flock(2), at a deadline or from another thread.
//!
//! The thread sleeps in the kernel and is woken by the release itself; at the deadline a timer of its own
//! (`timer_create(2)`, `SIGEV_THREAD_ID`) sends it one real-time signal whose handler does nothing, and the call returns
//! EINTR. A signal that comes an instant before the call would be lost, so the timer repeats every few milliseconds
//! until it is taken down. Another thread cancels by setting the same timer off.

use std::fs::File;
use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::sys::unix::lock_or_signal;
use crate::sys::{Mode, now};

/// How often an alarm repeats once it has gone off.
const REPEAT: Duration = Duration::from_millis(5);

/// A timer that wakes the thread that made it. Dropped by that thread.
pub(crate) struct Alarm {
    timer: libc::timer_t,
    deadline: Option<Instant>,
    rung: AtomicBool,
    unblocked: SignalUnblocked,
}

// SAFETY: a timer belongs to the process: any thread may set it. `unblocked` is touched only when dropped.
unsafe impl Send for Alarm {}
// SAFETY: as above; timer_settime(2) is atomic.
unsafe impl Sync for Alarm {}

impl Alarm {
    /// An alarm for this thread. `None`: the wake-up signal belongs to somebody else in this process or there are no
    /// timers left, so the caller has to poll.
    pub(crate) fn new(deadline: Option<Instant>) -> Option<Alarm> {
        let signal = wake_signal()?;
        // SAFETY: sigevent is plain data, for which all zeros is a valid value.
        let mut event: libc::sigevent = unsafe { std::mem::zeroed() };
        event.sigev_notify = libc::SIGEV_THREAD_ID;
        event.sigev_signo = signal;
        // SAFETY: gettid has no preconditions.
        event.sigev_notify_thread_id = unsafe { libc::gettid() };
        let mut timer = std::ptr::null_mut();
        // SAFETY: both pointers are to live memory.
        if unsafe { libc::timer_create(libc::CLOCK_MONOTONIC, &raw mut event, &raw mut timer) } != 0 {
            return None;
        }
        let alarm = Alarm { timer, deadline, rung: AtomicBool::new(false), unblocked: SignalUnblocked::new(signal) };
        if let Some(deadline) = deadline {
            alarm.set(deadline.saturating_duration_since(now()));
        }
        Some(alarm)
    }

    /// Goes off now. Any thread may call it.
    pub(crate) fn ring(&self) {
        self.rung.store(true, Ordering::SeqCst);
        self.set(Duration::ZERO);
    }

    fn is_over(&self) -> bool {
        self.rung.load(Ordering::SeqCst) || self.deadline.is_some_and(|deadline| now() >= deadline)
    }

    fn set(&self, delay: Duration) {
        // A zero delay would disarm.
        let delay = delay.max(Duration::from_nanos(1));
        let value = libc::itimerspec { it_value: timespec(delay), it_interval: timespec(REPEAT) };
        // SAFETY: the timer lives as long as self.
        unsafe { libc::timer_settime(self.timer, 0, &raw const value, std::ptr::null_mut()) };
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        // SAFETY: the timer was created by us and is deleted once.
        unsafe { libc::timer_delete(self.timer) };
        self.unblocked.restore();
    }
}

/// Sleeps in the kernel until the lock is granted (true) or the alarm goes off (false, and nothing is held).
pub(crate) fn lock_with_alarm(file: &File, mode: Mode, alarm: &Alarm) -> io::Result<bool> {
    until_alarm(alarm, || lock_or_signal(file, mode))
}

/// Makes a blocking call that says false when a signal came, until it says true or the alarm goes off (false).
pub(super) fn until_alarm(alarm: &Alarm, mut call: impl FnMut() -> io::Result<bool>) -> io::Result<bool> {
    loop {
        if call()? {
            return Ok(true);
        }
        // Another signal of the program's is no reason to give up.
        if alarm.is_over() {
            return Ok(false);
        }
    }
}

fn timespec(duration: Duration) -> libc::timespec {
    libc::timespec {
        tv_sec: libc::time_t::try_from(duration.as_secs()).unwrap_or(libc::time_t::MAX),
        tv_nsec: duration.subsec_nanos().into(),
    }
}

/// The real-time signal that wakes waiters, with its handler in place; `None` if the program uses it itself.
fn wake_signal() -> Option<i32> {
    static INSTALLED: OnceLock<Option<i32>> = OnceLock::new();
    let signal = (*INSTALLED.get_or_init(|| install(libc::SIGRTMIN() + crate::sys::WAKE_SIGNAL_OFFSET)))?;
    // The program may have put a handler of its own there since, one that restarts the call that we mean to end.
    (handler_of(signal)? == do_nothing as *const () as libc::sighandler_t).then_some(signal)
}

fn install(signal: i32) -> Option<i32> {
    if !matches!(handler_of(signal)?, libc::SIG_DFL | libc::SIG_IGN) {
        return None;
    }
    // SAFETY: sigaction is plain data, for which all zeros is a valid value (SIG_DFL, no flags). No SA_RESTART: the
    // blocking call must return.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_flags = libc::SA_ONSTACK;
    action.sa_sigaction = do_nothing as *const () as libc::sighandler_t;
    // SAFETY: the handler does nothing, which is safe in a signal handler.
    (unsafe { libc::sigaction(signal, &raw const action, std::ptr::null_mut()) } == 0).then_some(signal)
}

fn handler_of(signal: i32) -> Option<libc::sighandler_t> {
    // SAFETY: as in `install`; the call changes nothing.
    let mut now: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to live memory.
    (unsafe { libc::sigaction(signal, std::ptr::null(), &raw mut now) } == 0).then_some(now.sa_sigaction)
}

extern "C" fn do_nothing(_signal: libc::c_int) {}

/// The wake-up signal let through in this thread, for programs that block all signals in theirs.
struct SignalUnblocked {
    signal: i32,
    was_blocked: bool,
}

impl SignalUnblocked {
    fn new(signal: i32) -> SignalUnblocked {
        // SAFETY: sigset_t is plain data, filled in by the call below.
        let mut before: libc::sigset_t = unsafe { std::mem::zeroed() };
        change_mask(libc::SIG_UNBLOCK, signal, Some(&mut before));
        // SAFETY: `before` was filled in.
        let was_blocked = unsafe { libc::sigismember(&raw const before, signal) } == 1;
        SignalUnblocked { signal, was_blocked }
    }

    fn restore(&self) {
        if self.was_blocked {
            change_mask(libc::SIG_BLOCK, self.signal, None);
        }
    }
}

fn change_mask(how: i32, signal: i32, before: Option<&mut libc::sigset_t>) {
    let before = before.map_or(std::ptr::null_mut(), std::ptr::from_mut);
    // SAFETY: sigset_t is plain data; the set is made by the two calls before it is used; `before` is null or live.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, signal);
        libc::pthread_sigmask(how, &raw const set, before);
    }
}
