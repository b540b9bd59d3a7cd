//! Several locks, all or none.

use std::fs;
use std::time::Duration;

use stead::lock::{FileLock, LockSet, Request, Wait};
use tempfile::tempdir;

use crate::cast::CAST;

/// Trap 19: the same two locks, named in opposite orders by several processes, never wait in a circle.
#[test]
fn trap_19_opposite_orders_do_not_deadlock() {
    let folder = tempdir().unwrap();
    let (a, b) =
        (format!("at:{}", folder.path().join("a").display()), format!("at:{}", folder.path().join("b").display()));
    let mut actors: Vec<_> = (0..4)
        .map(|index| {
            let (one, two) = if index % 2 == 0 { (&a, &b) } else { (&b, &a) };
            CAST.start("hold_set", &["300", one, two])
        })
        .collect();
    for actor in &mut actors {
        actor.expect("done");
    }
}

/// Trap 19: one file under several names is one lock.
#[test]
fn trap_19_one_file_under_two_names_is_one_lock() {
    let folder = tempdir().unwrap();
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    fs::write(&one, "mine").unwrap();
    fs::hard_link(&one, &two).unwrap();
    let set = LockSet::new([FileLock::open(&one), FileLock::open(&two), FileLock::open(folder.path().join("./one"))]);
    let guards = set.acquire(&Request::exclusive().wait(Wait::No)).unwrap();
    assert_eq!(guards.holds().count(), 3);
    guards.release().unwrap();
    drop(FileLock::open(&one).try_lock().unwrap());
}

#[test]
fn a_set_that_is_not_complete_holds_nothing() {
    let folder = tempdir().unwrap();
    let paths = ["a", "b", "c"].map(|name| folder.path().join(name));
    for (busy, path) in paths.iter().enumerate() {
        let mut holder = CAST.start("hold", &[&format!("at:{}", path.display()), "exclusive"]);
        holder.expect("held");
        let set = LockSet::new(paths.iter().map(FileLock::at));
        for wait in [Wait::No, Wait::For(Duration::from_millis(20))] {
            let error = set.acquire(&Request::exclusive().wait(wait)).unwrap_err();
            assert!(error.is_busy() || error.is_timed_out());
            assert_eq!(error.path(), path, "the error names the one that is busy");
            for (index, path) in paths.iter().enumerate().filter(|(index, _)| *index != busy) {
                // With patience for the holder of the round before, who was killed a moment ago.
                let free = FileLock::at(path).lock(Duration::from_secs(60));
                drop(free.unwrap_or_else(|error| panic!("{index} is still held: {error}")));
            }
        }
    }
}

#[test]
fn tokens_come_in_the_order_in_which_the_locks_were_named() {
    let folder = tempdir().unwrap();
    let plain = folder.path().join("plain");
    fs::write(&plain, "").unwrap();
    let set = LockSet::new([FileLock::open(&plain), FileLock::at(folder.path().join("l"))]);
    let guards = set.acquire(&Request::exclusive()).unwrap();
    let tokens: Vec<bool> = guards.holds().map(|hold| hold.token().is_some()).collect();
    assert_eq!(tokens, [false, true]);
    assert_eq!(guards.held_variable().split(' ').count(), 2);
}
