//! What is in a counter's file: one line of numbers.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use crate::doctor::files;
use crate::doctor::trouble::Trouble;

/// One stay of one worker inside a lock. Sections are numbered from 1; the empty counter was made by 0:0.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Section {
    pub(super) worker: u32,
    pub(super) number: u64,
}

/// A counter.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Count {
    /// How many changes there were.
    pub(super) version: u64,
    /// What they add up to.
    pub(super) balance: i64,
    /// The fencing token of the last change.
    pub(super) token: u64,
    /// Who made the last change.
    pub(super) maker: Section,
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.worker, self.number)
    }
}

impl FromStr for Section {
    type Err = ();

    fn from_str(text: &str) -> Result<Section, ()> {
        let (worker, number) = text.split_once(':').ok_or(())?;
        Ok(Section { worker: worker.parse().map_err(drop)?, number: number.parse().map_err(drop)? })
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {} {} {}", self.version, self.balance, self.token, self.maker)
    }
}

impl FromStr for Count {
    type Err = ();

    fn from_str(text: &str) -> Result<Count, ()> {
        let words: Vec<&str> = text.strip_suffix('\n').ok_or(())?.split(' ').collect();
        let [version, balance, token, maker] = words[..] else { return Err(()) };
        Ok(Count {
            version: version.parse().map_err(drop)?,
            balance: balance.parse().map_err(drop)?,
            token: token.parse().map_err(drop)?,
            maker: maker.parse()?,
        })
    }
}

/// What is in the file.
pub(super) fn read(path: &Path) -> Result<Count, Trouble> {
    let text = std::fs::read_to_string(path).map_err(Trouble::at("read", path))?;
    text.parse().map_err(|()| Trouble::failed(format!("{} is damaged: {text:?}", path.display())))
}

/// Puts it in place as users do: written beside, then renamed over. Killed anywhere, the old one or the new one stays.
pub(super) fn replace(path: &Path, beside: &Path, count: &Count) -> Result<(), Trouble> {
    files::put(beside, count.to_string().as_bytes()).map_err(Trouble::at("write", beside))?;
    files::rename(beside, path).map_err(Trouble::at("replace", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_comes_back_as_it_was_written() {
        let count = Count { version: 7, balance: -2, token: 99, maker: Section { worker: 3, number: 12 } };
        assert_eq!(count.to_string().parse(), Ok(count));
        assert_eq!("7 -2 99 3:12".parse::<Count>(), Err(()));
        assert_eq!("7 -2 99\n".parse::<Count>(), Err(()));
    }
}
