//! Acquire and release where nobody is in the way.

use anyhow::{Context, Result};

use super::rivals::filelock::{Cycles, Kind, Python};
use super::rivals::{Cycle, bare, fd_lock, filelock, fs4, std_file, stead};
use crate::measure::{Measured, Samples, Subject, Timed, interleaved};
use crate::report::{Bar, Case, Op, Report, Unit, ratio};
use crate::setup::Setup;

/// The size of stead's record.
const RECORD_LEN: usize = 1024;
/// A record without command and label, for comparison.
const SHORT_RECORD_LEN: usize = 120;

const FLOCK: &str = "flock+unlock";
const FLOCK_AND_SHORT_RECORD: &str = "flock+pwrite 120+unlock";
const FLOCK_AND_RECORD: &str = "flock+pwrite 1024+unlock";
const IN_LINE: &str = stead::NAME;
const QUESTION: &str = "one F_OFD_GETLK";
const WITHOUT: &str = "stead less one F_OFD_GETLK";
const PATH_FLOOR: &str = "open+flock+fstat+stat+2 pwrite+close";

/// Samples of each round; Python is slower.
const CYCLES: usize = 200;
const PYTHON_CYCLES: usize = 20;

/// A lock whose file stays open.
pub(super) fn open_lock(setup: &Setup, python: Python<'_>, report: &mut Report) -> Result<()> {
    let folder = setup.folder("open")?;
    let path = |name: &str| folder.join(name);
    let subjects = vec![
        cycles(FLOCK_AND_RECORD, bare::open_cycle_with_record(&path("bare-1024"), RECORD_LEN)),
        cycles(FLOCK_AND_SHORT_RECORD, bare::open_cycle_with_record(&path("bare-120"), SHORT_RECORD_LEN)),
        cycles(FLOCK, bare::open_cycle(&path("bare"))),
        cycles(stead::NAME, Ok(stead::open_cycle(&path("stead")))),
        cycles(stead::SHARED, Ok(stead::open_cycle_shared(&path("stead-shared")))),
        cycles(std_file::NAME, std_file::open_cycle(&path("std"))),
        cycles(fs4::NAME, fs4::open_cycle(&path("fs4"))),
        cycles(fd_lock::NAME, fd_lock::open_cycle(&path("fd-lock"))),
        Subject::new(filelock::NAME, PYTHON_CYCLES, Cycles::new(python, &path("filelock"), Kind::Object)),
    ];
    let measured = interleaved(subjects, setup.pick(200, 5));
    let case = Case::new("open lock", Unit::Microseconds, FLOCK_AND_RECORD, measured);
    let name = "open lock, times bare flock+unlock plus one record written in place";
    report.bars.push(case.at_most_times(name, stead::NAME, 4.0, FLOCK_AND_RECORD));
    report.cases.push(case);
    Ok(())
}

/// A lock file that is opened for every hold.
pub(super) fn path(setup: &Setup, python: Python<'_>, report: &mut Report) -> Result<()> {
    let folder = setup.folder("path")?;
    let path = |name: &str| folder.join(name);
    let subjects = vec![
        cycles(PATH_FLOOR, Ok(bare::path_cycle(&path("bare"), RECORD_LEN))),
        cycles(stead::NAME, Ok(stead::path_cycle(&path("stead")))),
        cycles(stead::SHARED, Ok(stead::path_cycle_shared(&path("stead-shared")))),
        cycles(stead::SIDECAR, Ok(stead::path_cycle_sidecar(&path("data.json")))),
        cycles(std_file::NAME, Ok(std_file::path_cycle(&path("std")))),
        cycles(fs4::NAME, Ok(fs4::path_cycle(&path("fs4")))),
        cycles(fd_lock::NAME, Ok(fd_lock::path_cycle(&path("fd-lock")))),
        Subject::new(filelock::NAME, PYTHON_CYCLES, Cycles::new(python, &path("filelock"), Kind::Path)),
    ];
    let measured = interleaved(subjects, setup.pick(200, 5));
    let case = Case::new("lock by path", Unit::Microseconds, PATH_FLOOR, measured);
    report.bars.push(case.at_most_times("lock by path, times the bare calls", stead::NAME, 1.6, PATH_FLOOR));
    let faster = ratio(case.median(filelock::NAME), case.median(stead::NAME));
    report.bars.push(Bar::new("lock by path, times faster than Python's filelock", Op::AtLeast, 10.0, faster));
    report.cases.push(case);
    Ok(())
}

/// What it costs to ask whether anybody is in line: the cycle beside the same one less that one call.
pub(super) fn queue(setup: &Setup, report: &mut Report) -> Result<()> {
    let folder = setup.folder("queue")?;
    let path = |name: &str| folder.join(name);
    let subjects = vec![
        cycles(IN_LINE, Ok(stead::open_cycle_in_line(&path("line")))),
        cycles(stead::BARGING, Ok(stead::open_cycle_barging(&path("barging")))),
        cycles(QUESTION, bare::question(&path("question"))),
    ];
    let mut measured = interleaved(subjects, setup.pick(200, 5));
    let samples = |name: &str| measured.iter().find(|one| one.name == name)?.outcome.as_ref().ok();
    let without = samples(IN_LINE).zip(samples(QUESTION).and_then(Samples::median));
    let outcome = without.map(|(samples, question)| samples.less(question)).context("one of the two is missing");
    measured.insert(0, Measured { name: WITHOUT.to_owned(), outcome });
    let case = Case::new("open lock, may wait", Unit::Microseconds, WITHOUT, measured);
    let name = "open lock, may wait, times the same less the one call of the queue";
    report.bars.push(case.at_most_times(name, IN_LINE, 1.15, WITHOUT));
    report.cases.push(case);
    Ok(())
}

fn cycles(name: &str, cycle: Result<impl Cycle>) -> Subject {
    Subject::new(name, CYCLES, cycle.map(Timed))
}
