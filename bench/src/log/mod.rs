//! The event log: stead beside the bare calls, eventfold, `SQLite` and redb. Every event is a line of 200 bytes.

mod alone;
mod batch;
mod crowd;
mod event;
mod follow;
mod memory;
mod replay;
mod rivals;
mod rotation;
mod throughput;
mod unsynced;

use anyhow::{Context, Result, bail};

use crate::report::{Bar, Case, Op, Report, ratio};
use crate::setup::Setup;
use crate::tools;

const NAME: &str = "log";

pub(crate) fn run(setup: &Setup) -> Result<Report> {
    let mut report = Report::new(NAME, tools::system(setup)?);
    alone::alone(setup, &mut report);
    crowd::crowd(setup, &mut report);
    batch::batch(setup, &mut report);
    unsynced::unsynced(setup, &mut report);
    replay::replay(setup, &mut report)?;
    memory::memory(setup, &mut report)?;
    follow::follow(setup, &mut report);
    rotation::rotation(setup, &mut report);
    Ok(report)
}

pub(crate) fn agent(args: &[String]) -> Result<()> {
    match args {
        [role, subject, path] if role == crowd::ROLE => crowd::serve(subject, path.as_ref()),
        [role, way, folder] if role == memory::ROLE => memory::serve(way, folder.as_ref()),
        [role, subject, folder, count] if role == follow::ROLE => {
            follow::serve(subject, folder.as_ref(), count.parse().context("a count of events")?)
        }
        _ => bail!("no such agent: {args:?}"),
    }
}

/// The bar that the median of `subject`, a rate, is at least `limit` times that of `floor`.
fn at_least_times(case: &Case, name: &str, subject: &str, limit: f64, floor: &str) -> Bar {
    let floor = case.median(floor);
    let bar = Bar::new(name, Op::AtLeast, limit, ratio(case.median(subject), floor));
    bar.marked(case, floor.map(|floor| floor * limit), &format!("≥ {limit}×"))
}
