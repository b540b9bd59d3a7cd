//! What a worker writes down of its work with files and events.

use std::fmt;
use std::str::FromStr;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Step {
    /// The own number in the document grows to this.
    Update(u64),
    /// The batch of this number is appended.
    Append(u64),
    /// The file gets the content of this number.
    Replace(u64),
}

/// One line of a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    /// A step is about to be done.
    Begin(Step),
    /// It is done, after so long.
    Done { step: Step, wait_us: u64 },
    /// Something was read, and was whole.
    Read { wait_us: u64 },
    /// Something was read that was not whole, or must not happen; in the latter case the worker ends.
    Failed { why: String },
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Update(number) => write!(f, "update {number}"),
            Step::Append(number) => write!(f, "append {number}"),
            Step::Replace(number) => write!(f, "replace {number}"),
        }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Entry::Begin(step) => write!(f, "begin {step}"),
            Entry::Done { step, wait_us } => write!(f, "done {step} {wait_us}"),
            Entry::Read { wait_us } => write!(f, "read {wait_us}"),
            Entry::Failed { why } => write!(f, "failed {}", why.replace('\n', " ")),
        }
    }
}

impl FromStr for Entry {
    type Err = ();

    fn from_str(line: &str) -> Result<Entry, ()> {
        if let Some(why) = line.strip_prefix("failed ") {
            return Ok(Entry::Failed { why: why.to_owned() });
        }
        let words: Vec<&str> = line.split(' ').collect();
        Ok(match words[..] {
            ["begin", kind, number] => Entry::Begin(step(kind, number)?),
            ["done", kind, number, wait] => {
                Entry::Done { step: step(kind, number)?, wait_us: wait.parse().map_err(drop)? }
            }
            ["read", wait] => Entry::Read { wait_us: wait.parse().map_err(drop)? },
            _ => return Err(()),
        })
    }
}

/// As it is written down.
pub(super) fn micros(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn step(kind: &str, number: &str) -> Result<Step, ()> {
    let number = number.parse().map_err(drop)?;
    match kind {
        "update" => Ok(Step::Update(number)),
        "append" => Ok(Step::Append(number)),
        "replace" => Ok(Step::Replace(number)),
        _ => Err(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_comes_back_as_it_was_written() {
        let entries = [
            Entry::Begin(Step::Update(1)),
            Entry::Begin(Step::Append(2)),
            Entry::Done { step: Step::Replace(3), wait_us: 70 },
            Entry::Read { wait_us: 9 },
            Entry::Failed { why: "to lock it".to_owned() },
        ];
        for entry in entries {
            assert_eq!(entry.to_string().parse(), Ok(entry));
        }
    }
}
