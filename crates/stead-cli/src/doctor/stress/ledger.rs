//! What a worker writes down: a file of its own, a line for each entry, one write for each step.
//!
//! What was written survives the death of its writer, whenever that comes. A line that has no end was being written
//! at that instant and counts as not written.

use std::fmt::Display;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::doctor::trouble::Trouble;

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
    pub(super) fn write<E: Display>(&mut self, entries: &[E]) -> Result<(), Trouble> {
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
pub(super) struct Account<E> {
    pub(super) worker: u32,
    pub(super) entries: Vec<E>,
}

/// All that was written by all.
pub(super) fn read_all<E: FromStr>(ledgers: &Path) -> Result<Vec<Account<E>>, Trouble> {
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
pub(super) fn parse<E: FromStr>(text: &str) -> Option<Vec<E>> {
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(|line| line.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_an_end_does_not_count() {
        assert_eq!(parse("1\n2"), Some(vec![1]));
        assert_eq!(parse::<u8>("1"), Some(vec![]));
        assert_eq!(parse::<u8>(""), Some(vec![]));
        assert_eq!(parse::<u8>("x\n1\n"), None);
    }

    #[test]
    fn a_ledger_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let entries = vec![7, 8];
        let mut ledger = Ledger::begin(folder.path(), 7).unwrap();
        ledger.write(&entries[..1]).unwrap();
        ledger.write(&entries[1..]).unwrap();
        assert_eq!(read_all(folder.path()).unwrap(), [Account { worker: 7, entries }]);
        assert!(Ledger::begin(folder.path(), 7).is_err(), "a number is used once");
    }
}
