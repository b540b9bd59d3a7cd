//! A rare word in the entries of many years. They were written a moment ago, so that no disk is asked.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::home::Home;
use super::jrnl::{self, Journal, Jrnl};
use super::prose::{self, Day, RARE};
use super::{PONDER, run_quietly};
use crate::measure::{Probe, Subject, Timed, interleaved};
use crate::report::{Bar, Case, Op, Report, Unit, ratio};
use crate::setup::Setup;
use crate::tools;

const GREP: &str = "grep -ril";
const PER_ROUND: usize = 10;

/// How many times as fast as jrnl ponder is at least.
const LIMIT: f64 = 20.0;

pub(super) fn search(setup: &Setup, ponder: &Path, jrnl: Result<&Jrnl, &str>, report: &mut Report) -> Result<()> {
    let count = setup.pick(10_000, 1_000);
    let days = prose::days(count);
    let home = Home::new(setup, "search/ponder")?;
    write_entries(&days, &home.entries)?;
    let journal = Journal::new(jrnl, Home::new(setup, "search/jrnl")?, "", &jrnl_text(&days));
    // What is still to be written would be written while it is measured.
    rustix::fs::sync();

    let expected = prose::rare_count(count);
    let entries = home.entries.clone();
    let grep = move || {
        let mut command = Command::new("grep");
        command.args(["-ril", RARE]).arg(&entries);
        command
    };
    let ponder = ponder.to_path_buf();
    let searched = move || {
        let mut command = home.command(&ponder);
        command.args(["search", RARE]);
        command
    };
    let json = |command: &mut Command| tools::run(command.arg("--json")).map(|output| lines(&output.stdout));
    let subjects = vec![
        Subject::new(GREP, PER_ROUND, finds(grep, expected, |grep| Ok(lines(&tools::run(grep)?.stdout)))),
        Subject::new(PONDER, PER_ROUND, finds(searched, expected, json)),
        Subject::new(
            jrnl::NAME,
            1,
            journal.and_then(|journal| {
                finds(
                    move || journal.command(&["-contains", RARE]),
                    expected,
                    |jrnl| {
                        let output = tools::run(jrnl.args(["--format", "json"]))?;
                        let found: Value = serde_json::from_slice(&output.stdout).context("read what jrnl found")?;
                        Ok(found["entries"].as_array().map_or(0, Vec::len))
                    },
                )
            }),
        ),
    ];
    let measured = interleaved(subjects, setup.pick(15, 2));
    let case = Case::new(&format!("search {count} entries"), Unit::Microseconds, GREP, measured);
    let rival = case.median(jrnl::NAME);
    let speed = ratio(rival, case.median(PONDER));
    let bar = Bar::new(&format!("search {count} entries: speed, times jrnl"), Op::AtLeast, LIMIT, speed);
    report.bars.push(bar.marked(&case, rival.map(|rival| rival / LIMIT), &format!("≥ {LIMIT}× jrnl's speed")));
    report.cases.push(case);
    Ok(())
}

/// Times a search, which finds what there is: that is seen first, by `count`.
fn finds(
    search: impl Fn() -> Command + 'static,
    expected: usize,
    count: impl FnOnce(&mut Command) -> Result<usize>,
) -> Result<impl Probe + 'static> {
    let found = count(&mut search())?;
    ensure!(found == expected, "{expected} entries have the word, and {found} were found");
    Ok(Timed(move || run_quietly(search())))
}

fn lines(output: &[u8]) -> usize {
    output.split_inclusive(|byte| *byte == b'\n').count()
}

/// A file for each day, as ponder writes it.
fn write_entries(days: &[Day], folder: &Path) -> Result<()> {
    for day in days {
        let file = folder.join(day.date.strftime("%Y/%m/%d.md").to_string());
        let month = file.parent().context("a file without a folder")?;
        std::fs::create_dir_all(month).context("make the folder of a month")?;
        let heading = day.date.strftime("# %Y-%m-%d %A");
        std::fs::write(&file, format!("{heading}\n\n## 09:00\n\n{}\n", day.text)).context("write an entry")?;
    }
    Ok(())
}

/// The same in one file, as jrnl writes it.
fn jrnl_text(days: &[Day]) -> String {
    days.iter().fold(String::new(), |mut journal, day| {
        let _ = writeln!(journal, "[{} 09:00] {}\n", day.date, day.text);
        journal
    })
}
