//! Many processes that want one lock again and again, each for a moment.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Error, Result, bail, ensure};

use super::NAME;
use super::rivals::{bare, holder, stead};
use crate::agent::{await_start, monotonic_ns, start_together};
use crate::measure::{Measured, Samples, micros};
use crate::report::{Bar, Case, Op, Report, Unit, ratio};
use crate::setup::Setup;

/// The first argument of an agent that takes turns.
pub(super) const ROLE: &str = "turns";

const SUBJECTS: [&str; 3] = [bare::NAME, stead::NAME, stead::BARGING];

/// Whoever has the lock works for this long.
const HOLD: Duration = Duration::from_micros(200);

const DEVIATION_PERCENT_MAX: f64 = 10.0;
const ROUNDS_WAITED_MAX: f64 = 3.0;
const OF_BARGING_MIN: f64 = 0.85;

pub(super) fn crowd(setup: &Setup, report: &mut Report) -> Result<()> {
    let (processes, time) = (setup.pick(64, 16), Duration::from_secs_f64(setup.pick(5.0, 0.5)));
    let mut tallies = SUBJECTS.map(|subject| (subject, Ok::<_, Error>(Tally::default())));
    for round in 0..setup.pick(3, 1) {
        for turn in 0..tallies.len() {
            let index = (round + turn) % tallies.len();
            let (subject, Ok(tally)) = &mut tallies[index] else { continue };
            let lock = setup.folder("crowd")?.join(format!("{subject}-{round}"));
            if let Err(error) = tally.add(subject, &lock, processes, time) {
                tallies[index].1 = Err(error);
            }
        }
    }
    let name = format!("{processes} processes, one lock");
    let case = |what: &str, unit, samples: fn(&Tally) -> &Vec<f64>| {
        let measured = tallies.iter().map(|(subject, tally)| Measured {
            name: (*subject).to_owned(),
            outcome: match tally {
                Ok(tally) => Ok(Samples::new(samples(tally).clone())),
                Err(error) => Err(anyhow::anyhow!("{error:#}")),
            },
        });
        Case::new(&format!("{name}{what}"), unit, bare::NAME, measured.collect())
    };
    let rate = case(": turns", Unit::PerSecond, |tally| &tally.rates);
    let uneven = case(": uneven by", Unit::Percent, |tally| &tally.uneven);
    let longest = case(": longest wait", Unit::Microseconds, |tally| &tally.longest);
    let mut fewest = case(": fewest turns, of the mean", Unit::Percent, |tally| &tally.fewest);
    let mut most = case(": most turns, of the mean", Unit::Percent, |tally| &tally.most);
    (fewest.is_detail, most.is_detail) = (true, true);

    let worst = |samples: fn(&Tally) -> &Vec<f64>| {
        let ours = tallies.iter().find(|(subject, _)| *subject == stead::NAME)?.1.as_ref().ok()?;
        samples(ours).iter().copied().reduce(f64::max)
    };
    let bar = |what: &str, op, limit, value| Bar::new(&format!("{name}: {what}"), op, limit, value);
    let all_once = micros(HOLD) * processes as f64;
    report.bars.extend([
        bar(
            "% from an even share, of the process furthest from it, in the worst round",
            Op::AtMost,
            DEVIATION_PERCENT_MAX,
            worst(|tally| &tally.uneven),
        )
        .marked(&uneven, Some(DEVIATION_PERCENT_MAX), &format!("≤ {DEVIATION_PERCENT_MAX} %")),
        bar(
            "longest wait in the worst round, times all holds once",
            Op::AtMost,
            ROUNDS_WAITED_MAX,
            ratio(worst(|tally| &tally.longest), Some(all_once)),
        )
        .marked(&longest, Some(all_once * ROUNDS_WAITED_MAX), &format!("≤ {ROUNDS_WAITED_MAX}×")),
        bar(
            "turns, times those of stead, barging",
            Op::AtLeast,
            OF_BARGING_MIN,
            ratio(rate.median(stead::NAME), rate.median(stead::BARGING)),
        )
        .marked(
            &rate,
            rate.median(stead::BARGING).map(|rate| rate * OF_BARGING_MIN),
            &format!("≥ {OF_BARGING_MIN}× barging"),
        ),
    ]);
    report.cases.extend([rate, uneven, longest, fewest, most]);
    Ok(())
}

/// What one subject did, a sample for each round.
#[derive(Default)]
struct Tally {
    /// Turns a second of all processes together.
    rates: Vec<f64>,
    /// The share of the one that had the fewest turns, and of the one that had the most, in percent of the mean.
    fewest: Vec<f64>,
    most: Vec<f64>,
    /// The larger of the two distances from the mean.
    uneven: Vec<f64>,
    /// In microseconds.
    longest: Vec<f64>,
}

impl Tally {
    fn add(&mut self, subject: &str, lock: &Path, processes: usize, time: Duration) -> Result<()> {
        let path = lock.to_str().context("a path that is not UTF-8")?;
        let mut agents = start_together(NAME, &[ROLE, subject, path], processes, time)?;
        let (mut turns, mut longest) = (Vec::new(), 0);
        for agent in &mut agents {
            let [done, wait] = agent.hear_numbers()?[..] else { bail!("an agent says too much") };
            turns.push(done as f64);
            longest = longest.max(wait);
        }
        let all: f64 = turns.iter().sum();
        ensure!(all > 0.0, "nobody had a turn");
        let share = |turns: f64| 100.0 * turns * processes as f64 / all;
        let fewest = share(turns.iter().copied().fold(f64::MAX, f64::min));
        let most = share(turns.iter().copied().fold(0.0, f64::max));
        self.rates.push(all / time.as_secs_f64());
        self.fewest.push(fewest);
        self.most.push(most);
        self.uneven.push((100.0 - fewest).max(most - 100.0));
        self.longest.push(longest as f64 / 1000.0);
        Ok(())
    }
}

/// What the agent does: says `ready`; is told when to begin and when to end; says how many turns were wholly within that
/// time, and how long the longest wait was that began in it, in nanoseconds.
pub(super) fn serve(subject: &str, lock: &Path) -> Result<()> {
    let mut holder = holder(subject, lock)?;
    // Once before it counts: the file is made, and opened.
    holder.hold()?;
    holder.release()?;
    let (_, end) = await_start()?;
    let (mut turns, mut longest) = (0, 0);
    let mut called = monotonic_ns();
    while called < end {
        holder.hold()?;
        let granted = monotonic_ns();
        while monotonic_ns() < granted + nanoseconds(HOLD) {
            std::hint::spin_loop();
        }
        holder.release()?;
        let released = monotonic_ns();
        turns += u64::from(released <= end);
        longest = longest.max(granted - called);
        called = released;
    }
    println!("{turns} {longest}");
    Ok(())
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
