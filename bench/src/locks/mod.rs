//! Locks: stead beside the bare calls, the standard library, fs4, fd-lock, tokio's mutex, Python's filelock and flock(1).

mod crowd;
mod handoff;
mod many;
mod rivals;
mod run;
mod starvation;
mod tasks;
mod uncontended;
mod waiter;
mod waiting;

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::report::Report;
use crate::setup::Setup;
use crate::tools;

const NAME: &str = "locks";

pub(crate) fn run(setup: &Setup) -> Result<Report> {
    let python = tools::python_with("filelock").map_err(|error| format!("{error:#}"));
    let python = python.as_deref().map_err(String::as_str);
    let mut report = Report::new(NAME, tools::system(setup)?);
    uncontended::open_lock(setup, python, &mut report)?;
    uncontended::path(setup, python, &mut report)?;
    uncontended::queue(setup, &mut report)?;
    handoff::handoff(setup, python, &mut report)?;
    waiting::waiting(setup, python, &mut report)?;
    crowd::crowd(setup, &mut report)?;
    starvation::starvation(setup, &mut report)?;
    tasks::tasks(setup, &mut report)?;
    run::run(setup, &mut report)?;
    many::many(setup, &mut report)?;
    Ok(report)
}

pub(crate) fn agent(args: &[String]) -> Result<()> {
    match args {
        [role, subject, lock] if role == waiter::ROLE => waiter::serve(subject, Path::new(lock)),
        [role, subject, folder, count] if role == many::ROLE => {
            many::serve(subject, Path::new(folder), count.parse().context("a count of locks")?)
        }
        [role, subject, lock] if role == crowd::ROLE => crowd::serve(subject, Path::new(lock)),
        [role, subject, lock, phase] if role == starvation::READER => {
            starvation::serve_reader(subject, Path::new(lock), phase.parse().context("a phase in nanoseconds")?)
        }
        [role, subject, lock] if role == starvation::WRITER => starvation::serve_writer(subject, Path::new(lock)),
        [role, subject, lock, count] if role == tasks::ROLE => {
            tasks::serve(subject, Path::new(lock), count.parse().context("a count of tasks")?)
        }
        _ => bail!("no such agent: {args:?}"),
    }
}
