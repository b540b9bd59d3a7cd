//! How soon a process that waits for events has them.
//!
//! One process appends with stead, without a sync, every few milliseconds; another follows in its own way. The latency is
//! from the instant at which the append returned to that at which the follower has the line, by the same clock in both: what
//! it takes beyond the write. A follower that has the line before the writer is back is counted as 0.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Error, Result, ensure};

use super::NAME;
use super::event::event;
use super::rivals::{bare, eventfold, follower, poll, stead};
use crate::agent::{Agent, monotonic_ns};
use crate::measure::{Measured, Samples};
use crate::report::{Bar, Case, Op, Report, Unit};
use crate::setup::Setup;

/// The first argument of an agent that follows.
pub(super) const ROLE: &str = "follow";

const SUBJECTS: [&str; 4] = [bare::FOLLOW, stead::NAME, eventfold::NAME, poll::NAME];

/// The longest that the median may be, in microseconds.
const LIMIT: f64 = 200.0;

/// How long a follower waits for an event before it gives up.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

pub(super) fn follow(setup: &Setup, report: &mut Report) {
    let events = setup.pick(250, 100);
    let mut outcomes = SUBJECTS.map(|subject| (subject, Ok::<_, Error>(Vec::new())));
    for round in 0..setup.pick(6, 1) {
        for turn in 0..outcomes.len() {
            let index = (round + turn) % outcomes.len();
            let (subject, Ok(samples)) = &mut outcomes[index] else { continue };
            let folder = setup.folder(&format!("follow/{subject}-{round}"));
            match folder.and_then(|folder| latencies(subject, &folder, events)) {
                Ok(latencies) => samples.extend(latencies),
                Err(error) => outcomes[index].1 = Err(error),
            }
        }
    }
    let measured = outcomes
        .into_iter()
        .map(|(subject, samples)| Measured { name: subject.to_owned(), outcome: samples.map(Samples::new) });
    let case = Case::new("follow: latency", Unit::Microseconds, bare::FOLLOW, measured.collect());
    let bar = Bar::new("follow: median latency, in µs", Op::AtMost, LIMIT, case.median(stead::NAME));
    report.bars.push(bar.marked(&case, Some(LIMIT), "≤ 200 µs"));
    report.cases.push(case);
}

fn latencies(subject: &str, folder: &Path, events: usize) -> Result<Vec<f64>> {
    let mut writer = stead::unsynced_writer(folder)?;
    let path = folder.to_str().context("a path that is not UTF-8")?;
    let mut agent = Agent::start_own(NAME, &[ROLE, subject, path, &events.to_string()])?;
    let reply = agent.hear()?;
    ensure!(reply == "ready", "an agent says {reply}");
    agent.until_asleep()?;
    let mut returned = Vec::with_capacity(events);
    for number in 0..events as u64 {
        std::thread::sleep(pause(number));
        let event = event(number);
        writer.append(&event)?;
        returned.push(monotonic_ns());
    }
    let received = agent.hear_numbers()?;
    ensure!(received.len() == events, "{events} events were appended, and {} received", received.len());
    let latency = |(received, returned): (&u64, &u64)| received.saturating_sub(*returned) as f64 / 1000.0;
    Ok(received.iter().zip(&returned).map(latency).collect())
}

/// From 2 to 6 ms, in no step with anybody who polls.
fn pause(number: u64) -> Duration {
    let spread = number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    Duration::from_micros(2_000 + spread % 4_000)
}

/// What the agent does: says `ready`, and when it has had all events, at what times it had them, in nanoseconds.
pub(super) fn serve(subject: &str, folder: &Path, events: usize) -> Result<()> {
    let mut next = follower(subject, folder)?;
    println!("ready");
    let received: Result<Vec<String>> = (0..events)
        .map(|_| {
            next()?;
            Ok(monotonic_ns().to_string())
        })
        .collect();
    println!("{}", received?.join(" "));
    Ok(())
}
