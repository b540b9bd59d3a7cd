//! The recipe of Python programs, in a process of its own.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};
use stead::atomic::Durability;

use crate::agent::Agent;
use crate::measure::Probe;

pub(crate) const NAME: &str = "os.replace (Python)";

const AGENT: &str = include_str!("python.py");

/// Replacements, timed in the Python process.
pub(crate) struct Replacements(Agent);

impl Replacements {
    pub(crate) fn new(path: &Path, len: usize, durability: Durability) -> Result<Replacements> {
        let mut command = Command::new("python3");
        command.args(["-u", "-c", AGENT]).arg(path).args([len.to_string(), durability.to_string()]);
        Ok(Replacements(Agent::start(&mut command)?))
    }
}

impl Probe for Replacements {
    fn sample(&mut self, count: usize, samples: &mut Vec<f64>) -> Result<()> {
        self.0.tell(&count.to_string())?;
        let times = self.0.hear_numbers()?;
        ensure!(times.len() == count, "{} samples instead of {count}", times.len());
        samples.extend(times.into_iter().map(|nanoseconds| nanoseconds as f64 / 1000.0));
        Ok(())
    }
}
