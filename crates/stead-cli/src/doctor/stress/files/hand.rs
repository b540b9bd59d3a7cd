//! What a worker does with the files.

use std::io;
use std::path::{Path, PathBuf};

use fastrand::Rng;
use stead::atomic::{Appender, Durability, Options};
use stead::document::Document;

use super::{document, ledgers_path, lines_path, replaced_path};
use crate::doctor::clock;
use crate::doctor::stress::content;
use crate::doctor::stress::ledger::Ledger;
use crate::doctor::stress::proof::Numbers;
use crate::doctor::stress::steps::{Entry, Step, micros};
use crate::doctor::stress::work::Hand;
use crate::doctor::trouble::Trouble;

/// One in so many writes is synced: the others are many more in the same time.
const SYNCED: u32 = 4;

/// One worker's place at the files.
pub(super) struct FileHand {
    folder: PathBuf,
    worker: u32,
    /// How many steps were begun of each kind.
    updates: u64,
    batches: u64,
    replacements: u64,
    documents: [Document<Numbers>; 2],
    appenders: [Appender; 2],
    ledger: Ledger,
    rng: Rng,
}

impl FileHand {
    pub(super) fn new(folder: &Path, worker: u32) -> Result<FileHand, Trouble> {
        let lines = Appender::new(lines_path(folder));
        Ok(FileHand {
            folder: folder.to_path_buf(),
            worker,
            updates: 0,
            batches: 0,
            replacements: 0,
            documents: [document(folder), document(folder).durability(Durability::None)],
            appenders: [lines.clone(), lines.durability(Durability::None)],
            ledger: Ledger::begin(&ledgers_path(folder), worker)?,
            rng: Rng::new(),
        })
    }

    /// 0: synced.
    fn durability(&mut self) -> usize {
        usize::from(self.rng.u32(..SYNCED) != 0)
    }

    fn update(&mut self) -> Result<(), Trouble> {
        self.updates += 1;
        let (worker, durability) = (self.worker, self.durability());
        self.write_down(Step::Update(self.updates), |hand| {
            Ok(hand.documents[durability].update(|numbers| *numbers.entry(worker).or_default() += 1)?)
        })
    }

    fn append(&mut self) -> Result<(), Trouble> {
        self.batches += 1;
        let (batch, durability) = (content::batch(self.worker, self.batches), self.durability());
        self.write_down(Step::Append(self.batches), |hand| {
            hand.appenders[durability].append(&batch)?;
            Ok(())
        })
    }

    fn replace(&mut self) -> Result<(), Trouble> {
        self.replacements += 1;
        let content = content::replacement(self.worker, self.replacements);
        let durability = [Durability::Full, Durability::None][self.durability()];
        self.write_down(Step::Replace(self.replacements), |hand| {
            Options::new().durability(durability).replace(replaced_path(&hand.folder), content.as_bytes())?;
            Ok(())
        })
    }

    fn read(&mut self) -> Result<(), Trouble> {
        let asked = clock::now();
        let replaced = read_replaced(&self.folder)?;
        let numbers = self.documents[0].read()?;
        let wait_us = micros(asked.elapsed());
        if let Some(content) = replaced.filter(|content| content::author(content).is_none()) {
            let why = format!("a reader saw a file that is not whole: {} bytes", content.len());
            self.ledger.write(&[Entry::Failed { why }])?;
        }
        // The own number is never seen to be less than what was acknowledged.
        if numbers.get(&self.worker).copied().unwrap_or(0) < self.updates {
            let why = format!("a reader saw {numbers:?} after update {} of worker {}", self.updates, self.worker);
            self.ledger.write(&[Entry::Failed { why }])?;
        }
        self.ledger.write(&[Entry::Read { wait_us }])
    }

    fn write_down(
        &mut self,
        step: Step,
        work: impl FnOnce(&mut FileHand) -> Result<(), Trouble>,
    ) -> Result<(), Trouble> {
        self.ledger.write(&[Entry::Begin(step)])?;
        let asked = clock::now();
        work(self)?;
        self.ledger.write(&[Entry::Done { step, wait_us: micros(asked.elapsed()) }])
    }
}

impl Hand for FileHand {
    fn step(&mut self) -> Result<(), Trouble> {
        match self.rng.u32(..10) {
            0..3 => self.update(),
            3..6 => self.append(),
            6..8 => self.replace(),
            _ => self.read(),
        }
    }

    fn give_up(&mut self, trouble: &Trouble) {
        // Nobody else to tell.
        let _ = self.ledger.write(&[Entry::Failed { why: trouble.to_string() }]);
    }
}

/// What is in the file that is replaced; `None`: nobody did so yet.
pub(super) fn read_replaced(folder: &Path) -> Result<Option<String>, Trouble> {
    let path = replaced_path(folder);
    match std::fs::read_to_string(&path) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Trouble::at("read", &path)(error)),
    }
}
