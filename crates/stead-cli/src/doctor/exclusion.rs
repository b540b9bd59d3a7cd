//! The locks themselves, tried with real processes.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use stead::filesystem::VolumeKind;
use stead::lock::{FileLock, Mode, Wait};

use super::bench::Bench;
use super::clock;
use super::files;
use super::peer::Peer;
use super::promises::Verdict;
use super::report::Span;
use super::trouble::Trouble;

/// The lock that is fought over, in a folder of each test's own.
const LOCK: &str = "lock";
/// How long a waiter is given to come in where it must not.
const TEMPTATION: Duration = Duration::from_millis(60);
/// How long a waiter may take to come in where it must.
const HANDOFF_MAX: Duration = Duration::from_secs(5);
/// The deadline that is tried, and how late it may be noticed.
const DEADLINE: Duration = Duration::from_millis(100);
const OVERSHOOT_MAX: Duration = Duration::from_secs(2);
const THREADS: u32 = 4;
const ROUNDS: u32 = 50;

const STAYS: &str = "this system does not let a lock file go while it is held";
const BOTH: &str = "two processes held one exclusive lock";

/// Whichever process holds it, the others are refused.
pub(super) fn between_processes(bench: &Bench<'_>) -> Result<Verdict, Trouble> {
    let ours = FileLock::at(bench.folder.join(LOCK));
    let (mut first, mut second) = (Peer::start(bench)?, Peer::start(bench)?);
    first.lock(Mode::Exclusive, LOCK)?;
    if is_free(&ours, Mode::Exclusive)? || second.try_lock(Mode::Exclusive, LOCK)? {
        return Ok(Verdict::broken(BOTH));
    }
    first.release()?;
    let guard = ours.lock(HANDOFF_MAX)?;
    if first.try_lock(Mode::Exclusive, LOCK)? || second.try_lock(Mode::Exclusive, LOCK)? {
        return Ok(Verdict::broken(BOTH));
    }
    guard.release()?;
    second.lock(Mode::Exclusive, LOCK)?;
    Ok(Verdict::kept(""))
}

/// Threads with a lock object each go in one at a time.
pub(super) fn between_threads(bench: &Bench<'_>) -> Result<Verdict, Trouble> {
    let path = bench.folder.join(LOCK);
    let inside = AtomicU32::new(0);
    let work = || -> Result<u32, Trouble> {
        let lock = FileLock::at(&path);
        let mut met = 0;
        for _ in 0..ROUNDS {
            let guard = lock.lock(HANDOFF_MAX)?;
            met += inside.fetch_add(1, Ordering::SeqCst);
            std::thread::yield_now();
            inside.fetch_sub(1, Ordering::SeqCst);
            guard.release()?;
        }
        Ok(met)
    };
    let met: Result<Vec<u32>, Trouble> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
        let outcome =
            |joined: std::thread::Result<_>| joined.unwrap_or_else(|_| Err(Trouble::failed("a thread panicked")));
        threads.into_iter().map(|thread| outcome(thread.join())).collect()
    });
    if met?.iter().any(|met| *met > 0) {
        return Ok(Verdict::broken("two threads held one exclusive lock"));
    }
    Ok(Verdict::kept(""))
}

/// Many share; one who is exclusive is alone.
pub(super) fn shared_together(bench: &Bench<'_>) -> Result<Verdict, Trouble> {
    let ours = FileLock::at(bench.folder.join(LOCK));
    let (mut first, mut second) = (Peer::start(bench)?, Peer::start(bench)?);
    first.lock(Mode::Shared, LOCK)?;
    if !second.try_lock(Mode::Shared, LOCK)? || !is_free(&ours, Mode::Shared)? {
        return Ok(Verdict::broken("a lock that is shared was refused to a second who would share it"));
    }
    if is_free(&ours, Mode::Exclusive)? {
        return Ok(Verdict::broken("a lock that others share was granted exclusively"));
    }
    first.release()?;
    if is_free(&ours, Mode::Exclusive)? {
        return Ok(Verdict::broken("a lock that another still shares was granted exclusively"));
    }
    second.release()?;
    let _guard = ours.lock(HANDOFF_MAX)?;
    if first.try_lock(Mode::Shared, LOCK)? {
        return Ok(Verdict::broken("a lock that is held exclusively was shared"));
    }
    Ok(Verdict::kept(""))
}

/// Who came first is served first.
pub(super) fn turns(bench: &Bench<'_>) -> Result<Verdict, Trouble> {
    let ours = FileLock::at(bench.folder.join(LOCK));
    let (mut first, mut second) = (Peer::start(bench)?, Peer::start(bench)?);
    let guard = ours.lock(HANDOFF_MAX)?;
    if let Some(why) = ours.inspect()?.unordered {
        return Ok(Verdict::fallback(format!("whoever is quick is first: {why}")));
    }
    first.wait_for(Mode::Exclusive, LOCK)?;
    let one_waits = wait_until_in_line(&ours, 1)?;
    second.wait_for(Mode::Exclusive, LOCK)?;
    if !one_waits || !wait_until_in_line(&ours, 2)? {
        return Ok(Verdict::broken("who waits is not seen in line"));
    }
    guard.release()?;
    if !first.granted(HANDOFF_MAX)? || second.granted(TEMPTATION)? {
        return Ok(Verdict::broken("who came later was served first"));
    }
    first.release()?;
    if !second.granted(HANDOFF_MAX)? {
        return Ok(Verdict::broken("the second in line was not served"));
    }
    Ok(Verdict::kept(""))
}

/// Whether so many are seen in line soon.
fn wait_until_in_line(lock: &FileLock, count: usize) -> Result<bool, Trouble> {
    let began = clock::now();
    while lock.inspect()?.waiters.iter().filter(|waiter| waiter.place.is_some()).count() < count {
        if began.elapsed() > HANDOFF_MAX {
            return Ok(false);
        }
        std::thread::yield_now();
    }
    Ok(true)
}

/// The kernel gives back what a killed process held, and the one that waits for it goes in.
pub(super) fn release_on_kill(bench: &Bench<'_>) -> Result<Verdict, Trouble> {
    let (mut holder, mut waiter) = (Peer::start(bench)?, Peer::start(bench)?);
    holder.lock(Mode::Exclusive, LOCK)?;
    waiter.wait_for(Mode::Exclusive, LOCK)?;
    if waiter.granted(TEMPTATION)? {
        return Ok(Verdict::broken(BOTH));
    }
    let killed = clock::now();
    holder.kill()?;
    if !waiter.granted(HANDOFF_MAX)? {
        return Ok(Verdict::broken(format!(
            "{} after its holder was killed, the lock was still held",
            Span(HANDOFF_MAX)
        )));
    }
    Ok(Verdict::kept(format!("the one waiting was in {} after the kill", Span(killed.elapsed()))))
}

/// Somebody moves the lock file away while it is held.
pub(super) fn renamed_away(bench: &Bench<'_>) -> Result<Verdict, Trouble> {
    torn_away(bench, |path| files::rename(path, &path.with_extension("away")))
}

/// Somebody removes the lock file while it is held.
pub(super) fn removed(bench: &Bench<'_>) -> Result<Verdict, Trouble> {
    torn_away(bench, |path| std::fs::remove_file(path))
}

/// Trap 1: the holder of a lock file that is gone from its path is told, the path's new lock has one holder, and one
/// who waited for the old file does not come in on it.
fn torn_away(bench: &Bench<'_>, tear: fn(&Path) -> std::io::Result<()>) -> Result<Verdict, Trouble> {
    let path = bench.folder.join(LOCK);
    let (mut holder, mut waiter, mut third) = (Peer::start(bench)?, Peer::start(bench)?, Peer::start(bench)?);
    holder.lock(Mode::Exclusive, LOCK)?;
    waiter.wait_for(Mode::Exclusive, LOCK)?;
    if waiter.granted(TEMPTATION)? {
        return Ok(Verdict::broken(BOTH));
    }
    match tear(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            return Ok(Verdict::kept(STAYS));
        }
        other => other.map_err(Trouble::at("take away", &path))?,
    }
    if holder.holds_soundly()? {
        return match FileLock::at(&path).try_lock() {
            Ok(_guard) => Ok(Verdict::broken("the holder was not told that its lock file is gone")),
            Err(error) if error.is_busy() || error.is_permission() => Ok(Verdict::kept(STAYS)),
            Err(error) => Err(error.into()),
        };
    }
    let guard = FileLock::at(&path).lock(HANDOFF_MAX)?;
    holder.release()?;
    if waiter.granted(TEMPTATION)? {
        return Ok(Verdict::broken("one who waited for the old lock file came in beside the holder of the new one"));
    }
    if third.try_lock(Mode::Exclusive, LOCK)? {
        return Ok(Verdict::broken(BOTH));
    }
    guard.check()?;
    guard.release()?;
    if !waiter.granted(HANDOFF_MAX)? {
        return Ok(Verdict::broken("one who waited for the old lock file never got the new one"));
    }
    if !waiter.holds_soundly()? {
        return Ok(Verdict::broken("one who waited for the old lock file holds that, and not the new one"));
    }
    Ok(Verdict::kept(""))
}

/// A wait ends neither before its deadline nor long after.
pub(super) fn deadline(bench: &Bench<'_>) -> Result<Verdict, Trouble> {
    let ours = FileLock::at(bench.folder.join(LOCK));
    let mut holder = Peer::start(bench)?;
    holder.lock(Mode::Exclusive, LOCK)?;
    let began = clock::now();
    let outcome = ours.lock(DEADLINE);
    let waited = began.elapsed();
    match outcome {
        Ok(_guard) => return Ok(Verdict::broken(BOTH)),
        Err(error) if error.is_timed_out() => {}
        Err(error) => return Err(error.into()),
    }
    if waited < DEADLINE || waited > DEADLINE + OVERSHOOT_MAX {
        return Ok(Verdict::broken(format!("a wait of {} took {}", Span(DEADLINE), Span(waited))));
    }
    let took = format!("a wait of {} took {}", Span(DEADLINE), Span(waited));
    Ok(match bench.filesystem.kind() {
        VolumeKind::Local | VolumeKind::Unknown => Verdict::kept(took),
        kind => Verdict::fallback(format!("{took}; on a {kind} filesystem stead looks every 10 to 100 ms")),
    })
}

/// Whether the lock could be had now. It is given back at once.
fn is_free(lock: &FileLock, mode: Mode) -> Result<bool, Trouble> {
    let locked = if mode == Mode::Shared { lock.lock_shared(Wait::No) } else { lock.lock(Wait::No) };
    match locked {
        Ok(guard) => Ok(guard.release().map(|()| true)?),
        Err(error) if error.is_busy() => Ok(false),
        Err(error) => Err(error.into()),
    }
}
