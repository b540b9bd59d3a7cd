//! Every interleaving of the turns in memory, by loom:
//! `RUSTFLAGS="--cfg loom" cargo test -p stead --lib --release loom`

use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

use crate::lock::cancel::Cancel;
use crate::lock::turns::{Bell, Denied, Turn, Turns};
use crate::lock::wait::{End, Patience, Wait};
use crate::sys::{FileId, Mode};

const FILE: FileId = FileId { device: 1, inode: 1 };
const WRITER: usize = 100;

/// What is done while waiting.
fn nothing() -> (fn(), fn()) {
    (|| (), || ())
}

/// Takes a turn, looks that nobody is there who must not be, and gives it back.
fn visit(turns: &Turns, inside: &AtomicUsize, mode: Mode) {
    let turn =
        turns.take(FILE, mode, None, &Patience::new(Wait::Forever, None), nothing()).expect("granted in the end");
    check_in(inside, mode);
    turns.release(turn);
}

fn check_in(inside: &AtomicUsize, mode: Mode) {
    let weight = if mode == Mode::Exclusive { WRITER } else { 1 };
    let before = inside.fetch_add(weight, Ordering::SeqCst);
    match mode {
        Mode::Exclusive => assert_eq!(before, 0, "a writer is alone"),
        Mode::Shared => assert!(before < WRITER, "no reader beside a writer"),
    }
    inside.fetch_sub(weight, Ordering::SeqCst);
}

fn explore(modes: &'static [Mode]) {
    loom::model(move || {
        let (turns, inside) = (Arc::new(Turns::new()), Arc::new(AtomicUsize::new(0)));
        let others: Vec<_> = modes[1..]
            .iter()
            .map(|mode| {
                let (turns, inside) = (Arc::clone(&turns), Arc::clone(&inside));
                thread::spawn(move || visit(&turns, &inside, *mode))
            })
            .collect();
        visit(&turns, &inside, modes[0]);
        others.into_iter().for_each(|other| other.join().unwrap());
        assert!(turns.is_empty(), "nothing is left behind");
    });
}

#[test]
fn loom_writers_take_turns() {
    explore(&[Mode::Exclusive, Mode::Exclusive, Mode::Exclusive]);
}

#[test]
fn loom_readers_and_a_writer() {
    explore(&[Mode::Shared, Mode::Exclusive, Mode::Shared]);
}

/// A waiter that is cancelled leaves no hole: who waits behind it gets in.
#[test]
fn loom_a_cancelled_waiter_leaves_no_hole() {
    loom::model(|| {
        let (turns, inside, cancel) = (Arc::new(Turns::new()), Arc::new(AtomicUsize::new(0)), Cancel::new());
        let first = turns.take(FILE, Mode::Shared, None, &Patience::new(Wait::Forever, None), nothing()).unwrap();
        let waiter = {
            let (turns, cancel) = (Arc::clone(&turns), cancel.clone());
            thread::spawn(move || {
                match turns.take(FILE, Mode::Exclusive, None, &Patience::new(Wait::Forever, Some(&cancel)), nothing()) {
                    Ok(turn) => turns.release(turn),
                    Err(denied) => assert_eq!(denied, Denied::End(End::Cancelled)),
                }
            })
        };
        let reader = {
            let (turns, inside) = (Arc::clone(&turns), Arc::clone(&inside));
            thread::spawn(move || visit(&turns, &inside, Mode::Shared))
        };
        cancel.cancel();
        waiter.join().unwrap();
        turns.release(first);
        reader.join().unwrap();
        assert!(turns.is_empty());
    });
}

/// A downgrade lets a waiting reader in, and the hold stays.
#[test]
fn loom_a_downgrade_wakes_readers() {
    loom::model(|| {
        let (turns, inside) = (Arc::new(Turns::new()), Arc::new(AtomicUsize::new(0)));
        let turn = turns.take(FILE, Mode::Exclusive, None, &Patience::new(Wait::Forever, None), nothing()).unwrap();
        let reader = {
            let (turns, inside) = (Arc::clone(&turns), Arc::clone(&inside));
            thread::spawn(move || visit(&turns, &inside, Mode::Shared))
        };
        turns.downgrade(turn);
        reader.join().unwrap();
        turns.release(turn);
        assert!(turns.is_empty());
    });
}

fn forever() -> Patience<'static> {
    Patience::new(Wait::Forever, None)
}

fn share(turns: &Turns) -> Turn {
    turns.take(FILE, Mode::Shared, None, &forever(), nothing()).expect("nobody is alone")
}

/// Gives back an upgraded turn, after a look that nobody is there.
fn leave_upgraded(turns: &Turns, inside: &AtomicUsize, turn: Turn) {
    check_in(inside, Mode::Exclusive);
    turns.forget_upgrade(turn);
    turns.release(turn);
}

/// Trap 54: of two who share and want to be alone, one at most is told that it would wait for ever, and still shares; the other
/// gets it.
#[test]
fn loom_of_two_upgraders_one_is_told() {
    loom::model(|| {
        let (turns, inside, told) =
            (Arc::new(Turns::new()), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let held = [share(&turns), share(&turns)];
        let upgrade = |turn| {
            let (turns, inside, told) = (Arc::clone(&turns), Arc::clone(&inside), Arc::clone(&told));
            move || match turns.upgrade(turn, &forever()) {
                Ok(()) => leave_upgraded(&turns, &inside, turn),
                Err(denied) => {
                    assert_eq!(denied, Denied::WouldDeadlock);
                    told.fetch_add(1, Ordering::SeqCst);
                    check_in(&inside, Mode::Shared);
                    turns.release(turn);
                }
            }
        };
        let other = thread::spawn(upgrade(held[1]));
        upgrade(held[0])();
        other.join().unwrap();
        // Both ask while both share.
        assert_eq!(told.load(Ordering::SeqCst), 1);
        assert!(turns.is_empty());
    });
}

/// Trap 54: a reader leaves, a writer waits and comes: the one who upgrades is before it.
#[test]
fn loom_nobody_gets_in_before_an_upgrade() {
    loom::model(|| {
        let (turns, inside, done) =
            (Arc::new(Turns::new()), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (mine, reader) = (share(&turns), share(&turns));
        let leaver = {
            let turns = Arc::clone(&turns);
            thread::spawn(move || turns.release(reader))
        };
        let writer = {
            let (turns, inside, done) = (Arc::clone(&turns), Arc::clone(&inside), Arc::clone(&done));
            thread::spawn(move || {
                let turn = turns.take(FILE, Mode::Exclusive, None, &forever(), nothing()).expect("granted in the end");
                assert_eq!(done.load(Ordering::SeqCst), 1, "it was there before the upgrade");
                check_in(&inside, Mode::Exclusive);
                turns.release(turn);
            })
        };
        turns.upgrade(mine, &forever()).expect("the other leaves");
        done.store(1, Ordering::SeqCst);
        leave_upgraded(&turns, &inside, mine);
        leaver.join().unwrap();
        writer.join().unwrap();
        assert!(turns.is_empty());
    });
}

/// An upgrade that is cancelled leaves no hole: the turn is shared as before, and others come in.
#[test]
fn loom_a_cancelled_upgrade_leaves_no_hole() {
    loom::model(|| {
        let (turns, inside, cancel) = (Arc::new(Turns::new()), Arc::new(AtomicUsize::new(0)), Cancel::new());
        let (mine, other) = (share(&turns), share(&turns));
        let upgrader = {
            let (turns, cancel) = (Arc::clone(&turns), cancel.clone());
            thread::spawn(move || {
                let denied = turns.upgrade(mine, &Patience::new(Wait::Forever, Some(&cancel))).unwrap_err();
                assert_eq!(denied, Denied::End(End::Cancelled));
            })
        };
        let reader = {
            let (turns, inside) = (Arc::clone(&turns), Arc::clone(&inside));
            thread::spawn(move || visit(&turns, &inside, Mode::Shared))
        };
        cancel.cancel();
        upgrader.join().unwrap();
        // While both still share.
        reader.join().unwrap();
        turns.release(mine);
        turns.release(other);
        assert!(turns.is_empty());
    });
}

/// As a task waits: the bell is asked for under the lock, and rings once, whether the release comes before or after.
#[test]
fn loom_a_bell_rings_once_for_a_turn_that_was_waited_for() {
    loom::model(|| {
        let (turns, rung) = (Arc::new(Turns::new()), Arc::new(AtomicUsize::new(0)));
        let first = turns.take(FILE, Mode::Exclusive, None, &forever(), nothing()).unwrap();
        let task = {
            let (turns, rung) = (Arc::clone(&turns), Arc::clone(&rung));
            thread::spawn(move || {
                let bell = Arc::clone(&rung);
                let ring = move || -> Bell {
                    Box::new(move || {
                        bell.fetch_add(1, Ordering::SeqCst);
                    })
                };
                let turn = turns.line_up(FILE, Mode::Exclusive, None, || Ok(ring())).expect("it belongs to no thread");
                while turn.waited && rung.load(Ordering::SeqCst) == 0 {
                    thread::yield_now();
                }
                turns.release(turn);
                turn.waited
            })
        };
        turns.release(first);
        let waited = task.join().unwrap();
        assert_eq!(rung.load(Ordering::SeqCst), usize::from(waited));
        assert!(turns.is_empty());
    });
}

/// A task that is dropped in the line gives its place back, granted or not: who waits behind it gets in.
#[test]
fn loom_a_task_that_is_dropped_leaves_no_hole() {
    loom::model(|| {
        let (turns, inside) = (Arc::new(Turns::new()), Arc::new(AtomicUsize::new(0)));
        let first = turns.take(FILE, Mode::Exclusive, None, &forever(), nothing()).unwrap();
        let dropped = turns.line_up(FILE, Mode::Exclusive, None, || Ok(Box::new(|| {}))).unwrap();
        let behind = {
            let (turns, inside) = (Arc::clone(&turns), Arc::clone(&inside));
            thread::spawn(move || visit(&turns, &inside, Mode::Exclusive))
        };
        let dropper = {
            let turns = Arc::clone(&turns);
            thread::spawn(move || turns.release(dropped))
        };
        turns.release(first);
        dropper.join().unwrap();
        behind.join().unwrap();
        assert!(turns.is_empty());
    });
}
