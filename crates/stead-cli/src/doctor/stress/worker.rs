//! A worker process: one random step after the other, until told to stop or killed.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::work::{self, Hand};
use crate::doctor::helper;
use crate::doctor::trouble::Trouble;

/// What the doctor says when the time is over.
pub(super) const STOP: &str = "stop";

/// Works in `room`. False: gave up, and has written down why.
pub(in crate::doctor) fn work_until_told(room: &Path, worker: u32) -> bool {
    let stop = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&stop);
    let listening = helper::obey_doctor(move |order| {
        if order == STOP {
            told.store(true, Ordering::SeqCst);
        }
    });
    let hired: Result<Vec<Box<dyn Hand>>, Trouble> =
        listening.and_then(|()| work::ALL.iter().map(|work| work.hire(&work::folder(room, *work), worker)).collect());
    let Ok(mut hands) = hired else { return false };
    while !stop.load(Ordering::SeqCst) {
        let hand = &mut hands[fastrand::usize(..work::ALL.len())];
        if let Err(trouble) = hand.step() {
            hand.give_up(&trouble);
            return false;
        }
    }
    true
}
