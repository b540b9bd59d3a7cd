//! Who is measured, each doing the same things in its own way.

pub(super) mod bare;
pub(super) mod eventfold;
pub(super) mod poll;
pub(super) mod redb;
pub(super) mod sqlite;
pub(super) mod stead;

use std::path::Path;

use anyhow::{Result, bail};

/// One append, or one batch, again and again.
pub(super) type Append = Box<dyn FnMut() -> Result<()>>;

/// Waits for the next event, again and again.
pub(super) type Next = Box<dyn FnMut() -> Result<()>>;

/// Reads the whole log in a folder.
pub(super) type Read = fn(&Path) -> Result<Seen>;

/// What was read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) events: u64,
    /// Of something in each event, so that each has to be looked at.
    pub(super) sum: u64,
}

impl Seen {
    fn add(&mut self, something: u64) {
        self.events += 1;
        self.sum = self.sum.wrapping_add(something);
    }
}

/// Who waits for the events to come in the log in `folder`.
pub(super) fn follower(subject: &str, folder: &Path) -> Result<Next> {
    match subject {
        stead::NAME => stead::follower(folder),
        bare::FOLLOW => bare::follower(folder),
        eventfold::NAME => Ok(eventfold::follower(folder)),
        poll::NAME => poll::follower(folder),
        _ => bail!("nobody called {subject} follows"),
    }
}
