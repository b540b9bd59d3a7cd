//! A waiter in a process of its own, and what it is told: `wait`; and what it replies: `ready`, then when it was granted
//! the lock and how often it slept.

use std::io::BufRead;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use nix::sys::resource::{UsageWho, getrusage};

use super::NAME;
use super::rivals::filelock::{self, Python};
use super::rivals::waiter;
use crate::agent::Agent;

/// The first argument of an agent that waits.
pub(super) const ROLE: &str = "wait";

/// A process that waits for a lock when told.
pub(super) struct Waiter(Agent);

/// How a wait went.
pub(super) struct Waited {
    /// When the lock was granted, on [`monotonic_ns`](crate::agent::monotonic_ns).
    pub(super) granted_ns: u64,
    /// Voluntary context switches from before the wait to after the release.
    pub(super) sleeps: u64,
}

impl Waiter {
    /// One of the subjects in Rust.
    pub(super) fn start(subject: &str, lock: &Path) -> Result<Waiter> {
        let lock = lock.to_str().context("a path that is not UTF-8")?;
        Ok(Waiter(Agent::start_own(NAME, &[ROLE, subject, lock])?))
    }

    pub(super) fn start_python(python: Python<'_>, lock: &Path) -> Result<Waiter> {
        Ok(Waiter(filelock::agent(python, lock)?))
    }

    /// Lets it wait; returns when it sleeps.
    pub(super) fn begin(&mut self) -> Result<()> {
        self.0.tell("wait")?;
        let reply = self.0.hear()?;
        ensure!(reply == "ready", "the waiter says {reply}");
        self.0.until_asleep()
    }

    /// Hears how it went.
    pub(super) fn end(&mut self) -> Result<Waited> {
        match self.0.hear_numbers()?[..] {
            [granted_ns, sleeps] => Ok(Waited { granted_ns, sleeps }),
            _ => bail!("the waiter says too much"),
        }
    }
}

/// What the agent does.
pub(super) fn serve(subject: &str, lock: &Path) -> Result<()> {
    let mut wait = waiter(subject, lock)?;
    for line in std::io::stdin().lock().lines() {
        line.context("read a command")?;
        println!("ready");
        let before = sleeps()?;
        let granted = wait()?;
        println!("{granted} {}", sleeps()? - before);
    }
    Ok(())
}

/// Of all threads of this process, also those that ended.
fn sleeps() -> Result<u64> {
    let usage = getrusage(UsageWho::RUSAGE_SELF).context("ask for the context switches")?;
    Ok(usage.voluntary_context_switches().unsigned_abs())
}
