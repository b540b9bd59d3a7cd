//! What a worker writes down of its work with the counters.

use std::fmt;
use std::str::FromStr;

use super::count::Section;

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
}
