//! Samples, and rounds in which all subjects take turns, so that drift of the machine hits all alike.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::Result;

/// Below this many samples a 99th percentile is but the largest one.
const P99_SAMPLES_MIN: usize = 100;
/// Calls before the timed ones of each block, so that none pays for what its predecessor left in the caches.
const WARM_UP: usize = 5;

/// Something that can be measured again and again.
pub(crate) trait Probe {
    /// Adds `count` samples.
    fn sample(&mut self, count: usize, samples: &mut Vec<f64>) -> Result<()>;
}

/// A probe with a name, or why there is none.
pub(crate) struct Subject {
    name: String,
    per_round: usize,
    probe: Result<Box<dyn Probe>>,
}

impl Subject {
    /// `per_round` samples are taken in each round.
    pub(crate) fn new<P: Probe + 'static>(name: &str, per_round: usize, probe: Result<P>) -> Subject {
        Subject { name: name.to_owned(), per_round, probe: probe.map(|probe| Box::new(probe) as Box<dyn Probe>) }
    }
}

/// What came out for one subject.
pub(crate) struct Measured {
    pub(crate) name: String,
    pub(crate) outcome: Result<Samples>,
}

/// Measures all subjects, a block of samples each in every round, every round beginning with another one. A subject that
/// fails is left out from then on.
pub(crate) fn interleaved(mut subjects: Vec<Subject>, rounds: usize) -> Vec<Measured> {
    let mut samples = vec![Vec::new(); subjects.len()];
    for round in 0..rounds {
        for turn in 0..subjects.len() {
            let index = (round + turn) % subjects.len();
            let Subject { per_round, probe, .. } = &mut subjects[index];
            let Ok(running) = probe else { continue };
            if let Err(error) = running.sample(*per_round, &mut samples[index]) {
                *probe = Err(error);
            }
        }
    }
    let outcome = |(subject, samples): (Subject, Vec<f64>)| Measured {
        name: subject.name,
        outcome: subject.probe.map(|_| Samples::new(samples)),
    };
    subjects.into_iter().zip(samples).map(outcome).collect()
}

/// Samples in ascending order.
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    pub(crate) fn new(mut samples: Vec<f64>) -> Samples {
        samples.sort_by(f64::total_cmp);
        Samples(samples)
    }

    /// What there would be if each had taken that much less.
    pub(crate) fn less(&self, by: f64) -> Samples {
        Samples(self.0.iter().map(|sample| (sample - by).max(0.0)).collect())
    }

    pub(crate) fn median(&self) -> Option<f64> {
        self.percentile(50)
    }

    /// `None` where there are too few samples to tell.
    pub(crate) fn p99(&self) -> Option<f64> {
        if self.0.len() < P99_SAMPLES_MIN { None } else { self.percentile(99) }
    }

    /// The nearest rank: always a sample that was taken.
    fn percentile(&self, percent: usize) -> Option<f64> {
        let rank = (self.0.len() * percent).div_ceil(100);
        self.0.get(rank.saturating_sub(1)).copied()
    }
}

/// Times every call of a function by itself, in microseconds, less what reading the clock takes.
pub(crate) struct Timed<F>(pub(crate) F);

impl<F: FnMut() -> Result<()>> Probe for Timed<F> {
    fn sample(&mut self, count: usize, samples: &mut Vec<f64>) -> Result<()> {
        for _ in 0..WARM_UP.min(count / 10) {
            (self.0)()?;
        }
        let clock = clock_cost();
        samples.reserve(count);
        let mut before = Instant::now();
        for _ in 0..count {
            (self.0)()?;
            let after = Instant::now();
            samples.push(micros((after - before).saturating_sub(clock)));
            before = after;
        }
        Ok(())
    }
}

pub(crate) fn micros(duration: Duration) -> f64 {
    duration.as_nanos() as f64 / 1000.0
}

/// What one reading of the clock takes.
fn clock_cost() -> Duration {
    static COST: OnceLock<Duration> = OnceLock::new();
    *COST.get_or_init(|| {
        const READINGS: u32 = 10_000;
        let started = Instant::now();
        for _ in 1..READINGS {
            std::hint::black_box(Instant::now());
        }
        started.elapsed() / READINGS
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_samples_by_nearest_rank() {
        let samples = Samples::new((1..=200).rev().map(f64::from).collect());
        assert_eq!((samples.median(), samples.p99()), (Some(100.0), Some(198.0)));
        let few = Samples::new(vec![3.0, 1.0, 2.0]);
        assert_eq!((few.median(), few.p99()), (Some(2.0), None));
        assert_eq!(Samples::new(Vec::new()).median(), None);
    }

    #[test]
    fn a_subject_that_fails_is_left_out_and_says_why() {
        struct Failing;
        impl Probe for Failing {
            fn sample(&mut self, _: usize, _: &mut Vec<f64>) -> Result<()> {
                anyhow::bail!("no")
            }
        }
        let fine = Subject::new("fine", 3, Ok(Timed(|| Ok(()))));
        let measured = interleaved(vec![Subject::new("failing", 1, Ok(Failing)), fine], 2);
        assert_eq!(measured[0].outcome.as_ref().err().unwrap().to_string(), "no");
        assert_eq!(measured[1].outcome.as_ref().unwrap().0.len(), 6);
    }
}
