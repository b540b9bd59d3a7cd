//! Processes that all do the same thing for a fixed time, and what came of it.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use stead::atomic::Durability;

use super::NAME;
use super::rivals::{Step, Work};
use crate::agent::{await_start, monotonic_ns, start_together};

/// What all of them are to do.
#[derive(Clone, Copy)]
pub(super) struct Order<'a> {
    /// The first argument of each.
    pub(super) role: &'a str,
    pub(super) subject: &'a str,
    pub(super) path: &'a Path,
    pub(super) durability: Durability,
    pub(super) processes: usize,
    pub(super) time: Duration,
}

/// What they did.
#[derive(Default)]
pub(super) struct Crowd {
    /// Steps a second that were done within the time.
    pub(super) rate: f64,
    /// From the call to the return of each, in microseconds.
    pub(super) waits: Vec<f64>,
    /// All that were done, also those that ended after the time.
    pub(super) acknowledged: u64,
    /// Reads that found no document.
    pub(super) failed: u64,
}

impl Crowd {
    pub(super) fn longest_wait(&self) -> f64 {
        self.waits.iter().copied().fold(0.0, f64::max)
    }
}

impl Order<'_> {
    pub(super) fn run(&self) -> Result<Crowd> {
        let path = self.path.to_str().context("a path that is not UTF-8")?;
        let args = [self.role, self.subject, path, &self.durability.to_string()];
        let mut agents = start_together(NAME, &args, self.processes, self.time)?;
        let mut crowd = Crowd::default();
        let mut in_time = 0;
        for agent in &mut agents {
            let numbers = agent.hear_numbers()?;
            let [done, failed, waits @ ..] = numbers.as_slice() else { anyhow::bail!("an agent says too little") };
            in_time += done;
            crowd.failed += failed;
            crowd.acknowledged += waits.len() as u64;
            crowd.waits.extend(waits.iter().map(|nanoseconds| *nanoseconds as f64 / 1000.0));
        }
        crowd.rate = in_time as f64 / self.time.as_secs_f64();
        Ok(crowd)
    }
}

/// What the agent does: says `ready`; is told when to begin and when to end; says how many steps were done within that
/// time, how many reads failed, and how long each step took, in nanoseconds.
pub(super) fn serve(mut work: Work) -> Result<()> {
    let (_, end) = await_start()?;
    let (mut in_time, mut failed, mut waits) = (0, 0, Vec::new());
    let mut called = monotonic_ns();
    let mut now = called;
    while now < end {
        let step = work()?;
        now = monotonic_ns();
        match step {
            Step::Done => {
                in_time += u64::from(now <= end);
                waits.push((now - called).to_string());
                called = now;
            }
            Step::FoundNoDocument => failed += 1,
        }
    }
    println!("{in_time} {failed} {}", waits.join(" "));
    Ok(())
}
