//! A writer among others, and the wait for one that has the log to itself.

use std::io;
use std::path::Path;

use stead::lock::{FileLock, Wait};
use stead_console::failure::Failure;
use stead_console::waiting::{self, Patience};

use super::sorted;

/// Calls `attempt`, which locks the log in `dir`, as long as it is to wait; meanwhile says for whom.
pub(super) fn under_lock<T>(
    dir: &Path,
    patience: &Patience,
    mut attempt: impl FnMut(Wait) -> io::Result<T>,
) -> Result<T, Failure> {
    let lock = FileLock::in_place(dir.join("app.jsonl"));
    let granted = waiting::take(std::slice::from_ref(&lock), patience.wait(), |wait| sorted(attempt(wait)));
    let done = granted.map_err(|error| patience.denied(&error, dir, &lock, None))?;
    done.map_err(|error| Failure::system("write to the log", dir, &error))
}
