//! Locks: stead beside the bare calls, the standard library, fs4, fd-lock, Python's filelock and flock(1).

mod handoff;
mod many;
mod rivals;
mod run;
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
    handoff::handoff(setup, python, &mut report)?;
    waiting::waiting(setup, python, &mut report)?;
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
        _ => bail!("no such agent: {args:?}"),
    }
}
