//! Every interleaving of the turns in memory, by loom:
//! `RUSTFLAGS="--cfg loom" cargo test -p stead --lib --release loom`

use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

use crate::lock::cancel::Cancel;
use crate::lock::turns::{Denied, Turns};
use crate::lock::wait::{End, Patience, Wait};
use crate::sys::{FileId, Mode};

const FILE: FileId = FileId { device: 1, inode: 1 };
const WRITER: usize = 100;

/// Takes a turn, looks that nobody is there who must not be, and gives it back.
fn visit(turns: &Turns, inside: &AtomicUsize, mode: Mode) {
    let turn = turns.take(FILE, mode, None, &Patience::new(Wait::Forever, None)).expect("granted in the end");
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
        let first = turns.take(FILE, Mode::Shared, None, &Patience::new(Wait::Forever, None)).unwrap();
        let waiter = {
            let (turns, cancel) = (Arc::clone(&turns), cancel.clone());
            thread::spawn(move || {
                match turns.take(FILE, Mode::Exclusive, None, &Patience::new(Wait::Forever, Some(&cancel))) {
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
        let turn = turns.take(FILE, Mode::Exclusive, None, &Patience::new(Wait::Forever, None)).unwrap();
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
