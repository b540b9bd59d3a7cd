//! From the start of a journal to that of its editor.
//!
//! The editor is this program as an agent. It tells when it runs, by the clock that all processes share.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::home::Home;
use super::jrnl::{self, Journal, Jrnl};
use super::{NAME, PONDER, run_quietly};
use crate::agent::{self, monotonic_ns};
use crate::measure::{Probe, Subject, interleaved};
use crate::report::{Case, Report, Unit};
use crate::setup::Setup;
use crate::tools;

/// The first argument of an agent that is an editor.
pub(super) const ROLE: &str = "editor";

const ALONE: &str = "the editor alone";
const PER_ROUND: usize = 10;
/// There is an entry of it.
const DAY: &str = "2026-11-20";

pub(super) fn editor(setup: &Setup, ponder: &Path, jrnl: Result<&Jrnl, &str>, report: &mut Report) -> Result<()> {
    let program = std::env::current_exe().context("find this program")?;
    let told = setup.folder("editor")?.join("told");
    let line = editor_line(&program, &told)?;
    let home = Home::new(setup, "editor/ponder")?;
    let rival_home = Home::new(setup, "editor/jrnl")?;
    tools::run(home.command(ponder).args(["add", "--date", DAY, "It rained."]))?;

    let (ponder, ponder_line) = (ponder.to_path_buf(), line.clone());
    let opened = move || {
        let mut command = home.command(&ponder);
        command.args(["--date", DAY, "--editor", &ponder_line]);
        command
    };
    let alone_told = told.clone();
    let alone = move || {
        let mut command = Command::new(&program);
        command.args([agent::COMMAND, NAME, ROLE]).arg(&alone_told).arg("draft");
        command
    };
    let launch = |command: Box<dyn FnMut() -> Command>| Launch { command, told: told.clone() };
    // Without a terminal it opens the editor for an entry that is begun on the command line only.
    let rival = Journal::new(jrnl, rival_home, &line, "")
        .map(|journal| launch(Box::new(move || journal.command(&["--edit", "It", "rained."]))));
    let subjects = vec![
        Subject::new(ALONE, PER_ROUND, Ok(launch(Box::new(alone)))),
        Subject::new(PONDER, PER_ROUND, Ok(launch(Box::new(opened)))),
        Subject::new(jrnl::NAME, 1, rival),
    ];
    let measured = interleaved(subjects, setup.pick(30, 3));
    report.cases.push(Case::new("start to editor", Unit::Microseconds, ALONE, measured));
    Ok(())
}

/// The editor as it is named in a configuration, which is split like a line of a shell.
fn editor_line(program: &Path, told: &Path) -> Result<String> {
    let words = [program.to_str(), Some(agent::COMMAND), Some(NAME), Some(ROLE), told.to_str()];
    let words = words.map(|word| word.context("a path that is not UTF-8"));
    let words = words.into_iter().collect::<Result<Vec<_>>>()?;
    ensure!(words.iter().all(|word| !word.contains('\'')), "a path with a quote: {words:?}");
    Ok(words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" "))
}

/// Times from the start of a command to that of the editor, in microseconds.
struct Launch {
    command: Box<dyn FnMut() -> Command>,
    told: PathBuf,
}

impl Launch {
    fn once(&mut self) -> Result<f64> {
        let command = (self.command)();
        let spawned = monotonic_ns();
        run_quietly(command)?;
        let launched = std::fs::read_to_string(&self.told).context("hear when the editor ran")?;
        let launched: u64 = launched.parse().with_context(|| format!("not a time: {launched}"))?;
        ensure!(launched > spawned, "no editor ran");
        Ok((launched - spawned) as f64 / 1000.0)
    }
}

impl Probe for Launch {
    fn sample(&mut self, count: usize, samples: &mut Vec<f64>) -> Result<()> {
        // As in `measure`: none pays for what its predecessor left.
        for _ in 0..count / 10 {
            self.once()?;
        }
        for _ in 0..count {
            samples.push(self.once()?);
        }
        Ok(())
    }
}

/// What the editor does: writes down at what time it ran, and changes nothing.
pub(super) fn tell(told: &Path) -> Result<()> {
    let now = monotonic_ns();
    std::fs::write(told, now.to_string()).context("tell when the editor ran")
}
