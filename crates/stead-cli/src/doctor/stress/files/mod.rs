//! A document that is updated, a file that is replaced and one that is appended to, by all workers at once.
//!
//! | file | what it does |
//! |---|---|
//! | `hand` | the operations |
//!
//! **The proof.** The document holds a number for each worker, to which only that worker adds, one at a time. At the end it
//! lies between what was acknowledged and what was begun, or an update was lost or doubled. Each batch of lines that was
//! acknowledged is in the appended file once, whole, and in the order of its worker; one that was only begun is there as a
//! whole or not at all. The replaced file holds what somebody put there, whole, at every read.

mod hand;

use std::path::{Path, PathBuf};

use stead::document::Document;

use super::findings::Findings;
use super::proof::{self, Numbers};
use super::work::{Hand, Work};
use super::{content, ledger};
use crate::doctor::trouble::Trouble;

/// The work.
pub(super) struct Files;

impl Work for Files {
    fn name(&self) -> &'static str {
        "files"
    }

    fn prepare(&self, folder: &Path) -> Result<(), Trouble> {
        let ledgers = ledgers_path(folder);
        std::fs::create_dir(&ledgers).map_err(Trouble::at("create", &ledgers))?;
        Ok(document(folder).set(&Numbers::new())?)
    }

    fn hire(&self, folder: &Path, worker: u32) -> Result<Box<dyn Hand>, Trouble> {
        Ok(Box::new(hand::FileHand::new(folder, worker)?))
    }

    fn progress(&self, folder: &Path) -> u64 {
        document(folder).read().map_or(0, |numbers| numbers.values().sum())
    }

    fn check(&self, folder: &Path) -> Result<Findings, Trouble> {
        // What a worker that was killed last left half done goes with the next append.
        stead::atomic::append_lines(lines_path(folder), [content::LAST_LINE])?;
        let lines = std::fs::read_to_string(lines_path(folder)).map_err(Trouble::at("read", &lines_path(folder)))?;
        let replaced = hand::read_replaced(folder)?;
        let numbers = document(folder).read()?;
        let accounts = ledger::read_all(&ledgers_path(folder))?;
        Ok(proof::check(&numbers, &lines, replaced.as_deref(), &accounts))
    }
}

fn document(folder: &Path) -> Document<Numbers> {
    Document::json(folder.join("numbers.json"))
}

fn lines_path(folder: &Path) -> PathBuf {
    folder.join("lines.txt")
}

fn replaced_path(folder: &Path) -> PathBuf {
    folder.join("replaced")
}

fn ledgers_path(folder: &Path) -> PathBuf {
    folder.join("ledgers")
}
