//! Waits end on time, are cancelled, and leave nothing behind.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use stead::lock::{Cancel, FileLock, Options, Request, Wait, Wake};
use tempfile::tempdir;

use crate::cast::CAST;

fn name(path: &Path) -> String {
    format!("at:{}", path.display())
}

/// Trap 15, for each way of waking: a wait ends at its deadline, not a poll interval after it.
#[test]
fn trap_15_a_wait_ends_at_its_deadline() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("l");
    let mut holder = CAST.start("hold", &[&name(&path), "exclusive"]);
    holder.expect("held");
    let day = Duration::from_secs(86_400);
    for lock in [FileLock::at(&path), Options::new().wake(Wake::Poll).poll(day, day).at(&path)] {
        let start = Instant::now();
        let error = lock.lock(Duration::from_millis(60)).unwrap_err();
        assert!(error.is_timed_out(), "{error:?}");
        assert!(start.elapsed() >= Duration::from_millis(60), "gave up early");
        assert!(error.waited().unwrap() >= Duration::from_millis(60));
        assert_eq!(error.holder().and_then(|holder| holder.pid), Some(holder.pid()), "the holder is named");
    }
}

/// Trap 16: a waiter that gave up does not take the lock later, and leaves no thread.
#[test]
fn trap_16_a_waiter_that_gave_up_is_gone() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("l");
    let mut holder = CAST.start("hold", &[&name(&path), "exclusive"]);
    holder.expect("held");
    let mut waiter = CAST.start("wait", &[&name(&path), "exclusive", "30"]);
    waiter.expect("waiting");
    waiter.expect("TimedOut");
    #[cfg(all(target_os = "linux", not(stead_other_unix)))]
    assert!(stead::lock::inspect(&path).unwrap().waiters.is_empty());
    holder.cue("release");
    holder.expect("released");
    // It still runs, and the lock stays free.
    FileLock::at(&path).try_lock().unwrap().release().unwrap();
    CAST.start("take", &[&name(&path), "exclusive"]).expect("held");
}

/// Trap 17: a blocked flock is woken by its alarm, since closing its descriptor would not do it.
#[test]
fn trap_17_a_blocked_wait_is_cancelled_from_another_thread() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("l");
    let mut holder = CAST.start("hold", &[&name(&path), "exclusive"]);
    holder.expect("held");
    for wake in [Wake::Signal, Wake::Poll] {
        for wait in [Wait::Forever, Wait::For(Duration::from_secs(3600))] {
            let cancel = Cancel::new();
            let lock = Options::new().wake(wake).at(&path);
            let request = Request::exclusive().wait(wait).cancel(&cancel);
            let waiter = thread::spawn(move || lock.acquire(&request).map(drop).unwrap_err());
            wait_for_waiter(&path, wake);
            cancel.cancel();
            assert!(waiter.join().unwrap().is_cancelled());
        }
    }
}

#[cfg(all(target_os = "linux", not(stead_other_unix)))]
fn wait_for_waiter(path: &Path, wake: Wake) {
    if wake == Wake::Signal {
        testkit::wait_until("the thread sleeps", || {
            (!stead::lock::inspect(path).ok()?.waiters.is_empty()).then_some(())
        });
    }
}

#[cfg(not(all(target_os = "linux", not(stead_other_unix))))]
fn wait_for_waiter(_path: &Path, _wake: Wake) {}

/// A wait in memory, for another thread of the same process, ends in the same ways.
#[test]
fn threads_wait_for_each_other_with_a_deadline_and_a_cancel() {
    let folder = tempdir().unwrap();
    let lock = FileLock::at(folder.path().join("l"));
    let guard = lock.try_lock().unwrap();
    thread::scope(|scope| {
        scope.spawn(|| assert!(lock.try_lock().unwrap_err().is_busy())).join().unwrap();
        scope.spawn(|| assert!(lock.lock(Duration::from_millis(20)).unwrap_err().is_timed_out())).join().unwrap();
        let cancel = Cancel::new();
        let (request, other) = (Request::exclusive().cancel(&cancel), lock.clone());
        let waiter = scope.spawn(move || other.acquire(&request).map(drop).unwrap_err());
        cancel.cancel();
        assert!(waiter.join().unwrap().is_cancelled());
        let waiter = scope.spawn(|| lock.lock(Wait::Forever).map(drop));
        drop(guard);
        waiter.join().unwrap().unwrap();
    });
}

/// A cancel that came first ends every wait, and takes nothing from those who need not wait.
#[test]
fn an_early_cancel_counts() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("l");
    let cancel = Cancel::new();
    cancel.cancel();
    let request = Request::exclusive().cancel(&cancel);
    drop(FileLock::at(&path).acquire(&request).unwrap());
    let mut holder = CAST.start("hold", &[&name(&path), "exclusive"]);
    holder.expect("held");
    assert!(FileLock::at(&path).acquire(&request).unwrap_err().is_cancelled());
}

/// Trap 18: not acquired is an error, never an `Ok` that somebody forgets to look into.
#[test]
fn trap_18_busy_is_an_error() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("l");
    let mut holder = CAST.start("hold", &[&name(&path), "exclusive"]);
    holder.expect("held");
    let error = FileLock::at(&path).try_lock().unwrap_err();
    assert!(error.is_busy());
    assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::WouldBlock);
    assert!(FileLock::at(&path).lock(Duration::ZERO).unwrap_err().is_busy());
}

/// Trap 11: signals that the program handles itself do not end a wait.
#[cfg(all(target_os = "linux", not(stead_other_unix)))]
#[test]
fn trap_11_other_signals_do_not_end_a_wait() {
    use rustix::process::{Pid, Signal, kill_process};

    let folder = tempdir().unwrap();
    let path = folder.path().join("l");
    let mut holder = CAST.start("hold", &[&name(&path), "exclusive"]);
    holder.expect("held");
    let mut waiter = CAST.start("wait", &[&name(&path), "exclusive", "3600000"]);
    waiter.expect("waiting");
    let pid = Pid::from_raw(i32::try_from(waiter.pid()).unwrap()).unwrap();
    testkit::wait_until("it sleeps", || (!stead::lock::inspect(&path).ok()?.waiters.is_empty()).then_some(()));
    // SIGRTMIN + 7; of the real-time signals glibc keeps two for itself, and musl three.
    let signal = if cfg!(target_env = "musl") { 42 } else { 41 };
    for _ in 0..20 {
        // The wake-up signal itself, for nothing, and a stop and go on.
        let sent = std::process::Command::new("sh").args(["-c", &format!("kill -{signal} {}", waiter.pid())]).status();
        assert!(sent.unwrap().success());
        kill_process(pid, Signal::STOP).unwrap();
        kill_process(pid, Signal::CONT).unwrap();
    }
    testkit::wait_until("it sleeps", || (!stead::lock::inspect(&path).ok()?.waiters.is_empty()).then_some(()));
    holder.cue("release");
    waiter.expect("held");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever the deadline, a wait for a lock that is held ends, neither before it nor as anything but a time-out.
    #[test]
    fn no_wait_ends_before_its_deadline(micros in 0..20_000_u64, poll: bool, until: bool) {
        let folder = tempdir().unwrap();
        let path = folder.path().join("l");
        let guard = FileLock::at(&path).try_lock().unwrap().into_send();
        let length = Duration::from_micros(micros);
        let start = Instant::now();
        let wait = if until { Wait::Until(start + length) } else { Wait::from(length) };
        // Another lock object of another thread: it waits in memory.
        let wake = if poll { Wake::Poll } else { Wake::Signal };
        let error = thread::scope(|scope| {
            scope.spawn(|| Options::new().wake(wake).at(&path).lock(wait).map(drop).unwrap_err()).join().unwrap()
        });
        prop_assert!(error.is_timed_out() || (error.is_busy() && wait == Wait::No));
        prop_assert!(start.elapsed() >= length);
        drop(guard);
    }
}
