//! A log that many processes append to, each event durable before the next.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Error, Result, bail};

use super::NAME;
use super::rivals::{Append, bare, sqlite, stead};
use crate::agent::{await_start, monotonic_ns, start_together};
use crate::measure::{Measured, Samples};
use crate::report::{Bar, Case, Op, Report, Unit};
use crate::setup::Setup;

/// The first argument of an agent that appends.
pub(super) const ROLE: &str = "append";

const PROCESSES: usize = 8;
const SUBJECTS: [&str; 3] = [bare::RECIPE, stead::SHARED, sqlite::NAME];

pub(super) fn crowd(setup: &Setup, report: &mut Report) {
    let time = Duration::from_secs_f64(setup.pick(3.0, 0.5));
    let mut tallies = SUBJECTS.map(|subject| (subject, Ok::<_, Error>(Tally::default())));
    for round in 0..setup.pick(4, 1) {
        for turn in 0..tallies.len() {
            let index = (round + turn) % tallies.len();
            let (subject, Ok(tally)) = &mut tallies[index] else { continue };
            let folder = setup.folder(&format!("crowd/{subject}-{round}"));
            if let Err(error) = folder.and_then(|folder| tally.add(subject, &folder, time)) {
                tallies[index].1 = Err(error);
            }
        }
    }
    let name = format!("durable append, {PROCESSES} processes");
    let case = |what: &str, unit, samples: fn(&Tally) -> Vec<f64>| {
        let measured = tallies.iter().map(|(subject, tally)| Measured {
            name: (*subject).to_owned(),
            outcome: match tally {
                Ok(tally) => Ok(Samples::new(samples(tally))),
                Err(error) => Err(anyhow::anyhow!("{error:#}")),
            },
        });
        Case::new(&format!("{name}{what}"), unit, bare::RECIPE, measured.collect())
    };
    let mut wait = case(": wait", Unit::Microseconds, |tally| tally.waits.clone());
    let mut longest_wait = case(": longest wait", Unit::Microseconds, |tally| tally.longest_waits.clone());
    let mut lost = case(": events lost", Unit::Count, |tally| vec![tally.lost as f64]);
    report.bars.push(Bar::new(
        &format!("{name}: events of stead that are lost"),
        Op::AtMost,
        0.0,
        lost.median(stead::SHARED),
    ));
    (wait.is_detail, longest_wait.is_detail, lost.is_detail) = (true, true, true);
    report.cases.extend([case("", Unit::PerSecond, |tally| tally.rates.clone()), wait, longest_wait, lost]);
}

/// What one subject did in all rounds.
#[derive(Default)]
struct Tally {
    /// Events a second of all processes together, for each round.
    rates: Vec<f64>,
    /// From the call to the return of each append, in microseconds.
    waits: Vec<f64>,
    longest_waits: Vec<f64>,
    /// Events that were acknowledged and are not there.
    lost: u64,
}

impl Tally {
    fn add(&mut self, subject: &str, folder: &Path, time: Duration) -> Result<()> {
        prepare(subject, folder)?;
        let path = folder.to_str().context("a path that is not UTF-8")?;
        let mut agents = start_together(NAME, &[ROLE, subject, path], PROCESSES, time)?;
        let (mut in_time, mut acknowledged, mut longest) = (0, 0, 0.0_f64);
        for agent in &mut agents {
            let numbers = agent.hear_numbers()?;
            let [done, waits @ ..] = numbers.as_slice() else { bail!("an agent says too little") };
            in_time += done;
            acknowledged += waits.len() as u64;
            for wait in waits {
                let micros = *wait as f64 / 1000.0;
                longest = longest.max(micros);
                self.waits.push(micros);
            }
        }
        self.rates.push(in_time as f64 / time.as_secs_f64());
        self.longest_waits.push(longest);
        self.lost += acknowledged.saturating_sub(count(subject, folder)?);
        Ok(())
    }
}

/// Makes what must be there before many come at once.
fn prepare(subject: &str, folder: &Path) -> Result<()> {
    match subject {
        stead::SHARED => stead::shared_appender(folder).map(drop),
        sqlite::NAME => sqlite::appender(folder).map(drop),
        _ => Ok(()),
    }
}

fn appender(subject: &str, folder: &Path) -> Result<Append> {
    match subject {
        bare::RECIPE => bare::locked_appender(folder),
        stead::SHARED => stead::shared_appender(folder),
        sqlite::NAME => sqlite::appender(folder),
        _ => bail!("nobody called {subject} appends"),
    }
}

fn count(subject: &str, folder: &Path) -> Result<u64> {
    match subject {
        bare::RECIPE => bare::count(folder),
        stead::SHARED => stead::count(folder),
        sqlite::NAME => sqlite::count(folder),
        _ => bail!("nobody counts for {subject}"),
    }
}

/// What the agent does: says `ready`; is told when to begin and when to end; says how many appends were done within that
/// time, and how long each took, in nanoseconds.
pub(super) fn serve(subject: &str, folder: &Path) -> Result<()> {
    let mut append = appender(subject, folder)?;
    let (_, end) = await_start()?;
    let (mut in_time, mut waits) = (0, Vec::new());
    let mut called = monotonic_ns();
    while called < end {
        append()?;
        let now = monotonic_ns();
        in_time += u64::from(now <= end);
        waits.push((now - called).to_string());
        called = now;
    }
    println!("{in_time} {}", waits.join(" "));
    Ok(())
}
