//! Descriptors that other processes inherit: by accident, on purpose, by fork.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use stead::lock::FileLock;
use tempfile::tempdir;
use testkit::in_fork;

/// Trap 4: a child that outlives us does not keep the lock.
#[test]
fn trap_04_children_do_not_inherit_the_lock() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("l");
    let guard = FileLock::at(&path).try_lock().unwrap();
    let mut child = Command::new("sh")
        .args(["-c", "ls -l /proc/self/fd 2>/dev/null || ls -l /dev/fd; echo there; read line"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let open: Vec<String> = lines.take_while(|line| line != "there").collect();
    let name = path.display().to_string();
    assert!(!open.iter().any(|line| line.contains(&name)), "{open:?}");
    drop(guard);
    drop(FileLock::at(&path).try_lock().unwrap());
    drop(child.stdin.take());
    child.wait().unwrap();
}

#[test]
fn a_lock_that_is_handed_down_is_released_for_the_child_too() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("l");
    let guard = FileLock::at(&path).try_lock().unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", "read line"]).stdin(Stdio::piped());
    guard.inherit(&mut command).unwrap();
    let mut child = command.spawn().unwrap();
    guard.release().unwrap();
    drop(FileLock::at(&path).try_lock().unwrap());
    drop(child.stdin.take());
    child.wait().unwrap();
}

/// Trap 3: a fork's child that drops its parent's guard takes nothing from the parent.
#[test]
fn trap_03_a_forks_child_does_not_release_its_parents_lock() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("l");
    let lock = FileLock::at(&path);
    let mut guard = Some(lock.try_lock().unwrap());
    let before = std::fs::read(&path).unwrap();
    assert!(in_fork(|| {
        drop(guard.take());
        true
    }));
    assert_eq!(std::fs::read(&path).unwrap(), before, "the record still names the parent");
    assert!(in_fork(|| lock.try_lock().unwrap_err().is_busy()));
    drop(guard);
    assert!(in_fork(|| lock.try_lock().is_ok()));
}

/// Trap 3: a descriptor that was idle at a fork is shared by parent and child; each must use one of its own.
#[test]
fn trap_03_an_idle_descriptor_is_not_shared_over_a_fork() {
    let folder = tempdir().unwrap();
    let lock = FileLock::at(folder.path().join("l"));
    drop(lock.try_lock().unwrap());
    let guard = std::cell::RefCell::new(None);
    assert!(in_fork(|| {
        *guard.borrow_mut() = Some(lock.try_lock().unwrap());
        // Another process, also forked, with the same idle descriptor.
        in_fork(|| lock.try_lock().unwrap_err().is_busy())
    }));
    drop(lock.try_lock().unwrap());
}

/// Trap 3: nor does it turn the parent's exclusive lock into a shared one.
#[test]
fn trap_03_a_forks_child_does_not_downgrade_its_parents_lock() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("l");
    let mut guard = Some(FileLock::at(&path).try_lock().unwrap());
    let before = std::fs::read(&path).unwrap();
    assert!(in_fork(|| guard.take().unwrap().downgrade().unwrap_err().is_lost()));
    assert!(in_fork(|| {
        drop(guard.take().unwrap().into_send());
        true
    }));
    assert_eq!(std::fs::read(&path).unwrap(), before, "the record still names the parent");
    assert!(in_fork(|| FileLock::at(&path).try_lock_shared().unwrap_err().is_busy()));
}

/// A child that was given one hold does not keep alive a later one, of which it knows nothing.
#[test]
fn a_later_hold_is_not_handed_down_by_an_earlier_one() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("l");
    let lock = FileLock::at(&path);
    let mut command = Command::new("sh");
    command.args(["-c", "read line"]).stdin(Stdio::piped());
    let guard = lock.try_lock().unwrap();
    guard.inherit(&mut command).unwrap();
    let mut child = command.spawn().unwrap();
    drop((guard, command));
    // Held by a process that ends without a release.
    assert!(in_fork(|| {
        std::mem::forget(lock.try_lock().unwrap());
        true
    }));
    drop(FileLock::at(&path).try_lock().unwrap());
    drop(child.stdin.take());
    child.wait().unwrap();
}
