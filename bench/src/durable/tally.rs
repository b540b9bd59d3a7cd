//! Runs of several rivals, round after round, and the cases that are made of them.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, anyhow};
use stead::atomic::Durability;

use super::crowd::{Crowd, Order};
use crate::measure::{Measured, Samples};
use crate::report::{Case, Report, Unit};

/// What one rival did in all rounds.
#[derive(Default)]
pub(super) struct Tally {
    rates: Vec<f64>,
    waits: Vec<f64>,
    longest_waits: Vec<f64>,
    pub(super) acknowledged: u64,
    pub(super) lost: u64,
    pub(super) failed: u64,
}

/// The rivals of one case, beside each other.
pub(super) struct Contest<'a> {
    pub(super) role: &'a str,
    pub(super) subjects: &'a [&'static str],
    pub(super) durability: Durability,
    pub(super) processes: usize,
    pub(super) time: Duration,
    pub(super) rounds: usize,
}

impl Contest<'_> {
    /// Lets all rivals work in turns, every round beginning with another one; `file` makes a new file for each run,
    /// and `lost` says how much of what was acknowledged is not in it afterwards.
    pub(super) fn run(
        &self,
        file: impl Fn(&str) -> Result<std::path::PathBuf>,
        lost: impl Fn(&Path, &Crowd) -> Result<u64>,
    ) -> Vec<(&'static str, Result<Tally>)> {
        let mut tallies: Vec<_> = self.subjects.iter().map(|subject| (*subject, Ok(Tally::default()))).collect();
        for round in 0..self.rounds {
            for turn in 0..tallies.len() {
                let index = (round + turn) % self.subjects.len();
                let (subject, Ok(tally)) = &mut tallies[index] else { continue };
                let Contest { role, durability, processes, time, .. } = *self;
                let ran = file(&format!("{subject}-{durability}-{processes}-{round}")).and_then(|path| {
                    let crowd = Order { role, subject, path: &path, durability, processes, time }.run()?;
                    Ok((lost(&path, &crowd)?, crowd))
                });
                match ran {
                    Ok((lost, crowd)) => tally.add(&crowd, lost),
                    Err(error) => tallies[index].1 = Err(error),
                }
            }
        }
        tallies
    }
}

impl Tally {
    fn add(&mut self, crowd: &Crowd, lost: u64) {
        self.rates.push(crowd.rate);
        self.longest_waits.push(crowd.longest_wait());
        self.waits.extend_from_slice(&crowd.waits);
        self.acknowledged += crowd.acknowledged;
        self.failed += crowd.failed;
        self.lost += lost;
    }
}

/// Reports the case `NAME: wait` and returns `NAME: rate` and `NAME: longest wait`, which bars may be about. The
/// longest waits are the median of those of all rounds.
pub(super) fn cases(
    name: &str,
    unit: Unit,
    floor: &str,
    tallies: &[(&'static str, Result<Tally>)],
    report: &mut Report,
) -> [Case; 2] {
    let case = |what: &str, unit, samples: fn(&Tally) -> &Vec<f64>| {
        let measured = tallies.iter().map(|(subject, tally)| Measured {
            name: (*subject).to_owned(),
            outcome: match tally {
                Ok(tally) => Ok(Samples::new(samples(tally).clone())),
                Err(error) => Err(anyhow!("{error:#}")),
            },
        });
        Case::new(&format!("{name}: {what}"), unit, floor, measured.collect())
    };
    report.cases.push(case("wait", Unit::Microseconds, |tally| &tally.waits));
    [case("rate", unit, |tally| &tally.rates), case("longest wait", Unit::Microseconds, |tally| &tally.longest_waits)]
}
