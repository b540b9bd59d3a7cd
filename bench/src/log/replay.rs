//! A long log, read from its beginning. It was written a moment ago, so that no disk is asked.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::at_least_times;
use super::rivals::{Read, eventfold, stead};
use super::throughput::Throughput;
use crate::measure::{Subject, interleaved};
use crate::report::{Case, Report, Unit};
use crate::setup::Setup;

/// The least that stead may do, times eventfold.
const TYPED_MIN: f64 = 1.15;
const RAW_MIN: f64 = 5.0;

const SEGMENTS: u64 = 50;

pub(super) fn replay(setup: &Setup, report: &mut Report) -> Result<()> {
    let events = setup.pick(500_000, 50_000);
    let rounds = setup.pick(11, 15);
    // The same bytes for all.
    let folder = setup.folder("replay/one")?;
    stead::write_log(&folder, events, 1)?;
    let subjects = vec![
        subject(eventfold::READ_FROM, events, &folder, eventfold::read_from),
        subject(stead::READ, events, &folder, stead::read),
        subject(stead::READ_FROM, events, &folder, stead::read_from),
        subject(stead::LINES, events, &folder, stead::lines),
    ];
    let name = format!("replay {events} events");
    let case = Case::new(&name, Unit::PerSecond, eventfold::READ_FROM, interleaved(subjects, rounds));
    let bar = |what: &str, subject, limit| {
        let name = format!("{name}, {what}: events per second, times eventfold");
        at_least_times(&case, &name, subject, limit, eventfold::READ_FROM)
    };
    report.bars.extend([bar("typed", stead::READ, TYPED_MIN), bar("raw", stead::LINES, RAW_MIN)]);
    report.cases.push(case);

    let (folder, rival) = (setup.folder("replay/segments")?, setup.folder("replay/frames")?);
    stead::write_log(&folder, events, SEGMENTS)?;
    let archive = eventfold::write_log(&rival, events, SEGMENTS);
    let archived: Result<PathBuf> = archive.map(|()| rival);
    let subjects = vec![
        match archived {
            Ok(rival) => subject(eventfold::READ_FULL, events, &rival, eventfold::read_full),
            Err(error) => Subject::new(eventfold::READ_FULL, 1, Err::<Throughput<fn() -> Result<()>>, _>(error)),
        },
        subject(stead::READ, events, &folder, stead::read),
        subject(stead::LINES, events, &folder, stead::lines),
    ];
    let name = format!("replay {events} events, rotated {SEGMENTS} times");
    let mut case = Case::new(&name, Unit::PerSecond, eventfold::READ_FULL, interleaved(subjects, setup.pick(3, 1)));
    case.is_detail = true;
    report.cases.push(case);
    Ok(())
}

fn subject(name: &str, events: u64, folder: &Path, read: Read) -> Subject {
    let folder = folder.to_path_buf();
    let step = move || {
        let seen = read(&folder).context("read the log")?;
        ensure!(seen.events == events && seen.sum > 0, "there are {events} events, and {} were read", seen.events);
        Ok(())
    };
    Subject::new(name, 1, Ok(Throughput { events, step }))
}
