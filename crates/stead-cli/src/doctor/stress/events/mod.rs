//! An event log that all workers append to, rotate and follow at once.
//!
//! | file | what it does |
//! |---|---|
//! | `hand` | the operations |
//! | `follower` | reads what all append, and looks whether it is whole and in order |
//!
//! **The proof.** Each batch that was acknowledged is read once, whole, and in the order of its worker, by whoever reads the
//! log at the end and by each follower meanwhile; one that was only begun is there as a whole or not at all. And `verify`
//! finds no damage.

mod follower;
mod hand;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use stead::log::{EventReader, EventWriter, verify};

use super::findings::Findings;
use super::proof::{self, Numbers};
use super::work::{Hand, Work};
use super::{content, ledger};
use crate::doctor::trouble::Trouble;

/// The work.
pub(super) struct Events;

/// One line of the log.
#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    line: String,
}

impl Work for Events {
    fn name(&self) -> &'static str {
        "events"
    }

    fn prepare(&self, folder: &Path) -> Result<(), Trouble> {
        let ledgers = ledgers_path(folder);
        std::fs::create_dir(&ledgers).map_err(Trouble::at("create", &ledgers))?;
        open(folder, "create the log").map(drop)
    }

    fn hire(&self, folder: &Path, worker: u32) -> Result<Box<dyn Hand>, Trouble> {
        Ok(Box::new(hand::EventHand::new(folder, worker)?))
    }

    fn progress(&self, folder: &Path) -> u64 {
        // Events of some 4 KiB each, roughly.
        EventReader::new(log_path(folder)).end_offset().map_or(0, |bytes| bytes / 4096)
    }

    fn check(&self, folder: &Path) -> Result<Findings, Trouble> {
        // What a worker that was killed last left half done is put away by the next append.
        let mut writer = open(folder, "open the log")?;
        let last = Entry { line: content::LAST_LINE.to_owned() };
        writer.append_value(&last).map_err(Trouble::at("append to", &log_path(folder)))?;
        let mut lines = String::new();
        for entry in EventReader::new(log_path(folder)).read::<Entry>(0)? {
            lines.push_str(&entry?.value.line);
            lines.push('\n');
        }
        let accounts = ledger::read_all(&ledgers_path(folder))?;
        let mut findings = proof::check(&Numbers::new(), &lines, None, &accounts);
        for damage in verify(log_path(folder), &mut |_| {})?.damage {
            findings.failures.push(format!("{}: {} at offset {}", damage.path.display(), damage.what, damage.start));
        }
        Ok(findings)
    }
}

fn open(folder: &Path, step: &'static str) -> Result<EventWriter, Trouble> {
    EventWriter::open_shared(log_path(folder)).map_err(Trouble::at(step, &log_path(folder)))
}

fn log_path(folder: &Path) -> PathBuf {
    folder.join("log")
}

fn ledgers_path(folder: &Path) -> PathBuf {
    folder.join("ledgers")
}
