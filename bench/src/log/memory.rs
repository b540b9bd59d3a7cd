//! How much memory a reader of a large log needs.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::NAME;
use super::event::{LINE_LEN, line};
use super::rivals::stead;
use crate::agent::Agent;
use crate::measure::{Measured, Samples};
use crate::report::{Bar, Case, Op, Report, Unit};
use crate::setup::Setup;

/// The first argument of an agent that reads.
pub(super) const ROLE: &str = "read";

/// More than 200 MiB of lines.
const EVENTS: u64 = 1_100_000;
/// Lines are appended so many at a time: this is about reading.
const BATCH: u64 = 1_000;

/// What a reader may grow by, in MiB. The longest line might come on top of it; here it is nothing.
const LIMIT: f64 = 16.0;

const FOLLOW: &str = "stead, follow";
const WAYS: [&str; 3] = [stead::LINES, stead::READ, FOLLOW];

pub(super) fn memory(setup: &Setup, report: &mut Report) -> Result<()> {
    let folder = setup.folder("memory")?;
    write_log(&folder)?;
    let path = folder.to_str().context("a path that is not UTF-8")?;
    let measured = WAYS.iter().map(|way| Measured {
        name: (*way).to_owned(),
        outcome: grown(way, path).map(|mebibytes| Samples::new(vec![mebibytes])),
    });
    let name = format!("memory to read {} MiB", (EVENTS * LINE_LEN as u64) >> 20);
    let case = Case::new(&name, Unit::Mebibytes, "", measured.collect());
    let most = WAYS.iter().map(|way| case.median(way)).try_fold(0.0_f64, |most, one| Some(most.max(one?)));
    let bar = Bar::new(&format!("{name}: growth, in MiB"), Op::AtMost, LIMIT, most);
    report.bars.push(bar.marked(&case, Some(LIMIT), &format!("≤ {LIMIT} MiB")));
    report.cases.push(case);
    std::fs::remove_dir_all(&folder).context("remove the log")
}

fn write_log(folder: &Path) -> Result<()> {
    let mut writer = stead::unsynced_writer(folder)?;
    for first in (0..EVENTS).step_by(usize::try_from(BATCH)?) {
        let lines: Result<Vec<Vec<u8>>> = (first..first + BATCH).map(line).collect();
        writer.append_lines(&lines?)?;
    }
    Ok(())
}

fn grown(way: &str, folder: &str) -> Result<f64> {
    let mut agent = Agent::start_own(NAME, &[ROLE, way, folder])?;
    match agent.hear_numbers()?[..] {
        [events, kibibytes] => {
            ensure!(events == EVENTS, "there are {EVENTS} events, and {events} were read");
            Ok(kibibytes as f64 / 1024.0)
        }
        _ => bail!("the agent says too much"),
    }
}

/// What the agent does: reads all, and says how many events it read, and how far the peak of its resident memory is above
/// what it had before, in KiB.
pub(super) fn serve(way: &str, folder: &Path) -> Result<()> {
    let before = status("VmRSS:")?;
    let events = match way {
        stead::LINES => stead::lines(folder)?.events,
        stead::READ => stead::read(folder)?.events,
        FOLLOW => {
            let (mut follow, mut events) = (stead::reader(folder).follow(0)?, 0);
            while follow.next_line(Duration::ZERO)?.is_some() {
                events += 1;
            }
            events
        }
        _ => bail!("nobody reads like {way}"),
    };
    println!("{events} {}", status("VmHWM:")?.saturating_sub(before));
    Ok(())
}

/// A size that the kernel says of this process, in KiB.
fn status(key: &str) -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status").context("look at the memory")?;
    let value = status.lines().find_map(|line| line.strip_prefix(key)).with_context(|| format!("no {key}"))?;
    Ok(value.trim().trim_end_matches(" kB").parse()?)
}
