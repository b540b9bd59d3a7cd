//! What a kind of work is. To put a new one under stress, implement [`Work`] and name it in [`ALL`].

use std::path::{Path, PathBuf};

use super::counters::Counters;
use super::events::Events;
use super::files::Files;
use super::findings::Findings;
use crate::doctor::trouble::Trouble;

/// All kinds of work. Each worker picks one at random before each step.
pub(super) const ALL: &[&dyn Work] = &[&Counters, &Files, &Events];

/// A kind of work that many processes do in one folder, and that can prove afterwards that nothing got lost.
///
/// The proof must hold although workers are killed at any instant. So each step is written down by its worker, in a
/// file of that worker's own: the intent before, the acknowledgment after. An acknowledged step must be found exactly
/// once, one with an intent only at most once.
pub(super) trait Work: Sync {
    /// A word; also the name of its folder.
    fn name(&self) -> &'static str;

    /// Fills the folder before the workers begin.
    fn prepare(&self, folder: &Path) -> Result<(), Trouble>;

    /// In a worker: what does the steps. `worker` is a number that no other worker has or had.
    fn hire(&self, folder: &Path, worker: u32) -> Result<Box<dyn Hand>, Trouble>;

    /// How much was done by now, for people to look at.
    fn progress(&self, folder: &Path) -> u64;

    /// The proof, when all workers are gone.
    fn check(&self, folder: &Path) -> Result<Findings, Trouble>;
}

/// One worker's share of a kind of work.
pub(super) trait Hand {
    /// One operation. Trouble is what must never happen: it ends the run as a failure.
    fn step(&mut self) -> Result<(), Trouble>;

    /// Writes down why this worker gives up.
    fn give_up(&mut self, trouble: &Trouble);
}

/// Where a kind of work has its files.
pub(super) fn folder(room: &Path, work: &dyn Work) -> PathBuf {
    room.join(work.name())
}
