//! How many events a second.

use std::time::Instant;

use anyhow::Result;

use crate::measure::Probe;

/// Calls before the timed ones of each block, as in [`crate::measure`].
const WARM_UP: usize = 5;

/// Times every call of `step` by itself, which handles `events`; the samples are events per second.
pub(super) struct Throughput<F> {
    pub(super) events: u64,
    pub(super) step: F,
}

impl<F: FnMut() -> Result<()>> Probe for Throughput<F> {
    fn sample(&mut self, count: usize, samples: &mut Vec<f64>) -> Result<()> {
        for _ in 0..WARM_UP.min(count / 10) {
            (self.step)()?;
        }
        for _ in 0..count {
            let started = Instant::now();
            (self.step)()?;
            samples.push(self.events as f64 / started.elapsed().as_secs_f64());
        }
        Ok(())
    }
}
