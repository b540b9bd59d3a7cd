//! Reads what all append, and looks whether it is whole and in order.

use std::collections::HashMap;

use stead::log::Follow;

use super::Entry;
use crate::doctor::stress::content;

/// How many lines are read at a time.
const LINES_MAX: usize = 200;

/// A reader of the log that never closes it.
pub(super) struct Follower {
    follow: Follow,
    /// The last batch of each worker.
    last: HashMap<u32, u64>,
    /// What must come next: the rest of a batch.
    rest: Vec<String>,
}

impl Follower {
    pub(super) fn new(follow: Follow) -> Follower {
        Follower { follow, last: HashMap::new(), rest: Vec::new() }
    }

    /// Reads some of what is there. Returns in words what must not be.
    pub(super) fn read(&mut self) -> stead::Result<Option<String>> {
        for _ in 0..LINES_MAX {
            let Some(entry) = self.follow.next::<Entry>(std::time::Duration::ZERO)? else { break };
            if let Some(what) = self.judge(&entry.value.line) {
                return Ok(Some(format!("a follower read, before offset {}, {what}", entry.end)));
            }
        }
        Ok(None)
    }

    fn judge(&mut self, line: &str) -> Option<String> {
        if let Some(expected) = self.rest.pop() {
            return (expected != line).then(|| "a part of a batch".to_owned());
        }
        let (worker, batch) = match content::parse(line) {
            Some((worker, batch, 0)) => (worker, batch),
            Some((worker, batch, _)) => return Some(format!("the middle of batch {batch} of worker {worker}")),
            None => return (line != content::LAST_LINE).then(|| "a line that nobody appended".to_owned()),
        };
        self.rest = content::batch(worker, batch).split_off(1);
        self.rest.reverse();
        let before = self.last.insert(worker, batch).unwrap_or(0);
        (before >= batch).then(|| format!("batch {batch} of worker {worker} after its batch {before}"))
    }
}
