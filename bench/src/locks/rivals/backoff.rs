//! Gas Town's `filelock` (seed 003): tries again after 10 ms, from the sixth attempt on after 50, from the eleventh
//! after 100.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::{WaitCycle, open_file};
use crate::agent::monotonic_ns;

pub(crate) const NAME: &str = "backoff 10 to 100 ms";

pub(crate) fn waiter(path: &Path) -> Result<WaitCycle> {
    let file = open_file(path)?;
    Ok(Box::new(move || {
        for attempt in 1.. {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => break,
                Err(Errno::WOULDBLOCK | Errno::INTR) => std::thread::sleep(pause_after(attempt)),
                Err(error) => return Err(error.into()),
            }
        }
        let granted = monotonic_ns();
        flock(&file, FlockOperation::Unlock)?;
        Ok(granted)
    }))
}

fn pause_after(attempt: u32) -> Duration {
    Duration::from_millis(match attempt {
        ..=5 => 10,
        6..=10 => 50,
        _ => 100,
    })
}
