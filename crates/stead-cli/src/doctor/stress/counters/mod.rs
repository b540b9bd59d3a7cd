//! Counters, each in a file that is replaced by rename, each under its sidecar lock.
//!
//! | file | what it does |
//! |---|---|
//! | `count` | what is in a counter's file |
//! | `mark` | how one that is inside is seen by one that should not be |
//! | `entry` | what a worker writes down |
//! | `hand` | the operations: increment, move from one to another, read |
//! | `check` | the proof |
//!
//! **The proof.** Each change of a counter makes its next version, and the file names the worker and the section (one
//! stay inside the lock) that made it. Before the rename the worker writes into its ledger which version it is about
//! to make, upon whose. So from what is in the file at the end a chain leads back, version by version, to the empty
//! counter, and each change on it is there exactly once. An acknowledged change that is not on the chain is lost; a
//! version that its maker did not intend is doubled. A kill between intent and acknowledgment leaves a change on the
//! chain or not: either is right.

mod check;
mod count;
mod entry;
mod hand;
mod mark;

use std::path::{Path, PathBuf};

use super::findings::Findings;
use super::ledger;
use super::work::{Hand, Work};
use crate::doctor::files;
use crate::doctor::trouble::Trouble;
use count::Count;

/// How many there are: few enough to meet at, enough for sets of them.
const COUNTERS: usize = 4;

/// The work.
pub(super) struct Counters;

impl Work for Counters {
    fn name(&self) -> &'static str {
        "counters"
    }

    fn prepare(&self, folder: &Path) -> Result<(), Trouble> {
        for counter in 0..COUNTERS {
            let path = count_path(folder, counter);
            files::put(&path, Count::default().to_string().as_bytes()).map_err(Trouble::at("write", &path))?;
            let path = mark_path(folder, counter);
            files::put(&path, b"").map_err(Trouble::at("write", &path))?;
        }
        let ledgers = ledgers_path(folder);
        std::fs::create_dir(&ledgers).map_err(Trouble::at("create", &ledgers))
    }

    fn hire(&self, folder: &Path, worker: u32) -> Result<Box<dyn Hand>, Trouble> {
        Ok(Box::new(hand::CounterHand::new(folder, worker)?))
    }

    fn progress(&self, folder: &Path) -> u64 {
        // No lock: a reader of a file that is replaced never sees half of it.
        let version = |counter| count::read(&count_path(folder, counter)).map_or(0, |count| count.version);
        (0..COUNTERS).map(version).sum()
    }

    fn check(&self, folder: &Path) -> Result<Findings, Trouble> {
        let counts: Result<Vec<Count>, Trouble> =
            (0..COUNTERS).map(|counter| count::read(&count_path(folder, counter))).collect();
        Ok(check::check(&counts?, &ledger::read_all(&ledgers_path(folder))?))
    }
}

fn count_path(folder: &Path, counter: usize) -> PathBuf {
    folder.join(format!("count-{counter}"))
}

fn mark_path(folder: &Path, counter: usize) -> PathBuf {
    folder.join(format!("mark-{counter}"))
}

fn ledgers_path(folder: &Path) -> PathBuf {
    folder.join("ledgers")
}
