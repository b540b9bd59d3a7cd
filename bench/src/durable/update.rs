//! A JSON document whose counter many processes count up.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use ::stead::atomic::Durability;
use anyhow::{Context, Result};
use serde_json::Value;

use super::crowd::Crowd;
use super::rivals::{recipe, stead, truncating};
use super::size;
use super::tally::{Contest, Tally, cases};
use crate::measure::{Measured, Samples};
use crate::report::{Bar, Case, Op, Report, Unit, ratio};
use crate::setup::Setup;

/// The first argument of an agent that updates.
pub(super) const ROLE: &str = "update";

const SIZES: [usize; 2] = [1 << 10, 100 << 10];
const PROCESSES: [usize; 3] = [1, 8, 64];
/// Where the bars are.
const PROCESSES_MAX: usize = 64;
const RATE_MIN: f64 = 0.85;
const LONGEST_WAIT_MAX: f64 = 0.1;

/// What went wrong with one subject and so many processes, over all sizes and rounds.
struct Harm {
    subject: &'static str,
    processes: usize,
    acknowledged: u64,
    lost: u64,
    failed: u64,
}

pub(super) fn update(setup: &Setup, report: &mut Report) {
    let mut harms: Vec<Harm> = Vec::new();
    for len in SIZES {
        let document = document(len);
        for processes in PROCESSES {
            for durability in [Durability::Full, Durability::None] {
                let subjects: &[&str] = match durability {
                    Durability::Full => &[recipe::NAME, stead::NAME],
                    _ => &[recipe::NAME, stead::NAME, truncating::NAME],
                };
                let (time, rounds) = effort(setup, processes);
                let contest = Contest { role: ROLE, subjects, durability, processes, time, rounds };
                let file = |name: &str| {
                    let path = setup.folder(&format!("update-{len}/{name}"))?.join("state.json");
                    std::fs::write(&path, &document).context("make a document")?;
                    Ok(path)
                };
                let tallies = contest.run(file, lost);
                add_harm(&mut harms, processes, &tallies);
                let name = format!("update {}, {}, {durability}", size(len), crowd(processes));
                let [rate, longest] = cases(&name, Unit::PerSecond, recipe::NAME, &tallies, report);
                if (durability, processes) == (Durability::Full, PROCESSES_MAX) {
                    bars(&name, &rate, &longest, report);
                }
                report.cases.extend([rate, longest]);
            }
        }
    }
    report_harm(&harms, report);
}

/// The time of each run, and rounds.
fn effort(setup: &Setup, processes: usize) -> (Duration, usize) {
    let seconds = if processes == PROCESSES_MAX { 6.0 } else { 2.0 };
    (Duration::from_secs_f64(setup.pick(seconds, 0.5)), setup.pick(3, 1))
}

/// How many there are, in words.
fn crowd(processes: usize) -> String {
    format!("{processes} process{}", if processes == 1 { "" } else { "es" })
}

/// A document of about this many bytes, on one line.
fn document(len: usize) -> String {
    let mut text = String::from("{\"n\":0,\"items\":[");
    for id in 0.. {
        let _ = write!(text, "{{\"id\":{id},\"name\":\"item number {id}\",\"done\":false}}");
        if text.len() >= len {
            break;
        }
        text.push(',');
    }
    text + "]}"
}

/// How many of the acknowledged updates are not in the document. One that cannot be read has lost all.
fn lost(path: &Path, crowd: &Crowd) -> Result<u64> {
    let content = std::fs::read(path).context("read the document")?;
    let n = serde_json::from_slice::<Value>(&content).ok().and_then(|document| document["n"].as_u64());
    Ok(crowd.acknowledged.saturating_sub(n.unwrap_or(0)))
}

fn bars(name: &str, rate: &Case, longest: &Case, report: &mut Report) {
    let of_recipe = |case: &Case| ratio(case.median(stead::NAME), case.median(recipe::NAME));
    let bar = Bar::new(&format!("{name}: rate, times the recipe"), Op::AtLeast, RATE_MIN, of_recipe(rate));
    let at = rate.median(recipe::NAME).map(|median| median * RATE_MIN);
    report.bars.push(bar.marked(rate, at, &format!("≥ {RATE_MIN}×")));
    let name = format!("{name}: longest wait, times the recipe's");
    report.bars.push(longest.at_most_times(&name, stead::NAME, LONGEST_WAIT_MAX, recipe::NAME));
}

fn add_harm(harms: &mut Vec<Harm>, processes: usize, tallies: &[(&'static str, Result<Tally>)]) {
    for (subject, tally) in tallies {
        let Ok(tally) = tally else { continue };
        let known = harms.iter().position(|harm| (harm.subject, harm.processes) == (*subject, processes));
        let index = known.unwrap_or_else(|| {
            harms.push(Harm { subject, processes, acknowledged: 0, lost: 0, failed: 0 });
            harms.len() - 1
        });
        harms[index].acknowledged += tally.acknowledged;
        harms[index].lost += tally.lost;
        harms[index].failed += tally.failed;
    }
}

fn report_harm(harms: &[Harm], report: &mut Report) {
    let mut case = |name: &str, count: fn(&Harm) -> u64| {
        let measured = harms.iter().map(|harm| Measured {
            name: format!("{}, {}", harm.subject, crowd(harm.processes)),
            outcome: Ok(Samples::new(vec![count(harm) as f64])),
        });
        // No ratio of counts says anything here.
        report.cases.push(Case::new(name, Unit::Count, "", measured.collect()));
    };
    case("updates acknowledged", |harm| harm.acknowledged);
    case("updates lost", |harm| harm.lost);
    case("reads of an empty or torn document", |harm| harm.failed);
    let ours: Vec<&Harm> = harms.iter().filter(|harm| harm.subject == stead::NAME).collect();
    let lost = (!ours.is_empty()).then(|| ours.iter().map(|harm| harm.lost).sum::<u64>() as f64);
    report.bars.push(Bar::new("updates of stead that are lost", Op::AtMost, 0.0, lost));
}
