//! Two holders of an exclusive lock never overlap.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use stead::lock::{FileLock, Request, Wait, with_read_lock, with_write_lock};
use tempfile::tempdir;

use crate::cast::{CAST, add_one};

fn name(kind: &str, path: &Path) -> String {
    format!("{kind}:{}", path.display())
}

#[test]
fn processes_and_threads_lose_no_increment() {
    let folder = tempdir().unwrap();
    let (data, counter) = (folder.path().join("state.json"), folder.path().join("counter"));
    fs::write(&counter, "0").unwrap();
    let (lock, counter) = (name("sidecar", &data), counter.display().to_string());
    let mut actors: Vec<_> = (0..3).map(|_| CAST.start("increment", &[&lock, &counter, "200"])).collect();
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..200 {
                    with_write_lock(&data, Duration::from_secs(60), |_| add_one(&counter)).unwrap();
                }
            });
        }
    });
    for actor in &mut actors {
        actor.expect("done");
    }
    assert_eq!(fs::read_to_string(counter).unwrap(), "1200");
}

#[test]
fn readers_are_together_and_writers_alone() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("l");
    let lock = FileLock::at(&path);
    let mut reader = CAST.start("hold", &[&name("at", &path), "shared"]);
    reader.expect("held");
    let mine = lock.try_lock_shared().unwrap();
    assert!(FileLock::at(&path).acquire_send(&Request::exclusive().wait(Wait::No)).unwrap_err().is_busy());
    let mut writer = CAST.start("hold", &[&name("at", &path), "exclusive"]);
    writer.expect("Busy");
    mine.release().unwrap();
    let mut writer = CAST.start("hold", &[&name("at", &path), "exclusive"]);
    writer.expect("Busy");
    reader.cue("release");
    reader.expect("released");
    lock.try_lock().unwrap().release().unwrap();
}

/// Trap 1: A holds inode 1, B waits for it, A's file is unlinked, C creates inode 2. B must not get in beside C.
#[cfg(all(target_os = "linux", not(stead_other_unix)))]
#[test]
fn trap_01_unlinked_while_held() {
    replaced_while_held(|path| fs::remove_file(path).unwrap());
}

/// Trap 1, the other way: renamed away, with a hard link that survives, so that the link count says nothing.
#[cfg(all(target_os = "linux", not(stead_other_unix)))]
#[test]
fn trap_01_renamed_away_while_held() {
    replaced_while_held(|path| {
        fs::hard_link(path, path.with_extension("keep")).unwrap();
        fs::rename(path, path.with_extension("away")).unwrap();
    });
}

#[cfg(all(target_os = "linux", not(stead_other_unix)))]
fn replaced_while_held(take_away: impl Fn(&Path)) {
    let folder = tempdir().unwrap();
    let path = folder.path().join("l");
    let a = FileLock::at(&path).try_lock().unwrap();
    let mut b = CAST.start("wait", &[&name("at", &path), "exclusive", "0"]);
    b.expect("waiting");
    asleep(b.pid());
    take_away(&path);
    assert!(a.check().unwrap_err().is_lost());
    let mut c = CAST.start("hold", &[&name("at", &path), "exclusive"]);
    c.expect("held");
    a.release().unwrap();
    asleep_on(b.pid(), &path);
    c.cue("release");
    c.expect("released");
    b.expect("held");
    assert!(FileLock::at(&path).try_lock().unwrap_err().is_busy());
}

/// Waits until the process sleeps in flock(2).
#[cfg(all(target_os = "linux", not(stead_other_unix)))]
fn asleep(pid: u32) {
    testkit::wait_until("the waiter sleeps", || {
        let locks = fs::read_to_string("/proc/locks").ok()?;
        locks.lines().find(|line| line.contains("->") && line.contains(&format!(" {pid} "))).map(|_| ())
    });
}

/// Waits until the process sleeps in flock(2) on the file that is at `path` now.
#[cfg(all(target_os = "linux", not(stead_other_unix)))]
fn asleep_on(pid: u32, path: &Path) {
    testkit::wait_until("the waiter sleeps on the new file", || {
        let seen = stead::lock::inspect(path).ok()?;
        seen.waiters.iter().find(|waiter| waiter.pid == Some(pid)).map(|_| ())
    });
}

/// Trap 1 under load: threads lock while another one keeps removing the lock file.
#[test]
fn trap_01_removed_again_and_again() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("l");
    let inside = Arc::new(AtomicU32::new(0));
    let done = Arc::new(AtomicU32::new(0));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                // Each has a lock of its own, so a descriptor of its own.
                for _ in 0..300 {
                    let guard = FileLock::at(&path).lock(Duration::from_secs(60)).unwrap();
                    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "two holders at once");
                    inside.fetch_sub(1, Ordering::SeqCst);
                    // Removed while it is held, by one who has left the critical section: others may come in now.
                    if guard.token().unwrap().is_multiple_of(3) {
                        fs::remove_file(&path).unwrap();
                    }
                    drop(guard);
                }
                done.fetch_add(1, Ordering::SeqCst);
            });
        }
    });
    assert_eq!(done.load(Ordering::SeqCst), 4);
}

/// Trap 2: one who is refused has changed nothing in the file.
#[test]
fn trap_02_nothing_is_written_before_the_lock_is_held() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("l");
    let guard = FileLock::at(&path).try_lock().unwrap();
    let before = fs::read(&path).unwrap();
    let mut other = CAST.start("hold", &[&name("at", &path), "exclusive"]);
    other.expect("Busy");
    let mut other = CAST.start("wait", &[&name("at", &path), "exclusive", "50"]);
    other.expect("waiting");
    other.expect("TimedOut");
    assert_eq!(fs::read(&path).unwrap(), before);
    drop(guard);
}

/// Trap 3: two guards of one lock share nothing that one of them could release for the other.
#[test]
fn trap_03_dropping_one_shared_guard_keeps_the_other() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("l");
    let lock = FileLock::at(&path);
    let (one, two) = (lock.try_lock_shared().unwrap(), lock.clone().try_lock_shared().unwrap());
    drop(one);
    CAST.start("hold", &[&name("at", &path), "exclusive"]).expect("Busy");
    drop(two);
    CAST.start("take", &[&name("at", &path), "exclusive"]).expect("held");
}

/// Trap 21: the data file is replaced by rename while its sidecar is held.
#[test]
fn trap_21_a_sidecar_outlives_the_replacement_of_its_data() {
    let folder = tempdir().unwrap();
    let data = folder.path().join("state.json");
    fs::write(&data, "1").unwrap();
    let guard = FileLock::sidecar(&data).try_lock().unwrap();
    fs::write(folder.path().join("new"), "2").unwrap();
    fs::rename(folder.path().join("new"), &data).unwrap();
    CAST.start("hold", &[&name("sidecar", &data), "exclusive"]).expect("Busy");
    drop(guard);
    CAST.start("take", &[&name("sidecar", &data), "exclusive"]).expect("held");
}

#[test]
fn a_thread_is_told_that_it_holds_the_lock_itself() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("l");
    let guard = FileLock::at(&path).try_lock().unwrap();
    assert!(FileLock::open(&path).lock(Wait::Forever).unwrap_err().is_already_held());
    assert!(FileLock::open(&path).lock_shared(Wait::Forever).unwrap_err().is_already_held());
    let guard = guard.into_send();
    // A guard that travels has given up the check: it is simply taken.
    assert!(FileLock::open(&path).try_lock().unwrap_err().is_busy());
    thread::spawn(move || drop(guard)).join().unwrap();
    FileLock::at(&path).try_lock().unwrap().release().unwrap();
}

#[test]
fn a_reader_may_read_again_and_not_write() {
    let folder = tempdir().unwrap();
    let data = folder.path().join("d");
    let sum = with_read_lock(&data, Wait::Forever, |_| with_read_lock(&data, Wait::Forever, |_| 1).unwrap() + 1);
    assert_eq!(sum.unwrap(), 2);
    with_read_lock(&data, Wait::Forever, |_| {
        assert!(with_write_lock(&data, Wait::Forever, |_| ()).unwrap_err().is_already_held());
    })
    .unwrap();
}

#[test]
fn a_panic_releases_and_poisons_nobody() {
    let folder = tempdir().unwrap();
    let data = folder.path().join("d");
    let thread =
        thread::scope(|scope| scope.spawn(|| with_write_lock(&data, Wait::Forever, |_| panic!("on purpose"))).join());
    assert!(thread.is_err());
    with_write_lock(&data, Wait::No, |_| ()).unwrap();
}

#[test]
fn a_downgrade_lets_readers_in_and_no_writer() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("l");
    let guard = FileLock::at(&path).try_lock().unwrap();
    assert!(guard.token().is_some());
    let guard = guard.downgrade().unwrap();
    assert_eq!((guard.token(), guard.mode()), (None, stead::lock::Mode::Shared));
    CAST.start("take", &[&name("at", &path), "shared"]).expect("held");
    CAST.start("hold", &[&name("at", &path), "exclusive"]).expect("Busy");
    drop(guard);
    CAST.start("take", &[&name("at", &path), "exclusive"]).expect("held");
}

#[test]
fn death_frees_the_lock_at_once() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("l");
    let mut holder = CAST.start("hold", &[&name("at", &path), "exclusive"]);
    holder.expect("held");
    let mut waiter = CAST.start("wait", &[&name("at", &path), "exclusive", "0"]);
    waiter.expect("waiting");
    holder.kill();
    waiter.expect("held");
}

/// Symptom: a thread that waited in memory, behind another thread of its process, held the lock of a file that the link
/// no longer led to. Cause: only a wait in the kernel counted as one. Fix: a turn tells whether it was waited for.
#[cfg(all(target_os = "linux", not(stead_other_unix)))]
#[test]
fn a_link_turned_while_a_thread_waits_in_memory_is_followed() {
    let folder = tempdir().unwrap();
    let (one, two, link) = (folder.path().join("one"), folder.path().join("two"), folder.path().join("link"));
    std::os::unix::fs::symlink(&one, &link).unwrap();
    let guard = FileLock::sidecar(&one).try_lock().unwrap();
    let started = std::sync::Barrier::new(2);
    thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            let lock = FileLock::sidecar(&link);
            // Resolved and opened before the link is turned: the wait itself may begin on either side of it.
            lock.lock_path().unwrap();
            started.wait();
            let guard = lock.lock(Wait::Forever).unwrap();
            guard.lock_path().to_path_buf()
        });
        started.wait();
        std::os::unix::fs::symlink(&two, folder.path().join("new")).unwrap();
        fs::rename(folder.path().join("new"), &link).unwrap();
        drop(guard);
        assert!(waiter.join().unwrap().ends_with("two.lock"));
    });
}

#[test]
fn a_token_that_cannot_grow_is_an_error() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("l");
    let lock = stead::lock::Options::new().token_above(u64::MAX).at(&path);
    assert_eq!(lock.try_lock().unwrap_err().kind(), stead::ErrorKind::InvalidInput);
    drop(FileLock::at(&path).try_lock().unwrap());
}
