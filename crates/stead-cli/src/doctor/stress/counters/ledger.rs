//! What a worker writes down: a file of its own, a line for each entry, one write for each step.
//!
//! What was written survives the death of its writer, whenever that comes. A line that has no end was being written
//! at that instant and counts as not written.

use std::fmt;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::count::Section;
use crate::doctor::trouble::Trouble;

/// A change that is about to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Intent {
    pub(super) section: u64,
    pub(super) counter: usize,
    /// The version that it makes.
    pub(super) version: u64,
    /// What it adds.
    pub(super) delta: i64,
    /// Who made the version that it replaces.
    pub(super) after: Section,
}

/// One line of a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    /// A change is about to be made.
    Intent(Intent),
    /// All changes of this section are made, the marks are blank, the lock is about to be released. Waited so long.
    Done { section: u64, wait_us: u64 },
    /// Read under a shared lock, after waiting so long.
    Read { wait_us: u64 },
    /// At the entrance, this mark was there.
    Met { section: Section },
    /// At the exit, the own mark was not there any more.
    Intruder { counter: usize },
    /// A counter changed while the lock on it was shared.
    Torn { counter: usize },
    /// The lock's token was not larger than that of the last change.
    Stale { counter: usize, token: u64, stored: u64 },
    /// Something failed that must not; the worker ends.
    Failed { why: String },
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Entry::Intent(Intent { section, counter, version, delta, after }) => {
                write!(f, "intent {section} {counter} {version} {delta} {after}")
            }
            Entry::Done { section, wait_us } => write!(f, "done {section} {wait_us}"),
            Entry::Read { wait_us } => write!(f, "read {wait_us}"),
            Entry::Met { section } => write!(f, "met {section}"),
            Entry::Intruder { counter } => write!(f, "intruder {counter}"),
            Entry::Torn { counter } => write!(f, "torn {counter}"),
            Entry::Stale { counter, token, stored } => write!(f, "stale {counter} {token} {stored}"),
            Entry::Failed { why } => write!(f, "failed {}", why.replace('\n', " ")),
        }
    }
}

impl FromStr for Entry {
    type Err = ();

    fn from_str(line: &str) -> Result<Entry, ()> {
        fn number<T: FromStr>(word: &str) -> Result<T, ()> {
            word.parse().map_err(drop)
        }
        if let Some(why) = line.strip_prefix("failed ") {
            return Ok(Entry::Failed { why: why.to_owned() });
        }
        let words: Vec<&str> = line.split(' ').collect();
        Ok(match words[..] {
            ["intent", section, counter, version, delta, after] => Entry::Intent(Intent {
                section: number(section)?,
                counter: number(counter)?,
                version: number(version)?,
                delta: number(delta)?,
                after: after.parse()?,
            }),
            ["done", section, wait] => Entry::Done { section: number(section)?, wait_us: number(wait)? },
            ["read", wait] => Entry::Read { wait_us: number(wait)? },
            ["met", section] => Entry::Met { section: section.parse()? },
            ["intruder", counter] => Entry::Intruder { counter: number(counter)? },
            ["torn", counter] => Entry::Torn { counter: number(counter)? },
            ["stale", counter, token, stored] => {
                Entry::Stale { counter: number(counter)?, token: number(token)?, stored: number(stored)? }
            }
            _ => return Err(()),
        })
    }
}

/// A ledger to write into.
pub(super) struct Ledger {
    file: File,
    path: PathBuf,
}

impl Ledger {
    /// Begins the ledger of `worker`.
    pub(super) fn begin(ledgers: &Path, worker: u32) -> Result<Ledger, Trouble> {
        let path = ledgers.join(worker.to_string());
        let file = File::options().append(true).create_new(true).open(&path).map_err(Trouble::at("create", &path))?;
        Ok(Ledger { file, path })
    }

    /// Writes all the entries, at once. When it returns they survive this process.
    pub(super) fn write(&mut self, entries: &[Entry]) -> Result<(), Trouble> {
        let mut lines = String::new();
        for entry in entries {
            lines.push_str(&entry.to_string());
            lines.push('\n');
        }
        self.file.write_all(lines.as_bytes()).map_err(Trouble::at("write", &self.path))
    }
}

/// What one worker wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) worker: u32,
    pub(super) entries: Vec<Entry>,
}

/// All that was written by all.
pub(super) fn read_all(ledgers: &Path) -> Result<Vec<Account>, Trouble> {
    let listing = std::fs::read_dir(ledgers).map_err(Trouble::at("list", ledgers))?;
    let mut accounts = Vec::new();
    for file in listing {
        let path = file.map_err(Trouble::at("list", ledgers))?.path();
        let text = std::fs::read_to_string(&path).map_err(Trouble::at("read", &path))?;
        let worker = path.file_name().and_then(|name| name.to_str()?.parse().ok());
        let entries = parse(&text);
        let (Some(worker), Some(entries)) = (worker, entries) else {
            return Err(Trouble::failed(format!("{} is not a ledger", path.display())));
        };
        accounts.push(Account { worker, entries });
    }
    Ok(accounts)
}

/// `None`: there is a line that no worker writes.
pub(super) fn parse(text: &str) -> Option<Vec<Entry>> {
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(|line| line.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_comes_back_as_it_was_written() {
        let other = Section { worker: 3, number: 12 };
        let entries = [
            Entry::Intent(Intent { section: 1, counter: 2, version: 40, delta: -1, after: other }),
            Entry::Done { section: 1, wait_us: 70 },
            Entry::Read { wait_us: 9 },
            Entry::Met { section: other },
            Entry::Intruder { counter: 1 },
            Entry::Torn { counter: 1 },
            Entry::Stale { counter: 1, token: 5, stored: 6 },
            Entry::Failed { why: "to lock it".to_owned() },
        ];
        for entry in entries {
            assert_eq!(entry.to_string().parse(), Ok(entry));
        }
    }

    #[test]
    fn a_line_without_an_end_does_not_count() {
        assert_eq!(parse("read 1\ndone 2 3"), Some(vec![Entry::Read { wait_us: 1 }]));
        assert_eq!(parse("rea"), Some(vec![]));
        assert_eq!(parse(""), Some(vec![]));
        assert_eq!(parse("rea\nread 1\n"), None);
    }

    #[test]
    fn a_ledger_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let entries = vec![Entry::Read { wait_us: 1 }, Entry::Done { section: 1, wait_us: 2 }];
        let mut ledger = Ledger::begin(folder.path(), 7).unwrap();
        ledger.write(&entries[..1]).unwrap();
        ledger.write(&entries[1..]).unwrap();
        assert_eq!(read_all(folder.path()).unwrap(), [Account { worker: 7, entries }]);
        assert!(Ledger::begin(folder.path(), 7).is_err(), "a number is used once");
    }
}
