//! What a worker does with the log.

use std::path::{Path, PathBuf};

use fastrand::Rng;
use stead::log::{Durability, EventReader, EventWriter, Options};

use super::follower::Follower;
use super::{Entry, ledgers_path, log_path};
use crate::doctor::clock;
use crate::doctor::stress::content;
use crate::doctor::stress::ledger::Ledger;
use crate::doctor::stress::steps::{self, Step, micros};
use crate::doctor::stress::work::Hand;
use crate::doctor::trouble::Trouble;

/// One in so many appends is synced: the others are many more in the same time.
const SYNCED: u32 = 4;

/// One worker's place at the log.
pub(super) struct EventHand {
    path: PathBuf,
    worker: u32,
    batches: u64,
    writers: [EventWriter; 2],
    follower: Follower,
    ledger: Ledger,
    rng: Rng,
}

impl EventHand {
    pub(super) fn new(folder: &Path, worker: u32) -> Result<EventHand, Trouble> {
        let path = log_path(folder);
        let open = |durability| Options::new().shared(true).durability(durability).open(&path);
        Ok(EventHand {
            worker,
            batches: 0,
            writers: [open(Durability::EveryAppend)?, open(Durability::None)?],
            follower: Follower::new(EventReader::new(&path).follow(0)?),
            ledger: Ledger::begin(&ledgers_path(folder), worker)?,
            rng: Rng::new(),
            path,
        })
    }

    /// The writer that syncs, or the other one.
    fn writer(&mut self) -> &mut EventWriter {
        &mut self.writers[usize::from(self.rng.u32(..SYNCED) != 0)]
    }

    fn append(&mut self) -> Result<(), Trouble> {
        self.batches += 1;
        let step = Step::Append(self.batches);
        let entry = |line| serde_json::to_vec(&Entry { line }).expect("text is JSON");
        let batch: Vec<_> = content::batch(self.worker, self.batches).into_iter().map(entry).collect();
        self.ledger.write(&[steps::Entry::Begin(step)])?;
        let asked = clock::now();
        let appended = self.writer().append_lines(&batch);
        appended.map_err(Trouble::at("append to", &self.path))?;
        self.ledger.write(&[steps::Entry::Done { step, wait_us: micros(asked.elapsed()) }])
    }

    fn rotate(&mut self) -> Result<(), Trouble> {
        let rotated = self.writer().rotate_now();
        rotated.map(drop).map_err(Trouble::at("rotate", &self.path))
    }

    fn follow(&mut self) -> Result<(), Trouble> {
        let asked = clock::now();
        if let Some(why) = self.follower.read()? {
            self.ledger.write(&[steps::Entry::Failed { why }])?;
        }
        self.ledger.write(&[steps::Entry::Read { wait_us: micros(asked.elapsed()) }])
    }
}

impl Hand for EventHand {
    fn step(&mut self) -> Result<(), Trouble> {
        match self.rng.u32(..20) {
            0 => self.rotate(),
            1..14 => self.append(),
            _ => self.follow(),
        }
    }

    fn give_up(&mut self, trouble: &Trouble) {
        // Nobody else to tell.
        let _ = self.ledger.write(&[steps::Entry::Failed { why: trouble.to_string() }]);
    }
}
