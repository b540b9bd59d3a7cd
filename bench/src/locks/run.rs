//! A command under a lock, from the shell: fork, exec, lock and end.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::measure::{Probe, Subject, Timed, interleaved};
use crate::report::{Case, Report, Unit};
use crate::setup::Setup;
use crate::tools;

const STEAD: &str = "stead run";
const STEAD_FLOCK: &str = "stead flock";
const FLOCK: &str = "flock(1)";
const ALONE: &str = "the command alone";
const PER_ROUND: usize = 10;

pub(super) fn run(setup: &Setup, report: &mut Report) -> Result<()> {
    let folder = setup.folder("run")?;
    let stead = tools::stead_command(setup);
    let stead = |words: &[&OsStr]| match &stead {
        Ok(stead) => prefixed([stead.as_os_str()].iter().chain(words).map(OsString::from).collect()),
        Err(error) => Err(anyhow::anyhow!("{error:#}")),
    };
    let [stead_lock, flock_lock] = ["stead", "stead-flock"].map(|name| folder.join(name));
    let subjects = vec![
        Subject::new(FLOCK, PER_ROUND, prefixed(vec!["flock".into(), folder.join("flock").into()])),
        Subject::new(STEAD, PER_ROUND, stead(&["run".as_ref(), stead_lock.as_ref(), "--".as_ref()])),
        Subject::new(STEAD_FLOCK, PER_ROUND, stead(&["flock".as_ref(), flock_lock.as_ref()])),
        Subject::new(ALONE, PER_ROUND, prefixed(Vec::new())),
    ];
    let measured = interleaved(subjects, setup.pick(60, 3));
    let case = Case::new("run `true`", Unit::Microseconds, FLOCK, measured);
    report.bars.push(case.at_most_times("stead run, times flock(1)", STEAD, 1.6, FLOCK));
    report.cases.push(case);
    Ok(())
}

/// Runs `true` behind `prefix`. That a command behind it is run at all is seen first.
fn prefixed(prefix: Vec<OsString>) -> Result<impl Probe + 'static> {
    let output = tools::run(&mut command(&prefix, &["printf", "ran"]))?;
    ensure!(output.stdout == b"ran", "`{}` does not run the command", Path::new(&prefix[0]).display());
    Ok(Timed(move || {
        let mut command = command(&prefix, &["true"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let status = command.status().context("run `true`")?;
        ensure!(status.success(), "it ends with {status}");
        Ok(())
    }))
}

fn command(prefix: &[OsString], command: &[&str]) -> Command {
    let mut words = prefix.iter().cloned().chain(command.iter().map(OsString::from));
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words);
    command
}
