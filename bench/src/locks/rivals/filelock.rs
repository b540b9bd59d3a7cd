//! Python's filelock, in a process of its own.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, anyhow, ensure};

use crate::agent::Agent;
use crate::measure::Probe;

pub(crate) const NAME: &str = "filelock (Python)";

const AGENT: &str = include_str!("filelock.py");

/// What a sample is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One object for all holds. It opens the file for each all the same.
    Object,
    /// A new object for each hold.
    Path,
}

/// Where its Python is, or why it cannot be had.
pub(crate) type Python<'a> = Result<&'a Path, &'a str>;

/// A process that obeys: see `filelock.py`.
pub(crate) fn agent(python: Python<'_>, lock: &Path) -> Result<Agent> {
    let python = python.map_err(|why| anyhow!(why.to_owned()))?;
    Agent::start(Command::new(python).args(["-u".as_ref(), "-c".as_ref(), AGENT.as_ref(), lock.as_os_str()]))
}

/// Cycles, timed in the Python process.
pub(crate) struct Cycles {
    agent: Agent,
    kind: Kind,
}

impl Cycles {
    pub(crate) fn new(python: Python<'_>, lock: &Path, kind: Kind) -> Result<Cycles> {
        Ok(Cycles { agent: agent(python, lock)?, kind })
    }
}

impl Probe for Cycles {
    fn sample(&mut self, count: usize, samples: &mut Vec<f64>) -> Result<()> {
        let kind = match self.kind {
            Kind::Object => "object",
            Kind::Path => "path",
        };
        self.agent.tell(&format!("{kind} {count}"))?;
        let times = self.agent.hear_numbers()?;
        ensure!(times.len() == count, "{} samples instead of {count}", times.len());
        samples.extend(times.into_iter().map(|nanoseconds| nanoseconds as f64 / 1000.0));
        Ok(())
    }
}
