//! A file to which many processes append lines.

use std::path::Path;
use std::time::Duration;

use ::stead::atomic::Durability;
use anyhow::{Context, Result};

use super::crowd::Crowd;
use super::rivals::{bare, is_whole, stead};
use super::tally::{Contest, cases};
use crate::measure::{Measured, Samples};
use crate::report::{Bar, Case, Op, Report, Unit};
use crate::setup::Setup;

/// The first argument of an agent that appends.
pub(super) const ROLE: &str = "append";

pub(super) fn append(setup: &Setup, report: &mut Report) {
    let processes = setup.pick(64, 8);
    let mut torn = Vec::new();
    for (durability, floor) in [(Durability::Full, bare::APPEND_LOCKED), (Durability::None, bare::APPEND)] {
        let subjects = &[floor, stead::NAME];
        let (time, rounds) = (Duration::from_secs_f64(setup.pick(3.0, 0.5)), setup.pick(3, 1));
        let contest = Contest { role: ROLE, subjects, durability, processes, time, rounds };
        let file = |name: &str| {
            let path = setup.folder(&format!("append/{name}"))?.join("lines.txt");
            std::fs::write(&path, "").context("make a file")?;
            Ok(path)
        };
        let tallies = contest.run(file, lost);
        let name = format!("append 100 bytes, {processes} processes, {durability}");
        let both = cases(&name, Unit::PerSecond, floor, &tallies, report);
        report.cases.extend(both);
        torn.extend(tallies.into_iter().map(|(subject, tally)| Measured {
            name: format!("{subject}, {durability}"),
            outcome: tally.map(|tally| Samples::new(vec![tally.lost as f64])),
        }));
    }
    let case = Case::new("lines lost or torn", Unit::Count, "", torn);
    let ours = |durability| case.median(&format!("{}, {durability}", stead::NAME));
    let lost = ours(Durability::Full).zip(ours(Durability::None)).map(|(full, none)| full + none);
    report.bars.push(Bar::new("lines of stead that are lost or torn", Op::AtMost, 0.0, lost));
    report.cases.push(case);
}

/// Acknowledged lines that are not there, and lines that are not whole.
fn lost(path: &Path, crowd: &Crowd) -> Result<u64> {
    let content = std::fs::read(path).context("read the lines")?;
    let lines = content.split_inclusive(|byte| *byte == b'\n');
    let is_good = |line: &&[u8]| line.strip_suffix(b"\n").is_some_and(is_whole);
    let (whole, torn): (Vec<_>, Vec<_>) = lines.partition(is_good);
    Ok(crowd.acknowledged.saturating_sub(whole.len() as u64) + torn.len() as u64)
}
