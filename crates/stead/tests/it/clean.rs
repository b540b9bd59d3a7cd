//! Clean-up removes what nobody holds, and only that.

use std::fs;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use stead::lock::{FileLock, Options, clean};
use tempfile::tempdir;

use crate::cast::CAST;

#[test]
fn only_lock_files_of_ours_that_nobody_holds_are_removed() {
    let folder = tempdir().unwrap();
    let deep = folder.path().join("a/b");
    fs::create_dir_all(&deep).unwrap();
    for data in ["free", "held", "foreign"] {
        drop(FileLock::sidecar(deep.join(data)).try_lock().unwrap());
    }
    let locks = deep.join(".stead/locks");
    fs::write(locks.join("foreign.lock"), "not a record").unwrap();
    fs::write(locks.join("notes.txt"), "mine").unwrap();
    // A lock file that somebody chose is never removed: one who waits for it may not look again (trap 51).
    drop(FileLock::at(deep.join("chosen.lock")).try_lock().unwrap());
    let _held = FileLock::sidecar(deep.join("held")).try_lock().unwrap();

    let planned = clean(folder.path(), false, true).unwrap();
    assert!(locks.join("free.lock").exists(), "a dry run removes nothing");
    let cleaned = clean(folder.path(), false, false).unwrap();
    assert_eq!(planned.removed, cleaned.removed);
    assert_eq!(cleaned.removed, [locks.join("free.lock")]);
    assert_eq!((cleaned.held, cleaned.failed.len()), (1, 0));
    for left in ["held.lock", "foreign.lock", "notes.txt", "../../chosen.lock"] {
        assert!(locks.join(left).exists(), "{left}");
    }
}

#[test]
fn a_lock_folder_is_cleaned_when_it_is_named_as_one() {
    let (folder, locks) = (tempdir().unwrap(), tempdir().unwrap());
    drop(Options::new().lock_dir(locks.path()).sidecar(folder.path().join("d")).try_lock().unwrap());
    assert!(clean(locks.path(), false, false).unwrap().removed.is_empty());
    assert_eq!(clean(locks.path(), true, false).unwrap().removed.len(), 1);
}

/// Trap 10: age is never a reason, and a stopped holder still holds.
#[cfg(all(target_os = "linux", not(stead_other_unix)))]
#[test]
fn trap_10_neither_age_nor_a_stop_frees_a_lock() {
    use rustix::process::{Pid, Signal, kill_process};

    let folder = tempdir().unwrap();
    let data = folder.path().join("d");
    let mut holder = CAST.start("hold", &[&format!("sidecar:{}", data.display()), "exclusive"]);
    holder.expect("held");
    let pid = Pid::from_raw(i32::try_from(holder.pid()).unwrap()).unwrap();
    kill_process(pid, Signal::STOP).unwrap();
    let lock = FileLock::sidecar(&data);
    let old = std::time::UNIX_EPOCH + Duration::from_secs(1);
    fs::File::open(lock.lock_path().unwrap()).unwrap().set_modified(old).unwrap();
    assert_eq!(clean(folder.path(), false, false).unwrap().held, 1);
    assert!(lock.try_lock().unwrap_err().is_busy());
    testkit::wait_until("it is seen as stopped", || {
        (lock.inspect().unwrap().holders[0].state == stead::lock::State::Stopped).then_some(())
    });
    let error = lock.lock(Duration::from_millis(10)).unwrap_err();
    assert!(error.to_string().contains(", stopped"), "{error}");
    kill_process(pid, Signal::CONT).unwrap();
    holder.cue("release");
    holder.expect("released");
    assert_eq!(clean(folder.path(), false, false).unwrap().removed.len(), 1);
}

/// Trap 51, among those who look again: cleaning between and during other threads' holds never lets two in.
#[test]
fn trap_51_cleaning_under_load_lets_no_two_in() {
    let folder = tempdir().unwrap();
    let data = folder.path().join("d");
    let (inside, removed) = (AtomicU32::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut last = 0;
                for _ in 0..200 {
                    let guard = FileLock::sidecar(&data).lock(Duration::from_secs(60)).unwrap();
                    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "two holders at once");
                    assert!(guard.token().unwrap() > last, "a token went back");
                    last = guard.token().unwrap();
                    inside.fetch_sub(1, Ordering::SeqCst);
                    drop(guard);
                    removed.fetch_add(clean(folder.path(), false, false).unwrap().removed.len(), Ordering::SeqCst);
                }
            });
        }
    });
    // At the latest, the one who came last found it free.
    assert!(removed.load(Ordering::SeqCst) > 0);
}

/// Trap 51: a lock file that flock(1) sleeps for is left alone.
#[cfg(all(target_os = "linux", not(stead_other_unix)))]
#[test]
fn trap_51_a_file_with_a_waiter_in_sight_stays() {
    if !testkit::tool("flock") {
        return;
    }
    let folder = tempdir().unwrap();
    let lock = FileLock::sidecar(folder.path().join("d"));
    let guard = lock.try_lock().unwrap();
    let path = lock.lock_path().unwrap();
    let mut waiter = std::process::Command::new("flock").arg(&path).arg("true").spawn().unwrap();
    testkit::wait_until("flock(1) sleeps", || (!lock.inspect().ok()?.waiters.is_empty()).then_some(()));
    assert_eq!(clean(folder.path(), false, false).unwrap().held, 1);
    assert!(path.exists());
    drop(guard);
    assert!(waiter.wait().unwrap().success());
}

#[test]
fn a_holder_that_dies_is_cleaned_after() {
    let folder = tempdir().unwrap();
    let data = folder.path().join("d");
    let mut holder = CAST.start("hold", &[&format!("sidecar:{}", data.display()), "exclusive"]);
    holder.expect("held");
    holder.kill();
    testkit::wait_until("it is cleaned", || {
        (!clean(folder.path(), false, false).unwrap().removed.is_empty()).then_some(())
    });
}

/// What is called `high-water` and is not ours stays as it is, and so does the lock file.
#[test]
fn a_file_of_the_users_is_not_taken_for_a_high_water_mark() {
    for content in ["the flood of 1953", "", "4312\n", "\0\0"] {
        let (folder, locks) = (tempdir().unwrap(), tempdir().unwrap());
        let lock = Options::new().lock_dir(locks.path()).sidecar(folder.path().join("d"));
        drop(lock.try_lock().unwrap());
        let mark = locks.path().join("high-water");
        fs::write(&mark, content).unwrap();
        let cleaned = clean(locks.path(), true, false).unwrap();
        assert_eq!((cleaned.removed.len(), cleaned.failed.len()), (0, 1), "{content:?}");
        assert!(cleaned.failed[0].1.contains("high-water"), "{}", cleaned.failed[0].1);
        assert_eq!(fs::read_to_string(&mark).unwrap(), content);
        assert!(lock.lock_path().unwrap().exists());
    }
}

/// Trap 13: a victim linked to where the mark belongs is not written into, be it a lock file of ours.
#[test]
fn trap_13_a_hard_link_planted_as_a_high_water_mark_is_refused() {
    let folder = tempdir().unwrap();
    let lock = FileLock::sidecar(folder.path().join("d"));
    drop(lock.try_lock().unwrap());
    let (victim, mark) = (folder.path().join("victim"), lock.lock_path().unwrap().with_file_name("high-water"));
    drop(FileLock::at(&victim).try_lock().unwrap());
    let before = fs::read(&victim).unwrap();
    fs::hard_link(&victim, &mark).unwrap();
    let cleaned = clean(folder.path(), false, false).unwrap();
    assert_eq!((cleaned.removed.len(), cleaned.failed.len()), (0, 1));
    assert_eq!(fs::read(&victim).unwrap(), before);
    // In a folder of ours an empty one is what a power cut left.
    fs::remove_file(&mark).unwrap();
    fs::write(&mark, "").unwrap();
    assert_eq!(clean(folder.path(), false, false).unwrap().removed.len(), 1);
    assert!(!fs::read(&mark).unwrap().is_empty());
}

/// Whoever keeps the mark locked does not keep a clean-up, and with it a lock of a user's.
#[test]
fn a_locked_high_water_mark_is_not_waited_for() {
    let folder = tempdir().unwrap();
    let lock = FileLock::sidecar(folder.path().join("d"));
    drop(lock.try_lock().unwrap());
    assert_eq!(clean(folder.path(), false, false).unwrap().removed.len(), 1);
    drop(lock.try_lock().unwrap());
    let path = lock.lock_path().unwrap();
    let held = FileLock::in_place(path.with_file_name("high-water")).try_lock().unwrap();
    let cleaned = clean(folder.path(), false, false).unwrap();
    assert_eq!((cleaned.held, cleaned.removed.len(), cleaned.failed.len()), (1, 0, 0));
    drop(lock.try_lock().unwrap());
    drop(held);
    assert_eq!(clean(folder.path(), false, false).unwrap().removed.len(), 1);
}
