//! How long a command waits for a lock, and what it says meanwhile and in the end.

use std::path::Path;
use std::time::Duration;

use clap::Args;
use stead::lock::{FileLock, Wait};
use stead::{Error, ErrorKind};

use crate::clock;
use crate::duration::parse_duration;
use crate::failure::Failure;
use crate::messages::{Speaker, Vain, not_granted};

/// `--wait DUR` or `--no-wait`.
#[derive(Args, Debug)]
pub struct Patience {
    /// Fail at once if a lock is not free (75)
    #[arg(long, conflicts_with = "wait")]
    no_wait: bool,
    /// Wait at most so long (124): 500ms, 30s, 1h30m; 0s is --no-wait; without it, for ever
    #[arg(long, value_name = "DUR", value_parser = parse_duration)]
    wait: Option<Duration>,
}

impl Patience {
    /// What is asked for.
    pub fn wait(&self) -> Wait {
        match self.wait {
            Some(wait) => Wait::from(wait),
            None if self.no_wait => Wait::No,
            None => Wait::Forever,
        }
    }

    /// After how long a wait is given up.
    pub fn limit(&self) -> Duration {
        self.wait.unwrap_or_default()
    }

    /// The failure to say for the file `data`, which is created when missing, whose lock was not to be had.
    pub fn denied(&self, error: &Error, data: &Path, lock: &FileLock, lock_dir: Option<&Path>) -> Failure {
        let vain = match error.kind() {
            ErrorKind::Busy => Vain::Busy,
            ErrorKind::TimedOut => Vain::TimedOut(self.limit()),
            _ => return Failure::creating(data, error),
        };
        not_granted(vain, error, std::slice::from_ref(lock), lock_dir)
    }
}

/// Calls `attempt`, which takes `locks`: at first without a wait; if they are not free, again with the wait that is
/// asked for, and says for whom we wait.
pub fn take<T>(locks: &[FileLock], wait: Wait, mut attempt: impl FnMut(Wait) -> Result<T, Error>) -> Result<T, Error> {
    let wait = match wait {
        Wait::For(wait) => clock::now().checked_add(wait).map_or(Wait::Forever, Wait::Until),
        wait => wait,
    };
    match attempt(Wait::No) {
        Err(error) if error.is_busy() && wait != Wait::No => {
            let _speaker = Speaker::start(locks);
            attempt(wait)
        }
        other => other,
    }
}
