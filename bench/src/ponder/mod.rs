//! The journal: ponder beside jrnl from `PyPI`, and the bare calls.

mod add;
mod editor;
mod home;
mod jrnl;
mod prose;
mod search;

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::report::Report;
use crate::setup::Setup;
use crate::tools;

const NAME: &str = "ponder";
/// How ponder is called in a report; what it does otherwise than usual is added to it.
const PONDER: &str = "ponder";

pub(crate) fn run(setup: &Setup) -> Result<Report> {
    let ponder = tools::ponder_command()?;
    let jrnl = jrnl::install().map_err(|error| format!("{error:#}"));
    let jrnl = jrnl.as_ref().map_err(String::as_str);
    let mut system = tools::system(setup)?;
    system["jrnl"] = jrnl.ok().map(|jrnl| jrnl.version.as_str()).into();
    let mut report = Report::new(NAME, system).about(PONDER);
    editor::editor(setup, &ponder, jrnl, &mut report)?;
    add::add(setup, &ponder, jrnl, &mut report)?;
    search::search(setup, &ponder, jrnl, &mut report)?;
    Ok(report)
}

pub(crate) fn agent(args: &[String]) -> Result<()> {
    match args {
        // The editor gets a draft, too.
        [role, told, ..] if role == editor::ROLE => editor::tell(Path::new(told)),
        [role, path, text] if role == add::ROLE => add::append(Path::new(path), text),
        _ => bail!("no such agent: {args:?}"),
    }
}

/// Runs a command to its end, without a terminal, and insists on its success.
fn run_quietly(mut command: Command) -> Result<()> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let status = command.status().with_context(|| format!("run {}", command.get_program().display()))?;
    ensure!(status.success(), "{} ends with {status}", command.get_program().display());
    Ok(())
}
