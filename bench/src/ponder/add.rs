//! A thought that is added without an editor: a whole process, at the end of which it is on the disk.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use jiff::ToSpan;
use jiff::civil::date;

use super::home::Home;
use super::jrnl::{Journal, Jrnl};
use super::{NAME, PONDER, run_quietly};
use crate::agent;
use crate::measure::{Probe, Subject, Timed, interleaved};
use crate::report::{Case, Report, Unit};
use crate::setup::Setup;
use crate::tools;

/// The first argument of an agent that appends.
pub(super) const ROLE: &str = "append";

const FLOOR: &str = "write+fdatasync";
const NEW_DAY: &str = "ponder, a new day";
const RIVAL: &str = "jrnl, no sync";
const TEXT: &str = "A thought that came on the way home, and that must not be lost before the morning comes.";
const PER_ROUND: usize = 10;

/// The most that ponder may take, times the floor.
const LIMIT: f64 = 3.0;

pub(super) fn add(setup: &Setup, ponder: &Path, jrnl: Result<&Jrnl, &str>, report: &mut Report) -> Result<()> {
    let rival = Journal::new(jrnl, Home::new(setup, "add/jrnl")?, "", "");
    let rival = rival.map(|journal| Timed(move || run_quietly(journal.command(&[TEXT]))));
    let subjects = vec![
        Subject::new(FLOOR, PER_ROUND, bare(setup)),
        Subject::new(PONDER, PER_ROUND, added(setup, ponder)),
        Subject::new(NEW_DAY, PER_ROUND, begun(setup, ponder)),
        Subject::new(RIVAL, 1, rival),
    ];
    let measured = interleaved(subjects, setup.pick(40, 3));
    let case = Case::new("add", Unit::Microseconds, FLOOR, measured);
    report.bars.push(case.at_most_times("ponder add, times a process that appends and syncs", PONDER, LIMIT, FLOOR));
    report.cases.push(case);
    Ok(())
}

/// What ponder adds for a text.
fn bytes() -> String {
    format!("\n## 14:05\n\n{TEXT}\n")
}

/// The least that any program has to do.
fn bare(setup: &Setup) -> Result<impl Probe + 'static> {
    // A folder as deep as that of an entry.
    let path = setup.folder("add/bare/entries/2026/11")?.join("21.md");
    File::create(&path).context("make a file")?;
    let program = std::env::current_exe().context("find this program")?;
    Ok(Timed(move || {
        let mut command = Command::new(&program);
        command.args([agent::COMMAND, NAME, ROLE]).arg(&path).arg(bytes());
        run_quietly(command)
    }))
}

/// What the agent does.
pub(super) fn append(path: &Path, text: &str) -> Result<()> {
    let mut file = OpenOptions::new().append(true).open(path).context("open a file")?;
    file.write_all(text.as_bytes()).context("append")?;
    file.sync_data().context("sync")
}

/// ponder, to an entry that is there. That it appends what the floor does is seen first.
fn added(setup: &Setup, ponder: &Path) -> Result<impl Probe + 'static> {
    const DAY: &str = "2026-11-21";
    let (home, ponder) = (Home::new(setup, "add/ponder")?, ponder.to_path_buf());
    let command = move || {
        let mut command = home.command(&ponder);
        command.args(["add", "--date", DAY, TEXT]);
        (command, home.entries.join("2026/11/21.md"))
    };
    let length = || {
        let (mut command, entry) = command();
        tools::run(&mut command)?;
        entry.metadata().map(|metadata| metadata.len()).context("look at an entry")
    };
    let (before, after) = (length()?, length()?);
    let grown = usize::try_from(after - before)?;
    ensure!(grown == bytes().len(), "ponder added {grown} bytes, not {}", bytes().len());
    Ok(Timed(move || run_quietly(command().0)))
}

/// ponder, to an entry that is not there, each time another one.
fn begun(setup: &Setup, ponder: &Path) -> Result<impl Probe + 'static> {
    let (home, ponder) = (Home::new(setup, "add/begun")?, ponder.to_path_buf());
    let mut day = date(1990, 1, 1);
    Ok(Timed(move || {
        let mut command = home.command(&ponder);
        command.args(["add", "--date", &day.to_string(), TEXT]);
        day = day.checked_add(1.day())?;
        run_quietly(command)
    }))
}
